"""Records: what the state remembers of each statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sealcore.authority._statements import (
    ApplicationFields,
    GrantFields,
    PolicyFields,
    SealFields,
    UnitFields,
    UseFields,
)
from sealcore.authority._values import Digests, arguments


@dataclass(frozen=True, kw_only=True)
class Record:
    index: int
    time: datetime

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        return cls(**arguments(values))


@dataclass(frozen=True, kw_only=True)
class UnitRecord(UnitFields, Record):
    """A unit."""


@dataclass(frozen=True, kw_only=True)
class PersonRecord(Record):
    """A person at the revision in force; ``left`` is the time of leaving, ``keys`` rows of the key table."""

    id: str
    unit: str
    name: bytes
    roles: tuple[str, ...]
    revision: int
    keys: tuple[int, ...]
    left: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class KeyRecord(Record):
    """A row of the key table; ``holder`` is a person's id, ``"gate"``, ``"founder"`` or None."""

    row: int
    algorithm: str
    point: bytes
    valid_from: datetime
    valid_to: datetime | None = None
    revoked: datetime | None = None
    holder: str | None = None


@dataclass(frozen=True, kw_only=True)
class PolicyRecord(PolicyFields, Record):
    """A policy at the revision in force."""


@dataclass(frozen=True, kw_only=True)
class SealRecord(SealFields, Record):
    """A seal at the version in force; ``step`` counts the steps of its state so far."""

    state: str
    step: int
    state_index: int


@dataclass(frozen=True, kw_only=True)
class ApprovalRecord(Record):
    """An approval as given; whether it still counts is judged at the use."""

    id: bytes
    approver: str
    key_idx: int
    expires: datetime


@dataclass(frozen=True, kw_only=True)
class RefusalRecord(Record):
    """The refusal that ended an application."""

    approver: str
    reason: str
    note: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class ApplicationRecord(ApplicationFields, Record):
    """An application with what was said to it; ``used`` counts the uses taken."""

    id: bytes
    applicant: str
    used: int
    approvals: tuple[ApprovalRecord, ...] = ()
    refused: RefusalRecord | None = None

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        approvals = tuple(ApprovalRecord.read(approval) for approval in values.pop("approvals"))
        refused = values.pop("refused", None)
        refusal = None if refused is None else RefusalRecord.read(refused)
        return cls(**arguments(values), approvals=approvals, refused=refusal)


@dataclass(frozen=True, kw_only=True)
class GrantRecord(GrantFields, Record):
    """A grant; ``used`` counts its uses and those of the grants below, ``revoked`` when it was revoked itself."""

    id: bytes
    grantor: str
    key_idx: int
    used: int
    revoked: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class UseRecord(UseFields, Record):
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


@dataclass(frozen=True, kw_only=True)
class HeldRoles:
    """A person who was there, with unit and roles; ``index`` is the statement that gave them."""

    person: str
    unit: str
    roles: tuple[str, ...]
    index: int


@dataclass(frozen=True, kw_only=True)
class HeldSeal:
    """A seal at the version and in the state of that time."""

    seal: str
    version: int
    state: str


@dataclass(frozen=True, kw_only=True)
class HeldGrant:
    """A grant in force, with the uses taken of it by then."""

    grant: bytes
    grantor: str
    grantee: str
    seal: str
    used: int
    max_uses: int


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """Who held what at one time."""

    persons: tuple[HeldRoles, ...]
    seals: tuple[HeldSeal, ...]
    grants: tuple[HeldGrant, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong with one entry.

    Args:
        index: The index of the entry.
        kind: The name of the exception that the gate would have raised, or ``UseUnfinished``.
        message: One sentence.
        statement: The index of the statement that decides, if there is one.
        limit: What it allows.
        actual: What was found.
        cause: The index of an earlier refused entry that this one needs: this finding follows from that one.
    """

    index: int
    kind: str
    message: str
    statement: int | None = None
    limit: int | None = None
    actual: int | None = None
    cause: int | None = None
