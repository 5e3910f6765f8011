"""A second reader of signed notes, cosignatures and proofs, written from core/docs/ledger-format.md and RFC 8032 with
Python's standard library and :mod:`ledger_check` only; it imports nothing of sealcore.
"""

from __future__ import annotations

import base64
import hashlib
from typing import NamedTuple

from ledger_check import Digest, Key, demand, from_der, sha256, sm3

# --- Ed25519 (RFC 8032, clause 5.1), -x² + y² = 1 + d x² y², affine and slow.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]
ZERO: Point = (0, 1)


def add(one: Point, two: Point) -> Point:
    (x1, y1), (x2, y2) = one, two
    k = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def multiply(k: int, point: Point) -> Point:
    result = ZERO
    while k:
        if k & 1:
            result = add(result, point)
        point, k = add(point, point), k >> 1
    return result


def decode(data: bytes) -> Point | None:
    y, sign = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return (P - x if x & 1 != sign else x), y


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def ed25519(key: bytes, message: bytes, signature: bytes) -> bool:
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r, s = decode(key), decode(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L or ZERO in {multiply(8, a), multiply(8, r)}:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    assert BASE is not None
    return multiply(s, BASE) == add(r, multiply(k, a))


# --- Notes.

SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
SM2 = b"\xffsealcore/sm2-sm3/v1"


class Vkey:
    """A verifier key."""

    def __init__(self, text: str) -> None:
        self.name, key_id, encoded = text.split("+", 2)
        self.raw = base64.b64decode(encoded, validate=True)
        covered = self.raw[1:] if self.raw[0] == 2 else self.name.encode() + b"\n" + self.raw
        self.id = sha256(covered)[:4]
        demand(self.id.hex() == key_id, "vkey: the key ID is another's")

    def verify(self, text: bytes, blob: bytes) -> bool:
        match self.raw[0]:
            case 1:
                return ed25519(self.raw[1:], text, blob)
            case 2:
                demand(self.raw[1:].startswith(SPKI), "vkey: no P-256 key")
                return Key({"alg": "p256", "key": self.raw[27:]}).verify(text, from_der(blob))
            case 4:
                time = int.from_bytes(blob[:8], "big")
                return ed25519(self.raw[1:], b"cosignature/v1\ntime %d\n" % time + text, blob[8:])
            case _:
                demand(self.raw.startswith(SM2), "vkey: of an unknown type")
                return Key({"alg": "sm2", "key": self.raw[len(SM2) :]}).verify(text, blob)


def signed_by(note: str, vkey: Vkey) -> bool:
    """Whether the key has a line on the note; every line of its verifies."""
    text, _, lines = note.rpartition("\n\n")
    found = False
    for line in lines.splitlines():
        dash, name, encoded = line.split(" ")
        blob = base64.b64decode(encoded, validate=True)
        demand(dash == "—", "note: not a signature line")
        if (name, blob[:4]) == (vkey.name, vkey.id):
            demand(vkey.verify(f"{text}\n".encode(), blob[4:]), "note: a signature does not verify")
            found = True
    return found


# --- Proofs as text.


class Checked(NamedTuple):
    """What a proof proves."""

    index: int
    entry: bytes
    size: int


def check_proof(text: str, vkey: Vkey) -> Checked:
    """Check a proof that holds its entry."""
    head, _, note = text.partition("\n\n")
    first, extra, number, *lines = head.split("\n")
    digests: dict[str, Digest] = {"c2sp.org/tlog-proof@v1": sha256, "sealcore/tlog-proof-sm3/v1": sm3}
    digest = digests[first]
    demand(extra.startswith("extra ") and number.startswith("index "), "proof: no entry or no index")
    entry, index = base64.b64decode(extra[6:], validate=True), int(number[6:])
    demand(int.from_bytes(entry[8:16], "big") == index, "proof: the entry has another index")
    demand(entry[56:88] == digest(b"sealcore body v1" + entry[160:]), "proof: stmt is not the digest of the body")
    origin, size, root = note.split("\n")[:3]
    demand(origin == vkey.name and signed_by(note, vkey), "proof: not a checkpoint of this ledger")
    demand(index < int(size), "proof: the index is not below the size")
    # RFC 9162, clause 2.1.3.2.
    fn, sn, node = index, int(size) - 1, digest(b"\0" + entry)
    for line in lines:
        sibling = base64.b64decode(line, validate=True)
        demand(sn > 0 and len(sibling) == 32, "proof: too many hashes, or one that is none")
        if fn & 1 or fn == sn:
            node = digest(b"\1" + sibling + node)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = digest(b"\1" + node + sibling)
        fn, sn = fn >> 1, sn >> 1
    demand(sn == 0 and node == base64.b64decode(root), "proof: it does not lead to the root")
    return Checked(index, entry, int(size))
