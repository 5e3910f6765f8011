"""The comparison report as one page of PDF, A4, written with fpdf2."""

from __future__ import annotations

import importlib
import io
from typing import TYPE_CHECKING, Any, Final

from sealcore.errors import MissingExtra
from sealcore.imprint_report import LEGEND, PART_COLUMNS, RATES_NOTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealcore.imprint_report import Content

__all__ = ["write_pdf"]

_MARGIN: Final = 12.0
_WIDTH: Final = 186.0
_NOTE: Final = 9.0
"""What the rates were counted on stands at the foot of the page."""
_BOTTOM: Final = 297.0 - _MARGIN - _NOTE
_LEFT: Final = 96.0
"""The left column: evidence and error rates; parts stand in the right one."""
_OVERLAY: Final = 66.0
_RIGHT_X: Final = _MARGIN + _LEFT + 5.0
_COLOURS: Final = {"yes": (42, 125, 63), "no": (193, 18, 31), "open": (201, 139, 0)}
_OVER: Final = (253, 226, 224)
_GREY: Final = (102, 102, 102)


def write_pdf(content: Content) -> bytes:
    """Write the page.

    Raises:
        MissingExtra: fpdf2 is not installed, or no typeface for letters that are not Latin.
    """
    try:
        fpdf: Any = importlib.import_module("fpdf")
    except ImportError as error:
        raise MissingExtra('a PDF report needs fpdf2: pip install "sealcore[pdf]"', extra="pdf") from error
    pdf = fpdf.FPDF(format="A4")
    pdf.set_margin(_MARGIN)
    # Everything is placed: a table that is too long is cut, and says so.
    pdf.set_auto_page_break(False)
    pdf.set_title(content.title)
    pdf.add_page()
    _Page(pdf, _family(pdf, content)).write(content)
    return bytes(pdf.output())


def _family(pdf: Any, content: Content) -> str:
    """Helvetica, which every reader has, as long as it has the letters."""
    try:
        "".join((content.title, *content.notes)).encode("cp1252")
    except UnicodeEncodeError:
        from sealcore.seals.typeface import find_typeface  # noqa: PLC0415  needs the extra

        path, face = find_typeface()
        for style in ("", "B"):
            pdf.add_font("own", style=style, fname=path, collection_font_number=face)
        return "own"
    return "helvetica"


class _Page:
    def __init__(self, pdf: Any, family: str) -> None:
        self.pdf = pdf
        self.family = family

    def write(self, content: Content) -> None:
        self._text(content.title, 15, style="B", height=7)
        for note in content.notes:
            self._text(note, 8.5, height=4)
        self._verdict(content)
        self._pictures(content)
        self._text(LEGEND, 7, height=3.2, colour=_GREY)
        self._text("   ".join(f"{name}: {value}" for name, value in content.facts), 8, height=5)
        top = self.pdf.get_y() + 1
        evidence = [((what, part, f"{ratio:.2f}"), ratio) for what, part, ratio in content.evidence]
        heads = ("measure", "part", "of limit")
        rates = [((mistake, f"{trial}: {count}"), 0.0) for mistake, trial, count in content.rates]
        title, errors = "How often the verdict errs at these limits", ("error", "tried on, counted")
        # The weakest evidence makes room for the error rates, of which none may be missing.
        room = 4.5 + sum(self._height(cells, (20, 76)) for cells, _ in rates) + self._height(errors, (20, 76)) + 5.5
        measures = "Evidence, the strongest of each kind"
        y = self._table(measures, heads, evidence, (_MARGIN, top), (65, 21, 10), bottom=_BOTTOM - room)
        self._table(title, errors, rates, (_MARGIN, y + 2), (20, 76))
        self.pdf.set_xy(_MARGIN, _BOTTOM + 0.5)
        self._text(RATES_NOTE, 6, height=2.6, colour=_GREY)
        self._table("Parts", PART_COLUMNS, list(content.parts), (_RIGHT_X, top), (27, 10, 9, 11, 9, 11, 8))

    def _text(
        self,
        text: str,
        size: float,
        *,
        height: float,
        style: str = "",
        colour: tuple[int, int, int] = (34, 34, 34),
        width: float = _WIDTH,
    ) -> None:
        self.pdf.set_font(self.family, style=style, size=size)
        self.pdf.set_text_color(*colour)
        self.pdf.multi_cell(width, height, text, align="L", new_x="LMARGIN", new_y="NEXT")

    def _verdict(self, content: Content) -> None:
        pdf = self.pdf
        pdf.ln(2)
        top = pdf.get_y()
        pdf.set_left_margin(_MARGIN + 5)
        pdf.set_xy(_MARGIN + 5, top + 1)
        colour = _COLOURS[content.kind]
        self._text(content.verdict, 10.5, style="B", height=5, colour=colour, width=_WIDTH - 6)
        self._text(content.meaning, 8.5, height=4, width=_WIDTH - 6)
        for alarm in content.alarms:
            self._text(f"Alarm: {alarm}", 9, style="B", height=4.5, colour=_COLOURS["no"], width=_WIDTH - 6)
        pdf.set_left_margin(_MARGIN)
        pdf.set_fill_color(*colour)
        pdf.rect(_MARGIN, top, 2.5, pdf.get_y() + 1 - top, style="F")
        pdf.ln(3)

    def _pictures(self, content: Content) -> None:
        pdf, top = self.pdf, self.pdf.get_y()
        places = ((_MARGIN, 46.0), (_MARGIN + 48.0, 46.0), (_MARGIN + 102.0, _OVERLAY))
        for (name, data), (x, side) in zip(content.pictures, places, strict=True):
            pdf.set_draw_color(204, 204, 204)
            pdf.rect(x, top, side, side)
            pdf.image(io.BytesIO(data), x, top, side, side, keep_aspect_ratio=True)
            pdf.set_font(self.family, size=7.5)
            pdf.set_text_color(*_GREY)
            pdf.set_xy(x, top + side)
            pdf.cell(side, 4, name, align="C")
        pdf.set_xy(_MARGIN, top + _OVERLAY + 5)

    def _height(self, cells: Sequence[str], widths: Sequence[float], style: str = "") -> float:
        """The height of a row of a table, whose font is then set."""
        self.pdf.set_font(self.family, style=style, size=6.3)
        lines = [
            self.pdf.multi_cell(width, 2.7, cell, dry_run=True, output="LINES", align="L")
            for cell, width in zip(cells, widths, strict=True)
        ]
        return 2.7 * max(len(found) for found in lines) + 0.7

    def _table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[tuple[Sequence[str], float]],
        place: tuple[float, float],
        widths: Sequence[float],
        *,
        bottom: float = _BOTTOM,
    ) -> float:
        """A table at a place; where it ends. Rows over their limit are marked; what does not fit is counted."""
        pdf, (x, y) = self.pdf, place
        pdf.set_xy(x, y)
        pdf.set_text_color(34, 34, 34)
        pdf.set_font(self.family, style="B", size=8.5)
        pdf.cell(sum(widths), 4.5, title)
        y += 4.5
        pdf.set_draw_color(221, 221, 221)
        for number, (cells, ratio) in enumerate([(tuple(columns), 0.0), *rows]):
            height = self._height(cells, widths, style="B" if number == 0 or ratio >= 1 else "")
            if y + height + 3 > bottom:
                pdf.set_xy(x, y)
                pdf.cell(sum(widths), 3, f"and {len(rows) + 1 - number} more")
                return y + 3
            if ratio >= 1:
                pdf.set_fill_color(*_OVER)
                pdf.rect(x, y, sum(widths), height, style="F")
            left = x
            for cell, w in zip(cells, widths, strict=True):
                pdf.set_xy(left, y + 0.3)
                pdf.multi_cell(w, 2.7, cell, align="L")
                left += w
            y += height
            pdf.line(x, y, x + sum(widths), y)
        return y
