"""A second verifier of sealcore ledgers, written from core/docs/ledger-format.md with Python's standard library only.

It imports nothing of sealcore, is slow, and stops at the first thing that is wrong:  python ledger_check.py DIRECTORY
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

Point = tuple[int, int] | None
Digest = Callable[[bytes], bytes]


class Wrong(Exception):
    """The ledger is not what its format demands."""


def demand(truth: object, what: str) -> None:
    if not truth:
        raise Wrong(what)


# --- SM3 (GB/T 32905-2016), for a Python whose OpenSSL has it not, and as a check of it.


def sm3(message: bytes) -> bytes:
    m32 = 0xFFFFFFFF

    def rol(x: int, n: int) -> int:
        n %= 32
        return (x << n | x >> (32 - n)) & m32

    def p0(x: int) -> int:
        return x ^ rol(x, 9) ^ rol(x, 17)

    def p1(x: int) -> int:
        return x ^ rol(x, 15) ^ rol(x, 23)

    iv = bytes.fromhex("7380166f4914b2b9172442d7da8a0600a96f30bc163138aae38dee4db0fb0e4e")
    v = [int.from_bytes(iv[i : i + 4], "big") for i in range(0, 32, 4)]
    data = message + b"\x80" + bytes(-(len(message) + 9) % 64) + (8 * len(message)).to_bytes(8, "big")
    for start in range(0, len(data), 64):
        w = [int.from_bytes(data[start + i : start + i + 4], "big") for i in range(0, 64, 4)]
        for j in range(16, 68):
            w.append(p1(w[j - 16] ^ w[j - 9] ^ rol(w[j - 3], 15)) ^ rol(w[j - 13], 7) ^ w[j - 6])
        a, b, c, d, e, f, g, h = v
        for j in range(64):
            ss1 = rol((rol(a, 12) + e + rol(0x79CC4519 if j < 16 else 0x7A879D8A, j)) & m32, 7)
            ff = a ^ b ^ c if j < 16 else a & b | a & c | b & c
            gg = e ^ f ^ g if j < 16 else e & f | ~e & m32 & g
            t1 = (ff + d + (ss1 ^ rol(a, 12)) + (w[j] ^ w[j + 4])) & m32
            t2 = (gg + h + ss1 + w[j]) & m32
            a, b, c, d, e, f, g, h = t1, a, rol(b, 9), c, p0(t2), e, rol(f, 19), g
        v = [x ^ y for x, y in zip(v, (a, b, c, d, e, f, g, h), strict=True)]
    return b"".join(x.to_bytes(4, "big") for x in v)


def sha256(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()


# --- Signatures: ECDSA P-256 (FIPS 186-5) and SM2 (GB/T 32918.2-2016), y² = x³ - 3x + b.


class Curve:
    def __init__(self, p: str, b: str, n: str, gx: str, gy: str) -> None:
        self.p, self.b, self.n = int(p, 16), int(b, 16), int(n, 16)
        self.g: Point = (int(gx, 16), int(gy, 16))

    def add(self, one: Point, two: Point) -> Point:
        if one is None or two is None:
            return one or two
        (x1, y1), (x2, y2) = one, two
        if x1 == x2 and (y1 + y2) % self.p == 0:
            return None
        rise, run = (3 * x1 * x1 - 3, 2 * y1) if one == two else (y2 - y1, x2 - x1)
        slope = rise * pow(run, -1, self.p)
        x = (slope * slope - x1 - x2) % self.p
        return x, (slope * (x1 - x) - y1) % self.p

    def multiply(self, k: int, point: Point) -> Point:
        result: Point = None
        while k:
            if k & 1:
                result = self.add(result, point)
            point, k = self.add(point, point), k >> 1
        return result


P256 = Curve(
    "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
    "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
)
SM2 = Curve(
    "fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff",
    "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93",
    "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123",
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7",
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0",
)


class Key:
    def __init__(self, fields: dict[str, object]) -> None:
        self.algorithm, self.point = fields["alg"], fields["key"]
        demand(len(self.point) == 65 and self.point[0] == 4, "key: not an uncompressed point")
        self.curve = {"p256": P256, "sm2": SM2}[str(self.algorithm)]
        x, y = int.from_bytes(self.point[1:33], "big"), int.from_bytes(self.point[33:], "big")
        demand((y * y - x**3 + 3 * x - self.curve.b) % self.curve.p == 0, "key: not on its curve")
        self.xy: Point = (x, y)

    def digest(self, message: bytes) -> int:
        if self.algorithm == "p256":
            return int.from_bytes(sha256(message), "big")
        c, distid = self.curve, b"1234567812345678"
        numbers = (c.p - 3, c.b, *c.g, *self.xy)
        z = sm3((8 * len(distid)).to_bytes(2, "big") + distid + b"".join(v.to_bytes(32, "big") for v in numbers))
        return int.from_bytes(sm3(z + message), "big")

    @functools.lru_cache(maxsize=10_000)  # noqa: B019  the program ends with it
    def verify(self, message: bytes, signature: bytes) -> bool:
        c, e = self.curve, self.digest(message)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if len(signature) != 64 or not (0 < r < c.n and 0 < s < c.n):
            return False
        if self.algorithm == "p256":
            w = pow(s, -1, c.n)
            found = c.add(c.multiply(e * w % c.n, c.g), c.multiply(r * w % c.n, self.xy))
            return found is not None and found[0] % c.n == r
        t = (r + s) % c.n
        found = c.add(c.multiply(s, c.g), c.multiply(t, self.xy))
        return t != 0 and found is not None and (e + found[0]) % c.n == r

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and (self.algorithm, self.point) == (other.algorithm, other.point)

    def __hash__(self) -> int:
        return hash((self.algorithm, self.point))


# --- Deterministic CBOR, as much of it as the ledger's own bodies use.


def cbor(data: bytes) -> dict[str, object]:
    def item(at: int) -> tuple[object, int]:
        major, low = data[at] >> 5, data[at] & 31
        width = 0 if low < 24 else 1 << (low - 24)
        value = int.from_bytes(data[at + 1 : at + 1 + width], "big") if width else low
        demand(
            low < 28 and (width == 0 or value >= (24 if width == 1 else 1 << 4 * width)), "cbor: not the shortest head"
        )
        at += 1 + width
        if major == 0:
            return value, at
        if major in (2, 3):
            text = data[at : at + value]
            demand(len(text) == value, "cbor: cut short")
            return (text if major == 2 else text.decode()), at + value
        if major == 4:
            items = []
            for _ in range(value):
                element, at = item(at)
                items.append(element)
            return items, at
        demand(major == 5, "cbor: a type that these bodies do not have")
        pairs, last = {}, b""
        for _ in range(value):
            start = at
            key, at = item(at)
            demand(last < data[start:at] or not pairs, "cbor: keys out of order")
            last = data[start:at]
            pairs[key], at = item(at)
        return pairs, at

    value, end = item(0)
    demand(end == len(data) and isinstance(value, dict), "cbor: not one map")
    return value


# --- The ledger.


def frames(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        demand(end <= len(data), f"a frame is cut short at byte {at}")
        yield data[at + 2 : end]
        at = end


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def records(wal: bytes) -> Iterator[tuple[int, int, bytes, int, bytes]]:
    """First index, count, framed entries, place in checkpoints.log and checkpoint of each record."""
    at = 48
    while at < len(wal):
        first, count, length, log, note = (
            int.from_bytes(wal[at + a : at + b], "big") for a, b in ((8, 16), (16, 20), (20, 24), (24, 32), (32, 36))
        )
        end = at + 40 + length + note
        demand(end <= len(wal) and wal[at : at + 4] == b"swr1" and not any(wal[at + 36 : at + 40]), f"wal: byte {at}")
        demand(int.from_bytes(wal[at + 4 : at + 8], "big") == crc32c(wal[at + 8 : end]), f"wal: CRC at byte {at}")
        yield first, count, wal[at + 40 : end - note], log, wal[end - note : end]
        at = end


def entries_of(directory: Path, ledger_id: bytes, bits: int, hash_number: int, digest: Digest) -> Iterator[bytes]:
    """The entries of the sealed segments and of the log, with what is around them checked."""
    number = max(int(file.stem) for file in (directory / "wal").glob("*.wal"))
    for segment in range(number):
        data = (directory / "seg" / f"{segment}.slg").read_bytes()
        header = (b"sealslg1" + segment.to_bytes(8, "big") + bytes([bits, hash_number]) + bytes(6)) + ledger_id
        demand(data[:4096] == header.ljust(4096, b"\0"), f"segment {segment}: header")
        bundles = 1 << bits - 8
        table, footer = data[-128 - 8 * (bundles + 1) : -128], data[-128:]
        found, offsets = list(frames(data[4096 : len(data) - 128 - len(table)])), [4096]
        demand(len(found) == 1 << bits, f"segment {segment}: entries")
        for start in range(0, len(found), 256):
            offsets.append(offsets[-1] + sum(2 + len(entry) for entry in found[start : start + 256]))
        demand(table == b"".join(offset.to_bytes(8, "big") for offset in offsets), f"segment {segment}: offsets")
        leaves = [digest(b"\0" + entry) for entry in found]
        tiles = [root_of(digest, leaves[start : start + 256]) for start in range(0, len(leaves), 256)]
        rest = root_of(digest, leaves) + found[0][24:56] + leaves[-1] + len(found).to_bytes(8, "big") + bytes(12)
        demand(footer == rest + crc32c(data[:4096] + table + rest).to_bytes(4, "big") + b"sealend1", "footer")
        hashes = (directory / "seg" / f"{segment}.slh").read_bytes()
        demand(hashes == b"".join(leaves) + b"".join(tiles), f"segment {segment}: hashes")
        yield from found
    wal = (directory / "wal" / f"{number}.wal").read_bytes()
    demand(wal[:48] == b"sealwal1" + number.to_bytes(8, "big") + ledger_id, "wal: header")
    log, index = (directory / "checkpoints.log").read_bytes(), number << bits
    for first, count, data, place, note in records(wal):
        found = list(frames(data))
        demand((first, count) == (index, len(found)), f"wal: record at entry {first}")
        demand(log[place : place + 2 + len(note)] == len(note).to_bytes(2, "big") + note, "wal: the note is not logged")
        yield from found
        index += count


def watermark(state: bytes) -> tuple[int, bytes]:
    """Size and root of the newer slot."""
    demand(len(state) == 128, "state: length")
    slots = [slot for slot in (state[:64], state[64:]) if slot[:8] == b"sst1" + crc32c(slot[8:]).to_bytes(4, "big")]
    newest = max(slots, key=lambda slot: slot[8:16])
    return int.from_bytes(newest[8:16], "big"), newest[32:]


def key_parts(table: list[tuple[Key, int, bytes | None]], ended: dict[int, int]) -> list[bytes]:
    """The key table as SEGMENT entries carry it, 512 rows in each."""
    out = b""
    for row, (key, start, label) in enumerate(table):
        numbers = start.to_bytes(8, "big") + ended.get(row, (1 << 64) - 1).to_bytes(8, "big")
        algorithm = {"p256": 1, "sm2": 2}[str(key.algorithm)]
        out += bytes([algorithm]) + key.point + numbers + bytes([label is not None]) + (label or bytes(32))
    return [out[at : at + 512 * 115] for at in range(0, len(out), 512 * 115)]


def from_der(der: bytes) -> bytes:
    """ECDSA-Sig-Value to r ‖ s; what is not the one encoding of two numbers is wrong."""
    numbers, at = [], 2
    for _ in range(2):
        demand(der[at] == 2, "signature: not DER")
        numbers.append(int.from_bytes(der[at + 2 : at + 2 + der[at + 1]], "big"))
        at += 2 + der[at + 1]
    parts = [n.to_bytes(n.bit_length() // 8 + 1, "big") for n in numbers]
    body = b"".join(b"\x02" + bytes([len(p)]) + p for p in parts)
    demand(der == b"\x30" + bytes([len(body)]) + body, "signature: not DER")
    return b"".join(n.to_bytes(32, "big") for n in numbers)


def checkpoint(note: bytes, origin: str, key: Key) -> tuple[int, bytes]:
    """Size and root of a checkpoint that the key signed."""
    text, _, lines = note.decode().rpartition("\n\n")
    text += "\n"
    match = re.fullmatch(r"(.+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n", text)
    demand(match and match[1] == origin, "checkpoint: not three lines of this ledger")
    if key.algorithm == "p256":
        spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + key.point
        key_id = sha256(spki)[:4]
    else:
        key_id = sha256(origin.encode() + b"\n\xffsealcore/sm2-sm3/v1" + key.point)[:4]
    signed = False
    demand(lines.endswith("\n"), "checkpoint: no newline at the end")
    for line in lines[:-1].split("\n"):
        dash, name, encoded = line.split(" ")
        blob = base64.b64decode(encoded, validate=True)
        demand(dash == "—" and base64.b64encode(blob).decode() == encoded, "checkpoint: not a signature line")
        if (name, blob[:4]) == (origin, key_id):
            signature = from_der(blob[4:]) if key.algorithm == "p256" else blob[4:]
            demand(key.verify(text.encode(), signature), "checkpoint: the signature does not verify")
            signed = True
    demand(signed, "checkpoint: not signed by the ledger's key")
    return int(match[2]), base64.b64decode(match[3])


def root_of(digest: Digest, leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, clause 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return digest(b"\x01" + root_of(digest, leaves[:k]) + root_of(digest, leaves[k:]))


class Place(NamedTuple):
    """An entry of the ledger's own types, and where it stands."""

    kind: int
    index: int
    row: int
    bits: int
    ledger_id: bytes
    digest: Digest
    leaves: list[bytes]


def own_body(at: Place, body: bytes, table: list[tuple[Key, int, bytes | None]], ended: dict[int, int]) -> None:
    """Check the body of an entry that the ledger reads itself, and do to the key table what it says."""
    kind, where = at.kind, f"entry {at.index}"
    name = {2: "key-add", 3: "key-revoke", 4: "redact", 5: "segment", 6: "anchor", 7: "key-rotate"}[kind]
    said = cbor(body)
    demand(said.pop("kind") == name and said.pop("ledger") == at.ledger_id, f"{where}: not a {name}")
    if kind in (2, 7):
        if kind == 7:
            demand(said.pop("key_idx") == at.row and at.row > 0 and at.row not in ended, f"{where}: the row")
        label = said.pop("label", None)
        demand((label is None or len(label) == 32) and len(said) == 2, f"{where}: fields")
        demand(all(said["key"] != known.point for known, _, _ in table), f"{where}: the key is there already")
        table.append((Key(said), at.index + 1, label))
        if kind == 7:
            ended[at.row] = at.index
    elif kind == 3:
        gone = said.pop("key_idx")
        demand(len(said.pop("reason", bytes(32))) == 32 and not said, f"{where}: fields")
        demand(isinstance(gone, int) and 0 < gone < len(table) and gone not in ended, f"{where}: the row")
        ended[gone] = at.index
    elif kind == 4:
        fields = said.pop("fields")
        demand(said.pop("entry") < at.index and len(said.pop("stmt")) == 32, f"{where}: what it speaks of")
        demand(0 < len(fields) <= 256 and all(len(field) == 32 for field in fields), f"{where}: fields")
        demand(fields == sorted(set(fields)), f"{where}: fields out of order")
        demand(len(said.pop("reason", bytes(32))) == 32 and not said, f"{where}: other fields")
    elif kind == 5:
        parts, part = key_parts(table, ended), at.index % (1 << at.bits)
        start = at.index - part
        known = {
            "number": at.index >> at.bits,
            "previous": root_of(at.digest, at.leaves[start - (1 << at.bits) : start]),
            "keys": at.digest(b"sealcore keys v1" + b"".join(parts)),
            "part": part,
            "parts": len(parts),
            "rows": parts[part],
        }
        demand(at.row == 0 and said == known, f"{where}: not what stands before it")
    else:
        demand(0 < said.pop("size") <= at.index and len(said.pop("root")) == 32, f"{where}: what it speaks of")
        demand(0 < len(said.pop("form").encode()) <= 64, f"{where}: form")
        demand(0 < len(said.pop("token")) <= 60_000 and not said, f"{where}: token")


def check(directory: Path) -> tuple[int, bytes]:
    """Verify a ledger that no writer has open; gives the number of entries and their root, or raises `Wrong`."""
    genesis_body = (directory / "genesis").read_bytes()
    genesis = cbor(genesis_body)
    demand(
        len(genesis) == 7 and genesis["kind"] == "genesis" and 8 <= genesis["segment_bits"] <= 16, "genesis: not one"
    )
    digest: Digest = {"sha256": sha256, "sm3": sm3}[str(genesis["hash"])]
    origin, nonce = str(genesis["origin"]), genesis["nonce"]
    demand(re.fullmatch(r"[A-Za-z0-9._~/:-]{1,255}", origin) and len(nonce) == 16, "genesis: origin or nonce")
    ledger_id = digest(b"sealcore body v1" + genesis_body)
    table: list[tuple[Key, int, bytes | None]] = [
        (Key(genesis["ledger_key"]), 0, None),
        (Key(genesis["founder_key"]), 1, None),
    ]
    bits = int(genesis["segment_bits"])
    stream = entries_of(directory, ledger_id, bits, {"sha256": 1, "sm3": 2}[str(genesis["hash"])], digest)
    ended: dict[int, int] = {}
    prev, last_time, leaves = bytes(32), 0, []
    for index, entry in enumerate(stream):
        where = f"entry {index}"
        kind, flags, hint = entry[2], entry[3], entry[89]
        row, seq, time = (int.from_bytes(entry[a:b], "big") for a, b in ((4, 8), (8, 16), (16, 24)))
        statement, body = entry[56:88], entry[160:]
        demand(entry[:2] == b"S\x01" and kind <= 7 and flags <= 1 and hint <= 3 * flags, f"{where}: structure")
        demand(entry[90:96] == b"\x00\x40" + len(body).to_bytes(4, "big") and body, f"{where}: lengths")
        demand(seq == index and last_time <= time < 1 << 63, f"{where}: index or time")
        demand(entry[24:56] == prev, f"{where}: the chain is broken")
        demand(statement == digest(b"sealcore body v1" + body), f"{where}: stmt is not the digest of the body")
        demand(row < len(table), f"{where}: no such key")
        key, valid_from, _ = table[row]
        demand(valid_from <= index <= ended.get(row, index), f"{where}: the key is not in force")
        demand(entry[88] == {"p256": 1, "sm2": 2}[str(key.algorithm)], f"{where}: not the key's algorithm")
        demand(key.verify(b"sealcore stmt v1" + statement, entry[96:160]), f"{where}: the signature does not verify")
        demand((kind == 0) == (index == 0), f"{where}: type")
        parts = len(key_parts(table, ended))
        begins = index >= 1 << bits and index % (1 << bits) < parts
        demand((kind == 5) == begins, f"{where}: SEGMENT entries begin a segment")
        if kind == 0:
            demand(body == genesis_body and row == 0, f"{where}: not the file `genesis`")
        elif kind > 1:
            own_body(Place(kind, index, row, bits, ledger_id, digest, leaves), body, table, ended)
        prev, last_time = digest(b"\x00" + entry), time
        leaves.append(prev)
    size, note, released = 0, b"", (directory / "checkpoint").read_bytes()
    for note in frames((directory / "checkpoints.log").read_bytes()):
        larger, root = checkpoint(note, origin, table[0][0])
        demand(size < larger <= len(leaves), f"checkpoint at {larger}: order or size")
        demand(root_of(digest, leaves[:larger]) == root, f"checkpoint at {larger}: another root")
        size = larger
    demand(size and note == released, "the released checkpoint is not the last of the log")
    demand(size == len(leaves), "entries after the newest checkpoint")
    demand(watermark((directory / "state").read_bytes()) == (size, root), "state: not the newest checkpoint's")
    return size, root


if __name__ == "__main__":
    try:
        found_size, found_root = check(Path(sys.argv[1]))
    except (Wrong, KeyError, ValueError, IndexError, OSError) as error:
        sys.exit(f"wrong: {error!r}")
    sys.stdout.write(f"{found_size} entries, root {found_root.hex()}\n")
