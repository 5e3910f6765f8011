"""sealcore.sign: published numbers, typed errors, batches, buffers, pickling."""

from __future__ import annotations

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cryptography.exceptions import InvalidSignature as TheirInvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from sealcore import sign
from sealcore.errors import InvalidArgument, InvalidEncoding, InvalidKey, InvalidLength, InvalidSignature
from sealcore.hash import sm3

ALGORITHMS = ["sm2", "p256"]
ORDERS = {
    "sm2": 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
    "p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
}


@pytest.fixture(params=ALGORITHMS)
def key(request):
    return sign.SigningKey.generate(request.param)


def number(value: int) -> bytes:
    return value.to_bytes(32, "big")


def flipped(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "big") ^ (1 << bit)).to_bytes(len(data), "big")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_published_signatures(vectors, algorithm):
    file = json.loads((vectors / "sign" / f"{algorithm}.json").read_text())
    key = sign.SigningKey.from_bytes(algorithm, bytes.fromhex(file["d"]))
    public = key.verifying_key
    assert public.to_sec1().hex() == file["public_key"]
    for case in file["signatures"]:
        message, signature = case["message"].encode(), bytes.fromhex(case["signature"])
        assert public.message_digest(message).hex() == case["digest"]
        public.verify(message, signature)
        public.verify_digest(bytes.fromhex(case["digest"]), signature)
        public.prepare().verify(message, sign.signature_to_der(signature), encoding="der")
        with pytest.raises(InvalidSignature):
            public.verify(message + b"!", signature)
    assert len(file["signatures"]) == {"sm2": 1, "p256": 2}[algorithm]


def test_wycheproof(shared_data):
    judged = 0
    for name, encoding in (("", "der"), ("_p1363", "raw")):
        path = shared_data / "eseal" / "vectors" / f"wycheproof_ecdsa_secp256r1_sha256{name}_test.json"
        for group in json.loads(path.read_text())["testGroups"]:
            public = sign.VerifyingKey.from_sec1("p256", bytes.fromhex(group["publicKey"]["uncompressed"]))
            for case in group["tests"]:
                message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
                try:
                    public.verify(message, signature, encoding=encoding)
                    accepted = True
                except (InvalidSignature, InvalidEncoding, InvalidLength):
                    accepted = False
                assert accepted == (case["result"] == "valid"), case
                judged += 1
    assert judged == 484 + 262


def test_signs_and_verifies(key):
    public, prepared = key.verifying_key, key.verifying_key.prepare()
    assert key.algorithm == public.algorithm == prepared.algorithm
    signature = key.sign(b"message")
    assert isinstance(signature, bytes)
    assert len(signature) == 64
    digest = public.message_digest(b"message")
    for who in (public, prepared):
        assert who.verify(b"message", signature) is None
        assert who.verify_digest(digest, key.sign_digest(digest)) is None
        for bit in range(0, 512, 37):
            with pytest.raises(InvalidSignature) as caught:
                who.verify(b"message", flipped(signature, bit))
            assert type(pickle.loads(pickle.dumps(caught.value))) is InvalidSignature  # noqa: S301


def test_cryptography_agrees_on_p256():
    key = sign.SigningKey.generate("p256")
    theirs = ec.derive_private_key(int.from_bytes(key.to_bytes(), "big"), ec.SECP256R1())
    theirs.public_key().verify(sign.signature_to_der(key.sign(b"m")), b"m", ec.ECDSA(hashes.SHA256()))
    key.verifying_key.verify(b"m", theirs.sign(b"m", ec.ECDSA(hashes.SHA256())), encoding="der")
    with pytest.raises(TheirInvalidSignature):
        theirs.public_key().verify(sign.signature_to_der(key.sign(b"n")), b"m", ec.ECDSA(hashes.SHA256()))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(ALGORITHMS), st.binary(max_size=200), st.integers(1, 2**255), st.booleans())
def test_round_trips(algorithm, message, d, compressed):
    key = sign.SigningKey.from_bytes(algorithm, number(d))
    assert key.to_bytes() == number(d)
    public = sign.VerifyingKey.from_sec1(algorithm, key.verifying_key.to_sec1(compressed=compressed))
    assert public == key.verifying_key
    signature = key.sign(message)
    public.verify(message, signature)
    der = sign.signature_to_der(signature)
    assert sign.signature_from_der(der) == signature
    public.verify(message, der, encoding="der")


@given(st.binary(max_size=80))
def test_der_is_refused_or_is_the_only_encoding(data):
    try:
        signature = sign.signature_from_der(data)
    except InvalidEncoding as error:
        refused = error
    else:
        assert sign.signature_to_der(signature) == data
        return
    assert refused.field == "signature"
    assert 0 <= refused.offset <= len(data)


def test_key_range(key):
    algorithm, n = key.algorithm, ORDERS[key.algorithm]
    largest = n - 2 if algorithm == "sm2" else n - 1
    assert sign.SigningKey.from_bytes(algorithm, number(largest)).to_bytes() == number(largest)
    for d in (0, largest + 1, n, n + 1, 2**256 - 1):
        with pytest.raises(InvalidKey, match="from 1 to n - ") as caught:
            sign.SigningKey.from_bytes(algorithm, number(d))
        assert caught.value.field == "private key"


def test_distids_of_sm2():
    key = sign.SigningKey.generate("sm2")
    public, message = key.verifying_key, b"message"
    ways = {None: key.sign(message), b"": key.sign(message, distid=b""), b"x@y": key.sign(message, distid=b"x@y")}
    for who in (public, public.prepare()):
        for signed, signature in ways.items():
            for verified in ways:
                if signed == verified:
                    who.verify(message, signature, distid=verified)
                else:
                    with pytest.raises(InvalidSignature):
                        who.verify(message, signature, distid=verified)
            with pytest.raises(InvalidSignature):
                who.verify_digest(sm3(message), signature)
    public.verify(message, ways[None], distid=sign.DEFAULT_DISTID)
    public.verify_digest(sm3(message), key.sign_digest(sm3(message)))
    with pytest.raises(InvalidArgument, match="8191"):
        key.sign(message, distid=bytes(8192))
    other = sign.SigningKey.generate("p256")
    for call in (
        lambda: other.sign(message, distid=b""),
        lambda: other.verifying_key.verify(message, bytes(64), distid=b""),
        lambda: other.verifying_key.message_digest(message, distid=b""),
        lambda: sign.sign_many(other, [message], distid=b""),
        lambda: sign.verify_many(other.verifying_key, [message], [bytes(64)], distid=b""),
    ):
        with pytest.raises(InvalidArgument, match="belongs to SM2") as caught:
            call()
        assert caught.value.field == "distid"


def test_wrong_arguments(key):
    public = key.verifying_key
    for kind, field, call in (
        (InvalidArgument, "algorithm", lambda: sign.SigningKey.generate("rsa")),
        (InvalidArgument, "algorithm", lambda: sign.VerifyingKey.from_sec1("SM2", public.to_sec1())),
        (InvalidLength, "private key", lambda: sign.SigningKey.from_bytes("sm2", b"short")),
        (InvalidLength, "public key", lambda: sign.VerifyingKey.from_sec1("sm2", public.to_sec1()[:-1])),
        (InvalidEncoding, "public key", lambda: sign.VerifyingKey.from_sec1("sm2", bytes(65))),
        (InvalidKey, "public key", lambda: sign.VerifyingKey.from_sec1("sm2", b"\4" + bytes(64))),
        (InvalidLength, "digest", lambda: key.sign_digest(b"message")),
        (InvalidLength, "digest", lambda: public.verify_digest(bytes(31), bytes(64))),
        (InvalidLength, "signature", lambda: public.verify(b"", bytes(63))),
        (InvalidEncoding, "signature", lambda: public.verify(b"", bytes(64), encoding="der")),
        (InvalidArgument, "encoding", lambda: public.verify(b"", bytes(64), encoding="DER")),
        (InvalidLength, "signature", lambda: sign.signature_to_der(bytes(65))),
    ):
        with pytest.raises(kind) as caught:
            call()
        assert caught.value.field == field
        back = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
        assert (type(back), str(back), back.field) == (kind, str(caught.value), field)
    for call in (lambda: key.sign("text"), lambda: key.sign(b"", b"positional"), lambda: public.verify(b"", None)):
        with pytest.raises(TypeError):
            call()


def test_other_algorithms_key_is_another_key(key):
    other = "p256" if key.algorithm == "sm2" else "sm2"
    with pytest.raises(InvalidKey, match="not a point on the curve"):
        sign.VerifyingKey.from_sec1(other, key.verifying_key.to_sec1())
    assert sign.SigningKey.from_bytes(other, key.to_bytes()) != key


def test_secrets_stay_in(key):
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="dump_private_key"):
            attempt(key)
    shown = repr(key) + str(key)
    assert key.to_bytes().hex() not in shown.lower()
    assert repr(key).startswith(f"SigningKey({key.algorithm}, public 0")
    with pytest.raises(TypeError):
        hash(key)


def test_public_keys_pickle_hash_and_compare(key):
    public, prepared = key.verifying_key, key.verifying_key.prepare()
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(public, protocol))  # noqa: S301
        assert back == public
        assert hash(back) == hash(public)
        back = pickle.loads(pickle.dumps(prepared, protocol))  # noqa: S301
        assert isinstance(back, sign.PreparedKey)
        assert back == prepared
        assert hash(back) == hash(prepared)
        back.verify(b"m", key.sign(b"m"))
    assert copy.deepcopy(public) == public == prepared.verifying_key
    assert sign.PreparedKey(public) == prepared
    assert len(pickle.dumps(prepared)) < 500, "the table is made anew, not written"
    other = sign.SigningKey.generate(key.algorithm).verifying_key
    assert public != other
    assert prepared != other.prepare()
    assert {public: 1, other: 2}[public] == 1
    assert public.to_sec1(compressed=True).hex() in repr(public)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 31])
@pytest.mark.parametrize("threads", [None, 1, 2])
def test_verdicts(key, count, threads):
    messages = [bytes([i]) * i for i in range(count)]
    signatures = sign.sign_many(key, messages, threads=threads)
    for keys in (key.verifying_key, key.verifying_key.prepare(), [key.verifying_key] * count):
        verdicts = sign.verify_many(keys, messages, signatures, threads=threads)
        assert verdicts.all_valid
        assert verdicts.failed == ()
        assert list(verdicts) == [True] * count
        assert len(verdicts) == count
        verdicts.raise_for_failures()
        if not count:
            continue
        bad = sorted({0, count // 2, count - 1})
        spoiled = [flipped(s, 3) if i in bad else s for i, s in enumerate(signatures)]
        verdicts = sign.verify_many(keys, iter(messages), iter(spoiled), threads=threads)
        assert not verdicts.all_valid
        assert verdicts.failed == tuple(bad)
        assert [i for i, valid in enumerate(verdicts) if not valid] == bad
        assert verdicts[-1] is verdicts[count - 1] is False
        assert repr(verdicts) == f"Verdicts({count} signatures, {len(bad)} failed)"
        with pytest.raises(InvalidSignature):
            verdicts.raise_for_failures()
        with pytest.raises(IndexError):
            verdicts[count]


def test_verdicts_have_no_truth_value(key):
    verdicts = sign.verify_many(key.verifying_key, [], [])
    with pytest.raises(TypeError, match="all_valid"):
        bool(verdicts)
    with pytest.raises(TypeError):
        _ = not verdicts
    assert verdicts == sign.verify_many(key.verifying_key, [], [])


def test_a_batch_in_der(key):
    messages = [b"a", b"b", b"c", b"d"]
    signatures = [sign.signature_to_der(s) for s in sign.sign_many(key, messages)]
    signatures[1] += b"\0"
    signatures[2] = b""
    verdicts = sign.verify_many(key.verifying_key, messages, signatures, encoding="der")
    assert verdicts.failed == (1, 2)
    raw = [sign.signature_from_der(signatures[0]), bytes(63), bytes(0), bytes(65)]
    assert sign.verify_many(key.verifying_key, messages, raw).failed == (1, 2, 3), "one bad row spoils no other"


def test_batches_from_arrays(key):
    digests = np.random.default_rng(2).integers(0, 256, (31, 32), dtype=np.uint8)
    signatures = sign.sign_digest_many(key, digests)
    assert signatures != sign.sign_digest_many(key, digests), "hedged"
    matrix = np.frombuffer(b"".join(signatures), dtype=np.uint8).reshape(31, 64).copy()
    public = key.verifying_key
    for rows, form in ((digests, matrix), (list(digests), signatures), ([bytes(d) for d in digests], list(matrix))):
        assert sign.verify_digest_many(public, rows, form).all_valid
    matrix[5, 40] ^= 1
    assert sign.verify_digest_many(public, digests, matrix).failed == (5,)
    assert sign.verify_many(public, digests, matrix).failed == tuple(range(31)), "digests are no messages"
    wide = np.zeros((31, 128), dtype=np.uint8)
    for call in (
        lambda: sign.verify_digest_many(public, digests, wide[:, ::2]),
        lambda: sign.verify_digest_many(public, wide[:, :32], matrix),
        lambda: sign.sign_digest_many(key, np.asfortranarray(digests)),
    ):
        with pytest.raises(TypeError, match="not C-contiguous"):
            call()
    with pytest.raises(InvalidLength) as caught:
        sign.sign_digest_many(key, np.zeros((3, 33), dtype=np.uint8))
    assert (caught.value.field, caught.value.expected, caught.value.actual) == ("digests", 32, 33)
    with pytest.raises(InvalidLength) as caught:
        sign.sign_digest_many(key, [bytes(32), bytes(31)])
    assert (caught.value.field, caught.value.actual) == ("digests[1]", 31)
    with pytest.raises(InvalidLength):
        sign.verify_digest_many(public, digests, np.zeros((31, 63), dtype=np.uint8))
    with pytest.raises(TypeError, match="digests: expected an iterable"):
        sign.sign_digest_many(key, bytes(64))


def test_single_calls_take_every_buffer(key):
    message = b"message"
    signature = key.sign(message)
    public = key.verifying_key
    for form in (bytearray, memoryview, lambda b: np.frombuffer(b, dtype=np.uint8)):
        public.verify(form(message), form(signature))
        public.verify(message, key.sign(form(message)))
        public.verify_digest(form(public.message_digest(message)), form(signature))
        assert sign.VerifyingKey.from_sec1(key.algorithm, form(public.to_sec1())) == public
        assert sign.SigningKey.from_bytes(key.algorithm, form(key.to_bytes())) == key
    strided = np.frombuffer(signature * 2, dtype=np.uint8)[::2]
    with pytest.raises(TypeError, match="contiguous"):
        public.verify(message, strided)


def test_counts_and_keys_of_a_batch(key):
    public, signature = key.verifying_key, key.sign(b"m")
    for field, call in (
        ("messages", lambda: sign.verify_many(public, [b"m"], [])),
        ("digests", lambda: sign.verify_digest_many(public, [], [signature])),
        ("keys", lambda: sign.verify_many([public], [b"m"] * 2, [signature] * 2)),
        ("threads", lambda: sign.verify_many(public, [b"m"], [signature], threads=0)),
        ("threads", lambda: sign.sign_many(key, [b"m"], threads=0)),
        ("encoding", lambda: sign.verify_many(public, [b"m"], [signature], encoding="hex")),
    ):
        with pytest.raises(InvalidArgument) as caught:
            call()
        assert caught.value.field == field
    for wrong in (key, [key], b"key", 7):
        with pytest.raises(TypeError, match="keys: expected a VerifyingKey or PreparedKey"):
            sign.verify_many(wrong, [b"m"], [signature])


def test_mixed_keys_of_both_algorithms():
    keys = [sign.SigningKey.generate(ALGORITHMS[i % 2]) for i in range(9)]
    messages = [bytes([i]) for i in range(9)]
    signatures = [key.sign(message) for key, message in zip(keys, messages, strict=True)]
    roster = [k.verifying_key.prepare() if i % 3 else k.verifying_key for i, k in enumerate(keys)]
    assert sign.verify_many(roster, messages, signatures).all_valid
    signatures[2], signatures[4] = signatures[4], signatures[2]
    assert sign.verify_many(roster, messages, signatures).failed == (2, 4)


def test_threads_of_python(key):
    public = key.verifying_key
    prepared = public.prepare()

    def work(number: int) -> bool:
        messages = [bytes([number, i]) for i in range(20)]
        signatures = sign.sign_many(key, messages)
        signatures[number] = bytes(64)
        prepared.verify(messages[-1], signatures[-1])
        return sign.verify_many(public, messages, signatures).failed == (number,)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))
