"""Pages: every kind of file, PDFs in a child process, and imprints on pages that are hard, through Python."""

from __future__ import annotations

import io
import pickle
import sys
from pathlib import Path

import numpy
import pytest
from PIL import Image as Pictures

from sealcore import errors, imprint
from sealcore.seals.drawing import SealDesign, draw_seal, synthetic_scan

DRAWN = draw_seal(SealDesign(name="北京晨光科技有限公司", purpose="合同专用章"), dpi=300)


def overlap(a, b):
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    return wide * high / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - wide * high)


def page(form: str, **options: object) -> bytes:
    picture = Pictures.open(io.BytesIO(synthetic_scan(DRAWN, dpi=200, angle=20, seed=3, page_mm=(120, 90))))
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, form, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {"dpi": (200, 200)}),
        ("JPEG", {"dpi": (200, 200), "quality": 90}),
        ("BMP", {"dpi": (200, 200)}),
        ("TIFF", {"dpi": (200, 200), "compression": "tiff_lzw"}),
    ],
)
def test_every_kind_of_file_is_one_page(form, options):
    [one] = imprint.pages(page(form, **options))
    assert one.dpi == pytest.approx(200, abs=0.1)
    [found] = imprint.find(one)
    assert (found.shape, found.ink) == ("round", "red")
    assert found.size_mm == pytest.approx((40, 40), abs=0.7)
    [given] = imprint.find(one, dpi=400)
    assert given.size_mm == pytest.approx((20, 20), abs=0.4)


def test_a_page_of_unknown_resolution_is_a_sheet_or_asks_for_dpi():
    drawing = Pictures.open(io.BytesIO(DRAWN)).convert("RGBA")
    for size, dpi in [((2480, 3508), 300), ((3508, 2480), 300), ((2000, 2000), None)]:
        sheet = Pictures.new("RGB", size, "white")
        sheet.paste(drawing, (900, 700), drawing)
        stream = io.BytesIO()
        sheet.save(stream, "PNG")
        picture = imprint.decode(stream.getvalue())
        [found] = imprint.find(picture)
        if dpi:
            assert picture.dpi == pytest.approx(dpi, abs=0.1)
            assert found.size_mm == pytest.approx((40, 40), abs=0.3)
            assert imprint.register(picture).size_mm == pytest.approx((40, 40), abs=0.3)
        else:
            assert (picture.dpi, found.size_mm) == (None, None)
            with pytest.raises(errors.InvalidArgument) as caught:
                imprint.register(picture)
            assert caught.value.field == "dpi"
            assert imprint.register(picture, dpi=300).size_mm == pytest.approx((40, 40), abs=0.3)


def test_the_pages_of_a_tiff_and_a_path(tmp_path: Path):
    pictures = [Pictures.new("L", (90, 60), shade) for shade in (10, 200, 250)]
    path = tmp_path / "scan.tif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:])
    assert [p.pixels[0] for p in imprint.pages(path)] == [10, 200, 250]
    assert [p.pixels[0] for p in imprint.pages(str(path))] == [10, 200, 250]


def test_the_pages_of_a_pdf_are_rendered():
    first, second = (Pictures.open(io.BytesIO(page("PNG"))).convert("RGB") for _ in range(2))
    stream = io.BytesIO()
    first.save(stream, "PDF", save_all=True, append_images=[second.rotate(90, expand=True)], resolution=200)
    sheets = list(imprint.pages(stream.getvalue(), dpi=150))
    assert [(round(s.dpi), s.width > s.height) for s in sheets] == [(150, True), (150, False)]
    for sheet in sheets:
        [found] = imprint.find(sheet)
        assert found.size_mm == pytest.approx((40, 40), abs=0.8)


@pytest.mark.parametrize("data", [b"%PDF-1.7 not really", b"%PDF-", b"II*\0\x08\0\0\0", b"BM" + b"\xff" * 80])
def test_damaged_files_are_typed_errors(data):
    with pytest.raises(errors.InvalidImage):
        list(imprint.pages(data))


def test_a_pdf_page_beyond_the_bounds_says_so():
    stream = io.BytesIO()
    Pictures.new("RGB", (600, 400)).save(stream, "PDF", resolution=20)
    with pytest.raises(errors.InvalidImage, match="dpi"):
        list(imprint.pages(stream.getvalue(), dpi=2400))


def test_an_imprint_is_a_value_and_may_be_made_by_hand():
    [found] = imprint.find(DRAWN)
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301
    made = imprint.Imprint(shape="oval", ink="blue", centre=(100, 80), axes=((40, 0), (0, 30)), dpi=300)
    assert made.box == (60, 50, 140, 110)
    assert made.size_mm == pytest.approx((6.77, 5.08), abs=0.01)
    for wrong in ({"shape": "star"}, {"ink": "green"}, {"centre": (float("nan"), 0)}, {"confidence": 2.0}, {"dpi": -1}):
        fields = {"shape": "round", "ink": "red", "centre": (9, 9), "axes": ((9, 0), (0, 9)), **wrong}
        with pytest.raises(errors.InvalidArgument) as caught:
            imprint.Imprint(**fields)
        assert caught.value.field == next(iter(wrong))


def test_a_page_without_seals_gives_none():
    assert imprint.find(numpy.full((400, 300, 3), 250, "uint8")) == []
    assert imprint.find(numpy.full((400, 300), 250, "uint8")) == []


def test_a_grey_page_and_a_turned_page():
    picture = Pictures.open(io.BytesIO(page("PNG"))).convert("RGB")
    [colour] = imprint.find(numpy.asarray(picture))
    [grey] = imprint.find(numpy.asarray(picture.convert("L")))
    assert grey.ink == "grey"
    assert overlap(grey.box, colour.box) > 0.9
    [turned] = imprint.find(numpy.ascontiguousarray(numpy.rot90(numpy.asarray(picture))))
    x, y = colour.centre
    assert turned.centre == pytest.approx((y, picture.width - x), abs=1.5)


@pytest.mark.parametrize("kind", ["touching", "overlapping", "letterhead", "photo", "grey150", "turned", "none"])
def test_hard_pages(kind):
    support = Path(__file__).parents[1] / "support"
    sys.path.insert(0, str(support))
    try:
        from sealpages import hard_page

        from sealmodel.typefaces import MissingTypeface
    finally:
        sys.path.remove(str(support))
    try:
        sheet = hard_page(kind, 1)
    except MissingTypeface as missing:
        pytest.skip(f"left out: {missing}")
    found = imprint.find(sheet.pixels)
    assert len(found) == len(sheet.boxes)
    for box in sheet.boxes:
        assert max(overlap(box, f.box) for f in found) > 0.7
