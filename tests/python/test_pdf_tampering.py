"""Tampering with sealed PDFs: every region, every kind of update."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from pdfs import (
    AT,
    DOCUMENT,
    RECORD,
    Sheet,
    Signer,
    build_pdf,
    contents_of,
    edited,
    replaced,
    stream,
    text,
    verdict_of,
)
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from sealcore.errors import (
    AlteredAfterSealing,
    UnreadableDocument,
)
from sealcore.pdf import AUTHORITY_OID, prepare_pdf, verify_pdf
from sealcore.pki import prepare_cms
from sealcore.sign import signature_to_der


@pytest.fixture(scope="module", params=["p256", "sm2"])
def signer(request: pytest.FixtureRequest) -> Signer:
    return Signer.make(request.param)


@pytest.fixture(scope="module")
def sealed(signer: Signer) -> bytes:
    return signer.seal(DOCUMENT, authority=RECORD, reason="Agreed")


def tampered(sealed: bytes) -> dict[str, bytes]:
    """One change in each region of a sealed file."""
    update = len(DOCUMENT)
    start, end = contents_of(sealed)
    flip = {48: b"1", 49: b"0"}
    picture = sealed.index(b"stream", sealed.index(b"/DeviceRGB", update)) + 20
    byte_range = sealed.rindex(b"/ByteRange [") + len(b"/ByteRange [")
    numbers = sealed[byte_range : sealed.index(b"]", byte_range)].split()
    value = start + len(sealed[start:end].rstrip(b"0")) - 20  # in the signature value, which ends the CMS
    return {
        "content": replaced(sealed, sealed.index(b"100"), b"900"),
        "header": replaced(sealed, 5, b"1.4"),
        "stamp": replaced(sealed, picture, bytes([sealed[picture] ^ 1])),
        "stamp place": sealed.replace(b"/Rect [ 56", b"/Rect [ 57", 1),
        "reason": sealed.replace(b"(Agreed)", b"(Agrees)"),
        "certification": sealed.replace(b"/P 1", b"/P 2"),
        "root of the update": sealed.replace(b"/Type /Catalog", b"/Type /Katalog"),
        "cms": replaced(sealed, value, flip.get(sealed[value], b"0")),
        "cms all zero": replaced(sealed, start, b"0" * (end - start)),
        "cms outer length": replaced(sealed, start + 4, b"00"),
        "behind the cms": replaced(sealed, end - 2, b"01"),
        "white space in the gap": replaced(sealed, end - 2, b"  "),
        "last range shorter": replaced(
            sealed, byte_range, b" ".join([*numbers[:3], b"%0*d" % (len(numbers[3]), int(numbers[3]) - 1)])
        ),
        "gap moved": replaced(
            sealed,
            byte_range,
            b" ".join([numbers[0], b"%d" % (int(numbers[1]) - 1), b"%d" % (int(numbers[2]) - 1), numbers[3]]),
        ),
        "range does not start at 0": replaced(sealed, byte_range, b"1"),
        "trailing bytes": sealed + b"\n%secret",
        "trailing newline": sealed + b"\n",
        "cut": sealed[:-1],
        "unreachable object": sealed + b"\n99 0 obj\n(hidden)\nendobj\n" + sealed[sealed.rindex(b"startxref") :],
    }


TAMPERINGS = [
    *("content", "header", "stamp", "stamp place", "reason", "certification", "root of the update", "cms"),
    *("cms all zero", "cms outer length", "behind the cms", "white space in the gap", "last range shorter"),
    *("gap moved", "range does not start at 0", "trailing bytes", "trailing newline", "cut", "unreachable object"),
]


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampering_with_any_region_is_found(signer: Signer, sealed: bytes, how: str):
    changed = tampered(sealed)[how]
    assert changed != sealed
    try:
        verdict = verdict_of(changed, signer)
    except UnreadableDocument as error:
        assert how in {"root of the update", "cut", "trailing bytes"}, error  # noqa: PT017
        return
    assert verdict.verdict == "altered", verdict.reasons
    assert verdict.reasons
    with pytest.raises(AlteredAfterSealing):
        verdict.raise_for_status()
    if how in {"content", "header", "stamp", "stamp place", "reason", "certification"}:
        assert (verdict.intact, verdict.valid) == (False, True)
        assert "the digest does not fit" in verdict.reasons[0]


def test_every_region_is_tampered_with(sealed: bytes):
    assert list(tampered(sealed)) == TAMPERINGS


def test_every_hex_digit_of_the_cms_counts(sealed: bytes, signer: Signer):
    """Certificates beside the signer's are not signed: a change there may at most cost trust."""
    start, end = contents_of(sealed)
    used = len(sealed[start:end].rstrip(b"0"))
    for position in range(0, used, 97):
        digit = sealed[start + position]
        changed = replaced(sealed, start + position, b"1" if digit != 0x31 else b"2")
        assert verdict_of(changed, signer).verdict in {"altered", "unrecognised"}, position


def add_annotation(writer: IncrementalPdfFileWriter) -> None:
    note = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/FreeText"),
            generic.pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (70, 690, 300, 720))),
            generic.pdf_name("/Contents"): generic.pdf_string("The price is 900"),
        }
    )
    page = writer.find_page_for_modification(0)[0]
    writer.register_annotation(page, writer.add_object(note))


def change_title(writer: IncrementalPdfFileWriter) -> None:
    writer.set_info(generic.DictionaryObject({generic.pdf_name("/Title"): generic.pdf_string("Another")}))


def change_page(writer: IncrementalPdfFileWriter) -> None:
    content = generic.StreamObject(stream_data=b"BT /F1 12 Tf 1 0 0 1 72 700 Tm (The price is 900) Tj ET")
    writer.find_page_for_modification(0)[0].get_object()["/Contents"] = writer.add_object(content)
    writer.mark_update(writer.find_page_for_modification(0)[0])


def add_blank_signature_field(writer: IncrementalPdfFileWriter) -> None:
    """A field that nobody signed, with an appearance over the text."""
    from pyhanko.sign.fields import SigFieldSpec, append_signature_field

    append_signature_field(writer, SigFieldSpec("Cover", box=(70, 690, 300, 720), empty_field_appearance=True))


def test_usage_rights_do_not_answer_for_bytes(signer: Signer):
    """Whoever signs an update as Adobe's usage rights does not make it part of what was sealed."""

    def rights(writer: IncrementalPdfFileWriter) -> None:
        change_page(writer)
        name = generic.pdf_name
        writer.root["/Perms"] = generic.DictionaryObject({name("/UR3"): generic.IndirectObject(25, 0, writer)})
        writer.update_root()

    twice = Signer.make("p256").seal(edited(signer.seal(DOCUMENT, certify=None), rights), certify=None)
    assert not any("covered by none" in reason for reason in verdict_of(twice, signer).reasons)
    hidden = twice.replace(b"/Fields [ 12 0 R 21 0 R ]", b"/Fields [ 12 0 R ]       ")
    assert hidden != twice
    verdict = verdict_of(hidden, signer)
    assert [seal.kind for seal in verdict.seals] == ["seal", "usage rights"]
    assert verdict.seals[1].entire_file
    assert (verdict.verdict, verdict.entire_file) == ("altered", False)
    assert any("covered by none" in reason for reason in verdict.reasons)


@pytest.mark.parametrize("certify", ["no-changes", "allow-signing", None])
@pytest.mark.parametrize("change", [add_annotation, change_title, change_page, add_blank_signature_field])
def test_an_update_after_the_seal_is_an_alteration(
    signer: Signer, certify: str | None, change: Callable[[IncrementalPdfFileWriter], None]
):
    changed = edited(signer.seal(DOCUMENT, certify=certify), change)
    verdict = verdict_of(changed, signer)
    assert verdict.verdict == "altered", verdict.reasons
    assert (verdict.intact, verdict.valid, verdict.entire_file) == (True, True, False)
    assert verdict.seals[0].coverage == "earlier revision"


def test_filling_a_form_after_a_seal_that_allows_signing_is_an_alteration(signer: Signer):
    """The "replace" shadow attack: DocMDP P=2 permits it, but it changes what is shown."""
    widget = (
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (price) /V (100) /Rect [72 600 200 620] /F 4"
        b" /AP << /N 7 0 R >> >>"
    )
    shown = stream(b"BT /F1 12 Tf 2 4 Td (100) Tj ET", "/Type /XObject /Subtype /Form /BBox [0 0 128 20]")
    form = build_pdf(
        [Sheet(extra="/Annots [6 0 R]")], catalog="/AcroForm << /Fields [6 0 R] >>", objects=[widget, shown]
    )
    sealed = signer.seal(form, certify="allow-signing")
    assert verdict_of(sealed, signer).verdict == "authentic"

    def fill(writer: IncrementalPdfFileWriter) -> None:
        field = writer.root["/AcroForm"]["/Fields"][0]
        field["/V"] = generic.pdf_string("900")
        writer.update_container(field)

    filled = edited(sealed, fill)
    verdict = verdict_of(filled, signer)
    assert (verdict.verdict, verdict.seals[0].changes) == ("altered", "other")
    again = verdict_of(signer.seal(filled, page=1), signer)
    assert again.verdict == "altered"  # a later seal does not heal the earlier one
    assert [seal.changes for seal in again.seals] == ["other", "none"]


def hybrid_update(sealed: bytes, number: int, body: bytes) -> bytes:
    """Replaces object ``number`` by way of a cross-reference stream that only newer readers look at."""
    old = sealed[sealed.rindex(b"startxref") :].split()[1]
    size = int(sealed[sealed.rindex(b"/Size ") + 6 :].split()[0])
    at = len(sealed)
    new = b"%d 0 obj\n%s\nendobj\n" % (number, body)
    entry = b"\x01" + at.to_bytes(4, "big") + b"\0"
    table = b"%d 0 obj\n<< /Type /XRef /Size %d /W [1 4 1] /Index [%d 1] /Length %d >>\nstream\n%s\nendstream\nendobj\n"
    new += table % (size, size + 1, number, len(entry), entry)
    hybrid = at + new.index(b"/Type /XRef") - len(b"%d 0 obj\n<< " % size)
    main = at + len(new)
    new += b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size %d /Root 1 0 R /Prev %s /XRefStm %d >>\n" % (
        size + 1,
        old,
        hybrid,
    )
    return sealed + new + b"startxref\n%d\n%%%%EOF\n" % main


@pytest.mark.parametrize("certify", ["allow-signing", None])
def test_an_update_that_only_some_readers_see_is_an_alteration(signer: Signer, certify: str | None):
    sealed = signer.seal(DOCUMENT, certify=certify)
    number = 7  # the first page's content
    changed = hybrid_update(sealed, number, stream(text("The price is 900", 72, 700)))
    verdict = verdict_of(changed, signer)
    assert (verdict.verdict, verdict.entire_file) == ("altered", False)
    assert any("readers" in reason for reason in verdict.reasons)
    # Signed once more by somebody who is trusted, the first seal still says so.
    again = verdict_of(signer.seal(changed), signer)
    assert (again.verdict, [seal.changes for seal in again.seals]) == ("altered", ["other", "none"])


def with_security_store(sealed: bytes, signer: Signer) -> bytes:
    """Validation data added after the seal, unsigned, as PAdES B-LT has it."""
    from asn1crypto import x509
    from pyhanko.sign.validation.dss import DocumentSecurityStore

    out = io.BytesIO(sealed)
    DocumentSecurityStore.add_dss(out, None, certs=[x509.Certificate.load(link.der) for link in signer.chain])
    assert out.getvalue().startswith(sealed)
    return out.getvalue()


def test_validation_data_may_follow_unsigned(signer: Signer):
    verdict = verdict_of(with_security_store(signer.seal(DOCUMENT, certify="allow-signing"), signer), signer)
    assert (verdict.verdict, verdict.reasons) == ("authentic", ())
    (seal,) = verdict.seals
    assert (seal.coverage, seal.changes, seal.entire_file) == ("earlier revision", "validation data", False)
    assert verdict.entire_file


def test_after_a_seal_without_changes_not_even_validation_data_may_follow(signer: Signer):
    verdict = verdict_of(with_security_store(signer.seal(DOCUMENT), signer), signer)
    assert verdict.verdict == "altered"
    assert "allows no change" in verdict.reasons[0]


def test_what_hides_in_an_update_with_validation_data_is_found(signer: Signer):
    stored = with_security_store(signer.seal(DOCUMENT, certify=None), signer)
    at, start = stored.rindex(b"xref\n0 "), stored.rindex(b"startxref\n")
    hidden = b"99 0 obj\n(hidden)\nendobj\n"
    moved = b"startxref\n%d\n%%%%EOF\n" % (at + len(hidden))
    verdict = verdict_of(stored[:at] + hidden + stored[at:start] + moved, signer)
    assert (verdict.verdict, verdict.entire_file) == ("altered", False)
    assert "belong to nothing in the document" in verdict.reasons[0]


def test_signed_attributes_that_are_not_der(signer: Signer):
    """In another order they verify as they stand, but the standard signs the sorted set: verifiers would disagree."""
    pending = prepare_pdf(DOCUMENT, certificate=signer.certificate, chain=signer.chain)
    assert pending.to_be_signed[:2] in {b"\x31\x81", b"\x31\x82"}
    head = 3 if pending.to_be_signed[1] == 0x81 else 4
    content, attributes = pending.to_be_signed[head:], []
    while content:
        size = (
            content[1] + 2
            if content[1] < 0x80
            else int.from_bytes(content[2 : content[1] - 0x7E], "big") + (content[1] - 0x7E)
        )
        attributes.append(content[:size])
        content = content[size:]
    turned = pending.to_be_signed[:head] + b"".join(reversed(attributes))
    assert turned != pending.to_be_signed
    original = signer.key.sign(pending.to_be_signed)
    other = signer.key.sign(turned)
    while len(signature_to_der(other)) != len(signature_to_der(original)):
        other = signer.key.sign(turned)
    sealed = pending.finish(original)
    for old, new in (
        (pending.to_be_signed[head:], turned[head:]),
        (signature_to_der(original), signature_to_der(other)),
    ):
        assert sealed.count(old.hex().encode()) == 1
        sealed = sealed.replace(old.hex().encode(), new.hex().encode())
    verdict = verdict_of(sealed, signer)
    assert (verdict.verdict, verdict.intact, verdict.valid) == ("altered", True, False)
    assert verdict.reasons == ("Seal1: the signed attributes are not DER",)


def test_one_bad_seal_spoils_two(signer: Signer):
    other = Signer.make("p256")
    once = signer.seal(DOCUMENT, certify=None)
    twice = other.seal(replaced(once, once.index(b"100"), b"900"))
    verdict = verify_pdf(twice, roots=[signer.root, other.root], at=AT)
    assert verdict.verdict == "altered"
    assert [seal.intact for seal in verdict.seals] == [False, True]
    assert verdict.seals[1].trusted


def test_a_signature_of_unknown_kind_is_listed_and_never_a_pass(signer: Signer, sealed: bytes):
    strange = sealed.replace(b"/ETSI.CAdES.detached", b"/GM.sm2cms.detached ", 1)
    verdict = verdict_of(strange, signer)
    assert (verdict.verdict, verdict.seals) == ("unrecognised", ())
    assert verdict.unreadable == ("Seal1: a signature that cannot be read: SubFilter GM.sm2cms.detached",)
    with pytest.raises(UnreadableDocument, match="SubFilter GM"):
        verdict.raise_for_status()


def test_not_every_authority_attribute_can_be_read(signer: Signer):
    pending = prepare_pdf(DOCUMENT, certificate=signer.certificate, chain=signer.chain)
    draft = prepare_cms(
        signer.certificate, pending.digest, chain=signer.chain, attributes={AUTHORITY_OID: b"\x04\x02hi"}
    )
    object.__setattr__(pending, "_draft", draft)
    verdict = verdict_of(pending.sign(signer.key), signer)
    assert verdict.seals[0].authority is None
    assert "authority attribute" in verdict.reasons[0]
