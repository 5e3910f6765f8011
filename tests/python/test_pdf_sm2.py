"""The SM2 plug-in for pyHanko, used as another program would use it."""

from __future__ import annotations

import asyncio
import io
import subprocess
from pathlib import Path

import pytest
from asn1crypto import algos, cms, keys, x509
from conftest import require_tool
from cryptography.exceptions import InvalidSignature
from pdfs import AT, Signer, build_pdf
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.pdf_embedded import async_validate_pdf_signature, collect_embedded_signatures
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError
from pyhanko_certvalidator.sig_validate import SignatureValidationContext

from sealcore.errors import InternalError
from sealcore.pdf import sm2
from sealcore.pki import sign_cms
from sealcore.sign import signature_to_der


@pytest.fixture(autouse=True)
def registered() -> None:
    sm2.register()


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.make("sm2")


def context(*roots: x509.Certificate, **options: object) -> ValidationContext:
    return ValidationContext(
        trust_roots=list(roots), moment=AT, signature_validator=sm2.Sm2SignatureValidator(), **options
    )


def chain_is_accepted(certificate: bytes, chain: list[bytes], root: bytes) -> bool:
    leaf, anchor = x509.Certificate.load(certificate), x509.Certificate.load(root)
    others = [x509.Certificate.load(der) for der in chain]
    validator = CertificateValidator(leaf, others, validation_context=context(anchor))
    try:
        asyncio.run(validator.async_validate_usage({"digital_signature"}))
    except (PathBuildingError, PathValidationError):
        return False
    return True


def test_chains_of_sm2_certificates(signer: Signer):
    chain = [link.der for link in signer.chain]
    assert chain_is_accepted(signer.certificate.der, chain, signer.root.der)
    der = bytearray(signer.certificate.der)
    der[-1] ^= 1
    assert not chain_is_accepted(bytes(der), chain, signer.root.der)
    assert not chain_is_accepted(signer.certificate.der, [Signer.make("sm2").chain[0].der], signer.root.der)


def test_chains_of_other_algorithms_go_on_to_pyhanko():
    p256 = Signer.make("p256")
    assert chain_is_accepted(p256.certificate.der, [link.der for link in p256.chain], p256.root.der)


@pytest.mark.parametrize("identifier", ["1234567812345678", "1234567812345679", None])
def test_certificates_of_openssl_with_the_default_identifier_only(tmp_path: Path, identifier: str | None):
    """OpenSSL signs with an empty identifier unless told otherwise; that is another convention."""
    openssl = require_tool("openssl")
    options = [] if identifier is None else ["-sigopt", f"distid:{identifier}"]

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=tmp_path, check=True, capture_output=True)

    for name in ("root", "leaf"):
        run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", f"{name}.key")
    run("req", "-x509", "-key", "root.key", "-sm3", *options, "-subj", "/CN=root", "-days", "9000", "-out", "root.pem")
    run("req", "-new", "-key", "leaf.key", "-sm3", *options, "-subj", "/CN=leaf", "-out", "leaf.csr")
    (tmp_path / "extensions").write_text("keyUsage=critical,digitalSignature\n")
    issue = ["x509", "-req", "-in", "leaf.csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "7"]
    verify = [] if identifier is None else ["-vfyopt", f"distid:{identifier}"]
    run(*issue, "-sm3", *options, *verify, "-days", "9000", "-extfile", "extensions", "-out", "leaf.pem")
    for name in ("root", "leaf"):
        run("x509", "-in", f"{name}.pem", "-outform", "DER", "-out", f"{name}.der")
    moment = x509.Certificate.load((tmp_path / "leaf.der").read_bytes()).not_valid_before
    leaf, root = (x509.Certificate.load((tmp_path / f"{name}.der").read_bytes()) for name in ("leaf", "root"))
    options_ = {"trust_roots": [root], "moment": moment, "signature_validator": sm2.Sm2SignatureValidator()}
    validator = CertificateValidator(leaf, validation_context=ValidationContext(**options_))
    if identifier == "1234567812345678":
        asyncio.run(validator.async_validate_usage({"digital_signature"}))
    else:
        with pytest.raises(PathValidationError, match="could not be verified"):
            asyncio.run(validator.async_validate_usage({"digital_signature"}))


def test_pyhanko_alone_validates_a_sealed_document(signer: Signer):
    sealed = signer.seal(build_pdf())
    (signature,) = collect_embedded_signatures(PdfFileReader(io.BytesIO(sealed)))
    status = asyncio.run(
        async_validate_pdf_signature(
            signature,
            signer_validation_context=context(x509.Certificate.load(signer.root.der)),
            key_usage_settings=KeyUsageConstraints(key_usage={"digital_signature"}),
        )
    )
    assert status.bottom_line
    assert (status.md_algorithm, status.pkcs7_signature_mechanism) == ("sm3", "sm2_sm3")


def parts(signer: Signer) -> tuple[bytes, bytes, keys.PublicKeyInfo, algos.SignedDigestAlgorithm]:
    """Signature, message, key and algorithm of a CMS of the core."""
    content = cms.ContentInfo.load(sign_cms(signer.key, signer.certificate, bytes(32)))["content"]
    info = content["signer_infos"][0]
    key = x509.Certificate.load(signer.certificate.der).public_key
    return info["signature"].native, info["signed_attrs"].untag().dump(), key, info["signature_algorithm"]


def test_a_signature_of_the_core(signer: Signer):
    signature, message, key, algorithm = parts(signer)
    validator = sm2.Sm2SignatureValidator()
    validator.validate_signature(signature, message, key, algorithm)
    assert algorithm["algorithm"].dotted == sm2.SM2_WITH_SM3
    with pytest.raises(InvalidSignature):
        validator.validate_signature(signature, message + b"x", key, algorithm)
    for at in range(len(signature)):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        with pytest.raises(InvalidSignature):
            validator.validate_signature(changed, message, key, algorithm)
    for wrong in (b"", signature[:-1], signature + b"\0", b"\x30\x00"):
        with pytest.raises(InvalidSignature):
            validator.validate_signature(wrong, message, key, algorithm)


def test_the_other_writing_of_the_algorithm(signer: Signer):
    signature, message, key, _ = parts(signer)
    algorithm = algos.SignedDigestAlgorithm({"algorithm": "1.2.156.10197.1.301.1"})
    sm2.Sm2SignatureValidator().validate_signature(signature, message, key, algorithm)


def test_only_the_digest_is_not_enough(signer: Signer):
    signature, message, key, algorithm = parts(signer)
    prehashed = SignatureValidationContext(contextual_md_algorithm="sm3", prehashed=True)
    with pytest.raises(InvalidSignature):
        sm2.Sm2SignatureValidator().validate_signature(signature, message, key, algorithm, prehashed)


def test_key_and_algorithm_must_be_of_one_kind(signer: Signer):
    signature, message, key, algorithm = parts(signer)
    p256 = Signer.make("p256")
    other_signature, other_message, other_key, other_algorithm = parts(p256)
    validator = sm2.Sm2SignatureValidator()
    validator.validate_signature(other_signature, other_message, other_key, other_algorithm)
    with pytest.raises(InvalidSignature):
        validator.validate_signature(signature, message, other_key, algorithm)
    with pytest.raises(InvalidSignature):
        validator.validate_signature(other_signature, other_message, key, other_algorithm)


def test_a_point_that_is_not_on_the_curve(signer: Signer):
    signature, message, key, algorithm = parts(signer)
    damaged = bytearray(key.dump())
    damaged[-1] ^= 1
    with pytest.raises(InvalidSignature):
        sm2.Sm2SignatureValidator().validate_signature(
            signature, message, keys.PublicKeyInfo.load(bytes(damaged)), algorithm
        )


def test_sm2_signatures_use_the_default_identifier(signer: Signer):
    _, message, key, algorithm = parts(signer)
    validator = sm2.Sm2SignatureValidator()
    validator.validate_signature(signature_to_der(signer.key.sign(message)), message, key, algorithm)
    with pytest.raises(InvalidSignature):
        validator.validate_signature(signature_to_der(signer.key.sign(message, distid=b"")), message, key, algorithm)


def test_a_key_that_names_the_curve_as_its_algorithm(signer: Signer):
    """As Tongsuo and OpenSSL 3 write some keys."""
    signature, message, key, algorithm = parts(signer)
    curve = bytes.fromhex("06082a811ccf5501822d")
    point = signer.certificate.public_key.to_sec1()
    body = b"\x30" + bytes([2 * len(curve)]) + curve + curve + b"\x03" + bytes([len(point) + 1]) + b"\0" + point
    other = keys.PublicKeyInfo.load(b"\x30" + bytes([len(body)]) + body)
    assert sm2.is_sm2_key(key)
    assert sm2.is_sm2_key(other)
    sm2.Sm2SignatureValidator().validate_signature(signature, message, other, algorithm)
    assert not sm2.is_sm2_key(x509.Certificate.load(Signer.make("p256").certificate.der).public_key)


def test_registering_again_and_after_use_changes_nothing():
    algos.DigestAlgorithmId("sha256").dump()
    sm2.register()
    sm2.register()
    assert algos.DigestAlgorithmId("sm3").dotted == sm2.SM3
    assert algos.DigestAlgorithm({"algorithm": "sm3"}).native["algorithm"] == "sm3"
    assert algos.SignedDigestAlgorithmId.load(algos.SignedDigestAlgorithmId("sm2_sm3").dump()).native == "sm2_sm3"


def test_an_asn1crypto_that_does_not_learn_is_said(monkeypatch: pytest.MonkeyPatch):
    class Forgetful(dict[str, str]):
        def __setitem__(self, key: str, value: str) -> None:
            """Takes nothing in."""

    learnt = {k: v for k, v in algos.DigestAlgorithmId._map.items() if v != "sm3"}
    monkeypatch.setattr(algos.DigestAlgorithmId, "_map", Forgetful(learnt))
    monkeypatch.setattr(algos.DigestAlgorithmId, "_reverse_map", Forgetful({v: k for k, v in learnt.items()}))
    with pytest.raises(InternalError, match="asn1crypto does not"):
        sm2.register()
