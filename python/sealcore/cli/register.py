"""The register of seals: ``sealcore seals``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from sealcore import pki
from sealcore.cli.authorities import full_name
from sealcore.cli.basics import ALGORITHMS, force_option
from sealcore.cli.common import emit, existing_file, write_new
from sealcore.cli.desk import by_option, list_command, open_office, record, writes
from sealcore.sign import AlgorithmName


@click.group()
def seals() -> None:
    """The register of seals. (To seal a document: sealcore seal.)"""


@seals.command("request")
@click.argument("seal")
@click.option("-a", "--algorithm", type=ALGORITHMS, default="sm2", show_default=True)
@click.option("--subject", required=True, help="Common name, or an RFC 4514 name.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The certificate request to write."
)
@force_option
@writes
def seals_request(
    seal: str,
    algorithm: AlgorithmName,
    subject: str,
    output: Path,
    force: bool,
    directory: Path,
    password_file: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Make the key of a new SEAL inside the office and a certificate request for it."""
    with open_office(directory, password_file, wait) as registry:
        request = registry.prepare_seal_key(seal, algorithm=algorithm, subject=full_name(subject))
    write_new(output, request.csr_pem, force=force)
    emit({"file": str(output), "seal": seal}, as_json=as_json, text=f"{output}: certificate request of seal {seal}")


@seals.command("register")
@click.argument("seal")
@click.option(
    "--kind",
    type=click.Choice(["company", "contract", "finance", "personnel", "invoice", "legal_person"]),
    required=True,
)
@click.option("--unit", required=True, help="The unit that the seal belongs to.")
@click.option("--policy", required=True)
@click.option("--size-mm", type=click.FloatRange(5, 200), required=True, help="True width of the imprint.")
@click.option("--certificate", type=existing_file, required=True)
@click.option("--chain", type=existing_file, multiple=True, help="Intermediate certificate, repeatable.")
@click.option("--imprint", type=existing_file, required=True, help="PNG with a transparent background.")
@by_option
@writes
def seals_register(
    seal: str,
    kind: str,
    unit: str,
    policy: str,
    size_mm: float,
    certificate: Path,
    chain: Sequence[Path],
    imprint: Path,
    by: str,
    directory: Path,
    password_file: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Register SEAL; it starts as a draft."""
    record(
        directory,
        password_file,
        wait,
        as_json,
        lambda r: r.register_seal(
            seal,
            kind=kind,
            unit=unit,
            policy=policy,
            size_mm=size_mm,
            certificate=pki.Certificate.load(certificate.read_bytes()),
            chain=[pki.Certificate.load(p.read_bytes()) for p in chain],
            imprint=imprint.read_bytes(),
            by=by,
        ),
    )


def _state_command(verb: str, sentence: str) -> click.Command:
    @seals.command(verb, help=sentence)
    @click.argument("seal")
    @click.option("--reason", required=True, help="A word such as registered, lost-key, audit.")
    @by_option
    @writes
    def change(
        seal: str, reason: str, by: str, directory: Path, password_file: Path | None, wait: float, as_json: bool
    ) -> None:
        act = f"{verb}_seal"
        record(directory, password_file, wait, as_json, lambda r: getattr(r, act)(seal, reason=reason, by=by))

    return change


for _verb, _sentence in (
    ("activate", "Make SEAL usable."),
    ("suspend", "Stop SEAL at once, for a time."),
    ("revoke", "Stop SEAL at once, for ever."),
):
    _state_command(_verb, _sentence)


list_command(
    seals, "seals", ("id", "kind", "unit", "state", "version", "size_mm", "policy", "index"), "List the seals."
)

COMMANDS = [seals]
