"""sealcore.hash: published numbers, streams, batches, buffers."""

from __future__ import annotations

import hashlib
import hmac as standard_hmac
import json
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealcore import hash as sealhash
from sealcore.errors import InvalidArgument

NAMES = ["sha256", "sm3"]


@pytest.mark.parametrize("name", NAMES)
def test_published_digests(vectors, name):
    file = json.loads((vectors / "hash" / f"{name}.json").read_text())
    for case in file["digests"]:
        message = case["message"].encode() * case["repeat"]
        assert sealhash.digest(message, name).hex() == case["digest"]
        assert getattr(sealhash, name)(message).hex() == case["digest"]
    assert len(file["digests"]) == {"sha256": 3, "sm3": 2}[name]


@pytest.mark.parametrize("name", NAMES)
def test_published_tags(vectors, name):
    file = json.loads((vectors / "hash" / f"hmac_{name}.json").read_text())
    for case in file["tags"]:
        assert sealhash.hmac(bytes.fromhex(case["key"]), bytes.fromhex(case["message"]), name).hex() == case["tag"]
    assert len(file["tags"]) == {"sha256": 6, "sm3": 4}[name]


@given(st.binary(max_size=400), st.binary(max_size=150))
def test_sha256_is_that_of_hashlib(data, key):
    assert sealhash.sha256(data) == hashlib.sha256(data).digest()
    assert sealhash.hmac(key, data, "sha256") == standard_hmac.digest(key, data, "sha256")


@given(st.lists(st.binary(max_size=150), max_size=8), st.sampled_from(NAMES))
def test_a_stream_is_its_concatenation(pieces, name):
    hasher = sealhash.Hasher(name)
    for piece in pieces:
        hasher.update(piece)
    whole = sealhash.digest(b"".join(pieces), name)
    assert hasher.digest() == whole
    assert hasher.digest() == whole, "reading the digest does not end the stream"
    assert hasher.hexdigest() == whole.hex()


@given(st.lists(st.binary(max_size=150), max_size=40), st.sampled_from(NAMES), st.sampled_from([None, 1, 2, 64]))
def test_many(messages, name, threads):
    expected = [sealhash.digest(message, name) for message in messages]
    assert sealhash.digest_many(messages, name, threads=threads) == expected
    assert sealhash.digest_many(iter(messages), name, threads=threads) == expected


def test_a_copy_goes_its_own_way():
    first = sealhash.Hasher("sm3")
    first.update(b"a")
    second = first.copy()
    second.update(b"bc")
    assert second.algorithm == "sm3"
    assert second.digest() == sealhash.sm3(b"abc")
    assert first.digest() == sealhash.sm3(b"a")
    assert repr(first) == 'Hasher("sm3")'


def test_buffers():
    data = bytes(range(200))
    expected = sealhash.sm3(data)
    array = np.frombuffer(data, dtype=np.uint8)
    for form in (bytearray(data), memoryview(data), array, array.reshape(10, 20), memoryview(bytearray(data))):
        assert sealhash.sm3(form) == expected
        assert sealhash.hmac(form, form, "sm3") == sealhash.hmac(data, data, "sm3")
        hasher = sealhash.Hasher("sm3")
        hasher.update(form)
        assert hasher.digest() == expected


@pytest.mark.parametrize("call", [sealhash.sm3, lambda x: sealhash.digest(x, "sm3"), sealhash.Hasher("sm3").update])
def test_what_is_no_contiguous_buffer_of_bytes_is_refused(call):
    array = np.arange(64, dtype=np.uint8)
    for strided in (array[::2], array.reshape(8, 8).T, memoryview(bytes(10))[::2]):
        with pytest.raises(TypeError, match="contiguous"):
            call(strided)
    for wrong in ("text", 7, None, [1, 2], array.astype(np.uint16), array.astype(np.float64)):
        with pytest.raises(TypeError, match="expected bytes or a contiguous buffer"):
            call(wrong)


def test_rows_of_an_array():
    rows = np.random.default_rng(1).integers(0, 256, (33, 70), dtype=np.uint8)
    expected = [sealhash.sha256(row.tobytes()) for row in rows]
    assert sealhash.digest_many(rows, "sha256") == expected
    assert sealhash.digest_many(list(rows), "sha256") == expected
    assert sealhash.digest_many(rows[:, :0], "sha256") == [sealhash.sha256(b"")] * 33
    assert sealhash.digest_many(rows[:0], "sha256") == []
    with pytest.raises(TypeError, match="messages: the array is not C-contiguous"):
        sealhash.digest_many(rows[:, ::2], "sha256")
    for wrong in (b"one message", "text", bytearray(8), rows[0], rows.reshape(33, 7, 10), 7):
        with pytest.raises(TypeError, match="messages: expected an iterable of bytes-like objects"):
            sealhash.digest_many(wrong, "sha256")
    with pytest.raises(TypeError, match=r"messages\[1\]"):
        sealhash.digest_many([b"a", "b"], "sha256")


def test_wrong_arguments():
    for call in (
        lambda: sealhash.digest(b"", "md5"),
        lambda: sealhash.Hasher("SM3"),
        lambda: sealhash.hmac(b"", b"", ""),
        lambda: sealhash.digest_many([], "sha512"),
    ):
        with pytest.raises(InvalidArgument, match='expected "sha256" or "sm3"') as caught:
            call()
        assert caught.value.field == "hash algorithm"
    with pytest.raises(InvalidArgument, match="at least 1, or None") as caught:
        sealhash.digest_many([], "sm3", threads=0)
    assert caught.value.field == "threads"
    with pytest.raises(OverflowError):
        sealhash.digest_many([], "sm3", threads=-1)


def test_files(tmp_path):
    path = tmp_path / "file"
    data = bytes(i * 7 % 256 for i in range(3 * 1024 * 1024 + 5))
    path.write_bytes(data)
    assert sealhash.file_digest(path, "sha256") == hashlib.sha256(data).digest()
    assert sealhash.file_digest(str(path), "sm3") == sealhash.sm3(data)
    with pytest.raises(FileNotFoundError):
        sealhash.file_digest(tmp_path / "none", "sm3")


def test_many_threads_share_a_hasher():
    hasher = sealhash.Hasher("sha256")
    piece = bytes(40_000)
    threads = [threading.Thread(target=lambda: [hasher.update(piece) for _ in range(20)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hasher.digest() == hashlib.sha256(piece * 160).digest()
