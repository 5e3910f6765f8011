"""A word in the document that a seal goes to, and where the stamp then stands.

The search itself is in ``search.py``; this module only holds the request and the arithmetic.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal, get_args

from sealcore.errors import InvalidArgument
from sealcore.pdf.geometry import Rect

__all__ = ["Keyword", "Side", "beside", "folded"]

Side = Literal["right", "left", "above", "below", "over"]

_MAX_KEYWORD: Final = 200


@dataclass(frozen=True)
class Keyword:
    """A word in the document that the seal goes to.

    Args:
        text: what to look for, 1 to 200 characters that are not white space.
        page: 1 = first, -1 = last; None searches every page.
        occurrence: 1 = the first found in reading order, 2 the second, -1 the last.
        side: where the stamp stands relative to the word, centred on its other axis; ``"over"`` centres it on the word.
        gap_mm: distance between word and stamp.

    The stamp is moved by the least distance that keeps it on the page.

    Raises:
        InvalidArgument: a value outside these bounds.
    """

    text: str
    page: int | None = None
    occurrence: int = 1
    side: Side = "right"
    gap_mm: float = 2.0

    def __post_init__(self) -> None:
        if not 1 <= len(folded(self.text)) <= _MAX_KEYWORD:
            raise InvalidArgument(f"keyword: 1 to {_MAX_KEYWORD} visible characters", field="keyword")
        if self.page == 0:
            raise InvalidArgument("keyword: page 1 is the first, -1 the last; 0 is none", field="page")
        if self.occurrence == 0:
            raise InvalidArgument("keyword: occurrence 1 is the first, -1 the last; 0 is none", field="occurrence")
        if self.side not in get_args(Side):
            raise InvalidArgument(f"keyword: side is one of {', '.join(get_args(Side))}", field="side")
        if not 0 <= self.gap_mm <= 1000:
            raise InvalidArgument(f"keyword: gap_mm is 0 to 1000, got {self.gap_mm}", field="gap_mm")


def beside(word: Rect, size_mm: tuple[float, float], keyword: Keyword) -> Rect:
    """The stamp's rectangle for a word, both in mm on the page as shown (left, top, right, bottom)."""
    (left, top, right, bottom), (width, height) = word, size_mm
    x, y = (left + right - width) / 2, (top + bottom - height) / 2
    if keyword.side == "right":
        x = right + keyword.gap_mm
    elif keyword.side == "left":
        x = left - keyword.gap_mm - width
    elif keyword.side == "above":
        y = top - keyword.gap_mm - height
    elif keyword.side == "below":
        y = bottom + keyword.gap_mm
    return x, y, x + width, y + height


def folded(text: str) -> str:
    """The text as it is compared: compatibility forms folded (NFKC), white space removed."""
    return "".join(unicodedata.normalize("NFKC", text).split())
