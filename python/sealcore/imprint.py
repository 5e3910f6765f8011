"""Seal imprints, step one: find the imprint of a picture, make its fingerprint, compare two fingerprints.

A picture is a PNG or JPEG file (``bytes``), an :class:`Image`, or an array of ``uint8`` with the shape (height, width),
(height, width, 3) or (height, width, 4): whatever has the buffer protocol, such as a numpy array. Red ink is looked for
first, then blue, then, on a transparent ground, any ink; black text over or under the imprint does not matter, nor how
it is turned. Other threads run meanwhile.

"same" means: the same *design*. A careful copy of a seal shows the same design; this module does not tell it from the
genuine one. The measured error rates are in ``core/docs/imprint.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from sealcore._core import (
    Comparison,
    Fingerprint,
    Image,
    Imprint,
    compare_imprints,
    decode_image,
    find_imprint,
    fingerprint_imprint,
)

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
]

Picture: TypeAlias = "Image | Buffer"
"""A picture: a file's bytes, an :class:`Image` or an array of ``uint8``."""

Verdict: TypeAlias = Literal["same", "different", "insufficient"]
"""What :func:`compare` says."""

SAME_AT_LEAST: Final = 0.66
"""From this similarity on the verdict is ``"same"`` (unless parts are missing)."""

DIFFERENT_BELOW: Final = 0.56
"""Below this similarity the verdict is ``"different"``; between the two it is ``"insufficient"``."""


def decode(data: Buffer) -> Image:
    """Decode a PNG or JPEG file.

    Args:
        data: The whole file. PNG of every colour type and depth, JPEG baseline and progressive, in grey or colour.

    Returns:
        The picture: ``width``, ``height``, ``channels``, ``dpi`` (or None) and ``pixels`` (``bytes``, row by row).

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
    return decode_image(data)


def find(image: Picture) -> Imprint:
    """Find the dominant imprint of a picture: round, oval or square.

    Args:
        image: The picture.

    Returns:
        Shape, ink, centre and axes in pixels, size in millimetres if the resolution is known, and how much of the
        border and of the area carries ink.

    Raises:
        NoImprint: There is none of at least 48 pixels.
        InvalidImage: The picture cannot be decoded or is too large.
        TypeError: No picture: the message names what is.

    Example:
        >>> from sealcore.seals.drawing import SealDesign, draw_seal
        >>> imprint = find(draw_seal(SealDesign(name="北京晨光科技有限公司"), dpi=300))
        >>> imprint.shape, imprint.ink, [round(side) for side in imprint.size_mm]
        ('round', 'red', [40, 40])
    """
    return find_imprint(image)


def fingerprint(image: Picture) -> Fingerprint:
    """The fingerprint of the dominant imprint of a picture.

    The same pixels give the same bytes on every machine, and the format carries its version.

    Args:
        image: The picture.

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
    return fingerprint_imprint(image)


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
