"""Verifying PDFs that others made: attacks, PAdES levels, pyHanko's own documents."""

from __future__ import annotations

import io
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from sealcore.errors import (
    AlteredAfterSealing,
    UnreadableDocument,
)
from sealcore.pdf import verify_pdf


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
