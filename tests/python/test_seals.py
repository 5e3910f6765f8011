"""The main thread through the office: apply, approve, grant, seal; and everything that the gate refuses."""

from __future__ import annotations

import json

import pytest
from office_world import World, build, copied, tomorrow

from sealcore import errors
from sealcore.authority import Digests
from sealcore.pdf import verify_pdf


@pytest.fixture(scope="session")
def founded(tmp_path_factory) -> World:
    return build(tmp_path_factory.mktemp("founded") / "office")


@pytest.fixture
def world(founded, tmp_path) -> World:
    return copied(founded, tmp_path / "office")


@pytest.mark.parametrize("seal", ["company", "contract"])
def test_the_main_thread(world, seal):
    with world.open() as registry:
        application = world.apply(registry, seal, uses=2)
        with pytest.raises(errors.ApprovalRequired):
            registry.grant(
                seal, application=application.id, grantee="zhang", uses=2, valid_to=tomorrow(), by=world.keys["zhao"]
            )
        world.approve(registry, application.id)
        grant = registry.grant(
            seal, application=application.id, grantee="zhang", uses=2, valid_to=tomorrow(), by=world.keys["zhao"]
        )
        for number in (1, 2):
            sealed = world.seal(registry, application.id, grant.id)
            assert (sealed.number, sealed.of) == (number, 2)
            assert sealed.delivered.index == sealed.use.index + 1
            assert Digests.of(sealed.data) == Digests(sealed.sha256, sealed.sm3)
            verdict = verify_pdf(sealed.data, roots=world.roots)
            assert verdict.verdict == "authentic", verdict.reasons
            (report,) = verdict.seals
            assert report.algorithm == {"company": "sm2", "contract": "p256"}[seal]
            assert report.authority is not None
            assert report.authority.origin == "example.com/seals"
            assert report.authority.index == sealed.use.index
            assert report.authority.statement.hex() == sealed.use.statement
            assert report.authority.hash_algorithm == "sm3"
            row = registry.view.use(sealed.use.id)
            assert (row.result, row.number, row.end_index) == ("delivered", number, sealed.delivered.index)
            assert row.delivered.sha256 == sealed.sha256
            assert json.loads(json.dumps(sealed.to_dict()))["use"]["index"] == sealed.use.index
        with pytest.raises(errors.GrantExhausted) as caught:
            world.seal(registry, application.id, grant.id)
        assert (caught.value.limit, caught.value.actual, caught.value.statement) == (2, 3, grant.index)
        assert registry.view.application(application.id).state == "used"
        assert registry.view.grant(grant.id).state == "exhausted"
