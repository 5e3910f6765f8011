"""Rows of the table of benchmarks, from Python: the counterpart of ``benches/support/lib.rs``.

A row measures its operation and its peer in turn, in short spells, in the processor time of the thread, and reports
medians: on a machine that others use too, the ratio holds where single times do not. Every row is printed, and added
to ``target/bench/<room>.jsonl``, one object a line.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

SPELLS = 15
"""Spells of a row; operation and peer take turns."""

LEAST = 0.02
"""Seconds of a spell, at least."""


def spell(operation: Callable[[], object]) -> float:
    """Seconds a call, over a spell."""
    start, calls, block = time.thread_time(), 0, 1
    while True:
        for _ in repeat(None, block):
            operation()
        calls += block
        elapsed = time.thread_time() - start
        if elapsed >= LEAST:
            return elapsed / calls
        # The clock takes a microsecond itself: it is asked after 1, 2, 4, 8, ... calls.
        block = calls


class Bench:
    """The rows of a room.

    Args:
        room: The room, which names the file.
        append: Add to a file that the Rust benchmarks of the room have begun.
    """

    def __init__(self, room: str, *, append: bool) -> None:
        self.room = room
        self.path = Path(__file__).parents[2] / "target" / "bench" / f"{room}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not append:
            self.path.unlink(missing_ok=True)
        head = "room/operation/backend/size", "value", "ratio", "peer", "target"
        print(f"{head[0]:<52} {head[1]:>17} {head[2]:>7}  {head[3]:<24} {head[4]:>7}  met")

    def row(
        self,
        operation: str,
        run: Callable[[], object],
        *,
        backend: str,
        size: str,
        work: float = 1,
        unit: str = "/s",
        peer: str,
        peer_run: Callable[[], object],
        peer_work: float = 1,
        peer_spell: Callable[[], float] | None = None,
        target: float | None = None,
        spells: int = SPELLS,
    ) -> float:
        """Measure an operation and its peer in turn; the median of the ratios.

        Args:
            operation: What is done.
            run: One call of it.
            backend: What it runs on, or the name of somebody else's library.
            size: Items or bytes.
            work: Units that one call does.
            unit: The unit.
            peer: Who it is compared with.
            peer_run: One call of the peer.
            peer_work: Units that one call of the peer does.
            peer_spell: Seconds a call of the peer, where the peer is no function of this process.
            target: The ratio that must be reached; None for a row that only informs.
            spells: Spells of each.
        """
        measure = peer_spell or (lambda: spell(peer_run))
        run()
        peer_run()
        values, ratios = [], []
        for _ in range(spells):
            value = work / spell(run)
            values.append(value)
            ratios.append(value * measure() / peer_work)
        value, ratio = statistics.median(values), statistics.median(ratios)
        self.report(operation, value, ratio, backend=backend, size=size, unit=unit, peer=peer, target=target)
        return ratio

    def report(
        self,
        operation: str,
        value: float,
        ratio: float | None,
        *,
        backend: str,
        size: str,
        unit: str = "/s",
        peer: str,
        target: float | None = None,
        at_most: bool = False,
        threads: int = 1,
    ) -> None:
        """Print and write what was found: the value, and the value divided by the peer's.

        ``at_most`` turns the target round: the ratio may not be above it.
        """
        met = None
        if target is not None and ratio is not None:
            met = ratio <= target if at_most else ratio >= target
        name = f"{self.room}/{operation}/{backend}/{size}"
        said = {True: "yes", False: "NO", None: ""}[met]
        sign = "<=" if at_most else ""
        goal = "" if target is None else f"{sign}{target:.2f}x"
        times = "" if ratio is None else f"{ratio:.2f}x"
        print(f"{name:<52} {value:>11,.4g} {unit:<5} {times:>7}  {peer:<24} {goal:>7}  {said}", flush=True)
        row = {
            "room": self.room,
            "operation": operation,
            "backend": backend,
            "size": size,
            "value": value,
            "unit": unit,
            "peer": peer,
            "ratio": ratio,
            "target": target,
            "met": met,
            "threads": threads,
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
