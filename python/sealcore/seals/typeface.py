"""The typeface that seals are drawn in, and its glyphs as masks of ink.

Found in this order: the extra's Noto Serif SC, the system's Song typefaces, its other Chinese typefaces. A typeface
is only looked for by file name in the usual folders; a file of your own is given by path.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealcore.errors import InvalidArgument, MissingExtra

if TYPE_CHECKING:
    from PIL import Image, ImageFont

__all__ = ["find_typeface"]

# Song typefaces first, then Hei; the second number is the simplified Chinese face of a collection.
_SYSTEM_TYPEFACES: tuple[tuple[str, int], ...] = (
    ("NotoSerifCJK-Bold.ttc", 2),
    ("NotoSerifCJKsc-Bold.otf", 0),
    ("NotoSerifSC-Bold.otf", 0),
    ("SourceHanSerifSC-Bold.otf", 0),
    ("NotoSerifCJK-Regular.ttc", 2),
    ("simsun.ttc", 0),
    ("Songti.ttc", 0),
    ("uming.ttc", 0),
    ("gbsn00lp.ttf", 0),
    ("NotoSansCJK-Bold.ttc", 2),
    ("NotoSansCJK-Regular.ttc", 2),
    ("NotoSansSC-Bold.otf", 0),
    ("wqy-zenhei.ttc", 0),
    ("wqy-microhei.ttc", 0),
    ("simhei.ttf", 0),
    ("STHeiti Medium.ttc", 0),
    ("PingFang.ttc", 0),
    ("DroidSansFallbackFull.ttf", 0),
    ("DroidSansFallback.ttf", 0),
)
_REMEDY = 'pip install "sealcore[drawing]"'


def pillow(name: str) -> Any:
    """A module of Pillow, loaded when it is first needed."""
    try:
        return importlib.import_module(f"PIL.{name}")
    except ImportError as error:
        raise MissingExtra(f"drawing seals needs Pillow: {_REMEDY}", extra="drawing") from error


def _typeface_folders() -> Iterator[Path]:
    home = Path.home()
    yield from (home / ".local/share/fonts", home / ".fonts", home / "Library/Fonts")
    yield from map(Path, ("/usr/local/share/fonts", "/usr/share/fonts", "/Library/Fonts", "/System/Library/Fonts"))
    if sys.platform == "win32":
        yield Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"


def find_typeface() -> tuple[Path, int]:
    """The typeface that seals are drawn in: the extra's Noto Serif SC, else the system's best Chinese typeface.

    Returns:
        The file, and the index of the face in it.

    Raises:
        MissingExtra: Neither is there; the message says how to get one.
    """
    if importlib.util.find_spec("pylopdf_fonts_zh_cn") is not None:
        path = Path(importlib.import_module("pylopdf_fonts_zh_cn").serif_path())
        if path.is_file():
            return path, 0
    installed: dict[str, Path] = {}
    for folder in _typeface_folders():
        for root, _, names in os.walk(folder):
            for name in names:
                installed.setdefault(name.lower(), Path(root) / name)
    for name, face in _SYSTEM_TYPEFACES:
        found = installed.get(name.lower())
        if found is not None:
            return found, face
    message = (
        f"drawing seals needs a Chinese typeface and none is installed: {_REMEDY}, or apt-get install fonts-wqy-zenhei"
    )
    raise MissingExtra(message, extra="drawing")


class Typeface:
    """One face at any size; knows which characters it lacks."""

    def __init__(self, font: str | os.PathLike[str] | None) -> None:
        self.path, self.face = find_typeface() if font is None else (Path(font), 0)
        self._module = pillow("ImageFont")
        self._sizes: dict[int, ImageFont.FreeTypeFont] = {}
        # A typeface without a bold weight is drawn with a stroke: thin strokes of Song vanish in ink.
        bold = any(word in self.path.name.lower() for word in ("bold", "black", "heavy", "hei", "sans"))
        self.embolden = 0.008 if bold else 0.02

    def at(self, pixels: int) -> ImageFont.FreeTypeFont:
        """The face at this size of the em square."""
        if pixels not in self._sizes:
            try:
                font = self._module.truetype(str(self.path), pixels, index=self.face)
            except OSError as error:
                raise InvalidArgument(f"font: {self.path} cannot be read as a typeface", field="font") from error
            self._sizes[pixels] = font
        return self._sizes[pixels]

    def require(self, text: str, field: str) -> None:
        """Refuse a text with characters that the face lacks: they would be drawn as empty boxes."""
        font = self.at(64)
        absent = bytes(font.getmask("\U0010ffff"))
        for character in text:
            mask = bytes(font.getmask(character))
            if not character.isspace() and (not any(mask) or mask == absent):
                message = f"{field}: the typeface {self.path.name} has no glyph for {character!r}"
                raise InvalidArgument(message, field=field)

    def glyph(self, character: str, width: float, height: float) -> Image.Image:
        """The character's ink as a mask: a full-width character fills width x height, narrower ones their share."""
        image = pillow("Image")
        size = max(8, round(height * 1.06))
        font = self.at(size)
        stroke = max(1, round(size * self.embolden))
        left, top, right, bottom = font.getbbox(character, stroke_width=stroke)
        full_width = font.getlength(character) >= 0.9 * size
        mask = image.new("L", (math.ceil(right - left), math.ceil(bottom - top)))
        draw = pillow("ImageDraw").Draw(mask)
        draw.text((-left, -top), character, fill=255, font=font, stroke_width=stroke, stroke_fill=255)
        # The em square is condensed to the cell; what is already narrow (digits, brackets) keeps its proportion.
        scale_x = width / size if full_width else min(1.0, width / max(1, right - left))
        scale_y = height / size if full_width else min(1.0, height / max(1, bottom - top))
        target = max(1, round(mask.width * scale_x)), max(1, round(mask.height * scale_y))
        glyph: Image.Image = mask.resize(target, image.Resampling.LANCZOS)
        return glyph
