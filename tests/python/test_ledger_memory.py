"""The memory of a verification is bounded, whatever the files are made of."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_world import World

from sealcore.ledger import Ledger, NewEntry, encode_body

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="left out: the peak is read from Linux")

LIMIT = 256 << 20
"""Bytes, of the interpreter and all."""

CHILD = """
import re, sys
from sealcore.ledger import verify_ledger
report = verify_ledger(sys.argv[1])
# Not ru_maxrss, which begins at what the parent had.
peak = int(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1])
print(peak, report.ok, len(report.findings))
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world, path = World("sha256"), tmp_path_factory.mktemp("memory") / "ledger"
    with Ledger.create(
        path,
        origin="example.com/seals",
        ledger_key=world.ledger_key,
        founder_key=world.founder.verifying_key,
        hash="sha256",
        segment_bits=8,
    ) as made:
        bodies = [encode_body({"kind": "note", "number": n}) for n in range(600)]
        made.append_many([NewEntry.sign(body, world.founder, key_idx=1, hash="sha256") for body in bodies])
    return path


def _hole(name: str, size: int) -> Callable[[Path], None]:
    def grow(path: Path) -> None:
        with (path / name).open("r+b") as file:
            file.truncate(size)

    return grow


def _lost_record(path: Path) -> None:
    """The first record's lengths are gone, and zeros follow, which are frames without payload."""
    with (path / "wal/2.wal").open("r+b") as file:
        file.seek(48)
        file.write(b"\x00" * 64)
        file.truncate(256 << 20)


def _tiny_records(path: Path) -> None:
    """Records of one entry each, far more than a log holds."""
    wal = (path / "wal/2.wal").read_bytes()
    entry, note = b"\x00\x00", (path / "checkpoint").read_bytes()
    numbers = ((512, 8), (1, 4), (len(entry), 4), (0, 8), (len(note), 4), (0, 4))
    rest = b"".join(number.to_bytes(size, "big") for number, size in numbers) + entry + note
    (path / "wal/2.wal").write_bytes(wal + (b"swr1\x00\x00\x00\x00" + rest) * 600_000)


def _tiny_frames(path: Path) -> None:
    with (path / "checkpoints.log").open("ab") as file:
        file.write(b"\x00\x01x" * 40_000_000)


def _long_segment(path: Path) -> None:
    """A segment with its first entry a million times over."""
    data = (path / "seg/1.slg").read_bytes()
    length = 2 + int.from_bytes(data[4096:4098], "big")
    (path / "seg/1.slg").write_bytes(data[:4096] + data[4096 : 4096 + length] * 1_000_000 + data[-200:])


@pytest.mark.parametrize(
    "damage",
    [
        _hole("wal/2.wal", 512 << 20),
        _hole("seg/1.slg", 4 << 30),
        _hole("seg/1.slh", 4 << 30),
        _hole("checkpoints.log", 512 << 20),
        _hole("genesis", 4 << 30),
        _hole("checkpoint", 4 << 30),
        _hole("state", 4 << 30),
        _lost_record,
        _tiny_records,
        _tiny_frames,
        _long_segment,
    ],
    ids=["wal", "segment", "hashes", "log", "genesis", "checkpoint", "state", "lost", "records", "frames", "entries"],
)
def test_hostile_files(ledger: Path, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = tmp_path / "ledger"
    shutil.copytree(ledger, path)
    damage(path)
    command = [sys.executable, "-c", CHILD, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    peak, ok, findings = done.stdout.split()
    assert int(peak) * 1024 < LIMIT
    # Holes after what is released are of no meaning; everything else is found.
    assert (ok == "False") == (int(findings) > 0)
    shutil.rmtree(path)
