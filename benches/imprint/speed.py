"""``make bench ROOM=imprint``: the time of each step on one core, beside its peers in the same run.

A row has the format of the other rooms (``benches/support/lib.rs``), with one difference: values are milliseconds, so a
target is the most that a step may take, and the ratio is the peer's time over ours. Steps and peers take turns, in the
processor time of the process, and medians are reported.
"""

from __future__ import annotations

import os

for _name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse  # noqa: E402
import json  # noqa: E402 - the number of threads is read when the libraries are loaded
import statistics  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import asdict, dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

import cv2  # noqa: E402
import numpy as np  # noqa: E402

import sealcore.imprint as room  # noqa: E402
from imprint import peers, subject  # noqa: E402
from imprint.trials import imprint_of  # noqa: E402
from sealmodel.design import company  # noqa: E402
from sealmodel.page import compose  # noqa: E402
from sealmodel.press import HARDNESS  # noqa: E402
from sealmodel.raster import field  # noqa: E402
from sealmodel.scan import Scan  # noqa: E402
from sealmodel.typefaces import MissingTypeface  # noqa: E402

cv2.setNumThreads(1)
_SPELLS = 11
_FILE = Path(__file__).resolve().parents[2] / "target" / "bench" / "imprint.jsonl"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    room: str
    operation: str
    backend: str
    size: str
    value: float
    unit: str
    peer: str | None
    ratio: float | None
    target: float | None
    met: bool | None
    threads: int


def _spell(call: Callable[[], object]) -> float:
    """Milliseconds a call, over at least 20 ms."""
    start, calls = time.process_time(), 0
    while True:
        call()
        calls += 1
        if (spent := time.process_time() - start) >= 0.02:
            return 1e3 * spent / calls


def _row(
    operation: str, size: str, call: Callable[[], object], target: float | None, others: dict[str, Callable[[], object]]
) -> list[Row]:
    """Our row, and one for each peer; the ratio of ours is to the fastest peer."""
    call()
    for other in others.values():
        other()
    mine: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in others}
    for _ in range(_SPELLS):
        mine.append(_spell(call))
        for name, other in others.items():
            theirs[name].append(_spell(other))
    value = statistics.median(mine)
    rows = []
    for name in others:
        ratio = statistics.median(t / m for t, m in zip(theirs[name], mine, strict=True))
        rows.append(_said(operation, size, value, target, name, ratio))
    return rows or [_said(operation, size, value, target, None, None)]


def _said(operation: str, size: str, value: float, target: float | None, peer: str | None, ratio: float | None) -> Row:
    backend = room.__name__.split(".")[0]
    met = None if target is None else value <= target
    return Row("imprint", operation, backend, size, round(value, 4), "ms", peer, ratio, target, met, 1)


def _index(folder: str, count: int) -> room.Index:
    """An index of random codes: the scan reads every bit of every code, whatever they are."""
    image, box = subject.drawn(company(np.random.default_rng(1)))
    print(f"building an index of {count:,} seals", file=sys.stderr)
    model = bytearray(room.fingerprint(image, box).to_bytes())
    rng = np.random.default_rng(2)
    index = room.Index.create(Path(folder) / "seals.index")
    head = _HEAD
    for number in range(count):
        model[head:] = rng.bytes(len(model) - head)
        index.add(str(number), room.Fingerprint.from_bytes(bytes(model)))
    return index


_HEAD = 8
"""Bytes of a fingerprint that are no code: version, shape and the like stay as they are."""


def rows(seals: int) -> list[Row]:
    """All rows; the index that is searched holds this many seals."""
    rng = np.random.default_rng(7)
    page = compose(rng, seals=2, dpi=300.0)
    image = subject.picture(page.pixels, 300.0)
    result = _row("find", "A4 300 dpi, 2 seals", lambda: room.find(image), 40.0, {})

    seal = company(np.random.default_rng(3))
    truth, pixels = imprint_of(seal, field(seal), rng, HARDNESS[1], Scan())
    stamped, box = subject.picture(pixels, 300.0), subject.box(seal, truth, rng)
    half = 0.52 * seal.width * 300 / 25.4
    plane = peers.crop(pixels, truth, half)
    hashes = {name: (lambda make=make: make(plane)) for name, (make, _) in peers.PEERS.items()}
    result += _row("fingerprint", f"{seal.width:g} mm 300 dpi", lambda: room.fingerprint(stamped, box), 5.0, hashes)

    registered = subject.register(seal)
    drawing, _ = subject.drawn(seal)
    describe, distance = peers.PEERS["OpenCV ORB+RANSAC"]
    kept = describe(peers.crop(np.asarray(_pixels(drawing)), _centred(drawing), half))
    result += _row(
        "compare", "two imprints, with parts", lambda: room.compare(registered, stamped, box), 20.0,
        {"OpenCV ORB+RANSAC": lambda: distance(kept, describe(plane))},
    )  # fmt: skip
    each = _row("register", "one drawing", lambda: room.register(drawing), None, {})
    result += each
    # Two cores, a hundred thousand drawings: measured for one drawing on one core, and multiplied.
    minutes = each[0].value * 100_000 / 2 / 60_000
    result.append(
        Row(
            "imprint",
            "register",
            "sealcore",
            "100000 drawings, from one",
            round(minutes, 2),
            "min",
            None,
            None,
            10.0,
            minutes <= 10.0,
            2,
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        index = _index(folder, seals)
        asked = room.fingerprint(stamped, box)
        result += _row("search", f"{seals} seals, re-rank 100", lambda: index.search(asked, limit=100), 20.0, {})
    return result


def _pixels(image: room.Image) -> np.ndarray:
    return np.frombuffer(image.pixels, np.uint8).reshape(image.height, image.width, image.channels)


def _centred(image: room.Image) -> object:
    from sealmodel.press import Imprint  # noqa: PLC0415

    return Imprint(np.zeros((1, 1), np.float32), 300.0, 0.0, (image.width / 2, image.height / 2), 0.0, 0.0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench ROOM=imprint", description="The speed of the imprint room.")
    parser.add_argument("--seals", type=int, default=1_000_000, help="seals of the index that is searched")
    arguments = parser.parse_args()
    try:
        table = rows(arguments.seals)
    except MissingTypeface as error:
        print(f"make bench: {error}", file=sys.stderr)
        return 1
    _FILE.parent.mkdir(parents=True, exist_ok=True)
    _FILE.write_text("".join(json.dumps(asdict(row)) + "\n" for row in table))
    print(f"{'room/operation/backend/size':<60} {'value':>14} {'ratio':>8}  {'peer':<20} {'at most':>9}  met")
    for row in table:
        name = f"{row.room}/{row.operation}/{row.backend}/{row.size}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
        target = "" if row.target is None else f"{row.target:g} {row.unit}"
        said = {None: "", True: "yes", False: "NO"}[row.met]
        print(f"{name:<60} {row.value:>10.3f} {row.unit:<3} {ratio:>8}  {row.peer or '':<20} {target:>9}  {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
