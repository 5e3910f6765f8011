"""The imprint as a PDF picture: colour plane and transparency plane, compressed once, placed at its true size.

It is painted with the blend mode Multiply, as ink on paper is: black text under the seal stays black. Source: ISO
32000-2, 8.9.5 (image XObjects), 11.3.5 and 11.6.5.2 (blend modes, soft masks), 12.5.5 (appearance streams). It does
*not* judge or change the imprint.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PIL import Image
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from sealcore.errors import InvalidImage
from sealcore.pdf.geometry import Page

__all__ = ["MAX_PIXELS", "Picture", "appearance", "load_png"]

MAX_PIXELS: Final = 25_000_000
"""An imprint of 100 mm at 1200 dpi has 22 million pixels."""

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

_MULTIPLY: Final = generic.DictionaryObject({pdf_name("/BM"): pdf_name("/Multiply")})


@dataclass(frozen=True)
class Picture:
    """A decoded imprint: width and height in pixels, RGB and alpha rows, each compressed with zlib."""

    width: int
    height: int
    colour: bytes
    alpha: bytes


@lru_cache(maxsize=16)
def load_png(png: bytes) -> Picture:
    """Decodes an imprint.

    Raises:
        InvalidImage: not a PNG, damaged, too large, without transparency (it would hide the text), or all transparent.
    """
    if not png.startswith(_PNG_SIGNATURE):
        raise InvalidImage("imprint: not a PNG picture; give the imprint as PNG with transparency")
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as opened:
            width, height = opened.size
            if width * height > MAX_PIXELS:
                raise InvalidImage(f"imprint: {width} x {height} pixels, at most {MAX_PIXELS} in all are allowed")
            rgba = opened.convert("RGBA")
    except InvalidImage:
        raise
    except Exception as error:  # Pillow raises SyntaxError, OSError, ValueError, struct.error, ... on damaged files
        raise InvalidImage(f"imprint: the PNG cannot be decoded ({type(error).__name__})") from None
    alpha = rgba.getchannel("A")
    lowest, highest = alpha.getextrema()
    if lowest == 255:
        raise InvalidImage("imprint: the picture has no transparency and would hide the text; give RGBA")
    if highest == 0:
        raise InvalidImage("imprint: the picture is transparent everywhere")
    return Picture(width, height, zlib.compress(rgba.convert("RGB").tobytes(), 6), zlib.compress(alpha.tobytes(), 6))


def appearance(
    writer: BasePdfFileWriter, picture: Picture, page: Page, size_mm: tuple[float, float]
) -> generic.IndirectObject:
    """Adds the appearance stream of a seal to the file: the picture, ``size_mm`` wide and high, upright on ``page``.

    Returns:
        The reference to the form XObject; its bounding box times its matrix has the size of the annotation's /Rect.
    """
    mask = _image(picture, picture.alpha, "/DeviceGray")
    image = _image(picture, picture.colour, "/DeviceRGB")
    image[pdf_name("/SMask")] = writer.add_object(mask)
    width, height = (page.to_units(mm) for mm in size_mm)
    form = generic.StreamObject(
        {
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Form"),
            pdf_name("/BBox"): generic.ArrayObject(map(_number, (0, 0, width, height))),
            pdf_name("/Matrix"): generic.ArrayObject(map(_number, page.upright())),
            pdf_name("/Resources"): generic.DictionaryObject(
                {
                    pdf_name("/XObject"): generic.DictionaryObject({pdf_name("/Imprint"): writer.add_object(image)}),
                    pdf_name("/ExtGState"): generic.DictionaryObject({pdf_name("/Ink"): _MULTIPLY}),
                }
            ),
        },
        stream_data=f"q /Ink gs {width:.4f} 0 0 {height:.4f} 0 0 cm /Imprint Do Q".encode("ascii"),
    )
    return writer.add_object(form)


def _image(picture: Picture, data: bytes, colours: str) -> generic.StreamObject:
    return generic.StreamObject(
        {
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Image"),
            pdf_name("/Width"): generic.NumberObject(picture.width),
            pdf_name("/Height"): generic.NumberObject(picture.height),
            pdf_name("/ColorSpace"): pdf_name(colours),
            pdf_name("/BitsPerComponent"): generic.NumberObject(8),
            pdf_name("/Filter"): pdf_name("/FlateDecode"),
        },
        encoded_data=data,
    )


def _number(value: float) -> generic.PdfObject:
    return generic.FloatObject(f"{value:.4f}")
