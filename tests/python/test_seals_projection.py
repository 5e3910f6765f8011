"""The projection and the personal values: what may be lost, what may be erased, while the ledger stays as it is."""

from __future__ import annotations

import random
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from office_world import CONTRACT, OTHER, PASSWORD, World, build, copied, tomorrow

from sealcore import errors
from sealcore.seals import Registry, View, audit_ledger, rebuild_database
from sealcore.sign import SigningKey

PLACE: dict[str, Any] = {"page": 2, "place": (30.0, 180.0), "isolated": False}


@pytest.fixture(scope="module")
def founded(tmp_path_factory) -> World:
    return build(tmp_path_factory.mktemp("founded") / "office")


@pytest.fixture
def world(founded, tmp_path) -> World:
    return copied(founded, tmp_path / "office")


def tables(directory: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the projection."""
    with sqlite3.connect(f"file:{directory / 'registry.db'}?mode=ro", uri=True) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr) for name in names}  # noqa: S608
    connection.close()
    return found


def answers(view: View) -> dict[str, Any]:
    """Everything that a view can be asked."""
    lists = ("units", "persons", "keys", "policies", "seals", "applications", "grants", "uses")
    found: dict[str, Any] = {name: getattr(view, name)() for name in lists}
    found["approvals"] = [view.approvals(row.id) for row in found["applications"]]
    return found | {"size": view.size, "root": view.root}


# -- the projection -----------------------------------------------------------------------------------------------


class Clerks:
    """People who do one thing after the other, allowed or not, drawn from a seed."""

    def __init__(self, world: World, registry: Registry, seed: int) -> None:
        self.world, self.registry, self.draw = world, registry, random.Random(seed)  # noqa: S311
        self.done = self.refused = 0

    def act(self) -> None:
        world, registry, draw = self.world, self.registry, self.draw
        keys = world.keys
        applications = [row.id for row in registry.view.applications()] or ["0" * 64]
        grants = registry.view.grants()
        grant = draw.choice(grants).id if grants else "0" * 64
        seal = draw.choice(["company", "token"])
        by = keys[draw.choice(["he", "zhang", "chen", "li", "wang", "sun", "zhao"])]
        application = draw.choice(applications)
        acts = {
            "apply": lambda: world.apply(registry, seal, draw.choice([CONTRACT, OTHER]), uses=2, by=by),
            "granted": lambda: world.granted(registry, "token", uses=draw.randint(1, 3), depth=1),
            "approve": lambda: registry.approve(application, by=by),
            "refuse": lambda: registry.refuse(application, reason="no", by=by),
            "child": lambda: registry.grant(
                "token", parent=grant, grantee="sun", uses=1, by=keys["zhang"],
                valid_to=datetime.now(UTC) + timedelta(hours=1),
            ),
            "standing": lambda: registry.grant(
                seal, grantee="zhang", uses=3, classes=["contract"], valid_to=tomorrow(), by=keys["zhao"]
            ),
            "revoke": lambda: registry.revoke_grant(grant, reason="withdrawn", by=keys["zhao"]),
            "seal": lambda: registry.seal_document(
                *(draw.choice([(row.application or application, row.id) for row in grants] or [(application, grant)])),
                CONTRACT, by=keys[draw.choice(["zhang", "sun"])], **PLACE,
            ),
            "suspend": lambda: registry.suspend_seal("company", reason="audit", by=keys["he"]),
            "activate": lambda: registry.activate_seal("company", by=keys["he"]),
            "unit": lambda: registry.add_unit(f"unit-{self.done}", name="新", parent="hq", by=keys["he"]),
            "change": lambda: registry.change_person("qian", name=f"钱{self.done}", by=keys["he"]),
            "key": lambda: registry.add_key("chen", key=SigningKey.generate("p256").verifying_key, by=keys["he"]),
            "no-key": lambda: registry.revoke_key("chen", row=draw.randint(2, 12), by=keys["he"]),
            "policy": lambda: registry.set_policy(
                "two-of-three", quorum=2, approvers=("li", "wang", "sun"), applicant_units=("hq",), by=keys["he"]
            ),
        }  # fmt: skip
        weights = {"granted": 3, "seal": 8, "approve": 3}
        (name,) = draw.choices(list(acts), [weights.get(name, 1) for name in acts])
        try:
            acts[name]()
            self.done += 1
        except (errors.PolicyError, errors.InputError):
            self.refused += 1


def same_when_rebuilt(world: World, registry: Registry) -> dict[str, Any]:
    """The tables hold the same rows, and the view says the same, after a rebuild."""
    shown, incremental = answers(registry.view), tables(world.directory)
    assert registry.rebuild() == registry.size
    assert tables(world.directory) == incremental
    assert answers(registry.view) == shown
    return shown


@pytest.mark.parametrize("seed", [1, 2])
def test_the_incremental_projection_is_the_rebuilt_one(world, seed):
    with world.open() as registry:
        ids = world.granted(registry, "token", uses=3, depth=1)
        registry.seal_document(*ids, CONTRACT, by=world.keys["zhang"], **PLACE)
        child = registry.grant(
            "token", parent=ids[1], grantee="sun", uses=1, by=world.keys["zhang"],
            valid_to=datetime.now(UTC) + timedelta(hours=1),
        )  # fmt: skip
        registry.seal_document(ids[0], child.id, CONTRACT, by=world.keys["sun"], **PLACE)
        clerks = Clerks(world, registry, seed)
        for _ in range(4):
            same_when_rebuilt(world, registry)
            for _ in range(15):
                clerks.act()
        assert clerks.done > 20
        assert clerks.refused > 5
        shown = same_when_rebuilt(world, registry)
        # Without the tables a view replays the ledger, and says the same.
        shutil.copytree(world.directory / "ledger", world.directory.parent / "bare" / "ledger")
        shutil.copy(world.directory / "details.db", world.directory.parent / "bare")
        for wal in world.directory.glob("details.db-*"):
            shutil.copy(wal, world.directory.parent / "bare")
    with View.open(world.directory.parent / "bare") as view:
        assert answers(view) == shown
    assert not (world.directory.parent / "bare" / "registry.db").exists()
    assert audit_ledger(world.directory).ok


@pytest.mark.parametrize("damage", ["deleted", "emptied", "noise", "of-another", "older", "rows-changed"])
def test_the_projection_may_be_lost(world, tmp_path, damage):
    path = world.directory / "registry.db"
    older = tmp_path / "older.db"
    shutil.copy(path, older)
    with world.open() as registry:
        ids = world.granted(registry, "token", uses=2)
        registry.seal_document(*ids, CONTRACT, by=world.keys["zhang"], **PLACE)
    whole = tables(world.directory)
    with View.open(world.directory) as view:
        shown = answers(view)
    match damage:
        case "deleted":
            path.unlink()
        case "emptied":
            path.write_bytes(b"")
        case "noise":
            path.write_bytes(random.Random(1).randbytes(50_000))  # noqa: S311
        case "of-another":
            another = tmp_path / "another"
            with Registry.create(
                another, origin="example.com/another", unit="hq", unit_name="HQ", password=PASSWORD
            ) as other:
                # As many entries as the office has: only the root tells them apart.
                manager = self_made(other)
                while other.size < shown["size"]:
                    other.add_unit(f"unit-{other.size}", name="x", parent="hq", by=manager)
            shutil.copy(another / "registry.db", path)
        case "older":
            shutil.copy(older, path)
        case "rows-changed":
            connection = sqlite3.connect(path)
            connection.execute("UPDATE grants SET used = 0")
            connection.commit()
            connection.close()
    if damage != "rows-changed":
        with View.open(world.directory) as view:
            assert answers(view) == shown
    with world.open() as registry:
        # The gate never asked the tables: what stands there changes no count.
        assert registry.seal_document(*ids, CONTRACT, by=world.keys["zhang"], **PLACE).number == 2
        with pytest.raises(errors.GrantExhausted):
            registry.seal_document(*ids, CONTRACT, by=world.keys["zhang"], **PLACE)
        registry.rebuild()
    after = tables(world.directory)
    assert after.keys() == whole.keys()
    assert len(after["uses"]) == 2
    assert audit_ledger(world.directory).ok


def self_made(registry: Registry) -> SigningKey:
    """A manager, made on the spot."""
    key = SigningKey.generate("p256")
    person = f"manager-{registry.size}"
    registry.add_person(person, name="M", unit="hq", roles=["manager"], by="founder", key=key.verifying_key)
    return key


def test_rebuilding_without_a_password_also_while_a_writer_is_at_work(world):
    with world.open() as registry:
        world.granted(registry, "token")
        shown = answers(registry.view)
        (world.directory / "registry.db").unlink()
        for name in ("registry.db-wal", "registry.db-shm"):
            (world.directory / name).unlink(missing_ok=True)
        told: list[tuple[int, int]] = []
        size = rebuild_database(world.directory, progress=lambda done, total: told.append((done, total)))
        assert size == registry.size
        assert told[-1] == (size, size)
    with View.open(world.directory) as view:
        assert answers(view) == shown
    with world.open() as registry:
        rebuild_database(world.directory)
        registry.add_unit("later", name="后来", parent="hq", by=world.keys["he"])
        assert registry.view.unit("later").index == registry.size - 1
        incremental = tables(world.directory)
        registry.rebuild()
        assert tables(world.directory) == incremental
    (world.directory / "ledger" / "entries").write_bytes(b"")
    with pytest.raises(errors.LedgerError):
        rebuild_database(world.directory)
    assert tables(world.directory) == incremental


# -- erased -------------------------------------------------------------------------------------------------------


def files_with(world: World, text: str) -> list[str]:
    """The files that hold this text anywhere, also in free pages."""
    return [p.name for p in world.directory.rglob("*") if p.is_file() and text.encode() in p.read_bytes()]


def test_an_erased_name_stays_erased(world):
    with world.open() as registry:
        ids = world.granted(registry, "token")
        registry.seal_document(*ids, CONTRACT, by=world.keys["zhang"], **PLACE)
        registry.change_person("zhang", name="张伟伟", by=world.keys["he"])
        before = (registry.size, registry.view.root)
        assert files_with(world, "张伟") != []
        assert registry.erase_person("zhang") == 2
        # At once, not only when the office is closed.
        assert files_with(world, "张伟") == []
        assert registry.erase_person("zhang") == 0
        with pytest.raises(errors.UnknownReference):
            registry.erase_person("nobody")
        assert (registry.size, registry.view.root) == before

    def names(view: View) -> list[str]:
        return [
            view.person("zhang").name,
            view.application(ids[0]).applicant_name,
            view.grant(ids[1]).grantee_name,
            *(row.user_name for row in view.uses()),
        ]

    with View.open(world.directory) as view:
        assert names(view) == ["(erased)"] * 4
        assert view.person("li").name == "李娜"
    (world.directory / "registry.db").unlink()
    rebuild_database(world.directory)
    with View.open(world.directory) as view:
        assert names(view) == ["(erased)"] * 4
    with world.open() as registry:
        registry.rebuild()
        assert names(registry.view) == ["(erased)"] * 4
    assert files_with(world, "张伟") == []
    assert audit_ledger(world.directory).ok
    # What was never erased but is not there is something else.
    (world.directory / "details.db").unlink()
    with View.open(world.directory) as view:
        assert view.person("li").name == "(missing)"
