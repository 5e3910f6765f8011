"""Whole pages: print, red letterhead, a table, and seals at places that are known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sealmodel.design import Seal, company, wording
from sealmodel.press import HARDNESS, Pressing, stamp
from sealmodel.raster import field
from sealmodel.scan import Scan, develop
from sealmodel.typefaces import TYPEFACES, _path

__all__ = ["Page", "Placed", "compose"]


@dataclass(frozen=True, slots=True)
class Placed:
    """A seal on a page."""

    seal: Seal
    centre: tuple[float, float]
    """Pixels from the upper left corner."""
    half: tuple[float, float]
    """Half width and half height in pixels, before it was turned."""
    angle: float
    ink: str


@dataclass(frozen=True, slots=True)
class Page:
    """A scanned page, (height, width, 3) of uint8, and what stands on it."""

    pixels: NDArray[np.uint8]
    dpi: float
    placed: tuple[Placed, ...]


def _print(
    shape: tuple[int, int], unit: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Black print and red letterhead, 0..1."""
    black, red = Image.new("L", (shape[1], shape[0])), Image.new("L", (shape[1], shape[0]))
    draw, head = ImageDraw.Draw(black), ImageDraw.Draw(red)

    def font(millimetres: float, name: str = "noto-serif") -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(str(_path(name)), max(6, round(millimetres * unit)), index=TYPEFACES[name].index)

    y = 22.0
    if rng.random() < 0.4:
        head.text(
            (shape[1] / 2, y * unit),
            wording(rng)[:14] + "文件",
            fill=255,
            font=font(11),
            anchor="mt",
            stroke_width=round(0.2 * unit),
        )
        head.rectangle((25 * unit, (y + 20) * unit, shape[1] - 25 * unit, (y + 20.8) * unit), fill=255)
        y += 28
    draw.text((shape[1] / 2, y * unit), "采购合同", fill=255, font=font(7), anchor="mt")
    y += 16
    body, text = font(3.9), "".join(wording(rng) for _ in range(400))
    place = 0
    while y < 270:
        if rng.random() < 0.06 and y < 220:
            for row in range(5):
                draw.line(
                    (25 * unit, (y + 8 * row) * unit, shape[1] - 25 * unit, (y + 8 * row) * unit),
                    255,
                    max(1, round(0.2 * unit)),
                )
            for column in range(4):
                x = 25 * unit + column * (shape[1] - 50 * unit) / 3
                draw.line((x, y * unit, x, (y + 32) * unit), 255, max(1, round(0.2 * unit)))
            y += 36
            continue
        count = int(rng.integers(18, 41))
        draw.text((25 * unit, y * unit), text[place : place + count], fill=255, font=body)
        place = (place + count) % 2000
        y += 7.0
    return np.asarray(black, np.float32) / 255, np.asarray(red, np.float32) / 255


def compose(
    rng: np.random.Generator,
    *,
    seals: int,
    dpi: float = 300.0,
    grey: bool = False,
    touching: bool = False,
    pressing: Pressing | None = None,
) -> Page:
    """A page of A4 with this many seals at random places; ``touching`` puts the second one beside the first."""
    unit = dpi / 25.4
    shape = round(297 * unit), round(210 * unit)
    black, red = _print(shape, unit, rng)
    layers: list[tuple[NDArray[np.float32], str]] = [
        (black * np.float32(0.95), "black"),
        (red * np.float32(0.9), "red"),
    ]
    placed: list[Placed] = []
    for number in range(seals):
        seal = company(rng)
        imprint = stamp(field(seal), 300.0, dpi, pressing or HARDNESS[1], rng)
        ink = "blue" if rng.random() < 0.12 else "red"
        height, width = imprint.ink.shape
        for _ in range(200):
            x, y = float(rng.uniform(32, 178)) * unit, float(rng.uniform(60, 262)) * unit
            if touching and number == 1:
                reach = (placed[0].seal.width + seal.width) / 2 * unit
                x, y = placed[0].centre[0] + reach * float(rng.uniform(0.9, 1.02)), placed[0].centre[1]
                if x + width / 2 > shape[1]:
                    x = placed[0].centre[0] - reach * float(rng.uniform(0.9, 1.02))
            left, top = round(x - imprint.centre[0]), round(y - imprint.centre[1])
            inside = left >= 0 and top >= 0 and left + width <= shape[1] and top + height <= shape[0]
            clear = all(
                math.hypot(x - p.centre[0], y - p.centre[1])
                > (max(p.half) + max(seal.width, seal.height) / 2 * unit) * 0.75
                for p in placed
            )
            if inside and clear:
                break
        else:
            continue
        layer = np.zeros(shape, np.float32)
        layer[top : top + height, left : left + width] = imprint.ink * np.float32(rng.uniform(0.55, 1.05))
        layers.append((layer, ink))
        centre = (left + imprint.centre[0], top + imprint.centre[1])
        placed.append(Placed(seal, centre, (seal.width / 2 * unit, seal.height / 2 * unit), imprint.angle, ink))
    nothing = np.zeros(shape, np.float32)
    pixels = develop(nothing, Scan(dpi=dpi, text=0.0, grey=grey), rng, others=tuple(layers))
    return Page(pixels, dpi, tuple(placed))
