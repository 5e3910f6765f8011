"""One ledger, several service processes: real processes, a real PostgreSQL, real signals."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ledger_world import ORIGIN, World
from postgres_world import Leader, Server, until

from sealcore import errors, pki
from sealcore import ledger as ledgers
from sealcore.cli.app import run
from sealcore.ledger import Ledger, LedgerReader, NewEntry, verify_ledger
from sealcore.sequencer import Coordination, SharedLedger, create_shared, share
from sealcore.sequencer.postgres import connect

LEASE = 1.0
SOAK = float(os.environ.get("SEALCORE_SOAK_SECONDS", "0"))


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.remove()


class Office:
    """A shared ledger with a fresh name, and processes around it."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server = server
        self.dsn = f"{server.dsn} options='-c search_path=s{secrets.token_hex(8)}'"
        self.directory = directory
        self.world = World("sha256")
        self.leaders: list[Leader] = []
        schema = self.dsn.rpartition("=")[2].rstrip("'")
        with connect(server.dsn) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        create_shared(
            directory,
            self.dsn,
            origin=ORIGIN,
            ledger_key=self.world.ledger_key,
            founder_key=self.world.founder.verifying_key,
            segment_bits=8,
        )

    def client(self) -> SharedLedger:
        return SharedLedger(self.dsn, origin=ORIGIN, ledger_key=self.world.ledger_key.verifying_key)

    def lead(self, stop_at: str = "", clock: str = "") -> Leader:
        leader = Leader(self.directory, self.dsn, LEASE, stop_at=stop_at, clock=clock)
        self.leaders.append(leader)
        return leader

    def statement(self, text: str) -> NewEntry:
        body = ledgers.encode_body({"kind": "note", "text": text})
        return NewEntry.sign(body, self.world.founder, key_idx=1, hash="sha256")

    def standing(self):
        with Coordination(self.dsn, ORIGIN) as store:
            return store.standing()

    def sound(self, receipts, *, still: bool = True) -> None:
        """Every receipt is of the one ledger, each entry is there once, and the ledger verifies."""
        if still:
            # Clients are answered by the fence itself; the file `checkpoint` follows.
            until(lambda: LedgerReader.open(self.directory).checkpoint == self.standing().checkpoint, 30)
        reader = LedgerReader.open(self.directory)
        assert reader.size <= self.standing().size
        for receipt in receipts:
            assert bytes(reader.entry(receipt.index).leaf_hash) == receipt.leaf_hash
        assert len({receipt.index for receipt in receipts}) == len(receipts)
        bodies = [entry.body for entry in reader if entry.type == "statement"]
        assert len(set(bodies)) == len(bodies), "an entry is there twice"
        for receipt in receipts[:: 1 + len(receipts) // 5]:
            report = verify_ledger(
                self.directory,
                checkpoint=receipt.checkpoint,
                ledger_keys=[self.world.ledger_key.verifying_key],
            )
            assert report.findings == ()
            assert report.assurance == "extends my earlier checkpoint"


@pytest.fixture
def office(server, tmp_path):
    office = Office(server, tmp_path / "shared")
    yield office
    for leader in office.leaders:
        print(leader.said())
        if leader.process.poll() is None:
            leader.end(signal.SIGKILL)


class Clients:
    """Threads that append until they are told to stop, and keep what they got."""

    def __init__(self, office: Office, threads: int = 3) -> None:
        self.office = office
        self.receipts: list[ledgers.Receipt] = []
        self.failures: list[BaseException] = []
        self._name = secrets.token_hex(4)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._append, args=(number,), daemon=True) for number in range(threads)
        ]

    def _append(self, number: int) -> None:
        try:
            with self.office.client() as client:
                count = 0
                while not self._stop.is_set():
                    count += 1
                    entries = [
                        self.office.statement(f"{self._name}/{number}/{count}/{i}") for i in range(1 + count % 3)
                    ]
                    request = secrets.token_bytes(16)
                    while not self._stop.is_set():
                        try:
                            self.receipts += client.append_many(entries, request=request, timeout=20)
                            break
                        except errors.LedgerUnavailable:
                            continue
        except BaseException as error:
            self.failures.append(error)

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=120)
            assert not thread.is_alive()
        assert self.failures == []

    def more(self, count: int, seconds: float = 60) -> None:
        """Wait for so many more receipts."""
        wanted = len(self.receipts) + count
        until(lambda: len(self.receipts) >= wanted or bool(self.failures), seconds)


class TestAppending:
    def test_submit_and_resubmit(self, office):
        leader = office.lead()
        with office.client() as client:
            entry = office.statement("one")
            receipt = client.append(entry, request=b"mine")
            assert receipt.index == 1
            # The same question, also by somebody else, has the same answer; other entries do not pass under its name.
            assert client.append(entry, request=b"mine") == receipt
            with office.client() as other:
                assert other.append(entry, request=b"mine") == receipt
            with pytest.raises(errors.InvalidArgument, match="used for other entries"):
                client.append(office.statement("two"), request=b"mine")
            many = client.append_many([office.statement(f"many {i}") for i in range(300)])
            indices = [receipt.index for receipt in many]
            # A segment begins at 256, with an entry of the ledger's own.
            assert indices == [i for i in range(2, 303) if i != 256]
            for bad in ([], [entry] * 1001):
                with pytest.raises(errors.InvalidLength):
                    client.append_many(bad)
            with pytest.raises(errors.InvalidLength):
                client.append(entry, request=b"")
        office.sound([receipt, *many])
        assert leader.end() == 0
        standing = office.standing()
        assert (standing.leading, standing.waiting) == (False, 0)

    def test_what_cannot_be_an_entry_is_refused_alone(self, office):
        good = [office.statement(f"good {i}") for i in range(6)]
        forged = NewEntry(good[0].body + b"", bytes(64), key_idx=1)
        unknown = NewEntry.sign(good[0].body, office.world.founder, key_idx=7, hash="sha256")
        misplaced = NewEntry.sign(good[0].body, office.world.founder, key_idx=1, hash="sha256", type="key-add")
        results: dict[str, object] = {}

        def ask(name: str, entries: list[NewEntry]) -> None:
            try:
                with office.client() as client:
                    results[name] = client.append_many(entries)
            except errors.SealcoreError as error:
                results[name] = error

        asked = {
            "good": good[:3],
            "forged": [good[3], forged],
            "unknown": [unknown],
            "type": [misplaced],
            "too": good[4:],
        }
        threads = [threading.Thread(target=ask, args=item) for item in asked.items()]
        for thread in threads:
            thread.start()
        # All of them wait when the leader begins: one group.
        until(lambda: office.standing().waiting == 5, 30)
        office.lead()
        for thread in threads:
            thread.join(timeout=60)
        assert isinstance(results["forged"], (errors.InvalidSignature, errors.InputError))
        assert isinstance(results["unknown"], errors.InvalidKey)
        assert results["unknown"].field == "key_idx"
        assert isinstance(results["type"], errors.InputError)
        office.sound([*results["good"], *results["too"]])
        assert office.standing().size == 6

    def test_without_a_sequencer(self, office):
        with office.client() as client:
            entry = office.statement("early")
            with pytest.raises(errors.LedgerUnavailable, match="is a sequencer running") as caught:
                client.append(entry, timeout=0.3)
            office.lead()
            receipt = client.append(entry, request=caught.value.request)
            assert receipt.index == 1
        office.sound([receipt])

    def test_one_leads_the_others_stand_by(self, office):
        leaders = [office.lead() for _ in range(3)]
        with Clients(office) as clients:
            clients.more(40)
        assert sum("begins after" in leader.said() for leader in leaders) == 1
        # Who is asked to end hands over at once.
        (first,) = [leader for leader in leaders if "begins after" in leader.said()]
        assert first.end() == 0
        with Clients(office) as more:
            more.more(5)
        assert office.standing().epoch == 3
        assert sorted(path.name for path in office.directory.iterdir()) == ["epoch-0000000003"]
        office.sound(clients.receipts)


class TestFaults:
    def test_killed_again_and_again(self, office):
        """kill -9 of whoever leads, at any time: nothing acknowledged is lost, nothing is there twice."""
        kills = 0
        deadline = time.monotonic() + SOAK
        office.lead()
        with Clients(office) as clients:
            while kills < 6 or time.monotonic() < deadline:
                clients.more(1 + 7 * (kills % 4))
                time.sleep(0.013 * (kills % 7))
                old = office.leaders[-1]
                office.lead()
                assert old.end(signal.SIGKILL) == -signal.SIGKILL
                kills += 1
            clients.more(10)
        office.sound(clients.receipts)
        print(f"{kills} leaders killed, {len(clients.receipts)} entries acknowledged, epoch {office.standing().epoch}")

    @pytest.mark.parametrize(
        "place",
        ["before-commit", "after-commit", "before-move_in", "after-move_in", "after-take_over"],
    )
    def test_stopped_and_woken_after_another_has_taken_over(self, office, place):
        """The old leader sleeps through his lease at each step, and goes on where he was: nothing comes of it."""
        stopped = office.lead(stop_at=place)
        with Clients(office) as clients:
            until(lambda: stopped.stopped, 60, stopped.said)
            before = office.standing()
            new = office.lead()
            new.wait_for("begins after")
            clients.more(60)
            assert office.standing().epoch > before.epoch
            stopped.send(signal.SIGCONT)
            stopped.wait_for("another process leads")
            clients.more(20)
            office.sound(list(clients.receipts)[:20], still=False)
        # He stands by now, and may lead again.
        assert stopped.process.poll() is None
        assert new.end(signal.SIGKILL) == -signal.SIGKILL
        with Clients(office) as more:
            more.more(5)
        office.sound(clients.receipts + more.receipts)

    def test_the_server_is_away(self, office):
        """Nothing is acknowledged while nobody can say who leads; when PostgreSQL is back, everything goes on."""
        leader, other = office.lead(), office.lead()
        with Clients(office) as clients:
            for mode in ("immediate", "fast"):
                clients.more(20)
                office.server.stop(mode)
                time.sleep(0.3)
                acknowledged = len(clients.receipts)
                time.sleep(0.7)
                assert len(clients.receipts) == acknowledged
                office.server.start()
                clients.more(20)
        office.sound(clients.receipts)
        assert leader.process.poll() is None
        assert other.process.poll() is None

    def test_clocks_that_are_wrong(self, office):
        """The leaders' own clocks are hours apart: neither the lease nor the time of an entry looks at them."""
        receipts = []
        with office.client() as client:
            for number, skew in enumerate(["+3h", "-3h", "+0"]):
                leader = office.lead(clock=skew)
                leader.wait_for("begins after")
                now = time.time()
                receipts.append(client.append(office.statement(str(number))))
                assert abs(receipts[-1].time / 1e6 - now) < 60
                # A stand-by whose clock is ahead does not believe that the lease is over.
                ahead = office.lead(clock="+1d")
                ahead.wait_for("ready")
                time.sleep(2 * LEASE)
                receipts.append(client.append(office.statement(f"{number} and on")))
                assert "begins after" not in ahead.said()
                assert ahead.end() == 0
                assert leader.end() == 0
        assert [receipt.time for receipt in receipts] == sorted(receipt.time for receipt in receipts)
        office.sound(receipts)

    def test_the_directory_is_put_back(self, office, tmp_path):
        leader = office.lead()
        with office.client() as client:
            client.append(office.statement("one"))
            kept = tmp_path / "kept"
            shutil.copytree(office.directory, kept)
            client.append(office.statement("two"))
        leader.end()
        shutil.rmtree(office.directory)
        shutil.copytree(kept, office.directory)
        refused = office.lead()
        assert refused.process.wait(timeout=60) == 1
        assert "the directory was put back to an older state" in refused.said()

    def test_the_store_is_put_back(self, office):
        leader = office.lead()
        with office.client() as client:
            client.append(office.statement("one"))
            older = office.standing()
            client.append(office.statement("two"))
        leader.end()
        with connect(office.dsn) as connection:
            connection.execute(
                "UPDATE sealcore_ledger SET size = %s, root = %s, checkpoint = %s",
                (older.size, older.root, older.checkpoint),
            )
        refused = office.lead()
        assert refused.process.wait(timeout=60) == 1
        assert "the store was put back to an older state" in refused.said()


class TestFounding:
    def test_a_plain_ledger_becomes_a_shared_one(self, server, tmp_path, office):
        world = World("sm3")
        plain = tmp_path / "plain"
        receipts = world.small(plain)
        directory = tmp_path / "from plain"
        # ORIGIN is taken by the office's ledger in this database.
        with pytest.raises(errors.InvalidArgument, match="another ledger of the name"):
            share(plain, directory, office.dsn, ledger_key=world.ledger_key)
        shutil.rmtree(directory)
        with Ledger.open(plain, ledger_key=world.ledger_key), pytest.raises(errors.LedgerLocked):
            share(plain, directory, server.dsn, ledger_key=world.ledger_key)
        share(plain, directory, server.dsn, ledger_key=world.ledger_key)
        # Done again it is done.
        share(plain, directory, server.dsn, ledger_key=world.ledger_key)
        reader = LedgerReader.open(directory)
        assert reader.entry(receipts[-1].index).leaf_hash == receipts[-1].leaf_hash
        for path in (directory, directory / "epoch-0000000001"):
            with pytest.raises(errors.InvalidArgument, match="through its sequencer"):
                Ledger.open(path, ledger_key=world.ledger_key)

    def test_what_is_refused(self, office, server, tmp_path):
        world = office.world
        words = {"origin": ORIGIN, "ledger_key": world.ledger_key, "founder_key": world.founder.verifying_key}
        create_shared(office.directory, office.dsn, **words)
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "letter").write_text("dear")
        with pytest.raises(errors.InvalidArgument, match="letter"):
            create_shared(tmp_path / "full", office.dsn, **words)
        with pytest.raises(errors.InvalidArgument, match="another ledger of the name"):
            create_shared(tmp_path / "new", office.dsn, **words)
        with pytest.raises(errors.StorageError, match="cannot be made"):
            create_shared(tmp_path / "no" / "parent", office.dsn, **words)
        with pytest.raises(errors.InvalidArgument, match="dsn"):
            create_shared(tmp_path / "x", "no such = thing =", **words)
        with pytest.raises(errors.StorageError, match="connect failed"):
            create_shared(tmp_path / "x", f"host={tmp_path} dbname=postgres", **words)
        nobody = SharedLedger(office.dsn, origin="nobody", ledger_key=world.ledger_key.verifying_key)
        with nobody, pytest.raises(errors.InvalidArgument, match="coordinates no ledger nobody"):
            nobody.standing()
        leader = office.lead()
        leader.wait_for("begins after")
        until(lambda: sorted(p.name for p in office.directory.iterdir()) == ["epoch-0000000002"], 30)
        with pytest.raises(errors.InvalidArgument, match="a shared ledger already"):
            create_shared(office.directory, office.dsn, **words)

    def test_the_commands(self, office, server, tmp_path, capsys):
        world = office.world
        (tmp_path / "key.pem").write_bytes(pki.dump_private_key(world.ledger_key, "secret"))
        (tmp_path / "founder.pem").write_bytes(pki.dump_public_key(world.founder.verifying_key))
        (tmp_path / "password").write_text("secret\n")
        key = ["--key", str(tmp_path / "key.pem"), "--password-file", str(tmp_path / "password")]
        shared = str(tmp_path / "by command")
        where = ["--dsn", server.dsn, "--origin", "example.com/command"]

        def command(*words: str) -> tuple[int, dict]:
            code = run(["sequencer", *words, "--json"])
            return code, json.loads(capsys.readouterr().out)

        assert command("create", shared, *where, *key, "--founder", str(tmp_path / "founder.pem"))[0] == 0
        code, status = command("status", *where)
        assert (code, status["ok"], status["size"], status["epoch"]) == (1, False, 1, 1)
        code, wrong = command("status", "--dsn", server.dsn, "--origin", "example.com/nobody")
        assert (code, wrong["error"]["field"]) == (3, "origin")
        code, away = command("status", "--dsn", f"host={tmp_path}", "--origin", "x")
        assert (code, away["error"]["operation"]) == (5, "connect")
        words = [sys.executable, "-m", "sealcore.cli", "sequencer", "run", shared, *where, *key]
        process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        try:
            client = SharedLedger(server.dsn, origin="example.com/command", ledger_key=world.ledger_key.verifying_key)
            with client:
                assert client.append(office.statement("by command")).index == 1
            code, status = command("status", *where)
            assert (code, status["size"], status["epoch"], status["waiting"]) == (0, 2, 2, 0)
        finally:
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=60)[1]
        assert process.returncode == 0, said
        assert "epoch 2 of example.com/command begins after 1 entries" in said
        with Ledger.create(
            tmp_path / "plain",
            origin="example.com/plain",
            ledger_key=world.ledger_key,
            founder_key=world.founder.verifying_key,
        ):
            pass
        code, _ = command("share", str(tmp_path / "plain"), str(tmp_path / "was plain"), "--dsn", server.dsn, *key)
        assert code == 0
        assert LedgerReader.open(tmp_path / "was plain").origin == "example.com/plain"
