"""The projection: a database that holds nothing of its own, whatever happens to it."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from office_world import World, copied, failing, story

from sealcore import errors
from sealcore.seals import Registry, View, audit_ledger, rebuild_database
from sealcore.seals.tables import METADATA
from sealcore.sign import SigningKey


def rows(queries: Registry | View) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, in the order of the primary keys."""
    view = queries.view if isinstance(queries, Registry) else queries
    with view._database.reading() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))]
            for table in METADATA.sorted_tables
        }


class TestRebuilding:
    def test_a_rebuild_gives_the_same_rows(self, world):
        with world.open(token=failing(world)) as registry:
            story(world, registry)
            incremental = rows(registry)
            assert all(incremental.values()), [name for name, found in incremental.items() if not found]
            told: list[tuple[int, int]] = []
            assert registry.rebuild(progress=lambda done, total: told.append((done, total))) == registry.size
            assert rows(registry) == incremental
            assert told[-1][0] == told[-1][1] == sum(map(len, incremental.values())) - 3
            # The answers, too, and with the names.
            with View.open(world.directory) as view:
                assert (view.size, view.root) == (registry.size, registry.view.root)
                assert view.uses() == registry.view.uses()
                assert view.applications() == registry.view.applications()
                assert view.grants() == registry.view.grants()
                assert view.person("li").name == "李娜娜"

    @pytest.mark.parametrize("damage", ["cut", "foreign tables", "another layout"])
    def test_whatever_happens_to_the_file(self, world, damage):
        with world.open(token=failing(world)) as registry:
            story(world, registry)
            before = rows(registry)
        path = world.directory / "registry.db"
        match damage:
            case "cut":
                path.write_bytes(path.read_bytes()[:5000])
            case "foreign tables":
                path.unlink()
                with sqlite3.connect(path) as connection:
                    connection.execute("CREATE TABLE units (x TEXT)")
                connection.close()
            case "another layout":
                with sqlite3.connect(path) as connection:
                    connection.execute("UPDATE meta SET value = '999' WHERE name = 'format'")
                connection.close()
        damaged = path.read_bytes() if path.exists() else None
        # A view answers all the same, and repairs nothing.
        with View.open(world.directory) as view:
            assert rows(view) == before
        assert (path.read_bytes() if path.exists() else None) == damaged
        with world.open() as registry:
            assert rows(registry) == before
        # And without a password, by anybody who may write the file.
        path.unlink()
        assert rebuild_database(world.directory) == before_size(before)
        with View.open(world.directory) as view:
            assert view._database.name == str(path)
            assert rows(view) == before

    def test_a_copy_that_is_ahead_or_of_another_ledger(self, founded, world, tmp_path):
        """The ledger came back from the backup, or the file from another office: somebody must look."""
        other = copied(founded, tmp_path / "other")
        with other.open() as registry:
            before = rows(registry)
        with world.open(token=failing(world)) as registry:
            story(world, registry)
        shutil.copy(world.directory / "registry.db", other.directory / "registry.db")
        with View.open(other.directory) as view:
            assert rows(view) == before
        with pytest.raises(errors.RootMismatch, match="was cut or put back") as caught:
            other.open()
        assert caught.value.tree_size > len(before["units"])
        (finding,) = audit_ledger(other.directory).findings
        assert (finding.part, finding.kind) == ("beside", "database-ahead")
        rebuild_database(other.directory)
        assert audit_ledger(other.directory).ok
        with other.open() as registry:
            assert rows(registry) == before
            # From here on the two ledgers differ; equal sizes do not deceive.
            registry.add_unit("elsewhere", name="Elsewhere", parent="hq", by=other.keys["he"])
            before = rows(registry)
        with copied(founded, tmp_path / "third").open() as registry:
            registry.add_unit("somewhere", name="Somewhere", parent="hq", by=other.keys["he"])
        shutil.copy(tmp_path / "third" / "registry.db", other.directory / "registry.db")
        with View.open(other.directory) as view:
            assert rows(view) == before
        with pytest.raises(errors.RootMismatch, match="was cut or put back"):
            other.open()

    def test_somebody_writes_to_it_while_the_office_works(self, world):
        with world.open() as registry:
            ids = world.granted(registry)
            world.seal(registry, *ids)
            # An older state is put under the feet of the writer: it notices, and writes everything anew.
            with sqlite3.connect(world.directory / "registry.db") as connection:
                connection.execute("DELETE FROM uses")
                connection.execute("UPDATE meta SET value = '3' WHERE name = 'size'")
            connection.close()
            registry.add_unit("new", name="New", parent="hq", by=world.keys["he"])
            assert len(registry.view.uses()) == 1
            incremental = rows(registry)
            registry.rebuild()
            assert rows(registry) == incremental

    def test_a_database_that_cannot_be_written_does_not_undo_the_ledger(self, world, monkeypatch, caplog):
        with world.open() as registry:
            view = registry.view

            def full(self: object) -> object:
                raise errors.StorageError("the disk is full", operation="write", path="registry.db", errno=28)

            with monkeypatch.context() as patch:
                patch.setattr(type(registry._journal._projection._database), "writing", full)
                patch.setattr(registry._details, "store", lambda values: None)
                patch.setattr(registry._details, "settle", lambda values: None)
                made = registry.add_unit("new", name="New", parent="hq", by=world.keys["he"])
                assert "the disk is full" in caplog.text
                assert f"entry {made.index}" in caplog.text
                with pytest.raises(errors.StorageError):
                    _ = registry.view
                with pytest.raises(errors.UnknownReference):
                    view.unit("new")
            assert registry.view.unit("new").index == made.index


def before_size(found: dict[str, list[tuple[object, ...]]]) -> int:
    return int(dict(found["meta"])["size"])  # type: ignore[arg-type]


PERSONS = ["zhang", "chen", "li", "wang", "sun", "zhao"]
ACTS = [
    "apply", "approve", "approve", "approve", "refuse", "grant", "grant", "pass on", "revoke", "seal", "seal", "seal",
    "suspend", "activate", "revoke key", "add key", "roles", "leave", "policy", "unit", "person",
]  # fmt: skip


class History:
    """Acts of persons with more or less right to them, over one office."""

    def __init__(self, world: World, registry: Registry) -> None:
        self.world = world
        self.registry = registry
        self.keys = dict(world.keys)
        self.done = 0

    def act(self, act: str, first: int, second: int) -> None:
        registry, number = self.registry, registry_size(self.registry)
        by = self.keys[PERSONS[first % len(PERSONS)]]
        person = PERSONS[second % len(PERSONS)]
        he = self.keys["he"]
        seal = ("company", "token")[second % 2]
        applications = [row.id for row in registry.view.applications()] or ["0" * 64]
        grants = [row.id for row in registry.view.grants()] or ["0" * 64]
        application, grant = applications[second % len(applications)], grants[first % len(grants)]
        soon = datetime.now(UTC) + timedelta(hours=1 + first % 3)
        acts = {
            "apply": lambda: self.world.apply(registry, seal, uses=1 + first % 3, by=by),
            "approve": lambda: registry.approve(application, by=by, expires=soon),
            "refuse": lambda: registry.refuse(application, reason="no", by=by),
            "grant": lambda: registry.grant(
                registry.view.application(application).seal,
                application=application,
                grantee=registry.view.application(application).applicant,
                uses=1 + first % 2,
                valid_to=soon,
                depth=first % 3,
                by=self.keys["zhao"],
            ),
            "pass on": lambda: registry.grant(
                registry.view.grant(grant).seal,
                parent=grant,
                grantee=person,
                uses=1,
                valid_to=registry.view.grant(grant).valid_to,
                by=self.keys[registry.view.grant(grant).grantee],
            ),
            "revoke": lambda: registry.revoke_grant(grant, reason="over", by=self.keys["zhao"]),
            "seal": lambda: self.world.seal(
                registry,
                registry.view.grant(grant).application,
                grant,
                by=self.keys[registry.view.grant(grant).grantee],
            ),
            "suspend": lambda: registry.suspend_seal(seal, reason="audit", by=he),
            "activate": lambda: registry.activate_seal(seal, by=he),
            "revoke key": lambda: registry.revoke_key(person, by=he),
            "add key": lambda: self.add_key(person),
            "roles": lambda: registry.change_person(
                person, roles=[("applicant", "approver", "authoriser", "auditor")[first % 4]], by=he
            ),
            "leave": lambda: registry.remove_person(person, reason="left", by=he),
            "policy": lambda: registry.set_policy(
                "two-of-three", quorum=1 + first % 2, approvers=["li", "wang"], applicant_units=["hq"], by=he
            ),
            "unit": lambda: registry.add_unit(f"unit-{number}", name="U", parent="hq", by=he),
            "person": lambda: registry.add_person(
                f"p-{number}",
                name="P",
                unit="hq",
                roles=["approver"],
                key=SigningKey.generate("p256").verifying_key,
                by=he,
            ),
        }
        try:
            acts[act]()
            self.done += 1
        except (errors.PolicyError, ZeroDivisionError):
            pass

    def add_key(self, person: str) -> None:
        key = SigningKey.generate("p256")
        self.registry.add_key(person, by=self.keys["he"], key=key.verifying_key)
        self.keys[person] = key


def registry_size(registry: Registry) -> int:
    return registry.size


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 11), st.integers(0, 11)), min_size=5, max_size=30))
def test_any_history_gives_the_same_rows_both_ways(founded, tmp_path_factory, acts):
    """Whatever happens in whatever order: rows after each entry = rows of a replay, and the words are authority's."""
    world = copied(founded, tmp_path_factory.mktemp("history") / "office")
    with world.open() as registry:
        history = History(world, registry)
        # So that the rarer acts find something to act upon.
        for seal in ("company", "token"):
            world.granted(registry, seal, uses=2, depth=2)
        for act, first, second in acts:
            history.act(act, first, second)
        incremental = rows(registry)
        now = datetime.now(UTC)
        authority = registry._journal.authority
        for grant in registry.view.grants():
            assert grant.state == authority.grant_status(bytes.fromhex(grant.id), now=now)
        registry.rebuild()
        assert rows(registry) == incremental
    report = audit_ledger(world.directory)
    assert report.ok, report.findings


def test_an_approval_with_a_new_key_takes_the_place_of_the_dead_one(world):
    with world.open() as registry:
        application, _ = world.granted(registry, "company")
        first = registry.view.approvals(application)
        person = first[0].approver
        registry.revoke_key(person, by=world.keys["he"])
        key = SigningKey.generate("p256")
        registry.add_key(person, by=world.keys["he"], key=key.verifying_key)
        registry.approve(application, by=key, expires=datetime.now(UTC) + timedelta(hours=1))
        incremental = registry.view.approvals(application)
        assert [row.approver for row in incremental].count(person) == 1
        assert first[0].id not in {row.id for row in incremental}
        registry.rebuild()
        assert registry.view.approvals(application) == incremental


def test_rebuilding_without_a_password_also_while_a_writer_is_at_work(world):
    with world.open() as registry:
        world.granted(registry, "token")
        shown = rows(registry)
        (world.directory / "registry.db").unlink()
        for name in ("registry.db-wal", "registry.db-shm"):
            (world.directory / name).unlink(missing_ok=True)
        told: list[tuple[int, int]] = []
        size = rebuild_database(world.directory, progress=lambda done, total: told.append((done, total)))
        assert size == registry.size
        assert told[-1] == (size, size)
    with View.open(world.directory) as view:
        assert rows(view) == shown
    with world.open() as registry:
        rebuild_database(world.directory)
        registry.add_unit("later", name="后来", parent="hq", by=world.keys["he"])
        assert registry.view.unit("later").index == registry.size - 1
        incremental = rows(registry)
        registry.rebuild()
        assert rows(registry) == incremental
    (world.directory / "ledger" / "wal" / "0.wal").write_bytes(b"")
    before = (world.directory / "registry.db").read_bytes()
    with pytest.raises(errors.LedgerError):
        rebuild_database(world.directory)
    assert (world.directory / "registry.db").read_bytes() == before
