"""Who signs a statement: from a person's id, or from a key that he holds himself, to a row of the key table.

A person's key file is named after him and a running number (``person-liwei@1.key``): each key added later gets the next
number. What a file says does not count; only a key whose public half stands in the ledger's key table, unrevoked, makes
its holder an author. Whether the author may do what he does is authority's to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sealcore.errors import InvalidKey, NotPermitted, UnknownReference
from sealcore.keys import KeyStore, Signer
from sealcore.sign import AlgorithmName, VerifyingKey

__all__ = ["FOUNDER", "GATE", "OFFICE_KEY", "Author", "Authors", "KeyTableRow", "person_key_id"]

GATE = "gate"
"""The holder of row 0 of the key table."""
FOUNDER = "founder"
"""The holder of row 1 of the key table, and the id of his key file."""
OFFICE_KEY = "office"
"""The id of the ledger's own key file, with which the gate signs."""


@dataclass(frozen=True, slots=True)
class KeyTableRow:
    """One row of the ledger's key table."""

    row: int
    holder: str | None
    key: VerifyingKey
    revoked: bool


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody who can sign statements now."""

    holder: str
    row: int
    key: VerifyingKey
    signer: Signer


class Authors:
    """The way from `by` to a key.

    Args:
        store: The persons' key files.
        rows: The ledger's key table now.
    """

    def __init__(self, store: KeyStore, rows: Callable[[], Iterable[KeyTableRow]]) -> None:
        self._store = store
        self._rows = rows

    def author(self, by: str | Signer) -> Author:
        """Find the key with which somebody signs.

        Args:
            by: A person's id, ``"founder"``, or a key that stands in the key table.

        Raises:
            UnknownReference: If the person has no key in the ledger, or the key does not stand there.
            NotPermitted: If it was revoked, or belongs to the gate.
            InvalidKey: If the person's key does not lie in this store.
            WrongPassword: If its file does not open.
            TypeError: If it is neither.
        """
        if isinstance(by, str):
            return self._of_person(by)
        if not isinstance(by, Signer):
            raise TypeError(f"by: a person's id or a Signer, got {type(by).__name__}")
        return self._of_signer(by)

    def _of_person(self, person: str) -> Author:
        rows = {row.key: row for row in self._rows() if row.holder == person}
        if person == GATE:
            raise NotPermitted("by: the gate signs for itself; name a person")
        if not rows:
            raise UnknownReference(f"by: {person!r} has no key in the ledger; add the person, or a key with add_key")
        valid = {key: row for key, row in rows.items() if not row.revoked}
        if not valid:
            raise NotPermitted(f"by: every key of {person!r} is revoked; a manager adds a new one with add_key")
        for key_id in reversed(self.key_ids(person)):
            key = self._store.open(key_id)
            row = valid.get(key.verifying_key)
            if row is not None:
                return Author(person, row.row, row.key, key)
        raise InvalidKey(
            f"by: no valid key of {person!r} lies in {self._store.directory}; pass the key itself as `by`", field="by"
        )

    def _of_signer(self, signer: Signer) -> Author:
        key = signer.verifying_key
        for row in self._rows():
            if row.key == key:
                if row.revoked:
                    raise NotPermitted(f"by: this key of {row.holder!r} is revoked")
                if row.holder is None or row.holder == GATE:
                    raise NotPermitted("by: this key belongs to no person; add it to one with add_key")
                return Author(row.holder, row.row, row.key, signer)
        raise UnknownReference("by: this key does not stand in the ledger's key table; add it with add_key")

    def key_ids(self, person: str) -> list[str]:
        """The ids of a person's key files, oldest first."""
        if person == FOUNDER:
            return [FOUNDER] if FOUNDER in self._store else []
        found = []
        number = 1
        while (key_id := person_key_id(person, number)) in self._store:
            found.append(key_id)
            number += 1
        return found

    def new_key(self, person: str, algorithm: AlgorithmName) -> VerifyingKey:
        """Make the next key file of a person, or take one that an interrupted call left without holder.

        Raises:
            InvalidArgument: If the algorithm is none.
            StorageError: If the file cannot be written.
        """
        held = {row.key for row in self._rows() if row.holder is not None}
        existing = self.key_ids(person)
        if existing:
            last = self._store.open(existing[-1])
            if last.verifying_key not in held and last.algorithm == algorithm:
                return last.verifying_key
        return self._store.create(person_key_id(person, len(existing) + 1), algorithm=algorithm).verifying_key


def person_key_id(person: str, number: int) -> str:
    """The id of a person's key file."""
    return f"person-{person}@{number}"
