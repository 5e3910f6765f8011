"""The ledger for auditors: ``sealcore ledger``."""

from __future__ import annotations

import json
import time as clock
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import click

from sealcore import ledger as ledgers
from sealcore import pki
from sealcore.cli.common import any_path, emit, emit_table, existing_file, json_option, progress, read_text
from sealcore.errors import InvalidEncoding, InvalidProof
from sealcore.sign import VerifyingKey

INDEX = click.IntRange(0, 2**64 - 1)

ledger_argument = click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))


@click.group()
def ledger() -> None:
    """Verify and read a ledger, offline and without its operator."""


@ledger.command("verify")
@ledger_argument
@click.option(
    "--key", type=existing_file, help="The ledger's public key as you know it (PEM, or what `ledger key` prints)."
)
@click.option("--checkpoint", type=existing_file, help="An earlier checkpoint that the ledger must extend.")
@click.option(
    "--level",
    type=click.IntRange(1, 3),
    default=3,
    show_default=True,
    help="1: hashes and order up to the newest checkpoint. 2: also every checkpoint. 3: also every signature.",
)
@click.option(
    "--summary",
    "kept",
    type=any_path,
    help="A file of your own: verified segments are not read again, and what is verified now is added.",
)
@click.option("--threads", type=click.IntRange(1), help="At most so many; every core when not given.")
@click.option("--max-findings", type=click.IntRange(1, 1_000_000), default=1000, show_default=True)
@json_option
def ledger_verify(
    directory: Path,
    key: Path | None,
    checkpoint: Path | None,
    level: int,
    kept: Path | None,
    threads: int | None,
    max_findings: int,
    as_json: bool,
) -> int:
    """Verify every entry, link, signature and checkpoint of the ledger in DIRECTORY.

    Works while a writer appends. Exit code 1 if anything is found. Without --key the ledger's own word for its key is
    taken, and without --checkpoint a cut tail cannot be seen; the assurance says how much was shown.

    \b
    Example:
      sealcore ledger verify office/ledger --checkpoint kept-elsewhere.txt --summary verified.cbor
    """
    before = None if kept is None or not kept.exists() else ledgers.Summary.from_bytes(kept.read_bytes())
    started = clock.perf_counter()
    with progress("verifying", quiet=as_json) as step:
        report = ledgers.verify_ledger(
            directory,
            ledger_keys=() if key is None else (public_key(key),),
            checkpoint=None if checkpoint is None else read_text(checkpoint, "checkpoint"),
            level=level,
            summaries=() if before is None else (before,),
            threads=threads,
            max_findings=max_findings,
            progress=step,
        )
    seconds = clock.perf_counter() - started
    if kept is not None and report.ok and report.summary is not None:
        kept.write_bytes(bytes(report.summary))
    rate = report.size / seconds
    verdict = "no findings" if report.ok else f"{len(report.findings)} FINDINGS"
    lines = [f"{directory}: {verdict} in {report.size} entries", f"  assurance: {report.assurance}"]
    lines += [f"  level {report.level}, {seconds:.2f} s, {rate:,.0f} entries/s"]
    lines += [f"  root: {report.root.hex()} ({report.hash})"] if report.root else []
    if report.unacknowledged_bytes:
        lines.append(f"  not judged: {report.unacknowledged_bytes} bytes of entries after the newest checkpoint")
    lines += [f"  {finding}" for finding in report.findings]
    timed = {"seconds": round(seconds, 3), "entries_per_second": round(rate)}
    emit({**report.to_dict(), **timed, "ok": report.ok}, as_json=as_json, text="\n".join(lines))
    return 0 if report.ok else 1


@ledger.command("generate")
@click.argument("directory", type=any_path)
@click.option(
    "--entries", type=click.IntRange(0), required=True, help="Statements; the ledger's own entries come on top."
)
@click.option("--keys", type=click.IntRange(1, 1 << 16), default=16, show_default=True, help="Keys that sign in turn.")
@click.option("--alg", type=click.Choice(["sm2", "p256"]), default="sm2", show_default=True)
@click.option("--hash", "hash_name", type=click.Choice(["sha256", "sm3"]), default="sha256", show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True)
@click.option("--length", type=click.IntRange(250, 65_535), default=400, show_default=True, help="Bytes of an entry.")
@click.option(
    "--batch", type=click.IntRange(1, 1 << 16), default=1000, show_default=True, help="Entries to a checkpoint."
)
@json_option
def ledger_generate(
    directory: Path,
    entries: int,
    keys: int,
    alg: Literal["sm2", "p256"],
    hash_name: Literal["sha256", "sm3"],
    seed: int,
    length: int,
    batch: int,
    as_json: bool,
) -> None:
    """Make a synthetic ledger in DIRECTORY, for benchmarks: right in every byte, with keys that everybody can compute.

    \b
    Example:
      sealcore ledger generate million --entries 1000000
    """
    started = clock.perf_counter()
    with progress("generating", quiet=as_json) as step:
        ledgers.generate_ledger(
            directory,
            entries=entries,
            keys=keys,
            algorithm=alg,
            hash=hash_name,
            seed=seed,
            length=length,
            batch=batch,
            progress=step,
        )
    seconds = clock.perf_counter() - started
    size = ledgers.LedgerReader.open(directory).size
    emit(
        {"directory": str(directory), "size": size, "seconds": round(seconds, 3)},
        as_json=as_json,
        text=f"{directory}: {size} entries in {seconds:.1f} s; synthetic, of no evidence",
    )


@ledger.command("bench")
@ledger_argument
@click.option("--level", type=click.IntRange(1, 3), multiple=True, default=(1, 2, 3), show_default=True)
@click.option("--threads", type=click.IntRange(1), help="At most so many; every core when not given.")
@click.option("--repeats", type=click.IntRange(1, 100), default=3, show_default=True)
@json_option
def ledger_bench(directory: Path, level: tuple[int, ...], threads: int | None, repeats: int, as_json: bool) -> None:
    """Time the verification of the ledger in DIRECTORY at each level: the best of some repeats, page cache warm.

    \b
    Example:
      sealcore ledger bench million --level 1 --level 3
    """
    rows = []
    for one in sorted(set(level)):
        times = []
        for _ in range(repeats + 1):
            started = clock.perf_counter()
            report = ledgers.verify_ledger(directory, level=one, threads=threads)
            times.append(clock.perf_counter() - started)
            report.raise_for_findings()
        best = min(times[1:])
        mebibytes = report.bytes / best / (1 << 20)
        rows.append(
            {
                "level": one,
                "entries": report.size,
                "seconds": round(best, 4),
                "entries_per_second": round(report.size / best),
                "mebibytes_per_second": round(mebibytes),
            }
        )
    columns = ("level", "entries", "seconds", "entries_per_second", "mebibytes_per_second")
    emit_table(rows, columns, as_json=as_json, empty="no level")


@ledger.command("list")
@ledger_argument
@click.option("--start", type=INDEX, default=0, show_default=True)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@json_option
def ledger_list(directory: Path, start: int, limit: int, as_json: bool) -> None:
    """List entries of the ledger in DIRECTORY, unverified."""
    reader = ledgers.LedgerReader.open(directory)
    rows = [_summary(entry) for entry in reader.entries(start, min(start + limit, reader.size))]
    emit_table(rows, ("index", "time", "type", "kind", "key_idx", "statement"), as_json=as_json, empty="no entries")


@ledger.command("show")
@ledger_argument
@click.argument("index", type=INDEX)
@json_option
def ledger_show(directory: Path, index: int, as_json: bool) -> None:
    """Print entry INDEX of the ledger in DIRECTORY."""
    entry = ledgers.LedgerReader.open(directory).entry(index)
    shown = {**_summary(entry), "prev": entry.prev, "leaf_hash": entry.leaf_hash, "signature": entry.signature}
    emit({**shown, "body": _readable(ledgers.decode_body(entry.body))}, as_json=as_json)


@ledger.command("checkpoint")
@ledger_argument
def ledger_checkpoint(directory: Path) -> None:
    """Print the newest signed checkpoint. Keep it elsewhere: it shows later that nothing was cut off.

    \b
    Example:
      sealcore ledger checkpoint office/ledger > kept-elsewhere.txt
    """
    click.echo(ledgers.LedgerReader.open(directory).checkpoint, nl=False)


@ledger.command("key")
@ledger_argument
def ledger_key(directory: Path) -> None:
    """Print the ledger's public key as a line for --key."""
    reader = ledgers.LedgerReader.open(directory)
    click.echo(ledgers.to_vkey(reader.ledger_key, origin=reader.origin))


@ledger.command("prove")
@ledger_argument
@click.argument("index", type=INDEX)
def ledger_prove(directory: Path, index: int) -> None:
    """Print a proof (JSON) that entry INDEX is in the ledger: the entry, its path, and the signed checkpoint.

    \b
    Example:
      sealcore ledger prove office/ledger 17 > use.proof
    """
    reader = ledgers.LedgerReader.open(directory)
    entry = reader.entry(index)
    proof = {
        "origin": reader.origin,
        "hash": reader.hash,
        "index": index,
        "entry": bytes(entry).hex(),
        "inclusion_proof": [node.hex() for node in reader.inclusion_proof(index)],
        "checkpoint": reader.checkpoint,
    }
    click.echo(json.dumps(proof, indent=2, ensure_ascii=False))


@ledger.command("check-proof")
@click.argument("proof", type=existing_file)
@click.option("--key", type=existing_file, required=True, help="The ledger's public key: PEM, or from `ledger key`.")
@json_option
def ledger_check_proof(proof: Path, key: Path, as_json: bool) -> None:
    """Check a PROOF made by `sealcore ledger prove`, offline. Exit code 1 if it does not hold.

    \b
    Example:
      sealcore ledger check-proof use.proof --key ledger.key
    """
    try:
        claim = json.loads(proof.read_text(encoding="utf-8"))
        origin, hash_name, index = str(claim["origin"]), claim["hash"], int(claim["index"])
        raw, path = bytes.fromhex(claim["entry"]), [bytes.fromhex(node) for node in claim["inclusion_proof"]]
        note = str(claim["checkpoint"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        message = f"proof: {proof} is not a proof made by `sealcore ledger prove` ({error})"
        raise InvalidEncoding(message, field="proof", offset=0) from None
    named = _origin_of(key)
    if named is not None and named != origin:
        raise InvalidProof(f"origin: the proof is of the ledger {origin!r}, the key in {key} of {named!r}")
    checkpoint = ledgers.Checkpoint.open(note, key=public_key(key))
    entry = ledgers.Entry(raw, hash=hash_name)
    receipt = ledgers.Receipt(
        index=index,
        time=entry.time,
        statement=entry.statement,
        leaf_hash=entry.leaf_hash,
        checkpoint=note,
        proof=path,
        hash=hash_name,
    )
    receipt.verify(origin=origin, key=public_key(key))
    emit(
        {"holds": True, "origin": origin, "index": index, "size": checkpoint.size, **_summary(entry)},
        as_json=as_json,
        text=f"{proof}: entry {index} is in {origin} (checkpoint at size {checkpoint.size})",
    )


def public_key(file: Path) -> VerifyingKey:
    """The public key in a file: PEM, a certificate, or the line that `sealcore ledger key` prints."""
    data = file.read_bytes()
    if b"-----BEGIN CERTIFICATE-----" in data:
        return pki.Certificate.from_pem(data).public_key
    if b"-----BEGIN" in data:
        return pki.load_public_key(data)
    return ledgers.from_vkey(data.decode("utf-8", errors="replace").strip())[1]


def _origin_of(file: Path) -> str | None:
    """The ledger that a line of `sealcore ledger key` names; a PEM key names none."""
    data = file.read_bytes()
    if b"-----BEGIN" in data:
        return None
    return ledgers.from_vkey(data.decode("utf-8", errors="replace").strip())[0]


def _summary(entry: ledgers.Entry) -> dict[str, Any]:
    body = ledgers.decode_body(entry.body)
    kind = body.get("kind") if isinstance(body, dict) else None
    moment = datetime.fromtimestamp(entry.time / 1_000_000, UTC)
    return {
        "index": entry.index,
        "time": moment,
        "type": entry.type,
        "kind": kind,
        "key_idx": entry.key_idx,
        "statement": entry.statement,
    }


def _readable(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: _readable(inner) for name, inner in value.items()}
    return [_readable(inner) for inner in value] if isinstance(value, list) else value


COMMANDS = [ledger]
