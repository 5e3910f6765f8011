"""What is measured: sealcore's imprint room, behind the few calls that the tables need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import sealcore.imprint as room
from sealmodel.design import Seal
from sealmodel.press import Imprint as Truth
from sealmodel.raster import MARGIN_MM, drawing, frame_of

__all__ = ["Outcome", "box", "compare", "compare_middle", "drawn", "picture", "register"]

MATCHES = "matches the registered design"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a comparison said."""

    score: float
    """A distance: larger is less like the registered design."""
    verdict: str
    coverage: float
    angle: float
    decided_by: str
    alarms: tuple[str, ...]


def picture(pixels: NDArray[np.uint8], dpi: float) -> room.Image:
    """An array as a picture with a resolution."""
    return room.Image.from_array(np.ascontiguousarray(pixels), dpi=dpi)


def box(seal: Seal, truth: Truth, rng: np.random.Generator | None = None, ink: str = "red") -> room.Imprint:
    """The imprint's place, known from the model; with ``rng`` as inexact as a finder is (1% of the size)."""
    unit = truth.dpi / 25.4
    turn = math.radians(truth.angle)
    if rng is None:
        scale, shift = np.ones(2), np.zeros(2)
    else:
        scale, shift = 1 + rng.normal(0, 0.005, 2), rng.normal(0, 0.005 * seal.height * unit, 2)
    half_x, half_y = seal.width / 2 * unit * scale[0], seal.height / 2 * unit * scale[1]
    return room.Imprint(
        shape=seal.shape,
        ink=ink,
        centre=(truth.centre[0] + float(shift[0]), truth.centre[1] + float(shift[1])),
        axes=(
            (half_x * math.cos(turn), -half_x * math.sin(turn)),
            (half_y * math.sin(turn), half_y * math.cos(turn)),
        ),
    )


def drawn(seal: Seal, dpi: float = 300.0) -> tuple[room.Image, room.Imprint]:
    """The maker's drawing and the place of the seal in it."""
    width, height, unit = frame_of(seal, dpi)
    place = room.Imprint(
        shape=seal.shape,
        ink="red",
        centre=(width / 2, height / 2),
        axes=((seal.width / 2 * unit, 0.0), (0.0, seal.height / 2 * unit)),
    )
    assert width >= (seal.width + 2 * MARGIN_MM) * unit - 2
    return picture(drawing(seal, dpi), dpi), place


def register(seal: Seal) -> room.Registered:
    """The seal registered from its drawing."""
    image, place = drawn(seal)
    return room.register(image, imprints=[place])


def compare_middle(registered: room.Registered, page: room.Image) -> Outcome:
    """The comparison of the imprint in the middle of a page, as it is found among others; unfound is no match."""
    found = room.find(page)
    middle = [side / 2 for side in (page.width, page.height)]
    near = sorted(found, key=lambda place: math.dist(place.centre, middle))
    if not near or math.dist(near[0].centre, middle) > 0.05 * page.width:
        return Outcome(math.inf, "not found", 1.0, 0.0, "find", ())
    return compare(registered, page, near[0], found)


def compare(
    registered: room.Registered,
    image: room.Image,
    place: room.Imprint | None,
    others: Sequence[room.Imprint] = (),
) -> Outcome:
    """One comparison."""
    result = room.compare(registered, image, place, others=others)
    decided = result.decided_by.measure
    return Outcome(float(result.score), result.verdict, result.coverage, result.angle, decided, tuple(result.alarms))
