"""Paper and its pictures: ink and print take light away, a scanner or a camera looks, a file loses a little more.

Everything is a density (the logarithm of the light that is taken away), so what lies over and what lies under looks as
it does in reality: the densities add up.
"""

from __future__ import annotations

import functools
import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from sealmodel.press import noise, white
from sealmodel.typefaces import TYPEFACES, _path, require

__all__ = ["INKS", "Scan", "develop", "photograph", "printed", "text_layer"]

Field = NDArray[np.float32]
Picture = NDArray[np.uint8]

INKS: dict[str, tuple[float, float, float]] = {
    "red": (0.05, 0.95, 0.75),
    "vermilion": (0.03, 0.72, 0.80),
    "crimson": (0.12, 1.05, 0.62),
    "blue": (0.85, 0.55, 0.12),
    "black": (1.25, 1.25, 1.25),
}
"""Densities for red, green and blue light of a full layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """How paper is scanned."""

    dpi: float = 300.0
    text: float = 0.6
    """How likely lines of black print run through the imprint."""
    grey: bool = False
    blur: float = 0.04
    """Spread of the optics in mm."""
    noise: float = 3.0
    """Of the sensor, in grey levels."""
    jpeg: tuple[int, int] | None = (60, 95)
    """Qualities to choose from."""
    ink: str = "red"


_WORDS = (
    "甲乙双方经友好协商就本合同项下货物的数量质量价款交付验收及违约责任达成如下条款并共同遵守本合同一式两份双方各执一份"
    "自双方法定代表人或授权代表签字并加盖公章之日起生效因履行本合同发生的争议由双方协商解决协商不成的依法向人民法院起诉"
)


@functools.lru_cache(maxsize=8)
def _print_sheet(dpi: int, size_mm: int) -> Field:
    """A sheet of print, 0..1 of black, that windows are taken from."""
    require("noto-serif")
    unit = dpi / 25.4
    side = round(size_mm * unit)
    rng = np.random.default_rng(5)
    sheet = Image.new("L", (side, side))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.truetype(str(_path("noto-serif")), max(6, round(3.9 * unit)), index=TYPEFACES["noto-serif"].index)
    y = 0.0
    while y < side:
        start = int(rng.integers(len(_WORDS)))
        draw.text((-float(rng.uniform(0, 4)) * unit, y), (_WORDS[start:] + _WORDS * 2)[:80], fill=255, font=font)
        y += float(rng.choice([6.2, 7.0, 9.5])) * unit
    return np.asarray(sheet, np.float32) / 255


def text_layer(shape: tuple[int, int], dpi: float, rng: np.random.Generator) -> Field:
    """Lines of print, 0..1, over this many pixels."""
    sheet = _print_sheet(round(dpi), 240)
    top = int(rng.integers(max(1, sheet.shape[0] - shape[0])))
    left = int(rng.integers(max(1, sheet.shape[1] - shape[1])))
    window = sheet[top : top + shape[0], left : left + shape[1]]
    return np.pad(window, [(0, shape[0] - window.shape[0]), (0, shape[1] - window.shape[1])])


def develop(ink: Field, scan: Scan, rng: np.random.Generator, *, others: tuple[tuple[Field, str], ...] = ()) -> Picture:
    """Paper with this ink, as a scanner sees it.

    Args:
        ink: 0..1 of the seal's ink at the scan's resolution.
        scan: How it is scanned.
        rng: Where chance comes from.
        others: Further layers of ink with their colours, such as a second seal.

    Returns:
        Red, green, blue, uint8 (height, width, 3); a grey scan has three equal planes.
    """
    shape = ink.shape
    unit = scan.dpi / 25.4
    strength = float(rng.uniform(0.6, 1.15))
    tint = 1 + rng.uniform(-0.12, 0.12, 3)
    density = [ink * np.float32(strength * float(d * t)) for d, t in zip(INKS[scan.ink], tint, strict=True)]
    for layer, colour in others:
        for plane, d in zip(density, INKS[colour], strict=True):
            plane += layer * np.float32(d)
    if rng.random() < scan.text:
        text = text_layer(shape, scan.dpi, rng) * np.float32(1.15)
        for plane in density:
            plane += text
    paper = np.array([float(rng.uniform(240, 254)) - yellow for yellow in (0.0, 1.0, float(rng.uniform(2, 12)))])
    shade = 1 - np.float32(0.012) * np.abs(noise(rng, shape, 25 * unit))
    sigma = scan.blur * unit
    planes = []
    for plane, blank in zip(density, paper, strict=True):
        light = np.exp(plane * np.float32(-math.log(10))) * shade
        planes.append(ndimage.gaussian_filter(light, sigma, truncate=3) * np.float32(blank))
    picture = np.stack(planes, -1)
    if scan.grey:
        picture = np.repeat((picture @ np.array([0.299, 0.587, 0.114], np.float32))[..., None], 3, 2)
        picture += scan.noise * white(rng, shape)[..., None]
    else:
        picture += scan.noise * np.stack([white(rng, shape) for _ in range(3)], -1)
    result = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return result if scan.jpeg is None else _through_jpeg(result, int(rng.integers(scan.jpeg[0], scan.jpeg[1] + 1)))


def _through_jpeg(picture: Picture, quality: int) -> Picture:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream).convert("RGB"))


def photograph(page: Picture, rng: np.random.Generator, *, tilt: float = 0.06, quality: int = 80) -> Picture:
    """A photograph of a scanned page: perspective, shading, white balance, defocus, JPEG.

    The corners move inwards by up to ``tilt`` of the sides; the picture keeps the page's size.
    """
    height, width = page.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    moved = corners + rng.uniform(0, tilt, (4, 2)) * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * [width, height]
    rows = []
    for (x, y), (u, v) in zip(moved, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]]
    system = np.array(rows)
    data = np.linalg.solve(system[:, :8], system[:, 8])
    desk = tuple(int(v) for v in rng.integers(60, 130, 3))
    picture = Image.fromarray(page).transform(
        (width, height), Image.Transform.PERSPECTIVE, tuple(data), Image.Resampling.BICUBIC, fillcolor=desk
    )
    light = np.asarray(picture, np.float32)
    light = ndimage.gaussian_filter(light, (float(rng.uniform(0.6, 1.2)),) * 2 + (0,), truncate=3)
    x, y = np.arange(width)[None, :] / width - 0.5, np.arange(height)[:, None] / height - 0.5
    turn = float(rng.uniform(0, 2 * math.pi))
    shade = 0.88 + 0.2 * (math.cos(turn) * x + math.sin(turn) * y) - 0.15 * (x * x + y * y)
    light = light * shade[..., None].astype(np.float32) * rng.uniform(0.9, 1.04, 3).astype(np.float32)
    light += 3 * rng.standard_normal(light.shape, np.float32)
    return _through_jpeg(np.clip(np.rint(light), 0, 255).astype(np.uint8), quality)


def printed(ink: Field, dpi: float, rng: np.random.Generator, *, way: str = "laser") -> Field:
    """The same ink as a printer puts it down: dots of a screen (laser) or scattered drops (inkjet).

    Args:
        ink: 0..1, at ``dpi``.
        dpi: The resolution of the ink and of the result.
        rng: The screen's phase and the drops' places.
        way: ``"laser"`` (a screen of 106 to 150 lines an inch) or ``"inkjet"``.
    """
    zoom = max(1, round(1200 / dpi))
    height, width = ink.shape
    tone = np.asarray(Image.fromarray(ink).resize((width * zoom, height * zoom), Image.Resampling.BICUBIC))
    tone = np.clip(tone * 0.92, 0, 1)
    if way == "laser":
        lines, turn = float(rng.uniform(106, 150)), math.radians(float(rng.choice([15, 45, 75])))
        pitch = dpi * zoom / lines
        y, x = np.mgrid[0 : tone.shape[0], 0 : tone.shape[1]].astype(np.float32) + rng.uniform(0, 40)
        u, v = (math.cos(turn) * x + math.sin(turn) * y) / pitch, (math.cos(turn) * y - math.sin(turn) * x) / pitch
        screen = 0.5 + 0.25 * (np.cos(2 * np.pi * u) + np.cos(2 * np.pi * v))
    else:
        screen = rng.random(tone.shape, np.float32)
        screen = ndimage.gaussian_filter(screen, 1.0)
        ranks = np.argsort(np.argsort(screen[::7, ::7].ravel()))
        screen = np.interp(screen, np.sort(screen[::7, ::7].ravel()), np.sort(ranks) / ranks.size).astype(np.float32)
    dots = ndimage.gaussian_filter((tone > screen).astype(np.float32), 0.8)
    return np.asarray(Image.fromarray(dots).resize((width, height), Image.Resampling.BOX), np.float32)
