"""What the queries answer: one frozen dataclass a kind of record, with names resolved and times as `datetime`.

Rows are for showing. Whether something is allowed is decided by the authority state at the gate, never from a row.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

__all__ = [
    "ApplicationRow",
    "ApprovalRow",
    "DocumentDigests",
    "GrantRow",
    "KeyRow",
    "Limit",
    "PersonRow",
    "PolicyRow",
    "SealRow",
    "UnitRow",
    "UseRow",
]


def plain(value: Any) -> Any:
    """A value as JSON knows it: times as ISO 8601, bytes as hex, records as objects."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Record):
        return value.to_dict()
    return value


class Record:
    """A dataclass that becomes a JSON object."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Every field, ready for `json.dumps`."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDigests(Record):
    """Both digests of one document."""

    sha256: bytes
    sm3: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Record):
    """Where an imprint may stand: its upper left corner, in mm from that of the page as shown; pages from 1."""

    page: int
    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Record):
    """An amount of money in the smallest unit of its currency."""

    currency: str
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow(Record):
    """A headquarters, branch or department."""

    id: str
    name: str
    parent: str | None
    region: str | None
    index: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow(Record):
    """A person, with the unit and the roles that are his now."""

    id: str
    name: str
    unit: str
    roles: tuple[str, ...]
    left: datetime | None
    revision: int
    index: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow(Record):
    """A row of the key table: who signs with what, from when to when."""

    row: int
    holder: str | None
    algorithm: str
    point: bytes
    valid_from: datetime
    valid_to: datetime | None
    revoked_at: datetime | None
    index: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow(Record):
    """A policy at the revision in force."""

    id: str
    revision: int
    quorum: int
    approvers: tuple[str, ...]
    approver_units: tuple[str, ...]
    distinct_units: int
    required_units: tuple[str, ...]
    applicant_units: tuple[str, ...]
    classes: tuple[str, ...]
    max_amounts: tuple[Limit, ...]
    index: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRow(Record):
    """A seal at its latest version."""

    id: str
    version: int
    unit: str
    kind: str
    form: str
    policy: str
    size_mm: tuple[float, float]
    certificate: bytes | None
    imprint: bytes | None
    filing_number: str | None
    state: str
    index: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRow(Record):
    """An application; ``state`` is ``open``, ``refused`` or ``used``. Without ``places`` the user chooses them."""

    id: str
    seal: str
    seal_version: int
    applicant: str
    applicant_name: str
    purpose: str
    documents: tuple[DocumentDigests, ...]
    places: tuple[Place, ...]
    document_class: str
    uses: int
    used: int
    amount: Limit | None
    counterparty: str | None
    on_behalf_of: str | None
    approvals: int
    quorum: int
    state: str
    refused_by: str | None
    refusal: str | None
    index: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRow(Record):
    """One person's approval of an application."""

    id: str
    application: str
    approver: str
    approver_name: str
    expires: datetime
    index: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow(Record):
    """A grant; ``state`` is ``active``, ``not-yet``, ``expired``, ``revoked``, ``exhausted`` or ``void``."""

    id: str
    parent: str | None
    seal: str
    seal_version: int
    grantor: str
    grantor_name: str
    grantee: str
    grantee_name: str
    application: str | None
    documents: tuple[DocumentDigests, ...]
    classes: tuple[str, ...]
    max_amounts: tuple[Limit, ...]
    max_uses: int
    used: int
    valid_from: datetime
    valid_to: datetime
    depth_left: int
    revoked_at: datetime | None
    state: str
    index: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRow(Record):
    """A use of a seal; ``result`` is ``open``, ``delivered`` or ``failed``."""

    id: str
    application: str
    grant: str
    seal: str
    seal_version: int
    applicant: str
    applicant_name: str
    user: str
    user_name: str
    approvers: tuple[str, ...]
    number: int
    of: int
    document: DocumentDigests
    result: str
    delivered: DocumentDigests | None
    level: str | None
    reason: str | None
    explanation: str | None
    index: int
    time: datetime
    end_index: int | None
    end_time: datetime | None
