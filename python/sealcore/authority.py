"""Who may put which seal on what: statements, the gate before a seal's key signs, and the audit of a ledger.

Everything that changes what is allowed is a *statement*, signed by a person, an entry of the ledger.
:class:`Authority` is the state after the entries so far; the same transition function judges a statement before it is
appended (:meth:`Authority.check`), takes it (:meth:`Authority.apply`), allows a use (:meth:`Authority.authorise_use`)
and audits a whole ledger. It decides and computes nothing else: no clock, no keys, no files; signatures
are checked by the ledger.

The contract of the gate, under the caller's one writer lock::

    token = authority.authorise_use(application=..., grant=..., user=..., document=Digests.of(pdf), now=now)
    receipt = ledger.append(...)             # exactly token.body, signed with the ledger's own key, at token.time
    authority.apply(token.body, index=receipt.index, key_idx=0, time=token.time)
    ...                                      # now the seal's key signs
    ...                                      # append and apply UseDelivered, or UseFailed

``apply`` judges the use once more, so of two tokens for the last use of a grant only one can be taken.

Example:
    >>> expires = datetime(2030, 1, 1, tzinfo=UTC)
    >>> statement = Approval(by="ann", ledger=bytes(32), application=bytes(32), expires=expires)
    >>> decode(statement.encode()) == statement
    True
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal, Self, TypeAlias

from sealcore import _core
from sealcore._core import UseToken
from sealcore.errors import InvalidArgument

__all__ = [
    "Amount",
    "Application",
    "ApplicationRecord",
    "Approval",
    "ApprovalRecord",
    "Authority",
    "Digests",
    "Grant",
    "GrantRecord",
    "GrantRevoke",
    "KeyRecord",
    "Person",
    "PersonKey",
    "PersonLeft",
    "PersonRecord",
    "Policy",
    "PolicyRecord",
    "Position",
    "Refusal",
    "RefusalRecord",
    "Seal",
    "SealRecord",
    "SealState",
    "SealUse",
    "Seen",
    "Statement",
    "Time",
    "Unit",
    "UnitRecord",
    "UseDelivered",
    "UseFailed",
    "UseRecord",
    "UseToken",
    "commitment",
    "decode",
]

Time: TypeAlias = datetime | int
"""A time: an aware ``datetime``, or microseconds since 1970-01-01 UTC."""

EntryKind: TypeAlias = Literal["statement", "key-add", "key-revoke"]
"""The types of ledger entries that authority judges."""

Entry: TypeAlias = tuple[int, int, int, str, bytes]
"""An entry of the ledger for replaying: index, time in µs since 1970 UTC, key_idx, kind, body."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _to_us(time: Time) -> int:
    if isinstance(time, int):
        return time
    if time.tzinfo is None:
        raise InvalidArgument("time: a time without zone is ambiguous; give datetime(..., tzinfo=UTC)", field="time")
    return (time - _EPOCH) // _MICROSECOND


def _from_us(time: int) -> datetime:
    return _EPOCH + time * _MICROSECOND


# --- what statements are made of ---


@dataclass(frozen=True, order=True, slots=True)
class Digests:
    """The digests of one document under both hash functions: a pair, never one of them alone.

    Example:
        >>> Digests.of(b"contract").sha256.hex()[:16]
        'cc8321d6375c494d'
    """

    sha256: bytes
    sm3: bytes

    @classmethod
    def of(cls, document: bytes) -> Self:
        """Hashes the bytes of a document."""
        return cls(_core.sha256(document), _core.sm3(document))


@dataclass(frozen=True, order=True, slots=True)
class Amount:
    """An amount of money: ISO 4217 code and minor units (cents, 分)."""

    currency: str
    minor: int


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """A place for an imprint: its lower left corner, in µm from the lower left corner of the page (from 1)."""

    page: int
    x_um: int
    y_um: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The last checkpoint that a signer saw: every signer is a witness of the ledger up to there."""

    size: int
    root: bytes


def commitment(value: str | bytes, *, salt: bytes, hash: str = "sha256") -> bytes:
    """The commitment ``H(salt ‖ value)`` under which names and free text enter the ledger.

    Args:
        value: The personal value; text is taken as UTF-8.
        salt: 16 random bytes, another salt for every value. Kept outside the ledger, deleted with the value.
        hash: ``"sha256"`` or ``"sm3"``.

    Example:
        >>> len(commitment("Li Wei", salt=bytes(16)))
        32
    """
    return _core.commitment(value.encode() if isinstance(value, str) else value, salt, hash)


_NESTED: dict[str, type[Any]] = {
    "document": Digests,
    "delivered": Digests,
    "documents": Digests,
    "amount": Amount,
    "max_amounts": Amount,
    "position": Position,
    "positions": Position,
    "seen": Seen,
}
_TIMES = frozenset({"expires", "valid_from", "valid_to", "time", "revoked", "left", "end_time"})
_SETS = frozenset(
    {
        "roles",
        "approvers",
        "approver_units",
        "required_units",
        "applicant_units",
        "classes",
        "max_amounts",
        "documents",
        "positions",
    }
)


def _plain(value: Any) -> Any:
    """What the native side takes: int, bytes, str, list and dict."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return _to_us(value)
    if isinstance(value, Digests | Amount | Position | Seen):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    return value


def _rich(name: str, value: Any) -> Any:
    """The other way round, by the name of the field."""
    if name in _TIMES:
        return _from_us(value)
    nested = _NESTED.get(name)
    if nested is None:
        return value
    return tuple(nested(**item) for item in value) if isinstance(value, tuple) else nested(**value)


def _arguments(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _rich(name, value) for name, value in values.items()}


# --- statements ---

_KINDS: dict[str, type[Statement]] = {}


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What every statement has. Fields that are sets are kept sorted; times may be given as µs since 1970 UTC.

    Args:
        by: Who signs: a person's id, ``"founder"`` or ``"gate"``; must be the holder of the entry's key.
        ledger: :attr:`Authority.ledger`, so that the statement cannot be played into another ledger.
        seen: The last checkpoint that the signer saw.
    """

    kind: ClassVar[str]

    by: str
    ledger: bytes
    seen: Seen | None = None

    def __init_subclass__(cls, kind: str = "", **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if kind:
            cls.kind = kind
            _KINDS[kind] = cls

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in _SETS:
                object.__setattr__(self, item.name, tuple(sorted(value)))
            elif isinstance(value, list):
                object.__setattr__(self, item.name, tuple(value))
            elif item.name in _TIMES and value is not None:
                object.__setattr__(self, item.name, _from_us(_to_us(value)))

    def encode(self) -> bytes:
        """The body of the ledger entry: deterministic CBOR.

        Raises:
            InputError: A value is outside its domain; the message names the field and what would be right.
        """
        values = {item.name: _plain(getattr(self, item.name)) for item in fields(self)}
        present = {name: value for name, value in values.items() if value is not None and value != []}
        return _core.authority_encode({"v": 1, "kind": self.kind, **present})


def decode(body: bytes) -> Statement:
    """Reads the body of a ledger entry.

    Raises:
        InputError: The bytes are not exactly one statement; the message names the field, the offset or the remedy.
    """
    values = _core.authority_decode(body)
    statement = _KINDS[values.pop("kind")]
    del values["v"]
    return statement(**_arguments(values))


@dataclass(frozen=True, kw_only=True)
class _UnitFields:
    id: str
    name: bytes
    parent: str | None = None
    region: str | None = None


@dataclass(frozen=True, kw_only=True)
class Unit(_UnitFields, Statement, kind="unit"):
    """A unit of the organisation; the one without ``parent`` is the headquarters. ``name`` is a commitment."""


@dataclass(frozen=True, kw_only=True)
class Person(Statement, kind="person"):
    """A person, the unit and the roles; a further ``revision`` replaces unit and roles.

    Roles are of one power: ``manager`` | ``applicant``, ``approver``, ``authoriser`` | ``auditor``.
    """

    id: str
    unit: str
    name: bytes
    roles: tuple[str, ...] = ()
    revision: int = 1


@dataclass(frozen=True, kw_only=True)
class PersonLeft(Statement, kind="person-left"):
    """A person has left: final. ``reason`` is a short word, ``note`` a commitment."""

    person: str
    reason: str
    note: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class PersonKey(Statement, kind="person-key"):
    """A row of the key table belongs to this person. ``key`` is the 65-byte point, as added by KEY_ADD."""

    person: str
    key: bytes
    valid_from: Time | None = None
    valid_to: Time | None = None


@dataclass(frozen=True, kw_only=True)
class _PolicyFields:
    id: str
    quorum: int
    applicant_units: tuple[str, ...]
    approvers: tuple[str, ...] = ()
    approver_units: tuple[str, ...] = ()
    distinct_units: int = 1
    required_units: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    max_amounts: tuple[Amount, ...] = ()
    revision: int = 1


@dataclass(frozen=True, kw_only=True)
class Policy(_PolicyFields, Statement, kind="policy"):
    """Who must approve, who may apply, within which limits. Who applies or uses never counts among the approvers.

    Args:
        quorum: k different approvers.
        approvers: Persons who may approve while they hold the role ``approver``.
        approver_units: Every approver of these units may, too.
        distinct_units: The approvers come from at least so many units.
        required_units: Each of them gives at least one approver.
        applicant_units: Applicants of these units and below may apply.
        classes: Document classes; empty means every class.
        max_amounts: The ceiling for each currency; empty means no limit. With ceilings an application needs an amount.
    """


@dataclass(frozen=True, kw_only=True)
class _SealFields:
    id: str
    unit: str
    seal_kind: str
    policy: str
    width_um: int
    height_um: int
    form: str = "electronic"
    certificate: bytes | None = None
    imprint: bytes | None = None
    filing_number: str | None = None
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class Seal(_SealFields, Statement, kind="seal"):
    """A seal at one version; a further version has another certificate or engraving and begins as a draft.

    Args:
        seal_kind: ``company``, ``contract``, ``finance``, ``personnel``, ``invoice`` or ``legal-person``.
        form: ``electronic`` or ``physical``.
        certificate: SHA-256 of the end-entity certificate (DER); an electronic seal has one.
        imprint: SHA-256 of the imprint's picture.
        width_um: Width of the imprint in µm; a round company seal of 42 mm has 42,000.
    """


@dataclass(frozen=True, kw_only=True)
class SealState(Statement, kind="seal-state"):
    """A step in a seal's life: ``draft`` -> ``active`` <-> ``suspended`` -> ``revoked`` or ``lost`` -> ``destroyed``.

    ``step`` counts the steps of this version from 1 (:attr:`SealRecord.step` + 1).
    """

    seal: str
    version: int
    step: int
    state: str
    reason: str
    note: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class _ApplicationFields:
    seal: str
    seal_version: int
    purpose: bytes
    documents: tuple[Digests, ...]
    document_class: str
    impressions: int
    amount: Amount | None = None
    counterparty: bytes | None = None
    positions: tuple[Position, ...] = ()
    on_behalf_of: str | None = None


@dataclass(frozen=True, kw_only=True)
class Application(_ApplicationFields, Statement, kind="application"):
    """A person asks for the use of a seal on exactly these documents. ``purpose``, ``counterparty``: commitments."""


@dataclass(frozen=True, kw_only=True)
class Approval(Statement, kind="approval"):
    """A person approves an application until ``expires``."""

    application: bytes
    expires: Time


@dataclass(frozen=True, kw_only=True)
class Refusal(Statement, kind="refusal"):
    """A person refuses an application: final."""

    application: bytes
    reason: str
    note: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class _GrantFields:
    grantee: str
    seal: str
    seal_version: int
    max_uses: int
    valid_from: Time
    valid_to: Time
    application: bytes | None = None
    parent: bytes | None = None
    documents: tuple[Digests, ...] = ()
    classes: tuple[str, ...] = ()
    max_amounts: tuple[Amount, ...] = ()
    depth_left: int = 0


@dataclass(frozen=True, kw_only=True)
class Grant(_GrantFields, Statement, kind="grant"):
    """The counted permission to use a seal, from ``valid_from`` up to, not including, ``valid_to``.

    Bound to an approved ``application`` and its documents, or standing for document ``classes``; a grant with a
    ``parent`` narrows it in every dimension, and its uses count there, too.
    """


@dataclass(frozen=True, kw_only=True)
class GrantRevoke(Statement, kind="grant-revoke"):
    """A grant ends, and every grant below it."""

    grant: bytes
    reason: str
    note: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class _UseFields:
    application: bytes
    grant: bytes
    approvals: tuple[bytes, ...]
    user: str
    seal: str
    seal_version: int
    document: Digests
    number: int
    of: int
    position: Position | None = None


@dataclass(frozen=True, kw_only=True)
class SealUse(_UseFields, Statement, kind="seal-use"):
    """The gate takes a use, before the seal's key signs. Made by :meth:`Authority.authorise_use`."""


@dataclass(frozen=True, kw_only=True)
class UseDelivered(Statement, kind="use-delivered"):
    """A use has ended with a sealed document. ``level`` is a short word such as ``pades-b-b``."""

    use: bytes
    document: Digests
    level: str


@dataclass(frozen=True, kw_only=True)
class UseFailed(Statement, kind="use-failed"):
    """A use has ended without a sealed document: counted, and explained."""

    use: bytes
    reason: str
    note: bytes | None = None


# --- records: what the state remembers of each statement ---


@dataclass(frozen=True, kw_only=True)
class _Record:
    index: int
    time: datetime

    @classmethod
    def _of(cls, values: dict[str, Any]) -> Self:
        return cls(**_arguments(values))


@dataclass(frozen=True, kw_only=True)
class UnitRecord(_UnitFields, _Record):
    """A unit."""


@dataclass(frozen=True, kw_only=True)
class PersonRecord(_Record):
    """A person at the revision in force; ``left`` is the time of leaving, ``keys`` rows of the key table."""

    id: str
    unit: str
    name: bytes
    roles: tuple[str, ...]
    revision: int
    keys: tuple[int, ...]
    left: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class KeyRecord(_Record):
    """A row of the key table; ``holder`` is a person's id, ``"gate"``, ``"founder"`` or None."""

    row: int
    algorithm: str
    point: bytes
    valid_from: datetime
    valid_to: datetime | None = None
    revoked: datetime | None = None
    holder: str | None = None


@dataclass(frozen=True, kw_only=True)
class PolicyRecord(_PolicyFields, _Record):
    """A policy at the revision in force."""


@dataclass(frozen=True, kw_only=True)
class SealRecord(_SealFields, _Record):
    """A seal at the version in force; ``step`` counts the steps of its state so far."""

    state: str
    step: int
    state_index: int


@dataclass(frozen=True, kw_only=True)
class ApprovalRecord(_Record):
    """An approval as given; whether it still counts is judged at the use."""

    id: bytes
    approver: str
    key_idx: int
    expires: datetime


@dataclass(frozen=True, kw_only=True)
class RefusalRecord(_Record):
    """The refusal that ended an application."""

    approver: str
    reason: str
    note: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class ApplicationRecord(_ApplicationFields, _Record):
    """An application with what was said to it; ``used`` counts the uses taken."""

    id: bytes
    applicant: str
    used: int
    approvals: tuple[ApprovalRecord, ...] = ()
    refused: RefusalRecord | None = None

    @classmethod
    def _of(cls, values: dict[str, Any]) -> Self:
        approvals = tuple(ApprovalRecord._of(approval) for approval in values.pop("approvals"))
        refused = values.pop("refused", None)
        refusal = None if refused is None else RefusalRecord._of(refused)
        return cls(**_arguments(values), approvals=approvals, refused=refusal)


@dataclass(frozen=True, kw_only=True)
class GrantRecord(_GrantFields, _Record):
    """A grant; ``used`` counts its uses and those of the grants below, ``revoked`` when it was revoked itself."""

    id: bytes
    grantor: str
    key_idx: int
    used: int
    revoked: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class UseRecord(_UseFields, _Record):
    """A use; ``result`` is ``open``, ``delivered`` or ``failed``."""

    id: bytes
    applicant: str
    approvers: tuple[str, ...]
    result: str
    end_index: int | None = None
    end_time: datetime | None = None
    delivered: Digests | None = None
    level: str | None = None
    reason: str | None = None
    note: bytes | None = None


# --- the state ---


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
    def hash(self) -> str:
        """The hash function of the ledger."""
        return self._state.hash

    @property
    def next_index(self) -> int:
        """The index of the entry to come."""
        return self._state.last[0] + 1

    @property
    def last_time(self) -> datetime:
        """The time of the entry applied last; no entry may be older."""
        return _from_us(self._state.last[1])

    def check(self, body: bytes, *, key_idx: int, time: Time, kind: EntryKind = "statement") -> None:
        """Judges the entry to come without taking it.

        Raises:
            PolicyError: The rule that refuses it, the statement that decides, its limit and the actual value.
            InputError: The body is no statement, or one for another ledger.
        """
        self._state.check(body, key_idx, _to_us(time), kind)

    def apply(self, body: bytes, *, index: int, key_idx: int, time: Time, kind: EntryKind = "statement") -> None:
        """Judges an entry and takes it; when it is refused nothing changes.

        Raises:
            PolicyError: As :meth:`check`.
            InputError: As :meth:`check`; also when ``index`` is not :attr:`next_index`.
        """
        self._state.apply(body, index, key_idx, _to_us(time), kind)

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
            PolicyError: The rule that refuses it, the statement that decides, its limit and the actual value.
        """
        return self._state.authorise_use(
            application,
            grant,
            user,
            (document.sha256, document.sm3),
            _to_us(now),
            None if position is None else (position.page, position.x_um, position.y_um),
            None if seen is None else (seen.size, seen.root),
        )

    def units(self) -> tuple[UnitRecord, ...]:
        """Every unit, in the order of the ledger, as in all of these."""
        return tuple(map(UnitRecord._of, self._state.records("units")))

    def persons(self) -> tuple[PersonRecord, ...]:
        """Every person, also those who left."""
        return tuple(map(PersonRecord._of, self._state.records("persons")))

    def keys(self) -> tuple[KeyRecord, ...]:
        """Every row of the key table."""
        return tuple(map(KeyRecord._of, self._state.records("keys")))

    def policies(self) -> tuple[PolicyRecord, ...]:
        """Every policy at the revision in force."""
        return tuple(map(PolicyRecord._of, self._state.records("policies")))

    def seals(self) -> tuple[SealRecord, ...]:
        """Every seal at the version in force."""
        return tuple(map(SealRecord._of, self._state.records("seals")))

    def applications(self) -> tuple[ApplicationRecord, ...]:
        """Every application with its approvals or refusal."""
        return tuple(map(ApplicationRecord._of, self._state.records("applications")))

    def grants(self) -> tuple[GrantRecord, ...]:
        """Every grant with its uses."""
        return tuple(map(GrantRecord._of, self._state.records("grants")))

    def uses(self) -> tuple[UseRecord, ...]:
        """Every use."""
        return tuple(map(UseRecord._of, self._state.records("uses")))

    def open_uses(self) -> tuple[UseRecord, ...]:
        """The uses without an end. At a start, each is to be ended with :class:`UseFailed`."""
        return tuple(map(UseRecord._of, self._state.records("open_uses")))

    def unit(self, name: str) -> UnitRecord:
        """One unit. Raises UnknownReference when the ledger has none of this name, as do all of these."""
        return UnitRecord._of(self._state.record("units", name))

    def person(self, name: str) -> PersonRecord:
        """One person."""
        return PersonRecord._of(self._state.record("persons", name))

    def policy(self, name: str) -> PolicyRecord:
        """One policy."""
        return PolicyRecord._of(self._state.record("policies", name))

    def seal(self, name: str) -> SealRecord:
        """One seal."""
        return SealRecord._of(self._state.record("seals", name))

    def application(self, id: bytes) -> ApplicationRecord:
        """One application."""
        return ApplicationRecord._of(self._state.record("applications", id))

    def grant(self, id: bytes) -> GrantRecord:
        """One grant."""
        return GrantRecord._of(self._state.record("grants", id))

    def use(self, id: bytes) -> UseRecord:
        """One use."""
        return UseRecord._of(self._state.record("uses", id))

    def grant_status(self, grant: bytes, *, now: Time) -> str:
        """How a grant and those above it stand: active, not-yet, expired, revoked, exhausted or void.

        ``void``: a grantor of the chain no longer may grant, or the key that signed a link is revoked.
        """
        return self._state.grant_status(grant, _to_us(now))

    def grant_chain(self, grant: bytes) -> tuple[bytes, ...]:
        """The ids of the grants from the root down to this one."""
        return tuple(self._state.grant_chain(grant))

    def __repr__(self) -> str:
        return f"Authority({self._state!r})"
