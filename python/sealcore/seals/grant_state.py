"""What a grant is worth now, seen from its row, the rows above it and its seal; for showing only."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sealcore.seals import tables
from sealcore.seals.decoding import words
from sealcore.seals.sql import sa

__all__ = ["GrantState", "parts"]

_Found = sa.Row[Any]


def parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Values in pieces that fit into one SQL statement."""
    for start in range(0, len(values), 500):
        yield values[start : start + 500]


class GrantState:
    """What a grant is worth now, from the rows of its chain; for showing only.

    The words are those of `sealcore.authority.Authority.grant_status`, and a test holds the two together.
    """

    def __init__(self, connection: sa.Connection, rows: Iterable[_Found]) -> None:
        self._now = time.time_ns() // 1000
        self._grants = {row.id: row for row in rows}
        missing = {row.parent for row in self._grants.values() if row.parent} - self._grants.keys()
        while missing:
            above: set[str] = set()
            for part in parts(sorted(missing)):
                for row in connection.execute(sa.select(tables.GRANTS).where(tables.GRANTS.c.id.in_(part))):
                    self._grants[row.id] = row
                    above |= {row.parent} if row.parent else set()
            missing = above - self._grants.keys()
        self._seals = {row.id: row.unit for row in connection.execute(sa.select(tables.SEALS))}
        self._parents = {row.id: row.parent for row in connection.execute(sa.select(tables.UNITS))}
        grantors = sorted({row.grantor for row in self._grants.values()})
        self._grantors: dict[str, _Found] = {}
        for part in parts(grantors):
            query = sa.select(tables.PERSONS).where(tables.PERSONS.c.id.in_(part))
            self._grantors.update((row.id, row) for row in connection.execute(query))
        revoked = sa.select(tables.KEYS.c.row).where(tables.KEYS.c.revoked_at.is_not(None))
        self._revoked_keys = set(connection.execute(revoked).scalars())

    def of(self, row: _Found) -> str:
        """One of the words of `GrantRow.state`: the first that holds, from the grant upwards."""
        for link in self._chain(row):
            if link.revoked_at is not None:
                return "revoked"
            if link.valid_to <= self._now:
                return "expired"
            if link.key_row in self._revoked_keys or not self._may_still(link):
                return "void"
            if link.used >= link.max_uses:
                return "exhausted"
            if link.valid_from > self._now:
                return "not-yet"
        return "active"

    def _may_still(self, link: _Found) -> bool:
        """Whether the grantor still holds the role with which he granted."""
        grantor = self._grantors[link.grantor]
        roles = () if grantor.left is not None else words(grantor.roles)
        if link.parent is not None:
            return "applicant" in roles
        return "authoriser" in roles and grantor.unit in self._units_above(self._seals[link.seal])

    def _units_above(self, unit: str) -> Iterator[str]:
        link: str | None = unit
        while link is not None:
            yield link
            link = self._parents[link]

    def _chain(self, row: _Found) -> Iterator[_Found]:
        link: _Found | None = row
        while link is not None:
            yield link
            link = self._grants.get(link.parent) if link.parent else None
