"""The databases beside the ledger: what views answer, values that can be erased, what an audit of both says."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys

import pytest
from office_world import failing, finished, story, tomorrow

from sealcore import errors
from sealcore.seals import View, audit_ledger
from sealcore.seals import database as databases


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


def row_commitment(registry, made) -> bytes:
    return registry._journal.authority.application(bytes.fromhex(made.id)).counterparty


class TestPersonalValues:
    def test_erasing(self, world):
        with world.open() as registry:
            registry.change_person("li", name="李娜娜", by=world.keys["he"])
            made = world.apply(registry, purpose="机密并购", counterparty="海风贸易")
            size = registry.size
            assert [recorded.index for recorded in registry.erase_person("li", reason="left")] == [size, size + 1]
            assert registry.erase_person("li", reason="again") == []
            assert registry.view.person("li").name == "(erased)"
            assert registry.view.person("wang").name == "王芳"
            purpose = registry._journal.authority.application(bytes.fromhex(made.id)).purpose
            (recorded,) = registry.erase(purpose.hex(), reason="court order 7")
            assert (recorded.kind, recorded.index) == ("redact", size + 2)
            recorded.receipt.verify(origin=registry.origin, key=registry._journal.ledger.ledger_key)
            assert registry.erase(purpose, reason="again") == []
            row = registry.view.application(made.id)
            assert (row.purpose, row.counterparty) == ("(erased)", "海风贸易")
            for wrong in ("", "zz", b"", bytes(31)):
                with pytest.raises(errors.InputError):
                    registry.erase(wrong, reason="wrong")
            with pytest.raises(errors.UnknownReference):
                registry.erase(bytes(32), reason="of no entry")
            with pytest.raises(errors.InvalidArgument):
                registry.erase(row_commitment(registry, made), reason=" ")
            with pytest.raises(errors.UnknownReference):
                registry.erase_person("nobody", reason="wrong")
            assert registry.size == size + 3
            # Not in the file, not in its write-ahead log: while the office is open, and after.
            for text in ("李娜", "机密并购"):
                assert all(text.encode() not in path.read_bytes() for path in world.directory.glob("*.db*"))
        report = audit_ledger(world.directory)
        assert report.ok
        assert report.values_erased == 2
        assert [(r.index, r.by, r.fields, r.reason) for r in report.redactions] == [
            (size, "gate", 1, "left"),
            (size + 1, "gate", 1, "left"),
            (size + 2, "gate", 1, "court order 7"),
        ]
        assert report.redactions[2].entry == made.index
        assert "redacted by the gate" in str(report.redactions[2])
        assert json.loads(json.dumps(report.to_dict()))["redactions"][0]["reason"] == "left"
        with world.open() as registry:
            registry.rebuild()
            assert registry.view.person("li").name == "(erased)"

    def test_an_interrupted_erasure_is_finished(self, world, monkeypatch):
        """The REDACT entry is there, the values still are: the next start erases them."""
        from sealcore.seals.details import Details

        def fail(*_):
            raise errors.StorageError("the disk is full", operation="write", path="details.db", errno=28)

        with world.open() as registry:
            monkeypatch.setattr(Details, "erase", fail)
            with pytest.raises(errors.StorageError):
                registry.erase_person("li", reason="left")
            monkeypatch.undo()
        report = audit_ledger(world.directory)
        assert [(f.part, f.kind) for f in report.findings] == [("beside", "value-not-erased")]
        with world.open() as registry:
            assert registry.view.person("li").name == "(erased)"
        report = audit_ledger(world.directory)
        assert report.ok
        assert [r.reason for r in report.redactions] == ["left"]

    def test_erased_past_the_ledger_is_found(self, world):
        details = world.directory / "details.db"
        with sqlite3.connect(details) as connection:
            connection.execute("UPDATE details SET value = NULL, salt = NULL WHERE value = '李娜'")
        connection.close()
        assert [f.kind for f in audit_ledger(world.directory).findings] == ["value-erased-unrecorded"]

    def test_values_that_a_copy_brings_back_are_found(self, world):
        details = world.directory / "details.db"
        with world.open():
            pass
        kept = details.read_bytes()
        with world.open() as registry:
            (recorded,) = registry.erase_person("li", reason="left")
        details.write_bytes(kept)
        found = audit_ledger(world.directory).findings
        assert [(f.kind, f.index) for f in found] == [("value-not-erased", recorded.index)]
        # What says why is gone with the copy; that it was redacted, and by whom, is not.
        assert [r.reason for r in audit_ledger(world.directory).redactions] == ["(missing)"]
        details.unlink()
        report = audit_ledger(world.directory)
        assert report.ok
        assert [r.by for r in report.redactions] == ["gate"]

    def test_a_redaction_of_what_is_not_there_is_found(self, world):
        """The office's key writes past the gate's own code: another statement, commitments that the entry has not."""
        from sealcore import ledger as ledgers

        with world.open() as registry:
            ledger = registry._journal.ledger
            entry = ledger.entry(registry.view.person("li").index)
            for statement, field in ((entry.statement, b"f" * 32), (bytes(32), entry.statement)):
                body = ledgers.redact_body(entry.index, statement=statement, fields=[field], ledger_id=ledger.id)
                ledger.append(ledger.sign(body, type="redact"))
            size = registry.size
        found = audit_ledger(world.directory).findings
        assert [(f.kind, f.index) for f in found] == [("redaction-invalid", size - 2), ("redaction-invalid", size - 1)]

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
        assert [finding.kind for finding in audit_ledger(world.directory).findings] == ["database-ahead"]
        # Whoever puts back the database as well deceives all but those who kept a checkpoint.
        (world.directory / "registry.db").unlink()
        assert audit_ledger(world.directory).ok
        report = audit_ledger(world.directory, checkpoint=earlier)
        assert not report.ok
        assert report.findings[0].part == "ledger"

    def test_a_flipped_byte_is_not_replayed(self, world):
        path = world.directory / "ledger" / "wal" / "0.wal"
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
