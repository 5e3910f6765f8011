"""Pages that are hard to find seals on: seals that touch and overlap, beside everything that is red and no seal."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sealmodel.design import Seal, company, name_seal, wording
from sealmodel.press import HARDNESS, Pressing, stamp
from sealmodel.raster import field
from sealmodel.scan import Scan, develop, photograph
from sealmodel.typefaces import TYPEFACES, _path

__all__ = ["KINDS", "HardPage", "hard_page"]

Field = NDArray[np.float32]
Box = tuple[float, float, float, float]

KINDS = (
    "plain", "plain150", "plain200", "touching", "overlapping", "square over round", "faint", "letterhead", "code",
    "emblem", "table", "photo", "turned", "grey", "grey150", "blue", "oval", "name seals", "none", "none grey",
    "cluster", "cut by the edge",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HardPage:
    """A picture (height, width, 3) of uint8 and the boxes of its seals in pixels; ``kind`` says what is hard."""

    kind: str
    dpi: float
    pixels: NDArray[np.uint8]
    boxes: tuple[Box, ...]


class _Sheet:
    """Layers of ink on A4."""

    def __init__(self, dpi: float, rng: np.random.Generator) -> None:
        self.dpi, self.unit, self.rng = dpi, dpi / 25.4, rng
        self.shape = round(297 * self.unit), round(210 * self.unit)
        self.layers: list[tuple[Field, str]] = []
        self.boxes: list[Box] = []

    def font(self, millimetres: float, name: str = "noto-serif") -> ImageFont.FreeTypeFont:
        size = max(6, round(millimetres * self.unit))
        return ImageFont.truetype(str(_path(name)), size, index=TYPEFACES[name].index)

    def draw(self, ink: str, strength: float, act: Callable[[ImageDraw.ImageDraw], None]) -> None:
        """Adds what ``act`` draws, in an ink."""
        image = Image.new("L", (self.shape[1], self.shape[0]))
        act(ImageDraw.Draw(image))
        self.layers.append((np.asarray(image, np.float32) / 255 * np.float32(strength), ink))

    def text(self, top: float = 60.0, bottom: float = 270.0) -> None:
        words, size = "".join(wording(self.rng) for _ in range(300)), float(self.rng.uniform(3.2, 4.6))
        font = self.font(size, str(self.rng.choice(["noto-serif", "song"])))

        def lines(pen: ImageDraw.ImageDraw) -> None:
            y, place = top, 0
            while y < bottom:
                count = int(self.rng.integers(16, 40))
                pen.text((25 * self.unit, y * self.unit), words[place : place + count], fill=255, font=font)
                place, y = (place + count) % 1500, y + size * 1.75

        self.draw("black", 0.95, lines)

    def letterhead(self, words: str = "中国某某集团有限公司文件") -> None:
        def act(pen: ImageDraw.ImageDraw) -> None:
            font = self.font(float(self.rng.uniform(9, 14)), str(self.rng.choice(["noto-serif", "song", "kai"])))
            pen.text((self.shape[1] / 2, 25 * self.unit), words, fill=255, font=font, anchor="mt", stroke_width=1)
            pen.rectangle((25 * self.unit, 46 * self.unit, self.shape[1] - 25 * self.unit, 46.8 * self.unit), fill=255)

        self.draw("red", 0.9, act)

    def stamp(
        self, seal: Seal, place: tuple[float, float], *, ink: str = "red", strength: float = 0.8,
        pressing: Pressing | None = None,
    ) -> None:  # fmt: skip
        """Stamps a seal with its middle at a place in mm."""
        pressing = pressing or HARDNESS[int(self.rng.integers(0, 3))]
        mark = stamp(field(seal), 300.0, self.dpi, pressing, self.rng)
        height, width = mark.ink.shape
        layer = np.zeros(self.shape, np.float32)
        left = round(place[0] * self.unit - mark.centre[0])
        top = round(place[1] * self.unit - mark.centre[1])
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + width, self.shape[1]), min(top + height, self.shape[0])
        layer[y0:y1, x0:x1] = mark.ink[y0 - top : y1 - top, x0 - left : x1 - left] * np.float32(strength)
        self.layers.append((layer, ink))
        turn = math.radians(mark.angle)
        a, b = seal.width / 2 * self.unit, seal.height / 2 * self.unit
        c, s = abs(math.cos(turn)), abs(math.sin(turn))
        reach = (
            (a * c + b * s, a * s + b * c)
            if seal.shape == "square"
            else (math.hypot(a * c, b * s), math.hypot(a * s, b * c))
        )
        x, y = left + mark.centre[0], top + mark.centre[1]
        box = (
            max(x - reach[0], 0),
            max(y - reach[1], 0),
            min(x + reach[0], self.shape[1]),
            min(y + reach[1], self.shape[0]),
        )
        self.boxes.append(box)

    def code(self, ink: str, left: float, top: float, side: float) -> None:
        """A matrix code: 29 modules with three finder patterns."""
        modules = (self.rng.random((29, 29)) < 0.5).astype(np.uint8)
        for y, x in ((0, 0), (0, 22), (22, 0)):
            modules[max(y - 1, 0) : y + 8, max(x - 1, 0) : x + 8] = 0
            modules[y : y + 7, x : x + 7] = 1
            modules[y + 1 : y + 6, x + 1 : x + 6] = 0
            modules[y + 2 : y + 5, x + 2 : x + 5] = 1

        def act(pen: ImageDraw.ImageDraw) -> None:
            step = side * self.unit / 29
            for y, x in zip(*np.nonzero(modules), strict=True):
                corner = (left * self.unit + x * step, top * self.unit + y * step)
                pen.rectangle((*corner, corner[0] + step - 1, corner[1] + step - 1), fill=255)

        self.draw(ink, 0.9, act)

    def emblem(self, left: float, top: float, size: float) -> None:
        """A full disc with a jagged rim and stars, and a sign of a company: a ring with a bar."""

        def act(pen: ImageDraw.ImageDraw) -> None:
            u = self.unit
            pen.ellipse((left * u, top * u, (left + size) * u, (top + size) * u), fill=255)
            for k in range(40):
                turn = k * math.pi / 20
                x, y = left + size / 2 + size * 0.53 * math.cos(turn), top + size / 2 + size * 0.53 * math.sin(turn)
                pen.ellipse(((x - 1.1) * u, (y - 1.1) * u, (x + 1.1) * u, (y + 1.1) * u), fill=255)
            for k in range(5):
                x, y = left + size * (0.25 + 0.12 * k), top + size * (0.35 + 0.1 * (k % 2))
                pen.regular_polygon((x * u, y * u, 1.3 * u), 5, fill=0)
            pen.rectangle(
                ((left + size * 0.2) * u, (top + size * 0.65) * u, (left + size * 0.8) * u, (top + size * 0.8) * u),
                fill=0,
            )

        self.draw("red", 0.95, act)

    def sign(self, left: float, top: float, size: float, ink: str) -> None:
        """A company's sign: a thick open ring, and capital letters beside it."""

        def act(pen: ImageDraw.ImageDraw) -> None:
            u = self.unit
            pen.arc(
                (left * u, top * u, (left + size) * u, (top + size) * u),
                30,
                330,
                fill=255,
                width=round(size * 0.22 * u),
            )
            pen.text(((left + size * 1.2) * u, top * u), "恒信集团", fill=255, font=self.font(size * 0.7))

        self.draw(ink, 0.9, act)

    def table(self, ink: str) -> None:
        def act(pen: ImageDraw.ImageDraw) -> None:
            u, rows, columns = self.unit, int(self.rng.integers(4, 9)), int(self.rng.integers(3, 7))
            high = float(self.rng.uniform(9, 22))
            for row in range(rows + 1):
                pen.line((25 * u, (70 + high * row) * u, 185 * u, (70 + high * row) * u), 255, max(1, round(0.35 * u)))
            for column in range(columns + 1):
                x = (25 + 160 * column / columns) * u
                pen.line((x, 70 * u, x, (70 + high * rows) * u), 255, max(1, round(0.35 * u)))
            for row in range(rows):
                pen.text((28 * u, (70 + high * row + 2) * u), wording(self.rng)[:4], fill=255, font=self.font(3.5))

        self.draw(ink, 0.8, act)

    def developed(self, *, grey: bool) -> NDArray[np.uint8]:
        nothing = np.zeros(self.shape, np.float32)
        scan = Scan(dpi=self.dpi, text=0.0, grey=grey)
        return develop(nothing, scan, self.rng, others=tuple(self.layers))


def _round(rng: np.random.Generator) -> Seal:
    while True:
        seal = company(rng)
        if seal.shape == "round":
            return seal


def _oval(rng: np.random.Generator) -> Seal:
    while True:
        seal = company(rng)
        if seal.shape == "oval":
            return seal


def _name(rng: np.random.Generator) -> Seal:
    return name_seal("王建国印", float(rng.choice([12.0, 15.0, 18.0, 20.0])), float(rng.uniform(0.6, 1.1)), "song")


def hard_page(kind: str, seed: int) -> HardPage:  # noqa: PLR0912, PLR0915  a list of cases
    """A page of a kind, repeatable by its seed."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    dpi = {"plain150": 150.0, "grey150": 150.0, "photo": 150.0, "plain200": 200.0, "turned": 200.0}.get(kind, 300.0)
    sheet = _Sheet(dpi, rng)
    sheet.text()
    x, y = float(rng.uniform(70, 130)), float(rng.uniform(120, 220))
    first = _round(rng)
    beside = first.width / 2
    if kind in ("letterhead", "none", "none grey", "photo", "grey", "turned"):
        sheet.letterhead("中国回声国际集团有限公司文件" if rng.random() < 0.5 else wording(rng)[:10] + "文件")
    if kind in ("code", "none", "none grey"):
        sheet.code("red" if kind == "code" else "black", 165, 55, float(rng.uniform(18, 28)))
    if kind in ("emblem", "none", "none grey"):
        sheet.emblem(92, 8, float(rng.uniform(14, 26)))
        sheet.sign(20, 8, float(rng.uniform(9, 16)), str(rng.choice(["red", "blue"])))
    if kind in ("table", "none"):
        sheet.table("red")
    if kind == "none grey":
        sheet.table("black")
    if kind == "touching":
        second = _round(rng)
        sheet.stamp(first, (x - 20, y))
        sheet.stamp(
            second,
            (x - 20 + (beside + second.width / 2) * float(rng.uniform(0.96, 1.03)), y + float(rng.uniform(-6, 6))),
        )
    elif kind == "overlapping":
        second = _round(rng)
        sheet.stamp(first, (x - 15, y))
        sheet.stamp(
            second,
            (x - 15 + (beside + second.width / 2) * float(rng.uniform(0.6, 0.85)), y + float(rng.uniform(-8, 8))),
        )
    elif kind == "square over round":
        sheet.stamp(first, (x, y))
        sheet.stamp(_name(rng), (x + beside * float(rng.uniform(0.85, 1.2)), y + beside * float(rng.uniform(0.3, 0.8))))
    elif kind == "cluster":
        sheet.stamp(first, (x - 25, y))
        second = _round(rng)
        sheet.stamp(second, (x - 25 + (beside + second.width / 2) * 0.9, y - 10))
        sheet.stamp(_oval(rng), (x - 10, y + beside * 1.35))
    elif kind == "faint":
        sheet.stamp(first, (x, y), strength=float(rng.uniform(0.12, 0.25)))
        sheet.stamp(_round(rng), (60 if x > 105 else 150, 70), strength=0.9)
    elif kind == "blue":
        sheet.stamp(first, (x, y), ink="blue")
        sheet.stamp(_round(rng), (55, 255), ink="red")
    elif kind == "oval":
        sheet.stamp(_oval(rng), (x, y))
        sheet.stamp(_oval(rng), (150, 70), pressing=Pressing(loss=0.1, turn=8.0))
    elif kind == "name seals":
        for row in range(3):
            sheet.stamp(
                _name(rng), (50 + 45 * row + float(rng.uniform(-5, 5)), y), strength=float(rng.uniform(0.25, 0.9))
            )
    elif kind == "cut by the edge":
        sheet.stamp(first, (beside * float(rng.uniform(0.1, 0.5)), y))
    elif not kind.startswith("none"):
        sheet.stamp(first, (x, y))
        if rng.random() < 0.5:
            sheet.stamp(_round(rng), (50 if x > 100 else 160, 80 if kind != "table" else 255))
    pixels, boxes = sheet.developed(grey=kind.startswith("grey") or kind == "none grey"), sheet.boxes
    if kind == "photo":
        pixels = photograph(pixels, rng, tilt=0.015)
    if kind == "turned":
        high = pixels.shape[0]
        pixels = np.ascontiguousarray(np.rot90(pixels, k=-1))
        boxes = [(high - bottom, left, high - top, right) for left, top, right, bottom in boxes]
    return HardPage(kind, dpi, pixels, tuple(boxes))
