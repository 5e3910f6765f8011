"""The audit at the Python border, on logs in memory and on a real ledger, and random histories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from authority_world import DAY, START, World, cbor, document
from hypothesis import given, settings
from hypothesis import strategies as st

from sealcore import authority as a
from sealcore import errors
from sealcore.ledger import Ledger, LedgerReader, NewEntry, key_add_body
from sealcore.sign import SigningKey


def used_twice() -> World:
    world = World.company()
    application = world.approved()
    grant = world.granted(application)
    for _ in range(2):
        world.use(application, grant)
    return world


def test_the_audit_of_what_the_gate_let_through_finds_nothing() -> None:
    world = used_twice()
    report = a.audit(world.log)
    assert report.findings == ()
    assert report.is_clean
    assert report.entries == len(world.log)
    assert report.authority.uses() == world.authority.uses()
    assert report.authority.digest() == world.authority.digest()


def test_findings_say_what_and_where() -> None:
    world = World.company()
    application = world.approved()
    grant = world.granted(application)
    token = world.authorise(application, grant)
    world.append(token.body, 0)
    real = a.decode(token.body)
    assert isinstance(real, a.SealUse)
    # Round the gate: the second use of another document, and what follows from it.
    values = {
        name: getattr(real, name) for name in ("application", "grant", "approvals", "user", "seal", "seal_version")
    }
    forged = a.SealUse(by="gate", ledger=real.ledger, document=document("x"), number=2, of=2, **values)
    end = a.UseDelivered(
        by="gate", ledger=real.ledger, use=forged.statement_id("sha256"), document=document("y"), level="pades-b-b"
    )
    garbage = b"\xa1aa\x01"
    log = list(world.log)
    for body in (forged.encode(), end.encode(), garbage):
        log.append((len(log), world.now, 0, "statement", body))
    report = a.audit(log)
    first = len(world.log)
    assert [(finding.index, finding.kind, finding.cause) for finding in report.findings] == [
        (first, "DocumentMismatch", None),
        (first + 1, "UnknownReference", first),
        (first + 2, "InvalidEncoding", None),
        (first - 1, "UseUnfinished", None),
    ]
    assert report.findings[0].statement == world.authority.application(application).index
    assert (report.findings[0].limit, report.findings[0].actual) == (2, 0)
    assert "statement.v" in report.findings[2].message
    assert not report.is_clean
    assert report.total == 4
    assert [use.result for use in report.authority.uses()] == ["open"]


def test_who_held_what() -> None:
    world = used_twice()
    (grant,) = world.authority.grants()
    held = world.authority.held_at(world.now)
    assert held.grants == (
        a.HeldGrant(grant=grant.id, grantor="olga", grantee="liwei", seal="company-seal", used=2, max_uses=2),
    )
    assert held.seals == (a.HeldSeal(seal="company-seal", version=1, state="active"),)
    assert {person.person: person.roles for person in held.persons}["cat"] == ("applicant", "approver")
    before = world.authority.held_at(grant.time.replace(year=2024))
    assert before == a.Holdings(persons=(), seals=(), grants=())


def test_a_log_without_a_genesis_is_no_ledger() -> None:
    world = World.company()
    for log in ([], world.log[1:], [(0, START, 0, "statement", world.log[0][4])]):
        with pytest.raises(errors.InvalidArgument, match="genesis"):
            a.audit(log)
    with pytest.raises(errors.InputError):
        a.audit([(0, START, 0, "genesis", b"\xa0")])
    with pytest.raises(errors.InvalidArgument):
        a.audit([world.log[0], (1, START, 0, "later-type", b"\xa0")])
    with pytest.raises((TypeError, ValueError)):
        a.audit([world.log[0], (1, START)])  # type: ignore[list-item]


def test_a_real_ledger_with_real_signatures(tmp_path: Path) -> None:
    ledger_key, founder = SigningKey.generate("p256"), SigningKey.generate("sm2")
    boss = SigningKey.generate("sm2")
    path = tmp_path / "ledger"
    with Ledger.create(
        path, origin="example.com/seals", ledger_key=ledger_key, founder_key=founder.verifying_key, hash="sm3"
    ) as ledger:
        authority = a.Authority(LedgerReader.open(path).entry(0).body)
        assert authority.ledger == ledger.id

        def say(body: bytes, key: SigningKey, row: int, kind: Any = "statement") -> None:
            entry = NewEntry.sign(body, key, key_idx=row, hash=ledger.hash, type=kind)
            receipt = ledger.append(entry)
            authority.apply(body, index=receipt.index, key_idx=row, time=receipt.time, kind=kind)

        def statement(kind: type[a.Statement], **values: Any) -> bytes:
            return kind(ledger=ledger.id, **values).encode()

        say(statement(a.Unit, by="founder", id="hq", name=bytes(32)), founder, 1)
        say(statement(a.Person, by="founder", id="boss", unit="hq", name=bytes(32), roles=("manager",)), founder, 1)
        say(key_add_body(boss.verifying_key, ledger_id=ledger.id), founder, 1, "key-add")
        say(statement(a.PersonKey, by="founder", person="boss", key=boss.verifying_key.to_sec1()), founder, 1)
        say(statement(a.Unit, by="boss", id="east", parent="hq", name=bytes(32)), boss, 2)
    reader = LedgerReader.open(path)
    report = a.audit(reader)
    assert report.is_clean
    assert report.entries == 6
    assert report.authority.digest() == authority.digest()
    entries = list(reader)
    assert a.Authority(entries[0].body).apply_many(entries[1:]) == 5


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_is_refused_leaves_the_state_byte_for_byte(data: st.DataObject) -> None:
    world = used_twice()
    at = data.draw(st.integers(1, len(world.log) - 1))
    authority = a.Authority(world.log[0][4])
    authority.apply_many(world.log[1:at])
    before = authority.digest()
    index, time, key_idx, kind, body = world.log[at]
    damaged = bytearray(body)
    damaged[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    row = data.draw(st.one_of(st.just(key_idx), st.integers(0, 30)))
    when = time + data.draw(st.sampled_from([0, 0, -DAY, DAY]))
    try:
        authority.apply(bytes(damaged), index=index, key_idx=row, time=when, kind=kind)  # type: ignore[arg-type]
    except (errors.PolicyError, errors.InputError):
        assert authority.digest() == before
        assert authority.next_index == index
    else:
        assert authority.digest() != before


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_an_audit_takes_any_log(data: st.DataObject) -> None:
    """Entries dropped, doubled, moved and damaged: findings, never an exception."""
    world = used_twice()
    log = world.log[1:]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(log) - 1))
        how = data.draw(st.sampled_from(["drop", "double", "move", "damage", "row"]))
        index, time, key_idx, kind, body = log[at]
        if how == "drop" and len(log) > 1:
            del log[at]
        elif how == "double":
            log.insert(at, log[at])
        elif how == "move":
            log.insert(data.draw(st.integers(0, len(log) - 1)), log.pop(at))
        elif how == "row":
            log[at] = (index, time, key_idx ^ 1, kind, body)
        else:
            damaged = bytearray(body)
            damaged[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
            log[at] = (index, time, key_idx, kind, bytes(damaged))
    report = a.audit([world.log[0], *log])
    assert report.entries == len(log) + 1
    assert report.total == len(report.findings)
    for finding in report.findings:
        assert finding.message
        assert finding.kind
    if [entry[0] for entry in log] != [entry[0] for entry in world.log[1:]]:
        assert report.total > 0, "the indexes alone tell"


def test_key_changes_are_judged_too() -> None:
    world = World.company()
    change = {"kind": "key-revoke", "key_idx": world.rows["liwei"], "ledger": world.authority.ledger}
    for stranger in ("mary", "bob", "gate"):
        with pytest.raises(errors.NotPermitted):
            world.append(cbor(change), world.rows[stranger], "key-revoke")
    world.append(cbor(change), world.rows["eve"], "key-revoke")
    assert world.authority.keys()[world.rows["liwei"]].revoked is not None
    with pytest.raises(errors.KeyNotValid):
        world.apply_for()
