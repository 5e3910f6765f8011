"""Ledgers behind URLs and verification with Dask: on real worker processes, with one killed, and the same report."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import missing
from ledger_world import World

from sealcore import errors
from sealcore.ledger import Finding, Ledger, LedgerReader, NewEntry, Report, Summary, encode_body, verify_ledger

try:
    import fsspec
    from distributed import Client, LocalCluster

    from sealcore.audit import FsspecObjects, open_place, verify_distributed
except ImportError:
    missing("Dask and fsspec are not installed")

if TYPE_CHECKING:
    from moto.server import ThreadedMotoServer

# What Dask and the S3 client warn of is theirs.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

SEGMENTS = 11


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven sealed segments of 256 entries, and a tail."""
    world, path = World("sha256"), tmp_path_factory.mktemp("many") / "ledger"
    with Ledger.create(
        path,
        origin="example.com/seals",
        ledger_key=world.ledger_key,
        founder_key=world.founder.verifying_key,
        hash="sha256",
        segment_bits=8,
    ) as made:
        for batch in range(SEGMENTS * 4 + 1):
            bodies = [encode_body({"kind": "note", "number": batch * 64 + n}) for n in range(64)]
            made.append_many([NewEntry.sign(body, world.founder, key_idx=1, hash="sha256") for body in bodies])
    return path


@pytest.fixture(scope="module")
def cluster() -> Iterator[Client]:
    """Two worker processes."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as workers,
        Client(workers) as client,
    ):
        yield client


def _bytes(report: Report) -> bytes:
    return json.dumps(report.to_dict(), sort_keys=True).encode()


def _same(one: Report, other: Report) -> None:
    assert _bytes(one) == _bytes(other)
    assert one.summary == other.summary


def _damaged(ledger: Path, path: Path) -> Path:
    """A body and a signature altered in two segments, a third one away, a fourth's hashes wrong."""
    shutil.copytree(ledger, path)
    for name, at in (("seg/2.slg", 30_000), ("seg/3.slg", 4096 + 2 + 100), ("seg/7.slh", 100)):
        data = bytearray((path / name).read_bytes())
        data[at] ^= 1
        (path / name).write_bytes(data)
    return path


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_the_report_is_that_of_one_machine(ledger: Path, cluster: Client, level: int) -> None:
    steps: list[tuple[int, int]] = []
    report = verify_distributed(
        ledger, engine=cluster, level=level, progress=lambda done, total: steps.append((done, total))
    )
    local = verify_ledger(ledger, level=level)
    _same(report, local)
    assert report.ok
    assert report.level == level
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1] == (report.size, report.size)
    assert len(steps) >= SEGMENTS


def test_what_is_wrong_is_named_the_same(ledger: Path, cluster: Client, tmp_path: Path) -> None:
    path = _damaged(ledger, tmp_path / "damaged")
    heard: list[Finding] = []
    report = verify_distributed(path, engine=cluster, found=heard.append)
    _same(report, verify_ledger(path))
    assert {finding.file for finding in report.findings} >= {"seg/2.slg", "seg/3.slg", "seg/7.slh"}
    assert sorted(map(str, heard)) == sorted(map(str, report.findings))
    (path / "seg/5.slg").unlink()
    report = verify_distributed(path, engine=cluster)
    _same(report, verify_ledger(path))
    assert ("missing-file", "seg/5.slg") in {(finding.kind, finding.file) for finding in report.findings}


def test_a_worker_that_dies_is_replaced(ledger: Path, cluster: Client) -> None:
    workers = {info["pid"] for info in cluster.run(_who).values()}
    assert len(workers) == 2
    killed: list[int] = []

    def kill_one(done: int, total: int) -> None:
        if not killed:
            killed.append(min(workers))
            os.kill(killed[0], signal.SIGKILL)

    report = verify_distributed(ledger, engine=cluster, progress=kill_one)
    _same(report, verify_ledger(ledger))
    assert report.ok
    assert killed
    cluster.wait_for_workers(2, timeout=60)
    assert killed[0] not in {info["pid"] for info in cluster.run(_who).values()}


def _who() -> dict[str, int]:
    return {"pid": os.getpid()}


def test_summaries_are_taken_and_given(ledger: Path, cluster: Client) -> None:
    full = verify_ledger(ledger)
    assert full.summary is not None
    _same(verify_distributed(ledger, engine=cluster, summaries=[full.summary]), full)
    lower = verify_ledger(ledger, level=1).summary
    assert lower is not None
    _same(verify_distributed(ledger, engine=cluster, summaries=[lower]), full)
    assert Summary.from_bytes(bytes(full.summary)) == full.summary


def test_what_the_progress_raises_ends_it(ledger: Path, cluster: Client) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify_distributed(ledger, engine=cluster, progress=stop)


def test_engines_that_are_none(ledger: Path) -> None:
    with pytest.raises(errors.InvalidArgument, match="engine"):
        verify_distributed(ledger, engine="spark")
    with pytest.raises(errors.StorageError, match="cannot be reached"):
        verify_distributed(ledger, engine="dask://127.0.0.1:1")


@pytest.fixture
def in_memory(ledger: Path) -> Iterator[str]:
    files = fsspec.filesystem("memory")
    files.put(f"{ledger}/", "/ledgers/one/", recursive=True)
    yield "memory://ledgers/one"
    files.rm("/ledgers", recursive=True)


def test_a_ledger_behind_a_url(ledger: Path, in_memory: str) -> None:
    place = open_place(in_memory)
    for level in range(4):
        _same(verify_ledger(place, level=level), verify_ledger(ledger, level=level))
    reader, local = LedgerReader.open(place), LedgerReader.open(ledger)
    assert reader.checkpoint == local.checkpoint
    assert list(map(bytes, reader)) == list(map(bytes, local))
    assert reader.segment_roots() == local.segment_roots()
    assert [end for _, end, _ in reader.segment_roots()][-1] == SEGMENTS * 256


def test_damage_behind_a_url(ledger: Path, tmp_path: Path) -> None:
    path = _damaged(ledger, tmp_path / "damaged")
    _same(verify_ledger(open_place(f"file://{path}")), verify_ledger(path))
    (path / "checkpoint").unlink()
    (path / "seg/5.slg").unlink()
    _same(verify_ledger(open_place(f"file://{path}")), verify_ledger(path))


def test_places_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidArgument, match="holds no ledger"):
        verify_ledger(open_place("memory://nothing/here"))
    with pytest.raises(errors.InvalidArgument, match="url"):
        open_place("nosuchscheme://somewhere")
    with pytest.raises(errors.InvalidArgument, match="options"):
        open_place(tmp_path, {"anon": True})


class _Failing(FsspecObjects):
    """A store that fails after some reads, or gives fewer bytes than were asked for."""

    def __init__(self, url: str, failure: Exception | None) -> None:
        super().__init__(url)
        self.failure, self.left = failure, 12

    def read(self, name: str, offset: int, length: int, /) -> bytes:
        self.left -= 1
        if self.left > 0:
            return super().read(name, offset, length)
        if self.failure is not None:
            raise self.failure
        return super().read(name, offset, length)[:-1]


@pytest.mark.parametrize("failure", [PermissionError(13, "no"), RuntimeError("odd"), None])
def test_a_store_that_fails_is_no_finding(ledger: Path, failure: Exception | None) -> None:
    with pytest.raises(errors.LedgerIOError) as caught:
        verify_ledger(_Failing(f"file://{ledger}", failure))
    assert caught.value.errno == (13 if isinstance(failure, PermissionError) else 0)
    cause = caught.value.__cause__
    assert (cause is failure) if failure is not None else isinstance(cause, OSError)


@pytest.fixture(scope="module")
def store(ledger: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """A server that speaks S3, with the ledger in a bucket."""
    try:
        import s3fs
        from moto.server import ThreadedMotoServer
    except ImportError:
        missing("moto and s3fs are not installed")
    server: ThreadedMotoServer = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {
        "key": "nobody",
        "secret": "nothing",
        "client_kwargs": {"endpoint_url": f"http://{host}:{port}", "region_name": "eu-west-1"},
    }
    files = s3fs.S3FileSystem(**options)
    files.mkdir("audit")
    files.put(f"{ledger}/", "audit/ledger/", recursive=True)
    yield "s3://audit/ledger", options
    server.stop()


def test_objects_of_an_s3_store(ledger: Path, cluster: Client, store: tuple[str, dict[str, Any]]) -> None:
    url, options = store
    place = open_place(url, options)
    local = verify_ledger(ledger)
    _same(verify_ledger(place), local)
    _same(verify_distributed(place, engine=cluster), local)
    # A segment that somebody replaces in the store.
    data = bytearray((ledger / "seg/4.slg").read_bytes())
    data[20_000] ^= 4
    files = place._files
    files.pipe_file("audit/ledger/seg/4.slg", bytes(data))
    report = verify_distributed(open_place(url, options), engine=cluster)
    _same(report, verify_ledger(open_place(url, options)))
    assert {finding.file for finding in report.findings} == {"seg/4.slg"}
    files.pipe_file("audit/ledger/seg/4.slg", (ledger / "seg/4.slg").read_bytes())
