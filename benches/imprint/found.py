"""Real imprints and real pages, and the finder on pages of the model."""

from __future__ import annotations

import json
import math
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import sealcore.imprint as room
from imprint import subject
from imprint.counts import Share, errors, threshold
from imprint.rows import Row
from imprint.trials import in_processes
from sealmodel.page import Placed, compose

__all__ = ["DATA", "pages", "real"]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "imprint"


class MissingData(RuntimeError):
    """The imprints of others are not beside the project."""


def _data() -> Path:
    if not (DATA / "private").is_dir():
        raise MissingData(f"{DATA.name}: the real imprints are not beside the project (../shared/data/imprint)")
    return DATA


# --- real imprints of two square name seals ---

_SIDE_MM = 11.5


def _box_of(entry: dict[str, float]) -> room.Imprint:
    turn = math.radians(-entry["rect_angle"])
    half_x, half_y = entry["w"] / 2, entry["h"] / 2
    return room.Imprint(
        shape="square",
        ink="red",
        centre=(entry["cx"], entry["cy"]),
        axes=(
            (half_x * math.cos(turn), -half_x * math.sin(turn)),
            (half_y * math.sin(turn), half_y * math.cos(turn)),
        ),
    )


def real() -> tuple[list[Row], dict[str, object]]:
    """Every development imprint against both registered seals, by the shipped thresholds, which know none of them."""
    folder = _data() / "private" / "imprints"
    entries = json.loads((folder / "boxes.json").read_text())
    images = {page: room.decode((folder / page).read_bytes(), dpi=300) for page in {e["page"] for e in entries}}
    registered = {}
    for seal in ("1-1", "1-3"):
        golden = [e for e in entries if e["page"] == f"{seal}_golden.jpg"]
        registered[seal] = room.register(*[images[e["page"]] for e in golden], imprints=[_box_of(e) for e in golden])
    results = []
    for entry in entries:
        if entry["page"].endswith("_test.jpg"):
            for seal, known in registered.items():
                results.append((entry["seal"] == seal, subject.compare(known, images[entry["page"]], _box_of(entry))))
    rows = []
    for least in (0.5, 0.0):
        good = [o for same, o in results if same and o.coverage >= least]
        bad = [o for same, o in results if not same and o.coverage >= least]
        name = f"real imprints, coverage >= {least}"
        target = 0.02 if least else None
        refused = Share(sum(o.verdict != subject.MATCHES for o in good), len(good))
        passed = Share(sum(o.verdict == subject.MATCHES for o in bad), len(bad))
        rows.append(Row.of_share("real", f"{name}: genuine", "refused or insufficient", refused, target))
        alike = Share(sum(o.verdict in ("look-alike", "different") for o in good), len(good))
        rows.append(Row.of_share("real", f"{name}: genuine", "refused", alike, None))
        rows.append(Row.of_share("real", f"{name}: the other seal", "passed", passed, 0.0 if least else None))
        scores = [o.score for o in good], [o.score for o in bad]
        rows.append(Row.of_errors("real", f"{name}: EER of the scores", errors(*scores, threshold(*scores)), None))
    return rows, {"imprints": len(results) // 2, "registered_from": 3}


# --- pages ---


@dataclass(frozen=True, slots=True)
class Mark:
    """A seal on a real page: its middle and half axes in pixels. Not counted: rubber stamps of words, ghosts."""

    x: float
    y: float
    a: float
    b: float
    counts: bool = True


_MARKS: dict[str, tuple[Mark, ...]] = {
    "private/pages/gmgge_seal_1_two_touching_300dpi.jpg": (Mark(1310, 2900, 245, 245), Mark(1792, 2900, 245, 245)),
    "private/pages/sealdetect_1.png": (Mark(405, 572, 51, 51),),
    "private/pages/sealdetect_3.png": (Mark(405, 572, 51, 51),),
    "private/pages/tfygg_030.jpg": (
        Mark(499, 2035, 150, 150),
        Mark(1467, 119, 110, 110, counts=False),
        Mark(1176, 2038, 50, 50, counts=False),
        Mark(266, 1827, 140, 140, counts=False),
    ),
    "licensed/getseal_source.png": (Mark(133, 133, 128, 128),),
    "licensed/vignette_1_licence.png": (Mark(1064, 678, 90, 90),),
    "licensed/vignette_2_contract.jpg": (Mark(137, 557, 49, 49), Mark(354, 566, 49, 37)),
    "licensed/vignette_3_form.png": (Mark(804, 1197, 113, 113),),
    "licensed/vignette_5_certificate_photo.jpg": (Mark(851, 1276, 121, 121),),
}


def _matched(found: list[room.Imprint], marks: tuple[Mark, ...]) -> tuple[int, int]:
    """How many marks were found, and how many boxes are false."""
    left, false = list(marks), 0
    for imprint in found:
        x, y = imprint.centre
        (ux, uy), (vx, vy) = imprint.axes
        size = math.sqrt(math.hypot(ux, uy) * math.hypot(vx, vy))
        for mark in left:
            reach = math.sqrt(mark.a * mark.b)
            near = math.hypot(x - mark.x, y - mark.y) <= 0.25 * reach
            if near and 0.75 <= size / reach <= 1.33:
                left.remove(mark)
                break
        else:
            # A box on something that is not counted either way is no error.
            ignored = any(not m.counts and math.hypot(x - m.x, y - m.y) <= max(m.a, m.b) for m in marks)
            false += not ignored
    return sum(m.counts for m in marks) - sum(m.counts for m in left), false


def _on_page(task: tuple[int, str]) -> tuple[str, int, int, int]:
    number, kind = task
    rng = np.random.default_rng([5_000_000, number])
    dpi = float((150, 200, 300)[number % 3])
    seals = {"none": 0, "one": 1, "several": 3, "touching": 2, "grey": 1, "turned by 90 degrees": 2}[kind]
    page = compose(rng, seals=seals, dpi=dpi, grey=kind == "grey", touching=kind == "touching")
    pixels = np.rot90(page.pixels) if kind.startswith("turned") else page.pixels
    width = page.pixels.shape[1]
    marks = tuple(_mark(p, width, turned=kind.startswith("turned")) for p in page.placed)
    found, false = _matched(room.find(subject.picture(np.ascontiguousarray(pixels), dpi)), marks)
    return kind, found, len(marks), false


def _mark(placed: Placed, width: int, *, turned: bool) -> Mark:
    x, y = placed.centre
    return Mark(y, width - x, *placed.half) if turned else Mark(x, y, *placed.half)


_KINDS = ("none", "one", "several", "touching", "grey", "turned by 90 degrees")


def pages(count: int, jobs: int) -> tuple[list[Row], dict[str, object]]:
    """Seals found and false boxes, on the real pages and on pages of the model."""
    rows = []
    if os.environ.get("CI") or (DATA / "private").is_dir():
        folder = _data()
        hits = seals = false = 0
        detail = []
        for name, marks in _MARKS.items():
            found, wrong = _matched(room.find(room.decode((folder / name).read_bytes())), marks)
            hits, seals, false = hits + found, seals + sum(m.counts for m in marks), false + wrong
            detail.append(
                {"page": Path(name).name, "found": found, "seals": sum(m.counts for m in marks), "false": wrong}
            )
        rows.append(Row.of_share("pages", "real pages: seals", "found", Share(hits, seals), 20 / 22, at_least=True))
        rows.append(
            Row(
                "pages",
                "real pages: false boxes",
                "a page (x 100%)",
                false / len(_MARKS),
                f"{false} on {len(_MARKS)} pages",
                0.2,
                numbers={"pages": detail},
            )
        )
    tasks = [(n, _KINDS[n % len(_KINDS)]) for n in range(count)]
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for kind, found, marks_there, wrong in in_processes("pages", _on_page, tasks, jobs):
        for position, value in enumerate((found, marks_there, wrong, 1)):
            totals[kind][position] += value
    for kind, (found, there, wrong, pages_seen) in totals.items():
        if there:
            rows.append(Row.of_share("pages", f"model pages, {kind}: seals", "found", Share(found, there), None))
        rows.append(
            Row(
                "pages",
                f"model pages, {kind}: false boxes",
                "a page (x 100%)",
                wrong / pages_seen,
                f"{wrong} on {pages_seen} pages",
            )
        )
    return rows, {"model_pages": count, "dpi": [150, 200, 300]}
