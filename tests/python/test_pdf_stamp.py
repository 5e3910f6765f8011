"""Where the stamp stands and how large it is: rendered by poppler, measured in millimetres."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pypdfium2
import pytest
from conftest import require_tool
from pdfs import A4, IMPRINT, Sheet, Signer, build_pdf, imprint_png, red_ink, text, with_embedded_font
from PIL import Image

from sealcore.errors import InvalidArgument, UnreadableDocument
from sealcore.pdf import Keyword, Placement, prepare_pdf
from sealcore.pdf.geometry import Page

TOLERANCE = 0.4  # mm: a pixel at 150 dpi is 0.17 mm, and poppler rounds outwards


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.make("p256")


def place_of(signer: Signer, pdf: bytes, **options: object) -> Placement:
    values = {"imprint": IMPRINT, "size_mm": 38.0, **options}
    placement = prepare_pdf(pdf, certificate=signer.certificate, **values).placement  # type: ignore[arg-type]
    assert placement is not None
    return placement


@pytest.mark.parametrize("rotate", [0, 90, 180, 270, -90, 450])
@pytest.mark.parametrize(
    ("media", "crop"),
    [(A4, None), ((-100, 50, 495.276, 891.89), None), ((0, 0, 700, 1000), (60, 80, 560, 780)), (A4, (900, 900, 0, 0))],
    ids=["plain", "offset", "cropped", "crop larger and turned"],
)
def test_the_stamp_is_where_asked_upright_and_true_to_size(
    signer: Signer, tmp_path: Path, rotate: int, media: tuple[float, ...], crop: tuple[float, ...] | None
):
    extra = f"/Rotate {rotate}"
    if crop is not None:
        extra += " /CropBox [" + " ".join(map(str, crop)) + "]"
    pdf = build_pdf([Sheet(), Sheet(media=media, extra=extra)])
    sealed = signer.seal(pdf, page=2, place=(25.0, 40.0), size_mm=38.0)
    red = red_ink(sealed, tmp_path, page=2)
    assert red.left == pytest.approx(25, abs=TOLERANCE)
    assert red.top == pytest.approx(40, abs=TOLERANCE)
    assert red.right == pytest.approx(63, abs=TOLERANCE)
    assert red.bottom == pytest.approx(78, abs=TOLERANCE)
    assert red.solid == "upper left"


def test_boxes_and_rotation_may_be_inherited(signer: Signer, tmp_path: Path):
    pdf = build_pdf([Sheet(media=(0, 0, 500, 400))])
    pdf = pdf.replace(b"/MediaBox [0 0 500 400]", b"                       ")
    pdf = pdf.replace(b"/Count 1 >>", b"/Count 1 /MediaBox [0 0 500 400] /Rotate 90 >>")
    start = pdf.index(b"xref")
    pdf = pdf[:start] + renumbered(pdf)
    red = red_ink(signer.seal(pdf, place=(10.0, 20.0)), tmp_path)
    assert (red.left, red.top, red.solid) == (
        pytest.approx(10, abs=TOLERANCE),
        pytest.approx(20, abs=TOLERANCE),
        "upper left",
    )
    assert red.page_width < red.page_height


def renumbered(pdf: bytes) -> bytes:
    """A fresh cross-reference table for objects that moved."""
    count = pdf.count(b" 0 obj\n")
    offsets = [pdf.index(b"\n%d 0 obj\n" % number) + 1 for number in range(1, count + 1)]
    body = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count + 1, pdf.index(b"xref"))
    return b"xref\n0 %d\n0000000000 65535 f \n" % (count + 1) + body + trailer


def test_width_and_height_may_be_given_apart_and_the_picture_decides_otherwise(signer: Signer, tmp_path: Path):
    oval = imprint_png(450, 300)
    red = red_ink(signer.seal(build_pdf(), imprint=oval, size_mm=45.0), tmp_path)
    assert (red.right - red.left, red.bottom - red.top) == (
        pytest.approx(45, abs=TOLERANCE),
        pytest.approx(30, abs=0.4),
    )
    red = red_ink(signer.seal(build_pdf(), imprint=oval, size_mm=(20.0, 50.0)), tmp_path)
    assert (red.right - red.left, red.bottom - red.top) == (
        pytest.approx(20, abs=TOLERANCE),
        pytest.approx(50, abs=0.4),
    )


def test_the_page_shows_through_and_black_text_stays_black(signer: Signer, tmp_path: Path):
    painted = b"0 0 1 rg 0 0 300 850 re f\n0 g 57 700 20 50 re f\n"  # blue to 106 mm, black from 20.1 to 27.2 mm
    sealed = signer.seal(build_pdf([Sheet(painted)]), place=(20.0, 30.0))
    pages = [poppler_page(sealed, tmp_path), pdfium_page(sealed)]
    for page in pages:
        assert at_mm(page, 50, 60) == (0, 0, 255)  # the lower right quarter is transparent
        assert max(at_mm(page, 23, 40)) < 10  # black under the solid upper left quarter
        assert max(at_mm(page, 33, 40)) < 10  # red ink on blue paper
    plain = signer.seal(build_pdf(), place=(20.0, 30.0))
    for page in (poppler_page(plain, tmp_path), pdfium_page(plain)):
        assert at_mm(page, 33, 40) == pytest.approx((220, 0, 0), abs=2)
        assert at_mm(page, 50, 60) == (255, 255, 255)


def poppler_page(pdf: bytes, folder: Path) -> Image.Image:
    (folder / "in.pdf").write_bytes(pdf)
    subprocess.run(
        [require_tool("pdftoppm"), "-png", "-r", "100", "-singlefile", "in.pdf", "out"], cwd=folder, check=True
    )
    with Image.open(folder / "out.png") as page:
        return page.convert("RGB")


def pdfium_page(pdf: bytes) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    document.init_forms()
    page = document[0].render(scale=100 / 72).to_pil().convert("RGB")
    document.close()
    return page


def at_mm(page: Image.Image, x: float, y: float) -> tuple[int, ...]:
    return page.getpixel((round(x * 100 / 25.4), round(y * 100 / 25.4)))


@pytest.mark.parametrize("unit", [1.0, 2.0, 0.5])
def test_user_units_are_part_of_the_size(unit: float):
    page = Page.build((0, 0, 595.276 / unit, 841.89 / unit), None, 0, unit)
    assert (page.width_mm, page.height_mm) == (pytest.approx(210, abs=0.01), pytest.approx(297, abs=0.01))
    left, bottom, right, top = page.user_rect((20, 30, 58, 68))
    assert (right - left) * unit == pytest.approx(107.717, abs=0.001)  # 38 mm in 1/72 inch
    assert (page.box[3] - top) * unit == pytest.approx(30 * 72 / 25.4)
    assert (top - bottom) == pytest.approx(right - left)


def test_a_user_unit_in_the_file_is_read(signer: Signer):
    pdf = build_pdf([Sheet(media=(0, 0, 297.638, 420.945), extra="/UserUnit 2")])
    place_of(signer, pdf, place=(170.0, 250.0), page=1)
    with pytest.raises(InvalidArgument):
        place_of(signer, pdf, place=(180.0, 250.0), page=1)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_shown_and_user_rectangles_are_inverse(rotate: int):
    page = Page.build((10, 20, 400, 700), (30, 40, 390, 600), rotate, 1.5)
    for shown in ((0.0, 0.0, 10.0, 20.0), (33.0, 44.0, 55.5, 77.7)):
        assert page.shown_rect(page.user_rect(shown)) == pytest.approx(shown)


@pytest.mark.parametrize(
    "extra",
    ["/Rotate 45", "/UserUnit 0", "/UserUnit -1", "/CropBox [0 0]", "/CropBox [0 0 /A 1]", "/Rotate /Up"],
)
def test_a_damaged_geometry_is_said(signer: Signer, extra: str):
    with pytest.raises(UnreadableDocument):
        place_of(signer, build_pdf([Sheet(extra=extra)]), place=(1.0, 1.0), page=1)


@pytest.mark.parametrize("media", [(0, 0, 0, 0), (5, 5, 5, 900), (0, 0, 99999999, 99999999)])
def test_a_page_without_a_visible_area_is_said(signer: Signer, media: tuple[float, ...]):
    with pytest.raises(UnreadableDocument, match="no visible area"):
        place_of(signer, build_pdf([Sheet(media=media)]), place=(1.0, 1.0), page=1)


CONTRACT = build_pdf(
    [
        Sheet(text("Party A: (seal here)", 100, 600) + text("甲方（盖章处）：", 100, 500)),
        Sheet(text("盖 章 处", 60, 300, size=20) + text("seal here", 450, 700)),
        Sheet(text("盖章处", 200, 300), extra="/Rotate 180"),
    ]
)


def centre(placement: Placement) -> tuple[float, float]:
    return placement.x_mm + placement.width_mm / 2, placement.y_mm + placement.height_mm / 2


@pytest.mark.parametrize(
    ("keyword", "page"),
    [
        ("盖章处", 1),
        ("(盖章处)", 1),
        ("（盖章处）", 1),
        ("盖章", 1),
        (Keyword("盖章处", occurrence=2), 2),
        (Keyword("盖章处", occurrence=-1), 3),
        (Keyword("盖章处", page=-2), 2),
        (Keyword("盖章处", page=3), 3),
        ("seal here", 1),
        ("sealhere", 1),
        (Keyword("seal here", page=2), 2),
    ],
)
def test_a_keyword_is_found(signer: Signer, keyword: str | Keyword, page: int):
    assert place_of(signer, CONTRACT, keyword=keyword).page == page


@pytest.mark.parametrize("side", ["right", "left", "above", "below", "over"])
def test_the_stamp_stands_at_the_side_that_was_asked(signer: Signer, tmp_path: Path, side: str):
    keyword = Keyword("盖章处", side=side, gap_mm=5.0)  # type: ignore[arg-type]
    found = place_of(signer, CONTRACT, keyword=keyword, size_mm=20.0)
    # "甲方（盖章处）：" starts at 100 pt, twelve points a letter: the word runs from 136 to 172 pt, at 500 pt height.
    left, right, base = 136 / 72 * 25.4, 172 / 72 * 25.4, (841.89 - 500) / 72 * 25.4
    x, y = centre(found)
    if side in ("above", "below", "over"):
        assert x == pytest.approx((left + right) / 2, abs=1)
    else:
        assert y == pytest.approx(base - 1.5, abs=1.5)
    assert {
        "right": found.x_mm - right,
        "left": left - found.x_mm - 20,
        "above": base - 4 - found.y_mm - 20,
        "below": found.y_mm - base,
        "over": 5.0,
    }[side] == pytest.approx(5, abs=1.5)
    red = red_ink(signer.seal(CONTRACT, keyword=keyword, size_mm=20.0), tmp_path)
    assert (red.left, red.top) == (pytest.approx(found.x_mm, abs=TOLERANCE), pytest.approx(found.y_mm, abs=TOLERANCE))


def test_on_a_turned_page_the_side_is_that_of_the_reader(signer: Signer, tmp_path: Path):
    # Turned clockwise by 90 degrees, user y runs to the right and user x downwards: the word starts at (300, 200) pt.
    document = with_embedded_font("盖章处", 200, 300, turned=True, rotate=90)
    found = place_of(signer, document, keyword="盖章处", size_mm=20.0)
    assert found.x_mm == pytest.approx((300 + 36) / 72 * 25.4 + 2, abs=1)
    assert centre(found)[1] == pytest.approx(200 / 72 * 25.4 - 1.5, abs=1.5)
    red = red_ink(signer.seal(document, keyword="盖章处", size_mm=20.0), tmp_path)
    assert (red.left, red.top, red.solid) == (
        pytest.approx(found.x_mm, abs=TOLERANCE),
        pytest.approx(found.y_mm, abs=TOLERANCE),
        "upper left",
    )


def test_a_word_in_an_embedded_font(signer: Signer):
    found = place_of(signer, with_embedded_font("甲方（盖章处）：", 100, 500), keyword="盖章处", size_mm=20.0)
    assert found.x_mm == pytest.approx(172 / 72 * 25.4 + 2, abs=1)
    assert centre(found)[1] == pytest.approx((841.89 - 500) / 72 * 25.4 - 1.5, abs=1.5)


def test_a_stamp_beside_a_word_at_the_edge_is_moved_onto_the_page(signer: Signer):
    found = place_of(signer, CONTRACT, keyword=Keyword("seal here", page=2))
    assert found.x_mm + found.width_mm == pytest.approx(210, abs=0.1)


def test_a_word_in_an_offset_and_cropped_page(signer: Signer, tmp_path: Path):
    sheet = Sheet(text("盖章处", 150, 300), media=(50, 60, 645, 902), extra="/CropBox [100 200 500 800]")
    found = place_of(signer, build_pdf([sheet]), keyword="盖章处", size_mm=10.0)
    assert found.x_mm == pytest.approx((150 + 36 - 100) / 72 * 25.4 + 2, abs=0.7)
    assert centre(found)[1] == pytest.approx((800 - 300) / 72 * 25.4 - 1.5, abs=1.5)
    red = red_ink(signer.seal(build_pdf([sheet]), keyword="盖章处", size_mm=10.0), tmp_path)
    assert (red.left, red.top) == (pytest.approx(found.x_mm, abs=TOLERANCE), pytest.approx(found.y_mm, abs=TOLERANCE))


def test_a_word_that_is_not_there(signer: Signer):
    with pytest.raises(InvalidArgument, match="'骑缝章' does not occur in the document") as caught:
        place_of(signer, CONTRACT, keyword="骑缝章")
    assert caught.value.field == "keyword"
    with pytest.raises(InvalidArgument, match="only 3 times in the document"):
        place_of(signer, CONTRACT, keyword=Keyword("盖章处", occurrence=4))
