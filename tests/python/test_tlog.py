"""Tiles on disk and over HTTP, witnesses over HTTP, and Go's own code for transparency logs that reads them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
import wsgiref.simple_server
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PROJECT, missing
from ledger_world import ORIGIN, World

from sealcore import errors, tlog
from sealcore.ledger import (
    Checkpoint,
    Ledger,
    LedgerReader,
    NoteKey,
    NoteSigner,
    Policy,
    anchor_body,
    verify_ledger,
)
from sealcore.sign import SigningKey
from sealcore.tlog.http import Application

EXTRA = NoteSigner.ed25519(ORIGIN, b"\x55" * 32)
WITNESS = NoteSigner.ed25519("witness.example/w1", b"\x66" * 32, witness=True)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger over more than two bundles, in sealed segments and in the log, with an Ed25519 signer."""
    path, world = tmp_path_factory.mktemp("tlog") / "ledger", World("sha256")
    with create(world, path) as ledger:
        for start in range(0, 600, 150):
            ledger.append_many([world.statement(n) for n in range(start, start + 150)])
    return path


def create(world: World, path: Path) -> Ledger:
    return Ledger.create(
        path,
        origin=ORIGIN,
        ledger_key=world.ledger_key,
        founder_key=world.founder.verifying_key,
        hash=world.hash,
        segment_bits=8,
        signers=[EXTRA],
    )


def small(path: Path, count: int = 3) -> Ledger:
    world = World("sha256")
    ledger = create(world, path)
    ledger.append_many([world.statement(n) for n in range(count)])
    return ledger


def get(application: Application, path: str, **more: str) -> tuple[str, dict[str, str], bytes]:
    seen: list = []
    environment = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.errors": io.StringIO(), **more}
    body = b"".join(application(environment, lambda status, headers: seen.append((status, dict(headers)))))
    status, headers = seen[0]
    if environment["REQUEST_METHOD"] != "HEAD":
        assert headers["Content-Length"] == str(len(body))
    return status, headers, body


class TestExport:
    def test_the_files(self, path: Path, tmp_path: Path) -> None:
        target, reader = tmp_path / "public", LedgerReader.open(path)
        seen: list[tuple[int, int]] = []
        done = tlog.export_tiles(path, target, progress=lambda *step: seen.append(step))
        size = reader.size
        assert done.size == size
        assert seen[-1] == (size, size)
        names = sorted(str(file.relative_to(target)) for file in target.rglob("*") if file.is_file())
        last = size % 256
        assert names == sorted(
            [
                "checkpoint", "tile/0/000", "tile/0/001", f"tile/0/002.p/{last}", "tile/1/000.p/2",
                "tile/entries/000", "tile/entries/001", f"tile/entries/002.p/{last}",
            ]
        )  # fmt: skip
        assert (target / "checkpoint").read_text(encoding="utf-8") == reader.checkpoint
        leaves = b"".join((target / name).read_bytes() for name in names if name.startswith("tile/0/"))
        assert leaves == b"".join(entry.leaf_hash for entry in reader)
        assert done.written == len(names)
        assert done.bytes == sum(file.stat().st_size for file in target.rglob("*") if file.is_file())

    def test_again_writes_what_is_new(self, tmp_path: Path) -> None:
        world, path, target = World("sha256"), tmp_path / "ledger", tmp_path / "public"
        with small(path, 300) as ledger:
            first = tlog.export_tiles(path, target)
            before = (target / "tile/entries/000").stat().st_mtime_ns
            ledger.append_many([world.statement(n) for n in range(300)])
            second = tlog.export_tiles(path, target)
        assert (first.kept, second.kept) == (0, 2)
        assert (target / "tile/entries/000").stat().st_mtime_ns == before
        assert Checkpoint.read_unverified((target / "checkpoint").read_text()).size == second.size > first.size

    def test_what_is_refused(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "mine.txt").touch()
        with pytest.raises(errors.InvalidArgument, match="mine"):
            tlog.export_tiles(path, tmp_path / "full")
        small(tmp_path / "other").close()
        tlog.export_tiles(tmp_path / "other", tmp_path / "public")
        with pytest.raises(errors.InvalidArgument, match="another ledger"):
            tlog.export_tiles(path, tmp_path / "public")
        (tmp_path / "file").touch()
        with pytest.raises(errors.StorageError):
            tlog.export_tiles(path, tmp_path / "file")
        note = LedgerReader.open(tmp_path / "other").checkpoint
        with pytest.raises(errors.InvalidArgument, match="newest"):
            tlog.export_tiles(path, tmp_path / "new", checkpoint=note)
        with pytest.raises(errors.StorageError):
            tlog.export_tiles(path, tmp_path / "no" / "such")

    def test_a_damaged_segment_is_not_exported(self, path: Path, tmp_path: Path) -> None:
        damaged = tmp_path / "ledger"
        shutil.copytree(path, damaged)
        segment = damaged / "seg" / "1.slg"
        data = bytearray(segment.read_bytes())
        data[5000] ^= 1
        segment.write_bytes(data)
        with pytest.raises(errors.LedgerCorrupt):
            tlog.export_tiles(damaged, tmp_path / "public")
        assert not (tmp_path / "public" / "checkpoint").exists()

    def test_sm3_has_its_own_paths(self, tmp_path: Path) -> None:
        World("sm3").small(tmp_path / "ledger")
        tlog.export_tiles(tmp_path / "ledger", tmp_path / "public")
        assert sorted(p.name for p in (tmp_path / "public").iterdir()) == ["checkpoint", "sm3-256w"]
        application = tlog.tiles_application(tmp_path / "ledger")
        assert get(application, "/sm3-256w/0/000.p/10")[0] == "200 OK"
        assert get(application, "/tile/0/000.p/10")[0] == "404 Not Found"

    def test_paths(self) -> None:
        assert tlog.tile_path(1, 0) == "tile/1/000"
        assert tlog.tile_path(None, 999_999) == "tile/entries/x999/999"
        assert tlog.tile_path(63, 1_000_000, 255, hash="sm3") == "sm3-256w/63/x001/x000/000.p/255"


class TestView:
    def test_the_same_as_the_export(self, path: Path, tmp_path: Path) -> None:
        tlog.export_tiles(path, tmp_path / "public")
        application = tlog.tiles_application(path)
        for file in (tmp_path / "public").rglob("*"):
            if file.is_file():
                name = "/" + str(file.relative_to(tmp_path / "public"))
                status, headers, body = get(application, name)
                assert (status, body) == ("200 OK", file.read_bytes()), name
                fixed = headers["Cache-Control"] == "public, max-age=31536000, immutable"
                assert fixed == (name != "/checkpoint")
                assert get(application, name, REQUEST_METHOD="HEAD")[::2] == ("200 OK", b"")
        status, headers, body = get(application, "/tile/entries/000", HTTP_ACCEPT_ENCODING="br, gzip;q=0.5")
        assert headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(body) == (tmp_path / "public/tile/entries/000").read_bytes()
        assert "Content-Encoding" not in get(application, "/tile/entries/000", HTTP_ACCEPT_ENCODING="gzip;q=0")[1]

    @pytest.mark.parametrize(
        "name",
        [
            "", "/", "/genesis", "/state", "/../genesis", "/tile", "/tile/0/", "/tile/0/0", "/tile/0/0000",
            "/tile/00/000", "/tile/0/003", "/tile/0/000.p/0", "/tile/0/000.p/256", "/tile/0/000.p/01",
            "/tile/0/x000/000", "/tile/2/000", "/tile/0/000/", "/tile/64/000.p/1", "/tile/entries/002.p/200",
            "/tile/0/x999/x999/x999/x999/x999/x999/999", "/tile/0/x999/x999/x999/x999/x999/999",
            "/tile/0/٠٠٠", "/tile/data/000", "/checkpoint/", "/seg/0.slg",
        ],
    )  # fmt: skip
    def test_what_is_no_resource(self, path: Path, name: str) -> None:
        assert get(tlog.tiles_application(path), name)[0] == "404 Not Found"

    def test_only_reading(self, path: Path) -> None:
        application = tlog.tiles_application(path)
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert get(application, "/checkpoint", REQUEST_METHOD=method)[0] == "405 Method Not Allowed"

    def test_it_follows_the_writer(self, tmp_path: Path) -> None:
        world = World("sha256")
        with small(tmp_path / "ledger") as ledger:
            application = tlog.tiles_application(tmp_path / "ledger")
            assert get(application, "/tile/0/000.p/5")[0] == "404 Not Found"
            ledger.append(world.statement(9))
            # A client knows the newer checkpoint from elsewhere: its tile is there.
            assert get(application, "/tile/0/000.p/5")[0] == "200 OK"
            # Tiles of the sizes before stay.
            assert get(application, "/tile/0/000.p/4")[0] == "200 OK"
            ledger.append_many([world.statement(n) for n in range(600)])
            assert get(application, "/checkpoint")[2].decode() == ledger.checkpoint
            assert get(application, "/tile/1/000.p/2")[0] == "200 OK"

    def test_a_published_checkpoint(self, path: Path, tmp_path: Path) -> None:
        note = LedgerReader.open(path).checkpoint
        text = note.rpartition("\n\n")[0] + "\n"
        file = tmp_path / "cosigned.txt"
        file.write_text(note + WITNESS.sign(text, time=7), encoding="utf-8")
        application = tlog.tiles_application(path, published=file)
        assert get(application, "/checkpoint")[2].decode() == file.read_text(encoding="utf-8")
        small(tmp_path / "other").close()
        for wrong in ("", "nonsense\n", LedgerReader.open(tmp_path / "other").checkpoint):
            file.write_text(wrong, encoding="utf-8")
            status, _, body = get(application, "/checkpoint")
            assert (status, body) == ("503 Service Unavailable", b"the ledger cannot be read\n")
        file.unlink()
        assert get(application, "/checkpoint")[0] == "503 Service Unavailable"


class TestWitness:
    def test_the_vectors_of_another_witness(self, tmp_path: Path, shared_data: Path) -> None:
        data = shared_data / "ledger" / "notes" / "witness-add-checkpoint.json"
        vectors = json.loads(data.read_text(encoding="utf-8"))
        # The log's key is given as 32 bytes; its name is its origin, 0x01 Ed25519.
        origin = vectors["sequence"][0]["request"].split("\n")[2]
        raw = b"\1" + bytes.fromhex(vectors["log_public_key_hex"])
        key_id = hashlib.sha256(origin.encode() + b"\n" + raw).hexdigest()[:8]
        log = NoteKey.from_vkey(f"{origin}+{key_id}+{base64.b64encode(raw).decode()}")
        witness = tlog.Witness(tmp_path / "state.db", WITNESS, [log], clock=lambda: 1_700_000_000.9)
        assert len(vectors["sequence"]) == 9
        for step in vectors["sequence"]:
            status, kind, body = witness.add_checkpoint(step["request"].encode())
            # That witness answers 403 to an unknown log, the standard says 404. The false signature ends in a base64
            # digit with bits beyond its last byte, which is no note here; with those bits cleared it is a false one.
            expected = 404 if "unknown log" in step["expect_body"] else step["expect_http"]
            if "invalid signature" in step["expect_body"]:
                assert (status, step["request"].endswith("x6gx=\n")) == (400, True)
                status, kind, body = witness.add_checkpoint(step["request"].replace("x6gx=", "x6gw=").encode())
            assert status == expected, (step, body)
            if status == 200:
                note = step["request"].partition("\n\n")[2] + body.decode()
                assert WITNESS.key.open(note)
                assert Policy(f"witness w {WITNESS.key.vkey}\nquorum w\n").judge(note, now=1_700_000_000)[1] == [
                    ("w", 1_700_000_000)
                ]
            elif status == 409:
                assert kind == "text/x.tlog.size"
                assert repr(body.decode()).strip("'") == step["expect_body"].removeprefix('body == "').rstrip('"')
            # What it remembers survives it.
            witness = tlog.Witness(tmp_path / "state.db", WITNESS, [log], clock=lambda: 1_700_000_000.9)

    def test_requests_that_are_none(self, tmp_path: Path) -> None:
        with small(tmp_path / "ledger") as ledger:
            note = ledger.checkpoint
        witness = tlog.Witness(tmp_path / "state.db", WITNESS, [EXTRA.key])
        hashes = "".join(base64.b64encode(bytes(32)).decode() + "\n" for _ in range(64))
        for bad, status in (
            (b"", 400), (b"\xff", 400), (b"old 0\n\n", 400), (b"old 0\n" + note.encode(), 400),
            (f"old 00\n\n{note}".encode(), 400), (f"old -1\n\n{note}".encode(), 400),
            (f"old x\n\n{note}".encode(), 400),
            (f"old 18446744073709551616\n\n{note}".encode(), 400), (f"old 5\n\n{note}".encode(), 400),
            (f"old 0\n????\n\n{note}".encode(), 400), (f"old 0\n{hashes}\n{note}".encode(), 400),
            (b"old 0\n" + b"x" * (1 << 18), 400), (f"old 0\n{hashes[:45]}\n{note}".encode(), 422),
            (f"old 2\n\n{note}".encode(), 409), (f"old 0\n\n{note.replace(ORIGIN, 'example.com/o')}".encode(), 404),
            (f"old 0\n\n{note.replace(chr(10) + '4' + chr(10), chr(10) + '5' + chr(10))}".encode(), 403),
        ):  # fmt: skip
            found = witness.add_checkpoint(bad)
            assert found[0] == status, (bad[:80], found)
        assert witness.add_checkpoint(f"old 0\n\n{note}".encode())[0] == 200
        # The same again: cosigned again, with a newer time; from an old size that it has left: not.
        assert witness.add_checkpoint(f"old 4\n\n{note}".encode())[0] == 200
        assert witness.add_checkpoint(f"old 0\n\n{note}".encode())[::2] == (409, b"4\n")

    def test_a_split_view_is_not_cosigned(self, tmp_path: Path) -> None:
        world, notes = World("sha256"), []
        for name in ("one", "two"):
            with small(tmp_path / name) as ledger:
                notes.append(ledger.checkpoint)
                ledger.append(world.statement(7))
                proof = "".join(base64.b64encode(node).decode() + "\n" for node in ledger.consistency_proof(4))
                notes.append(f"old 4\n{proof}\n{ledger.checkpoint}")
        witness = tlog.Witness(tmp_path / "state.db", WITNESS, [EXTRA.key])
        assert witness.add_checkpoint(f"old 0\n\n{notes[0]}".encode())[0] == 200
        assert witness.add_checkpoint(f"old 4\n\n{notes[2]}".encode())[::2] == (409, b"4\n")
        assert witness.add_checkpoint(notes[3].encode())[0] == 422
        assert witness.add_checkpoint(notes[1].encode())[0] == 200

    def test_racing_requests_never_go_back(self, tmp_path: Path) -> None:
        world, requests = World("sha256"), []
        with small(tmp_path / "ledger", 1) as ledger:
            requests.append(f"old 0\n\n{ledger.checkpoint}")
            for n in range(6):
                old = ledger.size
                ledger.append(world.statement(n))
                proof = "".join(base64.b64encode(node).decode() + "\n" for node in ledger.consistency_proof(old))
                requests.append(f"old {old}\n{proof}\n{ledger.checkpoint}")
        witness = tlog.Witness(tmp_path / "state.db", WITNESS, [EXTRA.key])
        statuses: list[int] = []

        def play() -> None:
            statuses.extend(witness.add_checkpoint(request.encode())[0] for request in requests)

        threads = [threading.Thread(target=play) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Each step was cosigned once; whoever came later was told the size. One repeats the last size at most.
        assert set(statuses) <= {200, 409}
        assert statuses.count(200) == len(requests)

    def test_who_cannot_be_one(self, tmp_path: Path) -> None:
        with pytest.raises(errors.InvalidArgument):
            tlog.Witness(tmp_path / "state.db", EXTRA, [])
        with pytest.raises(errors.InvalidArgument):
            tlog.Witness(tmp_path / "state.db", WITNESS, [WITNESS.key])
        with pytest.raises(errors.StorageError):
            tlog.Witness(tmp_path / "no" / "state.db", WITNESS, [])
        (tmp_path / "not.db").write_bytes(b"no database" * 100)
        with pytest.raises(errors.StorageError):
            tlog.Witness(tmp_path / "not.db", WITNESS, [])


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator:
    """Runs applications on free ports."""
    servers = []

    def run(application: Application) -> str:
        server = wsgiref.simple_server.make_server("127.0.0.1", 0, application, handler_class=Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield run
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


class TestCollecting:
    def test_cosignatures_over_http(self, tmp_path: Path, served) -> None:
        world, path = World("sha256"), tmp_path / "ledger"
        small(path).close()
        signers = [NoteSigner.ed25519(f"witness.example/w{i}", bytes([i]) * 32, witness=True) for i in range(3)]
        urls = [
            served(tlog.witness_application(tlog.Witness(tmp_path / f"{i}.db", signer, [EXTRA.key])))
            for i, signer in enumerate(signers)
        ]
        down = "http://127.0.0.1:9/"
        lines = [
            f"witness w{i} {s.key.vkey} {u}\n" for i, (s, u) in enumerate(zip(signers, [*urls[:2], down], strict=True))
        ]
        policy = Policy("".join(lines) + "group g 2 w0 w1 w2\nquorum g\n")
        cosigned = tlog.collect_cosignatures(path, policy, timeout=5)
        assert cosigned.quorum
        assert [answer.cosigned for answer in cosigned.answers] == [True, True, False]
        assert "cannot be reached" in str(cosigned.answers[2].reason)
        # It goes on: the witnesses say what they know; what they said can be kept in the ledger.
        with Ledger.open(path, ledger_key=world.ledger_key, signers=[EXTRA]) as ledger:
            checkpoint = Checkpoint.read_unverified(cosigned.checkpoint)
            token = cosigned.cosignatures.encode()
            body = {"form": "cosignature", "token": token, "ledger_id": ledger.id}
            entry = ledger.entry(
                ledger.append(ledger.sign(anchor_body(checkpoint.size, checkpoint.root, **body), type="anchor")).index
            )
            kept = tlog.anchored_note(entry, origin=ORIGIN)
            assert policy.judge(kept, now=int(time.time()))[0]
            assert not policy.judge(kept.replace("\n4\n", "\n5\n"), now=int(time.time()))[0]
            with pytest.raises(errors.InvalidArgument):
                tlog.anchored_note(ledger.entry(1), origin=ORIGIN)
            body["token"] = b"no line"
            other = ledger.append(ledger.sign(anchor_body(checkpoint.size, checkpoint.root, **body), type="anchor"))
            with pytest.raises(errors.InvalidEncoding):
                tlog.anchored_note(ledger.entry(other.index), origin=ORIGIN)
            ledger.append_many([world.statement(n) for n in range(5)])
        later = tlog.collect_cosignatures(path, policy, timeout=5)
        assert later.quorum
        report = verify_ledger(path, checkpoint=cosigned.checkpoint, policy=policy)
        assert report.assurance == "cosigned by a quorum of witnesses"
        # A ledger put back to an older copy, and one that forks.
        small(tmp_path / "fork").close()
        refused = tlog.collect_cosignatures(tmp_path / "fork", policy, timeout=5)
        assert not refused.quorum
        assert refused.answers[0].size == 11
        assert "cut or put back" in str(refused.answers[0].reason)
        world2 = World("sha256")
        with Ledger.open(tmp_path / "fork", ledger_key=world2.ledger_key, signers=[EXTRA]) as ledger:
            ledger.append_many([world2.statement(n) for n in range(7)])
        assert "split view" in str(tlog.collect_cosignatures(tmp_path / "fork", policy, timeout=5).answers[0].reason)
        with Ledger.open(tmp_path / "fork", ledger_key=world2.ledger_key, signers=[EXTRA]) as ledger:
            ledger.append(world2.statement(6))
        assert "422" in str(tlog.collect_cosignatures(tmp_path / "fork", policy, timeout=5).answers[0].reason)

    def test_witnesses_that_lie_or_rest(self, tmp_path: Path, served) -> None:
        small(tmp_path / "ledger").close()
        answers = {
            "empty": ("200 OK", b""),
            "noise": ("200 OK", b"\xff\xfe" * 50_000),
            "other": ("200 OK", NoteSigner.ed25519("w", b"9" * 32, witness=True).sign("x\n").encode()),
            "size": ("409 Conflict", b"many\n"),
            "error": ("500 Internal Server Error", b"no\nidea"),
        }

        def application(body: tuple[str, bytes]) -> Application:
            def answer(environment, start):
                start(body[0], [("Content-Length", str(len(body[1])))])
                return [body[1]]

            return answer

        keys = [NoteSigner.ed25519(f"w{i}", bytes([i]) * 32, witness=True).key for i in range(len(answers))]
        urls = [served(application(body)) for body in answers.values()]
        lines = "".join(f"witness w{i} {k.vkey} {u}\n" for i, (k, u) in enumerate(zip(keys, urls, strict=True)))
        collected = tlog.collect_cosignatures(tmp_path / "ledger", Policy(lines + "quorum w0\n"), timeout=5)
        assert not collected.quorum
        assert collected.cosignatures == ""
        assert [answer.cosigned for answer in collected.answers] == [False] * 5
        assert all(answer.reason for answer in collected.answers)
        with pytest.raises(errors.InvalidArgument, match="URL"):
            tlog.collect_cosignatures(tmp_path / "ledger", Policy("quorum none\n"))
        World("sm3").small(tmp_path / "sm3")
        with pytest.raises(errors.InvalidArgument, match="SM3"):
            tlog.collect_cosignatures(tmp_path / "sm3", Policy(lines + "quorum w0\n"))
        ftp = Policy(f"witness w {keys[0].vkey} file:///etc/passwd\nquorum w\n")
        assert "http" in str(tlog.collect_cosignatures(tmp_path / "ledger", ftp).answers[0].reason)

    def test_http_limits(self, tmp_path: Path, served) -> None:
        witness = tlog.Witness(tmp_path / "state.db", WITNESS, [EXTRA.key])
        url = served(tlog.witness_application(witness))
        with urllib.request.urlopen(url) as response:  # noqa: S310
            assert response.read().decode() == f"{WITNESS.key.vkey}\n"
        for target, data, status in (
            ("/add-checkpoint", None, 405), ("/other", b"", 404), ("/add-checkpoint", b"x" * (1 << 17) + b"x", 413),
            ("/add-checkpoint", b"x", 400),
        ):  # fmt: skip
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urllib.request.Request(url + target, data=data))  # noqa: S310
            assert refused.value.code == status
            refused.value.close()


@pytest.fixture(scope="session")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier of tests/go, built on golang.org/x/mod."""
    if shutil.which("go") is None:
        missing("there is no Go here")
    program = tmp_path_factory.mktemp("go") / "verify"
    built = subprocess.run(
        ["go", "build", "-o", os.fspath(program), "."],
        cwd=PROJECT / "tests" / "go",
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode and not os.environ.get("CI") and "dial tcp" in built.stderr:
        pytest.skip("left out: golang.org/x/mod cannot be fetched here")
    assert built.returncode == 0, built.stderr
    return program


class TestGo:
    """The code of the Go team for its checksum database verifies our export and our proofs."""

    def test_it_verifies(self, go_program: Path, path: Path, tmp_path: Path) -> None:
        target, reader = tmp_path / "public", LedgerReader.open(path)
        tlog.export_tiles(path, target)
        (tmp_path / "p").write_text(reader.prove(300).to_text(), encoding="utf-8")
        words = [go_program, target, EXTRA.key.vkey, tmp_path / "p"]
        run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert run.stdout == f"{reader.size} entries verified\nproof of entry 300 verified\n", run.stderr
        for name in ("checkpoint", "tile/entries/001", "tile/0/000", "tile/1/000.p/2"):
            file = target / name
            whole = file.read_bytes()
            file.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
            assert subprocess.run(words, capture_output=True, timeout=60, check=False).returncode == 1, name
            file.write_bytes(whole)
        other = NoteSigner(ORIGIN, SigningKey.generate("p256")).key.vkey
        assert subprocess.run([go_program, target, other], capture_output=True, timeout=60, check=False).returncode == 1
