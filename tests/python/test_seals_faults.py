"""What goes wrong outside the office's control: kill -9, several writers, a full disk, an interrupt."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from office_world import CONTRACT, PASSWORD, finished, tomorrow
from pdfs import Sheet, build_pdf, text

from sealcore import authority, errors
from sealcore.authority import Digests
from sealcore.seals import Registry, View, audit_ledger
from sealcore.seals import journal as journals

KILLED = -signal.SIGKILL


def sound(world) -> None:
    """The ledger verifies, every decision replays, and the values beside it fit."""
    report = audit_ledger(world.directory)
    assert report.ok, report.findings


class TestKilled:
    """kill -9 at the worst moments; then the office is opened again."""

    def test_between_the_use_and_the_signature(self, world):
        with world.open() as registry:
            ids = world.granted(registry, "token", uses=2)
            size = registry.size
        finished(
            world.child(
                """
with world.open(token=Token(world.keys["token"], die)) as registry:
    world.seal(registry, *arguments)
""",
                *ids,
            ),
            KILLED,
        )
        # Before anybody opens the office again, the use is there, without an end, and the audit says so.
        with View.open(world.directory) as view:
            assert [(use.result, use.number) for use in view.uses()] == [("open", 1)]
        assert [finding.kind for finding in audit_ledger(world.directory).findings] == ["UseUnfinished"]
        with world.open() as registry:
            assert registry.size == size + 2
            (use,) = registry.view.uses()
            assert (use.result, use.reason, use.number, use.end_index) == ("failed", "closed-at-restart", 1, size + 1)
            assert "the use stays counted" in use.explanation
            assert registry.view.grant(ids[1]).used == 1
            assert world.seal(registry, *ids).number == 2
            with pytest.raises(errors.GrantExhausted):
                world.seal(registry, *ids)
        sound(world)

    def test_between_the_signature_and_the_delivery(self, world, tmp_path):
        with world.open() as registry:
            ids = world.granted(registry, uses=2)
        finished(
            world.child(
                """
from sealcore.seals.journal import Journal
Journal.deliver = die
with world.open() as registry:
    world.seal(registry, *arguments[:2], output=arguments[2])
""",
                *ids,
                tmp_path / "sealed.pdf",
            ),
            KILLED,
        )
        assert not (tmp_path / "sealed.pdf").exists()
        with world.open() as registry:
            assert [use.reason for use in registry.view.uses()] == ["closed-at-restart"]
            assert world.seal(registry, *ids, output=tmp_path / "sealed.pdf").number == 2
        sound(world)

    def test_between_the_delivery_and_the_name(self, world, tmp_path):
        """The ledger says delivered: the document is not lost, it lies whole beside its name."""
        with world.open() as registry:
            ids = world.granted(registry, uses=2)
        finished(
            world.child(
                """
from sealcore.seals.documents import Output
Output.publish = die
with world.open() as registry:
    world.seal(registry, *arguments[:2], output=arguments[2])
""",
                *ids,
                tmp_path / "sealed.pdf",
            ),
            KILLED,
        )
        assert not (tmp_path / "sealed.pdf").exists()
        with world.open() as registry:
            (use,) = registry.view.uses()
            assert use.result == "delivered"
        (draft,) = tmp_path.glob(".sealed.pdf.*.sealing")
        assert Digests.of(draft.read_bytes()).sha256 == use.delivered.sha256
        sound(world)

    def test_between_the_ledger_and_the_databases(self, world):
        finished(
            world.child("""
from sealcore.seals.journal import Journal
Journal._follow = die
with world.open() as registry:
    registry.add_unit("new", name="新公司", parent="hq", by=world.keys["he"])
"""),
            KILLED,
        )
        # A view replays what the tables lack, and the name is there.
        with View.open(world.directory) as view:
            assert view.unit("new").name == "新公司"
            assert "memory" in view._database.name
        with world.open() as registry:
            assert registry.view.unit("new").name == "新公司"
        sound(world)

    def test_between_the_value_and_the_ledger(self, world):
        finished(
            world.child("""
from sealcore import ledger
ledger.NewEntry = die
with world.open() as registry:
    registry.add_unit("new", name="the name of nobody", parent="hq", by=world.keys["he"])
"""),
            KILLED,
        )
        values = b"".join(path.read_bytes() for path in world.directory.glob("details.db*"))
        assert b"the name of nobody" in values
        with world.open() as registry, pytest.raises(errors.UnknownReference):
            registry.view.unit("new")
        values = b"".join(path.read_bytes() for path in world.directory.glob("details.db*"))
        assert b"the name of nobody" not in values
        sound(world)

    def test_at_any_time(self, world):
        """Whatever was said to be delivered is in the ledger, and no number is given twice."""
        with world.open() as registry:
            ids = world.granted(registry, uses=1000)
        said: list[tuple[int, str]] = []
        seed = random.Random(7)  # noqa: S311  times to kill at
        for _ in range(3):
            child = world.child(
                """
with world.open(wait=60) as registry:
    print("open", flush=True)
    while True:
        sealed = world.seal(registry, *arguments)
        print(sealed.number, sealed.sha256.hex(), flush=True)
""",
                *ids,
            )
            assert child.stdout is not None
            assert child.stdout.readline() == "open\n"
            lines = [child.stdout.readline() for _ in range(seed.randrange(1, 5))]
            time.sleep(seed.random() / 10)
            child.kill()
            out = "".join(lines) + child.communicate()[0]
            # The last line may be cut.
            said += [
                (int(n), h) for n, h in (line.split() for line in out.splitlines(keepends=True) if line.endswith("\n"))
            ]
        with world.open() as registry:
            uses = registry.view.uses()
        assert [use.number for use in uses] == list(range(1, len(uses) + 1))
        assert {use.result for use in uses} <= {"delivered", "failed"}
        delivered = {use.number: use.delivered.sha256.hex() for use in uses if use.delivered is not None}
        assert said
        for number, digest in said:
            assert delivered[number] == digest
        sound(world)


class TestContention:
    def test_threads_and_processes_never_exceed_the_count(self, world):
        with world.open() as registry:
            ids = world.granted(registry, uses=7)
        code = """
said = []
def attempt(registry):
    try:
        said.append(world.seal(registry, *arguments).number)
    except errors.GrantExhausted:
        said.append(0)
for _ in range(2):
    with world.open(wait=100) as registry:
        threads = [threading.Thread(target=attempt, args=(registry,)) for _ in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
print(*said)
"""
        children = [world.child(code, *ids) for _ in range(3)]
        numbers = [int(word) for child in children for word in finished(child).split()]
        assert len(numbers) == 18
        assert sorted(numbers)[11:] == [1, 2, 3, 4, 5, 6, 7]
        with world.open() as registry:
            assert registry.view.grant(ids[1]).used == 7
            assert Counter(use.result for use in registry.view.uses()) == {"delivered": 7}
        sound(world)

    def test_through_a_grant_and_its_child(self, world):
        """A use of the child is a use of the parent, whoever comes first."""
        with world.open() as registry:
            application, top = world.granted(registry, uses=5, depth=1)
            child = registry.grant(
                "company",
                parent=top,
                grantee="sun",
                uses=3,
                valid_to=datetime.now(UTC) + timedelta(hours=1),
                by=world.keys["zhang"],
            )
            done: list[tuple[str, int]] = []

            def use(grant: str, person: str) -> None:
                for _ in range(3):
                    with contextlib.suppress(errors.GrantExhausted):
                        done.append((grant, world.seal(registry, application, grant, by=world.keys[person]).number))

            threads = [
                threading.Thread(target=use, args=arguments) for arguments in ((top, "zhang"), (child.id, "sun")) * 2
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(done) == 5
            assert registry.view.grant(top).used == 5
            assert registry.view.grant(child.id).used == sum(grant == child.id for grant, _ in done) <= 3
            for grant in (top, child.id):
                numbers = [number for name, number in done if name == grant]
                assert len(set(numbers)) == len(numbers)
        sound(world)

    def test_revocation_and_uses_in_one_process(self, world):
        """A revocation that is in the ledger before a use wins."""
        with world.open() as registry:
            ids = world.granted(registry, uses=50)
            refused: list[errors.PolicyError] = []

            def use() -> None:
                for _ in range(10):
                    try:
                        world.seal(registry, *ids)
                    except errors.GrantRevoked as error:
                        refused.append(error)

            threads = [threading.Thread(target=use) for _ in range(3)]
            for thread in threads:
                thread.start()
            time.sleep(0.3)
            revoked = registry.revoke_grant(ids[1], reason="withdrawn", by=world.keys["zhao"])
            for thread in threads:
                thread.join()
            uses = registry.view.uses()
            assert refused
            assert len(uses) + len(refused) == 30
            assert all(row.index < revoked.index for row in uses)
            assert all(row.result == "delivered" for row in uses)
        sound(world)

    def test_a_slow_token_holds_nobody_up(self, world):
        """The lock is not held while a seal key or a person's key signs."""
        began, go = threading.Event(), threading.Event()

        def slowly(message: bytes) -> bytes:
            began.set()
            assert go.wait(60)
            return world.keys["token"].sign(message)

        from office_world import Token

        with world.open(token=Token(world.keys["token"], slowly)) as registry:
            ids = world.granted(registry, "token")
            sealing = threading.Thread(target=world.seal, args=(registry, *ids))
            sealing.start()
            assert began.wait(60)
            # Meanwhile others work, and the use that is under way is nobody's to close.
            world.seal(registry, *world.granted(registry))
            assert [use.result for use in registry.view.uses()] == ["open", "delivered"]
            closing = threading.Thread(target=registry.close)
            closing.start()
            time.sleep(0.3)
            assert closing.is_alive()
            with pytest.raises(errors.InvalidArgument, match="closed"):
                world.apply(registry)
            go.set()
            sealing.join(60)
            closing.join(60)
        with View.open(world.directory) as view:
            assert [use.result for use in view.uses()] == ["delivered", "delivered"]
        sound(world)

    def test_another_process_holds_the_ledger(self, world):
        child = world.child("""
with world.open() as registry:
    print("open", flush=True)
    __import__("time").sleep(2)
""")
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        began = time.monotonic()
        with pytest.raises(errors.LedgerLocked), world.open():
            pass
        with pytest.raises(errors.LedgerLocked), world.open(wait=0.5):
            pass
        assert time.monotonic() - began >= 0.5
        # Looking needs no lock.
        with View.open(world.directory) as view:
            assert len(view.units()) == 3
        sound(world)
        with world.open(wait=60) as registry:
            world.apply(registry)
        finished(child)


class TestFullDisk:
    @pytest.mark.parametrize("room", [0, 300, 1500, 6000, 20_000])
    def test_a_typed_error_and_nothing_half_written(self, world, room):
        before = (world.directory / "ledger" / "wal" / "0.wal").stat().st_size
        out = finished(
            world.child(
                """
import json, logging
logging.basicConfig(stream=open(os.devnull, "w"))
made, failure = [], None
registry = world.open()
resource.setrlimit(resource.RLIMIT_FSIZE, (int(arguments[0]), resource.RLIM_INFINITY))
for number in range(100):
    try:
        made.append(registry.add_unit(f"u{number}", name=f"Unit {number}", parent="hq", by=world.keys["he"]).index)
    except (errors.LedgerIOError, errors.StorageError) as error:
        failure = [type(error).__name__, str(error), error.operation]
        break
try:
    registry.close()
except errors.SealcoreError:
    pass
print(json.dumps([made, failure]))
""",
                before + room,
            )
        )
        made, failure = json.loads(out)
        assert failure is not None
        assert failure[0] in {"LedgerIOError", "StorageError"}
        with world.open() as registry:
            units = [row for row in registry.view.units() if row.id.startswith("u")]
            # What was acknowledged is there; what failed is there wholly or not at all.
            assert [row.index for row in units][: len(made)] == made
            assert len(units) - len(made) in {0, 1}
            assert [row.name for row in units] == [f"Unit {number}" for number in range(len(units))]
            registry.add_unit("after", name="After", parent="hq", by=world.keys["he"])
        sound(world)

    def test_a_full_disk_while_a_use_is_taken(self, world):
        """The ledger cannot take the end of a use: nothing is delivered, the use is closed at the next start."""
        with world.open() as registry:
            ids = world.granted(registry, "token", uses=2)
        entries = world.directory / "ledger" / "wal" / "0.wal"
        out = finished(
            world.child(
                """
def fill(message):
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(arguments[2]) + 10, resource.RLIM_INFINITY))
    return world.keys["token"].sign(message)
registry = world.open(token=Token(world.keys["token"], fill))
try:
    world.seal(registry, *arguments[:2], output=arguments[3])
except errors.LedgerIOError as error:
    print(error.operation, os.path.exists(arguments[3]))
""",
                *ids,
                entries,
                world.directory / "sealed.pdf",
            )
        )
        assert out.endswith("False\n")
        assert [path.name for path in world.directory.iterdir() if "sealed" in path.name] == []
        with world.open() as registry:
            assert [(use.result, use.reason) for use in registry.view.uses()] == [("failed", "closed-at-restart")]
            assert world.seal(registry, *ids).number == 2
        sound(world)

    def test_an_output_that_does_not_fit(self, world, tmp_path):
        """A document larger than every file of the office: only its output meets the limit."""
        long = build_pdf([Sheet(text(f"Page {number} of a long contract", 72, 700) * 20) for number in range(80)])
        source = tmp_path / "long.pdf"
        source.write_bytes(long)
        assert len(long) > 4 * (world.directory / "ledger" / "wal" / "0.wal").stat().st_size
        (tmp_path / "out").mkdir()
        with world.open() as registry:
            application = world.apply(registry, document=long)
            world.approve(registry, application.id)
            grant = registry.grant(
                "company",
                application=application.id,
                grantee="zhang",
                uses=1,
                valid_to=tomorrow(),
                by=world.keys["zhao"],
            )
        out = finished(
            world.child(
                """
with world.open() as registry:
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(arguments[2]), resource.RLIM_INFINITY))
    try:
        world.seal(registry, *arguments[:2], document=arguments[2], output=arguments[3])
    except errors.StorageError as error:
        print(error)
    print(registry.view.uses()[0].reason)
""",
                application.id,
                grant.id,
                source,
                tmp_path / "out" / "sealed.pdf",
            )
        )
        assert "sealed.pdf cannot be written: the disk is full" in out
        assert out.endswith("output-failed\n")
        assert list((tmp_path / "out").iterdir()) == []
        sound(world)

    def test_an_office_that_cannot_be_founded(self, tmp_path):
        """Whatever file is the first that does not fit, nothing is left behind."""
        from office_world import World

        world = World(tmp_path / "nowhere", {}, [])
        for room in (100, 1000, 5000):
            out = finished(
                world.child(
                    """
from sealcore.seals import Registry
resource.setrlimit(resource.RLIMIT_FSIZE, (int(arguments[0]), resource.RLIM_INFINITY))
try:
    Registry.create(arguments[1], origin="example.com/x", unit="hq", unit_name="HQ", password=PASSWORD)
except (errors.LedgerIOError, errors.StorageError) as error:
    print(type(error).__name__)
""",
                    room,
                    tmp_path / "office",
                )
            )
            assert out in {"LedgerIOError\n", "StorageError\n"}
            assert [path.name for path in tmp_path.iterdir()] == ["world.json"]
        Registry.create(
            tmp_path / "office", origin="example.com/x", unit="hq", unit_name="HQ", password=PASSWORD
        ).close()


class TestInterrupted:
    """Ctrl-C between two steps of one call: the ledger decides, the rest follows."""

    @pytest.fixture
    def interrupted(self, monkeypatch):
        def once(kind: type, name: str) -> None:
            real = getattr(kind, name)

            def interrupt(*arguments: object, **options: object) -> object:
                monkeypatch.setattr(kind, name, real)
                raise KeyboardInterrupt

            monkeypatch.setattr(kind, name, interrupt)

        return once

    def test_after_the_append(self, world, interrupted):
        with world.open() as registry:
            interrupted(authority.Authority, "apply")
            with pytest.raises(KeyboardInterrupt):
                registry.add_unit("one", name="One", parent="hq", by=world.keys["he"])
            assert registry.view.unit("one").name == "One"
            interrupted(journals.Journal, "_follow")
            with pytest.raises(KeyboardInterrupt):
                registry.add_unit("two", name="Two", parent="hq", by=world.keys["he"])
            registry.add_unit("three", name="Three", parent="hq", by=world.keys["he"])
            assert [unit.name for unit in registry.view.units()][-3:] == ["One", "Two", "Three"]
        with world.open() as registry:
            assert [unit.name for unit in registry.view.units()][-3:] == ["One", "Two", "Three"]
        sound(world)

    def test_after_a_use_was_taken(self, world, interrupted):
        with world.open() as registry:
            ids = world.granted(registry, uses=3)
            interrupted(authority.Authority, "apply")
            with pytest.raises(KeyboardInterrupt):
                world.seal(registry, *ids)
            assert world.seal(registry, *ids).number == 2
        with View.open(world.directory) as view:
            assert [use.reason for use in view.uses()] == ["interrupted", None]
        sound(world)

    def test_before_the_delivery(self, world, interrupted):
        with world.open() as registry:
            ids = world.granted(registry, uses=3)
            interrupted(journals.Journal, "deliver")
            with pytest.raises(KeyboardInterrupt):
                world.seal(registry, *ids)
            assert world.seal(registry, *ids).number == 2
        with View.open(world.directory) as view:
            assert [use.reason for use in view.uses()] == ["interrupted", None]
        sound(world)


def test_a_grant_is_granted_by_nobody_after_the_fork(world):
    """A child of fork() shares the lock; it may not write."""
    out = finished(
        world.child("""
import warnings
warnings.simplefilter("ignore")
registry = world.open()
if os.fork() == 0:
    try:
        registry.add_unit("new", name="New", parent="hq", by=world.keys["he"])
    except errors.LedgerLocked:
        os._exit(7)
    os._exit(0)
_, status = os.wait()
print(os.waitstatus_to_exitcode(status))
registry.add_unit("new", name="New", parent="hq", by=world.keys["he"])
registry.close()
""")
    )
    assert out == "7\n"
    sound(world)


def test_the_document_that_is_hashed_is_the_one_that_is_sealed(world, tmp_path):
    """The file is read once: what somebody puts in its place meanwhile is not sealed."""
    from office_world import OTHER, Token

    path = tmp_path / "contract.pdf"
    path.write_bytes(CONTRACT)

    def exchange(message: bytes) -> bytes:
        path.write_bytes(OTHER)
        return world.keys["zhang"].sign(message)

    with world.open() as registry:
        application = world.apply(registry, document=path)
        world.approve(registry, application.id)
        grant = registry.grant(
            "company",
            application=application.id,
            grantee="zhang",
            uses=1,
            valid_to=tomorrow(),
            by=world.keys["zhao"],
        )
        mutable = bytearray(CONTRACT)
        sealed = world.seal(
            registry, application.id, grant.id, document=mutable, by=Token(world.keys["zhang"], exchange)
        )
        assert sealed.data.startswith(CONTRACT)
        assert registry.view.uses()[0].document.sha256 == Digests.of(CONTRACT).sha256
