"""The ledger through Python: writer, reader, receipts, proofs, bodies, threads and forks, a full disk."""

from __future__ import annotations

import base64
import copy
import gc
import json
import os
import pickle
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import ledger_check
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_world import HASHES, ORIGIN, World

import sealcore.ledger as ledgers
from sealcore import errors
from sealcore.hash import digest
from sealcore.ledger import LEDGER_KEY, Ledger, LedgerReader, NewEntry, verify_ledger
from sealcore.sign import SigningKey


@pytest.fixture(params=HASHES)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def test_write_read_prove(world: World, path: Path) -> None:
    receipts = world.small(path)
    key = world.ledger_key.verifying_key
    assert [receipt.index for receipt in receipts] == list(range(1, 10))
    reader = LedgerReader.open(path)
    assert (len(reader), reader.size, reader.origin, reader.hash) == (10, 10, ORIGIN, world.hash)
    assert reader.ledger_key == key
    assert reader.id == reader.entry(0).statement
    checkpoint = ledgers.Checkpoint.open(reader.checkpoint, key=key)
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (ORIGIN, 10, reader.root())
    prev = bytes(32)
    for index, entry in enumerate(reader):
        assert (entry.index, entry.prev) == (index, prev)
        assert entry.statement == digest(b"sealcore body v1" + entry.body, reader.hash)
        assert ledgers.statement_message(entry.body, hash=reader.hash) == b"sealcore stmt v1" + entry.statement
        row = reader.keys[entry.key_idx]
        assert row.in_force(index)
        assert row.key.algorithm == entry.algorithm
        entry.verify(row.key)
        row.key.verify(b"sealcore stmt v1" + entry.statement, entry.signature)
        prev = digest(b"\0" + bytes(entry), reader.hash)
        assert entry.leaf_hash == prev == ledgers.leaf_hash(bytes(entry), hash=reader.hash)
        assert (entry.file, entry.offset is None) == ("wal/0.wal", False)
        raw = (path / "wal" / "0.wal").read_bytes()
        assert raw[entry.offset : entry.offset + len(bytes(entry))] == bytes(entry)
        again = ledgers.Entry(bytes(entry), reader.hash, entry.offset, entry.file)
        assert again == entry
        for size in range(index + 1, 11):
            proof = reader.inclusion_proof(index, size=size)
            ledgers.verify_inclusion(
                proof, index=index, size=size, leaf_hash=prev, root=reader.root(size), hash=reader.hash
            )
            proof = reader.consistency_proof(index + 1, size)
            old, new = reader.root(index + 1), reader.root(size)
            ledgers.verify_consistency(
                proof, old_size=index + 1, new_size=size, old_root=old, new_root=new, hash=reader.hash
            )
    assert [entry.type for entry in reader.entries(0, 3)] == ["genesis", "statement", "key-add"]
    assert [entry.index for entry in reader.entries(8)] == [8, 9]
    assert [(row.valid_from, row.valid_until, row.label) for row in reader.keys] == [
        (0, None, None),
        (1, None, None),
        (3, 6, b"l" * 32),
    ]
    for receipt in receipts:
        receipt.verify(origin=ORIGIN, key=key)
        entry = reader.entry(receipt.index)
        assert (receipt.time, receipt.statement, receipt.leaf_hash) == (entry.time, entry.statement, entry.leaf_hash)
        with pytest.raises(errors.InvalidSignature):
            receipt.verify(origin=ORIGIN, key=world.founder.verifying_key)
        with pytest.raises(errors.InvalidSignature):
            receipt.verify(origin="example.com/other", key=key)
    named = ledgers.NoteKey(ORIGIN, key)
    assert ledgers.NoteKey.from_vkey(named.vkey) == named
    assert (named.name, named.key) == (ORIGIN, key)


def test_receipts_and_entries_travel(world: World, path: Path) -> None:
    receipts = world.small(path)
    for receipt in receipts:
        assert pickle.loads(pickle.dumps(receipt)) == receipt  # noqa: S301
        text = json.dumps(receipt.to_dict())
        again = ledgers.Receipt.from_dict(json.loads(text))
        assert again == receipt
        again.verify(origin=ORIGIN, key=world.ledger_key.verifying_key)
    entry = LedgerReader.open(path).entry(3)
    new = world.statement(1)
    note = ledgers.Checkpoint.read_unverified(receipts[0].checkpoint)
    for thing in (entry, new, note, verify_ledger(path)):
        assert pickle.loads(pickle.dumps(thing)) == thing  # noqa: S301
        assert copy.copy(thing) == thing
    assert hash(note) == hash(copy.copy(note))
    good = receipts[0].to_dict()
    for field in good:
        with pytest.raises(errors.InvalidArgument) as missing:
            ledgers.Receipt.from_dict({name: value for name, value in good.items() if name != field})
        assert missing.value.field == field
    for bad in ("ab", "g" * 64, "é" * 32, "0x" + "a" * 62, "+" + "a" * 63):
        with pytest.raises(errors.InvalidEncoding):
            ledgers.Receipt.from_dict({**good, "leaf_hash": bad})


def test_reopening_and_refreshing(world: World, path: Path) -> None:
    world.small(path)
    reader = LedgerReader.open(path)
    kept = reader.checkpoint
    assert reader.refresh() is False
    with Ledger.open(path, ledger_key=world.ledger_key) as ledger:
        assert ledger.recovery == (0, 0, False)
        assert ledger.size == 10
        for number in range(10, 15):
            receipt = ledger.append(world.statement(number))
            assert receipt.index == number == ledger.size - 1
            assert ledger.checkpoint == receipt.checkpoint
            assert ledger.inclusion_proof(number) == receipt.proof
            assert ledger.entry(number).leaf_hash == receipt.leaf_hash
        with pytest.raises(errors.LedgerLocked):
            Ledger.open(path, ledger_key=world.ledger_key)
        assert ledger.root() == ledgers.Checkpoint.read_unverified(ledger.checkpoint).root
        assert ledger.root(10) == reader.root()
        assert ledger.keys == reader.keys
        assert reader.size == 10
    assert reader.refresh() is True
    assert reader.size == 15
    report = verify_ledger(path, checkpoint=kept, ledger_keys=[world.ledger_key.verifying_key])
    assert report.assurance == "extends my earlier checkpoint"
    for call in (lambda: ledger.append(world.statement(1)), lambda: ledger.size, lambda: ledger.entry(0)):
        with pytest.raises(errors.InvalidArgument, match="closed"):
            call()
    ledger.close()


def test_wrong_input_is_named(world: World, path: Path, tmp_path: Path) -> None:
    world.small(path)
    other = SigningKey.generate("p256")
    with pytest.raises(errors.InvalidKey) as wrong_key:
        Ledger.open(path, ledger_key=other)
    assert wrong_key.value.field == "ledger_key"
    with pytest.raises(errors.InvalidArgument) as not_empty:
        world.create(path)
    assert not_empty.value.field == "path"
    with pytest.raises(errors.LedgerIOError) as nowhere:
        LedgerReader.open(tmp_path / "nowhere")
    assert (nowhere.value.errno, nowhere.value.operation) == (2, "open the ledger directory")
    with pytest.raises(errors.InvalidArgument):
        verify_ledger(tmp_path)
    with pytest.raises(errors.InvalidArgument) as origin:
        Ledger.create(
            tmp_path / "x", origin="a b", ledger_key=world.ledger_key, founder_key=world.founder.verifying_key
        )
    assert origin.value.field == "origin"
    with Ledger.open(path, ledger_key=world.ledger_key) as ledger:
        good = world.statement(7)
        cases: list[tuple[NewEntry, type[Exception]]] = [
            (NewEntry(good.body + b"x", good.signature, key_idx=1), errors.InvalidSignature),
            (NewEntry(good.body, good.signature, key_idx=LEDGER_KEY), errors.InvalidSignature),
            (NewEntry(good.body, good.signature, key_idx=2), errors.InvalidSignature),
            (world.statement(7, world.person, 2), errors.InvalidKey),
            (NewEntry(good.body, good.signature, key_idx=3), errors.InvalidKey),
            (NewEntry(b"", good.signature, key_idx=1), errors.InvalidArgument),
            (NewEntry(bytes(65_376), good.signature, key_idx=1), errors.InvalidLength),
            (NewEntry(good.body, good.signature, key_idx=1, type="key-add"), errors.InputError),
        ]
        for entry, error in cases:
            with pytest.raises(error):
                ledger.append(entry)
            with pytest.raises(error):
                ledger.append_many([good, entry])
        with pytest.raises(errors.InvalidArgument) as time:
            ledger.append(good, time=1)
        assert time.value.field == "time"
        assert ledger.size == 10
        later = ledger.entry(9).time + 5_000_000
        assert [receipt.time for receipt in ledger.append_many([good, good], time=later)] == [later, later]
        assert ledger.append(good).time == later
        with pytest.raises(errors.InvalidArgument):
            ledger.entry(13)
        with pytest.raises(OverflowError):
            ledger.entry(-1)
    with pytest.raises(errors.InvalidLength):
        NewEntry(b"x", b"short", key_idx=1)
    with pytest.raises(errors.InvalidArgument):
        NewEntry(b"x", bytes(64), key_idx=1, type="nonsense")
    with pytest.raises(errors.InvalidEncoding):
        ledgers.Entry(b"nonsense", "sm3")
    with pytest.raises(errors.InvalidEncoding):
        verify_ledger(path, checkpoint="no note")
    with pytest.raises(errors.InvalidLength):
        ledgers.key_add_body(other.verifying_key, ledger_id=b"short")


def test_buffers_of_every_kind(world: World, path: Path) -> None:
    body = ledgers.encode_body({"kind": "note"})
    signature = world.founder.sign(ledgers.statement_message(bytearray(body), hash="sha256"))
    kinds = (bytes, bytearray, memoryview)
    entries = [NewEntry(kind(body), kind(signature), key_idx=1) for kind in kinds]
    assert len({(entry.body, entry.signature) for entry in entries}) == 1
    world = World("sha256")
    with world.create(Path(os.fspath(path))) as ledger:
        receipts = ledger.append_many(entries)
        proof = [bytearray(part) for part in receipts[0].proof]
        root = memoryview(ledger.root())
        ledgers.verify_inclusion(proof, index=1, size=4, leaf_hash=receipts[0].leaf_hash, root=root, hash="sha256")


def test_bodies() -> None:
    value = {"b": [1, -1, None, True], "a": {"x": b"\0\1", "text": "印章"}, "aa": 2**63 - 1, "n": -(2**63)}
    encoded = ledgers.encode_body(value)
    assert ledgers.decode_body(encoded) == value
    assert list(ledgers.decode_body(encoded)) == ["a", "b", "n", "aa"]
    assert ledgers.encode_body(dict(reversed(value.items()))) == encoded
    assert ledgers.encode_body({"a": (1, 2), "b": bytearray(b"x")}) == ledgers.encode_body({"a": [1, 2], "b": b"x"})
    assert ledger_check.cbor(ledgers.encode_body({"z": b"x", "count": 500, "in": {"k": "v"}})) == {
        "z": b"x",
        "in": {"k": "v"},
        "count": 500,
    }
    for wrong in (1.5, {1: 2}, {"a": {1, 2}}, object()):
        with pytest.raises(TypeError):
            ledgers.encode_body(wrong)
    with pytest.raises(OverflowError):
        ledgers.encode_body(2**63)
    deep: Any = None
    for _ in range(20):
        deep = [deep]
    with pytest.raises(errors.InvalidArgument):
        ledgers.encode_body(deep)
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(errors.InvalidArgument):
        ledgers.encode_body(loop)
    for bad in (b"", b"\x18\x01", b"\xa2\x61b\x00\x61a\x00", b"\xf9\x00\x00", b"\x81" * 17 + b"\x00", b"\x00\x00"):
        with pytest.raises(errors.InvalidEncoding):
            ledgers.decode_body(bad)


def _bodies() -> st.SearchStrategy[Any]:
    leaves = (
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=40) | st.text(max_size=20)
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=6), inner, max_size=5),
        max_leaves=30,
    )


@given(_bodies())
def test_bodies_come_back(value: Any) -> None:
    assert ledgers.decode_body(ledgers.encode_body(value)) == value


def test_threads_append_and_others_read(path: Path) -> None:
    world = World("sha256")
    ledger = world.create(path)
    entries = [[world.statement(100 * thread + number) for number in range(6)] for thread in range(6)]
    receipts: list[ledgers.Receipt] = []
    failures: list[BaseException] = []

    def work(mine: list[NewEntry]) -> None:
        try:
            receipts.append(ledger.append(mine[0]))
            receipts.extend(ledger.append_many(mine[1:]))
            ledger.entry(ledger.size - 1)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in entries]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        report = verify_ledger(path, threads=1)
        assert report.findings == ()
        assert sum(1 for _ in LedgerReader.open(path)) >= report.size - 36
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(receipt.index for receipt in receipts) == list(range(1, 37))
    ledger.close()
    bodies = {entry.body for entry in LedgerReader.open(path)}
    assert bodies >= {entry.body for mine in entries for entry in mine}


@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_forked_child_neither_writes_nor_unlocks(path: Path) -> None:
    world = World("sha256")
    ledger = world.create(path)
    entry = world.statement(1)
    child = os.fork()
    if child == 0:
        outcome = 1
        try:
            ledger.append(entry)
        except errors.LedgerLocked:
            del ledger
            gc.collect()
            outcome = 0
        finally:
            os._exit(outcome)
    assert os.waitpid(child, 0)[1] == 0
    with pytest.raises(errors.LedgerLocked):
        Ledger.open(path, ledger_key=world.ledger_key)
    assert ledger.append(entry).index == 1
    ledger.close()
    Ledger.open(path, ledger_key=world.ledger_key).close()


def test_a_full_disk(path: Path) -> None:
    """A limit on the file size stops a write in the middle: one typed error, and nothing acknowledged is lost."""
    program = """
        import resource, sys
        from ledger_world import World
        from sealcore import errors
        world = World("sm3")
        ledger = world.create(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
        count = 1
        try:
            while True:
                count = ledger.append(world.statement(count)).index + 1
        except errors.LedgerIOError as error:
            print(count, error.errno, error.operation)
        try:
            ledger.size
        except errors.LedgerIOError as error:
            print(error.operation)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), os.fspath(path)],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    count, errno, *operation = run.stdout.splitlines()[0].split()
    assert (errno, operation[0]) == ("27", "write")
    assert run.stdout.splitlines()[1] == " ".join(operation)
    assert int(count) > 3
    assert verify_ledger(path).size == int(count)
    with Ledger.open(path, ledger_key=World("sm3").ledger_key) as ledger:
        assert ledger.append(World("sm3").statement(1)).index == int(count)


def test_proofs_of_others(shared_data: Path) -> None:
    """The RFC 6962 vectors of transparency-dev/merkle through the Python border."""
    folder = shared_data / "ledger" / "rfc6962-merkle"
    judged = 0
    for file in sorted((folder / "inclusion").rglob("*.json")) + sorted((folder / "consistency").rglob("*.json")):
        vector = json.loads(file.read_text(encoding="utf-8"))

        def decoded(name: str, vector: dict[str, Any] = vector) -> bytes:
            return base64.b64decode(vector[name] or "")

        proof = [base64.b64decode(part or "") for part in vector["proof"] or []]
        verdict = True
        try:
            if "leafIdx" in vector:
                where = {"index": vector["leafIdx"], "size": vector["treeSize"]}
                leaf, root = decoded("leafHash"), decoded("root")
                ledgers.verify_inclusion(proof, leaf_hash=leaf, root=root, hash="sha256", **where)
            else:
                sizes = {"old_size": vector["size1"], "new_size": vector["size2"]}
                old, new = decoded("root1"), decoded("root2")
                ledgers.verify_consistency(proof, old_root=old, new_root=new, hash="sha256", **sizes)
        except errors.InvalidProof:
            verdict = False
        assert verdict == (not vector["wantErr"]), file
        judged += 1
    assert judged == 196
