"""The gate at the Python border: what it refuses, what it counts, records, threads."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from authority_world import DAY, SECOND, START, World, document, genesis

from sealcore import authority as a
from sealcore import errors


def test_a_branch_applies_headquarters_approves_and_the_gate_counts() -> None:
    world = World.company()
    application = world.approved()
    grant = world.granted(application)
    uses = [world.use(application, grant) for _ in range(2)]
    with pytest.raises(errors.GrantExhausted) as refusal:
        world.authorise(application, grant)
    assert (refusal.value.limit, refusal.value.actual) == (2, 3)
    assert refusal.value.statement == world.authority.grant(grant).index
    assert [(use.id, use.number, use.of, use.approvers, use.result) for use in world.authority.uses()] == [
        (uses[0], 1, 2, ("ann", "bob"), "delivered"),
        (uses[1], 2, 2, ("ann", "bob"), "delivered"),
    ]


def test_a_changed_document() -> None:
    world = World.company()
    application = world.approved()
    grant = world.granted(application)
    with pytest.raises(errors.DocumentMismatch) as refusal:
        world.authorise(application, grant, "contract, changed")
    assert refusal.value.statement == world.authority.application(application).index
    assert world.authorise(application, grant).number == 1


def test_an_expired_grant() -> None:
    world = World.company()
    application = world.approved()
    grant = world.granted(application)
    world.now += 7 * DAY
    with pytest.raises(errors.GrantExpired) as refusal:
        world.authorise(application, grant)
    assert refusal.value.actual == world.now
    assert world.authority.grant_status(grant, now=world.now) == "expired"


def test_an_applicant_does_not_approve_his_own_request_with_a_second_key_either() -> None:
    world = World.company()
    application = world.apply_for(by="cat")
    for _ in range(2):
        with pytest.raises(errors.ApplicantExcluded) as refusal:
            world.say("cat", a.Approval, application=application, expires=world.now + DAY)
        assert refusal.value.statement == world.authority.application(application).index
        world.give_key("cat", "cat")


def test_each_refusal_has_its_class() -> None:
    world = World.company()
    application = world.approved(5)
    grant = world.granted(application, 5)
    expired = {"application": application, "expires": world.now}
    cases: list[tuple[type[errors.PolicyError], str, type[a.Statement], dict[str, Any]]] = [
        (errors.NotPermitted, "mary", a.Unit, {"id": "west", "parent": "hq", "name": bytes(32)}),
        (errors.Duplicate, "boss", a.Unit, {"id": "east", "parent": "hq", "name": bytes(32)}),
        (errors.UnknownReference, "boss", a.Unit, {"id": "west", "parent": "none", "name": bytes(32)}),
        (errors.LimitExceeded, "cat", a.Approval, expired),
        (
            errors.InvalidTransition,
            "boss",
            a.SealState,
            {"seal": "company-seal", "version": 1, "step": 2, "state": "draft", "reason": "test"},
        ),
    ]
    for refusal, by, statement, values in cases:
        before = world.authority.digest()
        body = statement(by=by, ledger=world.authority.ledger, **values).encode()
        with pytest.raises(refusal):
            world.authority.check(body, key_idx=world.rows[by], time=world.now)
        with pytest.raises(refusal):
            world.say(by, statement, **values)
        assert world.authority.digest() == before
    limits = {"seal": "company-seal", "seal_version": 1, "valid_from": world.now, "valid_to": world.now + DAY}
    above = world.say("olga", a.Grant, grantee="liwei", max_uses=1, depth_left=1, classes=("contract",), **limits)
    with pytest.raises(errors.GrantWidened):
        world.say("liwei", a.Grant, grantee="mary", max_uses=2, parent=above, classes=("contract",), **limits)
    with pytest.raises(errors.TimeReversed):
        world.authority.authorise_use(
            application=application, grant=grant, user="liwei", document=document("contract"), now=START
        )
    body = a.GrantRevoke(by="olga", ledger=world.authority.ledger, grant=grant, reason="x").encode()
    with pytest.raises(errors.KeyNotValid):
        world.append(body, world.rows["bob"])
    world.say("olga", a.GrantRevoke, grant=grant, reason="fraud")
    with pytest.raises(errors.GrantRevoked):
        world.authorise(application, grant)
    second = world.granted(application, 1)
    world.say("boss", a.SealState, seal="company-seal", version=1, step=2, state="suspended", reason="test")
    with pytest.raises(errors.SealNotActive):
        world.authorise(application, second)
    world.say("cat", a.Refusal, application=application, reason="no")
    with pytest.raises(errors.ApplicationRefused):
        world.authorise(application, second)


def test_what_is_unknown_is_named() -> None:
    world = World.company()
    with pytest.raises(errors.UnknownReference, match="does not hold: parent 'none'"):
        world.say("boss", a.Unit, id="west", parent="none", name=bytes(32))
    with pytest.raises(errors.UnknownReference, match=f"does not hold: application {bytes(range(32)).hex()}"):
        world.say("ann", a.Approval, application=bytes(range(32)), expires=datetime(2030, 1, 1, tzinfo=UTC))
    with pytest.raises(errors.UnknownReference, match="seal: the ledger holds no seal 'nobody-s'"):
        world.authority.seal("nobody-s")


def test_records_are_frozen_and_complete() -> None:
    world = World.company()
    application = world.approved()
    grant = world.granted(application)
    use = world.use(application, grant)
    authority = world.authority
    assert [unit.id for unit in authority.units()] == ["hq", "east"]
    assert authority.unit("east").parent == "hq"
    assert authority.unit("hq").parent is None
    liwei = authority.person("liwei")
    assert (liwei.unit, liwei.roles, liwei.revision, liwei.left) == ("east", ("applicant",), 1, None)
    assert liwei.keys == (world.rows["liwei"],)
    keys = authority.keys()
    assert [key.holder for key in keys[:3]] == ["gate", "founder", "boss"]
    assert keys[liwei.keys[0]].holder == "liwei"
    assert keys[0].valid_to is None
    assert {key.algorithm for key in keys} == {"sm2", "p256"}
    assert authority.policies() == (authority.policy("two-of-three"),)
    assert authority.policy("two-of-three").approvers == ("ann", "bob", "cat")
    seal = authority.seal("company-seal")
    assert (seal.state, seal.step, seal.version, seal.width_um) == ("active", 1, 1, 42_000)
    filed = authority.application(application)
    assert filed.applicant == "liwei"
    assert [approval.approver for approval in filed.approvals] == ["ann", "bob"]
    assert filed.amount == a.Amount("CNY", 1_000_000)
    assert filed.documents == tuple(sorted((document("contract"), document("annex"))))
    assert (filed.used, filed.refused) == (1, None)
    given = authority.grant(grant)
    assert (given.grantor, given.grantee, given.used, given.max_uses, given.revoked) == ("olga", "liwei", 1, 2, None)
    assert given.valid_from.tzinfo is UTC
    record = authority.use(use)
    assert (record.applicant, record.user, record.result, record.level) == ("liwei", "liwei", "delivered", "pades-b-b")
    assert record.delivered == document("sealed")
    assert record.document == document("contract")
    assert record.time == datetime.fromtimestamp(world.log[record.index][1] // SECOND, UTC)
    assert record.end_index == record.index + 1
    assert authority.grant_chain(grant) == (grant,)
    assert authority.grant_status(grant, now=world.now) == "active"
    assert authority.next_index == len(world.log)
    assert authority.hash == "sha256"
    for query in (authority.unit, authority.person, authority.policy, authority.seal):
        with pytest.raises(errors.UnknownReference):
            query("nobody")
        with pytest.raises(errors.InvalidArgument):
            query("No Name")
    for find in (authority.application, authority.grant, authority.use):
        with pytest.raises(errors.UnknownReference):
            find(bytes(32))
        with pytest.raises(errors.InvalidLength):
            find(b"short")


def test_a_refusal_and_a_failed_use_are_on_record() -> None:
    world = World.company()
    application = world.approved()
    grant = world.granted(application)
    token = world.authorise(application, grant)
    assert world.authority.uses() == ()
    world.append(token.body, 0)
    assert [use.id for use in world.authority.open_uses()] == [token.use]
    world.say("gate", a.UseFailed, use=token.use, reason="crash", note=bytes([1] * 32))
    assert world.authority.open_uses() == ()
    (use,) = world.authority.uses()
    assert (use.result, use.reason, use.note, use.delivered) == ("failed", "crash", bytes([1] * 32), None)
    world.say("cat", a.Refusal, application=application, reason="price", note=bytes([2] * 32))
    refused = world.authority.application(application).refused
    assert refused is not None
    assert (refused.approver, refused.reason, refused.note) == ("cat", "price", bytes([2] * 32))


def test_a_token_comes_from_the_gate_only() -> None:
    with pytest.raises(TypeError):
        a.UseToken()
    world = World.company()
    application = world.approved()
    grant = world.granted(application)
    token = world.authorise(application, grant)
    with pytest.raises(AttributeError):
        token.number = 2  # type: ignore[misc]
    assert token.time == world.now
    assert (token.user, token.seal, token.seal_version, len(token.approvals)) == ("liwei", "company-seal", 1, 2)
    statement = a.decode(token.body)
    assert isinstance(statement, a.SealUse)
    assert (statement.number, statement.of, statement.by) == (token.number, token.of, "gate")
    assert statement.statement_id("sha256") == token.use
    assert "1 of 2" in repr(token)
    assert "0 uses" in repr(world.authority)


def test_places_and_checkpoints_at_the_gate() -> None:
    world = World.company()
    place = a.Position(page=2, x_um=120_000, y_um=30_000)
    application = world.apply_for(1, positions=(place,))
    for person in ("ann", "bob"):
        world.say(person, a.Approval, application=application, expires=world.now + DAY)
    grant = world.granted(application, 1)
    request: dict[str, Any] = {
        "application": application,
        "grant": grant,
        "user": "liwei",
        "document": document("contract"),
        "now": world.now,
    }
    with pytest.raises(errors.LimitExceeded):
        world.authority.authorise_use(**request)
    seen = a.Seen(size=world.authority.next_index, root=bytes([9] * 32))
    token = world.authority.authorise_use(**request, position=place, seen=seen)
    statement = a.decode(token.body)
    assert isinstance(statement, a.SealUse)
    assert (statement.position, statement.seen) == (place, seen)
    world.append(token.body, 0)


def test_what_is_out_of_turn_or_malformed_is_refused() -> None:
    world = World.company()
    body = a.Unit(by="boss", ledger=world.authority.ledger, id="west", parent="hq", name=bytes(32)).encode()
    row = world.rows["boss"]
    with pytest.raises(errors.InvalidArgument) as refusal:
        world.authority.apply(body, index=world.authority.next_index + 1, key_idx=row, time=world.now)
    assert refusal.value.field == "entry.index"
    with pytest.raises(errors.InvalidArgument):
        world.authority.check(body, key_idx=row, time=world.now, kind="other")  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidEncoding):
        world.authority.check(b"\xff", key_idx=row, time=world.now)
    elsewhere = a.Unit(by="boss", ledger=bytes(32), id="west", parent="hq", name=bytes(32)).encode()
    with pytest.raises(errors.InvalidArgument, match="another ledger"):
        world.authority.check(elsewhere, key_idx=row, time=world.now)
    with pytest.raises(errors.InputError):
        a.Authority(b"")
    world.authority.check(body, key_idx=row, time=datetime(2030, 1, 1, tzinfo=UTC))
    world.authority.apply(memoryview(body), index=world.authority.next_index, key_idx=row, time=world.now)  # type: ignore[arg-type]


def test_replaying_the_log_gives_the_same_state() -> None:
    world = World.company()
    application = world.approved()
    world.use(application, world.granted(application))
    copy = a.Authority(genesis())
    assert copy.apply_many(world.log[1:]) == len(world.log) - 1
    assert copy.digest() == world.authority.digest()
    assert copy.applications() == world.authority.applications()
    broken = [*world.log[1:4], (4, world.now, 1, "statement", b"\xa0")]
    fresh = a.Authority(genesis())
    with pytest.raises(errors.InputError):
        fresh.apply_many(broken)
    assert fresh.next_index == 4, "what came before the refused one was applied"


def test_threads_never_use_a_grant_more_often_than_it_allows() -> None:
    """The contract: one lock around authorise (or check), append and apply; then any interleaving is safe."""
    world = World.company()
    application = world.approved(7)
    grants = [world.granted(application, 5), world.granted(application, 4, valid_to=world.now + DAY)]
    now = world.now + SECOND
    lock = threading.Lock()
    outcomes: list[str] = []

    def worker(seed: int) -> None:
        choice = random.Random(seed)  # noqa: S311
        for _ in range(12):
            grant = choice.choice(grants)
            request: dict[str, Any] = {
                "application": application,
                "grant": grant,
                "user": "liwei",
                "document": document("contract"),
                "now": now,
            }
            try:
                # Outside the lock: the answer may be stale by the time it is used.
                token = world.authority.authorise_use(**request)
                world.authority.uses()
                with lock:
                    world.authority.check(token.body, key_idx=0, time=now)
                    world.authority.apply(token.body, index=world.authority.next_index, key_idx=0, time=now)
                    outcomes.append("taken")
            except errors.PolicyError as refusal:
                outcomes.append(type(refusal).__name__)

    with ThreadPoolExecutor(8) as pool:
        for result in [pool.submit(worker, seed) for seed in range(8)]:
            result.result()
    assert outcomes.count("taken") == 7, "the application allows seven uses, the two grants nine"
    assert len(outcomes) == 8 * 12
    used = [world.authority.grant(grant).used for grant in grants]
    assert sum(used) == 7
    assert used[0] <= 5
    assert used[1] <= 4
    numbers = [(use.grant, use.number) for use in world.authority.uses()]
    assert sorted(numbers) == sorted((grant, k) for grant, n in zip(grants, used, strict=True) for k in range(1, n + 1))


def test_readers_and_a_writer_share_the_state() -> None:
    world = World.company()
    stop = threading.Event()

    def read() -> int:
        rounds = 0
        while not stop.is_set() or rounds == 0:
            world.authority.digest()
            assert len(world.authority.units()) >= 2
            world.authority.held_at(world.now)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        for number in range(200):
            world.say("boss", a.Unit, id=f"unit-{number}", parent="hq", name=bytes(32))
        stop.set()
        assert all(reader.result() > 0 for reader in readers)
    assert len(world.authority.units()) == 202
