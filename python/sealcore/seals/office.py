"""What every part of the registry stands on: the journal, the persons' keys, the values, the gate."""

from __future__ import annotations

from pathlib import Path

from sealcore.keys import KeyStore
from sealcore.seals.authors import Authors
from sealcore.seals.blobs import Blobs
from sealcore.seals.details import Details, Secret
from sealcore.seals.gate import Gate
from sealcore.seals.journal import Journal
from sealcore.seals.view import View

__all__ = ["Office"]


class Office:
    """The parts of an open registry."""

    def __init__(
        self,
        directory: Path,
        *,
        journal: Journal,
        store: KeyStore,
        authors: Authors,
        details: Details,
        blobs: Blobs,
        gate: Gate,
        view: View,
    ) -> None:
        self._directory = directory
        self._journal = journal
        self._store = store
        self._authors = authors
        self._details = details
        self._blobs = blobs
        self._gate = gate
        self._view = view

    def _note(self, field: str, note: str | None) -> list[Secret]:
        """The commitment to an optional free text."""
        return [] if note is None else [self._details.commit(field, note)]


def commitment(secrets: list[Secret]) -> bytes | None:
    """The commitment of the only secret, or None when there is none."""
    return secrets[0].commitment if secrets else None
