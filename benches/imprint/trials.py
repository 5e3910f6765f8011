"""Trials: seals, their genuine and forged imprints, and what the comparison says of each; by seed, in processes.

Seeds A set thresholds, seeds B are reported; no seal is in both.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from imprint import subject
from sealmodel.design import Seal, company
from sealmodel.forgery import FORGERIES
from sealmodel.press import HARDNESS, Imprint, Pressing, stamp
from sealmodel.raster import field as distances
from sealmodel.scan import Scan, develop

__all__ = ["GENUINE", "Record", "Unit", "angle_error", "imprint_of", "in_processes", "ladder", "seal_of"]

GENUINE = "genuine"
# B is new whenever a limit of the library was chosen with results on B in sight: 2, 6, 8 and 9 million are spent.
_FIRST = {"A": 1_000_000, "B": 10_000_000}

Given = TypeVar("Given")
Taken = TypeVar("Taken")


@dataclass(frozen=True, slots=True)
class Unit:
    """One seal of a set at a hardness."""

    seeds: str
    number: int
    hardness: int
    genuine: int = 2


@dataclass(frozen=True, slots=True)
class Record:
    """One comparison."""

    seeds: str
    hardness: int
    kind: str
    outcome: subject.Outcome
    turned: float
    """The difference between the angle found and the true one, degrees."""
    shape: str = "round"
    peers: dict[str, float] = field(default_factory=dict)


def seal_of(seeds: str, number: int) -> tuple[Seal, np.random.Generator]:
    """The seal of this number, and the chance that its imprints come from."""
    rng = np.random.default_rng([_FIRST[seeds], number])
    return company(rng), rng


def imprint_of(
    seal: Seal, field: np.ndarray, rng: np.random.Generator, pressing: Pressing, scan: Scan
) -> tuple[Imprint, np.ndarray]:
    """Stamp a field once and scan it: the truth, and the picture."""
    truth = stamp(field, 300.0, scan.dpi, pressing, rng)
    return truth, develop(truth.ink, scan, rng)


def angle_error(found: float, truth: float) -> float:
    """Degrees between two directions."""
    return abs((found - truth + 180) % 360 - 180)


def ladder(unit: Unit) -> list[Record]:
    """Genuine imprints of one seal, and one imprint of each forgery of it."""
    seal, rng = seal_of(unit.seeds, unit.number)
    registered = subject.register(seal)
    true = distances(seal)
    wanted = [(GENUINE, true)] * unit.genuine
    wanted += [(kind, forgery.make(seal, rng, 300.0)) for kind, forgery in FORGERIES.items() if forgery.suits(seal)]
    records = []
    for kind, cut in wanted:
        truth, pixels = imprint_of(seal, cut, rng, HARDNESS[unit.hardness], Scan())
        place = subject.box(seal, truth, rng)
        outcome = subject.compare(registered, subject.picture(pixels, 300.0), place)
        records.append(
            Record(unit.seeds, unit.hardness, kind, outcome, angle_error(outcome.angle, truth.angle), seal.shape)
        )
    return records


def _alone() -> None:
    """Each process computes on one core: the processes are what runs in parallel."""
    for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"


def in_processes(
    what: str, function: Callable[[Given], Taken], given: Iterable[Given], jobs: int, chunk: int = 1
) -> Iterator[Taken]:
    """The function's results in order, from ``jobs`` processes, with a line of progress on a terminal."""
    work = list(given)
    _alone()
    start = time.monotonic()
    shown = sys.stderr.isatty()
    if jobs == 1:
        results: Iterator[Taken] = map(function, work)
        yield from _told(what, results, len(work), start, shown)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from _told(what, pool.map(function, work, chunksize=chunk), len(work), start, shown)


def _told(what: str, results: Iterator[Taken], total: int, start: float, shown: bool) -> Iterator[Taken]:
    for done, result in enumerate(results, 1):
        if shown:
            left = (time.monotonic() - start) / done * (total - done)
            print(f"\r{what}: {done}/{total}, {left:.0f} s left   ", end="", file=sys.stderr, flush=True)
        yield result
    if shown:
        print(f"\r{what}: {total}, {time.monotonic() - start:.0f} s          ", file=sys.stderr)
