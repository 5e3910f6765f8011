"""The export for analysts: every entry, decoded, with the bytes and the roots that tie it to a checkpoint."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import missing
from ledger_world import World

from sealcore import errors
from sealcore.hash import digest
from sealcore.ledger import Ledger, LedgerReader, NewEntry, decode_body, encode_body, leaf_hash

try:
    import pyarrow.parquet as pq

    from sealcore.audit import export_parquet
    from sealcore.audit.parquet import METADATA
except ImportError:
    missing("pyarrow is not installed")


@pytest.fixture(scope="module", params=["sha256", "sm3"])
def ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    world, path = World(request.param), tmp_path_factory.mktemp("parquet") / "ledger"
    with Ledger.create(
        path,
        origin="example.com/seals",
        ledger_key=world.ledger_key,
        founder_key=world.founder.verifying_key,
        hash=request.param,
        segment_bits=8,
    ) as made:
        bodies = [encode_body({"kind": "note", "number": n, "digest": b"\x0f" * 4, "text": "章"}) for n in range(600)]
        bodies += [b"no CBOR at all", encode_body([1, 2])]
        made.append_many([NewEntry.sign(body, world.founder, key_idx=1, hash=request.param) for body in bodies])
    return path


def test_rows_and_roots(ledger: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    file = tmp_path / "entries.parquet"
    reader = LedgerReader.open(ledger)
    assert export_parquet(ledger, file, progress=lambda *step: steps.append(step)) == reader.size
    assert steps[-1] == (reader.size, reader.size)
    table = pq.read_table(file)
    assert table.num_rows == reader.size
    for entry, row in zip(reader, table.to_pylist(), strict=True):
        assert (row["raw"], row["index"], row["type"]) == (bytes(entry), entry.index, entry.type)
        assert row["time"] == datetime.fromtimestamp(0, UTC) + (row["time"] - datetime.fromtimestamp(0, UTC))
        assert int(row["time"].timestamp()) == entry.time // 1_000_000
        assert row["leaf_hash"] == leaf_hash(row["raw"], hash=reader.hash)
        assert (row["prev"], row["statement"], row["signature"]) == (entry.prev, entry.statement, entry.signature)
        assert (row["key_idx"], row["algorithm"]) == (entry.key_idx, entry.algorithm)
        if row["body"] is not None and row["kind"] == "note":
            assert json.loads(row["body"]) == {**decode_body(entry.body), "digest": "0f0f0f0f"}
    odd = table.slice(reader.size - 2).to_pylist()
    assert [(row["kind"], row["body"]) for row in odd] == [(None, None), (None, "[1, 2]")]
    # The roots of the segments follow from the column `raw` alone, and lead to the signed checkpoint.
    told = json.loads(table.schema.metadata[METADATA])
    assert (told["size"], told["root"]) == (reader.size, reader.root().hex())
    assert told["checkpoint"] == reader.checkpoint
    raw = table.column("raw").to_pylist()
    assert len(told["segments"]) == reader.size // 256
    for segment in told["segments"]:
        level = [digest(b"\x00" + entry, reader.hash) for entry in raw[segment["start"] : segment["end"]]]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=True)
            level = [digest(b"\x01" + left + right, reader.hash) for left, right in pairs]
        assert level[0].hex() == segment["root"]


def test_row_groups_are_small(ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealcore.audit.parquet._BYTES", 20_000)
    file = tmp_path / "entries.parquet"
    export_parquet(ledger, file, compression="none")
    assert pq.ParquetFile(file).num_row_groups > 5


def test_a_file_that_cannot_be_written(ledger: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.StorageError, match="cannot be written"):
        export_parquet(ledger, tmp_path / "no" / "such" / "folder.parquet")
    assert list(tmp_path.iterdir()) == []
    data = bytearray((ledger / "seg/1.slg").read_bytes())
    data[10_000] ^= 1
    (tmp_path / "copy").mkdir()
    import shutil

    shutil.copytree(ledger, tmp_path / "copy", dirs_exist_ok=True)
    (tmp_path / "copy/seg/1.slg").write_bytes(data)
    with pytest.raises(errors.LedgerCorrupt):
        export_parquet(tmp_path / "copy", tmp_path / "entries.parquet")
    assert not (tmp_path / "entries.parquet").exists()
