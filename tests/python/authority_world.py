"""A small company to test authority with: a ledger in memory, without signatures (the ledger checks those)."""

from __future__ import annotations

import hashlib
from typing import Any

from sealcore import authority as a
from sealcore.sign import SigningKey

START = 1_735_689_600_000_000
SECOND = 1_000_000
DAY = 86_400 * SECOND


def head(major: int, length: int) -> bytes:
    """The head of a CBOR item, written here once more so that the tests do not lean on the codec they test."""
    if length < 24:
        return bytes([major << 5 | length])
    size = next(size for size in (1, 2, 4, 8) if length < 256**size)
    return bytes([major << 5 | (23 + size.bit_length())]) + length.to_bytes(size, "big")


def cbor(value: Any) -> bytes:
    """Deterministic CBOR (RFC 8949, 4.2.1) of what the bodies of entries hold."""
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    pairs = sorted(value.items(), key=lambda pair: (len(pair[0]), pair[0]))
    return head(5, len(pairs)) + b"".join(cbor(key) + cbor(item) for key, item in pairs)


def point(number: int) -> tuple[str, bytes]:
    algorithm = ("sm2", "p256")[number % 2]
    key = SigningKey.from_bytes(algorithm, (number + 1).to_bytes(32, "big"))
    return algorithm, key.verifying_key.to_sec1()


def genesis() -> bytes:
    keys = [{"alg": alg, "key": key} for alg, key in (point(0), point(1))]
    return cbor(
        {
            "kind": "genesis",
            "origin": "example.com/seals",
            "hash": "sha256",
            "ledger_key": keys[0],
            "founder_key": keys[1],
            "nonce": bytes([7] * 16),
            "segment_bits": 16,
        }
    )


def document(label: str) -> a.Digests:
    return a.Digests.of(label.encode())


class World:
    """The state, the log of what was accepted, and short ways to say things."""

    def __init__(self) -> None:
        body = genesis()
        self.authority = a.Authority(body)
        self.log: list[tuple[int, int, int, str, bytes]] = [(0, START, 0, "genesis", body)]
        self.now = START
        self.rows = {"gate": 0, "founder": 1}
        self._next_key = 2

    @classmethod
    def company(cls) -> World:
        """As the company of the Rust tests."""
        world = cls()
        world.say("founder", a.Unit, id="hq", name=bytes(32))
        world.hire("founder", "boss", "hq", "manager")
        world.say("boss", a.Unit, id="east", parent="hq", name=bytes(32), region="shanghai")
        world.hire("boss", "eve", "east", "manager")
        for person in ("ann", "bob"):
            world.hire("boss", person, "hq", "approver")
        world.hire("eve", "cat", "east", "approver", "applicant")
        world.hire("boss", "olga", "hq", "authoriser")
        world.hire("eve", "liwei", "east", "applicant")
        world.hire("eve", "mary", "east", "applicant")
        world.say(
            "boss",
            a.Policy,
            id="two-of-three",
            quorum=2,
            approvers=("cat", "bob", "ann"),
            applicant_units=("hq",),
        )
        world.say(
            "boss",
            a.Seal,
            id="company-seal",
            unit="hq",
            seal_kind="company",
            policy="two-of-three",
            width_um=42_000,
            height_um=42_000,
            certificate=bytes([3] * 32),
        )
        world.say("boss", a.SealState, seal="company-seal", version=1, step=1, state="active", reason="start")
        return world

    def append(self, body: bytes, key_idx: int, kind: Any = "statement") -> int:
        index = self.authority.next_index
        self.authority.apply(body, index=index, key_idx=key_idx, time=self.now, kind=kind)
        self.log.append((index, self.now, key_idx, kind, body))
        return index

    def say(self, by: str, statement: type[a.Statement], **fields: Any) -> bytes:
        """Makes a statement one second later; returns its id."""
        self.now += SECOND
        body = statement(by=by, ledger=self.authority.ledger, **fields).encode()
        self.append(body, self.rows[by])
        return hashlib.sha256(b"sealcore body v1" + body).digest()

    def give_key(self, by: str, person: str) -> int:
        algorithm, key = point(self._next_key)
        self._next_key += 1
        change = {"kind": "key-add", "alg": algorithm, "key": key, "ledger": self.authority.ledger}
        self.append(cbor(change), self.rows[by], "key-add")
        self.say(by, a.PersonKey, person=person, key=key)
        self.rows[person] = len(self.authority.keys()) - 1
        return self.rows[person]

    def hire(self, by: str, person: str, unit: str, *roles: str) -> None:
        self.say(by, a.Person, id=person, unit=unit, name=bytes(32), roles=roles)
        self.give_key(by, person)

    def apply_for(self, impressions: int = 2, by: str = "liwei", **fields: Any) -> bytes:
        values: dict[str, Any] = {
            "seal": "company-seal",
            "seal_version": 1,
            "purpose": bytes([4] * 32),
            "documents": (document("contract"), document("annex")),
            "document_class": "contract",
            "impressions": impressions,
            "amount": a.Amount("CNY", 1_000_000),
        }
        return self.say(by, a.Application, **(values | fields))

    def approved(self, impressions: int = 2) -> bytes:
        application = self.apply_for(impressions)
        for person in ("ann", "bob"):
            self.say(person, a.Approval, application=application, expires=self.now + 30 * DAY)
        return application

    def granted(self, application: bytes, max_uses: int = 2, **fields: Any) -> bytes:
        values: dict[str, Any] = {
            "grantee": "liwei",
            "seal": "company-seal",
            "seal_version": 1,
            "max_uses": max_uses,
            "valid_from": self.now,
            "valid_to": self.now + 7 * DAY,
            "application": application,
            "documents": (document("contract"),),
        }
        return self.say("olga", a.Grant, **(values | fields))

    def authorise(self, application: bytes, grant: bytes, label: str = "contract", user: str = "liwei") -> a.UseToken:
        return self.authority.authorise_use(
            application=application, grant=grant, user=user, document=document(label), now=self.now
        )

    def use(self, application: bytes, grant: bytes) -> bytes:
        token = self.authorise(application, grant)
        self.append(token.body, 0)
        self.say("gate", a.UseDelivered, use=token.use, document=document("sealed"), level="pades-b-b")
        return token.use
