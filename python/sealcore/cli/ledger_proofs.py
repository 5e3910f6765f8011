"""Proofs as files: ``sealcore ledger prove`` and ``check-proof``."""

from __future__ import annotations

import time as clock
from datetime import timedelta
from pathlib import Path

import click

from sealcore import ledger as ledgers
from sealcore.cli.common import SPAN, any_path, emit, existing_file, json_option, read_text, write_new
from sealcore.cli.ledger_entries import INDEX, summary
from sealcore.cli.ledgers import ledger_argument, named_key, public_key, read_policy
from sealcore.errors import InvalidArgument, InvalidEncoding, InvalidProof


@click.command("prove")
@ledger_argument
@click.argument("index", type=INDEX)
@click.option(
    "--checkpoint", type=existing_file, help="The newest checkpoint with cosignatures, from `ledger witness`."
)
@click.option(
    "-o", "--output", type=any_path, help="The file to make, such as use.tlog-proof. Default: standard output."
)
@click.option("--force", is_flag=True, help="Replace an existing output file.")
@json_option
def ledger_prove(
    directory: Path, index: int, checkpoint: Path | None, output: Path | None, force: bool, as_json: bool
) -> None:
    """Print the proof (C2SP tlog-proof) that entry INDEX is in the ledger: the entry, its path, the signed checkpoint.

    \b
    Example:
      sealcore ledger prove office/ledger 17 -o use.tlog-proof
    """
    proof = ledgers.LedgerReader.open(directory).prove(index)
    if checkpoint is not None:
        proof = proof.with_checkpoint(read_text(checkpoint, "checkpoint"))
    text = proof.to_text()
    if output is not None:
        write_new(output, text.encode(), force=force)
    elif not as_json:
        click.echo(text, nl=False)
        return
    value = {"index": index, "hash": proof.hash, "file": None if output is None else str(output)}
    emit({**value, "proof": text}, as_json=as_json, text=f"{output}: entry {index}, {len(proof.proof)} hashes")


@click.command("check-proof")
@click.argument("proof", type=existing_file)
@click.option("--key", type=existing_file, required=True, help="The ledger's public key: from `ledger key`, or PEM.")
@click.option("--origin", help="The ledger's name, when --key is PEM.")
@click.option("--policy", type=existing_file, help="Witnesses (C2SP tlog-policy) that must have cosigned.")
@click.option("--max-age", type=SPAN, help="How old their cosignatures may be, such as 24h or 7d.")
@json_option
def ledger_check_proof(
    proof: Path, key: Path, origin: str | None, policy: Path | None, max_age: timedelta | None, as_json: bool
) -> None:
    """Check a PROOF made by `sealcore ledger prove`, offline. Exit code 1 if it does not hold.

    \b
    Example:
      sealcore ledger check-proof use.tlog-proof --key ledger.key
      sealcore ledger check-proof use.tlog-proof --key ledger.key --policy witnesses.txt
    """
    try:
        claim = ledgers.Proof.parse(read_text(proof, "proof"))
        entry = claim.entry
    except InvalidEncoding as error:
        raise InvalidEncoding(f"{proof}: {error}", field=error.field, offset=error.offset) from None
    if entry is None:
        raise InvalidArgument(f"proof: {proof} does not hold its entry; make it with `ledger prove`", field="proof")
    named = named_key(key)
    if named is None:
        if origin is None:
            raise InvalidArgument(
                f"origin: {key} is PEM and names no ledger; give --origin, or what `sealcore ledger key` prints",
                field="origin",
            )
        named = ledgers.NoteKey(origin, public_key(key))
    elif origin is not None and origin != named.name:
        raise InvalidProof(f"origin: the key in {key} is of {named.name!r}, not of {origin!r}")
    claimed = ledgers.Checkpoint.read_unverified(claim.checkpoint)
    if claimed.origin != named.name:
        raise InvalidProof(f"origin: the proof is of the ledger {claimed.origin!r}, the key in {key} of {named.name!r}")
    checkpoint = claim.verify(named)
    witnessed: list[tuple[str, int]] = []
    if policy is not None:
        age = None if max_age is None else int(max_age.total_seconds())
        quorum, witnessed, untimely = read_policy(policy).judge(claim.checkpoint, now=int(clock.time()), max_age=age)
        if not quorum:
            late = f"; too old or of the future: {', '.join(name for name, _ in untimely)}" if untimely else ""
            names = ", ".join(name for name, _ in witnessed) or "nobody"
            raise InvalidProof(f"policy: the cosignatures of the checkpoint are no quorum: {names} cosigned{late}")
    by = f", cosigned by {', '.join(name for name, _ in witnessed)}" if witnessed else ""
    emit(
        {
            "holds": True,
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "witnesses": [name for name, _ in witnessed],
            **summary(entry),
        },
        as_json=as_json,
        text=f"{proof}: entry {claim.index} is in {checkpoint.origin} (checkpoint at size {checkpoint.size}{by})",
    )


COMMANDS = [ledger_prove, ledger_check_proof]
