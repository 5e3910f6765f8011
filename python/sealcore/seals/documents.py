"""The bytes that somebody wants sealed: taken once, so that what is hashed is what is sealed."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from sealcore.errors import InvalidArgument, StorageError
from sealcore.keys.file import sync_directory

__all__ = ["Document", "Output", "read_document"]

Document = bytes | bytearray | memoryview | str | os.PathLike[str]
"""The bytes themselves, or the path of a file."""

MAX_BYTES = 256 * 1024 * 1024
"""The largest document."""


def read_document(document: Document) -> bytes:
    """Take a document's bytes, once.

    Args:
        document: Bytes, or a path.

    Raises:
        InvalidArgument: If it is empty or larger than 256 MiB.
        StorageError: If the file cannot be read.
    """
    if isinstance(document, bytes | bytearray | memoryview):
        data = bytes(document)
    else:
        path = Path(document)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise StorageError(
                f"document: {path} cannot be read: {error.strerror}",
                operation="read",
                path=str(path),
                errno=error.errno,
            ) from None
    if not data:
        raise InvalidArgument("document: it is empty; give the bytes or the file to be sealed", field="document")
    if len(data) > MAX_BYTES:
        raise InvalidArgument(f"document: larger than {MAX_BYTES} bytes; that is the limit", field="document")
    return data


class Output:
    """The file that a sealed document goes to: whole under its name, or not there.

    The bytes are written and synced beside the name before the use is ended, and get the name after, so that the ledger
    never says "delivered" of a document that a full disk swallowed. An existing file is not touched.

    Args:
        target: The file.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}.sealing")
        if target.exists() or target.is_symlink():
            raise self._taken()
        if not target.parent.is_dir():
            raise InvalidArgument(f"output: there is no directory {target.parent}; make it first", field="output")

    def write(self, data: bytes) -> None:
        """Write and sync the draft.

        Raises:
            StorageError: If it cannot be written; nothing is left behind.
        """
        try:
            with self._draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.discard()
            raise self._refused(error) from None

    def publish(self) -> Path:
        """Give the draft its name.

        Raises:
            StorageError: If somebody took the name meanwhile, or the system refuses; the draft stays.
        """
        try:
            os.link(self._draft, self._target)
            self._draft.unlink()
            sync_directory(self._target.parent)
        except OSError as error:
            raise StorageError(
                f"output: the document is sealed and lies in {self._draft}; {self._target} could not be made: "
                f"{error.strerror}",
                operation="write",
                path=str(self._draft),
                errno=error.errno,
            ) from None
        return self._target

    def discard(self) -> None:
        """Remove the draft. What the system refuses here is left out: the error that led here is the one to be told."""
        with suppress(OSError):
            self._draft.unlink(missing_ok=True)

    def _taken(self) -> InvalidArgument:
        return InvalidArgument(
            f"output: {self._target} exists; sealed documents never overwrite a file", field="output"
        )

    def _refused(self, error: OSError) -> StorageError:
        reason = "the disk is full" if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} else error.strerror
        return StorageError(
            f"output: {self._target} cannot be written: {reason}",
            operation="write",
            path=str(self._target),
            errno=error.errno,
        )
