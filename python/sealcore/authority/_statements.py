"""Statements: frozen dataclasses with their canonical bytes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from sealcore import _core
from sealcore.authority._values import (
    SETS,
    TIMES,
    Amount,
    Digests,
    Position,
    Seen,
    Time,
    arguments,
    from_us,
    plain,
    to_us,
)
from sealcore.hash import HashName

KINDS: dict[str, type[Statement]] = {}


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
            KINDS[kind] = cls

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in SETS:
                object.__setattr__(self, item.name, tuple(sorted(value)))
            elif isinstance(value, list):
                object.__setattr__(self, item.name, tuple(value))
            elif item.name in TIMES and value is not None:
                object.__setattr__(self, item.name, from_us(to_us(value)))

    def encode(self) -> bytes:
        """The body of the ledger entry: deterministic CBOR.

        Raises:
            InputError: A value is outside its domain; the message names the field and what would be right.
        """
        values = {item.name: plain(getattr(self, item.name)) for item in fields(self)}
        present = {name: value for name, value in values.items() if value is not None and value != []}
        return _core.authority_encode({"v": 1, "kind": self.kind, **present})

    def statement_id(self, hash: HashName) -> bytes:
        """The id under which a ledger with this hash knows the statement: what names an application, a grant, a use."""
        return _core.statement_id(self.encode(), hash=hash)


def decode(body: bytes) -> Statement:
    """Reads the body of a ledger entry.

    Raises:
        InputError: The bytes are not exactly one statement; the message names the field, the offset or the remedy.
    """
    values = _core.authority_decode(body)
    statement = KINDS[values.pop("kind")]
    del values["v"]
    return statement(**arguments(values))


@dataclass(frozen=True, kw_only=True)
class UnitFields:
    id: str
    name: bytes
    parent: str | None = None
    region: str | None = None


@dataclass(frozen=True, kw_only=True)
class Unit(UnitFields, Statement, kind="unit"):
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
class PolicyFields:
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
class Policy(PolicyFields, Statement, kind="policy"):
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
class SealFields:
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
class Seal(SealFields, Statement, kind="seal"):
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
class ApplicationFields:
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
class Application(ApplicationFields, Statement, kind="application"):
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
class GrantFields:
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
class Grant(GrantFields, Statement, kind="grant"):
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
class UseFields:
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
class SealUse(UseFields, Statement, kind="seal-use"):
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
