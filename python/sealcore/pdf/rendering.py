"""The pages of a PDF as pictures, for finding imprints on them.

PDFium renders (pypdfium2), in the child process that reads documents: a hostile file ends the child, not its caller.
A page is rendered on white with its annotations and form fields, as a printer would show it. It does *not* read text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sealcore.errors import InvalidImage, UnreadableDocument
from sealcore.pdf.isolation import Parts, call, error_from
from sealcore.pdf.messages import dump, load

__all__ = ["MAX_PIXELS", "render", "rendered_pages"]

MAX_PIXELS: Final = 40_000_000
"""The most pixels of a page, as for every picture of ``sealcore.imprint``."""

_MAX_SIDE: Final = 20_000
_POINTS_PER_INCH: Final = 72.0
Rendered = tuple[int, int, bytes]


def rendered_pages(pdf: bytes, *, dpi: float, password: str | None = None, timeout: float = 60.0) -> Iterator[Rendered]:
    """Renders page after page in a child process.

    Args:
        pdf: The document.
        dpi: Dots an inch.
        password: For a document that asks for one.
        timeout: Seconds that one page may take.

    Yields:
        Width and height in pixels, and the pixels: RGB, row by row, one byte a channel.

    Raises:
        UnreadableDocument: PDFium cannot read the document, or a page took too long or too much memory.
        InvalidImage: A page is larger than 40 million pixels at this resolution.
    """
    page, count = 0, 1
    while page < count:
        request = {"page": page, "dpi": dpi, "password": password}
        message = dump({"operation": "render", "timeout": timeout, "request": request})
        answer = call([message, pdf], timeout=timeout)
        facts = load(answer[0])
        if "error" in facts:
            raise error_from(facts["error"])
        count = facts["pages"]
        yield facts["width"], facts["height"], answer[1]
        page += 1


def render(pdf: bytes, request: dict[str, Any]) -> Parts:
    """The child's side of ``rendered_pages``: one page."""
    import pypdfium2  # noqa: PLC0415  the other operations of the child do not need it

    try:
        document = pypdfium2.PdfDocument(pdf, password=request["password"])
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocument(f"the document cannot be rendered: {error}") from None
    try:
        number, dpi = request["page"], request["dpi"]
        if len(document) == 0:
            raise UnreadableDocument("the document has no pages")
        try:
            document.init_forms()
            page = document[number]
        except pypdfium2.PdfiumError as error:
            raise UnreadableDocument(f"page {number + 1} cannot be read: {error}") from None
        width, height = (side / _POINTS_PER_INCH * dpi for side in page.get_size())
        if not (1 <= width <= _MAX_SIDE and 1 <= height <= _MAX_SIDE and width * height <= MAX_PIXELS):
            raise InvalidImage(
                f"page {number + 1} would have {width:.0f} x {height:.0f} pixels at {dpi:g} dpi: "
                f"at most {_MAX_SIDE:,} a side and {MAX_PIXELS:,} in all; give a lower dpi"
            )
        bitmap = page.render(scale=dpi / _POINTS_PER_INCH, rev_byteorder=True, prefer_bgrx=False)
        pixels = bytes(bitmap.buffer)
        line = 3 * bitmap.width
        if bitmap.n_channels != 3:
            raise UnreadableDocument(f"page {number + 1} came out with {bitmap.n_channels} channels")
        if bitmap.stride != line:
            pixels = b"".join(pixels[y * bitmap.stride : y * bitmap.stride + line] for y in range(bitmap.height))
        facts = {"pages": len(document), "width": bitmap.width, "height": bitmap.height}
        return [dump(facts), pixels]
    finally:
        document.close()
