"""The ledger for auditors: ``sealcore ledger``."""

from __future__ import annotations

import sys
import time as clock
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

import click

from sealcore import ledger as ledgers
from sealcore import pki
from sealcore.audit import open_place, verify_distributed
from sealcore.audit.places import Place
from sealcore.cli.common import SPAN, any_path, emit, emit_table, existing_file, json_option, progress, read_text
from sealcore.errors import InvalidKey
from sealcore.sign import VerifyingKey

ledger_argument = click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))


@click.group()
def ledger() -> None:
    """Make, verify, read and publish a ledger; verifying needs neither its operator nor a network."""


class _PlaceType(click.ParamType[Place]):
    """A directory that is there, or a URL."""

    name = "directory|url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        """The place that a word names."""
        if "://" in str(value):
            return open_place(str(value))
        found: Path = click.Path(exists=True, file_okay=False, path_type=Path).convert(value, param, ctx)
        return found


place_argument = click.argument("place", metavar="DIRECTORY|URL", type=_PlaceType())


@ledger.command("verify")
@place_argument
@click.option(
    "--key", type=existing_file, help="The ledger's public key as you know it (PEM, or what `ledger key` prints)."
)
@click.option("--checkpoint", type=existing_file, help="An earlier checkpoint that the ledger must extend.")
@click.option(
    "--signer",
    "signer_files",
    type=existing_file,
    multiple=True,
    help="A further key (verifier key) that must have signed the newest checkpoint; repeatable.",
)
@click.option("--policy", type=existing_file, help="Witnesses (C2SP tlog-policy) that must have cosigned --checkpoint.")
@click.option("--max-age", type=SPAN, help="How old their cosignatures may be, such as 24h or 7d.")
@click.option(
    "--level",
    type=click.IntRange(0, 4),
    default=3,
    show_default=True,
    help="0: form, order. 1: also hashes. 2: also every checkpoint. 3: also every signature. 4: also every permission.",
)
@click.option(
    "--engine",
    default="local",
    show_default=True,
    metavar="local|dask|dask://HOST:PORT",
    help="This process; workers of Dask that are started here; or a Dask scheduler whose workers see the ledger.",
)
@click.option("--workers", type=click.IntRange(1), help="Processes that --engine dask starts; one for each core.")
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
    place: Place,
    key: Path | None,
    checkpoint: Path | None,
    signer_files: tuple[Path, ...],
    policy: Path | None,
    max_age: timedelta | None,
    level: int,
    engine: str,
    workers: int | None,
    kept: Path | None,
    threads: int | None,
    max_findings: int,
    as_json: bool,
) -> int:
    """Verify every entry, link, signature and checkpoint of the ledger in DIRECTORY, or at a URL that fsspec knows.

    Works while a writer appends. What is found is told at once on standard error; exit code 1 then. Without --key
    the ledger's own word for its key is taken, and without --checkpoint a cut tail cannot be seen; the assurance says
    how much was shown.

    \b
    Example:
      sealcore ledger verify office/ledger --checkpoint kept-elsewhere.txt --summary verified.cbor
      sealcore ledger verify office/ledger --checkpoint cosigned.txt --policy witnesses.txt --max-age 24h
      sealcore ledger verify s3://bucket/ledger --engine dask://scheduler:8786
    """
    if engine == "local" and workers is not None:
        raise click.UsageError("--workers is for --engine dask")
    if engine != "local" and threads is not None:
        raise click.UsageError("--threads is for --engine local: Dask has workers")
    before = None if kept is None or not kept.exists() else ledgers.Summary.from_bytes(kept.read_bytes())
    verify: Callable[..., ledgers.Report] = (
        partial(ledgers.verify_ledger, threads=threads)
        if engine == "local"
        else partial(verify_distributed, engine=engine, workers=workers)
    )
    started = clock.perf_counter()
    with progress("verifying", quiet=as_json) as step:
        report = verify(
            place,
            ledger_keys=() if key is None else (public_key(key),),
            checkpoint=None if checkpoint is None else read_text(checkpoint, "checkpoint"),
            signers=[_signer_key(file) for file in signer_files],
            policy=None if policy is None else read_policy(policy),
            max_age=max_age,
            level=level,
            summaries=() if before is None else (before,),
            max_findings=max_findings,
            progress=step,
            found=None if as_json else lambda finding: print(f"found: {finding}", file=sys.stderr, flush=True),
        )
    seconds = clock.perf_counter() - started
    if kept is not None and report.ok and report.summary is not None:
        aside = kept.with_name(kept.name + ".new")
        aside.write_bytes(bytes(report.summary))
        aside.replace(kept)
    rate = report.size / seconds
    verdict = "no findings" if report.ok else f"{len(report.findings)} FINDINGS"
    named = place if isinstance(place, Path) else place.url
    lines = [f"{named}: {verdict} in {report.size} entries", f"  assurance: {report.assurance}"]
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
@click.option(
    "--segment-bits",
    type=click.IntRange(8, 16),
    default=16,
    show_default=True,
    help="log2 of the entries of a segment.",
)
@click.option(
    "--authority", is_flag=True, help="Statements of an office at work, as level 4 replays them; no --length."
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
    segment_bits: int,
    authority: bool,
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
            segment_bits=segment_bits,
            authority=authority,
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
@click.option("--level", type=click.IntRange(0, 4), multiple=True, default=(0, 1, 2, 3), show_default=True)
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


def _signer_key(file: Path) -> ledgers.NoteKey:
    key = named_key(file)
    if key is None:
        raise InvalidKey(f"signer: {file} holds PEM; a verifier key (name+id+key) is expected", field="signer")
    return key


def public_key(file: Path) -> VerifyingKey:
    """The public key in a file: PEM, a certificate, or the line that `sealcore ledger key` prints."""
    named = named_key(file)
    if named is None:
        data = file.read_bytes()
        return pki.Certificate.from_pem(data).public_key if b"CERTIFICATE" in data else pki.load_public_key(data)
    if named.key is None:
        raise InvalidKey(f"key: {file} holds a key of {named.kind}; a ledger's own is of P-256 or SM2", field="key")
    return named.key


def named_key(file: Path) -> ledgers.NoteKey | None:
    """The verifier key in a file, such as `sealcore ledger key` prints; None for PEM, which names no ledger."""
    data = file.read_bytes()
    if b"-----BEGIN" in data:
        return None
    return ledgers.NoteKey.from_vkey(data.decode("utf-8", errors="replace").strip())


def read_policy(file: Path) -> ledgers.Policy:
    """A policy of witnesses (C2SP tlog-policy)."""
    return ledgers.Policy(read_text(file, "policy"))


COMMANDS = [ledger]
