"""Stamping: a seal's field of distances becomes ink on paper.

The stamp is elastic (its places move by 42 um rms in the median, 68 um in the 95th percentile, as was measured on
imprints of real seals; about 1% longer one way), it is turned, its ink spreads more where it is pressed harder, its
edge is rough, and parts of it leave no ink.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

__all__ = ["HARDNESS", "Imprint", "Pressing", "noise", "stamp", "white"]

Field = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressing:
    """How well a seal is stamped."""

    loss: float = 0.10
    """The share of the ink that is lost."""
    gain: float = 0.03
    """How far ink spreads over its edge in mm, standard deviation between imprints."""
    pressure: float = 0.045
    """How unevenly it spreads in mm, standard deviation within an imprint."""
    grain: float = 0.03
    """Roughness of the edges in mm, standard deviation."""
    elastic: float | None = None
    """Root mean square of the elastic displacement in mm; None draws it as it is in reality."""
    stretch: float = 0.004
    """Difference of scale between two directions, standard deviation (1% at most)."""
    turn: float = 180.0
    """The seal is turned by up to so many degrees."""
    flat: bool = False
    """Ink of one density everywhere: an imprint that was drawn, not stamped."""


HARDNESS = {
    0: Pressing(loss=0.03, pressure=0.03),
    1: Pressing(loss=0.10),
    2: Pressing(loss=0.25, gain=0.04, pressure=0.055, grain=0.04),
}
"""The three levels: clean; 10% of the ink lost; 25% lost, more uneven and rougher."""


@dataclass(frozen=True, slots=True)
class Imprint:
    """Ink on paper: 0..1 density of ink (height, width), and how it came there."""

    ink: Field
    dpi: float
    angle: float
    """Degrees counter-clockwise as seen on the page."""
    centre: tuple[float, float]
    """Where the seal's middle lies, in pixels from the upper left corner."""
    lost: float
    elastic: float
    """Millimetres, root mean square."""


def noise(rng: np.random.Generator, shape: tuple[int, int], grain: float) -> Field:
    """Smooth noise with this grain in pixels, mean 0, standard deviation 1."""
    if grain <= 1:
        return white(rng, shape)
    small = math.ceil(shape[0] / grain) + 3, math.ceil(shape[1] / grain) + 3
    coarse = Image.fromarray(rng.standard_normal(small, np.float32))
    # The grid's own phase is random: its knots must not lie at the same places in every imprint.
    x, y = rng.uniform(0, 1, 2)
    box = (x, y, x + shape[1] / grain, y + shape[0] / grain)
    fine = np.asarray(coarse.resize((shape[1], shape[0]), Image.Resampling.BICUBIC, box=box))
    return np.asarray((fine - fine.mean()) / max(float(fine.std()), 1e-6), np.float32)


def _elastic(rng: np.random.Generator, shape: tuple[int, int], unit: float, rms: float) -> tuple[Field, Field]:
    """Displacements in pixels, without the part that turning, shifting and scaling would explain."""
    grain = float(rng.uniform(5.0, 9.0)) * unit
    step = max(1.0, unit / 2)
    coarse = math.ceil(shape[0] / step), math.ceil(shape[1] / step)
    y, x = np.mgrid[0 : coarse[0], 0 : coarse[1]]
    plane = np.stack([np.ones(x.size), x.ravel() / coarse[1], y.ravel() / coarse[0]], 1)
    fields = []
    for _ in range(2):
        field = noise(rng, coarse, grain / step).ravel()
        fields.append((field - plane @ np.linalg.lstsq(plane, field, rcond=None)[0]).reshape(coarse))
    scale = rms * unit / math.sqrt(float(np.mean(fields[0] ** 2 + fields[1] ** 2)))
    dx, dy = (_widen((field * scale).astype(np.float32), shape) for field in fields)
    return dx, dy


def _widen(coarse: Field, shape: tuple[int, int]) -> Field:
    return np.asarray(Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


@functools.lru_cache(maxsize=1)
def _tile() -> Field:
    return np.random.default_rng(11).standard_normal((1500, 1500), np.float32)


def white(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """White noise of standard deviation 1: a window of one large sheet, at a random place, turned over at random."""
    sheet = _tile()
    if shape[0] > 1400 or shape[1] > 1400:
        return rng.standard_normal(shape, np.float32)
    top, left = (int(rng.integers(0, sheet.shape[axis] - shape[axis])) for axis in (0, 1))
    window = sheet[top : top + shape[0], left : left + shape[1]]
    return window[:: int(rng.choice([-1, 1])), :: int(rng.choice([-1, 1]))]


def _reach(field: Field, turn: float) -> tuple[float, float]:
    """Half width and half height of the ink, turned, in pixels of the field."""
    y, x = np.nonzero(field[::3, ::3] < 0.2)
    x, y = 3 * x - field.shape[1] / 2 + 1, 3 * y - field.shape[0] / 2 + 1
    return (
        float(np.max(np.abs(x * math.cos(turn) + y * math.sin(turn)), initial=8.0)),
        float(np.max(np.abs(y * math.cos(turn) - x * math.sin(turn)), initial=8.0)),
    )


def stamp(field: Field, field_dpi: float, dpi: float, pressing: Pressing, rng: np.random.Generator) -> Imprint:
    """Stamp a seal once.

    Args:
        field: Millimetres to the edge of the ink, as :func:`sealmodel.raster.field` makes it.
        field_dpi: The field's resolution.
        dpi: The resolution wanted; the picture is large enough for the seal at any turn.
        pressing: How well it is stamped.
        rng: Where chance comes from.
    """
    unit = dpi / 25.4
    angle = float(rng.uniform(-pressing.turn, pressing.turn))
    elastic = pressing.elastic
    if elastic is None:
        elastic = min(0.10, 0.042 * math.exp(0.293 * float(rng.standard_normal())))
    turn = math.radians(angle)
    height, width = field.shape
    zoom = field_dpi / dpi
    reach = _reach(field, turn)
    margin = 1.5 * unit
    shape = 2 * math.ceil(reach[1] / zoom + margin), 2 * math.ceil(reach[0] / zoom + margin)
    shift = rng.uniform(-0.5, 0.5, 2)
    centre = (shape[1] / 2 + float(shift[0]), shape[0] / 2 + float(shift[1]))

    stretch = float(np.clip(rng.normal(0, pressing.stretch), -0.01, 0.01)) / 2
    lean = float(rng.uniform(0, math.pi))
    # Places on paper -> places in the field: back by the turn, then the stretch along one direction, then the warp.
    back = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    along = np.array([math.cos(lean), math.sin(lean)])
    wide = np.eye(2) * (1 - stretch) + 2 * stretch * np.outer(along, along)
    matrix = (wide @ back) * zoom
    dx, dy = _elastic(rng, shape, unit, elastic)
    x = (np.arange(shape[1], dtype=np.float32) + 0.5 - centre[0])[None, :] + dx
    y = (np.arange(shape[0], dtype=np.float32) + 0.5 - centre[1])[:, None] + dy
    columns = matrix[0, 0] * x + matrix[0, 1] * y + (width / 2 - 0.5)
    rows = matrix[1, 0] * x + matrix[1, 1] * y + (height / 2 - 0.5)
    distance = ndimage.map_coordinates(field, [rows, columns], np.float32, order=1, mode="nearest")

    if pressing.flat:
        ink = np.clip(0.5 - distance * unit, 0, 1)
        return Imprint(ink.astype(np.float32), dpi, angle, centre, 0.0, elastic)
    level = float(rng.normal(0.0, pressing.gain)) + pressing.pressure * noise(rng, shape, 8 * unit)
    level += pressing.grain * noise(rng, shape, 0.12 * unit) + 0.4 * pressing.grain * noise(rng, shape, 0.5 * unit)
    # Ink has an edge of some hundredths of a millimetre, whatever the scanner resolves.
    slope = 1 / max(1 / unit, 0.06)
    cover = np.clip(0.5 - (distance - level) * np.float32(slope), 0, 1)
    # A third of what is lost is lost in fine pores, a third in blots, a third where the stamp was hardly pressed.
    weak = (
        0.5 * noise(rng, shape, 0.18 * unit) + 0.65 * noise(rng, shape, 0.9 * unit) + 0.65 * noise(rng, shape, 9 * unit)
    )
    weak /= float(weak.std())
    inked = weak[cover > 0.5]
    edge = float(np.quantile(inked, 1 - pressing.loss)) if inked.size and pressing.loss else 9.0
    kept = np.clip(0.5 - (weak - np.float32(edge)) * 3.5, 0, 1)
    thick = np.clip(0.86 + 0.10 * noise(rng, shape, 0.3 * unit) - 0.10 * np.maximum(0, weak), 0.25, 1.1)
    ink = (cover * kept * thick).astype(np.float32)
    return Imprint(ink, dpi, angle, centre, pressing.loss, elastic)
