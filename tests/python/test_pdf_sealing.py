"""Sealing PDFs: what comes out, what is refused, and why."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import pickle
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import require_tool
from pdfs import AT, IMPRINT, Sheet, Signer, build_pdf, contents_of, imprint_png, stream, text
from PIL import Image

from sealcore.errors import (
    DocumentLocked,
    InvalidArgument,
    InvalidEncoding,
    InvalidImage,
    InvalidLength,
    InvalidSignature,
    StorageError,
    UnreadableDocument,
)
from sealcore.hash import digest
from sealcore.pdf import AUTHORITY_OID, AuthorityAttribute, Keyword, prepare_pdf, verify_pdf
from sealcore.pki import verify_cms

TWO_PAGES = build_pdf([Sheet(text("First page", 72, 700)), Sheet(text("Second page", 72, 700))])
RECORD = AuthorityAttribute("seals.example.com/2026", 41, bytes(range(32)), "sm3")


@pytest.fixture(scope="module", params=["p256", "sm2"])
def signer(request: pytest.FixtureRequest) -> Signer:
    return Signer.make(request.param)


@pytest.fixture(scope="module")
def p256() -> Signer:
    return Signer.make("p256")


def cms_of(pdf: bytes) -> bytes:
    start, end = contents_of(pdf)
    return bytes.fromhex(pdf[start:end].decode())


def test_a_sealed_document_verifies_and_keeps_every_original_byte(signer: Signer):
    sealed = signer.seal(TWO_PAGES, authority=RECORD, reason="合同用印", location="上海")
    assert sealed.startswith(TWO_PAGES)
    verdict = verify_pdf(sealed, roots=[signer.root], at=AT)
    assert (verdict.verdict, verdict.reasons) == ("authentic", ())
    assert (verdict.intact, verdict.valid, verdict.trusted, verdict.entire_file) == (True, True, True, True)
    verdict.raise_for_status()
    (seal,) = verdict.seals
    assert (seal.level, seal.subfilter, seal.field_name) == ("B-B", "ETSI.CAdES.detached", "Seal1")
    assert (seal.algorithm, seal.digest_algorithm) == (
        signer.algorithm,
        {"p256": "sha256", "sm2": "sm3"}[signer.algorithm],
    )
    assert (seal.certified, seal.coverage, seal.changes) == ("no-changes", "entire file", "none")
    assert (seal.reason, seal.location) == ("合同用印", "上海")
    assert seal.authority == RECORD
    assert seal.certificate == signer.certificate.der
    assert "合同专用章" in seal.signer
    assert (seal.checked_at, seal.time_source) == (AT, "given")


def test_the_cms_is_the_cores_and_carries_the_authority(signer: Signer):
    pending = prepare_pdf(TWO_PAGES, certificate=signer.certificate, chain=signer.chain)
    sealed = pending.with_authority(RECORD).sign(signer.key)
    info = verify_cms(cms_of(sealed).rstrip(b"\0") + b"\0" * 0, content_digest=pending.digest)
    assert info.signer == signer.certificate
    attributes = info.signed_attributes
    assert attributes is not None
    assert attributes[AUTHORITY_OID] == (RECORD.to_der(),)
    assert "1.2.840.113549.1.9.5" not in attributes  # signingTime: PAdES has the time in /M


def test_the_digest_covers_everything_but_the_gap(signer: Signer):
    pending = prepare_pdf(TWO_PAGES, certificate=signer.certificate, chain=signer.chain)
    sealed = pending.sign(signer.key)
    start, end = contents_of(sealed)
    assert digest(sealed[: start - 1] + sealed[end + 1 :], pending.digest_algorithm) == pending.digest


def test_two_phases_with_a_key_elsewhere(signer: Signer):
    pending = prepare_pdf(TWO_PAGES, certificate=signer.certificate, chain=signer.chain)
    assert pending.authority is None
    allowed = pending.with_authority(RECORD)
    assert allowed.to_be_signed != pending.to_be_signed
    assert allowed.digest == pending.digest
    sealed = allowed.finish(signer.key.sign(allowed.to_be_signed))
    assert verify_pdf(sealed, roots=[signer.root], at=AT).seals[0].authority == RECORD
    with pytest.raises(InvalidSignature):
        allowed.finish(signer.key.sign(pending.to_be_signed))
    with pytest.raises(InvalidSignature):
        allowed.sign(Signer.make(signer.algorithm).key)


def test_openssl_verifies_a_p256_seal(p256: Signer, tmp_path: Path):
    openssl = require_tool("openssl")
    sealed = p256.seal(TWO_PAGES)
    start, end = contents_of(sealed)
    (tmp_path / "content").write_bytes(sealed[: start - 1] + sealed[end + 1 :])
    (tmp_path / "cms").write_bytes(cms_of(sealed))
    (tmp_path / "root").write_text(p256.root.to_pem())
    command = [openssl, "cms", "-verify", "-inform", "DER", "-in", "cms", "-content", "content", "-binary", "-CAfile"]
    run = subprocess.run([*command, "root", "-purpose", "any"], cwd=tmp_path, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()


def test_pdfsig_reports_a_p256_seal_as_valid_and_total(p256: Signer, tmp_path: Path):
    pdfsig = require_tool("pdfsig")
    (tmp_path / "sealed.pdf").write_bytes(p256.seal(TWO_PAGES, authority=RECORD))
    run = subprocess.run([pdfsig, "-nocert", "sealed.pdf"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Signature is Valid" in run.stdout
    assert "Total document signed" in run.stdout
    assert "ETSI.CAdES.detached" in run.stdout


def test_a_first_seal_without_changes_locks_the_document(signer: Signer):
    sealed = signer.seal(TWO_PAGES)
    with pytest.raises(DocumentLocked, match="further seal"):
        signer.seal(sealed)


@pytest.mark.parametrize("certify", ["allow-signing", None])
def test_further_seals_where_the_first_allows_them(signer: Signer, certify: str | None):
    other = Signer.make("p256", "CN=财务专用章,O=示例有限公司,C=CN")
    once = signer.seal(TWO_PAGES, certify=certify)
    twice = other.seal(once, page=2)
    assert twice.startswith(once)
    verdict = verify_pdf(twice, roots=[signer.root, other.root], at=AT)
    assert (verdict.verdict, verdict.reasons) == ("authentic", ())
    first, second = verdict.seals
    assert (first.field_name, first.coverage, first.changes) == ("Seal1", "earlier revision", "further signatures")
    assert (second.field_name, second.coverage, second.certified) == ("Seal2", "entire file", None)
    assert first.certified == certify
    assert not first.entire_file
    assert verify_pdf(twice, roots=[signer.root], at=AT).verdict == "unrecognised"


def test_an_invisible_seal(signer: Signer):
    pending = prepare_pdf(TWO_PAGES, certificate=signer.certificate, chain=signer.chain, field_name="印章")
    assert pending.placement is None
    verdict = verify_pdf(pending.sign(signer.key), roots=[signer.root], at=AT)
    assert verdict.verdict == "authentic"
    assert verdict.seals[0].field_name == "印章"


def test_a_long_chain_and_a_long_name_still_fit(signer: Signer):
    organisation = "很长的名字" * 12
    other = Signer.make(signer.algorithm, f"CN={organisation},OU={organisation},O={organisation},C=CN")
    chain = [*other.chain, *(Signer.make(signer.algorithm).root for _ in range(12))]
    record = dataclasses.replace(RECORD, origin="o" * 255, index=2**64 - 1)
    sealed = other.seal(TWO_PAGES, chain=chain, authority=record)
    verdict = verify_pdf(sealed, roots=[other.root], at=AT)
    assert verdict.verdict == "authentic"
    assert verdict.seals[0].authority == record


def test_a_reserve_that_is_too_small_is_said_before_anything_is_written(p256: Signer):
    with pytest.raises(InvalidLength) as caught:
        p256.seal(TWO_PAGES, reserve=512)
    assert (caught.value.field, caught.value.expected) == ("reserve", 512)
    assert caught.value.actual > 512


def test_a_path_is_read_and_a_missing_file_is_said(p256: Signer, tmp_path: Path):
    path = tmp_path / "contract.pdf"
    path.write_bytes(TWO_PAGES)
    pending = prepare_pdf(path, certificate=p256.certificate)
    (tmp_path / "sealed.pdf").write_bytes(pending.sign(p256.key))
    assert verify_pdf(str(tmp_path / "sealed.pdf"), roots=[p256.certificate], at=AT).verdict == "authentic"
    with pytest.raises(StorageError) as caught:
        prepare_pdf(tmp_path / "none.pdf", certificate=p256.certificate)
    assert caught.value.path == str(tmp_path / "none.pdf")


def test_in_this_process_too(p256: Signer):
    sealed = p256.seal(TWO_PAGES, isolated=False)
    assert verify_pdf(sealed, roots=[p256.root], at=AT, isolated=False).verdict == "authentic"
    with pytest.raises(UnreadableDocument):
        p256.seal(b"%PDF-1.7\nnothing", isolated=False)


def test_the_claimed_time_is_what_was_given(p256: Signer):
    moment = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    (seal,) = verify_pdf(p256.seal(TWO_PAGES, signed_at=moment), roots=[p256.root]).seals
    assert (seal.claimed_time, seal.trusted_time, seal.time_source) == (moment, None, "clock")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"page": 0}, "page"),
        ({"page": 3}, "page"),
        ({"page": -3}, "page"),
        ({"page": True}, "page"),
        ({"place": (180.0, 20.0)}, "place"),
        ({"place": (-1.0, 20.0)}, "place"),
        ({"place": (20.0, 270.0)}, "place"),
        ({"place": (float("nan"), 1.0)}, "place"),
        ({"place": None}, "place"),
        ({"place": (1.0, 1.0), "keyword": "page"}, "place"),
        ({"imprint": None, "place": (1.0, 1.0), "size_mm": None}, "place"),
        ({"imprint": None, "size_mm": 38.0}, "size_mm"),
        ({"size_mm": None}, "size_mm"),
        ({"size_mm": 0.5}, "size_mm"),
        ({"size_mm": (38.0, 501.0)}, "size_mm"),
        ({"size_mm": float("inf")}, "size_mm"),
        ({"keyword": "absent", "place": None}, "keyword"),
        ({"keyword": Keyword("First", occurrence=2), "place": None}, "keyword"),
        ({"keyword": Keyword("First", page=2), "place": None}, "keyword"),
        ({"keyword": Keyword("First", page=9), "place": None}, "page"),
        ({"keyword": "page", "place": None, "size_mm": 250.0}, "size_mm"),
        ({"field_name": "a.b"}, "field_name"),
        ({"field_name": ""}, "field_name"),
        ({"field_name": "tab\t"}, "field_name"),
        ({"certify": "everything"}, "certify"),
        ({"signed_at": datetime(2026, 1, 1)}, "signed_at"),
        ({"reason": "two\nlines"}, "reason"),
        ({"location": "x" * 1001}, "location"),
        ({"timeout": 0.0}, "timeout"),
        ({"reserve": 1}, "reserve"),
    ],
)
def test_an_argument_outside_its_domain_is_named(p256: Signer, options: dict[str, object], field: str):
    with pytest.raises(InvalidArgument) as caught:
        p256.seal(TWO_PAGES, **options)
    assert caught.value.field == field
    assert str(caught.value).startswith(("keyword:", f"{field}:"))


@pytest.mark.parametrize(
    "options",
    [{"text": " "}, {"text": "x" * 201}, {"page": 0}, {"occurrence": 0}, {"side": "inside"}, {"gap_mm": -1}],
)
def test_a_keyword_that_makes_no_sense(options: dict[str, object]):
    with pytest.raises(InvalidArgument):
        Keyword(**{"text": "盖章", **options})  # type: ignore[arg-type]


def test_a_field_name_that_is_taken(p256: Signer):
    once = p256.seal(TWO_PAGES, certify=None, field_name="A")
    with pytest.raises(InvalidArgument, match="'A'"):
        p256.seal(once, field_name="A")


def opaque_png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (10, 10), "red").save(out, "PNG")
    return out.getvalue()


def empty_png() -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(out, "PNG")
    return out.getvalue()


def bomb_png() -> bytes:
    """A header that promises 40000 x 40000 pixels."""
    png = bytearray(imprint_png(4, 4))
    png[16:24] = (40000).to_bytes(4, "big") * 2
    import zlib

    png[29:33] = zlib.crc32(bytes(png[12:29])).to_bytes(4, "big")
    return bytes(png)


@pytest.mark.parametrize(
    "picture",
    [b"", b"GIF89a", IMPRINT[:200], IMPRINT[:60] + b"\0" * 40, opaque_png(), empty_png(), bomb_png()],
    ids=["empty", "gif", "cut", "damaged", "opaque", "transparent", "bomb"],
)
def test_an_imprint_that_cannot_be_used(p256: Signer, picture: bytes):
    with pytest.raises(InvalidImage, match="imprint: "):
        p256.seal(TWO_PAGES, imprint=picture)


def encrypted(user: str, *, mac: bool = False) -> bytes:
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.pdf_utils.writer import copy_into_new_writer

    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(TWO_PAGES)))
    writer.encrypt(owner_pass="owner", user_pass=user, pdf_mac=mac)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_an_encrypted_document_is_sealed_with_its_password(signer: Signer):
    locked = encrypted("secret")
    with pytest.raises(UnreadableDocument, match="encrypted; give its password"):
        signer.seal(locked)
    with pytest.raises(UnreadableDocument, match="this password does not open it"):
        signer.seal(locked, password="wrong")
    sealed = signer.seal(locked, password="secret")
    assert sealed.startswith(locked)
    assert verify_pdf(sealed, roots=[signer.root], at=AT, password="secret").verdict == "authentic"
    with pytest.raises(UnreadableDocument, match="password"):
        verify_pdf(sealed, roots=[signer.root], at=AT)


def test_a_document_that_opens_without_password_needs_none(p256: Signer):
    sealed = p256.seal(encrypted(""), keyword="First", place=None)
    assert verify_pdf(sealed, roots=[p256.root], at=AT).verdict == "authentic"


def test_an_encrypted_document_of_others(p256: Signer, shared_data: Path):
    locked = (shared_data / "pdf/mit/pyhanko/pdf/minimal-with-field-rc4.pdf").read_bytes()
    sealed = p256.seal(locked, password="ownersecret", size_mm=20.0)
    assert verify_pdf(sealed, roots=[p256.root], at=AT, password="usersecret").verdict == "authentic"


def test_a_document_with_an_encryption_mac_is_refused(p256: Signer):
    with pytest.raises(UnreadableDocument, match="MAC"):
        p256.seal(encrypted("secret", mac=True), password="secret")


def test_an_xfa_form_is_refused(p256: Signer):
    form = build_pdf(catalog="/AcroForm << /Fields [] /XFA 6 0 R >>", objects=[stream(b"<xdp/>")])
    with pytest.raises(UnreadableDocument, match="XFA"):
        p256.seal(form)


@pytest.mark.parametrize(
    ("catalog", "extra"),
    [
        ("/AcroForm null", ""),
        ("", "/Annots null"),
        ("/AcroForm << /Fields [] >>", "/Annots []"),
        ("/AcroForm 6 0 R", "/Annots 7 0 R"),
    ],
)
def test_empty_forms_and_annotations_of_every_writing(p256: Signer, catalog: str, extra: str):
    pdf = build_pdf([Sheet(extra=extra)], catalog=catalog, objects=[b"<< /Fields [] >>", b"[]"])
    assert verify_pdf(p256.seal(pdf), roots=[p256.root], at=AT).verdict == "authentic"


def test_a_page_tree_that_runs_in_a_circle_is_refused(p256: Signer):
    pdf = build_pdf().replace(b"/Parent 2 0 R /MediaBox [0 0 595.276 841.89]", b"/Parent 6 0 R")
    pdf = pdf.replace(b"/Type /Page ", b"/Type /Page   ")
    with pytest.raises(UnreadableDocument):
        p256.seal(pdf)


def test_the_authority_attribute_has_one_encoding():
    der = RECORD.to_der()
    assert AuthorityAttribute.from_der(der) == RECORD
    assert pickle.loads(pickle.dumps(RECORD)) == RECORD  # noqa: S301
    assert hashlib.sha256(der).hexdigest() == FROZEN
    for index in range(len(der)):
        for bit in (0x01, 0x80):
            changed = der[:index] + bytes([der[index] ^ bit]) + der[index + 1 :]
            try:
                assert AuthorityAttribute.from_der(changed).to_der() == changed
            except InvalidEncoding as error:
                assert error.field == "authority attribute"  # noqa: PT017
    for cut in range(len(der)):
        with pytest.raises(InvalidEncoding):
            AuthorityAttribute.from_der(der[:cut])
    with pytest.raises(InvalidEncoding):
        AuthorityAttribute.from_der(der + b"\0")


FROZEN = "94a9cf80062583ee00724045df3f42cb54b93cbc654cfd49884cdb30f766ee0f"


@pytest.mark.parametrize(
    "values",
    [
        {"origin": ""},
        {"origin": "x" * 256},
        {"origin": "\ud800"},
        {"index": -1},
        {"index": 2**64},
        {"index": True},
        {"statement": bytes(31)},
        {"hash_algorithm": "md5"},
    ],
)
def test_an_authority_attribute_outside_its_bounds(values: dict[str, object]):
    with pytest.raises((InvalidArgument, InvalidLength)):
        dataclasses.replace(RECORD, **values)


# The well-formed PDFs of the collection that cannot be sealed, and what the error says. Every other one is sealed.
REFUSED = {
    "apache-2.0/pdfcpu/sample1.pdf": "certifies the document against every change",
    "apache-2.0/pdfcpu/sample2.pdf": "certifies the document against every change",
    "apache-2.0/pdfcpu/usageRights.pdf": "XFA form",
    "apache-2.0/rub-usf/usf_04_No_Contents_Value.pdf": "the document is damaged: Failed to read dictionary key",
    "mit/pyhanko/pdf/certified-with-indirect-refs-in-dir.pdf": "certifies the document against every change",
    "mit/pyhanko/pdf/embedded-encrypted-nocf.pdf": "the document is encrypted; give its password",
    "mit/pyhanko/pdf/form-tree-circular-ref-input.pdf": "the document is damaged: Circular reference in form tree",
    "mit/pyhanko/pdf/minimal-annotless.pdf": "the document is damaged: Expected object ID (3 0) does not match",
}


def opens_everywhere(path: Path) -> bool:
    """Well-formed: PDFium, poppler and strict pyHanko read it, and it opens without a password."""
    import pypdfium2
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        with pypdfium2.PdfDocument(path) as document:
            assert len(document) > 0
        reader = PdfFileReader(io.BytesIO(path.read_bytes()))
        assert reader.root["/Pages"]["/Count"] > 0
    except Exception:
        return False
    return subprocess.run([require_tool("pdfinfo"), str(path)], capture_output=True, check=False).returncode == 0


def test_every_well_formed_pdf_of_others_is_sealed_or_refused_with_a_reason(p256: Signer, shared_data: Path):
    folder = shared_data / "pdf"
    refused: dict[str, str] = {}
    sealed = well_formed = 0
    for row in json.loads((folder / "rows.json").read_text()):
        path = folder / row["file"]
        if path.suffix != ".pdf":
            continue
        document = path.read_bytes()
        well_formed += (regular := opens_everywhere(path))
        try:
            result = p256.seal(document, size_mm=10.0, place=(5.0, 5.0), page=1)
        except (UnreadableDocument, DocumentLocked) as error:
            if regular:
                refused[row["file"]] = str(error)
            continue
        sealed += 1
        assert result.startswith(document), path
        newest = verify_pdf(result, roots=[p256.root], at=AT).seals[-1]
        assert newest.certificate == p256.certificate.der, path
        assert (newest.intact, newest.valid, newest.trusted, newest.entire_file) == (True,) * 4, path
    assert refused.keys() == REFUSED.keys(), refused
    for name, reason in REFUSED.items():
        assert reason in refused[name]
    assert (well_formed, sealed) == (111, 104)
