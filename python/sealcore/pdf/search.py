"""Where a word stands in a PDF, so that a seal can be put beside it.

The text comes from PDFium (pypdfium2), which maps glyphs of CJK fonts to Unicode by the font's own tables or the
predefined character maps. White space is ignored and compatibility forms are folded (NFKC), so ``盖章处`` is found when
the document spaces it out or uses full-width brackets. It does *not* recognise text in scanned pictures.
"""

from __future__ import annotations

from collections.abc import Iterator

import pypdfium2
import pypdfium2.raw as pdfium

from sealcore.errors import InvalidArgument, UnreadableDocument
from sealcore.pdf.geometry import Rect
from sealcore.pdf.keyword import Keyword, folded

__all__ = ["find"]


def find(pdf: bytes, keyword: Keyword, *, password: str | None = None) -> tuple[int, Rect]:
    """Looks for the keyword.

    Returns:
        The page (1 = first) and the rectangle of the word there, in user space. A word that is broken over lines
        counts with its first line.

    Raises:
        InvalidArgument: not found as often as asked (field="keyword"), or no such page (field="page").
        UnreadableDocument: PDFium cannot read the file.
    """
    wanted = folded(keyword.text)
    try:
        document = pypdfium2.PdfDocument(pdf, password=password)
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocument(f"the text cannot be searched: {error}") from None
    try:
        hits = [
            (number, box)
            for number in _pages(len(document), keyword.page)
            for box in _hits_on_page(document, number, wanted)
        ]
    finally:
        document.close()
    position = keyword.occurrence - 1 if keyword.occurrence > 0 else keyword.occurrence
    try:
        return hits[position]
    except IndexError:
        where = "the document" if keyword.page is None else f"page {keyword.page}"
        found = f"occurs only {len(hits)} times in {where}" if hits else f"does not occur in {where}"
        raise InvalidArgument(
            f"keyword: {keyword.text!r} {found}; give place= or another keyword (scanned pages hold no text to search)",
            field="keyword",
        ) from None


def _pages(count: int, page: int | None) -> range:
    if page is None:
        return range(1, count + 1)
    number = page if page > 0 else count + 1 + page
    if not 1 <= number <= count:
        raise InvalidArgument(f"page: {page} does not exist, the document has {count}", field="page")
    return range(number, number + 1)


def _hits_on_page(document: pypdfium2.PdfDocument, number: int, wanted: str) -> Iterator[Rect]:
    page = document[number - 1]
    try:
        text = page.get_textpage()
        try:
            letters: list[str] = []
            indices: list[int] = []
            for index in range(text.count_chars()):
                for letter in folded(chr(pdfium.FPDFText_GetUnicode(text, index) or 0x20)):
                    letters.append(letter)
                    indices.append(index)
            page_text = "".join(letters)
            start = page_text.find(wanted)
            while start >= 0:
                yield _first_line([text.get_charbox(i, loose=True) for i in indices[start : start + len(wanted)]])
                start = page_text.find(wanted, start + len(wanted))
        finally:
            text.close()
    finally:
        page.close()


def _first_line(boxes: list[Rect]) -> Rect:
    """Joins the boxes that overlap the first one's line, in whichever direction the line runs."""
    left, bottom, right, top = boxes[0]
    for box in boxes[1:]:
        across = min(top, box[3]) - max(bottom, box[1]) > 0.3 * min(top - bottom, box[3] - box[1])
        along = min(right, box[2]) - max(left, box[0]) > 0.3 * min(right - left, box[2] - box[0])
        if across or along:
            left, bottom = min(left, box[0]), min(bottom, box[1])
            right, top = max(right, box[2]), max(top, box[3])
        else:
            break
    return left, bottom, right, top
