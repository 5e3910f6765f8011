"""Millimetres as the reader sees the page, and back to the coordinates of PDF.

The reader sees the crop box, turned clockwise by /Rotate, each unit being 1/72 inch times /UserUnit (ISO 32000-2,
7.7.3.3 and 8.3.2.3); everything in this package that speaks of a place means millimetres from the top left corner of
that. It does *not* look at the page's content.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from sealcore.errors import InvalidArgument, UnreadableDocument

__all__ = ["POINTS_PER_MM", "Page", "Placement", "Rect"]

POINTS_PER_MM: Final = 72 / 25.4

Rect = tuple[float, float, float, float]
"""(left, bottom, right, top) in user space, or (left, top, right, bottom) in millimetres on the page as shown."""


@dataclass(frozen=True)
class Placement:
    """Where a stamp stands: page (1 = first) and millimetres from the top left corner of the page as shown."""

    page: int
    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float


@dataclass(frozen=True)
class Page:
    """The geometry of one page: its visible box in user space, its turn, its unit.

    Args:
        box: (left, bottom, right, top), the crop box inside the media box.
        rotate: degrees clockwise, 0, 90, 180 or 270.
        user_unit: size of one unit in 1/72 inch.

    Example:
        >>> a4 = Page.build((0, 0, 595, 842), None, 90, 1)
        >>> round(a4.width_mm), round(a4.height_mm)
        (297, 210)
        >>> a4.user_rect((0, 0, 10, 20)) == (0.0, 0.0, 20 * POINTS_PER_MM, 10 * POINTS_PER_MM)
        True
    """

    box: Rect
    rotate: int
    user_unit: float

    @classmethod
    def build(cls, media: Rect, crop: Rect | None, rotate: int, user_unit: float) -> Page:
        """From the page's own numbers, normalised as ISO 32000-2, 14.11.2 says.

        Raises:
            UnreadableDocument: no visible area, an angle that is not a multiple of 90, or a unit that is not positive.
        """
        box = _ordered(media)
        if crop is not None:
            inner = _ordered(crop)
            inner = (max(box[0], inner[0]), max(box[1], inner[1]), min(box[2], inner[2]), min(box[3], inner[3]))
            if inner[0] < inner[2] and inner[1] < inner[3]:
                box = inner
        numbers = (*box, user_unit)
        if not all(math.isfinite(n) and abs(n) < 1e7 for n in numbers) or box[0] >= box[2] or box[1] >= box[3]:
            raise UnreadableDocument("the page has no visible area: its MediaBox or CropBox is damaged")
        if rotate % 90 or user_unit <= 0:
            raise UnreadableDocument("the page's Rotate or UserUnit is damaged")
        return cls(box, rotate % 360, user_unit)

    @property
    def _unit(self) -> float:
        return POINTS_PER_MM / self.user_unit

    @property
    def width_mm(self) -> float:
        """As shown."""
        return (self.box[2] - self.box[0] if self.rotate % 180 == 0 else self.box[3] - self.box[1]) / self._unit

    @property
    def height_mm(self) -> float:
        """As shown."""
        return (self.box[3] - self.box[1] if self.rotate % 180 == 0 else self.box[2] - self.box[0]) / self._unit

    def to_units(self, millimetres: float) -> float:
        """A length in user space."""
        return millimetres * self._unit

    def user_rect(self, shown: Rect) -> Rect:
        """(left, top, right, bottom) in mm as shown -> (left, bottom, right, top) in user space."""
        (x, y), (right, bottom) = self._to_user(*shown[:2]), self._to_user(*shown[2:])
        return _ordered((x, y, right, bottom))

    def shown_rect(self, user: Rect) -> Rect:
        """(left, bottom, right, top) in user space -> (left, top, right, bottom) in mm as shown."""
        (x, y), (right, bottom) = self._to_shown(*user[:2]), self._to_shown(*user[2:])
        return _ordered((x, y, right, bottom))

    def require_inside(self, shown: Rect) -> None:
        """Raises InvalidArgument(field="place") when the rectangle leaves the page (a hundredth of a mm is allowed)."""
        left, top, right, bottom = shown
        if left < -0.01 or top < -0.01 or right > self.width_mm + 0.01 or bottom > self.height_mm + 0.01:
            raise InvalidArgument(
                f"place: a stamp of {right - left:.1f} x {bottom - top:.1f} mm at ({left:.1f}, {top:.1f}) leaves the "
                f"page, which shows {self.width_mm:.1f} x {self.height_mm:.1f} mm",
                field="place",
            )

    def moved_inside(self, shown: Rect) -> Rect:
        """The nearest rectangle of the same size on the page.

        Raises:
            InvalidArgument: it is larger than the page (field="size_mm").
        """
        left, top, right, bottom = shown
        width, height = right - left, bottom - top
        if width > self.width_mm or height > self.height_mm:
            raise InvalidArgument(
                f"size_mm: {width:.1f} x {height:.1f} mm is larger than the page, which shows "
                f"{self.width_mm:.1f} x {self.height_mm:.1f} mm",
                field="size_mm",
            )
        left = min(max(left, 0.0), self.width_mm - width)
        top = min(max(top, 0.0), self.height_mm - height)
        return left, top, left + width, top + height

    def upright(self) -> tuple[int, int, int, int, int, int]:
        """The form matrix that turns an appearance against /Rotate, so that it stands upright on the page as shown."""
        cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[self.rotate]
        return cosine, sine, -sine, cosine, 0, 0

    def _to_user(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        x, y = self.to_units(x_mm), self.to_units(y_mm)
        left, bottom, right, top = self.box
        return {
            0: (left + x, top - y),
            90: (left + y, bottom + x),
            180: (right - x, bottom + y),
            270: (right - y, top - x),
        }[self.rotate]

    def _to_shown(self, x: float, y: float) -> tuple[float, float]:
        left, bottom, right, top = self.box
        across, down = {
            0: (x - left, top - y),
            90: (y - bottom, x - left),
            180: (right - x, y - bottom),
            270: (top - y, right - x),
        }[self.rotate]
        return across / self._unit, down / self._unit


def _ordered(rect: Rect) -> Rect:
    return min(rect[0], rect[2]), min(rect[1], rect[3]), max(rect[0], rect[2]), max(rect[1], rect[3])
