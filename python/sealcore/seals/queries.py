"""The questions that the tables answer, in the trade's words.

Each answer is one consistent snapshot of the projection, with the names looked up in `details.db`. Nothing here takes a
lock, writes, or decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sealcore.errors import InvalidArgument, UnknownReference
from sealcore.seals import tables
from sealcore.seals.decoding import digests, key_of, limits, moment_or_none, places, policy_of, seal_of, words
from sealcore.seals.details import MISSING, Details
from sealcore.seals.grant_state import GrantState, parts
from sealcore.seals.rows import (
    ApplicationRow,
    ApprovalRow,
    DocumentDigests,
    GrantRow,
    KeyRow,
    PersonRow,
    PolicyRow,
    SealRow,
    UnitRow,
    UseRow,
)
from sealcore.seals.sql import sa
from sealcore.seals.tables import moment

__all__ = ["FAILURES", "Queries"]

FAILURES: Mapping[str, str] = {
    "closed-at-restart": "the process ended between taking the use and delivering the document; the use stays counted",
    "signer-failed": "the seal key did not sign; the use stays counted",
    "document-failed": "the signature could not be put into the document; the use stays counted",
    "output-failed": "the sealed document could not be written; the use stays counted",
    "interrupted": "the caller interrupted the sealing; the use stays counted",
}
"""Why a use was taken and nothing delivered: the reason token in the ledger, and its sentence."""

_PREFIX = re.compile(r"[0-9a-f]{6,64}")
_Snapshot = Callable[[], AbstractContextManager[sa.Connection]]
_Found = sa.Row[Any]
_T = TypeVar("_T")


class Queries:
    """Read-only questions to one projection.

    Args:
        reading: Opens a snapshot of the tables.
        details: The personal values.
    """

    def __init__(self, reading: _Snapshot, details: Details) -> None:
        self._reading = reading
        self._details = details

    def units(self) -> list[UnitRow]:
        """Every unit, in the order of the ledger."""
        with self._reading() as connection:
            return self._units(connection, sa.select(tables.UNITS))

    def unit(self, unit: str) -> UnitRow:
        """One unit.

        Raises:
            UnknownReference: If the ledger holds none of this id.
        """
        with self._reading() as connection:
            return _only(self._units(connection, _where(tables.UNITS, id=unit)), "unit", unit)

    def persons(self) -> list[PersonRow]:
        """Every person, also those who left, in the order of the ledger."""
        with self._reading() as connection:
            return self._persons(connection, sa.select(tables.PERSONS))

    def person(self, person: str) -> PersonRow:
        """One person.

        Raises:
            UnknownReference: If the ledger holds none of this id.
        """
        with self._reading() as connection:
            return _only(self._persons(connection, _where(tables.PERSONS, id=person)), "person", person)

    def keys(self) -> list[KeyRow]:
        """The key table."""
        with self._reading() as connection:
            return [key_of(row) for row in _ordered(connection, sa.select(tables.KEYS), tables.KEYS.c.row)]

    def policies(self) -> list[PolicyRow]:
        """Every policy at the revision in force."""
        with self._reading() as connection:
            return [policy_of(row) for row in _ordered(connection, sa.select(tables.POLICIES))]

    def policy(self, policy: str) -> PolicyRow:
        """One policy.

        Raises:
            UnknownReference: If the ledger holds none of this id.
        """
        with self._reading() as connection:
            found = [policy_of(row) for row in connection.execute(_where(tables.POLICIES, id=policy))]
        return _only(found, "policy", policy)

    def seals(self) -> list[SealRow]:
        """Every seal at its latest version."""
        with self._reading() as connection:
            return [seal_of(row) for row in _ordered(connection, sa.select(tables.SEALS))]

    def seal(self, seal: str) -> SealRow:
        """One seal.

        Raises:
            UnknownReference: If the ledger holds none of this id.
        """
        with self._reading() as connection:
            found = [seal_of(row) for row in connection.execute(_where(tables.SEALS, id=seal))]
        return _only(found, "seal", seal)

    def applications(self, *, seal: str | None = None, applicant: str | None = None) -> list[ApplicationRow]:
        """Applications, oldest first.

        Args:
            seal: Only those for this seal.
            applicant: Only those of this person.
        """
        with self._reading() as connection:
            return self._applications(connection, _where(tables.APPLICATIONS, seal=seal, applicant=applicant))

    def application(self, application: str) -> ApplicationRow:
        """One application.

        Args:
            application: Its id, or an unambiguous beginning of at least 6 characters.

        Raises:
            UnknownReference: If the ledger holds none of this id.
        """
        with self._reading() as connection:
            name = _resolve(connection, tables.APPLICATIONS, application, "application")
            return _only(self._applications(connection, _where(tables.APPLICATIONS, id=name)), "application", name)

    def approvals(self, application: str) -> list[ApprovalRow]:
        """The approvals of one application, oldest first.

        Args:
            application: Its id, or an unambiguous beginning of at least 6 characters.

        Raises:
            UnknownReference: If the ledger holds no such application.
        """
        with self._reading() as connection:
            name = _resolve(connection, tables.APPLICATIONS, application, "application")
            found = _ordered(connection, _where(tables.APPROVALS, application=name))
            names = self._names(connection, (row.approver for row in found))
        return [
            ApprovalRow(
                id=row.id,
                application=row.application,
                approver=row.approver,
                approver_name=names[row.approver],
                expires=moment(row.expires),
                index=row.idx,
                time=moment(row.time),
            )
            for row in found
        ]

    def grants(
        self, *, seal: str | None = None, grantee: str | None = None, application: str | None = None
    ) -> list[GrantRow]:
        """Grants, oldest first.

        Args:
            seal: Only those for this seal.
            grantee: Only those held by this person.
            application: Only those for this application (id, or its unambiguous beginning).
        """
        with self._reading() as connection:
            if application is not None:
                application = _resolve(connection, tables.APPLICATIONS, application, "application")
            return self._grants(connection, _where(tables.GRANTS, seal=seal, grantee=grantee, application=application))

    def grant(self, grant: str) -> GrantRow:
        """One grant.

        Args:
            grant: Its id, or an unambiguous beginning of at least 6 characters.

        Raises:
            UnknownReference: If the ledger holds none of this id.
        """
        with self._reading() as connection:
            name = _resolve(connection, tables.GRANTS, grant, "grant")
            return _only(self._grants(connection, _where(tables.GRANTS, id=name)), "grant", name)

    def uses(
        self, *, seal: str | None = None, application: str | None = None, grant: str | None = None
    ) -> list[UseRow]:
        """Uses of seals, oldest first.

        Args:
            seal: Only those of this seal.
            application: Only those for this application (id, or its unambiguous beginning).
            grant: Only those under this grant itself (id, or its unambiguous beginning).
        """
        with self._reading() as connection:
            if application is not None:
                application = _resolve(connection, tables.APPLICATIONS, application, "application")
            if grant is not None:
                grant = _resolve(connection, tables.GRANTS, grant, "grant")
            return self._uses(connection, _where(tables.USES, seal=seal, application=application, grant=grant))

    def use(self, use: str) -> UseRow:
        """One use.

        Args:
            use: Its id, or an unambiguous beginning of at least 6 characters.

        Raises:
            UnknownReference: If the ledger holds none of this id.
        """
        with self._reading() as connection:
            name = _resolve(connection, tables.USES, use, "use")
            return _only(self._uses(connection, _where(tables.USES, id=name)), "use", name)

    def find(self, prefix: str) -> tuple[str, str]:
        """What an id names, by its beginning.

        Args:
            prefix: At least 6 hexadecimal characters.

        Returns:
            ``"application"``, ``"approval"``, ``"grant"`` or ``"use"``, and the whole id.

        Raises:
            UnknownReference: If nothing begins so.
            InvalidArgument: If more than one does, or this is no beginning of an id.
        """
        kinds = (
            ("application", tables.APPLICATIONS),
            ("approval", tables.APPROVALS),
            ("grant", tables.GRANTS),
            ("use", tables.USES),
        )
        with self._reading() as connection:
            found = [(kind, name) for kind, table in kinds for name in _beginning(connection, table, prefix, "id")]
        if not found:
            raise UnknownReference(f"id: the ledger holds nothing whose id begins with {prefix!r}")
        if len(found) > 1:
            raise _ambiguous("id", prefix)
        return found[0]

    def resolve(self, kind: str, prefix: str) -> str:
        """The whole id that an unambiguous beginning names.

        Args:
            kind: ``"application"``, ``"grant"`` or ``"use"``.
            prefix: At least 6 hexadecimal characters.

        Raises:
            UnknownReference: If nothing begins so.
            InvalidArgument: If more than one does, or this is no beginning of an id.
        """
        table = {"application": tables.APPLICATIONS, "grant": tables.GRANTS, "use": tables.USES}[kind]
        with self._reading() as connection:
            return _resolve(connection, table, prefix, kind)

    def _units(self, connection: sa.Connection, query: sa.Select[Any]) -> list[UnitRow]:
        found = _ordered(connection, query)
        names = self._details.look_up(row.name for row in found)
        return [
            UnitRow(
                id=row.id,
                name=names[row.name],
                parent=row.parent,
                region=row.region,
                index=row.idx,
                time=moment(row.time),
            )
            for row in found
        ]

    def _persons(self, connection: sa.Connection, query: sa.Select[Any]) -> list[PersonRow]:
        found = _ordered(connection, query)
        names = self._details.look_up(row.name for row in found)
        return [
            PersonRow(
                id=row.id,
                name=names[row.name],
                unit=row.unit,
                roles=words(row.roles),
                left=moment_or_none(row.left),
                revision=row.revision,
                index=row.idx,
                time=moment(row.time),
            )
            for row in found
        ]

    def _applications(self, connection: sa.Connection, query: sa.Select[Any]) -> list[ApplicationRow]:
        found = _ordered(connection, query)
        persons = self._names(connection, (row.applicant for row in found))
        texts = self._details.look_up(c for row in found for c in (row.purpose, row.counterparty))
        approvals = _counted(connection, tables.APPROVALS.c.application, [row.id for row in found])
        seals = {row.id: row.policy for row in connection.execute(sa.select(tables.SEALS))}
        quorums = {row.id: row.quorum for row in connection.execute(sa.select(tables.POLICIES))}
        return [
            ApplicationRow(
                id=row.id,
                seal=row.seal,
                seal_version=row.seal_version,
                applicant=row.applicant,
                applicant_name=persons[row.applicant],
                purpose=texts[row.purpose],
                documents=digests(row.documents),
                places=places(row.places),
                document_class=row.document_class,
                uses=row.impressions,
                used=row.used,
                amount=None if row.amount is None else limits(row.amount)[0],
                counterparty=None if row.counterparty is None else texts[row.counterparty],
                on_behalf_of=row.on_behalf_of,
                approvals=approvals.get(row.id, 0),
                quorum=quorums[seals[row.seal]],
                state="refused" if row.refused_by else "used" if row.used >= row.impressions else "open",
                refused_by=row.refused_by,
                refusal=row.refusal,
                index=row.idx,
                time=moment(row.time),
            )
            for row in found
        ]

    def _grants(self, connection: sa.Connection, query: sa.Select[Any]) -> list[GrantRow]:
        found = _ordered(connection, query)
        persons = self._names(connection, (name for row in found for name in (row.grantor, row.grantee)))
        state = GrantState(connection, found)
        return [
            GrantRow(
                id=row.id,
                parent=row.parent,
                seal=row.seal,
                seal_version=row.seal_version,
                grantor=row.grantor,
                grantor_name=persons[row.grantor],
                grantee=row.grantee,
                grantee_name=persons[row.grantee],
                application=row.application,
                documents=digests(row.documents),
                classes=words(row.classes),
                max_amounts=limits(row.max_amounts),
                max_uses=row.max_uses,
                used=row.used,
                valid_from=moment(row.valid_from),
                valid_to=moment(row.valid_to),
                depth_left=row.depth_left,
                revoked_at=moment_or_none(row.revoked_at),
                state=state.of(row),
                index=row.idx,
                time=moment(row.time),
            )
            for row in found
        ]

    def _uses(self, connection: sa.Connection, query: sa.Select[Any]) -> list[UseRow]:
        found = _ordered(connection, query)
        persons = self._names(connection, (name for row in found for name in (row.applicant, row.user)))
        return [
            UseRow(
                id=row.id,
                application=row.application,
                grant=row.grant,
                seal=row.seal,
                seal_version=row.seal_version,
                applicant=row.applicant,
                applicant_name=persons[row.applicant],
                user=row.user,
                user_name=persons[row.user],
                approvers=words(row.approvers),
                number=row.number,
                of=row.of,
                document=DocumentDigests(sha256=row.sha256, sm3=row.sm3),
                result=row.result,
                delivered=None
                if row.delivered_sha256 is None
                else DocumentDigests(sha256=row.delivered_sha256, sm3=row.delivered_sm3),
                level=row.level,
                reason=row.reason,
                explanation=FAILURES.get(row.reason) if row.reason else None,
                index=row.idx,
                time=moment(row.time),
                end_index=row.end_idx,
                end_time=moment_or_none(row.end_time),
            )
            for row in found
        ]

    def _names(self, connection: sa.Connection, persons: Iterable[str]) -> Mapping[str, str]:
        """The names of persons, by id."""
        wanted = sorted(set(persons))
        commitments: dict[str, bytes] = {}
        for part in parts(wanted):
            query = sa.select(tables.PERSONS.c.id, tables.PERSONS.c.name).where(tables.PERSONS.c.id.in_(part))
            commitments.update((row.id, row.name) for row in connection.execute(query))
        values = self._details.look_up(commitments.values())
        return {person: values.get(commitments.get(person, b""), MISSING) for person in wanted}


def _where(table: sa.Table, **values: str | None) -> sa.Select[Any]:
    query = sa.select(table)
    for name, value in values.items():
        if value is not None:
            query = query.where(table.c[name] == value)
    return query


def _ordered(connection: sa.Connection, query: sa.Select[Any], by: sa.Column[Any] | None = None) -> list[_Found]:
    column = sa.text("idx") if by is None else by
    return list(connection.execute(query.order_by(column)))


def _only(found: Sequence[_T], kind: str, name: str) -> _T:
    if not found:
        raise UnknownReference(f"{kind}: the ledger holds no {kind} {name!r}")
    return found[0]


def _counted(connection: sa.Connection, column: sa.Column[Any], values: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in parts(values):
        query = sa.select(column, sa.func.count()).where(column.in_(part)).group_by(column)
        counts.update((name, count) for name, count in connection.execute(query))
    return counts


def _resolve(connection: sa.Connection, table: sa.Table, prefix: str, kind: str) -> str:
    found = _beginning(connection, table, prefix, kind)
    if not found:
        raise UnknownReference(f"{kind}: the ledger holds none whose id begins with {prefix!r}")
    if len(found) > 1:
        raise _ambiguous(kind, prefix)
    return found[0]


def _beginning(connection: sa.Connection, table: sa.Table, prefix: str, field: str) -> list[str]:
    if not _PREFIX.fullmatch(prefix):
        raise InvalidArgument(f"{field}: expected 64 hexadecimal characters, or at least the first 6", field=field)
    query = sa.select(table.c.id).where(table.c.id.startswith(prefix, autoescape=True)).limit(2)
    return list(connection.execute(query).scalars())


def _ambiguous(field: str, prefix: str) -> InvalidArgument:
    return InvalidArgument(f"{field}: more than one id begins with {prefix!r}; give more characters", field=field)
