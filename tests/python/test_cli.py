"""The command line as a user meets it: the whole way through separate processes, `--json`, exit codes, no traceback."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT
from pdfs import Sheet, build_pdf
from shell_world import Shell

from sealcore import ledger as ledgers
from sealcore import pki
from sealcore.cli.app import root
from sealcore.cli.contract import KEYWORD, write_contract
from sealcore.seals.drawing import find_typeface


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def commands(group: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        found.append((*above, name))
        if hasattr(command, "commands"):
            found += commands(command, (*above, name))
    return found


def test_every_command_has_help(shell):
    """Help is built in this process (a process each would be slow), from the same objects."""
    import click

    assert len(commands(root)) > 30
    for words in commands(root):
        command: Any = root
        for word in words:
            command = command.commands[word]
        text = command.get_help(click.Context(command, info_name=" ".join(words)))
        assert command.help, words
        assert "Usage:" in text
    assert "Examples:" in shell.run("--help").stdout


def test_version(shell):
    assert "0.1.0" in shell.run("--version", started=True).stdout


def test_hash(shell):
    (shell.directory / "abc").write_bytes(b"abc")
    assert shell.run("hash", "abc").stdout.startswith(
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )
    row = shell.json("hash", "-a", "sha256", "abc")["files"][0]
    assert row["digest"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    missing = shell.run("hash", "nowhere", code=3)
    assert "nowhere" in missing.stderr


@pytest.mark.parametrize("algorithm", ["sm2", "p256"])
def test_sign_and_verify(shell, algorithm):
    (shell.directory / "m").write_bytes(b"message")
    shell.run("key", "generate", "-a", algorithm, "-o", "k.pem")
    assert oct((shell.directory / "k.pem").stat().st_mode & 0o777) == "0o600"
    assert b"ENCRYPTED" in (shell.directory / "k.pem").read_bytes()
    shell.run("key", "generate", "-a", algorithm, "-o", "k.pem", code=3)
    shell.run("sign", "m", "-k", "k.pem")
    assert shell.json("verify-signature", "m", "m.sig", "-k", "k.pem")["valid"] is True
    (shell.directory / "m").write_bytes(b"massage")
    said = shell.json("verify-signature", "m", "m.sig", "-k", "k.pem", code=1)
    assert said == {"ok": False, "error": {"type": "InvalidSignature", "message": said["error"]["message"]}}
    wrong = shell.run("sign", "m", "-k", "k.pem", "--force", code=3, env={"SEALCORE_PASSWORD": "not it"})
    assert "password" in wrong.stderr
    assert "not it" not in wrong.stderr
    (shell.directory / "cut.pem").write_bytes((shell.directory / "k.pem").read_bytes()[:100])
    shell.run("sign", "m", "-k", "cut.pem", "--force", code=3)


def test_ca(shell):
    for algorithm in ("sm2", "p256"):
        shell.run("ca", "init", f"ca-{algorithm}", "-a", algorithm, "--name", f"Root {algorithm}")
        shell.run("key", "generate", "-a", algorithm, "-o", f"{algorithm}.key")
        shell.run("ca", "request", f"{algorithm}.key", "--subject", "CN=Seal,O=Example,C=CN", "-o", f"{algorithm}.csr")
        shell.run("ca", "issue", f"{algorithm}.csr", "--ca", f"ca-{algorithm}", "-o", f"{algorithm}.pem")
        said = shell.json("ca", "verify", f"{algorithm}.pem", "--root", f"ca-{algorithm}/ca.pem")
        assert said["trusted"] is True
        assert len(said["chain"]) == 2
        shell.run("ca", "verify", f"{algorithm}.pem", "--root", f"ca-{algorithm}/ca.pem", "--at", "+9000d", code=1)
        assert shell.json("ca", "show", f"{algorithm}.pem")["algorithm"] == algorithm
    shell.run("ca", "verify", "sm2.pem", "--root", "ca-p256/ca.pem", code=1)


def found(shell: Shell) -> None:
    """An office with one active SM2 seal, through the command line only."""
    shell.run(
        "office", "init", "office", "--origin", "example.com/seals", "--unit", "hq", "--unit-name", "Headquarters"
    )
    shell.run("person", "add", "he", "--name", "He", "--unit", "hq", "--role", "manager", "--by", "founder")
    shell.run("unit", "add", "shanghai", "--name", "Shanghai", "--parent", "hq", "--by", "he")
    for person, unit, role in (
        ("zhang", "shanghai", "applicant"),
        ("li", "hq", "approver"),
        ("wang", "hq", "approver"),
        ("zhao", "hq", "authoriser"),
    ):
        shell.run("person", "add", person, "--name", person, "--unit", unit, "--role", role, "--by", "he")
    shell.run(
        "policy", "set", "two", "--quorum", "2", "--approver", "li", "--approver", "wang",
        "--applicant-unit", "hq", "--by", "he",
    )  # fmt: skip
    shell.run("ca", "init", "ca")
    shell.run("seals", "request", "company", "--subject", "CN=Company seal", "-o", "seal.csr")
    shell.run("ca", "issue", "seal.csr", "--ca", "ca", "-o", "seal.pem")
    shell.run("imprint", "draw", "--name", "东海精密制造有限公司", "-o", "seal.png")
    shell.run(
        "seals", "register", "company", "--kind", "company", "--unit", "hq", "--policy", "two", "--size-mm", "40",
        "--certificate", "seal.pem", "--imprint", "seal.png", "--by", "he",
    )  # fmt: skip
    shell.run("seals", "activate", "company", "--reason", "registered", "--by", "he")


@dataclass
class Story:
    """An office in which one document was sealed, and the ids of it."""

    shell: Shell
    application: str
    grant: str
    sealed: dict[str, Any]


SEALING = ("--by", "zhang", "--keyword", KEYWORD)


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Story:
    shell = Shell(tmp_path_factory.mktemp("office"))
    found(shell)
    (shell.directory / "contract.pdf").write_bytes(write_contract("A", "B", find_typeface()))
    (shell.directory / "other.pdf").write_bytes(write_contract("A", "C", find_typeface()))
    application = shell.json("apply", "company", "contract.pdf", "--purpose", "supply", "--by", "zhang")["id"]
    early = shell.json("grant", application, "--until", "+1d", "--by", "zhao", code=4)
    assert early["error"]["type"] == "ApprovalRequired"
    shell.run("approve", application[:12], "--by", "li")
    shell.run("approve", application, "--by", "wang")
    grant = shell.json("grant", application, "--until", "+1d", "--by", "zhao")["id"]
    changed = shell.json("seal", application, grant, "other.pdf", *SEALING, code=4)
    assert changed["error"]["type"] == "DocumentMismatch"
    assert not (shell.directory / "other.sealed.pdf").exists()
    sealed = shell.json("seal", application, grant, "contract.pdf", *SEALING)
    return Story(shell, application, grant, sealed)


def test_the_use_is_counted(story):
    assert (story.sealed["number"], story.sealed["of"]) == (1, 1)
    words = ("seal", story.application, story.grant, "contract.pdf")
    again = story.shell.json(*words, *SEALING, "-o", "again.pdf", code=4)
    assert again["error"]["type"] == "GrantExhausted"
    assert not (story.shell.directory / "again.pdf").exists()
    story.shell.run(*words, "--by", "zhang", "-o", "x.pdf", code=2)
    rows = story.shell.json("uses", "list")["rows"]
    assert [(row["user"], row["result"]) for row in rows] == [("zhang", "delivered")]


def test_the_verdict(story):
    shell = story.shell
    assert shell.json("verify", "contract.sealed.pdf", "--root", "ca/ca.pem")["verdict"] == "authentic"
    assert "AUTHENTIC" in shell.run("verify", "contract.sealed.pdf", "--root", "ca/ca.pem").stdout
    assert shell.json("verify", "contract.sealed.pdf", code=1)["verdict"] == "unrecognised"
    assert shell.json("verify", "contract.pdf", "--root", "ca/ca.pem", code=1)["verdict"] == "unsealed"
    (shell.directory / "cut.pdf").write_bytes((shell.directory / "contract.sealed.pdf").read_bytes()[:-400])
    # Altered or unreadable: which of them depends on what was cut off.
    shell.run("verify", "cut.pdf", "--root", "ca/ca.pem", code={1, 3})


def test_ok_says_what_the_exit_code_says(story):
    verify = ("verify", "contract.sealed.pdf")
    assert story.shell.json(*verify, "--root", "ca/ca.pem")["ok"] is True
    assert story.shell.json(*verify, code=1)["ok"] is False
    assert story.shell.json("verify", "contract.pdf", "--root", "ca/ca.pem", code=1)["ok"] is False


def test_the_authority_is_the_signers_claim(story):
    assert "authorised" not in story.shell.run("verify", "contract.sealed.pdf", "--root", "ca/ca.pem").stdout


def test_the_lists(story):
    for group in ("unit", "person", "policy", "seals", "applications", "grants", "uses"):
        assert story.shell.json(group, "list")["rows"], group
        assert story.shell.run(group, "list").stdout
    assert story.shell.json("office", "show")["uses"] == 1


def test_the_database_is_rebuilt(story):
    rows = story.shell.json("uses", "list")["rows"]
    size = story.shell.json("office", "show")["size"]
    (story.shell.directory / "office" / "registry.db").unlink()
    assert story.shell.json("db", "rebuild")["entries"] == size
    assert story.shell.json("uses", "list")["rows"] == rows


def test_proofs(story):
    shell, index = story.shell, story.sealed["use"]["index"]
    proof = shell.run("ledger", "prove", "office/ledger", index).stdout
    assert proof.startswith("sealcore/tlog-proof-sm3/v1\n")
    file = shell.directory / "use.proof"
    file.write_text(proof, encoding="utf-8")
    (shell.directory / "ledger.key").write_text(shell.run("ledger", "key", "office/ledger").stdout, encoding="utf-8")
    check = ("ledger", "check-proof", "use.proof", "--key", "ledger.key")
    assert shell.json(*check)["index"] == index
    file.write_text(proof.replace(f"\nindex {index}\n", f"\nindex {index - 1}\n"), encoding="utf-8")
    shell.run(*check, code=1)
    # One key may serve two ledgers: a line that names another one does not fit.
    reader = ledgers.LedgerReader.open(shell.directory / "office" / "ledger")
    other = ledgers.NoteKey("example.com/other", reader.ledger_key).vkey
    (shell.directory / "other.key").write_text(other, encoding="utf-8")
    file.write_text(proof, encoding="utf-8")
    assert "example.com/other" in shell.run(*check[:-1], "other.key", code=1).stderr
    pem = shell.directory / "ledger.pem"
    pem.write_bytes(pki.dump_public_key(reader.ledger_key))
    assert "--origin" in shell.run(*check[:-1], "ledger.pem", code=3).stderr
    assert shell.json(*check[:-1], "ledger.pem", "--origin", reader.origin)["size"] == reader.size
    for nonsense in ("{}", "[" * 1_000_000, proof.replace(f"\nindex {index}\n", "\nindex 1e3\n"), "\ud800"):
        file.write_text(nonsense, encoding="utf-8", errors="surrogatepass")
        shell.run(*check, code=3)


def test_erasing_is_recorded(story):
    """A copy of the office: other tests count the entries of the first."""
    import shutil

    shutil.copytree(story.shell.directory / "office", story.shell.directory / "erased")
    words = ("ledger", "redact", "erased", "--person", "li", "--reason", "left the company")
    (index,) = story.shell.json(*words)["entries"]
    assert "nothing" in story.shell.run(*words).stdout
    audit = story.shell.run("audit", "--office", "erased").stdout
    assert f"entry {index}: 1 value of entry" in audit
    assert "left the company" in audit
    assert story.shell.json("ledger", "show", "erased/ledger", index)["type"] == "redact"


def test_the_ledger(story):
    shell, index = story.shell, story.sealed["use"]["index"]
    report = shell.json("ledger", "verify", "office/ledger")
    assert report["findings"] == []
    printed = shell.run("ledger", "cat", "office/ledger", "--json").stdout.splitlines()
    assert [json.loads(line)["index"] for line in printed] == list(range(report["size"]))
    lines = shell.run("ledger", "cat", "office/ledger", "--start", 1, "--stop", 3).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2"]
    assert shell.json("ledger", "show", "office/ledger", index)["kind"] == "seal-use"
    assert shell.json("audit")["ok"] is True
    kept = shell.run("ledger", "checkpoint", "office/ledger").stdout
    (shell.directory / "kept.txt").write_text(kept, encoding="utf-8")
    (shell.directory / "ledger.key").write_text(shell.run("ledger", "key", "office/ledger").stdout, encoding="utf-8")
    words = ("ledger", "verify", "office/ledger", "--checkpoint", "kept.txt", "--key", "ledger.key")
    assert shell.json(*words)["assurance"] == "extends my earlier checkpoint"
    assert "not judged" not in shell.run(*words).stdout
    entries = shell.directory / "office" / "ledger" / "wal" / "0.wal"
    whole = entries.read_bytes()
    try:
        entries.write_bytes(whole + bytes(7))
        assert "not judged: 7 bytes" in shell.run(*words).stdout
    finally:
        entries.write_bytes(whole)


def test_a_flipped_bit_is_found(story):
    shell = story.shell
    entries = shell.directory / "office" / "ledger" / "wal" / "0.wal"
    whole = entries.read_bytes()
    flipped = bytearray(whole)
    flipped[48 + 40 + 2 + 100] ^= 1  # in the signature of the first entry
    try:
        entries.write_bytes(flipped)
        findings = shell.json("ledger", "verify", "office/ledger", code=1)["findings"]
        assert findings
        assert findings[0]["index"] is not None
        audit = shell.json("audit", code=1)
        assert audit["ok"] is False
        assert audit["replayed"] is False
    finally:
        entries.write_bytes(whole)


def test_the_file_is_part_of_the_use(story):
    """What cannot be written is a failed use: the ledger never says delivered of a document that nobody has."""
    shell = story.shell
    (shell.directory / "second.pdf").write_bytes((shell.directory / "contract.pdf").read_bytes() + b"\n")
    application = shell.json("apply", "company", "second.pdf", "--purpose", "x", "--uses", "3", "--by", "zhang")["id"]
    for approver in ("li", "wang"):
        shell.run("approve", application, "--by", approver)
    grant = shell.json("grant", application, "--until", "+1d", "--by", "zhao")["id"]
    words = ("seal", application, grant, "second.pdf", *SEALING)

    def results() -> list[str]:
        return [row["result"] for row in shell.json("uses", "list")["rows"] if row["grant"] == grant]

    nowhere = shell.json(*words, "-o", "no-such-directory/sealed.pdf", code=3)
    assert nowhere["error"]["field"] == "output"
    assert results() == []  # nothing was taken
    unwritable = "n" * 240 + ".pdf"  # fits as a name, not with what a draft adds to it
    refused = shell.json(*words, "-o", unwritable, code=5)
    assert refused["error"]["type"] == "StorageError"
    assert results() == ["failed"]
    (shell.directory / "there.pdf").write_bytes(b"older")
    shell.run(*words, "-o", "there.pdf", code=2)
    assert results() == ["failed"]
    assert shell.json(*words, "-o", "there.pdf", "--force")["file"] == "there.pdf"
    assert results() == ["failed", "delivered"]
    assert shell.json("verify", "there.pdf", "--root", "ca/ca.pem")["verdict"] == "authentic"
    assert not list(shell.directory.glob(".there*"))


def test_imprints(shell):
    for name, company in (("a.png", "东海精密制造有限公司"), ("b.png", "南山轴承股份有限公司")):
        shell.run("imprint", "draw", "--name", company, "-o", name)
    same = shell.json("imprint", "compare", "a.png", "a.png", "--overlay", "o.png", "--report", "r.html")
    assert same["verdict"] == "matches the registered design"
    assert (shell.directory / "o.png").read_bytes().startswith(b"\x89PNG")
    assert "matches the registered design" in (shell.directory / "r.html").read_text()
    assert {rate["mistake"] for rate in same["error_rates"]} == {"false refusal", "false acceptance"}
    assert all(rate["interval_95"][0] <= rate["errors"] / rate["trials"] for rate in same["error_rates"])
    said = shell.run("imprint", "compare", "a.png", "a.png", "--report", "r.pdf").stdout
    assert "false acceptance" in said
    assert (shell.directory / "r.pdf").read_bytes().startswith(b"%PDF-")
    assert "report" in shell.run("imprint", "compare", "a.png", "a.png", "--report", "r.doc", code=3).stderr
    assert shell.json("imprint", "compare", "a.png", "b.png", code=1)["ok"] is False
    assert "exists" in shell.run("imprint", "compare", "a.png", "a.png", "--overlay", "o.png", code=3).stderr
    assert "register seals first" in shell.run("imprint", "search", "a.png", "--registry", "seals", code=3).stderr
    rows = shell.json("imprint", "register", "a.png", "b.png", "--registry", "seals")["rows"]
    assert [row["name"] for row in rows] == ["a", "b"]
    hits = shell.json("imprint", "search", "b.png", "--registry", "seals", "--limit", "1")["rows"]
    assert [hit["name"] for hit in hits] == ["b"]
    verified = shell.json("imprint", "verify-page", "a.png", "--registry", "seals", "--overlays", "overlays")
    assert [(row["name"], row["ok"]) for row in verified["rows"]] == [("a", True)]
    assert len(list((shell.directory / "overlays").iterdir())) == 1
    assert len(shell.json("imprint", "fingerprint", "a.png")["fingerprint"]) > 64
    (shell.directory / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    assert "image" in shell.run("imprint", "fingerprint", "bad.png", code=3).stderr


def test_hostile_words(story):
    shell = story.shell
    (shell.directory / "binary").write_bytes(b"\xff\xfe\n")
    said = shell.run("key", "generate", "-o", "x.key", "--password-file", "binary", code=3).stderr
    assert "password_file: binary is not UTF-8" in said
    for words in (("ledger", "verify", "office/ledger"), ("audit",)):
        assert "checkpoint: binary is not UTF-8" in shell.run(*words, "--checkpoint", "binary", code=3).stderr
    for span in ("+99999999999999d", "-9999999d", "+" + "9" * 5000 + "d"):
        shell.run("verify", "contract.sealed.pdf", "--at", span, code=2)
    for command in ("show", "prove"):
        shell.run("ledger", command, "office/ledger", 2**64, code=2)
        shell.run("ledger", command, "office/ledger", 2**64 - 1, code=3)
    said = shell.run("key", "generate", "-o", "nowhere/x.key", code=5).stderr
    assert "nowhere/x.key cannot be written" in said
    assert ".part" not in said
    assert "--force" not in shell.run("ca", "init", "ca", code=3).stderr  # there is no such option


def test_tables_are_for_people(story):
    assert "40.0, 40.0" in story.shell.run("seals", "list").stdout
    for group in ("seals", "person", "policy"):
        assert "[" not in story.shell.run(group, "list").stdout


def test_an_audit_says_what_it_had_before_it(story):
    details = story.shell.directory / "office" / "details.db"
    assert ", 0 personal values" not in story.shell.run("audit").stdout
    kept = details.read_bytes()
    details.unlink()
    try:
        assert ", 0 personal values (0: they are not here)" in story.shell.run("audit").stdout
    finally:
        details.write_bytes(kept)


def test_an_office_that_is_not_there(shell):
    for words in (("audit",), ("uses", "list"), ("office", "show"), ("db", "rebuild"), ("ledger", "verify", "office")):
        assert "office" in shell.run(*words, code={2, 3, 5}).stderr


def test_demo(shell):
    said = json.loads(shell.run("demo", "--directory", "demo", "--json", started=True).stdout)
    assert said["ok"] is True
    assert len(said["steps"]) > 25
    for path in said["files"].values():
        assert (shell.directory / path).exists()
    # A second run replaces its own directory, and no other. A page of 35 mm has no room for a seal of 40.
    (shell.directory / "demo" / "left over").write_text("of the first run")
    (shell.directory / "small.pdf").write_bytes(build_pdf([Sheet(media=(0, 0, 283, 100))]))
    said = shell.json("demo", "--pdf", "small.pdf", "--directory", "demo")
    assert any("30 mm" in step["step"] for step in said["steps"]), said["steps"]
    assert not (shell.directory / "demo" / "left over").exists()
    (shell.directory / "mine").mkdir()
    (shell.directory / "mine" / "file").write_text("keep me")
    shell.run("demo", "--directory", "mine", code=3)
    assert (shell.directory / "mine" / "file").read_text() == "keep me"


def test_the_examples_in_help_name_real_commands():
    text = (PROJECT / "python" / "sealcore" / "cli" / "app.py").read_text(encoding="utf-8")
    names = {words[0] for words in commands(root)}
    for line in text.splitlines():
        if line.startswith("  sealcore "):
            assert line.split()[1] in names, line
