"""Documents, signers and measurements for the tests of ``sealcore.pdf``."""

from __future__ import annotations

import io
import subprocess
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conftest import missing, require_tool
from PIL import Image, ImageDraw
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from sealcore.pdf import AuthorityAttribute, Verdict, seal_pdf, verify_pdf
from sealcore.pki import Certificate, CertificateAuthority
from sealcore.seals.typeface import find_typeface
from sealcore.sign import SigningKey

LIFE = {"not_before": datetime(2025, 1, 1, tzinfo=UTC), "not_after": datetime(2045, 1, 1, tzinfo=UTC)}
AT = datetime(2026, 7, 1, tzinfo=UTC)
A4 = (0, 0, 595.276, 841.89)


@dataclass(frozen=True)
class Sheet:
    """One page: its boxes, its turn, its content stream."""

    content: bytes = b""
    media: Sequence[float] = A4
    extra: str = ""


def build_pdf(sheets: Sequence[Sheet] = (Sheet(),), *, catalog: str = "", objects: Sequence[bytes] = ()) -> bytes:
    """A classic PDF. Font F1 is Helvetica, F2 a Chinese font that is not embedded; ``objects`` are numbered from 6."""
    fixed = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [5 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor << /Type /FontDescriptor"
        b" /FontName /STSong-Light /Flags 4 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 /Ascent 880 /Descent -120"
        b" /CapHeight 880 /StemV 93 >> /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>",
        *objects,
    ]
    kids = []
    for sheet in sheets:
        box = " ".join(f"{number:.3f}" for number in sheet.media)
        kids.append(f"{len(fixed) + 1} 0 R")
        fixed.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] {sheet.extra} /Contents {len(fixed) + 2} 0 R"
            " /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>".encode()
        )
        fixed.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(sheet.content), sheet.content))
    fixed[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(fixed, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(fixed) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(fixed) + 1, start))
    return out.getvalue()


def text(words: str, x: float, y: float, *, size: float = 12, turned: bool = False) -> bytes:
    """Shows words at (x, y) in user space; Chinese in F2, else F1; ``turned`` runs upwards."""
    matrix = f"0 1 -1 0 {x} {y}" if turned else f"1 0 0 1 {x} {y}"
    if words.isascii():
        return f"BT /F1 {size} Tf {matrix} Tm ({words}) Tj ET\n".replace("(((", "((").encode()
    return f"BT /F2 {size} Tf {matrix} Tm <{words.encode('utf-16-be').hex()}> Tj ET\n".encode()


@dataclass(frozen=True)
class Signer:
    """A root, an authority under it, and a seal's certificate and key."""

    algorithm: str
    root: Certificate
    chain: tuple[Certificate, ...]
    certificate: Certificate
    key: SigningKey
    authority: CertificateAuthority = field(repr=False)

    @classmethod
    def make(cls, algorithm: str, subject: str = "CN=合同专用章,O=示例有限公司,C=CN") -> Signer:
        root = CertificateAuthority.create_root(SigningKey.generate(algorithm), "CN=Root,O=Test,C=CN", **LIFE)
        key = SigningKey.generate(algorithm)
        middle = root.issue_authority("CN=Issuing,O=Test,C=CN", key.verifying_key, **LIFE)
        authority = CertificateAuthority(key, middle)
        own = SigningKey.generate(algorithm)
        certificate = authority.issue(subject, own.verifying_key, **LIFE)
        return cls(algorithm, root.certificate, (middle,), certificate, own, authority)

    def seal(self, pdf: bytes, **options: Any) -> bytes:
        """Seals with the test imprint at (20, 30) mm unless the options say otherwise."""
        defaults: dict[str, Any] = {"imprint": IMPRINT, "size_mm": 38.0}
        if "keyword" not in options and options.get("imprint", IMPRINT) is not None:
            defaults["place"] = (20.0, 30.0)
        if options.get("imprint", IMPRINT) is None:
            defaults = {}
        values = {"key": self.key, "certificate": self.certificate, "chain": self.chain, "page": 1}
        return seal_pdf(pdf, **{**values, **defaults, **options})


def imprint_png(width: int = 380, height: int = 380) -> bytes:
    """A red frame that fills the picture, a solid block in its upper left quarter and nothing elsewhere."""
    picture = Image.new("RGBA", (width, height), (255, 255, 255, 0))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, width - 1, height - 1), outline=(220, 0, 0, 255), width=8)
    pen.rectangle((0, 0, width // 2, height // 2), fill=(220, 0, 0, 255))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


IMPRINT = imprint_png()


@dataclass(frozen=True)
class Red:
    """Where the red ink of a rendered page is, in mm from its top left corner, and which quarter is solid."""

    left: float
    top: float
    right: float
    bottom: float
    solid: str
    page_width: float
    page_height: float


def red_ink(pdf: bytes, folder: Path, *, page: int = 1, dpi: int = 150) -> Red:
    """Renders a page as a reader sees it (poppler, crop box) and measures the red in it."""
    source, target = folder / "page.pdf", folder / "page"
    source.write_bytes(pdf)
    command = [require_tool("pdftoppm"), "-png", "-cropbox", "-r", str(dpi), "-f", str(page), "-l", str(page)]
    subprocess.run([*command, "-singlefile", str(source), str(target)], check=True, capture_output=True)
    with Image.open(target.with_suffix(".png")) as opened:
        picture = opened.convert("RGB")
    red, green, _ = picture.split()
    ink = Image.composite(
        green.point(lambda v: 255 if v < 128 else 0), Image.new("L", picture.size), red.point(lambda v: v > 128 and 255)
    )
    box = ink.getbbox()
    assert box is not None, "no red on the page"
    left, top, right, bottom = box
    middle = ((left + right) // 2, (top + bottom) // 2)
    quarters = {
        "upper left": (left, top, *middle),
        "upper right": (middle[0], top, right, middle[1]),
        "lower left": (left, middle[1], middle[0], bottom),
        "lower right": (*middle, right, bottom),
    }
    shares = {name: sum(ink.crop(area).histogram()[128:]) for name, area in quarters.items()}
    mm = 25.4 / dpi
    return Red(
        left * mm, top * mm, right * mm, bottom * mm, max(shares, key=shares.__getitem__), picture.width * mm,
        picture.height * mm,
    )  # fmt: skip


def contents_of(pdf: bytes) -> tuple[int, int]:
    """Where the last signature's hexadecimal string is, without its brackets."""
    at = pdf.rindex(b"/Contents <") + len(b"/Contents <")
    return at, pdf.index(b">", at)


def replaced(pdf: bytes, at: int, new: bytes) -> bytes:
    """The file with other bytes at one place."""
    return pdf[:at] + new + pdf[at + len(new) :]


def stream(data: bytes, entries: str = "") -> bytes:
    """A compressed stream object's body."""
    packed = zlib.compress(data)
    return b"<< /Length %d /Filter /FlateDecode %s >>\nstream\n%s\nendstream" % (len(packed), entries.encode(), packed)


def with_embedded_font(words: str, x: float, y: float, *, turned: bool = False, rotate: int = 0) -> bytes:
    """An A4 page with words in an embedded Chinese font at (x, y) points from its lower left, then turned as a page."""
    try:
        import fpdf

        path, face = find_typeface()
    except ImportError as error:  # MissingExtra is one
        missing(str(error))
    document = fpdf.FPDF(unit="pt", format=(A4[2], A4[3]))
    document.add_page()
    document.add_font("chinese", fname=str(path), collection_font_number=face)
    document.set_font("chinese", size=12)
    with document.rotation(90 if turned else 0, x=x, y=A4[3] - y):
        document.text(x, A4[3] - y, words)
    reader = PdfFileReader(io.BytesIO(bytes(document.output())))
    writer = IncrementalPdfFileWriter.from_reader(reader)
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Rotate"] = generic.NumberObject(rotate)
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


DOCUMENT = build_pdf([Sheet(text("The price is 100", 72, 700)), Sheet(text("Second page", 72, 700))])
RECORD = AuthorityAttribute("seals.example.com/2026", 41, bytes(range(32)), "sm3")


def verdict_of(pdf: bytes, signer: Signer) -> Verdict:
    return verify_pdf(pdf, roots=[signer.root], at=AT)


def edited(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """The document with an incremental update, as an attacker or an honest program would write it."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
