"""The drawing of seals and the synthetic scan."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from sealcore.errors import InvalidArgument, InvalidImage, MissingExtra
from sealcore.seals import drawing, typeface
from sealcore.seals.drawing import SealDesign, draw_seal, synthetic_scan

CONTRACT = SealDesign(name="北京晨光科技有限公司", purpose="合同专用章", code="1101081234567")


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def ink(picture: Image.Image, x_mm: float, y_mm: float, dpi: int) -> int:
    """The alpha at a point given from the seal's middle, right and down, in millimetres."""
    x, y = picture.width / 2 + x_mm * dpi / 25.4, picture.height / 2 + y_mm * dpi / 25.4
    return picture.getchannel("A").getpixel((round(x), round(y)))


@pytest.mark.parametrize("dpi", [150, 300, 600])
@pytest.mark.parametrize(
    ("design", "size"),
    [
        (CONTRACT, (40.0, 40.0)),
        (SealDesign(name="华信有限责任公司", width_mm=42), (42.0, 42.0)),
        (
            SealDesign(name="杭州清泉饮品有限公司", purpose="发票专用章", code="91330106MA2ABC123X", shape="oval"),
            (40.0, 30.0),
        ),
        (SealDesign(name="欧阳修", shape="square", width_mm=18), (18.0, 18.0)),
    ],
)
def test_true_size(design: SealDesign, size: tuple[float, float], dpi: int) -> None:
    picture = opened(draw_seal(design, dpi=dpi))
    assert picture.mode == "RGBA"
    assert picture.size == tuple(round(side * dpi / 25.4) for side in size)
    assert picture.info["dpi"] == pytest.approx((dpi, dpi), rel=1e-3)
    # The border touches all four sides; the corners of a rounded seal stay empty.
    assert picture.getchannel("A").getbbox() == (0, 0, *picture.size)
    if design.shape != "square":
        assert ink(picture, -size[0] / 2 * 0.95, -size[1] / 2 * 0.95, dpi) == 0


def test_parts_of_a_contract_seal() -> None:
    picture = opened(draw_seal(CONTRACT, dpi=300))
    assert ink(picture, 0, 0, 300) == 255, "the star"
    assert ink(picture, 0, -6.9, 300) > 0, "the star's upper point"
    assert ink(picture, 0, -8, 300) == 0, "nothing between star and name"
    assert ink(picture, 19.5, 0, 300) == 255, "the ring"
    assert ink(picture, 18.6, 0, 300) == 0, "a gap between ring and name"
    assert picture.getpixel((picture.width // 2, picture.height // 2)) == (*CONTRACT.colour, 255)
    without = opened(draw_seal(SealDesign(name=CONTRACT.name, code=CONTRACT.code), dpi=300))
    changed = ImageChops.difference(picture.getchannel("A"), without.getchannel("A"))
    left, top, right, bottom = ((edge - picture.width / 2) * 25.4 / 300 for edge in changed.getbbox())
    assert 7.3 < top < bottom < 12.5, "the purpose stands under the star"
    assert left == pytest.approx(-right, abs=0.6), "in the middle"


def test_characters_stand_evenly_on_the_arc() -> None:
    """Nine equal steps: ten equal characters give ten equal patches of ink, each with its feet inwards."""
    picture = opened(draw_seal(SealDesign(name="工" * 10), dpi=600)).getchannel("A")
    unwrapped = []
    for degree in range(360):
        turned = picture.rotate(degree, resample=Image.Resampling.NEAREST)
        middle = picture.width // 2
        # A ray upwards through the name's track, from 14 mm to 18 mm.
        ray = turned.crop((middle, middle - round(18 * 600 / 25.4), middle + 1, middle - round(14 * 600 / 25.4)))
        unwrapped.append(sum(ray.tobytes()) / 255 / ray.height)
    spans, start = [], None
    for degree, share in enumerate([*unwrapped[180:], *unwrapped[:180], 0.0]):
        if share > 0.05 and start is None:
            start = degree
        elif share <= 0.05 and start is not None:
            spans.append((start, degree))
            start = None
    assert len(spans) == 10
    middles = [(a + b) / 2 for a, b in spans]
    steps = [b - a for a, b in itertools.pairwise(middles)]
    assert max(steps) - min(steps) <= 2.0, "to the degree of the sampling"
    assert sum(middles) / 10 == pytest.approx(180, abs=1), "the name is centred over the top"


def test_designs_differ_where_the_name_differs() -> None:
    other = draw_seal(SealDesign(name="北京辰光科技有限公司", purpose="合同专用章", code="1101081234567"))
    assert other != draw_seal(CONTRACT)
    assert draw_seal(CONTRACT) == draw_seal(CONTRACT)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "公" * 33}, "name"),
        ({"name": "诸葛孔明甲", "shape": "square"}, "name"),
        ({"name": "公司", "shape": "hexagon"}, "shape"),
        ({"name": "公司", "purpose": "章" * 13}, "purpose"),
        ({"name": "公司", "code": "一二三"}, "code"),
        ({"name": "公司", "code": "1" * 21}, "code"),
        ({"name": "公司", "shape": "square", "purpose": "章"}, "purpose"),
        ({"name": "公司", "width_mm": 7}, "width_mm"),
        ({"name": "公司", "width_mm": float("nan")}, "width_mm"),
        ({"name": "公司", "width_mm": 40, "height_mm": 30}, "height_mm"),
        ({"name": "公司", "colour": (256, 0, 0)}, "colour"),
    ],
)
def test_refused_designs(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        SealDesign(**arguments)  # type: ignore[arg-type]
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}:")


def test_characters_without_a_glyph_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="no glyph") as caught:
        draw_seal(SealDesign(name="公司\U0002ffff"))
    assert caught.value.field == "name"


def test_unreadable_typeface(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="typeface") as caught:
        draw_seal(CONTRACT, font=__file__)
    assert caught.value.field == "font"


def test_without_any_typeface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeface.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(typeface, "_typeface_folders", lambda: iter(()))
    with pytest.raises(MissingExtra, match="apt-get install") as caught:
        draw_seal(CONTRACT)
    assert caught.value.extra == "drawing"


def test_system_typeface_by_preference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "fonts"
    (folder / "deep").mkdir(parents=True)
    for name in ("wqy-zenhei.ttc", "deep/NotoSerifCJK-Bold.ttc", "Other.ttf"):
        (folder / name).touch()
    monkeypatch.setattr(typeface.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(typeface, "_typeface_folders", lambda: iter((folder / "absent", folder)))
    assert typeface.find_typeface() == (folder / "deep/NotoSerifCJK-Bold.ttc", 2)


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(typeface.importlib, "import_module", absent)
    with pytest.raises(MissingExtra, match="Pillow"):
        typeface.pillow("Image")


def test_resolution_is_bounded() -> None:
    for dpi in (71, 2401):
        with pytest.raises(InvalidArgument) as caught:
            draw_seal(CONTRACT, dpi=dpi)
        assert caught.value.field == "dpi"


# --- the scan ---

SEAL = draw_seal(CONTRACT, dpi=300)


def test_scan_is_repeatable_by_its_seed() -> None:
    scan = synthetic_scan(SEAL, dpi=100, angle=20, seed=4, page_mm=(60, 60))
    assert scan == synthetic_scan(SEAL, dpi=100, angle=20, seed=4, page_mm=(60, 60))
    assert scan != synthetic_scan(SEAL, dpi=100, angle=20, seed=5, page_mm=(60, 60))


def reddish(picture: Image.Image) -> list[bool]:
    pixels = picture.convert("RGB").tobytes()
    return [g + b < 2 * r - 80 for r, g, b in zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True)]


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_scan_puts_the_imprint_where_it_is_told(form: str) -> None:
    data = synthetic_scan(SEAL, dpi=100, seed=1, page_mm=(120, 90), position_mm=(80, 40), form=form, text=False)
    picture = opened(data)
    assert picture.format == form.upper()
    assert picture.size == (round(120 * 100 / 25.4), round(90 * 100 / 25.4))
    assert picture.info["dpi"] == pytest.approx((100, 100), rel=1e-2)
    inked = [index for index, red in enumerate(reddish(picture)) if red]
    columns = sorted(index % picture.width for index in inked)
    rows = sorted(index // picture.width for index in inked)
    assert (columns[0] + columns[-1]) / 2 == pytest.approx(80 * 100 / 25.4, abs=2)
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(40 * 100 / 25.4, abs=2)
    assert columns[-1] - columns[0] == pytest.approx(40 * 100 / 25.4, abs=3)


def test_dropout_takes_its_share_of_the_ink() -> None:
    kept = []
    for dropout in (0.0, 0.2, 0.6):
        data = synthetic_scan(
            SEAL, dpi=150, seed=2, page_mm=(50, 50), text=False, dropout=dropout, pressure=0, blur_mm=0
        )
        kept.append(sum(reddish(opened(data))))
    assert kept[1] / kept[0] == pytest.approx(0.81, abs=0.06)
    assert kept[2] / kept[0] == pytest.approx(0.49, abs=0.12)


def test_angle_is_counter_clockwise() -> None:
    """A quarter turn counter-clockwise brings the purpose line from below the star to its right."""
    data = synthetic_scan(SEAL, dpi=100, angle=90, page_mm=(44, 44), text=False, dropout=0, pressure=0)
    picture = opened(data)
    red = reddish(picture)

    def share(x_mm: tuple[float, float], y_mm: tuple[float, float]) -> float:
        middle, unit = picture.width / 2, 100 / 25.4
        columns = range(round(middle + x_mm[0] * unit), round(middle + x_mm[1] * unit))
        rows = range(round(middle + y_mm[0] * unit), round(middle + y_mm[1] * unit))
        return sum(red[y * picture.width + x] for y in rows for x in columns) / (len(rows) * len(columns))

    assert share((8, 12), (-8, 8)) > 0.25
    assert share((-12, -8), (-6, 6)) < 0.02


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"dpi": 71}, "dpi"),
        ({"dropout": 0.95}, "dropout"),
        ({"pressure": float("nan")}, "pressure"),
        ({"blur_mm": -1}, "blur_mm"),
        ({"noise": 61}, "noise"),
        ({"quality": 9}, "quality"),
        ({"form": "tiff"}, "form"),
        ({"page_mm": (0, 10)}, "page_mm"),
        ({"page_mm": (3000, 3000)}, "page_mm"),
    ],
)
def test_refused_scans(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        synthetic_scan(SEAL, **arguments)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_refused_imprints() -> None:
    def png(picture: Image.Image, **options: object) -> bytes:
        stream = io.BytesIO()
        picture.save(stream, "PNG", **options)
        return stream.getvalue()

    for data, reason in (
        (b"", "readable"),
        (SEAL[:200], "readable"),
        (png(Image.new("RGB", (20, 20)), dpi=(300, 300)), "transparent"),
        (png(Image.new("RGBA", (20, 20))), "resolution"),
        (png(Image.new("RGBA", (20, 20)), dpi=(300, 300)), "no ink"),
    ):
        with pytest.raises(InvalidImage, match=reason):
            synthetic_scan(data)


def test_module_keeps_pillow_out_until_it_is_needed() -> None:
    code = "import sys, sealcore.seals.drawing; assert not any(m.split('.')[0] == 'PIL' for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert drawing.__all__ == ["SealDesign", "draw_seal", "find_typeface", "synthetic_scan"]
