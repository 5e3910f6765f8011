"""The typefaces that the model's seals are cut in, and their characters as fields of distance.

The ``drawing`` extra brings Noto Serif SC and Noto Sans SC; the others are Debian packages. A typeface that is absent
is an error that says which package brings it: a benchmark that quietly took another one would measure something else.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

__all__ = ["TYPEFACES", "Cut", "MissingTypeface", "glyph", "installed", "require", "signed_distance"]

_EM = 128
"""Pixels of the em square that a character's distances are measured in."""
_MARGIN = 16


class _Face(NamedTuple):
    package: str
    file: str
    index: int
    embolden: float
    """How far a stroke's edges are moved outwards, in em: seals have strokes of at least a quarter of a millimetre."""


TYPEFACES: dict[str, _Face] = {
    "noto-serif": _Face("sealcore[drawing]", "serif_path", 0, 0.014),
    "noto-sans": _Face("sealcore[drawing]", "sans_path", 0, 0.004),
    "song": _Face("fonts-arphic-gbsn00lp", "truetype/arphic-gbsn00lp/gbsn00lp.ttf", 0, 0.017),
    "uming": _Face("fonts-arphic-uming", "truetype/arphic/uming.ttc", 0, 0.017),
    "kai": _Face("fonts-arphic-gkai00mp", "truetype/arphic-gkai00mp/gkai00mp.ttf", 0, 0.012),
    "hei": _Face("fonts-wqy-zenhei", "truetype/wqy/wqy-zenhei.ttc", 0, 0.006),
}
"""By name: the package, the file below ``/usr/share/fonts`` (or the extra's function), the face, the weight added."""


class MissingTypeface(RuntimeError):
    """A typeface of the model is not installed; the message says how to get it."""


class Cut(NamedTuple):
    """A character as it is cut: distances (in em, negative inside a stroke) around the middle of its cell."""

    distance: Image.Image
    """Mode ``F``."""
    em: float
    """Pixels of the em square's height."""


def _path(name: str) -> Path | None:
    face = TYPEFACES[name]
    if face.package.startswith("sealcore"):
        if importlib.util.find_spec("pylopdf_fonts_zh_cn") is None:
            return None
        path = Path(str(getattr(importlib.import_module("pylopdf_fonts_zh_cn"), face.file)()))
    else:
        path = Path("/usr/share/fonts") / face.file
    return path if path.is_file() else None


def installed() -> list[str]:
    """The typefaces that are there."""
    return [name for name in TYPEFACES if _path(name) is not None]


def require(*names: str) -> None:
    """Refuse to go on without these typefaces."""
    absent = [name for name in names if _path(name) is None]
    if absent:
        packages = [TYPEFACES[name].package for name in absent]
        extras = [f"pip install '{package}'" for package in sorted(set(packages)) if package.startswith("sealcore")]
        debian = sorted({package for package in packages if not package.startswith("sealcore")})
        ways = extras + ([f"apt-get install {' '.join(debian)}"] if debian else [])
        raise MissingTypeface(f"the seal model lacks the typefaces {', '.join(absent)}: {'; '.join(ways)}")


@functools.cache
def _font(name: str) -> ImageFont.FreeTypeFont:
    require(name)
    return ImageFont.truetype(str(_path(name)), _EM, index=TYPEFACES[name].index)


def signed_distance(alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance to the edge at half coverage in pixels, negative inside; the coverage of edge pixels places it."""
    inside = alpha >= 0.5
    outer = ndimage.distance_transform_edt(~inside)
    inner = ndimage.distance_transform_edt(inside)
    distance = np.where(inside, 0.5 - inner, outer - 0.5)
    near = np.abs(distance) <= 1.0
    distance[near] += np.clip((np.where(inside, 1.0, 0.0) - alpha)[near], -0.5, 0.5)
    return distance.astype(np.float32)


@functools.lru_cache(maxsize=60_000)
def glyph(character: str, typeface: str, eighths: int) -> Cut:
    """A character condensed to ``eighths / 8`` of its width, centred on its em square (digits on their ink)."""
    font = _font(typeface)
    height = _EM + 2 * _MARGIN
    wide = font.getlength(character) >= 0.9 * _EM
    left, top, right, bottom = font.getbbox(character, anchor="ls")
    canvas = Image.new("L", (2 * height, height))
    if wide:
        # Fonts place their characters a little differently in the em square: the middle of all ink is common to them.
        ascent = 0.86 * _EM
        place = (canvas.width / 2 - font.getlength(character) / 2, _MARGIN + ascent)
    else:
        place = (canvas.width / 2 - (left + right) / 2, height / 2 - (top + bottom) / 2)
    ImageDraw.Draw(canvas).text(place, character, fill=255, font=font, anchor="ls")
    if eighths != 8:
        width = round(canvas.width * eighths / 8)
        canvas = canvas.resize((width - width % 2, height), Image.Resampling.LANCZOS)
    width = min(canvas.width, height)
    edge = (canvas.width - width) // 2
    alpha = np.asarray(canvas.crop((edge, 0, edge + width, height)), np.float32) / 255
    distance = signed_distance(alpha) / _EM - np.float32(TYPEFACES[typeface].embolden)
    return Cut(Image.fromarray(distance), float(_EM))
