"""The three facts about one signature that are matters of cryptography: intact, valid, trusted.

Done by pyHanko's CMS and path validation, with sealcore's validator for SM2, against explicit roots at an explicit
time. It does *not* look at the file around the signature: that is ``checking.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, Literal

from asn1crypto import cms, core, x509
from cryptography.exceptions import UnsupportedAlgorithm
from pyhanko.sign.general import (
    CMSExtractionError,
    NonexistentAttributeError,
    extract_certificate_info,
    extract_signer_info,
    find_unique_cms_attribute,
)
from pyhanko.sign.validation.generic_cms import (
    cms_basic_validation,
    extract_tst_data_iter,
    get_signing_cert_attr,
    message_imprint_checker,
    validate_tst_signed_data,
)
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import AlgorithmNotSupported

from sealcore.errors import InvalidArgument
from sealcore.pdf.messages import CheckRequest
from sealcore.pdf.sm2 import Sm2SignatureValidator, is_sm2_key
from sealcore.pki import DOCUMENT_SIGNING

__all__ = ["Facts", "Trust", "UnsupportedSignatureError"]

_SIGNING = KeyUsageConstraints(
    key_usage={"digital_signature", "non_repudiation"},
    match_all_key_usages=False,
    # A certificate that names its purposes must name one of these; a web server's is no seal's.
    extd_key_usage={
        DOCUMENT_SIGNING,
        "email_protection",
        "microsoft_document_signing",
        "adobe_authentic_documents_trust",
    },
    explicit_extd_key_usage_required=False,
)

_MAX_TIMESTAMPS: Final = 16
_REASONS: Final = {
    "NO_CERTIFICATE_CHAIN_FOUND": "no chain of certificates leads to a given root",
    "CHAIN_CONSTRAINTS_FAILURE": "the certificate or its chain is not made for signing documents",
    "CRYPTO_CONSTRAINTS_FAILURE": "an algorithm is too weak",
    "CRYPTO_CONSTRAINTS_FAILURE_NO_POE": "an algorithm is too weak",
    "OUT_OF_BOUNDS_NO_POE": "the certificate was not valid at the moment looked at",
    "CERTIFICATE_CHAIN_GENERAL_FAILURE": "the chain of certificates does not hold at the moment looked at",
}


class UnsupportedSignatureError(Exception):
    """A signature of a kind that is not supported here: neither right nor wrong."""


@dataclass(frozen=True)
class Facts:
    """What cryptography says about one signature."""

    intact: bool
    valid: bool
    trusted: bool
    problems: tuple[str, ...]
    level: str
    algorithm: str
    signer: str
    certificate: bytes
    trusted_time: datetime | None
    checked_at: datetime
    time_source: Literal["given", "timestamp", "clock"]


class Trust:
    """Roots, helpful certificates, and the moment to look at.

    Args:
        request: roots, intermediates and moment as the caller gave them.
        hints: further certificates (DER) to build chains with.

    Raises:
        InvalidArgument: a root or an intermediate is not a certificate.
    """

    def __init__(self, request: CheckRequest, hints: Iterable[bytes]) -> None:
        self._roots = [_certificate(der, "roots") for der in request.roots]
        self._others = [_certificate(der, "intermediates") for der in request.intermediates]
        for der in hints:
            try:
                self._others.append(_certificate(der, "hints"))
            except InvalidArgument:
                continue
        self._at = request.at
        self._now = datetime.now(UTC)

    async def facts(self, found: EmbeddedPdfSignature, *, is_timestamp: bool, later: Sequence[datetime]) -> Facts:
        """The facts about a signature.

        Args:
            found: the signature.
            is_timestamp: whether it is a document timestamp.
            later: trusted times of timestamps that cover this signature.

        Raises:
            UnsupportedSignatureError: its algorithm is unknown, or the signer's certificate is nowhere to be found.
        """
        problems: list[str] = []
        self._complete(found.signed_data)
        certificate = _signer(found.signed_data)
        trusted_time = None if is_timestamp else await self._own_timestamp(found.signer_info)
        trusted_time = min((t for t in (trusted_time, *later) if t is not None), default=None)
        moment, source = self._moment(None if is_timestamp else trusted_time)
        values: dict[str, Any] = {"intact": False, "valid": False, "trust_problem_indic": None}
        try:
            values = await self._validate(found, is_timestamp, moment)
        except (AlgorithmNotSupported, UnsupportedAlgorithm, NotImplementedError) as error:
            raise UnsupportedSignatureError(_sentence(error)) from None
        except Exception as error:  # any parser's error on a hostile signature
            problems.append(f"the signature is damaged: {_sentence(error)}")
        intact, valid = bool(values["intact"]), bool(values["valid"])
        reason = values["trust_problem_indic"]
        if not problems:
            if not intact:
                problems.append("the covered bytes were changed: the digest does not fit")
            if not valid:
                problems.append("the signature does not verify")
            if valid and reason is not None:
                problems.append(f"the signer is not trusted: {_REASONS.get(reason.name) or _words(reason.name)}")
        trusted = intact and valid and reason is None
        if is_timestamp and trusted:
            trusted_time = _time_of(found.signed_data)
        return Facts(
            intact,
            valid,
            trusted,
            tuple(problems),
            self._level(found, is_timestamp),
            _algorithm(found.signer_info, certificate),
            certificate.subject.human_friendly,
            certificate.dump(),
            trusted_time,
            moment,
            source,
        )

    def _moment(self, proved: datetime | None) -> tuple[datetime, Literal["given", "timestamp", "clock"]]:
        if self._at is not None:
            return self._at, "given"
        if proved is not None:
            return proved, "timestamp"
        return self._now, "clock"

    def _context(self, moment: datetime) -> ValidationContext:
        return ValidationContext(
            trust_roots=self._roots,
            other_certs=self._others,
            moment=moment,
            allow_fetching=False,
            revocation_mode="soft-fail",
            signature_validator=Sm2SignatureValidator(),
        )

    async def _validate(self, found: EmbeddedPdfSignature, is_timestamp: bool, moment: datetime) -> dict[str, Any]:
        if is_timestamp:
            values = await validate_tst_signed_data(found.signed_data, self._context(moment), found.compute_digest)
        else:
            values = await cms_basic_validation(
                found.signed_data,
                raw_digest=found.compute_digest(),
                validation_context=self._context(moment),
                key_usage_settings=_SIGNING,
            )
        return dict(values)

    async def _own_timestamp(self, signer_info: cms.SignerInfo) -> datetime | None:
        """The time in the signature's own timestamp, if that holds and leads to a root."""
        tokens = islice(extract_tst_data_iter(signer_info, signed=False), _MAX_TIMESTAMPS)
        times = [await self._token_time(token, signer_info) for token in tokens]
        return min((time for time in times if time is not None), default=None)

    async def _token_time(self, token: cms.SignedData, signer_info: cms.SignerInfo) -> datetime | None:
        context = self._context(self._at or self._now)
        try:
            self._complete(token)
            values = await validate_tst_signed_data(token, context, message_imprint_checker(signer_info))
            holds = values["intact"] and values["valid"] and values["trust_problem_indic"] is None
            return _time_of(token) if holds else None
        except Exception:  # a timestamp that cannot be read proves no time; the signature stands for itself
            return None

    def _complete(self, signed_data: cms.SignedData) -> None:
        """Adds the signer's certificate when the signature leaves it out and it is known from elsewhere."""
        try:
            extract_certificate_info(signed_data)
        except CMSExtractionError:
            identifier = extract_signer_info(signed_data)["sid"]
            for certificate in (*self._others, *self._roots):
                if _matches(identifier, certificate):
                    choice = cms.CertificateChoices("certificate", certificate)
                    present = signed_data["certificates"]
                    kept = [] if present is core.VOID or present.native is None else list(present)
                    signed_data["certificates"] = [*kept, choice]
                    return

    def _level(self, found: EmbeddedPdfSignature, is_timestamp: bool) -> str:
        """``"B-T"`` or ``"B-B"`` as far as the signature alone says, else ``"CMS"``."""
        if is_timestamp or str(found.sig_object.get("/SubFilter")) != "/ETSI.CAdES.detached":
            return "CMS"
        try:
            attributes = found.signer_info["signed_attrs"]
            find_unique_cms_attribute(attributes, "message_digest")
            if get_signing_cert_attr(attributes) is None:
                return "CMS"
            expected = message_imprint_checker(found.signer_info)
            for token in extract_tst_data_iter(found.signer_info, signed=False):
                imprint = token["encap_content_info"]["content"].parsed["message_imprint"]
                if expected(imprint["hash_algorithm"]["algorithm"].native) == imprint["hashed_message"].native:
                    return "B-T"
        except (NonexistentAttributeError, ValueError, TypeError, AttributeError, KeyError):
            return "CMS"
        return "B-B"


def _certificate(der: bytes, field: str) -> x509.Certificate:
    try:
        certificate = x509.Certificate.load(der, strict=True)
        _ = certificate["tbs_certificate"]["subject"].native, certificate.public_key.algorithm
    except Exception as error:  # asn1crypto raises ValueError, TypeError, KeyError, ... on damaged DER
        raise InvalidArgument(f"{field}: not a certificate in DER ({_sentence(error)})", field=field) from None
    return certificate


def _signer(signed_data: cms.SignedData) -> x509.Certificate:
    try:
        return extract_certificate_info(signed_data).signer_cert
    except CMSExtractionError:
        raise UnsupportedSignatureError("the signer's certificate is not included") from None


def _matches(identifier: cms.SignerIdentifier, certificate: x509.Certificate) -> bool:
    try:
        if identifier.name == "issuer_and_serial_number":
            wanted = identifier.chosen
            return bool(
                wanted["issuer"] == certificate.issuer and wanted["serial_number"].native == certificate.serial_number
            )
        return bool(certificate.key_identifier == identifier.chosen.native)
    except ValueError:
        return False


def _time_of(token: cms.SignedData) -> datetime:
    moment = token["encap_content_info"]["content"].parsed["gen_time"].native
    assert isinstance(moment, datetime)
    return moment


def _algorithm(signer_info: cms.SignerInfo, certificate: x509.Certificate) -> str:
    key = certificate.public_key
    if is_sm2_key(key):
        return "sm2"
    mechanism = signer_info["signature_algorithm"]
    try:
        name = str(mechanism.signature_algo)
    except ValueError:
        name = str(mechanism["algorithm"].native)
    if name == "ecdsa" and key.curve == ("named", "secp256r1"):
        return "p256"
    return name


def _words(name: str) -> str:
    return str(name).replace("_", " ").lower()


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
