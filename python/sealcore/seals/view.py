"""A look into an office: the questions, without a lock, also while a writer is at work.

The tables of `registry.db` are used when they show the ledger as it is at the question's beginning, or later. Where
they are missing, damaged, behind or ahead (a writer crashed, somebody put an old copy there), the ledger is replayed
in memory instead. A view never writes.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sealcore.errors import StorageError, UnknownReference
from sealcore.ledger import LedgerReader
from sealcore.pki import Certificate
from sealcore.seals.blobs import Blobs
from sealcore.seals.database import Database, open_database, open_in_memory
from sealcore.seals.details import Details
from sealcore.seals.files import BLOBS, DETAILS, LEDGER, PROJECTION, existing
from sealcore.seals.projection import Projection, Shown
from sealcore.seals.queries import Queries
from sealcore.seals.replay import replay

__all__ = ["View"]

_PATIENCE_SECONDS = 0.5
_PAUSE_SECONDS = 0.01


class View(Queries):
    """Questions to an office. A context manager.

    Made by `View.open`, and by `Registry.view`.
    """

    def __init__(self, database: Database, details: Details, blobs: Blobs, *, origin: str, hash: str) -> None:
        super().__init__(database.reading, details)
        self._database = database
        self._blobs = blobs
        self._origin = origin
        self._hash = hash

    @classmethod
    def open(cls, directory: str | os.PathLike[str]) -> Self:
        """Look into an office.

        Raises:
            InvalidArgument: If there is no office in the directory.
            LedgerError: If the ledger is damaged.
        """
        base = existing(directory)
        reader = LedgerReader.open(base / LEDGER)
        details = Details(base / DETAILS, hash=reader.hash, read_only=True)
        database = _tables(base / PROJECTION, reader) or _in_memory(reader)
        return cls(database, details, Blobs(base / BLOBS), origin=reader.origin, hash=reader.hash)

    @property
    def origin(self) -> str:
        """The ledger's name."""
        return self._origin

    @property
    def hash(self) -> str:
        """The ledger's hash: ``"sha256"`` or ``"sm3"``."""
        return self._hash

    @property
    def size(self) -> int:
        """The number of ledger entries that the answers show."""
        return self._shown().size

    @property
    def root(self) -> bytes:
        """The Merkle root of these entries."""
        return self._shown().root

    def imprint(self, seal: str) -> bytes:
        """A seal's imprint as PNG.

        Raises:
            UnknownReference: If there is no such seal, or it has no imprint.
            StorageError: If the file is missing or was changed.
        """
        digest = self.seal(seal).imprint
        if digest is None:
            raise UnknownReference(f"seal: {seal!r} has no imprint")
        return self._blobs.get(digest.hex())

    def certificates(self, seal: str) -> list[Certificate]:
        """A seal's certificate and its intermediates.

        Raises:
            UnknownReference: If there is no such seal, or it has no certificate.
            StorageError: If the file is missing or was changed.
        """
        fingerprint = self.seal(seal).certificate
        if fingerprint is None:
            raise UnknownReference(f"seal: {seal!r} has no certificate; it is a physical seal")
        return self._blobs.certificates(fingerprint)

    def close(self) -> None:
        """Close the databases."""
        self._database.close()
        self._details.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"View({self._origin!r})"

    def _shown(self) -> Shown:
        shown = Projection(self._database).shown()
        if shown is None:
            raise StorageError(f"read {self._database.name}: it holds no tables any more", operation="read", path="")
        return shown


def _tables(path: Path, reader: LedgerReader) -> Database | None:
    """The file's tables, if they show this ledger as it is now or later; a writer gets a moment to finish."""
    if not path.is_file():
        return None
    database = open_database(path, durable=False, read_only=True)
    end = time.monotonic() + _PATIENCE_SECONDS
    with suppress(StorageError):
        while True:
            shown = Projection(database).shown()
            if shown is None:
                break
            if shown.size >= reader.size:
                reader.refresh()
                if shown.size <= reader.size and reader.root(shown.size) == shown.root:
                    return database
                break
            if time.monotonic() > end:
                break
            time.sleep(_PAUSE_SECONDS)
    database.close()
    return None


def _in_memory(reader: LedgerReader) -> Database:
    database = open_in_memory()
    Projection(database).rebuild(replay(reader), Shown(reader.size, reader.root()))
    return database
