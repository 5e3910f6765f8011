"""The databases beside the ledger: a projection that holds nothing of its own, and values that can be erased."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from office_world import CONTRACT, OTHER, Token, World, copied, finished, tomorrow

from sealcore import errors
from sealcore.authority import Amount
from sealcore.seals import Registry, View, audit_ledger, rebuild_database
from sealcore.seals import database as databases
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


def story(world: World, registry: Registry) -> None:
    """Some of everything that a ledger can hold."""
    keys = world.keys
    ids = world.granted(registry, uses=3, depth=2)
    world.seal(registry, *ids)
    child = registry.grant(
        "company",
        parent=ids[1],
        grantee="sun",
        uses=1,
        valid_to=datetime.now(UTC) + timedelta(hours=1),
        by=keys["zhang"],
    )
    world.seal(registry, ids[0], child.id, by=keys["sun"])
    failing = world.granted(registry, "token")
    with pytest.raises(ZeroDivisionError):
        world.seal(registry, *failing)
    refused = world.apply(registry, document=[CONTRACT, OTHER], amount=Amount("CNY", 7), counterparty="海风贸易")
    registry.refuse(refused.id, reason="wrong-version", note="page 3", by=keys["li"])
    registry.revoke_grant(ids[1], reason="withdrawn", by=keys["zhao"])
    registry.suspend_seal("contract", reason="audit", by=keys["he"], note="yearly")
    registry.set_policy("two-of-three", quorum=1, approvers=["li"], applicant_units=["hq"], by=keys["he"])
    registry.change_person("chen", unit="shanghai", roles=["approver"], by=keys["he"])
    registry.change_person("li", name="李娜娜", by=keys["he"])
    registry.add_key("wang", by=keys["wang"], key=SigningKey.generate("p256").verifying_key)
    registry.revoke_key("wang", row=6, by=keys["he"], reason="stolen")
    registry.remove_person("sun", reason="resigned", by=keys["he"])


def failing(world: World) -> Token:
    return Token(world.keys["token"], lambda message: 1 // 0)


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
        """The ledger came back from the backup, or the file from another office: the ledger decides."""
        other = copied(founded, tmp_path / "other")
        with other.open() as registry:
            before = rows(registry)
        with world.open(token=failing(world)) as registry:
            story(world, registry)
        shutil.copy(world.directory / "registry.db", other.directory / "registry.db")
        with View.open(other.directory) as view:
            assert rows(view) == before
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
        with other.open() as registry:
            assert rows(registry) == before

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


class TestViews:
    def test_questions(self, world):
        with world.open(token=failing(world)) as registry:
            story(world, registry)
        with View.open(world.directory) as view:
            assert (view.origin, view.hash) == ("example.com/seals", "sm3")
            assert [unit.id for unit in view.units()] == ["hq", "shanghai", "shenzhen"]
            assert [(unit.name, unit.region) for unit in view.units()][1] == ("上海分公司", "cn-31")
            assert view.person("chen").roles == ("approver",)
            assert view.person("sun").left is not None
            assert view.policy("two-of-three").approvers == ("li",)
            assert [(seal.id, seal.state, seal.size_mm) for seal in view.seals()] == [
                ("company", "active", (40.0, 40.0)),
                ("contract", "suspended", (40.0, 40.0)),
                ("token", "active", (40.0, 40.0)),
            ]
            everything = view.applications()
            assert [row.state for row in everything] == ["open", "used", "refused"]
            assert [row.approvals for row in everything] == [2, 2, 0]
            assert view.applications(seal="token") == everything[1:2]
            assert view.applications(applicant="zhang") == everything
            assert view.applications(applicant="chen") == []
            assert [row.approver for row in view.approvals(everything[0].id[:9])] == ["li", "wang"]
            assert [row.approver_name for row in view.approvals(everything[0].id)] == ["李娜娜", "王芳"]
            grants = view.grants()
            assert view.grants(grantee="sun") == [grants[1]]
            assert view.grants(application=everything[1].id) == view.grants(seal="token") == [grants[2]]
            assert [(use.user, use.result) for use in view.uses()] == [
                ("zhang", "delivered"),
                ("sun", "delivered"),
                ("zhang", "failed"),
            ]
            assert view.uses(seal="token") == view.uses(grant=grants[2].id) == view.uses(application=everything[1].id)
            assert view.find(view.uses()[0].id[:12]) == ("use", view.uses()[0].id)
            assert view.imprint("company").startswith(b"\x89PNG")
            assert [c.subject for c in view.certificates("company")] == ["CN=示例公司company,C=CN", "CN=Issuing"]
            for question in (view.unit, view.person, view.policy, view.seal, view.certificates, view.imprint):
                with pytest.raises(errors.UnknownReference, match="nobody"):
                    question("nobody")
            for question in (view.application, view.grant, view.use, view.approvals, view.find):
                with pytest.raises(errors.UnknownReference):
                    question("000000000")
            for found in (
                view.units(), view.persons(), view.keys(), view.policies(), view.seals(), everything, grants,
                view.uses(), view.approvals(everything[0].id),
            ):  # fmt: skip
                assert json.loads(json.dumps([row.to_dict() for row in found]))

    def test_a_view_beside_a_writer(self, world):
        with world.open() as registry, View.open(world.directory) as view:
            assert view._database.name.endswith("registry.db")
            ids = world.granted(registry)
            assert view.application(ids[0]).purpose == "采购合同"
            assert view.size == registry.size

    def test_a_view_writes_nothing(self, world):
        def state() -> dict[str, bytes]:
            found = {str(path): path.read_bytes() for path in world.directory.rglob("*") if path.is_file()}
            return {name: data for name, data in found.items() if not name.endswith(("-shm", "-wal"))}

        before = state()
        (world.directory / "registry.db").unlink()
        with View.open(world.directory) as view:
            assert view.persons()[0].name == "何总"
            with pytest.raises(errors.InvalidArgument, match="only reads"):
                view._details.erase(b"")
        del before[str(world.directory / "registry.db")]
        assert state() == before


class TestPersonalValues:
    def test_erasing(self, world):
        with world.open() as registry:
            registry.change_person("li", name="李娜娜", by=world.keys["he"])
            made = world.apply(registry, purpose="机密并购", counterparty="海风贸易")
            assert registry.erase_person("li") == 2
            assert registry.erase_person("li") == 0
            assert registry.view.person("li").name == "(erased)"
            assert registry.view.person("wang").name == "王芳"
            purpose = registry._journal.authority.application(bytes.fromhex(made.id)).purpose
            assert registry.erase(purpose.hex())
            assert not registry.erase(purpose)
            assert not registry.erase(bytes(32))
            row = registry.view.application(made.id)
            assert (row.purpose, row.counterparty) == ("(erased)", "海风贸易")
            for wrong in ("", "zz", b"", bytes(31)):
                with pytest.raises(errors.InputError):
                    registry.erase(wrong)
            with pytest.raises(errors.UnknownReference):
                registry.erase_person("nobody")
            # Not in the file, not in its write-ahead log: while the office is open, and after.
            for text in ("李娜", "机密并购"):
                assert all(text.encode() not in path.read_bytes() for path in world.directory.glob("*.db*"))
        report = audit_ledger(world.directory)
        assert report.ok
        assert report.values_erased == 2
        with world.open() as registry:
            registry.rebuild()
            assert registry.view.person("li").name == "(erased)"

    def test_values_that_were_changed_or_lost(self, world):
        with sqlite3.connect(world.directory / "details.db") as connection:
            connection.execute("UPDATE details SET value = '王坏' WHERE value = '王芳'")
            connection.execute("DELETE FROM details WHERE value = '李娜'")
        connection.close()
        with View.open(world.directory) as view:
            assert view.person("wang").name == "(altered)"
            assert view.person("li").name == "(missing)"
            assert view.person("he").name == "何总"
            places = [view.person("li").index, view.person("wang").index]
        report = audit_ledger(world.directory)
        assert [(f.part, f.kind, f.index) for f in report.findings] == [
            ("beside", "value-missing", places[0]),
            ("beside", "value-altered", places[1]),
        ]
        assert "person 'wang'" in report.findings[1].sentence

    def test_without_the_values_the_rest_goes_on(self, world):
        (world.directory / "details.db").unlink()
        with View.open(world.directory) as view:
            assert {person.name for person in view.persons()} == {"(missing)"}
        report = audit_ledger(world.directory)
        assert (report.ok, report.values_checked) == (True, 0)
        with world.open() as registry:
            world.seal(registry, *world.granted(registry))
            assert registry.view.applications()[0].purpose == "采购合同"

    def test_a_damaged_file_of_values_is_not_thrown_away(self, world):
        path = world.directory / "details.db"
        path.write_bytes(b"no database at all" * 100)
        with pytest.raises(errors.StorageError, match=r"details\.db"), world.open():
            pass
        assert path.read_bytes() == b"no database at all" * 100
        assert [finding.kind for finding in audit_ledger(world.directory).findings] == ["values-unreadable"]


class TestAudit:
    def test_a_sound_office(self, world):
        with world.open(token=failing(world)) as registry:
            story(world, registry)
            earlier = registry.checkpoint
            world.apply(registry, document_class="loan")
            key = registry.ledger_key
        told: list[tuple[int, int]] = []
        report = audit_ledger(
            world.directory, checkpoint=earlier, ledger_keys=[key], progress=lambda *step: told.append(step)
        )
        assert report.ok, report.findings
        assert report.ledger.assurance == "extends my earlier checkpoint"
        assert (report.uses, report.delivered, report.failed, report.open_uses) == (3, 2, 1, 0)
        assert report.objects_checked == 6
        assert told[-1] == (report.size, report.size)
        assert json.loads(json.dumps(report.to_dict()))["ok"] is True
        with pytest.raises(TypeError):
            bool(report)

    def test_a_cut_tail_against_an_earlier_checkpoint(self, founded, world, tmp_path):
        with world.open() as registry:
            world.apply(registry)
            earlier = registry.checkpoint
        shutil.rmtree(world.directory / "ledger")
        shutil.copytree(founded.directory / "ledger", world.directory / "ledger")
        assert audit_ledger(world.directory).ok
        report = audit_ledger(world.directory, checkpoint=earlier)
        assert not report.ok
        assert report.findings[0].part == "ledger"

    def test_a_flipped_byte_is_not_replayed(self, world):
        path = world.directory / "ledger" / "entries"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        report = audit_ledger(world.directory)
        assert not report.ok
        assert not report.replayed
        assert {finding.part for finding in report.findings} == {"ledger"}
        with pytest.raises(errors.LedgerError):
            View.open(world.directory)
        with pytest.raises(errors.LedgerError), world.open():
            pass

    def test_an_operator_who_writes_past_the_gate(self, world):
        """Whoever holds the office's key can append; the replay says that no gate allowed it."""
        with world.open() as registry:
            application, grant = world.granted(registry, uses=1)
            sealed = world.seal(registry, application, grant)
        out = finished(
            world.child(
                """
import dataclasses
from sealcore import authority, ledger
from sealcore.keys.file import load_key_file
key = load_key_file(world.directory / "keys" / "office.key", PASSWORD, "office")
with ledger.Ledger.open(world.directory / "ledger", ledger_key=key) as book:
    use = authority.decode(book.entry(int(arguments[0])).body)
    forged = dataclasses.replace(use, number=2)
    print(book.append(ledger.NewEntry.sign(forged.encode(), key, key_idx=0, hash=book.hash)).index)
""",
                sealed.use.index,
            )
        )
        forged = int(out)
        report = audit_ledger(world.directory)
        assert report.ledger.ok
        assert [(f.part, f.kind, f.index) for f in report.findings] == [("authority", "GrantExhausted", forged)]
        with pytest.raises(errors.GrantExhausted, match=f"entry {forged} of the ledger was not authorised"):
            world.open()

    def test_a_changed_imprint(self, world):
        with View.open(world.directory) as view:
            seal = view.seal("company")
        path = world.directory / "blobs" / seal.imprint.hex()
        path.write_bytes(path.read_bytes() + b"?")
        report = audit_ledger(world.directory)
        # All three seals of this office have the same imprint.
        assert [(f.part, f.kind) for f in report.findings] == [("beside", "object-altered")] * 3
        assert "restore it from the backup" in report.findings[0].sentence


class TestWithoutSqlalchemy:
    def probe(self, code: str) -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    def test_it_is_loaded_with_the_registry_only(self):
        out = self.probe(
            "import sys, sealcore, sealcore.seals, sealcore.keys\n"
            "from sealcore.keys import KeyStore\n"
            "print('sqlalchemy' in sys.modules, 'pyhanko' in sys.modules)\n"
            "from sealcore.seals import Registry, View, audit_ledger\n"
            "print('sqlalchemy' in sys.modules, 'pyhanko' in sys.modules)\n"
        )
        assert out == "False False\nTrue False\n"

    def test_a_missing_extra_says_so(self):
        out = self.probe(
            "import sys\n"
            "sys.modules['sqlalchemy'] = None\n"
            "from sealcore.errors import MissingExtra\n"
            "import sealcore.seals\n"
            "for name in sealcore.seals.__all__:\n"
            "    try:\n"
            "        getattr(sealcore.seals, name)\n"
            "    except MissingExtra as error:\n"
            "        print(name, error.extra, error)\n"
        )
        lines = out.splitlines()
        assert {line.split()[0] for line in lines} >= {"Registry", "View", "audit_ledger"}
        assert all(line.endswith('pip install "sealcore[seals]"') for line in lines)

    def test_every_public_name_is_there(self):
        import sealcore.keys
        import sealcore.seals

        for room in (sealcore.seals, sealcore.keys):
            assert list(room.__all__) == sorted(room.__all__)
            for name in room.__all__:
                assert getattr(room, name) is not None
            with pytest.raises(AttributeError, match="nothing"):
                _ = room.nothing


def test_a_reader_with_a_full_disk_message():
    """SQLite's own words become ours: which file, what to do."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    said = databases._storage_error("write", "registry.db", error)
    assert (said.errno, said.operation, said.path) == (28, "write", "registry.db")
    assert "make room" in str(said)


def test_no_grant_is_given_for_tomorrow_s_documents(world):
    """A grant names documents or classes; one for everything is not to be had."""
    with world.open() as registry, pytest.raises(errors.InputError):
        registry.grant("company", grantee="zhang", uses=1, valid_to=tomorrow(), by=world.keys["zhao"])
