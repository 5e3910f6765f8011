"""The verdict on sealed PDFs: who is trusted, when, and what the caller gets."""

from __future__ import annotations

import json
import pickle
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pdfs import (
    AT,
    DOCUMENT,
    LIFE,
    RECORD,
    Signer,
    replaced,
    verdict_of,
)

from sealcore.errors import (
    InvalidArgument,
    InvalidCertificate,
    NotSealed,
)
from sealcore.pdf import Verdict, verify_pdf


@pytest.fixture(scope="module", params=["p256", "sm2"])
def signer(request: pytest.FixtureRequest) -> Signer:
    return Signer.make(request.param)


@pytest.fixture(scope="module")
def sealed(signer: Signer) -> bytes:
    return signer.seal(DOCUMENT, authority=RECORD, reason="Agreed")


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
