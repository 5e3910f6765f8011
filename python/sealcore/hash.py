"""SHA-256 and SM3, and HMAC of both: one message, a stream, a file, many messages.

Digests are 32 bytes. Wherever bytes are taken, every contiguous byte buffer is (``bytes``, ``bytearray``,
``memoryview``, a numpy array of ``uint8``). Other threads run while long messages, files and batches are hashed.

Source:
    FIPS 180-4 (SHA-256), GB/T 32905-2016 (SM3), RFC 2104 (HMAC).
"""

from __future__ import annotations

import os
from typing import Literal, TypeAlias

from sealcore._core import Hasher, digest, digest_many, hmac, sha256, sm3

__all__ = ["HashName", "Hasher", "digest", "digest_many", "file_digest", "hmac", "sha256", "sm3"]

HashName: TypeAlias = Literal["sha256", "sm3"]
"""The name of a hash function."""

_CHUNK = 1 << 20


def file_digest(path: str | os.PathLike[str], algorithm: HashName) -> bytes:
    """The digest of a file, read in pieces of 1 MiB.

    Args:
        path: The file.
        algorithm: ``"sha256"`` or ``"sm3"``.

    Returns:
        32 bytes.

    Raises:
        InvalidArgument: No such algorithm.
        OSError: The file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     _ = file.write(b"abc")
        ...     file.flush()
        ...     file_digest(file.name, "sm3") == sm3(b"abc")
        True
    """
    hasher = Hasher(algorithm)
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return hasher.digest()
