"""Seals as fields of distance: millimetres to the edge of the ink, negative inside it.

A field instead of a picture, because every act of the ink model is a plain operation on it: more or less ink moves the
level, an elastic stamp moves the places that it is read at, and it is read at any resolution without jagged edges.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sealmodel.design import Frame, Glyph, Part, Ring, Seal, Star
from sealmodel.typefaces import glyph

__all__ = ["MARGIN_MM", "drawing", "field", "frame_of"]

MARGIN_MM = 1.5
"""What a field shows around the seal."""
_FAR = 3.0
Field = NDArray[np.float32]


def frame_of(seal: Seal, dpi: float) -> tuple[int, int, float]:
    """Width, height and pixels a millimetre of the seal's field; its middle is the seal's middle."""
    unit = dpi / 25.4
    return 2 * math.ceil((seal.width / 2 + MARGIN_MM) * unit), 2 * math.ceil((seal.height / 2 + MARGIN_MM) * unit), unit


@functools.lru_cache(maxsize=64)
def _grid(width: int, height: int, unit: float) -> tuple[Field, Field]:
    x = ((np.arange(width) + 0.5 - width / 2) / unit).astype(np.float32)
    y = ((np.arange(height) + 0.5 - height / 2) / unit).astype(np.float32)
    return x[None, :], y[:, None]


def _ellipse(x: Field, y: Field, a: float, b: float) -> Field:
    """Distance to an ellipse, exact for a circle, of the first order near any edge."""
    if a == b:
        return np.hypot(x, y) - np.float32(a)
    inner = np.hypot(x / a, y / b)
    slope = np.hypot(x / a**2, y / b**2)
    return inner * (inner - 1) / np.maximum(slope, np.float32(1e-6))


def _polygon(x: Field, y: Field, corners: list[tuple[float, float]]) -> Field:
    """Distance to a polygon."""
    square = np.full(np.broadcast_shapes(x.shape, y.shape), np.float32(1e6))
    inside = np.zeros(square.shape, bool)
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        ex, ey = x1 - x0, y1 - y0
        wx, wy = x - np.float32(x0), y - np.float32(y0)
        along = np.clip((wx * ex + wy * ey) / (ex * ex + ey * ey), 0, 1)
        square = np.minimum(square, (wx - ex * along) ** 2 + (wy - ey * along) ** 2)
        if ey:
            crossing = ((y0 <= y) & (y < y1)) | ((y1 <= y) & (y < y0))
            inside ^= crossing & (x < (y - y0) / ey * ex + x0)
    return np.where(inside, -1, 1) * np.sqrt(square)


def _star(x: Field, y: Field, star: Star) -> Field:
    corners = []
    for step in range(10):
        # The inner corners of a pentagram lie at cos 72 / cos 36 of its radius.
        length = star.radius * (1.0 if step % 2 == 0 else math.cos(math.radians(72)) / math.cos(math.radians(36)))
        turn = math.radians(36 * step + star.turn)
        corners.append((star.x + length * math.sin(turn), star.y - length * math.cos(turn)))
    return _polygon(x, y, corners)


def _box(x: Field, y: Field, a: float, b: float, corner: float) -> Field:
    qx, qy = np.abs(x) - np.float32(a - corner), np.abs(y) - np.float32(b - corner)
    outside = np.hypot(np.maximum(qx, 0), np.maximum(qy, 0))
    return outside + np.minimum(np.maximum(qx, qy), 0) - np.float32(corner)


@functools.lru_cache(maxsize=48)
def _figure(part: Part, width: int, height: int, unit: float) -> Field:
    """Borders and stars over the whole field: a registry has few different ones."""
    x, y = _grid(width, height, unit)
    match part:
        case Ring(a, b, thickness):
            outer = _ellipse(x, y, a, b)
            return np.maximum(outer, -outer - np.float32(thickness)).astype(np.float32)
        case Frame(a, b, thickness, corner):
            outer, hole = _box(x, y, a, b, corner), _box(x, y, a - thickness, b - thickness, corner / 2)
            return np.maximum(outer, -hole).astype(np.float32)
        case Star():
            return _star(x, y, part).astype(np.float32)
        case _:
            raise TypeError(part)


def _lay_glyph(target: Field, part: Glyph, unit: float) -> None:
    """Lower the distances where the character stands."""
    if part.character.isspace():
        return
    cut = glyph(part.character, part.typeface, max(2, min(8, round(8 * part.width / part.height))))
    zoom = cut.em / (part.height * unit)
    turn = math.radians(part.turn)
    cos, sin = math.cos(turn), math.sin(turn)
    half_x, half_y = cut.distance.width / 2 / zoom, cut.distance.height / 2 / zoom
    reach_x, reach_y = abs(cos) * half_x + abs(sin) * half_y, abs(sin) * half_x + abs(cos) * half_y
    height, width = target.shape
    centre_x, centre_y = width / 2 + part.x * unit, height / 2 + part.y * unit
    left, right = max(0, math.floor(centre_x - reach_x)), min(width, math.ceil(centre_x + reach_x))
    top, bottom = max(0, math.floor(centre_y - reach_y)), min(height, math.ceil(centre_y + reach_y))
    if left >= right or top >= bottom:
        return
    a, b, d, e = cos * zoom, sin * zoom, -sin * zoom, cos * zoom
    dx, dy = left - centre_x, top - centre_y
    data = (a, b, cut.distance.width / 2 + a * dx + b * dy, d, e, cut.distance.height / 2 + d * dx + e * dy)
    # Outside the character's picture nothing is known but "far": the fill is a distance that never is ink.
    read = cut.distance.transform(
        (right - left, bottom - top), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR, fillcolor=_FAR
    )
    distance = np.asarray(read) * np.float32(part.height) - np.float32(part.bold)
    window = target[top:bottom, left:right]
    np.minimum(window, distance, out=window)


def field(seal: Seal, dpi: float = 300.0) -> Field:
    """The seal's distances at this resolution, float32 of the shape (height, width) of :func:`frame_of`."""
    width, height, unit = frame_of(seal, dpi)
    target = np.full((height, width), np.float32(_FAR))
    for part in seal.parts:
        if isinstance(part, Glyph):
            _lay_glyph(target, part, unit)
        else:
            np.minimum(target, _figure(part, width, height, unit), out=target)
    return target


def drawing(seal: Seal, dpi: float = 300.0) -> NDArray[np.uint8]:
    """The maker's drawing: red on white, (height, width, 3)."""
    unit = dpi / 25.4
    cover = np.clip(0.5 - field(seal, dpi) * np.float32(unit), 0, 1)
    ink = np.array([214, 20, 30], np.float32)
    return np.rint(255 + cover[..., None] * (ink - 255)).astype(np.uint8)
