"""Rows of the ledger that need Python: verification with Dask, and how soon one flipped byte is named.

`make bench ROOM=ledger` runs it after the rows in Rust, whose ledgers under `target/bench` it uses; alone it makes its
own. Rows are printed and added to `target/bench/ledger.jsonl` in the same form.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from distributed import Client, LocalCluster

from sealcore.audit import export_parquet, verify_distributed
from sealcore.ledger import Finding, LedgerReader, generate_ledger, verify_ledger

FOLDER = Path(__file__).resolve().parents[2] / "target" / "bench"
REPEATS = 3


def report(
    operation: str, size: str, value: float, unit: str, ratio: float = 0, peer: str = "", target: float | None = None
) -> None:
    """Print and keep one row; without a target it only informs."""
    met = None if target is None else ratio >= target
    name = f"ledger/{operation}/python/{size}"
    said = "" if target is None else f"{ratio:>6.2f}x  {peer:<20} {target:>6.2f}x  {'yes' if met else 'NO'}"
    print(f"{name:<48} {value:>11,.2f} {unit:<5} {said}", flush=True)
    row = {
        "room": "ledger",
        "operation": operation,
        "backend": "python",
        "size": size,
        "value": value,
        "unit": unit,
        "peer": peer,
        "ratio": ratio,
        "target": target,
        "met": met,
    }
    with (FOLDER / "ledger.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def synthetic(entries: int) -> Path:
    """The ledger that the rows in Rust use."""
    path = FOLDER / f"ledger-sha256-{entries}"
    if not path.is_dir() or LedgerReader.open(path).size < entries:
        shutil.rmtree(path, ignore_errors=True)
        generate_ledger(path, entries=entries, seed=1)
    return path


@contextmanager
def workers(count: int) -> Iterator[Client]:
    """So many processes of one thread each."""
    with (
        LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None, memory_limit=0) as cluster,
        Client(cluster) as client,
    ):
        yield client


def dask(path: Path, entries: int, level: int) -> None:
    """Two workers beside one, in turn."""
    best = {1: float("inf"), 2: float("inf")}
    expected = verify_ledger(path, level=level)
    for _ in range(REPEATS):
        for count, least in best.items():
            with workers(count) as client:
                started = time.perf_counter()
                assert verify_distributed(path, engine=client, level=level) == expected
                best[count] = min(least, time.perf_counter() - started)
    rate = expected.size / best[2]
    report(f"verify L{level}, Dask, 2 workers", str(entries), rate, "/s", best[1] / best[2], "1 worker", 1.7)


def cold(path: Path) -> None:
    """Put the files out of the page cache."""
    for file in path.rglob("*"):
        if file.is_file():
            with file.open("rb") as open_file:
                os.fsync(open_file.fileno())
                os.posix_fadvise(open_file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def flipped(path: Path, entries: int) -> None:
    """One byte of the middle entry: seconds until its finding is told, at level 3, from a cold start."""
    entry = LedgerReader.open(path).entry(entries // 2)
    assert entry.file is not None
    assert entry.offset is not None
    file, at = path / entry.file, entry.offset + 200
    good = file.read_bytes()
    bad = bytearray(good)
    bad[at] ^= 1
    file.write_bytes(bad)
    told: list[tuple[float, Finding]] = []
    try:
        cold(path)
        started = time.perf_counter()

        def tell(finding: Finding) -> None:
            told.append((time.perf_counter() - started, finding))
            raise StopIteration

        with suppress(StopIteration):
            verify_ledger(path, found=tell)
    finally:
        file.write_bytes(good)
    seconds, finding = told[0]
    assert (finding.index, finding.field) == (entries // 2, "body"), finding
    print(f"  {finding}")
    report("flipped byte named at L3, cold", str(entries), seconds, "s", 3 / seconds, "3 s, at most", 1.0)


def parquet(path: Path, entries: int) -> None:
    """Rows a second of the export; no peer."""
    target = FOLDER / "entries.parquet"
    started = time.perf_counter()
    rows = export_parquet(path, target)
    seconds = time.perf_counter() - started
    size = target.stat().st_size
    target.unlink()
    report("export as Parquet", str(entries), rows / seconds, "/s")
    print(f"  {size:,} bytes of Parquet")


def main() -> None:
    """Every row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=int(os.environ.get("ENTRIES", "1000000")))
    parser.add_argument("--level", type=int, default=3, help="of the rows with Dask")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = synthetic(options.entries)
    flipped(path, options.entries)
    dask(path, options.entries, options.level)
    parquet(path, options.entries)


if __name__ == "__main__":
    main()
