"""Company seals as their makers cut them: parts with places and sizes in millimetres.

The sizes are the official ones (state-owned 42 mm, ring 1.2 mm, star 14 mm; limited companies 40 mm, special seals
38 mm, ring 1.0 mm; contract seals 58 mm, ring 1.5 mm; invoice seals oval 40 x 30 mm, border 1.0 mm; foreign-invested
companies oval 45 x 30 mm; square name seals 18 to 25 mm). The origin is the seal's middle, x to the right, y down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

__all__ = [
    "Frame",
    "Glyph",
    "Layout",
    "Part",
    "Ring",
    "Seal",
    "Star",
    "company",
    "lay_out",
    "name_seal",
    "sibling",
    "wording",
]


@dataclass(frozen=True, slots=True)
class Ring:
    """A round or oval border; half axes of its outer edge, its width."""

    a: float
    b: float
    width: float
    group: str = "ring"


@dataclass(frozen=True, slots=True)
class Frame:
    """A square border."""

    a: float
    b: float
    width: float
    corner: float
    group: str = "frame"


@dataclass(frozen=True, slots=True)
class Star:
    """A five-pointed star: the radius of its points, its turn in degrees clockwise."""

    radius: float
    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0
    group: str = "star"


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character: middle, width and height of its cell, turn in degrees clockwise, weight added in millimetres."""

    character: str
    typeface: str
    x: float
    y: float
    width: float
    height: float
    turn: float = 0.0
    bold: float = 0.0
    group: str = "name"


Part = Ring | Frame | Star | Glyph
Shape = Literal["round", "oval", "square"]


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal: its outer size and its parts. ``layout`` keeps what it was laid out from, for the forger."""

    shape: Shape
    width: float
    height: float
    parts: tuple[Part, ...]
    layout: Layout | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """What a round or oval seal says and how it is set."""

    shape: Shape
    name: str
    purpose: str
    code: str
    width: float
    height: float
    ring: float
    star: float
    typeface: str
    text_height: float
    span: float
    """Degrees that the name may take on the arc, at most."""
    gap: float = 0.5
    """Between the border and the name."""
    spacing: float = 1.0
    """Steps between the name's characters, as a share of the regular ones."""
    star_turn: float = 0.0


def _arc(
    text: str,
    track: tuple[float, float],
    cell: tuple[float, float],
    pitch: float,
    typeface: str,
    group: str,
    *,
    below: bool,
) -> list[Glyph]:
    """Characters along an ellipse, equally far apart on it."""
    a, b = track
    # Clockwise from the top over the head; along the foot from left to right.
    turns = np.radians(np.linspace(-180, 180, 3601))
    turns = math.pi - turns if below else turns
    x, y = a * np.sin(turns), -b * np.cos(turns)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    places = length[-1] / 2 + (np.arange(len(text)) - (len(text) - 1) / 2) * pitch
    glyphs = []
    for position, (character, place) in enumerate(zip(text, places, strict=True)):
        px, py = float(np.interp(place, length, x)), float(np.interp(place, length, y))
        outwards = math.degrees(math.atan2(px / a**2, -py / b**2))
        turn = outwards + 180 if below else outwards
        glyphs.append(Glyph(character, typeface, px, py, *cell, turn, group=f"{group} {position + 1}"))
    return glyphs


def _line(text: str, y: float, cell: tuple[float, float], pitch: float, typeface: str, group: str) -> list[Glyph]:
    start = -(len(text) - 1) / 2 * pitch
    return [
        Glyph(character, typeface, start + position * pitch, y, *cell, group=f"{group} {position + 1}")
        for position, character in enumerate(text)
    ]


def _length(a: float, b: float, degrees: float) -> float:
    """The length of an ellipse (Ramanujan) times the share of the turn."""
    h = ((a - b) / (a + b)) ** 2
    return math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h))) * degrees / 360


def lay_out(layout: Layout) -> Seal:
    """Set the parts of a round or oval seal."""
    a, b = layout.width / 2, layout.height / 2
    zoom = b / 20
    parts: list[Part] = [Ring(a, b, layout.ring)]
    tall = layout.text_height
    edge = layout.ring + layout.gap + tall / 2
    track = (a - edge, b - edge)
    pitch = min(1.55 * tall, _length(*track, layout.span) / len(layout.name))
    # Feet stand on the smaller circle and must not touch.
    slim = min(0.86 * tall, 0.93 * pitch * (track[1] - tall / 2) / track[1])
    parts += _arc(layout.name, track, (slim, tall), layout.spacing * pitch, layout.typeface, "name", below=False)
    if layout.shape == "oval":
        if layout.code:
            # Digits are 3.7 mm high, which is 0.73 of their em square, and 26 mm wide together.
            tall = 3.7 / 0.73 * zoom
            parts += _line(layout.code, -0.3, (tall / 2, tall), 26.0 / 18, "noto-sans", "code")
        foot, tall = 8.2 * zoom, 4.6 * zoom
    else:
        parts.append(Star(layout.star / 2, turn=layout.star_turn))
        foot, tall = 10.2 * zoom, 3.8 * zoom
        if layout.code:
            small = 1.7 * zoom
            edge = layout.ring + 0.25 * zoom + small / 2
            cell, step = (small, small), 0.86 * small
            parts += _arc(layout.code, (a - edge, b - edge), cell, step, "noto-sans", "code", below=True)
    if layout.purpose:
        level = (foot + tall / 2) / b
        room = (
            2 * (a - layout.ring - 5.2 * a / 20) * math.sqrt(max(0.05, 1 - level * level))
            if layout.shape == "round"
            else 2 * 0.62 * a
        )
        pitch = min(1.08 * tall, max(room, 10 * zoom) / len(layout.purpose))
        parts += _line(layout.purpose, foot, (0.94 * pitch, tall), pitch, layout.typeface, "purpose")
    return Seal(layout.shape, layout.width, layout.height, tuple(parts), layout)


def name_seal(name: str, side: float, frame: float, typeface: str) -> Seal:
    """A square name seal of four characters: two columns, read from the right."""
    half = side / 2
    parts: list[Part] = [Frame(half, half, frame, 0.6)]
    cell = (half - 1.5 * frame) * 0.98
    for position, character in enumerate(name):
        x = cell / 2 if position < 2 else -cell / 2
        y = -cell / 2 if position % 2 == 0 else cell / 2
        parts.append(Glyph(character, typeface, x, y, 0.98 * cell, 0.98 * cell, group=f"name {position + 1}"))
    return Seal("square", side, side, tuple(parts))


# --- who the seals belong to ---

_PLACES = (
    "北京 上海 天津 重庆 广州 深圳 杭州 南京 苏州 无锡 宁波 温州 合肥 福州 厦门 南昌 济南 青岛 郑州 武汉 长沙 "
    "成都 贵阳 昆明 西安 兰州 石家庄 太原 沈阳 大连 长春 哈尔滨 南宁 海口 珠海 佛山 东莞 常州 扬州 绍兴"
).split()
_BRANDS = (
    "华信安达恒通永利金源天成鸿运昌盛瑞丰泰和嘉德宏远博雅中科新宇东方海川明珠星辰晨光清泉绿野云峰长青百川"
    "万邦振兴立诚正大同创伟业富力凯旋锦绣文景思远卓越启航联众亿佳美康宝龙凤麒麟祥顺"
)
_TRADES = (
    "科技 贸易 建设工程 房地产开发 信息技术 实业 投资管理 物流 食品 医药 机械制造 电子 化工 纺织 教育咨询 "
    "文化传媒 环保设备 餐饮管理 汽车销售 建筑装饰 农业发展 进出口 网络科技 生物技术 新能源 人力资源 物业服务 "
    "国际货运代理 供应链管理 商务服务"
).split()
_ENDS = "有限公司 有限公司 有限公司 有限责任公司 股份有限公司 集团有限公司".split()
_PURPOSES = (
    "",
    "合同专用章",
    "财务专用章",
    "发票专用章",
    "人事专用章",
    "业务专用章",
    "合同专用章（1）",
    "合同专用章（2）",
)
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高梁"
_GIVEN = "明华建国文军志强小玉海燕春梅德福永安家宝思源子涵一鸣正平"


def wording(rng: np.random.Generator) -> str:
    """The name of a company."""
    brand = "".join(_BRANDS[int(i)] for i in rng.integers(0, len(_BRANDS), int(rng.integers(2, 4))))
    return (
        _PLACES[int(rng.integers(len(_PLACES)))]
        + brand
        + _TRADES[int(rng.integers(len(_TRADES)))]
        + _ENDS[int(rng.integers(len(_ENDS)))]
    )


def company(rng: np.random.Generator, typefaces: tuple[str, ...] = ("song", "noto-serif", "kai")) -> Seal:
    """A seal of some company: 85 of 100 are round, 9 oval, 6 square."""
    kind = rng.random()
    typeface = typefaces[int(rng.integers(len(typefaces)))]
    if kind > 0.94:
        name = _SURNAMES[int(rng.integers(len(_SURNAMES)))] + "".join(
            _GIVEN[int(i)] for i in rng.integers(0, len(_GIVEN), 2)
        )
        return name_seal(
            name + "印", float(rng.choice([18.0, 20.0, 22.0, 25.0])), float(rng.uniform(0.7, 1.1)), typeface
        )
    digits = "".join(map(str, rng.integers(0, 10, 18)))
    if kind > 0.85:
        width = 45.0 if kind > 0.92 else 40.0
        return lay_out(
            Layout(
                "oval",
                wording(rng),
                "发票专用章",
                "91" + digits[:15] + "X",
                width,
                30.0,
                1.0,
                0.0,
                typeface,
                4.2 * 0.9,
                250.0,
            )
        )
    purpose = _PURPOSES[int(rng.integers(len(_PURPOSES)))]
    if purpose.startswith("合同") and rng.random() < 0.2:
        size, ring, star = 58.0, 1.5, 20.0
    elif purpose:
        size, ring, star = 38.0, 1.0, 13.0
    elif rng.random() < 0.25:
        size, ring, star = 42.0, 1.2, 14.0
    else:
        size, ring, star = 40.0, 1.0, 14.0
    tall = 4.2 * size / 40 * float(rng.uniform(0.96, 1.04))
    span = float(rng.uniform(210, 260)) if not purpose else float(rng.uniform(205, 235))
    return lay_out(Layout("round", wording(rng), purpose, digits[:13], size, size, ring, star, typeface, tall, span))


def sibling(seal: Seal, rng: np.random.Generator) -> Seal:
    """Another seal of the same company: same name, same maker, another purpose and another code."""
    if seal.layout is None:
        glyphs = [part for part in seal.parts if isinstance(part, Glyph)]
        name = "".join(glyph.character for glyph in glyphs)
        other = name[0] + "".join(_GIVEN[int(i)] for i in rng.integers(0, len(_GIVEN), 2)) + name[3:]
        frame = next(part for part in seal.parts if isinstance(part, Frame))
        return name_seal(other, seal.width, frame.width, glyphs[0].typeface)
    digits = "".join(map(str, rng.integers(0, 10, 18)))
    if seal.shape == "oval":
        return lay_out(replace(seal.layout, code="91" + digits[:15] + "X"))
    others = [purpose for purpose in _PURPOSES if purpose != seal.layout.purpose]
    return lay_out(replace(seal.layout, purpose=others[int(rng.integers(len(others)))], code=digits[:13]))
