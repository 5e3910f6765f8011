"""`sealcore ledger` as a user meets it: a ledger of one's own, witnesses and tiles over sockets, what is refused."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from shell_world import Shell

from sealcore import pki
from sealcore.ledger import NoteKey, NoteSigner, Proof
from sealcore.sign import SigningKey

pytest.importorskip("waitress")
ORIGIN = "example.com/seals"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Keys in files, and an empty ledger with an Ed25519 signer."""
    shell = Shell(tmp_path)
    for name, algorithm in (("ledger", "p256"), ("author", "sm2")):
        key = SigningKey.generate(algorithm)  # type: ignore[arg-type]
        (tmp_path / f"{name}.key").write_bytes(pki.dump_private_key(key))
        (tmp_path / f"{name}.pem").write_bytes(pki.dump_public_key(key.verifying_key))
    shell.run("key", "generate", "-a", "ed25519", "-o", "tlog.key", "--plain")
    made = shell.json(
        "ledger",
        "init",
        "led",
        "--origin",
        ORIGIN,
        "--key",
        "ledger.key",
        "--founder",
        "author.pem",
        "--signer",
        "tlog.key",
    )
    (tmp_path / "ledger.vkey").write_text(made["vkey"], encoding="utf-8")
    (tmp_path / "tlog.vkey").write_text(made["signers"][0], encoding="utf-8")
    return shell


def append(shell: Shell, *texts: str, **more: object) -> subprocess.CompletedProcess[str]:
    bodies = shell.directory / "bodies.jsonl"
    bodies.write_text("".join(texts), encoding="utf-8")
    words = [
        "ledger",
        "append",
        "led",
        "bodies.jsonl",
        "--key",
        "ledger.key",
        "--by",
        "author.key",
        "--signer",
        "tlog.key",
    ]
    return shell.run(*words, *more.get("words", ()), code=more.get("code", 0))  # type: ignore[arg-type,misc]


@contextmanager
def running(shell: Shell, *words: object) -> Iterator[str]:
    """A server of the command line; its URL. It ends with an interrupt, without a trace."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sealcore.cli", *map(str, words), "--port", "0"],
        cwd=shell.directory,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # A shell that starts tests in the background has them ignore interrupts, and their children after them.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  no threads here
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"http://\S+", line):
                yield found[0]
                break
        else:
            pytest.fail(f"no server: {process.wait(10)}")
    finally:
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=30)
        assert "Traceback" not in rest, rest
        assert process.returncode in {0, 130}


def test_a_ledger_of_ones_own(shell: Shell) -> None:
    append(shell, *(f'{{"kind": "note", "n": {n}}}\n' for n in range(3)), words=("--receipts", "receipts"))
    assert sorted(p.name for p in (shell.directory / "receipts").iterdir()) == [f"{n}.tlog-proof" for n in (1, 2, 3)]
    receipt = shell.json("ledger", "check-proof", "receipts/2.tlog-proof", "--key", "ledger.vkey")
    assert (receipt["index"], receipt["size"], receipt["kind"]) == (2, 4, "note")
    # The Ed25519 key has signed the same checkpoint.
    note = Proof.parse((shell.directory / "receipts/2.tlog-proof").read_text(encoding="utf-8")).checkpoint
    assert NoteKey.from_vkey((shell.directory / "tlog.vkey").read_text(encoding="utf-8")).open(note)
    assert json.loads(shell.run("ledger", "cat", "led", "--json").stdout.splitlines()[3])["body"]["n"] == 2
    assert shell.json("ledger", "verify", "led", "--key", "ledger.vkey", "--signer", "tlog.vkey")["ok"]
    assert (
        shell.json("ledger", "append", "led", os.devnull, "--key", "ledger.key", "--by", "author.key")["appended"] == 0
    )
    shown = shell.run("ledger", "prove", "led", 3).stdout
    assert shown.startswith("c2sp.org/tlog-proof@v1\n")
    shell.run("ledger", "prove", "led", 3, "-o", "three.tlog-proof")
    assert (shell.directory / "three.tlog-proof").read_text(encoding="utf-8") == shown
    assert "exists" in shell.run("ledger", "prove", "led", 3, "-o", "three.tlog-proof", code=3).stderr
    shell.run("ledger", "prove", "led", 4, code=3)


def test_what_cannot_be_appended(shell: Shell) -> None:
    for line in ("{", '{"n": 1.5}', '{"n": 1e400}', '{"n": 99999999999999999999}', "[" * 100_000 + "]" * 100_000):
        refused = append(shell, '{"n": 1}\n', line + "\n", code=3)
        assert "line 2" in refused.stderr, refused.stderr
    assert shell.json("ledger", "verify", "led")["size"] == 1
    refused = shell.run("ledger", "append", "led", os.devnull, "--key", "author.key", "--by", "author.key", code=3)
    assert "ledger_key" in refused.stderr
    exists = shell.run(
        "ledger", "init", "led", "--origin", ORIGIN, "--key", "ledger.key", "--founder", "author.pem", code=3
    )
    assert "led" in exists.stderr or "empty" in exists.stderr


def test_witnesses_and_tiles_over_sockets(shell: Shell) -> None:
    append(shell, '{"n": 1}\n')
    shell.run("key", "generate", "-a", "ed25519", "-o", "witness.key", "--plain")
    logs = f"log {(shell.directory / 'tlog.vkey').read_text(encoding='utf-8')}\nquorum none\n"
    (shell.directory / "logs.txt").write_text(logs, encoding="utf-8")
    pem = (shell.directory / "witness.key").read_bytes()
    key = NoteSigner.load("witness.example/w1", pem, witness=True).key
    serve = ("ledger", "serve-witness", "--state", "seen.db", "--name", key.name, "--key", "witness.key")
    witness = ("ledger", "witness", "led", "--policy", "policy.txt", "-o", "cosigned.txt")
    with running(shell, *serve, "--logs", "logs.txt") as url:
        policy = f"witness w {key.vkey} {url}\nquorum w\n"
        (shell.directory / "policy.txt").write_text(policy, encoding="utf-8")
        assert shell.json(*witness)["ok"]
        append(shell, '{"n": 2}\n')
        anchored = shell.json(*witness, "--anchor", "ledger.key", "--signer", "tlog.key")
        assert anchored["answers"] == [{"name": "w", "cosigned": True, "reason": None, "size": None}]
    entry = shell.json("ledger", "show", "led", anchored["anchor"])
    assert (entry["type"], entry["body"]["form"], entry["body"]["size"]) == ("anchor", "cosignature", 3)
    assert bytes.fromhex(entry["body"]["token"]).decode() in anchored["checkpoint"]
    words = ("ledger", "verify", "led", "--checkpoint", "cosigned.txt", "--policy", "policy.txt", "--max-age", "1h")
    assert shell.json(*words)["assurance"] == "cosigned by a quorum of witnesses"
    shell.run("ledger", "verify", "led", "--policy", "policy.txt", code=3)
    # Nobody is there: no quorum, said and told by the exit code.
    down = shell.run(*witness, code=1)
    assert "NO QUORUM" in down.stdout
    assert "cannot be reached" in down.stdout
    unwitnessed = shell.directory / "plain.tlog-proof"
    unwitnessed.write_text(shell.run("ledger", "prove", "led", 1).stdout, encoding="utf-8")
    check = ("ledger", "check-proof", "plain.tlog-proof", "--key", "ledger.vkey")
    shell.run(*check)
    assert "no quorum" in shell.run(*check, "--policy", "policy.txt", code=1).stderr
    shell.run("ledger", "export", "led", "--tlog-tiles", "public")
    with running(shell, "ledger", "serve", "led") as url:
        for name in ("checkpoint", "tile/0/000.p/4", "tile/entries/000.p/4"):
            with urllib.request.urlopen(f"{url}{name}", timeout=10) as answer:  # noqa: S310
                assert answer.read() == (shell.directory / "public" / name).read_bytes()


def test_servers_that_cannot_be(shell: Shell) -> None:
    with running(shell, "ledger", "serve", "led") as url:
        port = url.rstrip("/").rpartition(":")[2]
        taken = shell.run("ledger", "serve", "led", "--port", port, code=5)
        assert "cannot listen" in taken.stderr
    shell.run("ledger", "serve", ".", code=3)
    refused = shell.run(
        "ledger",
        "serve-witness",
        "--state",
        "s.db",
        "--name",
        "w",
        "--key",
        "ledger.key",
        "--logs",
        "ledger.vkey",
        code=3,
    )
    assert "Ed25519" in refused.stderr or "policy" in refused.stderr


def test_redact_asks_for_what(shell: Shell) -> None:
    assert "--person" in shell.run("ledger", "redact", "led", "--reason", "x", code=3).stderr
    assert "office" in shell.run("ledger", "redact", "led", "--person", "li", "--reason", "x", code=3).stderr
