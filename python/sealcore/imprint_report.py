"""The comparison report: one page of HTML with both imprints, the overlay, the parts and the verdict in words.

The page stands alone: its pictures are inside it and it loads nothing, so it can be filed with the document. Printed
from a browser it is one sheet of A4.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sealcore import imprint as imprints
from sealcore.errors import InvalidArgument

if TYPE_CHECKING:
    from sealcore.imprint import Comparison, Evidence, Part

__all__ = ["part_name", "report", "sentence"]

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
    "part_width": ("stroke width of one part against the others", "mm", 1),
    "size": ("size against the registered one", "%", 100),
    "likeness": ("likeness of the whole", "", 1),
    "coverage": ("registered ink that is there", "%", 100),
}

_MEANING: Final[dict[str, str]] = {
    "matches the registered design": "Nothing differs beyond the play of genuine imprints. A second seal cut from the "
    "same artwork would show the same: the design is confirmed, not the tool.",
    "look-alike": "The registered text, in another geometry: what a seal cut anew shows.",
    "different": "Another design.",
    "insufficient": "Too little of the imprint is clear enough to tell. Take another imprint.",
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
    return f"{comparison.verdict}: {_amount(decided)}{where}"


def report(
    comparison: Comparison,
    *,
    registered: bytes,
    questioned: bytes,
    title: str = "Comparison of imprints",
    notes: Sequence[str] = (),
) -> str:
    """The report of a comparison.

    Args:
        comparison: The comparison.
        registered: A picture of the registered seal, PNG or JPEG.
        questioned: A picture of the questioned imprint, PNG or JPEG.
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
    verdict = comparison.verdict
    pictures = [
        ("registered", _picture(registered, "registered")),
        ("questioned", _picture(questioned, "questioned")),
        ("overlay", _picture(comparison.overlay_png(), "overlay")),
    ]
    figures = "".join(
        f'<figure><img alt="{name}" src="{source}"><figcaption>{name}</figcaption></figure>'
        for name, source in pictures
    )
    strongest: dict[str, Evidence] = {}
    for e in comparison.evidence:
        strongest.setdefault(e.measure, e)
    evidence = "".join(
        f"<tr{_mark(e.ratio)}><td>{html.escape(_amount(e))}</td>"
        f"<td>{'' if e.part is None else html.escape(part_name(comparison.parts[e.part], e.part))}</td>"
        f"<td>{e.ratio:.2f}</td></tr>"
        for e in strongest.values()
    )
    parts = "".join(_part_row(number, part) for number, part in enumerate(comparison.parts))
    scale = "unknown resolution" if comparison.scale is None else f"{comparison.scale * 100:.1f} %"
    facts = (
        ("coverage", f"{comparison.coverage * 100:.0f} % of the registered ink is there"),
        ("turned by", f"{comparison.angle:.1f}°"),
        ("size", scale),
        ("ink gain", f"{comparison.gain_mm:+.3f} mm at every edge"),
        ("likeness", f"{comparison.likeness:.3f}"),
    )
    return _PAGE.format(
        title=html.escape(title),
        notes="".join(f"<p>{html.escape(note)}</p>" for note in notes),
        kind={"matches the registered design": "yes", "insufficient": "open"}.get(verdict, "no"),
        verdict=html.escape(sentence(comparison)),
        meaning=html.escape(_MEANING[verdict]),
        figures=figures,
        facts="".join(f"<dt>{name}</dt><dd>{html.escape(value)}</dd>" for name, value in facts),
        evidence=evidence,
        parts=parts,
    )


def _mark(ratio: float) -> str:
    return ' class="over"' if ratio >= 1 else ""


def _part_row(number: int, part: Part) -> str:
    x, y = part.shift_mm
    measured = (
        f"<td>{(x * x + y * y) ** 0.5:.3f}</td><td>{part.turn:+.1f}</td><td>{part.width_mm:+.3f}</td>"
        if part.judged
        else "<td>–</td><td>–</td><td>–</td>"
    )
    return (
        f"<tr{_mark(part.ratio)}><td>{html.escape(part_name(part, number))}</td>{measured}"
        f"<td>{part.extra * 100:.1f}</td><td>{part.coverage * 100:.0f}</td><td>{part.ratio:.2f}</td></tr>"
    )


def _picture(data: bytes, field: str) -> str:
    for magic, kind in ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg")):
        if data.startswith(magic):
            return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    raise InvalidArgument(f"{field}: give a PNG or JPEG file", field=field)


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
.over td {{ background: #fde2e0; font-weight: 600 }} .columns {{ columns: 1 }}
</style></head><body>
<h1>{title}</h1>{notes}
<div class="verdict {kind}"><strong>{verdict}</strong><p>{meaning}</p></div>
<div class="pictures">{figures}</div>
<p>Overlay: grey the same, light grey within 0.2 mm, red extra, blue missing, yellow hidden by print; parts over their
limit are ringed in orange, green arrows show local displacement eight times as long.</p>
<dl>{facts}</dl>
<h2>Evidence, the strongest of each kind</h2>
<table><tr><th>measure</th><th>part</th><th>of its limit</th></tr>{evidence}</table>
<h2>Parts</h2>
<table><tr><th>part</th><th>shift mm</th><th>turn °</th><th>width mm</th><th>extra %</th><th>present %</th>
<th>of its limit</th></tr>{parts}</table>
</body></html>
"""
