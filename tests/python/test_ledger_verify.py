"""Verification through Python, and a second verifier, written from the format alone, that must say the same."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import ledger_check
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_world import HASHES, ORIGIN, World

import sealcore.ledger as ledgers
from sealcore import errors
from sealcore.hash import digest
from sealcore.ledger import Ledger, LedgerReader, NewEntry, verify_ledger
from sealcore.sign import SigningKey

WAL = "wal/0.wal"
FILES = ("genesis", WAL, "state", "checkpoint", "checkpoints.log")


@pytest.fixture(scope="module", params=HASHES)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    world = World(request.param)
    path = tmp_path_factory.mktemp("small") / "ledger"
    world.small(path)
    return world, path


def _frames(path: Path) -> list[bytes]:
    records = ledger_check.records((path / WAL).read_bytes())
    return [entry for record in records for entry in ledger_check.frames(record[2])]


def _write(path: Path, frames: list[bytes]) -> None:
    """One record of all entries with the released checkpoint, and a right CRC."""
    wal, note, log = (path / WAL).read_bytes(), (path / "checkpoint").read_bytes(), path / "checkpoints.log"
    body = b"".join(len(frame).to_bytes(2, "big") + frame for frame in frames)
    numbers = (
        (0, 8),
        (len(frames), 4),
        (len(body), 4),
        (log.stat().st_size - len(note) - 2, 8),
        (len(note), 4),
        (0, 4),
    )
    rest = b"".join(number.to_bytes(size, "big") for number, size in numbers) + body + note
    (path / WAL).write_bytes(wal[:48] + b"swr1" + ledger_check.crc32c(rest).to_bytes(4, "big") + rest)


def test_every_tampering_of_the_issue_is_named(small: tuple[World, Path], tmp_path: Path) -> None:
    _, good = small

    def tampered(change: Any) -> list[tuple[str, int | None, str]]:
        path = tmp_path / "tampered"
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(good, path)
        frames = _frames(path)
        change(frames)
        _write(path, frames)
        report = verify_ledger(path)
        assert not report.ok
        assert report.to_dict()["findings"][0]["kind"] == report.findings[0].kind
        with pytest.raises(errors.LedgerCorrupt, match=report.findings[0].kind):
            report.raise_for_findings()
        return [(finding.kind, finding.index, finding.field) for finding in report.findings]

    def flip(index: int, at: int) -> Any:
        def change(frames: list[bytes]) -> None:
            frame = bytearray(frames[index])
            frame[at] ^= 1
            frames[index] = bytes(frame)

        return change

    def swap(frames: list[bytes]) -> None:
        frames[7], frames[8] = frames[8], frames[7]

    assert tampered(flip(1, 23)) == [("entry-altered", 1, "header")]
    assert tampered(flip(8, 170)) == [("statement-mismatch", 8, "body"), ("entry-altered", 8, "entry")]
    assert tampered(flip(8, 100)) == [("signature-invalid", 8, "signature"), ("entry-altered", 8, "entry")]
    assert tampered(lambda frames: frames.pop(8)) == [("deleted", 8, "entry")]
    assert tampered(swap) == [("moved", 8, "entry")]
    assert tampered(lambda frames: frames.insert(9, frames[8])) == [("duplicated", 8, "entry")]
    assert tampered(lambda frames: frames.pop()) == [("truncated", 9, "entry")]


def test_a_truncated_tail_against_an_earlier_checkpoint(tmp_path: Path) -> None:
    world, path = World("sha256"), tmp_path / "ledger"
    world.small(path)
    older = tmp_path / "older"
    shutil.copytree(path, older)
    with Ledger.open(path, ledger_key=world.ledger_key) as ledger:
        kept = ledger.append(world.statement(9)).checkpoint
    assert verify_ledger(older).assurance == "internally consistent"
    report = verify_ledger(older, checkpoint=kept, ledger_keys=[world.ledger_key.verifying_key])
    assert [(f.kind, f.index, f.file) for f in report.findings] == [
        ("truncated-since-earlier", 11, "earlier checkpoint")
    ]
    assert str(report.findings[0]).startswith("earlier checkpoint 11, size")
    assert report.assurance == "inconsistent"


def test_reports(small: tuple[World, Path]) -> None:
    world, path = small
    calls: list[tuple[int, int]] = []
    report = verify_ledger(path, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (10, 10)
    assert (report.ok, report.assurance) == (True, "internally consistent")
    assert {kind: n for kind, n in report.entries.items() if n} == {
        "genesis": 1,
        "statement": 7,
        "key-add": 1,
        "key-revoke": 1,
    }
    assert (report.signatures_checked, report.checkpoints_checked) == (10, 8)
    assert report.root == LedgerReader.open(path).root()
    assert report.checkpoint == (path / "checkpoint").read_text(encoding="utf-8")
    assert json.loads(json.dumps(report.to_dict()))["size"] == 10
    report.raise_for_findings()
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(report)
    stranger = SigningKey.generate("sm2").verifying_key
    report = verify_ledger(path, ledger_keys=[stranger])
    assert [finding.kind for finding in report.findings] == ["untrusted-ledger-key"]
    report = verify_ledger(path, ledger_keys=iter([stranger, world.ledger_key.verifying_key]), max_findings=0)
    assert report.assurance == "matches operator checkpoint"

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify_ledger(path, progress=stop)


def test_the_second_verifier_agrees_on_the_frozen_ledgers(vectors: Path, tmp_path: Path) -> None:
    for name in HASHES:
        frozen = json.loads((vectors / "ledger" / f"{name}.json").read_text(encoding="utf-8"))
        path = tmp_path / name
        for folder in ("wal", "seg"):
            (path / folder).mkdir(parents=True)
        for file, content in frozen["files"].items():
            (path / file).write_bytes(bytes.fromhex(content))
        assert ledger_check.check(path) == (12, bytes.fromhex(frozen["roots"][-1]))
        report = verify_ledger(path)
        assert (report.ok, report.root) == (True, bytes.fromhex(frozen["roots"][-1]))
        reader = LedgerReader.open(path)
        assert ledgers.NoteKey.from_vkey(frozen["vkey"]) == ledgers.NoteKey(ORIGIN, reader.ledger_key)
        for index, vector in enumerate(frozen["entries"]):
            entry = reader.entry(index)
            assert bytes(entry).hex() == vector["entry"]
            assert (entry.leaf_hash.hex(), entry.statement.hex()) == (vector["leaf_hash"], vector["statement"])
            assert [part.hex() for part in reader.inclusion_proof(index)] == vector["inclusion_proof"]
            assert [part.hex() for part in reader.consistency_proof(index + 1)] == vector["consistency_proof"]
        # The program, as an auditor would call it.
        program = [sys.executable, ledger_check.__file__, os.fspath(path)]
        run = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60)
        assert run.stdout == f"12 entries, root {frozen['roots'][-1]}\n"


def test_segments_and_summaries(tmp_path: Path) -> None:
    """Sealed segments through Python: two verifiers, summaries that are pickled, merged, kept; resumption; levels."""
    world, path = World("sha256"), tmp_path / "ledger"
    options = {"origin": ORIGIN, "ledger_key": world.ledger_key, "founder_key": world.founder.verifying_key}
    with Ledger.create(path, segment_bits=8, **options) as ledger:
        rotated = SigningKey.from_bytes("sm2", b"\x55" * 32)
        add = ledgers.key_add_body(world.person.verifying_key, ledger_id=ledger.id)
        ledger.append(NewEntry.sign(add, world.founder, key_idx=1, hash=ledger.hash, type="key-add"))
        body = ledgers.key_rotate_body(2, rotated.verifying_key, ledger_id=ledger.id, label=b"l" * 32)
        ledger.append(NewEntry.sign(body, world.person, key_idx=2, hash=ledger.hash, type="key-rotate"))
        statement = ledger.entry(1).statement
        body = ledgers.redact_body(1, statement=statement, fields=[b"b" * 32, b"a" * 32], ledger_id=ledger.id)
        ledger.append(NewEntry.sign(body, world.founder, key_idx=1, hash=ledger.hash, type="redact"))
        anchored = ledgers.Checkpoint.open(ledger.checkpoint, key=world.ledger_key.verifying_key)
        body = ledgers.anchor_body(anchored.size, anchored.root, form="rfc3161", token=b"a token", ledger_id=ledger.id)
        ledger.append(NewEntry.sign(body, world.founder, key_idx=1, hash=ledger.hash, type="anchor"))
        ledger.append_many([world.statement(1, rotated, 3)] * 800)  # one signature: the second verifier is slow
        size = ledger.size
    assert ledgers.sealed_segments(path) == 3
    assert ledger_check.check(path)[0] == size == 808
    report = verify_ledger(path)
    assert (report.ok, report.level) == (True, 3)
    assert {kind: n for kind, n in report.entries.items() if n < 800} == {
        "genesis": 1,
        "key-add": 1,
        "key-revoke": 0,
        "key-rotate": 1,
        "redact": 1,
        "anchor": 1,
        "segment": 3,
    }
    parts = [ledgers.verify_segment(path, number) for number in range(3)]
    assert all(parts)
    one, two, three = (pickle.loads(pickle.dumps(part)) for part in parts)  # noqa: S301
    assert one.merge(two.merge(three)) == one.merge(two).merge(three) == report.summary
    with pytest.raises(errors.InvalidArgument):
        one.merge(three)
    kept = ledgers.Summary.from_bytes(bytes(report.summary))
    assert verify_ledger(path, summaries=[kept]).to_dict() == report.to_dict()
    assert (kept.start, kept.end, kept.level) == (0, 768, 3)
    assert verify_ledger(path, level=1).signatures_checked == 0
    with pytest.raises(errors.InvalidArgument):
        verify_ledger(path, level=5)
    data = bytearray((path / "seg" / "1.slg").read_bytes())
    data[len(data) // 2] ^= 1
    (path / "seg" / "1.slg").write_bytes(data)
    assert ledgers.verify_segment(path, 1) is None
    assert not _judge(path)
    found = verify_ledger(path)
    assert {finding.file for finding in found.findings} == {"seg/1.slg"}
    assert all(finding.index is not None and 256 <= finding.index < 512 for finding in found.findings)


def test_synthetic_ledgers(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    ledgers.generate_ledger(
        tmp_path / "ledger", entries=50, keys=3, seed=1, batch=20, progress=lambda *step: calls.append(step)
    )
    assert calls[-1] == (50, 50)
    assert verify_ledger(tmp_path / "ledger").size == ledger_check.check(tmp_path / "ledger")[0] == 54

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledgers.generate_ledger(tmp_path / "other", entries=50, progress=stop)
    with pytest.raises(errors.InvalidArgument):
        ledgers.generate_ledger(tmp_path / "none", entries=50, keys=0)


def test_the_second_verifier_agrees_on_its_hashes() -> None:
    for length in (0, 1, 55, 56, 63, 64, 65, 200):
        message = bytes(range(length))
        assert ledger_check.sm3(message) == digest(message, "sm3")


def _judge(path: Path) -> bool:
    try:
        ledger_check.check(path)
    except (ledger_check.Wrong, KeyError, ValueError, IndexError, OSError, AttributeError, AssertionError, TypeError):
        return False
    return True


_EDITS = st.lists(
    st.tuples(
        st.sampled_from(FILES),
        st.sampled_from(("flip", "cut", "insert", "remove", "copy", "zero")),
        st.floats(0, 1, exclude_max=True),
        st.floats(0, 1, exclude_max=True),
        st.integers(1, 255),
    ),
    min_size=1,
    max_size=3,
)


def _edit(data: bytearray, how: str, at: int, to: int, value: int) -> None:
    first, last = min(at, to), max(at, to)
    if how == "flip":
        data[at] ^= value
    elif how == "cut":
        del data[at:]
    elif how == "insert":
        data[at:at] = bytes([value]) * (value % 40 + 1)
    elif how == "remove":
        del data[first:last]
    elif how == "copy":
        data[at:at] = data[first : min(last, first + 3000)]
    else:
        data[first:last] = bytes(last - first)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=_EDITS)
def test_both_verifiers_agree_whatever_is_done(small: tuple[World, Path], tmp_path: Path, edits: list[Any]) -> None:
    """Any edit of the files: verification ends without an exception, and the two verifiers say the same.

    They may differ only where bytes follow the newest checkpoint: those the first does not judge, the second refuses.
    """
    _, good = small
    path = tmp_path / "edited"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(good, path)
    for file, how, at, to, value in edits:
        data = bytearray((path / file).read_bytes())
        if data:
            _edit(data, how, int(at * len(data)), int(to * len(data)), value)
            (path / file).write_bytes(data)
    report = verify_ledger(path, threads=1)
    unjudged = (
        report.unacknowledged_bytes > 0
        or (path / "checkpoints.log").stat().st_size > (good / "checkpoints.log").stat().st_size
    )
    assert report.ok == _judge(path) or (report.ok and unjudged), (report.findings, edits)
