"""`sealcore ledger verify`, `generate`, `export --parquet` and `bench` as programs see them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import missing
from shell_world import Shell

from sealcore.ledger import Summary

pytest.importorskip("click")


def run(*words: Any, code: int = 0) -> subprocess.CompletedProcess[str]:
    return Shell(Path.cwd()).run("ledger", *words, code=code, timeout=300)


def as_json(*words: Any, code: int = 0) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(run(*words, "--json", code=code).stdout)
    return result


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hundred statements of an office at work."""
    path = tmp_path_factory.mktemp("cli") / "ledger"
    made = as_json("generate", path, "--entries", 600, "--keys", 6, "--authority", "--batch", 50, "--segment-bits", 8)
    assert made["size"] > 600
    return path


def test_levels(ledger: Path) -> None:
    for level in range(5):
        report = as_json("verify", ledger, "--level", level)
        assert (report["ok"], report["level"]) == (True, level)
        assert report["assurance"] == ("well-formed" if level == 0 else "internally consistent")
    assert as_json("verify", f"file://{ledger}", "--level", 4)["ok"]
    run("verify", ledger, "--level", 5, code=2)
    rows = as_json("bench", ledger, "--level", 0, "--level", 4, "--repeats", 1)["rows"]
    assert [row["level"] for row in rows] == [0, 4]


def test_a_ledger_that_authority_knows_nothing_of(tmp_path: Path) -> None:
    as_json("generate", tmp_path / "opaque", "--entries", 20, "--keys", 2)
    assert as_json("verify", tmp_path / "opaque")["ok"]
    report = as_json("verify", tmp_path / "opaque", "--level", 4, code=1)
    kinds = {finding["kind"] for finding in report["findings"]}
    assert (report["level"], kinds) == (4, {"not-authorised"})


def test_what_is_found_is_told_at_once(ledger: Path, tmp_path: Path) -> None:
    import shutil

    path = tmp_path / "ledger"
    shutil.copytree(ledger, path)
    data = bytearray((path / "seg/1.slg").read_bytes())
    data[30_000] ^= 1
    (path / "seg/1.slg").write_bytes(data)
    done = run("verify", path, code=1)
    first = done.stderr.splitlines()[0]
    assert first.startswith("found: seg/1.slg ")
    assert first.removeprefix("found: ") in done.stdout
    assert run("verify", path, "--json", code=1).stderr == ""


def test_a_kept_summary(ledger: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.cbor"
    whole = as_json("verify", ledger, "--summary", kept)
    summary = Summary.from_bytes(kept.read_bytes())
    assert (summary.start, summary.end, summary.level) == (0, whole["size"] // 256 * 256, 3)
    times = ("seconds", "entries_per_second")
    again = as_json("verify", ledger, "--summary", kept)
    assert {k: v for k, v in again.items() if k not in times} == {k: v for k, v in whole.items() if k not in times}
    # One of another ledger is refused and stays what it is; so is what is none.
    other = tmp_path / "other"
    as_json("generate", other, "--entries", 300, "--seed", 5, "--segment-bits", 8)
    refused = as_json("verify", other, "--summary", kept, code=3)
    assert "another ledger" in refused["error"]["message"]
    assert Summary.from_bytes(kept.read_bytes()) == summary
    kept.write_bytes(kept.read_bytes()[:-1])
    assert as_json("verify", ledger, "--summary", kept, code=3)["error"]["type"] == "InvalidEncoding"


def test_engines(ledger: Path) -> None:
    try:
        import distributed  # noqa: F401
    except ImportError:
        missing("Dask is not installed")
    local = as_json("verify", ledger, "--level", 4)
    spread = as_json("verify", ledger, "--level", 4, "--engine", "dask", "--workers", 2)
    for report in (local, spread):
        del report["seconds"], report["entries_per_second"]
    assert json.dumps(spread) == json.dumps(local)
    run("verify", ledger, "--workers", 2, code=2)
    run("verify", ledger, "--engine", "dask", "--threads", 2, code=2)
    assert as_json("verify", ledger, "--engine", "spark", code=3)["error"]["field"] == "engine"
    assert as_json("verify", ledger, "--engine", "dask://127.0.0.1:1", code=5)["error"]["type"] == "StorageError"


def test_places_that_are_none(tmp_path: Path) -> None:
    run("verify", tmp_path / "nowhere", code=2)
    assert as_json("verify", "nosuch://place", code=3)["error"]["field"] == "url"
    assert as_json("verify", f"file://{tmp_path}", code=3)["error"]["field"] == "path"


def test_parquet(ledger: Path, tmp_path: Path) -> None:
    try:
        import pyarrow.parquet as pq
    except ImportError:
        missing("pyarrow is not installed")
    file = tmp_path / "entries.parquet"
    done = as_json("export", ledger, "--parquet", file)
    table = pq.read_table(file)
    assert done["rows"] == table.num_rows
    assert set(table.column("kind").to_pylist()) >= {"application", "approval", "grant", "seal-use", "use-delivered"}
    run("export", ledger, code=2)
    run("export", ledger, "--parquet", file, "--tlog-tiles", tmp_path / "tiles", code=2)
