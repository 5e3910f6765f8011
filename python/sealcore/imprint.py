"""Seal imprints: decode pages, find every imprint on them, make fingerprints, compare.

A picture is a PNG, JPEG, BMP or TIFF file (``bytes``), an :class:`Image`, or an array of ``uint8`` with the shape
(height, width), (height, width, 3) or (height, width, 4): whatever has the buffer protocol, such as a numpy array.
Black text over or under an imprint does not matter, nor how it is turned. Other threads run meanwhile.

"same" means: the same *design*. A careful copy of a seal shows the same design; this module does not tell it from the
genuine one. The measured error rates are in ``core/docs/imprint.md``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from sealcore._core import (
    Comparison,
    Fingerprint,
    Image,
    Imprint,
    compare_imprints,
    decode_image,
    find_imprints,
    fingerprint_imprint,
    page_count,
)
from sealcore.errors import InvalidImage, UnreadableDocument

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = [
    "DIFFERENT_BELOW",
    "SAME_AT_LEAST",
    "Comparison",
    "Fingerprint",
    "Image",
    "Imprint",
    "Picture",
    "Verdict",
    "compare",
    "decode",
    "find",
    "fingerprint",
    "pages",
]

Picture: TypeAlias = "Image | Buffer"
"""A picture: a file's bytes, an :class:`Image` or an array of ``uint8``."""

Verdict: TypeAlias = Literal["same", "different", "insufficient"]
"""What :func:`compare` says."""

SAME_AT_LEAST: Final = 0.66
"""From this similarity on the verdict is ``"same"`` (unless parts are missing)."""

DIFFERENT_BELOW: Final = 0.56
"""Below this similarity the verdict is ``"different"``; between the two it is ``"insufficient"``."""


def decode(data: Buffer, *, dpi: float | None = None) -> Image:
    """Decode a picture file.

    Args:
        data: The whole file. PNG of every colour type and depth; JPEG baseline and progressive; BMP; TIFF, of which
            the first page (see :func:`pages`).
        dpi: The resolution in dots an inch, if it is known better than by the file.

    Returns:
        The picture: ``width``, ``height``, ``channels``, ``dpi`` and ``pixels`` (``bytes``, row by row). ``dpi`` is
        None if the file states none, or states the 72 or 96 that software writes when it does not know.

    Raises:
        InvalidImage: Another format, damaged, cut short, a side above 20,000 or more than 40 million pixels.

    Example:
        >>> import numpy
        >>> image = Image.from_array(numpy.zeros((20, 30, 3), "uint8"), dpi=300)
        >>> image.width, image.height, image.channels, round(image.dpi)
        (30, 20, 3, 300)
        >>> numpy.frombuffer(image.pixels, "uint8").reshape(image.height, image.width, image.channels).shape
        (20, 30, 3)
    """
    return decode_image(data, dpi=dpi)


def pages(source: bytes | str | os.PathLike[str], *, dpi: float | None = None) -> Iterator[Image]:
    """The pages of a file, one after the other: a picture is one page, a TIFF may hold several, a PDF is rendered.

    Args:
        source: A file's path or its bytes.
        dpi: Dots an inch: a PDF is rendered so (300 if None), a picture is taken to be so (None: what it states).

    Yields:
        One :class:`Image` a page. A PDF needs ``pip install "sealcore[pdf]"``; it is read in a child process.

    Raises:
        InvalidImage: The file is damaged, of an unknown format, or a page is too large.
        MissingExtra: A PDF without the extra.
        OSError: The file cannot be read.

    Example:
        >>> from sealcore.seals.drawing import SealDesign, draw_seal
        >>> [round(page.dpi) for page in pages(draw_seal(SealDesign(name="北京晨光科技有限公司"), dpi=300))]
        [300]
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    if b"%PDF-" not in data[:1024]:
        for number in range(page_count(data)):
            yield decode_image(data, number, dpi=dpi)
        return
    from sealcore.pdf.rendering import rendered_pages  # noqa: PLC0415  needs the extra

    resolution = 300.0 if dpi is None else dpi
    try:
        for width, height, pixels in rendered_pages(data, dpi=resolution):
            yield Image.from_array(memoryview(pixels).cast("B", (height, width, 3)), dpi=resolution)
    except UnreadableDocument as error:
        raise InvalidImage(str(error)) from None


def find(image: Picture, *, dpi: float | None = None) -> list[Imprint]:
    """Find every imprint of a picture: round, oval and square; red, blue and grey; touching, overlapping and faint.

    Args:
        image: The picture.
        dpi: The resolution in dots an inch, if it is known better than by the picture.

    Returns:
        The imprints, the surest first; empty when there is none. Each has ``shape``, ``ink``, ``centre``, ``axes`` and
        ``box`` in pixels, ``size_mm`` if the resolution is known, ``angle`` in degrees, ``coverage`` and
        ``confidence`` (0 to 1).

    Raises:
        InvalidImage: The picture cannot be decoded or is too large.
        TypeError: No picture: the message names what is.

    Example:
        >>> from sealcore.seals.drawing import SealDesign, draw_seal
        >>> [imprint] = find(draw_seal(SealDesign(name="北京晨光科技有限公司"), dpi=300))
        >>> imprint.shape, imprint.ink, [round(side) for side in imprint.size_mm]
        ('round', 'red', [40, 40])
    """
    return find_imprints(image, dpi=dpi)


def fingerprint(image: Picture, imprint: Imprint | None = None) -> Fingerprint:
    """The fingerprint of an imprint of a picture.

    The same pixels give the same bytes on every machine, and the format carries its version.

    Args:
        image: The picture.
        imprint: Which imprint; None: the surest that :func:`find` finds.

    Returns:
        A value that can be stored (``to_bytes``, ``Fingerprint.from_bytes``; ``Fingerprint.LENGTH`` bytes), compared
        and pickled.

    Raises:
        NoImprint: There is no imprint.
        InvalidImage: The picture cannot be decoded or is too large.
        TypeError: No picture: the message names what is.

    Example:
        >>> from sealcore.seals.drawing import SealDesign, draw_seal
        >>> registered = fingerprint(draw_seal(SealDesign(name="北京晨光科技有限公司"), dpi=300))
        >>> Fingerprint.from_bytes(registered.to_bytes()) == registered
        True
    """
    return fingerprint_imprint(image, imprint)


def compare(registered: Fingerprint, questioned: Fingerprint) -> Comparison:
    """Compare a questioned imprint with a registered one.

    The order matters: a stamp often misses ink, it never adds any. Make the registered fingerprint from the drawing of
    the seal if there is one.

    Args:
        registered: The fingerprint of the seal.
        questioned: The fingerprint of the imprint in question.

    Returns:
        ``verdict`` (``"same"``, ``"different"``, ``"insufficient"``), ``similarity`` (0 to 1, of the least alike
        parts), ``angle`` (degrees counter-clockwise, of the questioned imprint), ``windows`` compared, and windows
        ``missing``.

    Example:
        >>> from sealcore.seals.drawing import SealDesign, draw_seal, synthetic_scan
        >>> seal = draw_seal(SealDesign(name="北京晨光科技有限公司", purpose="合同专用章"), dpi=300)
        >>> scan = synthetic_scan(seal, dpi=200, angle=130, seed=1, page_mm=(80, 60))
        >>> comparison = compare(fingerprint(seal), fingerprint(scan))
        >>> comparison.verdict, abs(comparison.angle - 130) < 1
        ('same', True)
        >>> other = draw_seal(SealDesign(name="北京星辉科技有限公司", purpose="合同专用章"), dpi=300)
        >>> compare(fingerprint(other), fingerprint(scan)).verdict
        'different'
    """
    return compare_imprints(registered, questioned)
