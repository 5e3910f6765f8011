"""What a forger gets wrong: the ladder of kinds and strengths, in millimetres and degrees.

The kinds and their strengths are fixed; nothing is tuned on them. Each takes the true seal and gives the field of
distances of the seal that somebody else cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from sealmodel.design import Frame, Glyph, Ring, Seal, Star, lay_out, sibling
from sealmodel.press import Pressing, stamp
from sealmodel.raster import field, frame_of
from sealmodel.typefaces import signed_distance

__all__ = ["FORGERIES", "JITTER_LADDER", "Forgery"]

Field = NDArray[np.float32]
Change = Callable[[Seal, np.random.Generator], Seal]

# Within the family of Song typefaces; the twins' outlines differ by 0.04 mm rms at 4.2 mm, the others' by 0.08 mm.
_FAMILY = {"song": "noto-serif", "noto-serif": "song"}
_TWIN = {"song": "uming", "uming": "song"}


@dataclass(frozen=True, slots=True)
class Forgery:
    """A kind of forgery: what it is called, and the field of a seal forged so."""

    name: str
    make: Callable[[Seal, np.random.Generator, float], Field]
    shapes: tuple[str, ...] = ("round", "oval", "square")
    typefaces: tuple[str, ...] = ()
    """Only seals in one of these; empty for any."""

    def suits(self, seal: Seal) -> bool:
        """Whether a seal can be forged so."""
        faces = {part.typeface for part in seal.parts if isinstance(part, Glyph) and not part.character.isascii()}
        return seal.shape in self.shapes and (not self.typefaces or faces <= set(self.typefaces))


def _glyphs(change: Callable[[Glyph, np.random.Generator], Glyph]) -> Change:
    def changed(seal: Seal, rng: np.random.Generator) -> Seal:
        return replace(seal, parts=tuple(change(p, rng) if isinstance(p, Glyph) else p for p in seal.parts))

    return changed


def _redrawn(change: Change) -> Callable[[Seal, np.random.Generator, float], Field]:
    return lambda seal, rng, dpi: field(change(seal, rng), dpi)


def _typeface(others: dict[str, str]) -> Change:
    """The same characters in another typeface; digits stay."""
    return _glyphs(lambda part, _: part if part.character.isascii() else replace(part, typeface=others[part.typeface]))


def _spacing(share: float) -> Change:
    def changed(seal: Seal, rng: np.random.Generator) -> Seal:
        if seal.layout is None:
            return _glyphs(lambda part, _: replace(part, x=part.x * (1 + share), y=part.y * (1 + share)))(seal, rng)
        sense = 1 if rng.random() < 0.5 else -1
        return lay_out(replace(seal.layout, spacing=1 + sense * share))

    return changed


def _jitter(sigma: float) -> Change:
    def moved(part: Glyph, rng: np.random.Generator) -> Glyph:
        x, y = rng.normal(0, sigma, 2)
        return replace(part, x=part.x + float(x), y=part.y + float(y))

    return _glyphs(moved)


def _star(scale: float = 1.0, turn: float = 0.0) -> Change:
    def changed(seal: Seal, rng: np.random.Generator) -> Seal:
        sense = 1 if rng.random() < 0.5 else -1
        return replace(
            seal,
            parts=tuple(
                replace(p, radius=p.radius * scale, turn=p.turn + sense * turn) if isinstance(p, Star) else p
                for p in seal.parts
            ),
        )

    return changed


def _ring(scale: float) -> Change:
    def changed(seal: Seal, _: np.random.Generator) -> Seal:
        return replace(
            seal,
            parts=tuple(replace(p, width=p.width * scale) if isinstance(p, (Ring, Frame)) else p for p in seal.parts),
        )

    return changed


def _weight(millimetres: float) -> Change:
    """Characters cut bolder; border and star as they were, so it is not ink that spread."""
    return _glyphs(lambda part, _: replace(part, bold=part.bold + millimetres))


def _traced(seal: Seal, rng: np.random.Generator, dpi: float) -> Field:
    """Traced from a scan of an imprint at 150 dpi, and smoothed."""
    width, height, _ = frame_of(seal, dpi)
    imprint = stamp(field(seal, 300.0), 300.0, 150.0, Pressing(loss=0.02, turn=0.0), rng)
    # A draughtsman closes pores; his curves follow the scan's steps.
    smooth = ndimage.gaussian_filter(ndimage.grey_closing(imprint.ink, 3), 0.7)
    zoom = dpi / 150.0
    size = (round(imprint.ink.shape[1] * zoom), round(imprint.ink.shape[0] * zoom))
    fine = np.asarray(Image.fromarray(smooth).resize(size, Image.Resampling.BICUBIC))
    fine = np.clip((fine - 0.42) * 4 + 0.5, 0, 1).astype(np.float32)
    distance = signed_distance(fine) / np.float32(dpi / 25.4)
    top, left = (distance.shape[0] - height) // 2, (distance.shape[1] - width) // 2
    rows = np.clip(np.arange(height) + top, 0, distance.shape[0] - 1)
    columns = np.clip(np.arange(width) + left, 0, distance.shape[1] - 1)
    return np.ascontiguousarray(distance[np.ix_(rows, columns)])


JITTER_LADDER = (0.02, 0.04, 0.06, 0.085, 0.12, 0.17, 0.25)
"""Standard deviations of each character's place in mm, along x and along y."""

_ROUND = ("round",)
_SET = ("round", "oval")

FORGERIES: dict[str, Forgery] = {
    forgery.name: forgery
    for forgery in (
        Forgery("sibling", _redrawn(sibling)),
        Forgery("typeface of the family", _redrawn(_typeface(_FAMILY)), typefaces=tuple(_FAMILY)),
        Forgery("typeface twin", _redrawn(_typeface(_TWIN)), typefaces=tuple(_TWIN)),
        Forgery("weight +0.06 mm", _redrawn(_weight(0.06))),
        *(Forgery(f"spacing {p}%", _redrawn(_spacing(p / 100)), _SET) for p in (1, 2, 3)),
        *(Forgery(f"jitter {sigma:g} mm", _redrawn(_jitter(sigma))) for sigma in JITTER_LADDER),
        Forgery("star +8%", _redrawn(_star(scale=1.08)), _ROUND),
        Forgery("star turned 5 deg", _redrawn(_star(turn=5.0)), _ROUND),
        Forgery("ring +50%", _redrawn(_ring(1.5))),
        Forgery("traced at 150 dpi", _traced),
    )
}
