"""Verifying PDFs: the verdict on what was made here, on what others made, and on what was tampered with."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pdfs import AT, LIFE, Sheet, Signer, build_pdf, contents_of, replaced, stream, text
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from sealcore.errors import (
    AlteredAfterSealing,
    InvalidArgument,
    InvalidCertificate,
    NotSealed,
    StorageError,
    UnreadableDocument,
)
from sealcore.pdf import AuthorityAttribute, Verdict, isolation, verify_pdf
from sealcore.pdf.guard import is_der

DOCUMENT = build_pdf([Sheet(text("The price is 100", 72, 700)), Sheet(text("Second page", 72, 700))])
RECORD = AuthorityAttribute("seals.example.com/2026", 41, bytes(range(32)), "sm3")


@pytest.fixture(scope="module", params=["p256", "sm2"])
def signer(request: pytest.FixtureRequest) -> Signer:
    return Signer.make(request.param)


@pytest.fixture(scope="module")
def sealed(signer: Signer) -> bytes:
    return signer.seal(DOCUMENT, authority=RECORD, reason="Agreed")


def verdict_of(pdf: bytes, signer: Signer) -> Verdict:
    return verify_pdf(pdf, roots=[signer.root], at=AT)


def edited(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """The document with an incremental update, as an attacker or an honest program would write it."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


# --- the verdict itself ---


def test_a_document_without_a_seal(signer: Signer):
    verdict = verdict_of(DOCUMENT, signer)
    assert (verdict.verdict, verdict.seals) == ("unsealed", ())
    assert (verdict.intact, verdict.valid, verdict.trusted, verdict.entire_file) == (False,) * 4
    with pytest.raises(NotSealed, match="no seal"):
        verdict.raise_for_status()


def test_a_seal_of_somebody_unknown(signer: Signer, sealed: bytes):
    for roots in ([], [Signer.make(signer.algorithm).root]):
        verdict = verify_pdf(sealed, roots=roots, at=AT)
        assert verdict.verdict == "unrecognised"
        assert (verdict.intact, verdict.valid, verdict.trusted, verdict.entire_file) == (True, True, False, True)
        with pytest.raises(InvalidCertificate, match="no chain of certificates leads to a given root"):
            verdict.raise_for_status()


def test_the_chain_may_come_from_the_verifier(signer: Signer):
    bare = signer.seal(DOCUMENT, chain=())
    assert verdict_of(bare, signer).verdict == "unrecognised"
    found = verify_pdf(bare, roots=[signer.root], intermediates=[signer.chain[0].der], at=AT)
    assert found.verdict == "authentic"
    assert verify_pdf(bare, roots=[signer.certificate], at=AT).verdict == "authentic"  # pinned


@pytest.mark.parametrize("days", [-1, 1])
def test_trust_is_asked_for_a_moment(signer: Signer, sealed: bytes, days: int):
    moment = LIFE["not_before" if days < 0 else "not_after"] + timedelta(days=days)
    verdict = verify_pdf(sealed, roots=[signer.root], at=moment)
    assert (verdict.verdict, verdict.intact, verdict.valid) == ("unrecognised", True, True)
    assert (verdict.seals[0].checked_at, verdict.seals[0].time_source) == (moment, "given")
    inside = moment - timedelta(days=2 * days)
    assert verify_pdf(sealed, roots=[signer.root], at=inside).verdict == "authentic"
    elsewhere = inside.astimezone(timezone(timedelta(hours=8)))
    assert verify_pdf(sealed, roots=[signer.root], at=elsewhere).verdict == "authentic"


def test_without_a_moment_it_is_now(signer: Signer, sealed: bytes):
    before = datetime.now(UTC)
    (seal,) = verify_pdf(sealed, roots=[signer.root]).seals
    assert before <= (seal.checked_at or before) <= datetime.now(UTC)
    assert seal.time_source == "clock"


def test_a_certificate_that_may_not_sign_documents_is_not_trusted(signer: Signer):
    own = signer.authority.issue_authority("CN=Another authority", signer.key.verifying_key, **LIFE)
    verdict = verdict_of(signer.seal(DOCUMENT, certificate=own), signer)
    assert (verdict.verdict, verdict.valid, verdict.trusted) == ("unrecognised", True, False)


@pytest.mark.parametrize(
    ("purposes", "good"),
    [
        ([], True),
        (["1.3.6.1.5.5.7.3.36"], True),  # document signing
        (["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4"], True),  # client and e-mail, as many authorities issue
        (["1.3.6.1.5.5.7.3.1"], False),  # a web server
        (["1.3.6.1.5.5.7.3.8"], False),  # a timestamp authority
    ],
)
def test_a_certificate_made_for_something_else_is_not_trusted(signer: Signer, purposes: list[str], good: bool):
    certificate = signer.authority.issue("CN=x", signer.key.verifying_key, **LIFE, extended_key_usage=purposes)
    verdict = verdict_of(signer.seal(DOCUMENT, certificate=certificate), signer)
    assert (verdict.verdict == "authentic", verdict.intact, verdict.valid, verdict.trusted) == (good, True, True, good)


def test_a_verdict_is_no_truth_value_and_frozen(signer: Signer, sealed: bytes):
    verdict = verdict_of(sealed, signer)
    with pytest.raises(TypeError):
        bool(verdict)
    with pytest.raises(FrozenInstanceError):
        verdict.verdict = "authentic"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(verdict)) == verdict  # noqa: S301


def test_a_verdict_survives_json(signer: Signer, sealed: bytes):
    for document in (sealed, DOCUMENT, replaced(sealed, sealed.index(b"price"), b"prise")):
        verdict = verdict_of(document, signer)
        assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"roots": [b"no certificate"]}, "roots"),
        ({"roots": [], "intermediates": [b"0\x03\x02\x01\x01"]}, "intermediates"),
        ({"roots": [], "at": datetime(2026, 1, 1)}, "at"),
        ({"roots": [], "timeout": -1}, "timeout"),
    ],
)
def test_arguments_that_make_no_sense(sealed: bytes, options: dict[str, object], field: str):
    with pytest.raises(InvalidArgument) as caught:
        verify_pdf(sealed, **options)  # type: ignore[arg-type]
    assert caught.value.field == field


# --- tampering ---


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
    from sealcore.pdf import AUTHORITY_OID, prepare_pdf
    from sealcore.pki import prepare_cms

    pending = prepare_pdf(DOCUMENT, certificate=signer.certificate, chain=signer.chain)
    draft = prepare_cms(
        signer.certificate, pending.digest, chain=signer.chain, attributes={AUTHORITY_OID: b"\x04\x02hi"}
    )
    object.__setattr__(pending, "_draft", draft)
    verdict = verdict_of(pending.sign(signer.key), signer)
    assert verdict.seals[0].authority is None
    assert "authority attribute" in verdict.reasons[0]


# --- files of others ---


def rows(shared_data: Path) -> list[dict[str, str]]:
    found = json.loads((shared_data / "pdf" / "rows.json").read_text())
    return [row for row in found if row["file"].endswith(".pdf")]


def test_the_attacks_are_all_rejected(shared_data: Path):
    attacks = [row["file"] for row in rows(shared_data) if row["expected"] == "REJECT"]
    assert len(attacks) == 21
    for name in attacks:
        document = (shared_data / "pdf" / name).read_bytes()
        roots = certificates_in(document)  # even when the signer is trusted
        try:
            verdict = verify_pdf(document, roots=roots)
        except UnreadableDocument:
            continue
        assert verdict.verdict == "altered", name
        with pytest.raises(AlteredAfterSealing):
            verdict.raise_for_status()


def certificates_in(document: bytes) -> list[bytes]:
    """Every certificate in the document's signatures and its security store."""
    from pyhanko.sign.validation.pdf_embedded import collect_embedded_signatures

    found = []
    try:
        reader = PdfFileReader(io.BytesIO(document), strict=False)
        for signature in collect_embedded_signatures(reader):
            found += [choice.chosen.dump() for choice in signature.signed_data["certificates"]]
        if "/DSS" in reader.root:
            found += [item.get_object().data for item in reader.root["/DSS"]["/Certs"]]
    except Exception:
        return found
    return found


LEVELS = {
    "apache-2.0/pdfcpu/testPAdES_BB.pdf": "B-B",
    "apache-2.0/pdfcpu/testPAdES_BT.pdf": "B-T",
    "apache-2.0/pdfcpu/testPAdES_BLT.pdf": "B-LT",
    "apache-2.0/pdfcpu/testPAdES_BLTA.pdf": "B-LTA",
}
PADES_TIME = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", LEVELS)
def test_pades_levels(shared_data: Path, name: str):
    row = next(row for row in rows(shared_data) if row["file"] == name)
    assert row["expected"] == "LEVEL_" + LEVELS[name].removeprefix("B-").replace("B", "B")
    document = (shared_data / "pdf" / name).read_bytes()
    verdict = verify_pdf(document, roots=[])
    assert (verdict.verdict, verdict.intact, verdict.valid, verdict.entire_file) == ("unrecognised", True, True, True)
    assert verdict.seals[0].level == LEVELS[name]
    # The security store of the B-LTA file holds the chain that all four have.
    helpers = certificates_in((shared_data / "pdf" / "apache-2.0/pdfcpu/testPAdES_BLTA.pdf").read_bytes())
    trusted = verify_pdf(document, roots=helpers, at=PADES_TIME)
    assert (trusted.verdict, trusted.reasons) == ("authentic", ())
    times = [seal.trusted_time for seal in trusted.seals]
    assert all(times) == (name != "apache-2.0/pdfcpu/testPAdES_BB.pdf")


def test_signatures_that_are_good_as_signed(shared_data: Path):
    for row in rows(shared_data):
        if row["expected"] != "OK_AS_SIGNED":
            continue
        verdict = verify_pdf((shared_data / "pdf" / row["file"]).read_bytes(), roots=[])
        assert all(seal.intact and seal.valid for seal in verdict.seals), row
        assert len(verdict.seals) == 1, row
        expected = ("unsealed", "usage rights") if "usageRights" in row["file"] else ("unrecognised", "seal")
        assert (verdict.verdict, verdict.seals[0].kind) == expected


def test_a_legacy_signature_is_listed(shared_data: Path):
    (row,) = [row for row in rows(shared_data) if row["expected"] == "LEGACY"]
    verdict = verify_pdf((shared_data / "pdf" / row["file"]).read_bytes(), roots=[])
    assert verdict.verdict == "unrecognised"
    assert verdict.unreadable[0].endswith("SubFilter adbe.x509.rsa_sha1")


# The verdict on pyHanko's own test documents that carry signatures, as its tests have them.
PYHANKO = {
    "certified-with-indirect-refs-in-dir.pdf": "unrecognised",
    "coverage-anomalies/base.pdf": "altered",
    "coverage-anomalies/one-byterange.pdf": "altered",
    "coverage-anomalies/signature-gap-too-big.pdf": "altered",
    "coverage-anomalies/tail-uncovered.pdf": "altered",
    "coverage-anomalies/weird-byterange.pdf": "altered",
    "ed448-disallowed-hash.pdf": "unrecognised",
    "ed448-shake256-nolen.pdf": "unrecognised",
    "extensions-direct.pdf": "unrecognised",
    "extensions-indirect-not-all-paths.pdf": "altered",
    "extensions-indirect.pdf": "unrecognised",
    "extensions-update-direct.pdf": "unrecognised",
    "extensions-update-indirect.pdf": "unrecognised",
    "form-update-ap-indirect-sneaky-trailer.pdf": "altered",
    "form-update-no-override-appearance-stream-ap-indirect-sneaky.pdf": "altered",
    "form-update-no-override-appearance-stream-ap-indirect.pdf": "unrecognised",
    "form-update-original-ap-type-wrong.pdf": "unrecognised",
    "form-update-override-appearance-stream-ap-indirect-sneaky.pdf": "altered",
    "form-update-override-appearance-stream-ap-indirect.pdf": "unrecognised",
    "form-update-override-appearance-stream-sneaky.pdf": "altered",
    "form-update-override-appearance-stream.pdf": "unrecognised",
    "minimal-signed-twice-both-created.pdf": "unrecognised",
    "minimal-signed-twice-no-sig-type.pdf": "unrecognised",
    "minimal-signed-twice-second-created.pdf": "unrecognised",
    "minimal-two-fields-signed-twice.pdf": "unrecognised",
    "pades-lta-dss-indirect-arrs-test-2.pdf": "unrecognised",
    "pades-lta-dss-indirect-arrs-test.pdf": "unrecognised",
    "pades-with-old-style-signing-cert-attr-issser.pdf": "unrecognised",
    "pades-with-old-style-signing-cert-attr.pdf": "unrecognised",
    "pdf-sig-with-econtent.pdf": "altered",
    "separate-annots-kids-indir.pdf": "unrecognised",
    "sig-no-signed-attrs.pdf": "unrecognised",
    "sig-with-ski-sid.pdf": "unrecognised",
}


def test_every_pdf_of_others_ends_in_a_verdict_or_one_error(shared_data: Path):
    judged = {}
    for row in rows(shared_data):
        document = (shared_data / "pdf" / row["file"]).read_bytes()
        begun = time.monotonic()
        try:
            verdict = verify_pdf(document, roots=[], timeout=20)
        except UnreadableDocument:
            continue
        finally:
            assert time.monotonic() - begun < 30
        assert verdict.verdict != "authentic"
        if verdict.seals or verdict.unreadable:
            judged[row["file"]] = verdict.verdict
    own = {name.removeprefix("mit/pyhanko/pdf/"): v for name, v in judged.items() if name.startswith("mit/")}
    assert own == PYHANKO


# --- hostile documents ---


def hostile() -> dict[str, bytes]:
    deep = b"[" * 200_000
    cycle = build_pdf(
        catalog="/AcroForm << /Fields [6 0 R] >>",
        objects=[b"<< /T (a) /FT /Sig /V 6 0 R /Kids [6 0 R] /Parent 6 0 R >>"],
    )
    bomb = build_pdf(objects=[stream(stream(bytes(1 << 26)))])
    return {
        "empty": b"",
        "text": b"Dear Sir or Madam",
        "header only": b"%PDF-1.7\n",
        "deep": b"%PDF-1.7\n1 0 obj\n" + deep,
        "deep trailer": b"%PDF-1.7\nxref\n0 1\n0000000000 65535 f \ntrailer\n" + deep + b"\nstartxref\n9\n%%EOF\n",
        "self xref": b"%PDF-1.7\nxref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 /Prev 9 >>\nstartxref\n9\n%%EOF\n",
        "cycle": cycle,
        "bomb": bomb,
        "huge number": b"%PDF-1.7\nxref\n0 " + b"9" * 10_000 + b"\nstartxref\n9\n%%EOF\n",
        "many entries": b"%PDF-1.7\nxref\n0 99999999\nstartxref\n9\n%%EOF\n",
        "null bytes": b"%PDF-1.7\n" + bytes(100_000),
    }


@pytest.mark.parametrize("name", list(hostile()))
def test_a_hostile_document_gives_a_verdict_or_one_error(name: str):
    begun = time.monotonic()
    try:
        assert verify_pdf(hostile()[name], roots=[]).verdict in {"unsealed", "altered"}
    except UnreadableDocument as error:
        text = str(error)
        assert len(text) < 400
    assert time.monotonic() - begun < 20


def test_cut_anywhere_it_is_never_authentic(signer: Signer, sealed: bytes):
    for length in range(0, len(sealed), len(sealed) // 60):
        try:
            assert verdict_of(sealed[:length], signer).verdict != "authentic"
        except UnreadableDocument:
            continue


def test_flipped_anywhere_it_is_never_authentic(signer: Signer, sealed: bytes):
    start, end = contents_of(sealed)
    for at in range(0, len(sealed), len(sealed) // 150):
        if start <= at < end:
            continue
        try:
            assert verdict_of(replaced(sealed, at, bytes([sealed[at] ^ 0x04])), signer).verdict != "authentic", at
        except UnreadableDocument:
            continue


@pytest.fixture
def reader_program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Has the children run the worker after some lines of Python; ends them afterwards."""
    pool = isolation._Pool()
    monkeypatch.setattr(isolation, "_pool", pool)

    def use(lines: str) -> None:
        def start(_: list[str], **options: Any) -> subprocess.Popen[bytes]:
            return original([sys.executable, "-c", f"import sealcore.pdf.worker as w\n{lines}\nw.main()"], **options)

        original = subprocess.Popen
        monkeypatch.setattr(isolation.subprocess, "Popen", start)

    yield use
    pool.close()


def test_a_document_that_takes_too_long_is_given_up(reader_program: Callable[[str], None]):
    reader_program("def forever(*_):\n while True: pass\nw.check = forever")
    begun = time.monotonic()
    with pytest.raises(UnreadableDocument, match="took longer than 3 seconds"):
        verify_pdf(DOCUMENT, roots=[], timeout=3)
    assert time.monotonic() - begun < 20


def test_a_reader_that_does_not_listen_is_given_up(reader_program: Callable[[str], None]):
    reader_program("import time; time.sleep(60)")
    with pytest.raises(UnreadableDocument, match="took longer than 1 seconds"):
        verify_pdf(DOCUMENT + bytes(10_000_000), roots=[], timeout=1)


def test_a_reader_that_crashes_is_an_error(reader_program: Callable[[str], None]):
    reader_program("import os\nw.check = lambda *_: os.abort()")
    with pytest.raises(UnreadableDocument, match="crash or run out of memory"):
        verify_pdf(DOCUMENT, roots=[])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_AS")
def test_a_reader_that_wants_too_much_memory_is_an_error(reader_program: Callable[[str], None]):
    reader_program("w.check = lambda *_: bytes(8 << 30)")
    with pytest.raises(UnreadableDocument, match="needs more memory"):
        verify_pdf(DOCUMENT, roots=[])


def test_what_a_library_prints_does_not_disturb(reader_program: Callable[[str], None]):
    reader_program(
        "check = w.check\ndef loud(*a):\n print('noise' * 9999, flush=True)\n return check(*a)\nw.check = loud"
    )
    assert verify_pdf(DOCUMENT, roots=[]).verdict == "unsealed"


def test_a_reader_that_died_meanwhile_is_replaced(signer: Signer, sealed: bytes):
    assert verdict_of(sealed, signer).verdict == "authentic"
    assert isolation._pool._idle
    for worker in isolation._pool._idle:
        worker._process.kill()
        worker._process.wait()
    assert verdict_of(sealed, signer).verdict == "authentic"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_after_a_fork_the_child_starts_its_own_reader(signer: Signer, sealed: bytes):
    assert verdict_of(sealed, signer).verdict == "authentic"
    program = (
        "import os, sys; from sealcore.pdf import verify_pdf\n"
        "data = sys.stdin.buffer.read()\n"
        "print(verify_pdf(data, roots=[]).verdict, flush=True)\n"
        "if os.fork() == 0:\n    print(verify_pdf(data, roots=[]).verdict, flush=True)\n"
        "else:\n    os.wait()\n    print(verify_pdf(data, roots=[]).verdict, flush=True)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], input=sealed, capture_output=True, check=True, timeout=60)
    assert run.stdout.split() == [b"unrecognised"] * 3
    assert run.stderr == b""


def test_a_document_that_is_too_large_is_not_read(signer: Signer, sealed: bytes, tmp_path: Path):
    with pytest.raises(UnreadableDocument, match="larger than 1000 bytes"):
        verify_pdf(sealed, roots=[], max_bytes=1000)
    path = tmp_path / "large.pdf"
    path.write_bytes(sealed)
    with pytest.raises(UnreadableDocument, match="larger than 1000 bytes"):
        verify_pdf(path, roots=[], max_bytes=1000)
    with pytest.raises(StorageError):
        verify_pdf(tmp_path, roots=[])


def test_many_threads_at_once(signer: Signer, sealed: bytes):
    with ThreadPoolExecutor(6) as pool:
        verdicts = list(pool.map(lambda _: verdict_of(sealed, signer).verdict, range(24)))
    assert verdicts == ["authentic"] * 24


def test_nothing_is_printed(sealed: bytes):
    program = (
        "import sys; from sealcore.pdf import verify_pdf\n"
        "data = sys.stdin.buffer.read()\n"
        "for isolated in (True, False):\n"
        "    print(verify_pdf(data, roots=[], isolated=isolated).verdict)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], input=sealed, capture_output=True, check=True)
    assert run.stdout.split() == [b"unrecognised"] * 2
    assert run.stderr == b""


def test_importing_the_room_loads_no_pdf_library():
    program = "import sys, sealcore.pdf; print({'pyhanko', 'pypdfium2', 'PIL', 'asn1crypto'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_a_missing_library_names_the_extra():
    program = (
        "import sys\n"
        "sys.modules['pypdfium2'] = None\n"
        "from sealcore.errors import MissingExtra\n"
        "try:\n    import sealcore.pdf\n"
        "except MissingExtra as error:\n    print(error.extra, error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("pdf ")
    assert 'pip install "sealcore[pdf]"' in run.stdout


@pytest.mark.parametrize(
    ("der", "good"),
    [
        ("3003020101", True),
        ("310602010102010 2".replace(" ", ""), True),
        ("310602010202010 1".replace(" ", ""), False),  # a set that is not sorted
        ("308003020101 0000".replace(" ", ""), False),  # indefinite length
        ("30810302010 1".replace(" ", ""), False),  # padded length
        ("300402020001", False),  # padded integer
        ("30040202ff80", False),
        ("300402020080", True),
        ("0101ff", True),
        ("010101", False),
        ("0500", True),
        ("050100", False),
        ("0200", False),
        ("3003020101ff", False),  # trailing
        ("3004020101", False),  # cut
        ("", False),
        ("30" * 3, False),
    ],
)
def test_strict_der(der: str, good: bool):
    assert is_der(bytes.fromhex(der)) is good


def test_der_that_nests_too_deeply():
    data = b""
    for _ in range(200):
        size = len(data)
        head = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
        data = b"\x30" + head + data
    assert not is_der(data)
