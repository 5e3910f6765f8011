"""sealcore.pki: the border of keys, certificates, requests and CMS; the rules themselves are tested in Rust."""

from __future__ import annotations

import copy
import pickle
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from conftest import require_tool
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import given
from hypothesis import strategies as st

from sealcore import errors
from sealcore.hash import sha256, sm3
from sealcore.pki import (
    DOCUMENT_SIGNING,
    Certificate,
    CertificateAuthority,
    CertificateRequest,
    CmsDraft,
    CmsInfo,
    cms_certificates,
    dump_private_key,
    dump_public_key,
    load_certificates,
    load_private_key,
    load_public_key,
    prepare_cms,
    sign_cms,
    verify_chain,
    verify_cms,
)
from sealcore.sign import SigningKey

AT = datetime(2026, 7, 1, tzinfo=UTC)
LIFE: dict[str, Any] = {"not_before": AT - timedelta(days=30), "not_after": AT + timedelta(days=365)}
ALGORITHMS = ["sm2", "p256"]
DIGEST = {"sm2": sm3, "p256": sha256}


class World:
    """A root, an authority below it, and a signer."""

    def __init__(self, algorithm: Any) -> None:
        self.root = CertificateAuthority.create_root(SigningKey.generate(algorithm), "CN=Root,C=CN", **LIFE)
        key = SigningKey.generate(algorithm)
        self.issuing = CertificateAuthority(
            key, self.root.issue_authority("CN=Issuing", key.verifying_key, path_length=0, **LIFE)
        )
        self.key = SigningKey.generate(algorithm)
        self.certificate = self.issuing.issue(
            "CN=合同专用章,O=Example,C=CN",
            self.key.verifying_key,
            extended_key_usage=[DOCUMENT_SIGNING],
            **LIFE,
        )
        self.digest = DIGEST[algorithm]


@pytest.fixture(scope="module", params=ALGORITHMS)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


# --- keys ---


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("form", ["pem", "der"])
def test_private_keys_return(algorithm: Any, form: Any) -> None:
    key = SigningKey.generate(algorithm)
    plain = dump_private_key(key, format=form)
    assert load_private_key(plain) == key
    assert load_private_key(bytearray(plain)) == key
    if form == "pem":
        assert load_private_key(plain.decode()) == key
    locked = dump_private_key(key, "口令", format=form)
    assert load_private_key(locked, "口令") == key
    assert load_private_key(memoryview(locked), "口令".encode()) == key
    with pytest.raises(errors.WrongPassword):
        load_private_key(locked, "other")
    assert issubclass(errors.WrongPassword, errors.InvalidKey)
    public = dump_public_key(key.verifying_key, format=form)
    assert load_public_key(public) == key.verifying_key


def test_private_key_refusals() -> None:
    key = SigningKey.generate("p256")
    with pytest.raises(errors.InvalidArgument, match="password: the private key is encrypted") as missing:
        load_private_key(dump_private_key(key, "x"))
    assert missing.value.field == "password"
    with pytest.raises(errors.InvalidArgument, match="not encrypted"):
        load_private_key(dump_private_key(key), "x")
    with pytest.raises(errors.InvalidArgument, match="empty"):
        dump_private_key(key, "")
    with pytest.raises(errors.InvalidArgument, match="pem"):
        dump_private_key(key, format="PEM")  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidEncoding) as encoding:
        load_private_key(dump_private_key(key, format="der")[:-1])
    assert (encoding.value.field, type(encoding.value.offset)) == ("private key", int)
    with pytest.raises(TypeError, match="bytes"):
        load_private_key(7)  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidKey, match="PKCS#12"):
        load_private_key(bytes.fromhex("3080020103"))
    assert pickle.loads(pickle.dumps(encoding.value)).offset == encoding.value.offset  # noqa: S301


def test_cryptography_reads_our_keys_and_we_read_its_keys() -> None:
    key = SigningKey.generate("p256")
    for password in (None, b"password"):
        theirs = serialization.load_pem_private_key(dump_private_key(key, password), password)
        assert isinstance(theirs, ec.EllipticCurvePrivateKey)
        assert theirs.private_numbers().private_value == int.from_bytes(key.to_bytes(), "big")
        for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
            if password and form is serialization.PrivateFormat.TraditionalOpenSSL:
                continue
            encryption: serialization.KeySerializationEncryption = (
                serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
            )
            for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
                assert load_private_key(theirs.private_bytes(encoding, form, encryption), password) == key


# --- certificates ---


def test_a_certificate_says_what_was_issued(world: World) -> None:
    certificate = world.certificate
    assert certificate.subject == "CN=合同专用章,O=Example,C=CN"
    assert certificate.issuer == "CN=Issuing"
    assert (certificate.not_before, certificate.not_after) == (LIFE["not_before"], LIFE["not_after"])
    assert certificate.not_before.tzinfo is not None
    assert certificate.serial > 1 << 120
    assert certificate.public_key == world.key.verifying_key
    assert certificate.key_usage == {"digital_signature", "non_repudiation"}
    assert certificate.extended_key_usage == (DOCUMENT_SIGNING,)
    assert not certificate.is_ca
    assert world.issuing.certificate.is_ca
    assert (certificate.path_length, world.issuing.certificate.path_length) == (None, 0)
    assert certificate.authority_key_id == world.issuing.certificate.subject_key_id
    assert world.root.certificate.is_self_signed
    assert not certificate.is_self_signed
    assert certificate.fingerprint == sha256(certificate.der)
    assert [critical for _, critical, _ in certificate.extensions].count(True) == 2
    certificate.verify_signature(world.issuing.certificate.public_key)
    with pytest.raises(errors.InvalidSignature):
        certificate.verify_signature(world.root.certificate.public_key)
    assert "合同专用章" in repr(certificate)


def test_certificates_return_from_pem_and_der(world: World) -> None:
    certificate, pem = world.certificate, world.certificate.to_pem()
    for other in (
        Certificate.from_pem(pem),
        Certificate.from_pem(pem.encode()),
        Certificate.from_der(certificate.der),
        Certificate.load(pem),
        Certificate.load(bytearray(certificate.der)),
        load_certificates(pem + world.root.certificate.to_pem())[0],
        pickle.loads(pickle.dumps(certificate)),  # noqa: S301
        copy.deepcopy(certificate),
    ):
        assert other == certificate
        assert hash(other) == hash(certificate)
    assert certificate != world.root.certificate
    with pytest.raises(errors.InvalidEncoding, match="is it DER"):
        Certificate.from_pem(certificate.der)
    with pytest.raises(errors.InvalidEncoding):
        Certificate.from_der(pem.encode())
    with pytest.raises(errors.InvalidEncoding, match="several"):
        Certificate.load(pem + pem)


def test_cryptography_reads_our_certificate() -> None:
    world = World("p256")
    theirs = x509.load_der_x509_certificate(world.certificate.der)
    issuer = x509.load_der_x509_certificate(world.issuing.certificate.der)
    theirs.verify_directly_issued_by(issuer)
    assert theirs.serial_number == world.certificate.serial
    assert theirs.not_valid_before_utc == world.certificate.not_before
    assert theirs.subject.rfc4514_string() == world.certificate.subject
    assert theirs.fingerprint(hashes.SHA256()) == world.certificate.fingerprint
    usage = theirs.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert usage.value.content_commitment
    assert not usage.value.key_cert_sign


def test_chains_verify_at_an_explicit_time(world: World) -> None:
    intermediates, roots = [world.issuing.certificate], [world.root.certificate]
    path = verify_chain(world.certificate, intermediates, roots, at=AT, extended_key_usage=DOCUMENT_SIGNING)
    assert path == (world.certificate, *intermediates, *roots)
    elsewhere = AT.astimezone(timezone(timedelta(hours=8)))
    assert verify_chain(world.certificate, iter(intermediates), tuple(roots), at=elsewhere) == path
    with pytest.raises(errors.InvalidCertificate, match="expired") as expired:
        verify_chain(world.certificate, intermediates, roots, at=LIFE["not_after"] + timedelta(seconds=1))
    assert expired.value.depth == 0
    with pytest.raises(errors.InvalidCertificate, match="neither among") as unknown:
        verify_chain(world.certificate, intermediates, [], at=AT)
    assert unknown.value.depth == 1
    assert pickle.loads(pickle.dumps(unknown.value)).depth == 1  # noqa: S301
    with pytest.raises(errors.InvalidCertificate, match="key usage"):
        verify_chain(world.issuing.certificate, [], roots, at=AT)
    verify_chain(world.issuing.certificate, [], roots, at=AT, usage="certificate_signing")
    with pytest.raises(errors.InvalidArgument, match="time zone") as naive:
        verify_chain(world.certificate, intermediates, roots, at=AT.replace(tzinfo=None))
    assert naive.value.field == "at"
    with pytest.raises(TypeError, match="at: expected a datetime"):
        verify_chain(world.certificate, intermediates, roots, at=AT.timestamp())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="roots: expected an iterable of Certificate"):
        verify_chain(world.certificate, intermediates, [b"der"], at=AT)  # type: ignore[list-item]
    with pytest.raises(errors.InvalidArgument, match="usage"):
        verify_chain(world.certificate, intermediates, roots, at=AT, usage="signing")  # type: ignore[arg-type]


def test_the_authority_refuses_at_the_border(world: World) -> None:
    public = world.key.verifying_key
    with pytest.raises(errors.InvalidEncoding, match="two letters") as country:
        world.root.issue("CN=a,C=China", public, **LIFE)
    assert (country.value.field, country.value.offset) == ("subject", 7)
    with pytest.raises(errors.InvalidArgument, match="within the validity"):
        world.root.issue("CN=a", public, not_before=LIFE["not_before"], not_after=LIFE["not_after"] + timedelta(1))
    with pytest.raises(errors.InvalidArgument, match="path_length"):
        world.issuing.issue_authority("CN=a", public, **LIFE)
    with pytest.raises(errors.InvalidArgument, match="time zone"):
        world.root.issue("CN=a", public, not_before=datetime(2026, 7, 1), not_after=LIFE["not_after"])
    with pytest.raises(errors.InvalidKey, match="not the key"):
        CertificateAuthority(SigningKey.generate("sm2"), world.root.certificate)
    with pytest.raises(errors.InvalidCertificate, match="may not sign"):
        CertificateAuthority(world.key, world.certificate)
    with pytest.raises(TypeError):
        pickle.dumps(world.root)


# --- requests ---


def test_requests_are_made_verified_and_issued(world: World) -> None:
    request = CertificateRequest.create(world.key, "CN=部门章,O=Example")
    request.verify()
    assert request.subject == "CN=部门章,O=Example"
    assert request.public_key == world.key.verifying_key
    assert request.extensions == ()
    assert not request.has_repeated_attributes
    for other in (
        CertificateRequest.from_pem(request.to_pem()),
        CertificateRequest.from_der(request.der),
        CertificateRequest.load(request.to_pem().encode()),
        pickle.loads(pickle.dumps(request)),  # noqa: S301
    ):
        assert other == request
        assert hash(other) == hash(request)
    certificate = world.issuing.issue_request(request, **LIFE)
    assert certificate.subject == request.subject
    verify_chain(certificate, [world.issuing.certificate], [world.root.certificate], at=AT)
    forged = CertificateRequest.from_der(request.der.replace("部门章".encode(), "部门印".encode()))
    with pytest.raises(errors.InvalidSignature):
        forged.verify()
    with pytest.raises(errors.InvalidSignature):
        world.issuing.issue_request(forged, **LIFE)


def test_cryptography_verifies_our_request() -> None:
    request = CertificateRequest.create(SigningKey.generate("p256"), "CN=a,O=b")
    theirs = x509.load_pem_x509_csr(request.to_pem().encode())
    assert theirs.is_signature_valid
    assert theirs.subject.rfc4514_string() == request.subject


# --- CMS ---


def test_cms_in_one_step_and_in_two(world: World) -> None:
    digest = world.digest(b"content")
    attributes = {"1.2.3.4": b"\x05\x00", "2.25.90272989434894856797604732404964682080": bytearray(b"\x04\x01\x07")}
    options: dict[str, Any] = {"chain": [world.issuing.certificate], "attributes": attributes, "signing_time": AT}
    draft = prepare_cms(world.certificate, digest, **options)
    assert isinstance(draft, CmsDraft)
    assert draft.algorithm == world.key.algorithm
    assert draft.to_be_signed[0] == 0x31
    assert draft.digest_to_be_signed == world.key.verifying_key.message_digest(draft.to_be_signed)
    for der in (
        sign_cms(world.key, world.certificate, digest, **options),
        draft.finish(world.key.sign(draft.to_be_signed)),
        draft.finish(world.key.sign_digest(draft.digest_to_be_signed)),
    ):
        for info in (verify_cms(der, content=b"content"), verify_cms(der, content_digest=memoryview(digest))):
            assert isinstance(info, CmsInfo)
            assert info.signer == world.certificate
            assert set(info.certificates) == {world.certificate, world.issuing.certificate}
            assert (info.algorithm, info.digest_algorithm) == (world.key.algorithm, world.digest.__name__)
            assert info.signing_time == AT
            assert info.binds_certificate
            assert (info.content, info.content_type) == (None, "1.2.840.113549.1.7.1")
            assert info.signed_attributes is not None
            assert info.signed_attributes["1.2.3.4"] == (b"\x05\x00",)
            assert info.signed_attributes["2.25.90272989434894856797604732404964682080"] == (b"\x04\x01\x07",)
            assert info.signed_attributes["1.2.840.113549.1.9.4"] == (b"\x04\x20" + digest,)
            assert (info.unsigned_attributes, info.deviations, info.unreadable_certificates) == ((), (), ())
            world.key.verifying_key.verify(draft.to_be_signed, info.signature)
        assert set(cms_certificates(der)) == {world.certificate, world.issuing.certificate}
    assert verify_cms(sign_cms(world.key, world.certificate, digest), content=b"content").signing_time is None


def test_cms_refusals_at_the_border(world: World) -> None:
    digest = world.digest(b"content")
    der = sign_cms(world.key, world.certificate, digest)
    with pytest.raises(errors.InvalidSignature):
        verify_cms(der, content=b"Content")
    with pytest.raises(errors.InvalidSignature):
        verify_cms(der, content_digest=bytes(32))
    with pytest.raises(errors.InvalidArgument, match="detached"):
        verify_cms(der)
    with pytest.raises(errors.InvalidArgument, match="not both"):
        verify_cms(der, content=b"content", content_digest=digest)
    with pytest.raises(errors.InvalidLength) as length:
        verify_cms(der, content_digest=digest[:-1])
    assert (length.value.field, length.value.actual) == ("content_digest", 31)
    with pytest.raises(errors.InvalidEncoding):
        verify_cms(der[:-1], content=b"content")
    with pytest.raises(errors.InvalidLength):
        prepare_cms(world.certificate, b"short")
    other = "sha256" if world.key.algorithm == "sm2" else "sm3"
    with pytest.raises(errors.InvalidArgument, match="digest_algorithm"):
        prepare_cms(world.certificate, digest, digest_algorithm=other)
    with pytest.raises(errors.InvalidArgument, match="attributes"):
        prepare_cms(world.certificate, digest, attributes={"1.2.3": b"not DER"})
    with pytest.raises(errors.InvalidArgument, match="dotted"):
        prepare_cms(world.certificate, digest, attributes={"one.two": b"\x05\x00"})
    with pytest.raises(errors.InvalidArgument, match="signing_time"):
        prepare_cms(world.certificate, digest, signing_time=AT.replace(tzinfo=None))
    with pytest.raises(errors.InvalidKey, match="not the key"):
        sign_cms(SigningKey.generate(world.key.algorithm), world.certificate, digest)
    draft = prepare_cms(world.certificate, digest)
    with pytest.raises(errors.InvalidSignature):
        draft.finish(world.key.sign(b"another message"))
    with pytest.raises(errors.InvalidLength):
        draft.finish(bytes(63))


def test_we_verify_the_cms_of_cryptography() -> None:
    world = World("p256")
    certificate = x509.load_der_x509_certificate(world.certificate.der)
    key = serialization.load_pem_private_key(dump_private_key(world.key), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"content").add_signer(certificate, key, hashes.SHA256())
    binary = pkcs7.PKCS7Options.Binary
    detached = builder.sign(serialization.Encoding.DER, [binary, pkcs7.PKCS7Options.DetachedSignature])
    assert verify_cms(detached, content=b"content").signer == world.certificate
    attached = builder.sign(serialization.Encoding.PEM, [binary])
    assert verify_cms(attached).content == b"content"
    bare = builder.sign(serialization.Encoding.DER, [binary, pkcs7.PKCS7Options.NoAttributes])
    assert verify_cms(bare).signed_attributes is None


def test_gm_cms_and_the_national_chain(shared_data: Path) -> None:
    folder = shared_data / "eseal"
    info = verify_cms((folder / "cms/cfca_sadk_attached.p7").read_bytes())
    assert info.content == b"Hello Secret World!"
    assert info.signed_attributes is None
    sheca = Certificate.load((folder / "pki/sheca_sm2_ca.crt.pem").read_bytes())
    root = Certificate.load((folder / "pki/nrcac_rootca.crt.pem").read_text())
    at = datetime(2024, 6, 1, tzinfo=UTC)
    assert verify_chain(sheca, [], [root], at=at, usage="certificate_signing") == (sheca, root)


def test_openssl_opens_the_key_and_verifies_sm2(tmp_path: Path) -> None:
    openssl = require_tool("openssl")
    key = SigningKey.generate("sm2")
    (tmp_path / "key.pem").write_bytes(dump_private_key(key, "密码"))
    (tmp_path / "message").write_bytes(b"message")

    def run(*arguments: str) -> bytes:
        return subprocess.run([openssl, *arguments], cwd=tmp_path, check=True, capture_output=True).stdout

    assert run("pkey", "-in", "key.pem", "-passin", "pass:密码", "-pubout") == dump_public_key(key.verifying_key)
    distid = ["-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678", "-in", "message"]
    run("pkeyutl", "-sign", "-inkey", "key.pem", "-passin", "pass:密码", "-out", "signature", *distid)
    key.verifying_key.verify(b"message", (tmp_path / "signature").read_bytes(), encoding="der")


@given(st.binary(max_size=400))
def test_random_bytes_raise_typed_errors(data: bytes) -> None:
    for read in (
        Certificate.load,
        load_certificates,
        CertificateRequest.load,
        load_private_key,
        load_public_key,
        cms_certificates,
        verify_cms,
    ):
        with pytest.raises(errors.SealcoreError):
            read(data)
