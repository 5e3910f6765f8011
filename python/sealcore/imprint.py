"""Seal imprints: decode pages, find every imprint on them, make fingerprints, compare.

A picture is a PNG, JPEG, BMP or TIFF file (``bytes``), an :class:`Image`, or an array of ``uint8`` with the shape
(height, width), (height, width, 3) or (height, width, 4): whatever has the buffer protocol, such as a numpy array.
Black text over or under an imprint does not matter, nor how it is turned. Other threads run meanwhile.

A seal is registered from its drawing or from imprints (:func:`register`), known again among millions by its
fingerprint (:class:`Index`), and held against a questioned imprint in millimetres, part by part (:func:`compare`).

The best verdict is "matches the registered design", never "genuine": two seals that were cut from the same artwork
show the same design, and nothing here tells them apart. The measured error rates are in ``core/docs/imprint.md``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

from sealcore._core import (
    Comparison,
    ErrorRate,
    Evidence,
    Fingerprint,
    Hit,
    Image,
    Imprint,
    Part,
    Registered,
    SealIndex,
    compare_imprint,
    comparison_limits,
    comparison_rates,
    cut_out,
    decode_image,
    find_imprints,
    fingerprint_imprint,
    page_count,
    register_seal,
)
from sealcore.errors import InvalidImage, StorageError, UnreadableDocument

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = [
    "ERROR_RATES",
    "LIMITS",
    "MATCHES",
    "RATES_DATE",
    "RATES_SET",
    "Comparison",
    "ErrorRate",
    "Evidence",
    "Fingerprint",
    "Hit",
    "Image",
    "Imprint",
    "Index",
    "Part",
    "Picture",
    "Registered",
    "Verdict",
    "compare",
    "cutout",
    "decode",
    "find",
    "fingerprint",
    "pages",
    "register",
]

_T = TypeVar("_T")

Picture: TypeAlias = "Image | Buffer"
"""A picture: a file's bytes, an :class:`Image` or an array of ``uint8``."""

Verdict: TypeAlias = Literal["matches the registered design", "look-alike", "different", "insufficient"]
"""What :func:`compare` says."""

MATCHES: Final[Verdict] = "matches the registered design"
"""The one verdict that lets a document pass."""

LIMITS: Final[dict[str, float]] = dict(comparison_limits())
"""The limit of every measure, in its unit: what a verdict rests on is a value over its limit."""

_RATES = comparison_rates()

ERROR_RATES: Final[tuple[ErrorRate, ...]] = tuple(_RATES[0])
"""How often the verdict errs at these limits, as counts; ``Comparison.error_rates`` are those at its coverage."""

RATES_DATE: Final[str] = _RATES[1]
"""When they were counted."""

RATES_SET: Final[str] = _RATES[2]
"""What they were counted on; ``make accuracy`` repeats it."""


def decode(data: Buffer, *, dpi: float | None = None) -> Image:
    """Decode a picture file.

    Args:
        data: The whole file. PNG of every colour type and depth; JPEG baseline and progressive; BMP; TIFF, of which
            the first page (see :func:`pages`).
        dpi: The resolution in dots an inch, if it is known better than by the file.

    Returns:
        The picture: ``width``, ``height``, ``channels``, ``dpi`` and ``pixels`` (``bytes``, row by row). If the file
        states no resolution, or the 72 or 96 that software writes when it does not know, ``dpi`` is that of the whole
        A4, A3, letter or legal sheet whose sides the picture has (at 100, 150, 200, 240, 300, 400 or 600), else None.

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


def register(*images: Picture, imprints: Sequence[Imprint] | None = None, dpi: float | None = None) -> Registered:
    """Register a seal from its drawing, or from imprints of it: their mean, and from three on its own elastic spread.

    Args:
        *images: The drawing, or pictures that each show one imprint, the clearest first.
        imprints: Which imprint of each picture; None: the surest that :func:`find` finds.
        dpi: The resolution in dots an inch, if the pictures do not state it: the design is kept in millimetres.

    Returns:
        A value that can be stored (``to_bytes``, ``Registered.from_bytes``) and pickled, with ``fingerprint``,
        ``shape``, ``size_mm``, ``imprints`` and ``spread_mm``; ``to_png()`` is its picture.

    Raises:
        InvalidArgument: No picture, an unknown resolution, or one of the imprints shows another seal.
        NoImprint: A picture shows none.
        InvalidImage: A picture cannot be decoded or is too large.

    Example:
        >>> from sealcore.seals.drawing import SealDesign, draw_seal
        >>> registered = register(draw_seal(SealDesign(name="北京晨光科技有限公司"), dpi=300))
        >>> [round(side) for side in registered.size_mm], registered.imprints
        ([40, 40], 1)
    """
    return register_seal(list(images), None if imprints is None else list(imprints), dpi)


def compare(
    registered: Registered,
    image: Picture,
    imprint: Imprint | None = None,
    *,
    others: Iterable[Imprint] = (),
    dpi: float | None = None,
) -> Comparison:
    """Compare the imprint on a picture with a registered seal.

    Ink that the registered seal lacks is evidence; ink that the imprint lacks is not (stamps miss ink), it only lowers
    the coverage. What print hides is not judged, nor ink that may be another imprint's; where a line or a character
    cannot be seen at all, another seal may differ in just that, and the verdict is "insufficient". A drawing's or an
    imprint's rotation, ink and pressure do not matter.

    Args:
        registered: The seal.
        image: The picture.
        imprint: Which imprint; None: the surest that :func:`find` finds, with all that it finds as ``others``.
        others: The imprints that :func:`find` found on the picture; this one may be among them.
        dpi: The resolution in dots an inch, if it is known better than by the picture; without any the size is not
            judged.

    Returns:
        ``verdict`` in words; ``decided_by``, the strongest of ``evidence`` (measure, part, value, value over limit);
        ``score``, all evidence together (from 1 on a look-alike: one beyond its limit, or several near theirs);
        ``parts`` (border, star, each character: shift, turn, growth, width, extra ink);
        ``extra``, ``displacement_rms_mm``, ``displacement_p90_mm``, ``coverage``, ``clear`` (the share of characters
        and star that nothing hides), ``angle`` (degrees counter-clockwise) and ``scale``; ``error_rates`` (how often
        the verdict errs at this coverage, as counts with intervals); ``alarms`` (signs of drawing or printing) and
        ``is_repeated(other)`` (one imprint made from the other);
        ``overlay()``, a picture as a buffer of shape (side, side, 3), and ``overlay_png()``.

    Raises:
        NoImprint: The picture shows none.
        InvalidImage: The picture cannot be decoded or is too large.

    Example:
        >>> from sealcore.seals.drawing import SealDesign, draw_seal, synthetic_scan
        >>> design = SealDesign(name="北京晨光科技有限公司", purpose="合同专用章")
        >>> registered = register(draw_seal(design, dpi=300))
        >>> scan = synthetic_scan(draw_seal(design, dpi=300), dpi=300, angle=130, seed=1, page_mm=(80, 60))
        >>> comparison = compare(registered, scan)
        >>> comparison.verdict, abs(comparison.angle - 130) < 0.5
        ('matches the registered design', True)
        >>> other = register(draw_seal(SealDesign(name="北京星辉科技有限公司", purpose="合同专用章"), dpi=300))
        >>> compare(other, scan).verdict == "matches the registered design"
        False
    """
    return compare_imprint(registered, image, imprint, list(others), dpi)


def cutout(image: Picture, imprint: Imprint) -> bytes:
    """An imprint with what stands an eighth of its size around it: what a report shows of a page.

    Args:
        image: The picture.
        imprint: Which imprint.

    Returns:
        A PNG file of the picture's own pixels.

    Raises:
        InvalidImage: The picture cannot be decoded or is too large.

    Example:
        >>> from sealcore.seals.drawing import SealDesign, draw_seal
        >>> drawing = draw_seal(SealDesign(name="北京晨光科技有限公司"), dpi=300)
        >>> decode(cutout(drawing, find(drawing)[0])).channels
        3
    """
    return cut_out(image, imprint)


class Index:
    """An append-only file of the fingerprints of registered seals, searched exactly.

    A search reads the codes of all seals (about 6 ms a million) and re-ranks the nearest by correlation. Several
    processes may search one file; one may add to it.

    Example:
        >>> import tempfile, os
        >>> from sealcore.seals.drawing import SealDesign, draw_seal, synthetic_scan
        >>> index = Index.create(os.path.join(tempfile.mkdtemp(), "seals.index"))
        >>> for name in ("北京晨光科技有限公司", "上海星辉贸易有限公司"):
        ...     _ = index.add(name, register(draw_seal(SealDesign(name=name), dpi=300)))
        >>> drawing = draw_seal(SealDesign(name="上海星辉贸易有限公司"), dpi=300)
        >>> index.search(fingerprint(synthetic_scan(drawing, angle=77, seed=3, page_mm=(80, 60))))[0].name
        '上海星辉贸易有限公司'
    """

    def __init__(self, native: SealIndex) -> None:
        self._native = native

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> Index:
        """A new, empty index file.

        Raises:
            StorageError: The file exists already or cannot be written.
        """
        return cls(_stored(path, SealIndex.create, path))

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Index:
        """An index file that exists.

        Raises:
            StorageError: The file cannot be read.
            InvalidEncoding: It is no index file of this version.
        """
        return cls(_stored(path, SealIndex.open, path))

    def __len__(self) -> int:
        """How many seals it holds."""
        return len(self._native)

    def __getitem__(self, position: int) -> tuple[str, Fingerprint]:
        """The name and the fingerprint at a position."""
        if not 0 <= position < len(self):
            raise IndexError(f"position {position}: the index holds {len(self)} seals")
        return _stored(self._native.path, self._native.get, position)

    def add(self, name: str, seal: Registered | Fingerprint) -> int:
        """Add a seal.

        Args:
            name: Up to 240 bytes of UTF-8; the same name may be added again.
            seal: The registered seal, or its fingerprint.

        Returns:
            Its position in the index.

        Raises:
            InvalidLength: The name is empty or too long.
            StorageError: Another process is adding, or the file cannot be written.
        """
        print_ = seal.fingerprint if isinstance(seal, Registered) else seal
        return _stored(self._native.path, self._native.add, name, print_)

    def sync(self) -> None:
        """Return when everything that was added is on the disk."""
        _stored(self._native.path, self._native.sync)

    def search(self, questioned: Fingerprint, *, limit: int = 10) -> list[Hit]:
        """The seals most like an imprint, best first.

        Args:
            questioned: The imprint's fingerprint.
            limit: How many at most, 1 to 1,000.

        Returns:
            Hits with ``name``, ``position``, ``score`` (the correlation, -1 to 1), ``distance`` (differing bits of
            2,048) and ``angle``. Whether the first one is the seal, :func:`compare` tells.
        """
        return _stored(self._native.path, self._native.search, questioned, limit)

    def search_many(
        self, questioned: Sequence[Fingerprint], *, limit: int = 10, threads: int | None = None
    ) -> list[list[Hit]]:
        """Many searches at once, on every core or on ``threads`` of them."""
        return _stored(self._native.path, self._native.search_many, list(questioned), limit, threads or 0)

    def __repr__(self) -> str:
        return f"Index({str(self._native.path)!r}, {len(self)} seals)"


def _stored(path: str | os.PathLike[str], act: Callable[..., _T], *arguments: object) -> _T:
    """``act``, with the path of the file in the error that it may raise."""
    try:
        return act(*arguments)
    except StorageError as error:
        message = f"{os.fspath(path)}: {error}"
        raise StorageError(message, operation=error.operation, path=os.fspath(path), errno=error.errno) from None
