"""Signing, the ledger, the imprint, authority and documents: the core of trustworthy seals."""

from sealcore._core import __version__, backends
from sealcore.errors import SealcoreError
from sealcore.hash import sha256, sm3
from sealcore.sign import PreparedKey, SigningKey, Verdicts, VerifyingKey, sign_many, verify_many

__all__ = [
    "PreparedKey",
    "SealcoreError",
    "SigningKey",
    "Verdicts",
    "VerifyingKey",
    "__version__",
    "backends",
    "sha256",
    "sign_many",
    "sm3",
    "verify_many",
]
