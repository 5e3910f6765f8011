"""Key files: encrypted, whole or absent, never overwritten, and silent about what they hold."""

from __future__ import annotations

import copy
import errno
import logging
import os
import pickle
import stat
import subprocess
import sys
import threading

import pytest
from conftest import require_tool
from hypothesis import given, settings
from hypothesis import strategies as st

from sealcore import errors
from sealcore.keys import (
    FileKey,
    KeyStore,
    Signer,
    password_fixed,
    password_from_env,
    password_from_file,
)
from sealcore.sign import SigningKey

PASSWORD = "correct horse 电池 staple"  # noqa: S105  of these tests


@pytest.fixture
def store(tmp_path):
    return KeyStore(tmp_path / "keys", password=password_fixed(PASSWORD))


def reopened(store, password=PASSWORD):
    return KeyStore(store.directory, password=password_fixed(password))


@pytest.mark.parametrize("algorithm", ["sm2", "p256"])
def test_a_key_survives_its_store(store, algorithm):
    made = store.create("person-liwei@1", algorithm=algorithm)
    assert isinstance(made, Signer)
    assert isinstance(SigningKey.generate(algorithm), Signer)
    assert made.algorithm == algorithm
    opened = reopened(store).open("person-liwei@1")
    assert opened.verifying_key == made.verifying_key
    made.verifying_key.verify(b"message", opened.sign(b"message"))
    digest = made.verifying_key.message_digest(b"message")
    made.verifying_key.verify(b"message", opened.sign_digest(digest))
    with pytest.raises(errors.InvalidSignature):
        made.verifying_key.verify(b"massage", opened.sign(b"message"))
    assert store.key_ids() == ["person-liwei@1"]
    assert "person-liwei@1" in store
    assert "person-liwei@2" not in store
    assert 7 not in store


def test_the_file_is_private_and_encrypted(store):
    key = store.create("a")
    assert stat.S_IMODE(key.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700
    assert key.path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert [p.name for p in store.directory.iterdir()] == ["a.key"]


def test_openssl_opens_it(store):
    openssl = require_tool("openssl")
    key = store.create("a", algorithm="p256")
    shown = subprocess.run(
        [openssl, "pkey", "-in", str(key.path), "-passin", "env:P", "-pubout", "-outform", "DER"],
        env={**os.environ, "P": PASSWORD},
        capture_output=True,
        check=True,
    ).stdout
    assert shown.endswith(key.verifying_key.to_sec1())


def test_nothing_is_overwritten(store):
    key = store.create("a")
    before = key.path.read_bytes()
    for _ in range(2):
        with pytest.raises(errors.InvalidArgument, match=r"already has a file \(.*a\.key\)") as caught:
            store.create("a")
        assert caught.value.field == "key_id"
    assert key.path.read_bytes() == before


def test_of_many_threads_one_creates(store):
    barrier = threading.Barrier(8)
    made: list[FileKey] = []
    refused: list[errors.InvalidArgument] = []

    def create():
        barrier.wait()
        try:
            made.append(store.create("a", algorithm="p256"))
        except errors.InvalidArgument as error:
            refused.append(error)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(refused)) == (1, 7)
    assert reopened(store).open("a").verifying_key == made[0].verifying_key
    assert [p.name for p in store.directory.iterdir()] == ["a.key"]


def test_a_wrong_password_names_the_file(store):
    store.create("a")
    with pytest.raises(errors.WrongPassword) as caught:
        reopened(store, "not this one").open("a")
    assert str(store.directory / "a.key") in str(caught.value)
    assert "not this one" not in str(caught.value)
    assert caught.value.field == "password"


def test_what_is_no_key_file(store):
    store.create("good")
    path = store.path("good")
    whole = path.read_bytes()
    for name, content in {
        "empty": b"",
        "noise": os.urandom(300),
        "text": b"no key at all",
        "cut": whole[: len(whole) // 2],
        "huge": b"A" * 100_000,
        "plain": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    }.items():
        (store.directory / f"{name}.key").write_bytes(content)
        with pytest.raises(errors.InvalidKey, match=f"{name}.key") as caught:
            store.open(name)
        assert not isinstance(caught.value, errors.WrongPassword)
    with pytest.raises(errors.InvalidKey, match="there is no file"):
        store.open("absent")
    (store.directory / "folder.key").mkdir()
    with pytest.raises(errors.StorageError):
        store.open("folder")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return KeyStore(tmp_path_factory.mktemp("whole"), password=password_fixed(PASSWORD)).create("a")


@settings(max_examples=20, deadline=None)
@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_damaged_file_never_opens_as_another_key(tmp_path_factory, whole, position, bit):
    key = whole
    data = bytearray(key.path.read_bytes())
    data[position % len(data)] ^= 1 << bit
    store = KeyStore(tmp_path_factory.mktemp("damaged"), password=password_fixed(PASSWORD))
    store.path("a").write_bytes(data)
    try:
        opened = store.open("a")
    except errors.InvalidKey:
        return
    # A flip of a line ending or of a letter outside the base64 text changes nothing.
    assert opened.verifying_key == key.verifying_key


@pytest.mark.parametrize("name", ["", "A", ".a", "a/b", "../a", "a\0", "ä", "a" * 101, "-a", "a b", None, 7])
def test_names_cannot_leave_the_directory(store, name):
    with pytest.raises(errors.InvalidArgument) as caught:
        store.create(name)
    assert caught.value.field == "key_id"
    assert list(store.directory.iterdir()) == []


def test_foreign_files_are_no_keys(store):
    store.create("a")
    for name in ("notes.txt", ".b.key", "B.key"):
        (store.directory / name).write_bytes(b"")
    assert store.key_ids() == ["a"]


def test_locking_asks_again(tmp_path):
    asked = []

    def ask(key_id):
        asked.append(key_id)
        return PASSWORD

    store = KeyStore(tmp_path, password=ask)
    assert asked == []
    store.create("a")
    assert asked == ["a"]
    store.open("a")
    assert asked == ["a"]
    store.lock()
    store.open("a")
    store.open("a")
    assert asked == ["a", "a"]


def test_passwords_from_elsewhere(tmp_path, monkeypatch):
    file = tmp_path / "password"
    file.write_bytes(PASSWORD.encode() + b"\r\nsecond line\n")
    monkeypatch.setenv("A_PASSWORD", PASSWORD)
    KeyStore(tmp_path / "keys", password=password_from_file(file)).create("a")
    KeyStore(tmp_path / "keys", password=password_from_env("A_PASSWORD")).open("a")
    monkeypatch.setenv("EMPTY", "")
    (tmp_path / "blank").write_bytes(b"\n" + PASSWORD.encode())
    for source in (
        password_from_env("NOT_SET_ANYWHERE"),
        password_from_env("EMPTY"),
        password_from_file(tmp_path / "absent"),
        password_from_file(tmp_path / "blank"),
        lambda key_id: b"",
        lambda key_id: "x" * 2000,
    ):
        with pytest.raises(errors.InvalidArgument) as caught:
            KeyStore(tmp_path / "keys", password=source).open("a")
        assert caught.value.field == "password"
    with pytest.raises(errors.InvalidArgument):
        password_fixed("")
    with pytest.raises(TypeError):
        KeyStore(tmp_path / "keys", password=lambda key_id: 7).open("a")


def test_secrets_show_nowhere(store, caplog):
    caplog.set_level(logging.DEBUG)
    key = store.create("a")
    secret = key._FileKey__key.to_bytes()
    source = password_fixed(PASSWORD)
    shown = [repr(key), str(key), repr(store), repr(source), repr(vars(source)) if hasattr(source, "__dict__") else ""]
    shown += [caplog.text]
    for text in shown:
        assert PASSWORD not in text
        assert secret.hex() not in text
        assert str(secret) not in text
        assert str(int.from_bytes(secret)) not in text
    assert repr(key) == "FileKey('a', sm2)"
    for private in (key, store, source):
        for leave in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                leave(private)


FULL_DISK = """
import resource, sys
from sealcore import errors
from sealcore.keys import KeyStore, password_fixed
store = KeyStore(sys.argv[1], password=password_fixed("password"))
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    store.create("a", algorithm="p256")
except errors.StorageError as error:
    print(error.operation, error.errno, error.path)
"""


def test_a_full_disk_leaves_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "keys")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["write", "a", "key", "file", str(errno.EFBIG), str(tmp_path / "keys" / "a.key")]
    assert list((tmp_path / "keys").iterdir()) == []
