"""Draw company seals at their true size, and lay them on a synthetic scan.

The seals follow the customs of Chinese company seals: a round seal of 40 mm with the name on the arc, a five-pointed
star, the purpose on a line and the registration code on the lower arc; an oval seal of 40 x 30 mm; a square name seal
of 20 mm. The scan is a model for demonstrations and tests: paper, text, ink loss, pressure, blur and noise, repeatable
by its seed. What is drawn here is no seal of any authority, and nothing here decides anything about an imprint
(:mod:`sealcore.imprint` does).

Pillow and the typeface come with ``pip install "sealcore[drawing]"``; without the extra's typeface a Chinese typeface
of the system serves.
"""

from __future__ import annotations

import io
import math
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sealcore.errors import InvalidArgument, InvalidImage
from sealcore.seals.typeface import Typeface, find_typeface, pillow

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["SealDesign", "draw_seal", "find_typeface", "synthetic_scan"]

Shape = Literal["round", "oval", "square"]
Colour = tuple[int, int, int]
Point = tuple[float, float]

_MM_PER_INCH = 25.4
_VERMILION: Colour = (214, 20, 30)
_SIZES_MM: dict[str, tuple[float, float]] = {"round": (40.0, 40.0), "oval": (40.0, 30.0), "square": (20.0, 20.0)}
_MAX_PIXELS = 64_000_000
# Drawn up to four times as large and then reduced: edges come out smooth, and positions fall between pixels.
_DRAWN_DPI = 2400

_SCAN_TEXT = (
    "甲乙双方经友好协商就本合同项下货物的数量质量价款交付验收及违约责任达成如下条款并共同遵守",
    "本合同一式两份双方各执一份自双方法定代表人或授权代表签字并加盖公章之日起生效",
    "因履行本合同发生的争议由双方协商解决协商不成的依法向合同签订地人民法院起诉",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealDesign:
    """What stands on a seal.

    Args:
        name: The company's name on the arc (2 to 32 characters); for a square seal a personal name (2 to 4).
        purpose: The line under the star, such as ``合同专用章``; empty for a company's main seal.
        code: The registration code on the lower arc (digits, usually 13); on an oval seal the line in the middle.
        shape: ``"round"``, ``"oval"`` or ``"square"``.
        width_mm: The outer width; by default 40, 40 or 20 mm by the shape.
        height_mm: The outer height; by default 40, 30 or 20 mm. A round seal is as high as it is wide.
        colour: The ink, red, green, blue.

    Raises:
        InvalidArgument: A field is empty, too long or out of range; the message names it.

    Example:
        >>> design = SealDesign(name="北京晨光科技有限公司", purpose="合同专用章", code="1101081234567")
        >>> design.size_mm
        (40.0, 40.0)
    """

    name: str
    purpose: str = ""
    code: str = ""
    shape: Shape = "round"
    width_mm: float | None = None
    height_mm: float | None = None
    colour: Colour = _VERMILION

    def __post_init__(self) -> None:
        if self.shape not in _SIZES_MM:
            raise InvalidArgument(f"shape: {self.shape!r} is none of round, oval, square", field="shape")
        limit = 4 if self.shape == "square" else 32
        if not 2 <= len(self.name) <= limit:
            message = f"name: a {self.shape} seal takes 2 to {limit} characters, got {len(self.name)}"
            raise InvalidArgument(message, field="name")
        if len(self.purpose) > 12:
            raise InvalidArgument(f"purpose: at most 12 characters, got {len(self.purpose)}", field="purpose")
        if self.code and not (self.code.isascii() and self.code.isalnum() and len(self.code) <= 20):
            raise InvalidArgument("code: at most 20 digits or Latin letters", field="code")
        if self.shape == "square" and (self.purpose or self.code):
            raise InvalidArgument("purpose: a square name seal carries neither purpose nor code", field="purpose")
        width, height = self.size_mm
        if not (8 <= width <= 100 and 8 <= height <= 100):
            raise InvalidArgument(f"width_mm: 8 to 100 mm, got {width} x {height}", field="width_mm")
        if self.shape == "round" and width != height:
            raise InvalidArgument("height_mm: a round seal is as high as it is wide", field="height_mm")
        if len(self.colour) != 3 or not all(0 <= part <= 255 for part in self.colour):
            raise InvalidArgument("colour: red, green and blue from 0 to 255", field="colour")

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height in millimetres."""
        width, height = _SIZES_MM[self.shape]
        width = width if self.width_mm is None else self.width_mm
        if self.height_mm is not None:
            height = self.height_mm
        elif self.shape != "oval" or self.width_mm is not None:
            height = width * height / _SIZES_MM[self.shape][0]
        return width, height


# --- laying out ---


class _Canvas:
    """A mask of ink in millimetres with the origin in the middle, x to the right, y down."""

    def __init__(self, width_mm: float, height_mm: float, dpi: int, typeface: Typeface) -> None:
        self._image = pillow("Image")
        zoom = max(1, min(4, _DRAWN_DPI // dpi))
        self.scale = dpi * zoom / _MM_PER_INCH
        self.size = round(width_mm * dpi / _MM_PER_INCH), round(height_mm * dpi / _MM_PER_INCH)
        self.mask = self._image.new("L", (self.size[0] * zoom, self.size[1] * zoom))
        self.draw = pillow("ImageDraw").Draw(self.mask)
        self.typeface = typeface

    def _pixels(self, x: float, y: float) -> Point:
        return self.mask.width / 2 + x * self.scale, self.mask.height / 2 + y * self.scale

    def ellipse(self, a: float, b: float, ink: int) -> None:
        self.draw.ellipse((*self._pixels(-a, -b), *self._pixels(a, b)), fill=ink)

    def rectangle(self, a: float, b: float, corner: float, ink: int) -> None:
        box = (*self._pixels(-a, -b), *self._pixels(a, b))
        self.draw.rounded_rectangle(box, radius=corner * self.scale, fill=ink)

    def star(self, radius: float, y: float) -> None:
        corners = []
        for step in range(10):
            # The inner corners of a pentagram lie at cos(72)/cos(36) of the radius.
            length = radius if step % 2 == 0 else radius * math.cos(math.radians(72)) / math.cos(math.radians(36))
            turn = math.radians(36 * step)
            corners.append(self._pixels(length * math.sin(turn), y - length * math.cos(turn)))
        self.draw.polygon(corners, fill=255)

    def glyph(self, character: str, middle: Point, cell: Point, turn: float = 0.0) -> None:
        """Put a character of this width and height around a point, turned clockwise by ``turn`` degrees."""
        mask = self.typeface.glyph(character, cell[0] * self.scale, cell[1] * self.scale)
        if turn:
            mask = mask.rotate(-turn, resample=self._image.Resampling.BICUBIC, expand=True)
        left, top = self._pixels(*middle)
        corner = round(left - mask.width / 2), round(top - mask.height / 2)
        # Lighter, not over: neighbours that touch keep both inks.
        box = (*corner, corner[0] + mask.width, corner[1] + mask.height)
        self.mask.paste(pillow("ImageChops").lighter(self.mask.crop(box), mask), corner)

    def line(self, text: str, y: float, cell: Point, pitch: float) -> None:
        """Set characters on a level line around the middle."""
        weights = [_advance(character) for character in text]
        place = -sum(weights) * pitch / 2
        for character, weight in zip(text, weights, strict=True):
            self.glyph(character, (place + weight * pitch / 2, y), cell)
            place += weight * pitch

    def arc(self, text: str, track: Point, cell: Point, pitch: float, *, below: bool) -> None:
        """Set characters along an ellipse, equally far apart on it: clockwise over the top, or back along the foot."""
        a, b = track
        steps = 3600
        points: list[tuple[float, float, float]] = []
        for step in range(steps + 1):
            # Clockwise from the top; each text is set around its middle.
            turn = math.radians(180 - 360 * (step / steps - 0.5) if below else 360 * (step / steps - 0.5))
            x, y = a * math.sin(turn), -b * math.cos(turn)
            length = points[-1][0] + math.hypot(x - points[-1][1], y - points[-1][2]) if points else 0.0
            points.append((length, x, y))
        weights = [_advance(character) for character in text]
        place = points[-1][0] / 2 - sum(weights) * pitch / 2
        cursor = 0
        for character, weight in zip(text, weights, strict=True):
            while points[cursor][0] < place + weight * pitch / 2:
                cursor += 1
            place += weight * pitch
            _, x, y = points[cursor]
            outwards = math.degrees(math.atan2(x / a**2, -y / b**2))
            self.glyph(character, (x, y), cell, outwards + 180 if below else outwards)

    def finish(self, colour: Colour, dpi: int) -> Image.Image:
        alpha = self.mask.resize(self.size, self._image.Resampling.BOX)
        result: Image.Image = self._image.new("RGBA", self.size, (*colour, 0))
        result.putalpha(alpha)
        result.info["dpi"] = (dpi, dpi)
        return result


def _advance(character: str) -> float:
    """The share of a full step that a character takes on the arc."""
    if character in "（）()":
        return 0.62
    return 0.75 if character.isascii() else 1.0


def _arc_length(a: float, b: float, degrees: float) -> float:
    """Roughly: the length of the ellipse (Ramanujan) times the share of the turn."""
    h = ((a - b) / (a + b)) ** 2
    return math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h))) * degrees / 360


def _draw_rounded(canvas: _Canvas, design: SealDesign) -> None:
    """Round and oval seals: border, name on the arc, star or code in the middle, purpose, code on the lower arc."""
    a, b = (side / 2 for side in design.size_mm)
    border = 0.055 * b
    canvas.ellipse(a, b, 255)
    canvas.ellipse(a - border, b - border, 0)
    oval = design.shape == "oval"

    # The name: 4.2 mm high on a 40 mm seal; it keeps clear of the code at the foot.
    height = 0.215 * b if not oval else 0.25 * b
    gap = 0.05 * b
    track_a, track_b = a - border - gap - height / 2, b - border - gap - height / 2
    room = _arc_length(track_a, track_b, 236 if design.code or design.purpose else 262)
    weights = sum(map(_advance, design.name))
    pitch = min(1.6 * height, room / max(1.0, weights - 0.3))
    # Characters stand upright and slim, their feet (on the smaller circle) not touching.
    width = min(0.80 * height, 0.90 * pitch * (track_b - height / 2) / track_b)
    canvas.arc(design.name, (track_a, track_b), (width, height), pitch, below=False)

    inner = a - border - 2 * gap - height
    if oval:
        if design.code:
            size = 0.21 * b
            step = min(0.70 * size, 1.84 * inner / len(design.code))
            canvas.line(design.code, -0.02 * b, (0.9 * step, size), step / 0.75)
        foot = 0.47 * b
    else:
        star = 0.35 * b
        canvas.star(star, 0.0)
        foot = 0.49 * b
        if design.code:
            size = 0.066 * b
            track = b - border - 0.045 * b - size / 2
            step = min(0.082 * b, _arc_length(track, track, 96) / len(design.code))
            canvas.arc(design.code, (track, track), (0.8 * size, size), step / 0.75, below=True)
    if design.purpose:
        tall = 0.19 * b
        # The chord of the inner circle at the line's lower edge.
        edge = min(0.98, (foot + tall / 2) / (0.97 * b - border))
        room = 1.66 * (0.80 if not oval else 0.92) * (a - border) * math.sqrt(1 - edge * edge)
        step = min(1.06 * tall, room / sum(map(_advance, design.purpose)))
        canvas.line(design.purpose, foot, (min(0.94 * step, tall * 0.9), tall), step)


def _draw_square(canvas: _Canvas, design: SealDesign) -> None:
    """A name seal: two columns read from right to left inside a frame."""
    a, b = (side / 2 for side in design.size_mm)
    frame = 0.075 * min(a, b)
    canvas.rectangle(a, b, 0.08 * b, 255)
    canvas.rectangle(a - frame, b - frame, 0.04 * b, 0)
    text = {2: design.name + "之印", 3: design.name + "印"}.get(len(design.name), design.name)
    cell_x, cell_y = (a - 1.6 * frame), (b - 1.6 * frame)
    for position, character in enumerate(text):
        x = cell_x / 2 if position < 2 else -cell_x / 2
        y = -cell_y / 2 if position % 2 == 0 else cell_y / 2
        canvas.glyph(character, (x, y), (0.96 * cell_x, 0.96 * cell_y))


def draw_seal(design: SealDesign, *, dpi: int = 300, font: str | os.PathLike[str] | None = None) -> bytes:
    """Draw a seal as its maker would cut it.

    Args:
        design: What stands on it.
        dpi: Dots per inch, 72 to 2400: the picture has the seal's true size.
        font: A typeface file; by default :func:`find_typeface`.

    Returns:
        A PNG file, red, green, blue, alpha, transparent where there is no ink, with its resolution.

    Raises:
        InvalidArgument: The resolution is out of range, the typeface is unreadable or lacks a character.
        MissingExtra: Pillow or a Chinese typeface is absent.

    Example:
        >>> png = draw_seal(SealDesign(name="北京晨光科技有限公司"), dpi=150)
        >>> png[:4]
        b'\\x89PNG'
    """
    if not 72 <= dpi <= _DRAWN_DPI:
        raise InvalidArgument(f"dpi: 72 to {_DRAWN_DPI}, got {dpi}", field="dpi")
    typeface = Typeface(font)
    for field in ("name", "purpose", "code"):
        typeface.require(getattr(design, field), field)
    canvas = _Canvas(*design.size_mm, dpi, typeface)
    if design.shape == "square":
        typeface.require("之印", "name")
        _draw_square(canvas, design)
    else:
        _draw_rounded(canvas, design)
    return _encode(canvas.finish(design.colour, dpi), dpi, "png", 90)


def _encode(picture: Image.Image, dpi: int, form: Literal["png", "jpeg"], quality: int) -> bytes:
    stream = io.BytesIO()
    if form == "png":
        picture.save(stream, "PNG", dpi=(dpi, dpi), compress_level=3)
    else:
        picture.convert("RGB").save(stream, "JPEG", dpi=(dpi, dpi), quality=quality)
    return stream.getvalue()


# --- the scan ---


class _Chance:
    """Random pictures that depend on the seed alone."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a model of paper and ink, not a secret
        self._image = pillow("Image")
        self._filter = pillow("ImageFilter")

    def field(self, size: tuple[int, int], grain: float) -> Image.Image:
        """Smooth noise of this grain in pixels, stretched over 0..255."""
        small = max(2, math.ceil(size[0] / grain)), max(2, math.ceil(size[1] / grain))
        noise: Image.Image = self._image.frombytes("L", small, self.random.randbytes(small[0] * small[1]))
        if grain > 1:
            noise = noise.resize(size, self._image.Resampling.BICUBIC)
        return noise

    def share(self, size: tuple[int, int], grain: float, share: float) -> Image.Image:
        """A mask (0..255) that covers this share of the picture in blots of the grain, with soft edges."""
        noise = self.field(size, grain).filter(self._filter.GaussianBlur(grain / 2))
        counts = noise.histogram()
        total, level = 0, 0
        while level < 255 and total + counts[level] <= share * size[0] * size[1]:
            total += counts[level]
            level += 1
        return noise.point(
            [max(0, min(255, round(127.5 + (level - value) * 24))) if share else 0 for value in range(256)]
        )


def _turned_stamp(imprint: bytes, dpi: int, angle: float, chance: _Chance) -> tuple[Image.Image, Colour]:
    """The imprint's ink at the scan's resolution, turned, warped as rubber is (about 0.05 mm)."""
    image = pillow("Image")
    try:
        drawn = image.open(io.BytesIO(imprint))
        drawn.load()
    except (OSError, ValueError, image.DecompressionBombError) as error:
        raise InvalidImage(f"imprint: not a readable picture: {error}") from error
    if "dpi" not in drawn.info or drawn.mode != "RGBA":
        raise InvalidImage("imprint: a transparent picture with its resolution is needed, as draw_seal makes it")
    alpha = drawn.getchannel("A")
    darkest = alpha.getextrema()[1]
    if not darkest:
        raise InvalidImage("imprint: the picture carries no ink")
    solid = alpha.point([255 if value == darkest else 0 for value in range(256)]).getbbox()
    colour = drawn.getpixel(_first_inked(alpha, solid, darkest))[:3]
    zoom = 2 * dpi / float(drawn.info["dpi"][0])
    size = max(1, round(alpha.width * zoom)), max(1, round(alpha.height * zoom))
    margin = round(2 * dpi / _MM_PER_INCH)
    stamp: Image.Image = image.new("L", (size[0] + 2 * margin, size[1] + 2 * margin))
    stamp.paste(alpha.resize(size, image.Resampling.LANCZOS), (margin, margin))
    stamp = stamp.rotate(angle, resample=image.Resampling.BICUBIC, expand=True)
    stamp = stamp.transform(
        stamp.size, image.Transform.MESH, list(_warp(stamp.size, dpi, chance)), image.Resampling.BILINEAR
    )
    return stamp.resize((stamp.width // 2, stamp.height // 2), image.Resampling.BOX), colour


def _first_inked(alpha: Image.Image, box: tuple[int, int, int, int] | None, darkest: int) -> tuple[int, int]:
    assert box is not None
    row = alpha.crop((box[0], box[1], box[2], box[1] + 1)).tobytes()
    return box[0] + row.index(darkest), box[1]


def _warp(
    size: tuple[int, int], dpi: int, chance: _Chance
) -> Iterator[tuple[tuple[int, int, int, int], tuple[float, ...]]]:
    cells = 7
    shift = 0.05 * 2 * dpi / _MM_PER_INCH
    corners = {
        (column, row): (
            size[0] * column / cells + chance.random.gauss(0, shift),
            size[1] * row / cells + chance.random.gauss(0, shift),
        )
        for column in range(cells + 1)
        for row in range(cells + 1)
    }
    for column in range(cells):
        for row in range(cells):
            box = (
                round(size[0] * column / cells),
                round(size[1] * row / cells),
                round(size[0] * (column + 1) / cells),
                round(size[1] * (row + 1) / cells),
            )
            quad = ((column, row), (column, row + 1), (column + 1, row + 1), (column + 1, row))
            yield box, tuple(part for corner in quad for part in corners[corner])


def synthetic_scan(
    imprint: bytes,
    *,
    dpi: int = 200,
    angle: float = 0.0,
    seed: int = 0,
    page_mm: tuple[float, float] = (210.0, 297.0),
    position_mm: tuple[float, float] | None = None,
    text: bool = True,
    dropout: float = 0.08,
    pressure: float = 0.25,
    blur_mm: float = 0.06,
    noise: float = 5.0,
    form: Literal["png", "jpeg"] = "png",
    quality: int = 85,
    font: str | os.PathLike[str] | None = None,
) -> bytes:
    """Stamp an imprint on paper and scan it: a model, the same for the same arguments and libraries.

    Args:
        imprint: A picture as :func:`draw_seal` makes it (transparent, with its resolution).
        dpi: The scanner's resolution, 72 to 600.
        angle: How far the stamp is turned, in degrees, counter-clockwise as seen on the page.
        seed: Chooses paper, ink loss, pressure, warp and noise.
        page_mm: Width and height of the paper.
        position_mm: The middle of the imprint, from the upper left corner; by default the middle of the page.
        text: Whether lines of black text run across the page, over and under the imprint.
        dropout: The share of the inked area that left no ink, 0 to 0.9.
        pressure: How much paler the weakest part of the imprint is than the strongest, 0 to 1.
        blur_mm: The spread of ink and of the scanner's optics (standard deviation).
        noise: The scanner's noise, standard deviation in grey levels.
        form: ``"png"`` or ``"jpeg"``.
        quality: The quality of a JPEG file, 10 to 100.
        font: A typeface file for the text; by default :func:`find_typeface`.

    Returns:
        The scanned page as a file, with its resolution.

    Raises:
        InvalidArgument: An argument is out of range; the message names it.
        InvalidImage: The imprint is no transparent picture with a resolution.
        MissingExtra: Pillow is absent, or a Chinese typeface while ``text`` is wanted.

    Example:
        >>> seal = draw_seal(SealDesign(name="北京晨光科技有限公司"), dpi=300)
        >>> scan = synthetic_scan(seal, dpi=100, angle=37, seed=1, page_mm=(60, 60))
        >>> scan == synthetic_scan(seal, dpi=100, angle=37, seed=1, page_mm=(60, 60))
        True
    """
    for name, value, low, high in (
        ("dpi", dpi, 72, 600),
        ("dropout", dropout, 0, 0.9),
        ("pressure", pressure, 0, 1),
        ("blur_mm", blur_mm, 0, 1),
        ("noise", noise, 0, 60),
        ("quality", quality, 10, 100),
    ):
        if not low <= value <= high:
            raise InvalidArgument(f"{name}: {low} to {high}, got {value}", field=name)
    if form not in {"png", "jpeg"}:
        raise InvalidArgument(f"form: {form!r} is neither png nor jpeg", field="form")
    unit = dpi / _MM_PER_INCH
    size = round(page_mm[0] * unit), round(page_mm[1] * unit)
    if min(size) < 16 or size[0] * size[1] > _MAX_PIXELS:
        message = f"page_mm: {page_mm[0]} x {page_mm[1]} mm at {dpi} dpi is outside 16 to {_MAX_PIXELS} pixels"
        raise InvalidArgument(message, field="page_mm")

    image, chops, filters = pillow("Image"), pillow("ImageChops"), pillow("ImageFilter")
    chance = _Chance(seed)
    stamp, colour = _turned_stamp(imprint, dpi, angle, chance)

    # Ink spreads a little; pressure and blots take some of it away.
    ink = stamp.filter(filters.GaussianBlur(0.6 * blur_mm * unit))
    weak = chance.field(ink.size, max(2.0, 14 * unit))
    ink = chops.multiply(ink, weak.point([round(255 - pressure * (255 - value)) for value in range(256)]))
    lost = chops.lighter(
        chance.share(ink.size, max(1.0, 0.16 * unit), 0.5 * dropout),
        chance.share(ink.size, max(1.0, 0.7 * unit), 0.5 * dropout),
    )
    ink = chops.subtract(ink, lost)

    paper = image.merge(
        "RGB", [chance.field(size, max(2.0, 40 * unit)).point(_range(base, 5)) for base in (250, 248, 241)]
    )
    centre = (page_mm[0] / 2, page_mm[1] / 2) if position_mm is None else position_mm
    corner = round(centre[0] * unit - ink.width / 2), round(centre[1] * unit - ink.height / 2)
    page_ink = image.new("L", size)
    page_ink.paste(ink, corner)
    # Ink and print both take away light, so over and under look alike.
    layer = image.composite(image.new("RGB", size, colour), image.new("RGB", size, "white"), page_ink)
    page = chops.multiply(paper, layer)
    if text:
        page = chops.multiply(page, image.merge("RGB", [_printed(size, unit, Typeface(font), chance)] * 3))
    if blur_mm:
        page = page.filter(filters.GaussianBlur(0.8 * blur_mm * unit))
    if noise:
        # Uniform noise has a standard deviation of its width / sqrt(12).
        width = noise * math.sqrt(12)
        grain = [chance.field(size, 1).point(_range(width, width)) for _ in range(3)]
        page = chops.add(page, image.merge("RGB", grain), 1, -round(width / 2))
    return _encode(page, dpi, form, quality)


def _range(top: float, width: float) -> list[int]:
    """A table that maps 0..255 onto top - width .. top."""
    return [max(0, min(255, round(top - width * (255 - value) / 255))) for value in range(256)]


def _printed(size: tuple[int, int], unit: float, typeface: Typeface, chance: _Chance) -> Image.Image:
    """Lines of 10.5 point text, 7 mm apart: white paper, dark letters."""
    layer: Image.Image = pillow("Image").new("L", size, 255)
    draw = pillow("ImageDraw").Draw(layer)
    height = 3.7 * unit
    font = typeface.at(max(6, round(height)))
    margin = min(22 * unit, size[0] / 12)
    y = margin + chance.random.uniform(0, 4) * unit
    while y < size[1] - margin:
        source = chance.random.choice(_SCAN_TEXT)
        start = chance.random.randrange(len(source))
        line = (source[start:] + source * 3)[: max(1, int((size[0] - 2 * margin) / round(height)))]
        draw.text((margin, y), line, fill=38, font=font)
        y += 7 * unit
    return layer
