"""The C library: loaded through cffi, and compiled against by a C program."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest
from cffi import FFI
from conftest import PROJECT, require_tool

from sealcore import capi
from sealcore import hash as sealcore_hash
from sealcore.sign import SigningKey, VerifyingKey

HEADER = Path(capi.get_include(), "sealcore.h")
SYMBOLS = PROJECT / "tests" / "c" / "symbols.txt"


@pytest.fixture(scope="module")
def ffi() -> FFI:
    ffi = FFI()
    text = HEADER.read_text()
    inside = text[text.index("// The result of a call.") : text.rindex("#ifdef __cplusplus")]
    ffi.cdef(re.sub(r"#ifdef __cplusplus.*?#endif[^\n]*\n", "", inside, flags=re.S))
    return ffi


@pytest.fixture(scope="module")
def library(ffi: FFI):
    return ffi.dlopen(capi.get_library())


def test_the_installed_header_is_the_committed_one():
    assert HEADER.read_bytes() == (PROJECT / "bindings" / "c" / "include" / "sealcore.h").read_bytes()


def test_every_published_symbol_is_exported_and_declared(library):
    published = SYMBOLS.read_text().split()
    declared = re.findall(r"\b(sealcore_\w+)\(", HEADER.read_text())
    assert sorted(set(declared)) == sorted(published), "a symbol that was published never goes away"
    for name in published:
        assert getattr(library, name)


def test_soname():
    command = [require_tool("readelf"), "-d", capi.get_library()]
    assert "[libsealcore.so.0]" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("number", "name"), [(1, "sha256"), (2, "sm3")])
def test_hash_and_stream(ffi, library, number, name):
    data = bytes(range(256)) * 5
    expected = getattr(sealcore_hash, name)(data)
    if name == "sha256":
        assert expected == hashlib.sha256(data).digest()
    digest = ffi.new("uint8_t[32]")
    assert library.sealcore_hash(digest, number, data, len(data)) == 0
    assert bytes(digest) == expected

    hasher = ffi.new("sealcore_hasher **")
    assert library.sealcore_hasher_new(hasher, number) == 0
    for at in range(0, len(data), 77):
        piece = data[at : at + 77]
        assert library.sealcore_hasher_update(hasher[0], piece, len(piece)) == 0
    digest = ffi.new("uint8_t[32]")
    assert library.sealcore_hasher_finish(digest, hasher[0]) == 0
    library.sealcore_hasher_free(hasher[0])
    assert bytes(digest) == expected

    mac = ffi.new("uint8_t[32]")
    assert library.sealcore_hmac(mac, number, b"key", 3, data, len(data)) == 0
    assert bytes(mac) == sealcore_hash.hmac(b"key", data, name)


@pytest.mark.parametrize(("number", "name"), [(1, "sm2"), (2, "p256")])
def test_signatures_pass_between_c_and_python(ffi, library, number, name):
    ours = SigningKey.generate(name)
    key = ffi.new("sealcore_signing_key **")
    assert library.sealcore_signing_key_from_bytes(key, number, ours.to_bytes()) == 0
    signature = ffi.new("uint8_t[64]")
    assert library.sealcore_sign(signature, key[0], ffi.NULL, 0, b"message", 7) == 0
    ours.verifying_key.verify(b"message", bytes(signature))

    point = ffi.new("uint8_t[65]")
    assert library.sealcore_signing_key_public(point, key[0]) == 0
    assert VerifyingKey.from_sec1(name, bytes(point)) == ours.verifying_key
    library.sealcore_signing_key_free(key[0])

    public = ffi.new("sealcore_verifying_key **")
    assert library.sealcore_verifying_key_from_sec1(public, number, bytes(point), 65) == 0
    made = ours.sign(b"message")
    invalid = library.SEALCORE_STATUS_INVALID_SIGNATURE
    assert library.sealcore_verify(public[0], ffi.NULL, 0, b"message", 7, made) == 0
    assert library.sealcore_verify(public[0], ffi.NULL, 0, b"massage", 7, made) == invalid
    expected = invalid if name == "sm2" else library.SEALCORE_STATUS_INVALID_ARGUMENT
    assert library.sealcore_verify(public[0], b"id", 2, b"message", 7, made) == expected

    der, length = ffi.new("uint8_t[72]"), ffi.new("size_t *")
    assert library.sealcore_signature_to_der(der, length, made) == 0
    back = ffi.new("uint8_t[64]")
    assert library.sealcore_signature_from_der(back, bytes(der)[: length[0]], length[0]) == 0
    assert bytes(back) == made
    trailing = bytes(der)[: length[0]] + b"\0"
    status = library.sealcore_signature_from_der(back, trailing, len(trailing))
    assert status == library.SEALCORE_STATUS_INVALID_ENCODING
    library.sealcore_verifying_key_free(public[0])


def test_null_and_wrong_arguments_are_statuses(ffi, library):
    null, argument = library.SEALCORE_STATUS_NULL_ARGUMENT, library.SEALCORE_STATUS_INVALID_ARGUMENT
    digest = ffi.new("uint8_t[32]")
    assert library.sealcore_hash(ffi.NULL, 1, b"", 0) == null
    assert library.sealcore_hash(digest, 1, ffi.NULL, 1) == null
    assert library.sealcore_hash(digest, 1, ffi.NULL, 0) == 0
    assert library.sealcore_hash(digest, 9, b"", 0) == argument
    key = ffi.new("sealcore_signing_key **")
    assert library.sealcore_signing_key_from_bytes(key, 1, b"\0" * 32) == library.SEALCORE_STATUS_INVALID_KEY
    assert library.sealcore_signing_key_from_bytes(key, 1, ffi.NULL) == null
    assert library.sealcore_signing_key_from_bytes(ffi.NULL, 1, b"\1" * 32) == null
    assert key[0] == ffi.NULL, "outputs stay unchanged on failure"
    public = ffi.new("sealcore_verifying_key **")
    off_curve = b"\4" + b"\1" * 64
    assert library.sealcore_verifying_key_from_sec1(public, 2, off_curve, 65) == library.SEALCORE_STATUS_INVALID_KEY
    library.sealcore_signing_key_free(ffi.NULL)
    library.sealcore_verifying_key_free(ffi.NULL)
    library.sealcore_hasher_free(ffi.NULL)
    assert ffi.string(library.sealcore_status_message(20)) == b"the signature does not verify"
    assert ffi.string(library.sealcore_status_message(-1)) == b"unknown status"


def test_the_example_compiles_and_runs(tmp_path):
    program = tmp_path / "sign"
    source = PROJECT / "bindings" / "c" / "examples" / "sign.c"
    library = capi.get_library()
    command = [require_tool("cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", source, "-I", capi.get_include()]
    command += [library, f"-Wl,-rpath,{Path(library).parent}", "-o", program]
    subprocess.run(command, check=True)
    assert "signed and verified" in subprocess.run([program], capture_output=True, text=True, check=True).stdout
