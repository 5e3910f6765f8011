"""The state, the gate and the audit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias

from sealcore import _core
from sealcore._core import UseToken
from sealcore.authority._records import (
    ApplicationRecord,
    Finding,
    GrantRecord,
    HeldGrant,
    HeldRoles,
    HeldSeal,
    Holdings,
    KeyRecord,
    PersonRecord,
    PolicyRecord,
    SealRecord,
    UnitRecord,
    UseRecord,
)
from sealcore.authority._statements import Statement, decode
from sealcore.authority._values import Digests, Position, Seen, Time, from_us, to_us
from sealcore.errors import UnknownReference
from sealcore.hash import HashName

EntryKind: TypeAlias = Literal["statement", "key-add", "key-revoke", "key-rotate", "redact", "segment", "anchor"]
"""The types of ledger entries that authority judges."""

Entry: TypeAlias = _core.Entry | tuple[int, int, int, str, bytes]
"""An entry for replaying: one of the ledger's, or a tuple of index, time in µs since 1970 UTC, key_idx, kind, body."""


class Authority:
    """What the statements of a ledger allow, up to the entry applied last.

    Safe to share between threads. Whoever appends to the ledger holds one lock around *check, append, apply*; readers
    need none.

    Args:
        genesis: The body of the ledger's entry 0.
    """

    def __init__(self, genesis: bytes) -> None:
        self._state = _core.AuthorityState(genesis)

    @property
    def ledger(self) -> bytes:
        """The ledger's id, which every statement names: the statement id of the genesis."""
        return self._state.ledger

    @property
    def hash(self) -> HashName:
        """The hash function of the ledger."""
        return self._state.hash

    @property
    def next_index(self) -> int:
        """The index of the entry to come."""
        return self._state.last[0] + 1

    @property
    def last_time(self) -> datetime:
        """The time of the entry applied last; no entry may be older."""
        return from_us(self._state.last[1])

    def check(self, body: bytes, *, key_idx: int, time: Time, kind: EntryKind = "statement") -> None:
        """Judges the entry to come without taking it.

        Raises:
            PolicyError: The rule that refuses it, the statement that decides, its limit and the actual value.
            InputError: The body is no statement, or one for another ledger.
        """
        try:
            self._state.check(body, key_idx, to_us(time), kind)
        except UnknownReference as error:
            raise self._named(error, body, kind) from None

    def _named(self, error: UnknownReference, body: bytes, kind: EntryKind) -> UnknownReference:
        """The same refusal with the fields and values that the ledger does not hold."""
        unknown = self._unknown(decode(body)) if kind == "statement" else []
        if not unknown:
            return error
        return UnknownReference(
            f"{error}: {', '.join(unknown)}", statement=error.statement, limit=error.limit, actual=error.actual
        )

    def _unknown(self, statement: Statement) -> list[str]:
        """What a statement names and the ledger does not hold: field and value."""
        found = []
        for field, kind in _REFERENCES.items():
            value = getattr(statement, field, None)
            for name in value if isinstance(value, tuple) else (value,):
                if isinstance(name, str | bytes):
                    try:
                        self._state.record("grants" if isinstance(name, bytes) and field == "parent" else kind, name)
                    except UnknownReference:
                        found.append(f"{field} {_shown(name)}")
        return found

    def apply(self, body: bytes, *, index: int, key_idx: int, time: Time, kind: EntryKind = "statement") -> None:
        """Judges an entry and takes it; when it is refused nothing changes.

        Raises:
            PolicyError: As :meth:`check`.
            InputError: As :meth:`check`; also when ``index`` is not :attr:`next_index`.
        """
        try:
            self._state.apply(body, index, key_idx, to_us(time), kind)
        except UnknownReference as error:
            raise self._named(error, body, kind) from None

    def apply_many(self, entries: Iterable[Entry]) -> int:
        """Applies entries in order, for replaying a ledger; stops at the first that is refused.

        Returns:
            How many were applied.
        """
        return self._state.apply_many(iter(entries))

    def authorise_use(
        self,
        *,
        application: bytes,
        grant: bytes,
        user: str,
        document: Digests,
        now: Time,
        position: Position | None = None,
        seen: Seen | None = None,
    ) -> UseToken:
        """The gate: whether the seal may be used now, and under which number.

        Args:
            application: The id of the approved application.
            grant: The id of the grant.
            user: Who uses the seal: the grantee.
            document: The digests of the bytes to be sealed, hashed now.
            now: The time, which becomes the time of the entry.
            position: Where the imprint goes; needed when the application names places.
            seen: The ledger's last checkpoint.

        Returns:
            A token whose ``body`` is to be appended and applied before the seal's key signs.

        Raises:
            PolicyError: The rule that refuses it, the statement that decides, its limit and the actual value;
                LimitExceeded also for a place that the application does not name.
        """
        return self._state.authorise_use(
            application,
            grant,
            user,
            (document.sha256, document.sm3),
            to_us(now),
            None if position is None else (position.page, position.x_um, position.y_um),
            None if seen is None else (seen.size, seen.root),
        )

    def units(self) -> tuple[UnitRecord, ...]:
        """Every unit, in the order of the ledger, as in all of these."""
        return tuple(map(UnitRecord.read, self._state.records("units")))

    def persons(self) -> tuple[PersonRecord, ...]:
        """Every person, also those who left."""
        return tuple(map(PersonRecord.read, self._state.records("persons")))

    def keys(self) -> tuple[KeyRecord, ...]:
        """Every row of the key table."""
        return tuple(map(KeyRecord.read, self._state.records("keys")))

    def policies(self) -> tuple[PolicyRecord, ...]:
        """Every policy at the revision in force."""
        return tuple(map(PolicyRecord.read, self._state.records("policies")))

    def seals(self) -> tuple[SealRecord, ...]:
        """Every seal at the version in force."""
        return tuple(map(SealRecord.read, self._state.records("seals")))

    def applications(self) -> tuple[ApplicationRecord, ...]:
        """Every application with its approvals or refusal."""
        return tuple(map(ApplicationRecord.read, self._state.records("applications")))

    def grants(self) -> tuple[GrantRecord, ...]:
        """Every grant with its uses."""
        return tuple(map(GrantRecord.read, self._state.records("grants")))

    def uses(self) -> tuple[UseRecord, ...]:
        """Every use."""
        return tuple(map(UseRecord.read, self._state.records("uses")))

    def open_uses(self) -> tuple[UseRecord, ...]:
        """The uses without an end. At a start, each is to be ended with :class:`UseFailed`."""
        return tuple(map(UseRecord.read, self._state.records("open_uses")))

    def _record(self, kind: str, field: str, name: str | bytes) -> Any:
        try:
            return self._state.record(kind, name)
        except UnknownReference as error:
            raise UnknownReference(
                f"{field}: the ledger holds no {field} {_shown(name)}",
                statement=error.statement,
                limit=error.limit,
                actual=error.actual,
            ) from None

    def unit(self, name: str) -> UnitRecord:
        """One unit. Raises UnknownReference when the ledger has none of this name, as do all of these."""
        return UnitRecord.read(self._record("units", "unit", name))

    def person(self, name: str) -> PersonRecord:
        """One person."""
        return PersonRecord.read(self._record("persons", "person", name))

    def policy(self, name: str) -> PolicyRecord:
        """One policy."""
        return PolicyRecord.read(self._record("policies", "policy", name))

    def seal(self, name: str) -> SealRecord:
        """One seal."""
        return SealRecord.read(self._record("seals", "seal", name))

    def application(self, id: bytes) -> ApplicationRecord:
        """One application."""
        return ApplicationRecord.read(self._record("applications", "application", id))

    def grant(self, id: bytes) -> GrantRecord:
        """One grant."""
        return GrantRecord.read(self._record("grants", "grant", id))

    def use(self, id: bytes) -> UseRecord:
        """One use."""
        return UseRecord.read(self._record("uses", "use", id))

    def digest(self) -> bytes:
        """The digest of the whole state: two replays that agree on everything have the same one."""
        return self._state.digest()

    def held_at(self, time: Time) -> Holdings:
        """Who held what at some time: roles, seals and grants in force, from the entries applied so far."""
        held = self._state.held_at(to_us(time))
        return Holdings(
            persons=tuple(HeldRoles(**values) for values in held["persons"]),
            seals=tuple(HeldSeal(**values) for values in held["seals"]),
            grants=tuple(HeldGrant(**values) for values in held["grants"]),
        )

    def grant_status(self, grant: bytes, *, now: Time) -> str:
        """How a grant and those above it stand: active, not-yet, expired, revoked, exhausted or void.

        ``void``: a grantor of the chain no longer may grant, or the key that signed a link is revoked.
        """
        return self._state.grant_status(grant, to_us(now))

    def grant_chain(self, grant: bytes) -> tuple[bytes, ...]:
        """The ids of the grants from the root down to this one."""
        return tuple(self._state.grant_chain(grant))

    @classmethod
    def _wrap(cls, state: _core.AuthorityState) -> Self:
        authority = cls.__new__(cls)
        authority._state = state
        return authority

    def __repr__(self) -> str:
        return f"Authority({self._state!r})"


_REFERENCES = {
    "unit": "units",
    "parent": "units",
    "on_behalf_of": "units",
    "applicant_units": "units",
    "approver_units": "units",
    "required_units": "units",
    "person": "persons",
    "approvers": "persons",
    "grantee": "persons",
    "policy": "policies",
    "seal": "seals",
    "application": "applications",
    "grant": "grants",
    "use": "uses",
}
"""Fields of statements that name something in the ledger, and where it is looked up; `parent` may also be a grant."""


def _shown(name: str | bytes) -> str:
    return name.hex() if isinstance(name, bytes) else repr(name)


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """What the replay of a ledger found.

    Args:
        entries: How many entries were replayed, the genesis included.
        findings: In the order of the ledger, those about unfinished uses last; at most 10,000.
        total: How many findings there are in all.
        authority: The state at the end, for every question about it: ``authority.uses()`` lists each use with its
            applicant, approvers, grant, number and result; a refused entry has left no trace in it.
    """

    entries: int
    findings: tuple[Finding, ...]
    total: int
    authority: Authority

    @property
    def is_clean(self) -> bool:
        """Whether there are no findings."""
        return self.total == 0


def audit(entries: Iterable[Entry]) -> AuditReport:
    """Replays a whole ledger with the rules of the gate; what they refuse becomes a finding, and the replay goes on.

    Signatures, hashes and the order of the bytes are the ledger's part: verify the ledger first.

    Args:
        entries: Every entry from index 0, the genesis.

    Raises:
        InputError: There is no genesis, or an entry of a type that authority does not know.
    """
    report, state = _core.authority_audit(iter(entries))
    findings = tuple(Finding(**values) for values in report["findings"])
    return AuditReport(
        entries=report["entries"], findings=findings, total=report["total"], authority=Authority._wrap(state)
    )
