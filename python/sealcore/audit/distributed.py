"""Verification on many processes or machines, with Dask.

Every sealed segment is a task: it is read, hashed and its signatures are verified, and a summary of a few hundred bytes
is left. Summaries of neighbours are joined as a tree. What is small is done here at the end, as ever: checkpoints, the
newest entries, and whatever segment a worker found something wrong with, so that the report is the one of
:func:`sealcore.ledger.verify_ledger` to the byte. A task whose worker died is run again by Dask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from os import PathLike, cpu_count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealcore.audit.places import FsspecObjects, Place, open_place
from sealcore.errors import BrokenChain, InputError, InvalidArgument, MissingExtra, StorageError
from sealcore.ledger import (
    Finding,
    NoteKey,
    Policy,
    Report,
    Summary,
    decode_body,
    sealed_segments,
    verify_ledger,
    verify_segment,
)
from sealcore.sign import VerifyingKey

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["verify_distributed"]

_FAN_IN = 16
"""Summaries, or runs of them, that one task joins."""

_RETRIES = 3
"""How often a task that raised is run again: a store that is busy for a moment ends no audit."""


def verify_distributed(
    where: str | PathLike[str] | FsspecObjects,
    *,
    engine: str | Client = "dask",
    workers: int | None = None,
    checkpoint: str | None = None,
    ledger_keys: Iterable[VerifyingKey] = (),
    signers: Iterable[NoteKey] = (),
    policy: Policy | None = None,
    max_age: timedelta | None = None,
    level: int = 3,
    summaries: Iterable[Summary] = (),
    max_findings: int = 1000,
    progress: Callable[[int, int], object] | None = None,
    found: Callable[[Finding], object] | None = None,
) -> Report:
    """Verify a ledger on many processes or machines.

    The workers read the ledger themselves: a path must mean the same directory on each of them. They are trusted as
    this process is.

    Args:
        where: A directory, or a URL that fsspec knows.
        engine: ``"dask"`` starts workers on this machine and ends them afterwards, ``"dask://host:port"`` uses a
            scheduler that runs; or a client of Dask.
        workers: How many workers ``"dask"`` starts; None: one for each core.
        checkpoint, ledger_keys, signers, policy, max_age, level, summaries, max_findings, found: As in
            :func:`sealcore.ledger.verify_ledger`. At level 4 the workers verify level 3, and what statements mean is
            replayed here.
        progress: Called with (entries done, entries in all); what it raises ends the verification.

    Returns:
        The report, the same as on one machine.

    Raises:
        MissingExtra: If Dask is not installed.
        InvalidArgument: If there is no ledger, or no such engine.
        StorageError: If the scheduler cannot be reached, or a task failed on every worker that tried it.
        LedgerIOError: If a file cannot be read.
    """
    place = open_place(where)
    kept = list(summaries)
    with _client(engine, workers) as client:
        kept += _map(client, place, level, kept, progress or (lambda done, total: None))
    return verify_ledger(
        place,
        checkpoint=checkpoint,
        ledger_keys=ledger_keys,
        signers=signers,
        policy=policy,
        max_age=max_age,
        level=level,
        summaries=kept,
        max_findings=max_findings,
        progress=progress,
        found=found,
    )


def _dask() -> Any:
    try:
        import distributed  # noqa: PLC0415  an extra
    except ImportError:
        raise MissingExtra('the engine "dask" needs Dask: pip install "sealcore[dask]"', extra="dask") from None
    return distributed


@contextmanager
def _client(engine: str | Client, workers: int | None) -> Iterator[Client]:
    dask = _dask()
    if not isinstance(engine, str):
        yield engine
        return
    name, _, scheduler = engine.partition("://")
    if name != "dask":
        raise InvalidArgument(f'engine: {engine!r} is none of "dask" and "dask://host:port"', field="engine")
    if scheduler:
        try:
            client = dask.Client(f"tcp://{scheduler}", timeout=10)
        except (OSError, ValueError) as error:
            raise StorageError(f"the Dask scheduler {scheduler} cannot be reached: {error}") from None
        with client:
            yield client
        return
    processes = workers or cpu_count() or 1
    # A worker's memory is bounded by itself; Dask's measures against growth would only pause it.
    with (
        dask.LocalCluster(
            n_workers=processes, threads_per_worker=1, dashboard_address=None, memory_limit=0, silence_logs=50
        ) as cluster,
        dask.Client(cluster) as client,
    ):
        yield client


def _map(
    client: Client, place: Place, level: int, kept: Sequence[Summary], step: Callable[[int, int], object]
) -> list[Summary]:
    """The summaries of all segments that `kept` does not cover, joined as far as they are neighbours."""
    dask = _dask()
    length, total = _shape(place)
    covered = [range(summary.start, summary.end) for summary in kept if summary.level >= min(level, 3)]
    starts = [number * length for number in range(sealed_segments(place))]
    numbers = [start // length for start in starts if not any(start in span for span in covered)]
    if not numbers:
        return []
    options: dict[str, Any] = {"pure": False, "retries": _RETRIES}
    segments: list[Future[Any]] = client.map(_segment, numbers, place=place, level=level, **options)
    tasks, joined = list(segments), segments
    while len(joined) > 1:
        joined = [client.submit(_join, joined[at : at + _FAN_IN], **options) for at in range(0, len(joined), _FAN_IN)]
        tasks += joined
    done = len(starts) * length - len(numbers) * length
    try:
        for _ in dask.as_completed(segments):
            done += length
            step(min(done, total), total)
        runs: list[bytes] = joined[0].result()
    except dask.KilledWorker as error:
        raise StorageError(f"the workers that verified a segment ended, one after the other: {error}") from None
    finally:
        client.cancel(tasks)
    return [Summary.from_bytes(run) for run in runs]


def _shape(place: Place) -> tuple[int, int]:
    """The entries of a segment, and how many there are in all; not verified: for the division of work only."""

    def content(name: str) -> bytes:
        return (place / name).read_bytes() if isinstance(place, Path) else place.read(name, 0, place.length(name))

    try:
        genesis = decode_body(content("genesis"))
        size = int(content("checkpoint").split(b"\n", 2)[1])
        return 1 << int(genesis["segment_bits"]), size
    except (OSError, ValueError, LookupError, TypeError, InputError):
        # Too damaged to be divided: the verification that follows says so.
        return 1 << 16, 0


def _segment(number: int, *, place: Place, level: int) -> list[bytes]:
    """On a worker: the summary of one segment; none when something is wrong with it."""
    summary = verify_segment(place, number, level=min(level, 3))
    return [] if summary is None else [bytes(summary)]


def _join(parts: list[list[bytes]]) -> list[bytes]:
    """On a worker: runs of summaries in which neighbours are joined; a contradiction begins a new one."""
    runs: list[Summary] = []
    for part in parts:
        for summary in map(Summary.from_bytes, part):
            try:
                joined = runs[-1].merge(summary) if runs else None
            except (BrokenChain, InputError):
                joined = None
            if joined is None:
                runs.append(summary)
            else:
                runs[-1] = joined
    return [bytes(run) for run in runs]
