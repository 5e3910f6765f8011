"""Writes the seal's field, stamp and empty signature into a PDF, as an incremental update (runs in the worker).

pyHanko's incremental writer leaves every original byte where it was; its low-level embedder reserves the room for the
CMS. No key, certificate or signature comes here. Source: ISO 32000-2, 12.7.5.5 (signature fields), 12.8.1 (signature
dictionaries), 12.8.2.2 (DocMDP); ETSI EN 319 142-1 (SubFilter ETSI.CAdES.detached).
"""

from __future__ import annotations

import io
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from sealcore.errors import DocumentLocked, InvalidArgument, UnreadableDocument
from sealcore.pdf.geometry import Page, Placement, Rect
from sealcore.pdf.keyword import beside
from sealcore.pdf.messages import Prepared, SealRequest
from sealcore.pdf.reading import entry, open_pdf, refuse_unreadable
from sealcore.pdf.search import find
from sealcore.pdf.stamp import Picture, appearance, load_png

__all__ = ["prepare"]

_PERMISSIONS: Final = {"no-changes": MDPPerm.NO_CHANGES, "allow-signing": MDPPerm.FILL_FORMS}
_MAX_TREE_DEPTH: Final = 64


def prepare(pdf: bytes, request: SealRequest) -> Prepared:
    """Adds field, stamp and empty signature dictionary.

    Raises:
        UnreadableDocument, DocumentLocked, InvalidArgument, InvalidImage: as ``sealcore.pdf.prepare_pdf`` says.
    """
    reader = open_pdf(pdf, request.password)
    with refuse_unreadable():
        signed = _refuse_locked(reader)
        field_name = _field_name(reader, request.field_name)
        certify = None if signed else request.certify
        stamp = None
        if request.imprint is not None:
            picture = load_png(request.imprint)
            page, placement, box = _place(pdf, reader, request, picture)
            stamp = (picture, page, placement, box)
        writer = IncrementalPdfFileWriter.from_reader(reader)
        _drop_nulls(writer, stamp[2].page if stamp else 1)
        output, gap_start, gap_end = _write(writer, request, field_name, certify, stamp)
        if output[: len(pdf)] != pdf:
            raise UnreadableDocument("the document cannot be extended without changing it")
        return Prepared(output[len(pdf) :], gap_start, gap_end, stamp and stamp[2], field_name, certify)


def _drop_nulls(writer: IncrementalPdfFileWriter, number: int) -> None:
    """Takes out keys whose value is null: pyHanko's writer wants them really absent."""
    page_ref = writer.find_page_for_modification(number - 1)[0]
    page = page_ref.get_object()
    if "/Annots" in page and entry(page, "/Annots") is None:
        del page["/Annots"]
        writer.mark_update(page_ref)
    if "/AcroForm" in writer.root and entry(writer.root, "/AcroForm") is None:
        del writer.root["/AcroForm"]
        writer.update_root()


_Stamp = tuple[Picture, Page, Placement, Rect]


def _write(
    writer: IncrementalPdfFileWriter, request: SealRequest, field_name: str, certify: str | None, stamp: _Stamp | None
) -> tuple[bytes, int, int]:
    if stamp is None:
        spec = SigFieldSpec(field_name)
    else:
        spec = SigFieldSpec(field_name, on_page=stamp[2].page - 1, box=stamp[3])  # type: ignore[arg-type]
    steps = PdfCMSEmbedder(new_field_spec=spec).write_cms(field_name=field_name, writer=writer)
    field = next(steps).get_object()
    if stamp is not None:
        picture, page, placement, _ = stamp
        form = appearance(writer, picture, page, (placement.width_mm, placement.height_mm))
        field[pdf_name("/AP")] = generic.DictionaryObject({pdf_name("/N"): form})
    signature = SignatureObject(
        timestamp=request.signed_at,
        subfilter=SigSeedSubFilter.PADES,
        reason=request.reason,
        location=request.location,
        bytes_reserved=2 * request.reserve,
    )
    protection = None
    if certify is not None:
        protection = SigMDPSetup("sha256", certify=True, docmdp_perms=_PERMISSIONS[certify])
    steps.send(SigObjSetup(sig_placeholder=signature, mdp_setup=protection))
    # The embedder's digest is not used: the caller computes the one that is signed, with the core.
    gap, output = steps.send(SigIOSetup(md_algorithm="sha256", output=io.BytesIO()))
    return output.getvalue(), gap.reserved_region_start, gap.reserved_region_end


def _refuse_locked(reader: PdfFileReader) -> bool:
    """Whether the document is already signed; DocumentLocked when a signature forbids another one."""
    root = reader.root
    if "/XFA" in entry(root, "/AcroForm", {}):
        raise UnreadableDocument(
            "the document is an XFA form: what is shown is not what would be sealed; print it to PDF and seal that"
        )
    handler = reader.security_handler
    if handler is not None and handler.pdf_mac_enabled:
        raise UnreadableDocument("the document carries an encryption MAC, which a seal would break; decrypt it first")
    signed = False
    certification = entry(entry(root, "/Perms", {}), "/DocMDP")
    signatures = [] if certification is None else [("(certification)", certification, certification)]
    signatures += enumerate_sig_fields(reader, filled_status=True)
    for name, signature, field in signatures:
        signed = True
        references = entry(signature.get_object(), "/Reference", ())
        locks = [entry(reference.get_object(), "/TransformParams", {}) for reference in references]
        locks.append(entry(field.get_object(), "/Lock", {}))
        if any(entry(lock, "/P") == MDPPerm.NO_CHANGES.value for lock in locks):
            raise DocumentLocked(
                f"the signature {name!r} certifies the document against every change, also against a further seal; "
                'let the first seal be put with certify="allow-signing" when another is to follow'
            )
    return signed


def _field_name(reader: PdfFileReader, wanted: str | None) -> str:
    taken = set()
    for field in entry(entry(reader.root, "/AcroForm", {}), "/Fields", ()):
        taken.add(str(entry(field.get_object(), "/T", "")))
    if wanted is None:
        return next(name for n in range(1, len(taken) + 2) if (name := f"Seal{n}") not in taken)
    if wanted in taken:
        raise InvalidArgument(f"field_name: the document already has a field {wanted!r}", field="field_name")
    return wanted


def _place(pdf: bytes, reader: PdfFileReader, request: SealRequest, picture: Picture) -> tuple[Page, Placement, Rect]:
    """The page's geometry, the stamp's place as shown, and its rectangle in user space."""
    assert request.size_mm is not None
    width = request.size_mm[0]
    height = request.size_mm[1] or width * picture.height / picture.width
    if request.keyword is not None:
        number, word = find(pdf, request.keyword, password=request.password)
        page = _geometry(reader, number)
        shown = page.moved_inside(beside(page.shown_rect(word), (width, height), request.keyword))
    else:
        assert request.place is not None
        number = _page_number(reader, request.page)
        page = _geometry(reader, number)
        x, y = request.place
        shown = (x, y, x + width, y + height)
        page.require_inside(shown)
    return page, Placement(number, shown[0], shown[1], width, height), page.user_rect(shown)


def _page_number(reader: PdfFileReader, page: int) -> int:
    count = int(reader.root["/Pages"]["/Count"])
    number = page if page > 0 else count + 1 + page
    if not 1 <= number <= count:
        raise InvalidArgument(f"page: {page} does not exist, the document has {count}", field="page")
    return number


def _geometry(reader: PdfFileReader, number: int) -> Page:
    page = reader.find_page_for_modification(number - 1)[0].get_object()
    media = _inherited(page, "/MediaBox")
    crop = _inherited(page, "/CropBox")
    rotate = _inherited(page, "/Rotate")
    return Page.build(
        (0.0, 0.0, 612.0, 792.0) if media is None else _rect(media),
        None if crop is None else _rect(crop),
        0 if rotate is None else int(rotate),
        float(entry(page, "/UserUnit", 1)),
    )


def _inherited(page: generic.DictionaryObject, key: str) -> Any:
    node = page
    for _ in range(_MAX_TREE_DEPTH):
        value = entry(node, key)
        if value is not None:
            return value
        node = entry(node, "/Parent")
        if node is None:
            return None
    raise UnreadableDocument("the page tree is nested too deeply or runs in a circle")


def _rect(array: Any) -> Rect:
    left, bottom, right, top = (float(number.get_object()) for number in array)
    return left, bottom, right, top
