"""Statements at the Python border: frozen vectors with an independent encoder, times, hostile values."""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from authority_world import START, cbor, document
from hypothesis import given
from hypothesis import strategies as st

from sealcore import _core, errors
from sealcore import authority as a

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "authority" / "statements.json").read_text())
LEDGER = bytes([0x11] * 32)


def unhex(value: Any) -> Any:
    """The fields of a vector; bytes stand as {"$hex": "..."}."""
    if isinstance(value, list):
        return [unhex(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"$hex"}:
            return bytes.fromhex(value["$hex"])
        return {key: unhex(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize("row", VECTORS["accepted"], ids=lambda row: row["name"])
def test_the_frozen_statements(row: dict[str, Any]) -> None:
    body = bytes.fromhex(row["body"])
    assert cbor(unhex(row["fields"])) == body
    statement = a.decode(body)
    assert statement.kind == row["fields"]["kind"]
    assert statement.encode() == body
    assert a.decode(statement.encode()) == statement
    assert pickle.loads(pickle.dumps(statement)) == statement  # noqa: S301
    for algorithm in ("sha256", "sm3"):
        assert hashlib.new(algorithm, b"sealcore body v1" + body).hexdigest() == row[f"id_{algorithm}"]
    # The dataclass has the fields of the format and no others.
    assert {item.name for item in fields(statement)} >= row["fields"].keys() - {"v", "kind"}
    with pytest.raises(FrozenInstanceError):
        statement.by = "somebody"  # type: ignore[misc]


def test_every_kind_has_a_dataclass_and_a_vector() -> None:
    assert {row["fields"]["kind"] for row in VECTORS["accepted"]} == set(_core.authority_kinds())


@pytest.mark.parametrize("row", VECTORS["refused"], ids=lambda row: row["name"])
def test_the_frozen_refusals(row: dict[str, Any]) -> None:
    with pytest.raises(errors.InputError) as refusal:
        a.decode(bytes.fromhex(row["body"]))
    assert type(refusal.value).__name__ == row["error"]
    assert refusal.value.field == row["field"]  # type: ignore[attr-defined]
    assert row["field"] in str(refusal.value)


def test_sets_are_sorted_and_may_be_given_in_any_order() -> None:
    one = a.Person(by="eve", ledger=LEDGER, id="cat", unit="east", name=bytes(32), roles=("approver", "applicant"))
    two = a.Person(by="eve", ledger=LEDGER, id="cat", unit="east", name=bytes(32), roles=("applicant", "approver"))
    assert one == two
    assert one.encode() == two.encode()
    with pytest.raises(errors.InvalidArgument) as refusal:
        replace(one, roles=("approver", "approver")).encode()
    assert refusal.value.field == "person.roles"


def test_times_are_aware_or_microseconds() -> None:
    moment = datetime(2025, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    approval = a.Approval(by="ann", ledger=LEDGER, application=bytes(32), expires=moment)
    assert approval == a.Approval(by="ann", ledger=LEDGER, application=bytes(32), expires=START + 1)
    shanghai = moment.astimezone(timezone(timedelta(hours=8)))
    assert replace(approval, expires=shanghai).encode() == approval.encode()
    decoded = a.decode(approval.encode())
    assert isinstance(decoded, a.Approval)
    assert decoded.expires == moment
    assert isinstance(decoded.expires, datetime)
    assert decoded.expires.tzinfo is UTC
    with pytest.raises(errors.InvalidArgument, match="zone"):
        replace(approval, expires=datetime(2025, 1, 1))
    for wrong in (datetime(1969, 12, 31, tzinfo=UTC), -1):
        with pytest.raises(errors.InvalidArgument) as refusal:
            replace(approval, expires=wrong).encode()
        assert refusal.value.field == "approval.expires"
    for beyond in (2**63, 10**30):
        with pytest.raises(errors.InvalidArgument):
            replace(approval, expires=beyond)


def test_what_is_no_statement_does_not_encode() -> None:
    grant = a.Grant(
        by="olga",
        ledger=LEDGER,
        grantee="liwei",
        seal="company-seal",
        seal_version=1,
        max_uses=1,
        valid_from=START,
        valid_to=START + 1,
        documents=[document("contract")],  # type: ignore[arg-type]
    )
    assert isinstance(grant.documents, tuple)
    assert a.decode(grant.encode()) == grant
    for change in (
        {"max_uses": 0},
        {"max_uses": "2"},
        {"grantee": "Li Wei"},
        {"application": b"short"},
        {"depth_left": 9},
    ):
        with pytest.raises(errors.InputError) as refusal:
            replace(grant, **change).encode()  # type: ignore[arg-type]
        assert next(iter(change)) in str(refusal.value)
    with pytest.raises(TypeError):
        a.Grant(by="olga", ledger=LEDGER, conditions="none")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="float"):
        replace(grant, max_uses=1.5).encode()  # type: ignore[arg-type]


def test_the_native_side_takes_plain_values_only() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(errors.InvalidArgument, match="nested"):
        _core.authority_encode({"v": 1, "kind": endless})
    with pytest.raises(errors.InvalidArgument, match="64 bits"):
        _core.authority_encode({"v": 2**64})
    with pytest.raises(errors.InvalidEncoding):
        _core.authority_encode({"v": True})
    with pytest.raises(errors.InvalidEncoding):
        _core.authority_encode({})


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_with_a_typed_error(body: bytes) -> None:
    with pytest.raises(errors.InputError):
        a.decode(body)


@given(st.sampled_from(VECTORS["accepted"]), st.data())
def test_damaged_statements_are_refused_or_have_one_encoding(row: dict[str, Any], data: st.DataObject) -> None:
    body = bytearray.fromhex(row["body"])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        statement = a.decode(bytes(body))
    except errors.InputError:
        return
    assert statement.encode() == bytes(body)


def test_commitments_and_digests() -> None:
    salt = bytes(range(16))
    assert a.commitment("李伟", salt=salt) == hashlib.sha256(salt + "李伟".encode()).digest()
    assert a.commitment(b"x", salt=salt, hash="sm3") == hashlib.new("sm3", salt + b"x").digest()
    with pytest.raises(errors.InvalidLength) as refusal:
        a.commitment("x", salt=b"short")
    assert (refusal.value.field, refusal.value.expected, refusal.value.actual) == ("salt", 16, 5)
    data = b"contract"
    assert a.Digests.of(data) == a.Digests(hashlib.sha256(data).digest(), hashlib.new("sm3", data).digest())
