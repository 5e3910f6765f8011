"""Making a ledger, appending to it, reading it, erasing from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import click

from sealcore import ledger as ledgers
from sealcore.cli.basics import HASHES, load_key, load_signer
from sealcore.cli.common import (
    any_path,
    emit,
    existing_file,
    json_option,
    password_options,
    password_source,
    progress,
    write_new,
)
from sealcore.cli.ledgers import ledger_argument, public_key
from sealcore.errors import InvalidArgument
from sealcore.hash import HashName

INDEX = click.IntRange(0, 2**64 - 1)
_BATCH = 1000
_LONGEST_LINE = 1 << 20

key_option = click.option(
    "--key", type=existing_file, required=True, help="The ledger's private key; signs checkpoints."
)
signer_option = click.option(
    "--signer",
    "signer_files",
    type=existing_file,
    multiple=True,
    help="A further private key that signs every checkpoint, such as Ed25519 for C2SP tools; repeatable.",
)


@click.command("init")
@click.argument("directory", type=any_path)
@click.option("--origin", required=True, help="The ledger's name for ever, for example example.com/seals.")
@key_option
@click.option("--founder", type=existing_file, required=True, help="The founder's public key (PEM or certificate).")
@click.option("--hash", "hash_name", type=HASHES, default="sha256", show_default=True)
@signer_option
@password_options
@json_option
def ledger_init(
    directory: Path,
    origin: str,
    key: Path,
    founder: Path,
    hash_name: HashName,
    signer_files: tuple[Path, ...],
    password_file: Path | None,
    as_json: bool,
) -> None:
    """Make a ledger in DIRECTORY, which must be new or empty.

    \b
    Example:
      sealcore key generate --algorithm p256 -o ledger.key && sealcore key generate --algorithm ed25519 -o tlog.key
      sealcore ledger init ledger --origin example.com/seals --key ledger.key --founder founder.pem --signer tlog.key
    """
    signers = [load_signer(origin, file, password_file) for file in signer_files]
    with ledgers.Ledger.create(
        directory,
        origin=origin,
        ledger_key=load_key(key, password_file),
        founder_key=public_key(founder),
        hash=hash_name,
        signers=signers,
    ) as ledger:
        own = ledgers.NoteKey(origin, ledger.ledger_key).vkey
        identity = ledger.id
    further = [signer.key.vkey for signer in signers]
    lines = [
        f"{directory}: ledger {origin} ({hash_name})",
        f"  key:    {own}",
        *(f"  signer: {line}" for line in further),
    ]
    emit(
        {
            "directory": str(directory),
            "origin": origin,
            "hash": hash_name,
            "id": identity,
            "vkey": own,
            "signers": further,
        },
        as_json=as_json,
        text="\n".join(lines),
    )


@click.command("append")
@ledger_argument
@click.argument("bodies", type=click.File("rb"), default="-")
@key_option
@click.option("--by", type=existing_file, required=True, help="The private key that signs the entries.")
@click.option(
    "--row", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Its row of the key table."
)
@signer_option
@click.option("--receipts", type=any_path, help="A directory for the receipts: one INDEX.tlog-proof for each entry.")
@password_options
@json_option
def ledger_append(
    directory: Path,
    bodies: BinaryIO,
    key: Path,
    by: Path,
    row: int,
    signer_files: tuple[Path, ...],
    receipts: Path | None,
    password_file: Path | None,
    as_json: bool,
) -> None:
    """Append statements to the ledger in DIRECTORY: one JSON value a line of BODIES (default: standard input).

    Returns when they are durable. A line that cannot be a body ends it: the lines of whole batches before it stay.

    \b
    Example:
      echo '{"kind": "note", "text": "hello"}' | sealcore ledger append ledger --key ledger.key --by founder.key
    """
    author = load_key(by, password_file)
    origin = ledgers.LedgerReader.open(directory).origin
    signers = [load_signer(origin, file, password_file) for file in signer_files]
    if receipts is not None:
        receipts.mkdir(exist_ok=True)
    indexes: list[int] = []
    opened = ledgers.Ledger.open(directory, ledger_key=load_key(key, password_file), signers=signers)
    with opened as ledger, progress("appending", quiet=as_json) as step:
        batch: list[ledgers.NewEntry] = []

        def flush() -> None:
            for receipt in ledger.append_many(batch):
                indexes.append(receipt.index)
                if receipts is not None:
                    text = receipt.to_proof(ledger.entry(receipt.index)).to_text()
                    write_new(receipts / f"{receipt.index}.tlog-proof", text.encode())
            batch.clear()
            step(len(indexes), len(indexes))

        for body in _bodies(bodies):
            batch.append(ledgers.NewEntry.sign(body, author, key_idx=row, hash=ledger.hash))
            if len(batch) == _BATCH:
                flush()
        flush()
        checkpoint = ledger.checkpoint
    span = f"entries {indexes[0]} to {indexes[-1]}" if indexes else "nothing to append"
    emit(
        {"appended": len(indexes), "first": indexes[0] if indexes else None, "checkpoint": checkpoint},
        as_json=as_json,
        text=f"{directory}: {span}",
    )


def _bodies(lines: BinaryIO) -> Iterator[bytes]:
    number = 0
    while line := lines.readline(_LONGEST_LINE):
        number += 1
        if not line.strip():
            continue
        try:
            yield ledgers.encode_body(json.loads(line))
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise InvalidArgument(f"bodies: line {number} is no body: {error}", field="bodies") from None


@click.command("cat")
@ledger_argument
@click.option("--start", type=INDEX, default=0, show_default=True, help="The first entry.")
@click.option("--stop", type=INDEX, help="The entry after the last one. Default: all.")
@click.option("--type", "only", help="Only entries of this type, such as redact.")
@json_option
def ledger_cat(directory: Path, start: int, stop: int | None, only: str | None, as_json: bool) -> None:
    """Print the entries of the ledger in DIRECTORY, one a line; with --json each with its body. Signatures unverified.

    \b
    Example:
      sealcore ledger cat office/ledger --start 100 --stop 200
      sealcore ledger cat office/ledger --json | jq 'select(.kind == "seal-use")'
    """
    for entry in ledgers.LedgerReader.open(directory).entries(start, stop):
        if only is not None and entry.type != only:
            continue
        shown = summary(entry)
        if as_json:
            click.echo(json.dumps(readable({**shown, "body": ledgers.decode_body(entry.body)}), ensure_ascii=False))
        else:
            kind = f" {shown['kind']}" if shown["kind"] not in {None, entry.type} else ""
            statement = entry.statement.hex()
            click.echo(
                f"{entry.index:>10}  {shown['time'].isoformat()}  {entry.type}{kind}  key {entry.key_idx}  {statement}"
            )


@click.command("show")
@ledger_argument
@click.argument("index", type=INDEX)
@json_option
def ledger_show(directory: Path, index: int, as_json: bool) -> None:
    """Print entry INDEX of the ledger in DIRECTORY.

    \b
    Example:
      sealcore ledger show office/ledger 17
    """
    entry = ledgers.LedgerReader.open(directory).entry(index)
    shown = {**summary(entry), "prev": entry.prev, "leaf_hash": entry.leaf_hash, "signature": entry.signature}
    emit({**shown, "body": readable(ledgers.decode_body(entry.body))}, as_json=as_json)


@click.command("checkpoint")
@ledger_argument
def ledger_checkpoint(directory: Path) -> None:
    """Print the newest signed checkpoint. Keep it elsewhere: it shows later that nothing was cut off.

    \b
    Example:
      sealcore ledger checkpoint office/ledger > kept-elsewhere.txt
    """
    click.echo(ledgers.LedgerReader.open(directory).checkpoint, nl=False)


@click.command("key")
@ledger_argument
def ledger_key(directory: Path) -> None:
    """Print the ledger's public key as a line for --key.

    \b
    Example:
      sealcore ledger key office/ledger > ledger.key
    """
    reader = ledgers.LedgerReader.open(directory)
    click.echo(ledgers.NoteKey(reader.origin, reader.ledger_key).vkey)


@click.command("redact")
@click.argument("office", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--person", help="Erase every name that this person has had.")
@click.option(
    "--commitment", "commitments", multiple=True, help="Erase the value behind it (64 hex digits); repeatable."
)
@click.option("--reason", required=True, help="Why; kept beside the ledger, which holds a commitment to it.")
@password_options
@json_option
def ledger_redact(
    office: Path,
    person: str | None,
    commitments: tuple[str, ...],
    reason: str,
    password_file: Path | None,
    as_json: bool,
) -> None:
    """Erase personal values of an OFFICE for good, and record in its ledger that they were erased, by whom and why.

    The ledger keeps the commitments and verifies as before. Backups of details.db, and what was exported, must follow.

    \b
    Example:
      sealcore ledger redact ./office --person li --reason "left; erasure requested 2026-11-02"
    """
    from sealcore.seals import Registry  # noqa: PLC0415  loads SQLAlchemy

    if (person is None) == (not commitments):
        raise InvalidArgument("person: give either --person or --commitment", field="person")
    with Registry.open(office, password=password_source(password_file)) as registry:
        if person is not None:
            erased = registry.erase_person(person, reason=reason)
        else:
            erased = registry.erase(*commitments, reason=reason)
    entries = [recorded.index for recorded in erased]
    words = f"recorded in ledger entries {', '.join(map(str, entries))}" if entries else "nothing of it was there"
    emit({"entries": entries}, as_json=as_json, text=f"{office}: {words}")


def summary(entry: ledgers.Entry) -> dict[str, Any]:
    """What lists and proofs show of an entry."""
    body = ledgers.decode_body(entry.body)
    kind = body.get("kind") if isinstance(body, dict) else None
    return {
        "index": entry.index,
        "time": datetime.fromtimestamp(entry.time / 1_000_000, UTC),
        "type": entry.type,
        "kind": kind,
        "key_idx": entry.key_idx,
        "statement": entry.statement,
    }


def readable(value: Any) -> Any:
    """A body as JSON-able values; bytes in hexadecimal, times as ISO 8601."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: readable(inner) for name, inner in value.items()}
    return [readable(inner) for inner in value] if isinstance(value, list) else value


COMMANDS = [
    ledger_init,
    ledger_append,
    ledger_cat,
    ledger_show,
    ledger_checkpoint,
    ledger_key,
    ledger_redact,
]
