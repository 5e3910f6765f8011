"""Keys, certificates and signatures in the formats that the rest of the world reads.

Private keys are PKCS#8 (plain or encrypted), SEC 1, PEM or DER; certificates X.509 with SM2 or P-256 keys; signatures
CMS SignedData as RFC 5652 and GM/T 0010 have it. Nothing is fetched and nothing trusted by default: roots and the time
of verification are arguments. Revocation is not checked. Times are datetimes with a time zone.

Example:
    >>> from datetime import datetime, timezone
    >>> from sealcore.sign import SigningKey
    >>> life = {"not_before": datetime(2026, 1, 1, tzinfo=timezone.utc),
    ...         "not_after": datetime(2036, 1, 1, tzinfo=timezone.utc)}
    >>> root = CertificateAuthority.create_root(SigningKey.generate("sm2"), "CN=Root,O=Example,C=CN", **life)
    >>> key = SigningKey.generate("sm2")
    >>> certificate = root.issue("CN=合同专用章,O=Example,C=CN", key.verifying_key, **life)
    >>> at = datetime(2026, 7, 1, tzinfo=timezone.utc)
    >>> [link.subject for link in verify_chain(certificate, [], [root.certificate], at=at)]
    ['CN=合同专用章,O=Example,C=CN', 'CN=Root,O=Example,C=CN']

    A detached signature, in one step and in two (the key may then be anywhere):

    >>> from sealcore.hash import sm3
    >>> der = sign_cms(key, certificate, sm3(b"content"))
    >>> verify_cms(der, content=b"content").signer == certificate
    True
    >>> draft = prepare_cms(certificate, sm3(b"content"), attributes={"1.2.3.4": b"\\x04\\x01\\x07"})
    >>> der = draft.finish(key.sign(draft.to_be_signed))
    >>> verify_cms(der, content_digest=sm3(b"content")).signed_attributes["1.2.3.4"]
    (b'\\x04\\x01\\x07',)

    A private key in a file that ``openssl pkey`` opens:

    >>> text = dump_private_key(key, "password")
    >>> load_private_key(text, "password") == key
    True

Source:
    RFC 5958, RFC 5915, RFC 5480, RFC 8018 (keys); RFC 5280, GB/T 20518 (certificates); RFC 2986 (requests);
    RFC 5652, RFC 5035, GM/T 0010-2012 (CMS).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from sealcore._core import (
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

__all__ = [
    "DOCUMENT_SIGNING",
    "Certificate",
    "CertificateAuthority",
    "CertificateRequest",
    "CmsDraft",
    "CmsInfo",
    "Deviation",
    "Format",
    "Usage",
    "cms_certificates",
    "dump_private_key",
    "dump_public_key",
    "load_certificates",
    "load_private_key",
    "load_public_key",
    "prepare_cms",
    "sign_cms",
    "verify_chain",
    "verify_cms",
]

DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36"
"""The extended key usage of certificates that sign documents (RFC 9336)."""

Format: TypeAlias = Literal["pem", "der"]
"""How a key is written."""

Usage: TypeAlias = Literal["signature", "digital_signature", "non_repudiation", "certificate_signing", "any"]
"""What an end entity's key is to be good for; ``"signature"`` is digitalSignature or nonRepudiation."""

Deviation: TypeAlias = Literal[
    "raw_signature", "unordered_attributes", "mixed_content_types", "version", "digest_algorithm_not_listed"
]
"""Something in a CMS object that verifies, but is not as the standards have it."""
