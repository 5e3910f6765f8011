"""The protocol of a private key, wherever it lies.

It has two phases on purpose: whoever prepares a signature knows only the algorithm and the verifying key, hands over
the exact bytes, and gets 64 bytes back. A token, an HSM or a remote service fits behind it without the caller
knowing. The protocol holds no key management: creating, rotating and destroying keys is the business of each kind of
store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from sealcore.sign import VerifyingKey

__all__ = ["Signer"]


@runtime_checkable
class Signer(Protocol):
    """Something that holds a private key and signs with it.

    `sealcore.sign.SigningKey` is one, and so is `FileKey`.
    """

    @property
    def algorithm(self) -> str:
        """``"sm2"`` or ``"p256"``."""
        ...

    @property
    def verifying_key(self) -> VerifyingKey:
        """The public half."""
        ...

    def sign(self, message: bytes, /) -> bytes:
        """Hash the message and sign it: SM3 with Z_A of the default distid (SM2), SHA-256 (P-256).

        Returns:
            64 bytes, r then s, big-endian.
        """
        ...

    def sign_digest(self, digest: bytes, /) -> bytes:
        """Sign 32 hashed bytes (SM2: e, which is SM3(Z_A || message)).

        Returns:
            64 bytes, r then s, big-endian.
        """
        ...
