"""Signatures: SM2 with SM3 and ECDSA over P-256 with SHA-256, one at a time and many at once.

A key knows its algorithm, ``"sm2"`` or ``"p256"``. A signature is 64 bytes, r ‖ s big-endian; strict DER goes in and
out through :func:`signature_to_der`, :func:`signature_from_der` and ``encoding="der"``. ``distid`` is the
distinguishing identifier of an SM2 signer: left out it is ``DEFAULT_DISTID``, ``b""`` is the empty one (ENTL = 0).
Signing takes constant time in the key and the nonce; nonces follow RFC 6979 with added randomness.

Example:
    >>> key = SigningKey.generate("sm2")
    >>> signature = key.sign(b"message")
    >>> key.verifying_key.verify(b"message", signature)
    >>> verify_many(key.verifying_key, [b"message", b"massage"], [signature, signature]).failed
    (1,)

Source:
    GB/T 32918.2-2016 and GB/T 32918.5-2017 (SM2), FIPS 186-5 (ECDSA), RFC 6979 (nonces).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from sealcore._core import (
    PreparedKey,
    SigningKey,
    Verdicts,
    VerifyingKey,
    sign_digest_many,
    sign_many,
    signature_from_der,
    signature_to_der,
    verify_digest_many,
    verify_many,
)

__all__ = [
    "DEFAULT_DISTID",
    "AlgorithmName",
    "Encoding",
    "PreparedKey",
    "SigningKey",
    "Verdicts",
    "VerifyingKey",
    "sign_digest_many",
    "sign_many",
    "signature_from_der",
    "signature_to_der",
    "verify_digest_many",
    "verify_many",
]

DEFAULT_DISTID = b"1234567812345678"
"""The distinguishing identifier of SM2 signers who agreed on none (GM/T 0009-2012, clause 10)."""

AlgorithmName: TypeAlias = Literal["sm2", "p256"]
"""The name of a signature algorithm."""

Encoding: TypeAlias = Literal["raw", "der"]
"""How a signature is written: 64 bytes r ‖ s, or strict DER."""
