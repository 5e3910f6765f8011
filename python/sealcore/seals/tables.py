"""The tables of the projection, and the row that each record of the authority state becomes.

A row is a function of one record alone, so that the rows after each single entry and the rows of a replay from entry 0
are the same. No name and no free text stands here, only their commitments.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sealcore.seals.sql import sa

if TYPE_CHECKING:
    from sealcore import authority as rules

FORMAT = "2"
"""The layout of the tables; another one is rebuilt, not migrated."""

METADATA = sa.MetaData()
_ID = sa.String(64)
_HASH = sa.LargeBinary(32)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(value: rules.Time) -> int:
    """Microseconds since 1970 UTC, exact."""
    return value if isinstance(value, int) else (value - _EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    """The moment at so many microseconds since 1970 UTC, exact."""
    return _EPOCH + timedelta(microseconds=value)


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(
        name, METADATA, *columns, sa.Column("idx", sa.BigInteger, nullable=False), sa.Column("time", sa.BigInteger)
    )


META = sa.Table(
    "meta", METADATA, sa.Column("name", sa.String(32), primary_key=True), sa.Column("value", sa.Text, nullable=False)
)
UNITS = _table(
    "units",
    sa.Column("id", _ID, primary_key=True),
    sa.Column("parent", _ID),
    sa.Column("name", _HASH, nullable=False),
    sa.Column("region", _ID),
)
PERSONS = _table(
    "persons",
    sa.Column("id", _ID, primary_key=True),
    sa.Column("unit", _ID, nullable=False),
    sa.Column("name", _HASH, nullable=False),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("left", sa.BigInteger),
)
KEYS = _table(
    "keys",
    sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("holder", _ID),
    sa.Column("algorithm", sa.String(8), nullable=False),
    sa.Column("point", sa.LargeBinary(65), nullable=False),
    sa.Column("valid_from", sa.BigInteger, nullable=False),
    sa.Column("valid_to", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
)
POLICIES = _table(
    "policies",
    sa.Column("id", _ID, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("quorum", sa.BigInteger, nullable=False),
    sa.Column("approvers", sa.Text, nullable=False),
    sa.Column("approver_units", sa.Text, nullable=False),
    sa.Column("distinct_units", sa.BigInteger, nullable=False),
    sa.Column("required_units", sa.Text, nullable=False),
    sa.Column("applicant_units", sa.Text, nullable=False),
    sa.Column("classes", sa.Text, nullable=False),
    sa.Column("max_amounts", sa.Text, nullable=False),
)
SEALS = _table(
    "seals",
    sa.Column("id", _ID, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("unit", _ID, nullable=False),
    sa.Column("seal_kind", _ID, nullable=False),
    sa.Column("form", _ID, nullable=False),
    sa.Column("policy", _ID, nullable=False),
    sa.Column("width_um", sa.BigInteger, nullable=False),
    sa.Column("height_um", sa.BigInteger, nullable=False),
    sa.Column("certificate", _HASH),
    sa.Column("imprint", _HASH),
    sa.Column("filing_number", sa.Text),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("step", sa.BigInteger, nullable=False),
)
APPLICATIONS = _table(
    "applications",
    sa.Column("id", _ID, primary_key=True),
    sa.Column("seal", _ID, nullable=False, index=True),
    sa.Column("seal_version", sa.BigInteger, nullable=False),
    sa.Column("applicant", _ID, nullable=False),
    sa.Column("purpose", _HASH, nullable=False),
    sa.Column("documents", sa.Text, nullable=False),
    sa.Column("places", sa.Text, nullable=False),
    sa.Column("document_class", _ID, nullable=False),
    sa.Column("impressions", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("amount", sa.Text),
    sa.Column("counterparty", _HASH),
    sa.Column("on_behalf_of", _ID),
    sa.Column("refused_by", _ID),
    sa.Column("refusal", _ID),
)
APPROVALS = _table(
    "approvals",
    sa.Column("id", _ID, primary_key=True),
    sa.Column("application", _ID, nullable=False, index=True),
    sa.Column("approver", _ID, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
)
GRANTS = _table(
    "grants",
    sa.Column("id", _ID, primary_key=True),
    sa.Column("parent", _ID, index=True),
    sa.Column("grantor", _ID, nullable=False),
    sa.Column("key_row", sa.BigInteger, nullable=False),
    sa.Column("grantee", _ID, nullable=False),
    sa.Column("seal", _ID, nullable=False, index=True),
    sa.Column("seal_version", sa.BigInteger, nullable=False),
    sa.Column("application", _ID, index=True),
    sa.Column("documents", sa.Text, nullable=False),
    sa.Column("classes", sa.Text, nullable=False),
    sa.Column("max_amounts", sa.Text, nullable=False),
    sa.Column("max_uses", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("valid_from", sa.BigInteger, nullable=False),
    sa.Column("valid_to", sa.BigInteger, nullable=False),
    sa.Column("depth_left", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
)
USES = _table(
    "uses",
    sa.Column("id", _ID, primary_key=True),
    sa.Column("application", _ID, nullable=False, index=True),
    sa.Column("grant", _ID, nullable=False, index=True),
    sa.Column("applicant", _ID, nullable=False),
    sa.Column("user", _ID, nullable=False),
    sa.Column("approvers", sa.Text, nullable=False),
    sa.Column("seal", _ID, nullable=False, index=True),
    sa.Column("seal_version", sa.BigInteger, nullable=False),
    sa.Column("sha256", _HASH, nullable=False),
    sa.Column("sm3", _HASH, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("of", sa.BigInteger, nullable=False),
    sa.Column("result", sa.String(16), nullable=False),
    sa.Column("delivered_sha256", _HASH),
    sa.Column("delivered_sm3", _HASH),
    sa.Column("level", _ID),
    sa.Column("reason", _ID),
    sa.Column("end_idx", sa.BigInteger),
    sa.Column("end_time", sa.BigInteger),
)


Row = dict[str, Any]


def unit_row(record: rules.UnitRecord) -> Row:
    """The image of a unit."""
    return {"id": record.id, "parent": record.parent, "name": record.name, "region": record.region, **_stamp(record)}


def person_row(record: rules.PersonRecord) -> Row:
    """The image of a person."""
    return {
        "id": record.id,
        "unit": record.unit,
        "name": record.name,
        "roles": _names(record.roles),
        "revision": record.revision,
        "left": _time(record.left),
        **_stamp(record),
    }


def key_row(record: rules.KeyRecord) -> Row:
    """The image of a row of the key table."""
    return {
        "row": record.row,
        "holder": record.holder,
        "algorithm": record.algorithm,
        "point": record.point,
        "valid_from": _time(record.valid_from),
        "valid_to": _time(record.valid_to),
        "revoked_at": _time(record.revoked),
        **_stamp(record),
    }


def policy_row(record: rules.PolicyRecord) -> Row:
    """The image of a policy at its revision in force."""
    return {
        "id": record.id,
        "revision": record.revision,
        "quorum": record.quorum,
        "approvers": _names(record.approvers),
        "approver_units": _names(record.approver_units),
        "distinct_units": record.distinct_units,
        "required_units": _names(record.required_units),
        "applicant_units": _names(record.applicant_units),
        "classes": _names(record.classes),
        "max_amounts": _amounts(record.max_amounts),
        **_stamp(record),
    }


def seal_row(record: rules.SealRecord) -> Row:
    """The image of a seal at its latest version."""
    return {
        "id": record.id,
        "version": record.version,
        "unit": record.unit,
        "seal_kind": record.seal_kind,
        "form": record.form,
        "policy": record.policy,
        "width_um": record.width_um,
        "height_um": record.height_um,
        "certificate": record.certificate,
        "imprint": record.imprint,
        "filing_number": record.filing_number,
        "state": record.state,
        "step": record.step,
        **_stamp(record),
    }


def application_row(record: rules.ApplicationRecord) -> Row:
    """The image of an application."""
    return {
        "id": record.id.hex(),
        "seal": record.seal,
        "seal_version": record.seal_version,
        "applicant": record.applicant,
        "purpose": record.purpose,
        "documents": _digests(record.documents),
        "places": json.dumps([[place.page, place.x_um, place.y_um] for place in record.positions]),
        "document_class": record.document_class,
        "impressions": record.impressions,
        "used": record.used,
        "amount": None if record.amount is None else _amounts([record.amount]),
        "counterparty": record.counterparty,
        "on_behalf_of": record.on_behalf_of,
        "refused_by": None if record.refused is None else record.refused.approver,
        "refusal": None if record.refused is None else record.refused.reason,
        **_stamp(record),
    }


def approval_rows(record: rules.ApplicationRecord) -> Iterator[Row]:
    """The images of an application's approvals."""
    for approval in record.approvals:
        yield {
            "id": approval.id.hex(),
            "application": record.id.hex(),
            "approver": approval.approver,
            "expires": _time(approval.expires),
            **_stamp(approval),
        }


def grant_row(record: rules.GrantRecord) -> Row:
    """The image of a grant."""
    return {
        "id": record.id.hex(),
        "parent": _hex(record.parent),
        "grantor": record.grantor,
        "key_row": record.key_idx,
        "grantee": record.grantee,
        "seal": record.seal,
        "seal_version": record.seal_version,
        "application": _hex(record.application),
        "documents": _digests(record.documents),
        "classes": _names(record.classes),
        "max_amounts": _amounts(record.max_amounts),
        "max_uses": record.max_uses,
        "used": record.used,
        "valid_from": microseconds(record.valid_from),
        "valid_to": microseconds(record.valid_to),
        "depth_left": record.depth_left,
        "revoked_at": _time(record.revoked),
        **_stamp(record),
    }


def use_row(record: rules.UseRecord) -> Row:
    """The image of a use."""
    return {
        "id": record.id.hex(),
        "application": record.application.hex(),
        "grant": record.grant.hex(),
        "applicant": record.applicant,
        "user": record.user,
        "approvers": _names(record.approvers),
        "seal": record.seal,
        "seal_version": record.seal_version,
        "sha256": record.document.sha256,
        "sm3": record.document.sm3,
        "number": record.number,
        "of": record.of,
        "result": record.result,
        "delivered_sha256": None if record.delivered is None else record.delivered.sha256,
        "delivered_sm3": None if record.delivered is None else record.delivered.sm3,
        "level": record.level,
        "reason": record.reason,
        "end_idx": record.end_index,
        "end_time": _time(record.end_time),
        **_stamp(record),
    }


def every_row(authority: rules.Authority) -> Iterator[tuple[sa.Table, Callable[[], Iterator[Row]]]]:
    """Every table with a reader of its rows, in the order in which they are filled."""
    yield UNITS, lambda: map(unit_row, authority.units())
    yield PERSONS, lambda: map(person_row, authority.persons())
    yield KEYS, lambda: map(key_row, authority.keys())
    yield POLICIES, lambda: map(policy_row, authority.policies())
    yield SEALS, lambda: map(seal_row, authority.seals())
    yield APPLICATIONS, lambda: map(application_row, authority.applications())
    yield APPROVALS, lambda: (row for record in authority.applications() for row in approval_rows(record))
    yield GRANTS, lambda: map(grant_row, authority.grants())
    yield USES, lambda: map(use_row, authority.uses())


def _stamp(record: Any) -> Row:
    return {"idx": record.index, "time": microseconds(record.time)}


def _time(value: datetime | None) -> int | None:
    return None if value is None else microseconds(value)


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _names(values: Iterable[str]) -> str:
    return json.dumps(list(values), separators=(",", ":"))


def _amounts(values: Iterable[rules.Amount]) -> str:
    return json.dumps([[value.currency, value.minor] for value in values], separators=(",", ":"))


def _digests(values: Iterable[rules.Digests]) -> str:
    return json.dumps([[value.sha256.hex(), value.sm3.hex()] for value in values], separators=(",", ":"))
