"""From the rows of tables to the rows of answers: the parts that need no second look-up."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sealcore.seals.rows import DocumentDigests, KeyRow, Limit, Place, PolicyRow, SealRow
from sealcore.seals.sql import sa
from sealcore.seals.tables import moment

__all__ = ["digests", "key_of", "limits", "moment_or_none", "places", "policy_of", "seal_of", "words"]

_Found = sa.Row[Any]


def words(text: str) -> tuple[str, ...]:
    """A stored list of words."""
    return tuple(json.loads(text))


def limits(text: str) -> tuple[Limit, ...]:
    """A stored list of amounts."""
    return tuple(Limit(currency=currency, minor=minor) for currency, minor in json.loads(text))


def digests(text: str) -> tuple[DocumentDigests, ...]:
    """A stored list of digest pairs."""
    return tuple(
        DocumentDigests(sha256=bytes.fromhex(sha256), sm3=bytes.fromhex(sm3)) for sha256, sm3 in json.loads(text)
    )


def places(text: str) -> tuple[Place, ...]:
    """A stored list of places."""
    return tuple(Place(page=page, x_mm=x_um / 1000, y_mm=y_um / 1000) for page, x_um, y_um in json.loads(text))


def moment_or_none(value: int | None) -> datetime | None:
    """A stored time."""
    return None if value is None else moment(value)


def key_of(row: _Found) -> KeyRow:
    """A row of the key table."""
    return KeyRow(
        row=row.row,
        holder=row.holder,
        algorithm=row.algorithm,
        point=row.point,
        valid_from=moment(row.valid_from),
        valid_to=moment_or_none(row.valid_to),
        revoked_at=moment_or_none(row.revoked_at),
        index=row.idx,
        time=moment(row.time),
    )


def policy_of(row: _Found) -> PolicyRow:
    """A policy."""
    return PolicyRow(
        id=row.id,
        revision=row.revision,
        quorum=row.quorum,
        approvers=words(row.approvers),
        approver_units=words(row.approver_units),
        distinct_units=row.distinct_units,
        required_units=words(row.required_units),
        applicant_units=words(row.applicant_units),
        classes=words(row.classes),
        max_amounts=limits(row.max_amounts),
        index=row.idx,
        time=moment(row.time),
    )


def seal_of(row: _Found) -> SealRow:
    """A seal."""
    return SealRow(
        id=row.id,
        version=row.version,
        unit=row.unit,
        kind=row.seal_kind,
        form=row.form,
        policy=row.policy,
        size_mm=(row.width_um / 1000, row.height_um / 1000),
        certificate=row.certificate,
        imprint=row.imprint,
        filing_number=row.filing_number,
        state=row.state,
        index=row.idx,
        time=moment(row.time),
    )
