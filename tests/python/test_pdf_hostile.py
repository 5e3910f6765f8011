"""Hostile PDFs, and the child process that reads them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pdfs import (
    DOCUMENT,
    RECORD,
    Signer,
    build_pdf,
    contents_of,
    replaced,
    stream,
    verdict_of,
)

from sealcore.errors import (
    StorageError,
    UnreadableDocument,
)
from sealcore.pdf import isolation, verify_pdf
from sealcore.pdf.guard import is_der


@pytest.fixture(scope="module", params=["p256", "sm2"])
def signer(request: pytest.FixtureRequest) -> Signer:
    return Signer.make(request.param)


@pytest.fixture(scope="module")
def sealed(signer: Signer) -> bytes:
    return signer.seal(DOCUMENT, authority=RECORD, reason="Agreed")


def hostile() -> dict[str, bytes]:
    deep = b"[" * 200_000
    cycle = build_pdf(
        catalog="/AcroForm << /Fields [6 0 R] >>",
        objects=[b"<< /T (a) /FT /Sig /V 6 0 R /Kids [6 0 R] /Parent 6 0 R >>"],
    )
    bomb = build_pdf(objects=[stream(stream(bytes(1 << 26)))])
    return {
        "empty": b"",
        "text": b"Dear Sir or Madam",
        "header only": b"%PDF-1.7\n",
        "deep": b"%PDF-1.7\n1 0 obj\n" + deep,
        "deep trailer": b"%PDF-1.7\nxref\n0 1\n0000000000 65535 f \ntrailer\n" + deep + b"\nstartxref\n9\n%%EOF\n",
        "self xref": b"%PDF-1.7\nxref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 /Prev 9 >>\nstartxref\n9\n%%EOF\n",
        "cycle": cycle,
        "bomb": bomb,
        "huge number": b"%PDF-1.7\nxref\n0 " + b"9" * 10_000 + b"\nstartxref\n9\n%%EOF\n",
        "many entries": b"%PDF-1.7\nxref\n0 99999999\nstartxref\n9\n%%EOF\n",
        "null bytes": b"%PDF-1.7\n" + bytes(100_000),
    }


@pytest.mark.parametrize("name", list(hostile()))
def test_a_hostile_document_gives_a_verdict_or_one_error(name: str):
    begun = time.monotonic()
    try:
        assert verify_pdf(hostile()[name], roots=[]).verdict in {"unsealed", "altered"}
    except UnreadableDocument as error:
        text = str(error)
        assert len(text) < 400
    assert time.monotonic() - begun < 20


def test_cut_anywhere_it_is_never_authentic(signer: Signer, sealed: bytes):
    for length in range(0, len(sealed), len(sealed) // 60):
        try:
            assert verdict_of(sealed[:length], signer).verdict != "authentic"
        except UnreadableDocument:
            continue


def test_flipped_anywhere_it_is_never_authentic(signer: Signer, sealed: bytes):
    start, end = contents_of(sealed)
    for at in range(0, len(sealed), len(sealed) // 150):
        if start <= at < end:
            continue
        try:
            assert verdict_of(replaced(sealed, at, bytes([sealed[at] ^ 0x04])), signer).verdict != "authentic", at
        except UnreadableDocument:
            continue


@pytest.fixture
def reader_program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Has the children run the worker after some lines of Python; ends them afterwards."""
    pool = isolation._Pool()
    monkeypatch.setattr(isolation, "_pool", pool)

    def use(lines: str) -> None:
        def start(_: list[str], **options: Any) -> subprocess.Popen[bytes]:
            return original([sys.executable, "-c", f"import sealcore.pdf.worker as w\n{lines}\nw.main()"], **options)

        original = subprocess.Popen
        monkeypatch.setattr(isolation.subprocess, "Popen", start)

    yield use
    pool.close()


def test_a_document_that_takes_too_long_is_given_up(reader_program: Callable[[str], None]):
    reader_program("def forever(*_):\n while True: pass\nw.check = forever")
    begun = time.monotonic()
    with pytest.raises(UnreadableDocument, match="took longer than 3 seconds"):
        verify_pdf(DOCUMENT, roots=[], timeout=3)
    assert time.monotonic() - begun < 20


def test_a_reader_that_does_not_listen_is_given_up(reader_program: Callable[[str], None]):
    reader_program("import time; time.sleep(60)")
    with pytest.raises(UnreadableDocument, match="took longer than 1 seconds"):
        verify_pdf(DOCUMENT + bytes(10_000_000), roots=[], timeout=1)


def test_a_reader_that_crashes_is_an_error(reader_program: Callable[[str], None]):
    reader_program("import os\nw.check = lambda *_: os.abort()")
    with pytest.raises(UnreadableDocument, match="crash or run out of memory"):
        verify_pdf(DOCUMENT, roots=[])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_AS")
def test_a_reader_that_wants_too_much_memory_is_an_error(reader_program: Callable[[str], None]):
    reader_program("w.check = lambda *_: bytes(8 << 30)")
    with pytest.raises(UnreadableDocument, match="needs more memory"):
        verify_pdf(DOCUMENT, roots=[])


def test_what_a_library_prints_does_not_disturb(reader_program: Callable[[str], None]):
    reader_program(
        "check = w.check\ndef loud(*a):\n print('noise' * 9999, flush=True)\n return check(*a)\nw.check = loud"
    )
    assert verify_pdf(DOCUMENT, roots=[]).verdict == "unsealed"


def test_a_reader_that_died_meanwhile_is_replaced(signer: Signer, sealed: bytes):
    assert verdict_of(sealed, signer).verdict == "authentic"
    assert isolation._pool._idle
    for worker in isolation._pool._idle:
        worker._process.kill()
        worker._process.wait()
    assert verdict_of(sealed, signer).verdict == "authentic"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_after_a_fork_the_child_starts_its_own_reader(signer: Signer, sealed: bytes):
    assert verdict_of(sealed, signer).verdict == "authentic"
    program = (
        "import os, sys; from sealcore.pdf import verify_pdf\n"
        "data = sys.stdin.buffer.read()\n"
        "print(verify_pdf(data, roots=[]).verdict, flush=True)\n"
        "if os.fork() == 0:\n    print(verify_pdf(data, roots=[]).verdict, flush=True)\n"
        "else:\n    os.wait()\n    print(verify_pdf(data, roots=[]).verdict, flush=True)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], input=sealed, capture_output=True, check=True, timeout=60)
    assert run.stdout.split() == [b"unrecognised"] * 3
    assert run.stderr == b""


def test_a_document_that_is_too_large_is_not_read(signer: Signer, sealed: bytes, tmp_path: Path):
    with pytest.raises(UnreadableDocument, match="larger than 1000 bytes"):
        verify_pdf(sealed, roots=[], max_bytes=1000)
    path = tmp_path / "large.pdf"
    path.write_bytes(sealed)
    with pytest.raises(UnreadableDocument, match="larger than 1000 bytes"):
        verify_pdf(path, roots=[], max_bytes=1000)
    with pytest.raises(StorageError):
        verify_pdf(tmp_path, roots=[])


def test_many_threads_at_once(signer: Signer, sealed: bytes):
    with ThreadPoolExecutor(6) as pool:
        verdicts = list(pool.map(lambda _: verdict_of(sealed, signer).verdict, range(24)))
    assert verdicts == ["authentic"] * 24


def test_nothing_is_printed(sealed: bytes):
    program = (
        "import sys; from sealcore.pdf import verify_pdf\n"
        "data = sys.stdin.buffer.read()\n"
        "for isolated in (True, False):\n"
        "    print(verify_pdf(data, roots=[], isolated=isolated).verdict)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], input=sealed, capture_output=True, check=True)
    assert run.stdout.split() == [b"unrecognised"] * 2
    assert run.stderr == b""


def test_importing_the_room_loads_no_pdf_library():
    program = "import sys, sealcore.pdf; print({'pyhanko', 'pypdfium2', 'PIL', 'asn1crypto'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_a_missing_library_names_the_extra():
    program = (
        "import sys\n"
        "sys.modules['pypdfium2'] = None\n"
        "from sealcore.errors import MissingExtra\n"
        "try:\n    import sealcore.pdf\n"
        "except MissingExtra as error:\n    print(error.extra, error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("pdf ")
    assert 'pip install "sealcore[pdf]"' in run.stdout


@pytest.mark.parametrize(
    ("der", "good"),
    [
        ("3003020101", True),
        ("310602010102010 2".replace(" ", ""), True),
        ("310602010202010 1".replace(" ", ""), False),  # a set that is not sorted
        ("308003020101 0000".replace(" ", ""), False),  # indefinite length
        ("30810302010 1".replace(" ", ""), False),  # padded length
        ("300402020001", False),  # padded integer
        ("30040202ff80", False),
        ("300402020080", True),
        ("0101ff", True),
        ("010101", False),
        ("0500", True),
        ("050100", False),
        ("0200", False),
        ("3003020101ff", False),  # trailing
        ("3004020101", False),  # cut
        ("", False),
        ("30" * 3, False),
    ],
)
def test_strict_der(der: str, good: bool):
    assert is_der(bytes.fromhex(der)) is good


def test_der_that_nests_too_deeply():
    data = b""
    for _ in range(200):
        size = len(data)
        head = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
        data = b"\x30" + head + data
    assert not is_der(data)
