"""What pyHanko's verdict is not enough for: rules over the bytes of a signed PDF.

* The hole in the ByteRange holds the signature's own hexadecimal string and nothing else, zeros after the CMS.
* Every byte after the newest signature belongs to an update that only adds validation data, reachable from the
  cross-references (pyHanko accepts unreachable bytes there: incremental saving attack B).
* After a seal come further signatures, timestamps and validation data, nothing else: filled form fields change what is
  shown (the "replace" shadow attack), so here they count as an alteration even where the certification allows them.
* No revision after a signature has hybrid cross-references (ISO 32000-2, 7.5.8.4): old and new readers would see two
  documents. Before the first signature they are as good as any; word processors write them.
* Signed attributes are DER (RFC 5652, 5.3): two encodings of one set would let two verifiers disagree.

Source: Mladenov et al., "1 Trillion Dollar Refund" (CCS 2019) and "Shadow Attacks" (NDSS 2021); X.690, 10 and 11.6.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import read_non_whitespace
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import read_object_header
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DocInfoRule,
    DSSCompareRule,
    FormUpdatingRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    XrefStreamRule,
)

from sealcore.pdf.reading import entry

__all__ = [
    "AFTER_A_SEAL",
    "AFTER_THE_LAST",
    "gap_problems",
    "hybrid_after",
    "is_der",
    "same_information",
    "unaccounted",
]

AFTER_A_SEAL: Final = StandardDiffPolicy(
    global_rules=[
        CatalogModificationRule(),
        DocInfoRule().as_qualified(ModificationLevel.LTA_UPDATES),
        XrefStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ObjectStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        DSSCompareRule().as_qualified(ModificationLevel.LTA_UPDATES),
        MetadataUpdateRule().as_qualified(ModificationLevel.LTA_UPDATES),
    ],
    form_rule=FormUpdatingRule(
        field_rules=[SigFieldCreationRule(allow_new_visible_after_certify=True), SigFieldModificationRule()]
    ),
)
"""Further signatures and what pyHanko's default policy takes for long-term validation; no other form fields."""

AFTER_THE_LAST: Final = StandardDiffPolicy(
    global_rules=[
        CatalogModificationRule(ignored_keys={"/DSS", "/Extensions", "/Version"}),
        DocInfoRule().as_qualified(ModificationLevel.LTA_UPDATES),
        XrefStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ObjectStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        DSSCompareRule().as_qualified(ModificationLevel.LTA_UPDATES),
    ],
    form_rule=None,
)
"""What may follow unsigned: a document security store and the structure that carries it (and ``same_information``)."""

_HEX: Final = re.compile(rb"<([0-9A-Fa-f]*)>")
_FILLER: Final = re.compile(rb"(?:\s|xref|startxref\s+\d+\s+%%EOF)*")
_MAX_DEPTH: Final = 64


def gap_problems(pdf: bytes, byte_range: Sequence[int], contents: bytes) -> list[str]:
    """What is wrong with the hole that a ByteRange leaves; empty when it is as it must be.

    Args:
        pdf: the whole file.
        byte_range: start and length of the two covered parts.
        contents: the signature's /Contents as parsed.
    """
    if len(byte_range) != 4 or byte_range[0] != 0 or any(number < 0 for number in byte_range):
        return ["the ByteRange is not two parts that start at the beginning of the file"]
    _, start, end, tail = byte_range
    if not start < end or end + tail > len(pdf):
        return ["the ByteRange does not fit the file"]
    hole = _HEX.fullmatch(pdf, start, end)
    if hole is None or bytes.fromhex(hole[1].decode("ascii")) != contents:
        return ["bytes outside the ByteRange are not the signature itself"]
    size = _der_size(contents)
    if size is None or size > len(contents):
        return []  # not DER at its outermost, which is reported when it is read
    if any(contents[size:]):
        return ["there is something behind the CMS in the room for it"]
    return []


def unaccounted(reader: PdfFileReader, pdf: bytes, start: int) -> int:
    """How many bytes from ``start`` on belong to no object and no structure that the cross-references name."""
    spans = []
    for revision in range(reader.xrefs.total_revisions):
        meta = reader.xrefs.get_xref_container_info(revision)
        if meta.start_location >= start:
            if meta.stream_ref is None:
                spans.append((meta.start_location, _after_trailer(reader, pdf, meta.end_location)))
            else:
                spans.append((meta.start_location, _after_object(reader, pdf, meta.start_location)))
        for _, offset in reader.xrefs.get_xref_data(revision).standard_xrefs.values():
            if offset >= start:
                spans.append((offset, _after_object(reader, pdf, offset)))
    count, at = 0, start
    for begin, end in [*sorted(spans), (len(pdf), len(pdf))]:
        if begin > at and _FILLER.fullmatch(pdf, at, begin) is None:
            count += begin - at
        at = max(at, end)
    return count


def hybrid_after(reader: PdfFileReader, revision: int) -> bool:
    """Whether a later revision has cross-references that only some readers follow."""
    later = range(revision + 1, reader.xrefs.total_revisions)
    return any(reader.xrefs.get_xref_data(number).hybrid is not None for number in later)


def same_information(reader: PdfFileReader, revision: int) -> bool:
    """Whether title, author and so on are those of ``revision``; when and by what it was written last may differ."""
    then = reader.get_historical_resolver(revision).trailer_view
    texts = []
    for trailer in (then, reader.trailer_view):
        information = entry(trailer, "/Info", {})
        texts.append({key: str(information[key]) for key in information if key not in ("/ModDate", "/Producer")})
    return texts[0] == texts[1]


def is_der(data: bytes) -> bool:
    """Whether this is DER as far as structure goes: definite minimal lengths, sorted sets, minimal integers."""
    try:
        return _der_element(data, 0, 0) == len(data)
    except (ValueError, IndexError):
        return False


def _after_object(reader: PdfFileReader, pdf: bytes, offset: int) -> int:
    stream = io.BytesIO(pdf)
    stream.seek(offset)
    number, generation = read_object_header(stream, strict=True)
    generic.read_object(stream, generic.Reference(number, generation, reader))
    read_non_whitespace(stream, seek_back=True)
    if stream.read(6) != b"endobj":
        raise ValueError(f"the object at offset {offset} does not end")
    return stream.tell()


def _after_trailer(reader: PdfFileReader, pdf: bytes, offset: int) -> int:
    stream = io.BytesIO(pdf)
    stream.seek(offset)
    read_non_whitespace(stream, seek_back=True)
    generic.DictionaryObject.read_from_stream(stream, generic.TrailerReference(reader))
    return stream.tell()


def _der_size(data: bytes) -> int | None:
    """Header and content of the outermost element, None when its length is indefinite or cut off."""
    try:
        start, size = _der_header(data, 0)
    except (ValueError, IndexError):
        return None
    return start + size


def _der_header(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at ``at`` starts, and its size."""
    if data[at] & 0x1F == 0x1F:
        raise ValueError("long tags do not occur in CMS")
    size, at = data[at + 1], at + 2
    if size < 0x80:
        return at, size
    count = size & 0x7F
    if not 1 <= count <= 4 or data[at] == 0:
        raise ValueError("indefinite, too long or padded length")
    size = int.from_bytes(data[at : at + count], "big")
    if size < 0x80:
        raise ValueError("padded length")
    return at + count, size


def _der_element(data: bytes, at: int, depth: int) -> int:
    """Checks the element at ``at`` and what is in it; returns where it ends."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    tag = data[at]
    start, size = _der_header(data, at)
    end = start + size
    if end > len(data):
        raise ValueError("cut off")
    content = data[start:end]
    if tag & 0x20:
        parts, position = [], start
        while position < end:
            following = _der_element(data, position, depth + 1)
            parts.append(data[position:following])
            position = following
        if position != end or (tag == 0x31 and parts != sorted(parts)):
            raise ValueError("content does not fill the element, or a set is not sorted")
    elif (tag == 0x01 and content not in (b"\x00", b"\xff")) or (tag == 0x05 and content):
        raise ValueError("boolean or null")
    elif tag in (0x02, 0x0A) and (
        not content or (len(content) > 1 and content[0] in (0x00, 0xFF) and (content[0] ^ content[1]) < 0x80)
    ):
        raise ValueError("padded integer")
    return end
