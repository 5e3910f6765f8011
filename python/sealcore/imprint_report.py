"""The comparison report: one page with both imprints, the overlay, the parts, the verdict and how often it errs.

:func:`report` makes a page of HTML, :func:`report_pdf` the same page as a PDF. Either stands alone: its pictures are
inside it and it loads nothing, so it can be filed with the document.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sealcore import imprint as imprints
from sealcore.errors import InvalidArgument

if TYPE_CHECKING:
    from sealcore.imprint import Comparison, ErrorRate, Evidence, Part

__all__ = ["Content", "content", "part_name", "rate_words", "report", "report_pdf", "sentence"]

_UNITS: Final[dict[str, tuple[str, str, float]]] = {
    "extra": ("ink further than 0.2 mm from registered ink", "%", 100),
    "part_extra": ("extra ink beside one part", "%", 100),
    "part_stray": ("outlines beside one part that the registered seal has not", "%", 100),
    "displacement_rms": ("local displacement, rms", "mm", 1),
    "displacement_p90": ("local displacement, 90th percentile", "mm", 1),
    "shift_rms": ("shifts of the parts, rms", "mm", 1),
    "shift_alone": ("shifts that neighbours do not share, rms", "mm", 1),
    "scatter": ("scatter of the outlines", "mm", 1),
    "absent": ("parts gone though those around them are there", "", 1),
    "part_shift": ("shift of one part", "mm", 1),
    "part_turn": ("turn of one part", "°", 1),
    "part_growth": ("growth of one part", "%", 100),
    "part_width": ("width of the border against the other strokes", "mm", 1),
    "star_size": ("edges of the star further out than the border's", "mm", 1),
    "size": ("size against the registered one", "%", 100),
    "likeness": ("likeness of the whole", "", 1),
    "coverage": ("registered ink that is there", "%", 100),
    "clear": ("characters and star that nothing hides", "%", 100),
}

_MEANING: Final[dict[str, str]] = {
    "matches the registered design": "Nothing differs beyond the play of genuine imprints. A second seal cut from the "
    "same artwork would show the same: the design is confirmed, not the tool.",
    "look-alike": "The registered text, in another geometry: what a seal cut anew shows.",
    "different": "Another design.",
    "insufficient": "Too little of the imprint is clear enough to tell: as a whole, or a line or a character in which "
    "another seal may differ. Take another imprint.",
}


def part_name(part: Part, number: int) -> str:
    """A part in words, by its number in the list of parts.

    Example:
        >>> from sealcore.seals.drawing import SealDesign, draw_seal
        >>> drawing = draw_seal(SealDesign(name="北京晨光科技有限公司"), dpi=300)
        >>> comparison = imprints.compare(imprints.register(drawing), drawing)
        >>> part_name(comparison.parts[0], 0)
        'border'
    """
    if part.kind != "character":
        return part.kind
    x, y = part.centre_mm
    down = "upper" if y < -0.5 else "lower" if y > 0.5 else "middle"
    across = "left" if x < -0.5 else "right" if x > 0.5 else "centre"
    return f"part {number}, {down} {across}"


def _amount(evidence: Evidence) -> str:
    name, unit, factor = _UNITS[evidence.measure]
    limit = imprints.LIMITS[evidence.measure]
    digits = 1 if factor == 100 or unit == "°" else 3 if unit == "mm" else 2
    space = "" if unit in {"%", "°", ""} else " "
    return f"{name} {evidence.value * factor:.{digits}f}{space}{unit} (limit {limit * factor:.{digits}f}{space}{unit})"


def sentence(comparison: Comparison) -> str:
    """The verdict and what decided it, in one sentence."""
    decided = comparison.decided_by
    where = "" if decided.part is None else f" at the {part_name(comparison.parts[decided.part], decided.part)}"
    together = comparison.verdict == "look-alike" and decided.ratio < 1
    return f"{comparison.verdict}: {_amount(decided)}{where}{', with more near its limits' if together else ''}"


def rate_words(rate: ErrorRate) -> str:
    """A counted error rate in words.

    Example:
        >>> rate_words(next(r for r in imprints.ERROR_RATES if r.source == "real" and r.errors == 0))
        '0 of 153 = 0.0 % (95%: 0.0 to 2.4 %)'
    """
    low, high = (100 * bound for bound in rate.interval)
    return f"{rate.errors} of {rate.trials} = {100 * rate.rate:.1f} % (95%: {low:.1f} to {high:.1f} %)"


@dataclass(frozen=True, slots=True)
class Content:
    """What a report says, row by row, for whatever writes it."""

    title: str
    notes: tuple[str, ...]
    kind: str
    """"yes", "no" or "open"."""
    verdict: str
    meaning: str
    alarms: tuple[str, ...]
    pictures: tuple[tuple[str, bytes], ...]
    facts: tuple[tuple[str, str], ...]
    evidence: tuple[tuple[str, str, float], ...]
    """Measure with value and limit, part, share of the limit; the strongest of each kind, strongest first."""
    parts: tuple[tuple[tuple[str, ...], float], ...]
    """Cells, and the share of the limit."""
    rates: tuple[tuple[str, str, str], ...]
    """Which way it errs, on what, and the count."""


PART_COLUMNS: Final = ("part", "shift mm", "turn °", "width mm", "extra %", "present %", "of limit")

LEGEND: Final = (
    "Overlay: grey the same, light grey within the tolerance, red extra, blue missing, yellow hidden by print or "
    "another imprint; parts over their limit are ringed in orange, green arrows show local displacement eight times "
    "as long."
)

RATES_NOTE: Final = (
    f"Counted on {imprints.RATES_DATE}: {imprints.RATES_SET}. The model's seals, inks and forgeries are drawn by a "
    "program: imprints of other kinds may err more often. Two seals cut from the same artwork cannot be told apart."
)

_ALARMS: Final[dict[str, str]] = {
    "flat": "The ink is perfectly even: drawn by a program, or printed.",
    "halftone": "The ink consists of regular dots: printed.",
}


def content(
    comparison: Comparison, *, registered: bytes, questioned: bytes, title: str, notes: Sequence[str] = ()
) -> Content:
    """What the report of a comparison says; see :func:`report` for the arguments."""
    verdict = comparison.verdict
    strongest: dict[str, Evidence] = {}
    for e in comparison.evidence:
        strongest.setdefault(e.measure, e)
    names = [part_name(part, number) for number, part in enumerate(comparison.parts)]
    scale = "unknown resolution" if comparison.scale is None else f"{comparison.scale * 100:.1f} %"
    return Content(
        title=title,
        notes=tuple(notes),
        kind={imprints.MATCHES: "yes", "insufficient": "open"}.get(verdict, "no"),
        verdict=sentence(comparison),
        meaning=_MEANING[verdict],
        alarms=tuple(_ALARMS[alarm] for alarm in comparison.alarms),
        pictures=(
            ("registered", _checked(registered, "registered")),
            ("questioned", _checked(questioned, "questioned")),
            ("overlay", comparison.overlay_png()),
        ),
        facts=(
            ("coverage", f"{comparison.coverage * 100:.0f} % of the ink, {comparison.clear * 100:.0f} % clear"),
            ("turned by", f"{comparison.angle:.1f}°"),
            ("size", scale),
            ("ink gain", f"{comparison.gain_mm:+.3f} mm at every edge"),
            ("likeness", f"{comparison.likeness:.3f}"),
        ),
        evidence=tuple((_amount(e), "" if e.part is None else names[e.part], e.ratio) for e in strongest.values()),
        parts=tuple((_part_cells(name, part), part.ratio) for name, part in zip(names, comparison.parts, strict=True)),
        rates=tuple(
            (rate.mistake, f"{rate.trial} ({'real imprints' if rate.source == 'real' else 'model'})", rate_words(rate))
            for rate in comparison.error_rates
        ),
    )


def report(
    comparison: Comparison,
    *,
    registered: bytes,
    questioned: bytes,
    title: str = "Comparison of imprints",
    notes: Sequence[str] = (),
) -> str:
    """The report of a comparison, as HTML.

    Args:
        comparison: The comparison.
        registered: A picture of the registered seal, PNG or JPEG; ``Registered.to_png()`` makes one.
        questioned: A picture of the questioned imprint, PNG or JPEG; :func:`sealcore.imprint.cutout` makes one.
        title: The heading.
        notes: Lines below it: document, page, examiner.

    Returns:
        A page of HTML that loads nothing.

    Raises:
        InvalidArgument: A picture is neither PNG nor JPEG.

    Example:
        >>> from sealcore.seals.drawing import SealDesign, draw_seal
        >>> drawing = draw_seal(SealDesign(name="北京晨光科技有限公司"), dpi=300)
        >>> page = report(imprints.compare(imprints.register(drawing), drawing), registered=drawing, questioned=drawing)
        >>> "matches the registered design" in page and "http" not in page
        True
    """
    c = content(comparison, registered=registered, questioned=questioned, title=title, notes=notes)
    words = html.escape
    figures = "".join(
        f'<figure><img alt="{name}" src="{_inline(data)}"><figcaption>{name}</figcaption></figure>'
        for name, data in c.pictures
    )
    return _PAGE.format(
        title=words(c.title),
        notes="".join(f"<p>{words(note)}</p>" for note in c.notes),
        kind=c.kind,
        verdict=words(c.verdict),
        meaning=words(c.meaning),
        alarms="".join(f'<div class="verdict no">{words(alarm)}</div>' for alarm in c.alarms),
        figures=figures,
        legend=words(LEGEND),
        facts="".join(f"<dt>{name}</dt><dd>{words(value)}</dd>" for name, value in c.facts),
        evidence="".join(_row((what, part, f"{ratio:.2f}"), ratio) for what, part, ratio in c.evidence),
        columns="".join(f"<th>{column}</th>" for column in PART_COLUMNS),
        parts="".join(_row(cells, ratio) for cells, ratio in c.parts),
        rates="".join(_row(row, 0.0) for row in c.rates),
        counted=words(RATES_NOTE),
    )


def report_pdf(
    comparison: Comparison,
    *,
    registered: bytes,
    questioned: bytes,
    title: str = "Comparison of imprints",
    notes: Sequence[str] = (),
) -> bytes:
    """The report of a comparison, as a PDF of one page A4; ``pip install "sealcore[pdf]"``.

    The arguments are those of :func:`report`. A title or note with other than Latin letters needs a typeface:
    ``pip install "sealcore[drawing]"``.

    Returns:
        The file.

    Raises:
        InvalidArgument: A picture is neither PNG nor JPEG.
        MissingExtra: fpdf2 is not installed, or no typeface for the title's letters.

    Example:
        >>> from sealcore.seals.drawing import SealDesign, draw_seal
        >>> drawing = draw_seal(SealDesign(name="北京晨光科技有限公司"), dpi=300)
        >>> comparison = imprints.compare(imprints.register(drawing), drawing)
        >>> report_pdf(comparison, registered=drawing, questioned=drawing)[:5]
        b'%PDF-'
    """
    from sealcore.imprint_report_pdf import write_pdf  # noqa: PLC0415  needs the extra

    return write_pdf(content(comparison, registered=registered, questioned=questioned, title=title, notes=notes))


def _row(cells: Sequence[str], ratio: float) -> str:
    mark = ' class="over"' if ratio >= 1 else ""
    return f"<tr{mark}>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"


def _part_cells(name: str, part: Part) -> tuple[str, ...]:
    x, y = part.shift_mm
    measured = (
        (f"{(x * x + y * y) ** 0.5:.3f}", f"{part.turn:+.1f}", f"{part.width_mm:+.3f}") if part.judged else ("-",) * 3
    )
    return (name, *measured, f"{part.extra * 100:.1f}", f"{part.coverage * 100:.0f}", f"{part.ratio:.2f}")


_KINDS: Final = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"))


def _checked(data: bytes, field: str) -> bytes:
    if not data.startswith(tuple(magic for magic, _ in _KINDS)):
        raise InvalidArgument(f"{field}: give a PNG or JPEG file", field=field)
    return data


def _inline(data: bytes) -> str:
    kind = next(kind for magic, kind in _KINDS if data.startswith(magic))
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
@page {{ size: A4; margin: 12mm }}
body {{ font: 13px/1.35 system-ui, sans-serif; max-width: 186mm; margin: 8mm auto; color: #222 }}
h1 {{ font-size: 20px; margin: 0 }} h2 {{ font-size: 14px; margin: 14px 0 4px }} p {{ margin: 2px 0 }}
.verdict {{ border-left: 8px solid; padding: 8px 12px; margin: 10px 0; font-size: 15px; background: #f4f4f4 }}
.yes {{ border-color: #2a7d3f }} .no {{ border-color: #c1121f }} .open {{ border-color: #c98b00 }}
.pictures {{ display: flex; gap: 8px; align-items: flex-end }} figure {{ margin: 0; flex: 1 }}
figure:last-child {{ flex: 2 }} img {{ width: 100%; border: 1px solid #ccc; background: #fff }}
figcaption {{ text-align: center; color: #666 }}
dl {{ display: grid; grid-template-columns: auto 1fr auto 1fr; gap: 2px 10px; margin: 8px 0 }} dt {{ color: #666 }}
dd {{ margin: 0 }} table {{ border-collapse: collapse; width: 100%; font-size: 11px }}
td, th {{ text-align: left; padding: 1px 6px; border-bottom: 1px solid #ddd }}
.over td {{ background: #fde2e0; font-weight: 600 }} .small {{ color: #666; font-size: 11px }}
</style></head><body>
<h1>{title}</h1>{notes}
<div class="verdict {kind}"><strong>{verdict}</strong><p>{meaning}</p></div>
{alarms}<div class="pictures">{figures}</div>
<p>{legend}</p>
<dl>{facts}</dl>
<h2>Evidence, the strongest of each kind</h2>
<table><tr><th>measure</th><th>part</th><th>of its limit</th></tr>{evidence}</table>
<h2>How often the verdict errs at these limits</h2>
<table><tr><th>error</th><th>tried on</th><th>counted</th></tr>{rates}</table>
<p class="small">{counted}</p>
<h2>Parts</h2>
<table><tr>{columns}</tr>{parts}</table>
</body></html>
"""
