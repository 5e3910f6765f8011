"""The root command, and the one place where an exception becomes a sentence and an exit code."""

from __future__ import annotations

import json
import sys
import traceback

import click

from sealcore import __version__, errors
from sealcore.cli import (
    authorities,
    basics,
    demo,
    documents,
    imprint_registry,
    ledger_entries,
    ledger_proofs,
    ledger_publish,
    ledgers,
    office,
    register,
    sequencers,
    trade,
)

EXIT_NO, EXIT_INPUT, EXIT_REFUSED, EXIT_STORAGE, EXIT_MISSING, EXIT_BUG = 1, 3, 4, 5, 6, 70

# The first class that fits decides; narrower classes stand first.
EXIT_CODES: list[tuple[type[BaseException], int]] = [
    (errors.InvalidSignature, EXIT_NO),
    (errors.InvalidCertificate, EXIT_NO),
    (errors.NotSealed, EXIT_NO),
    (errors.AlteredAfterSealing, EXIT_NO),
    (errors.InvalidProof, EXIT_NO),
    (errors.RootMismatch, EXIT_NO),
    (errors.PolicyError, EXIT_REFUSED),
    (errors.MissingExtra, EXIT_MISSING),
    (errors.LedgerError, EXIT_STORAGE),
    (errors.StorageError, EXIT_STORAGE),
    (errors.InternalError, EXIT_BUG),
    (errors.SealcoreError, EXIT_INPUT),
    (OSError, EXIT_INPUT),
]

EPILOG = """\b
Examples:
  sealcore demo                                      the whole story in one run
  sealcore hash --algorithm sm3 contract.pdf
  sealcore key generate --algorithm sm2 -o seal.key  make a private key
  sealcore office init ./office --origin example.com/seals --unit hq --unit-name "Headquarters"
  sealcore apply company-seal contract.pdf --by zhang --purpose "supply contract"
  sealcore verify contract.sealed.pdf --root ca.pem
  sealcore ledger verify ./office/ledger --json

Exit codes: 0 done, 1 the answer is no, 2 usage, 3 unreadable input, 4 refused by authority,
5 ledger or storage, 6 something is not installed, 70 a bug.
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}, epilog=EPILOG)
@click.version_option(__version__, prog_name="sealcore")
def root() -> None:
    """Signing, the tamper-evident ledger, seal imprints, authority and sealed documents."""


for module in (basics, authorities, office, register, trade, documents, ledgers, sequencers, imprint_registry, demo):
    for command in module.COMMANDS:
        root.add_command(command)
for module in (ledger_entries, ledger_proofs, ledger_publish):
    for command in module.COMMANDS:
        ledgers.ledger.add_command(command)


def run(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    Args:
        arguments: The words after the program's name; None reads ``sys.argv``.

    Returns:
        The exit code, as listed in ``sealcore --help``.
    """
    words = sys.argv[1:] if arguments is None else arguments
    try:
        result = root.main(words, prog_name="sealcore", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # The reader went away (`| head`): what was asked for has been read.
        sys.stderr.close()
        return 0
    except Exception as error:
        return _report(error, as_json="--json" in words)
    return result if isinstance(result, int) else 0


def _report(error: Exception, *, as_json: bool) -> int:
    code = next((code for kind, code in EXIT_CODES if isinstance(error, kind)), EXIT_BUG)
    if code == EXIT_BUG:
        traceback.print_exception(error)
        click.echo("this is a bug in sealcore: please report it with the lines above", err=True)
        return code
    detail = {name: value for name in getattr(error, "_fields", ()) if (value := getattr(error, name)) is not None}
    if as_json:
        body = {"type": type(error).__name__, "message": _sentence(error), **detail}
        click.echo(json.dumps({"ok": False, "error": body}, ensure_ascii=False))
    else:
        click.echo(f"sealcore: {_sentence(error)}", err=True)
    return code


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, errors.SealcoreError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__
