"""Authority at the Python border: statements, the gate, the records, threads."""

from __future__ import annotations

import pytest
from authority_world import World

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
    assert [(use.id, use.number, use.of, use.approvers) for use in world.authority.uses()] == [
        (uses[0], 1, 2, ("ann", "bob")),
        (uses[1], 2, 2, ("ann", "bob")),
    ]
    assert world.authority.applications()[0].approvals[0].approver == "ann"
    assert isinstance(world.authority.application(application), a.ApplicationRecord)


def test_the_audit_of_what_the_gate_let_through_finds_nothing() -> None:
    world = World.company()
    application = world.approved()
    grant = world.granted(application)
    for _ in range(2):
        world.use(application, grant)
    report = a.audit(world.log)
    assert report.findings == ()
    assert report.is_clean
    assert report.entries == len(world.log)
    assert report.authority.uses() == world.authority.uses()
    assert report.authority.digest() == world.authority.digest()
    held = world.authority.held_at(world.now)
    assert [(grant.grantee, grant.used, grant.max_uses) for grant in held.grants] == [("liwei", 2, 2)]
    assert [(seal.seal, seal.state) for seal in held.seals] == [("company-seal", "active")]
