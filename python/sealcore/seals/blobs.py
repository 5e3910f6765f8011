"""Public objects that are too large for a ledger entry, named after their SHA-256: imprints and certificate chains.

A blob is written once, whole and synced, before the statement that names it. What is read back is hashed again, so
that a changed file is found and never used. Personal values do not belong here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from sealcore.errors import InputError, InvalidArgument, InvalidCertificate, InvalidSignature, StorageError
from sealcore.keys.file import write_once
from sealcore.pki import Certificate, load_certificates

__all__ = ["Blobs"]

_LARGEST = 32 * 1024 * 1024
_NAME = re.compile(r"[0-9a-f]{64}")
_CHAIN = ".pem"


class Blobs:
    """A directory of content-addressed files.

    Args:
        directory: Created at the first `put`.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, data: bytes) -> str:
        """Keep bytes.

        Returns:
            Their SHA-256 in hex, the name to get them back by.

        Raises:
            InvalidArgument: If there are more than 32 MiB.
            StorageError: If they cannot be written; nothing is left behind.
        """
        if len(data) > _LARGEST:
            raise InvalidArgument(f"blob: {len(data)} bytes; at most {_LARGEST} are kept", field="blob")
        name = hashlib.sha256(data).hexdigest()
        path = self._directory / name
        try:
            self._directory.mkdir(mode=0o755, exist_ok=True)
            write_once(path, data, mode=0o644)
        except FileExistsError:
            self.get(name)
        except OSError as error:
            raise _refused("write", path, error) from None
        return name

    def get(self, name: str) -> bytes:
        """Read bytes back.

        Args:
            name: Their SHA-256 in hex.

        Raises:
            InvalidArgument: If this is no such name.
            StorageError: If the file is missing, unreadable, or not what its name says.
        """
        if not _NAME.fullmatch(name):
            raise InvalidArgument("blob: expected 64 hexadecimal characters", field="blob")
        path = self._directory / name
        data = self._read(path)
        if hashlib.sha256(data).hexdigest() != name:
            raise _changed(path)
        return data

    def put_certificates(self, certificate: Certificate, chain: Sequence[Certificate]) -> None:
        """Keep a certificate with its intermediates, as one PEM file named after the SHA-256 of the certificate's DER.

        Raises:
            InvalidCertificate: If a link is not signed by the next.
            InvalidArgument: If it is kept with other intermediates already.
            StorageError: If it cannot be written; nothing is left behind.
        """
        _check_links([certificate, *chain])
        text = "".join(link.to_pem() for link in (certificate, *chain)).encode("ascii")
        path = self._directory / (certificate.fingerprint.hex() + _CHAIN)
        try:
            self._directory.mkdir(mode=0o755, exist_ok=True)
            write_once(path, text, mode=0o644)
        except FileExistsError:
            if self._read(path) != text:
                raise InvalidArgument(
                    f"chain: {path} holds this certificate with other intermediates; give the same chain", field="chain"
                ) from None
        except OSError as error:
            raise _refused("write", path, error) from None

    def certificates(self, fingerprint: bytes) -> list[Certificate]:
        """A certificate and its intermediates.

        Args:
            fingerprint: SHA-256 of the certificate's DER.

        Raises:
            StorageError: If the file is missing, unreadable, begins with another certificate or goes on with others.
        """
        path = self._directory / (fingerprint.hex() + _CHAIN)
        try:
            found = load_certificates(self._read(path))
            _check_links(found)
        except (InputError, InvalidCertificate):
            raise _changed(path) from None
        if not found or found[0].fingerprint != fingerprint:
            raise _changed(path)
        return found

    def _read(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(_LARGEST + 1)
        except OSError as error:
            raise _refused("read", path, error) from None


def _check_links(chain: list[Certificate]) -> None:
    for depth, (link, issuer) in enumerate(pairwise(chain)):
        try:
            link.verify_signature(issuer.public_key)
        except (InputError, InvalidSignature):
            raise InvalidCertificate(
                f"certificate {depth} of the chain: {issuer.subject!r}, the next one, did not sign it; give the "
                "intermediates in order, from the seal's certificate upwards",
                depth=depth,
            ) from None


def _changed(path: Path) -> StorageError:
    return StorageError(
        f"read {path}: the content is not what its name says; restore it from the backup",
        operation="read",
        path=str(path),
    )


def _refused(operation: str, path: Path, error: OSError) -> StorageError:
    remedy = "restore it from the backup" if operation == "read" else "make room, or give this process the right to"
    return StorageError(
        f"{operation} {path}: {error.strerror}; {remedy}", operation=operation, path=str(path), errno=error.errno
    )
