"""Keys and small ledgers that the ledger tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import sealcore.ledger as ledgers
from sealcore.ledger import FOUNDER_KEY, Ledger, NewEntry
from sealcore.sign import SigningKey

ORIGIN = "example.com/seals"
HASHES = ("sha256", "sm3")


class World:
    """Keys that are the same in every run, and what is signed with them."""

    def __init__(self, hash: Literal["sha256", "sm3"]) -> None:
        self.hash = hash
        self.ledger_key = SigningKey.from_bytes("p256" if hash == "sha256" else "sm2", b"\x11" * 32)
        self.founder = SigningKey.from_bytes("p256", b"\x22" * 32)
        self.person = SigningKey.from_bytes("sm2", b"\x33" * 32)

    def create(self, path: Path) -> Ledger:
        return Ledger.create(
            path,
            origin=ORIGIN,
            ledger_key=self.ledger_key,
            founder_key=self.founder.verifying_key,
            hash=self.hash,
        )

    def statement(self, number: int, key: SigningKey | None = None, key_idx: int = FOUNDER_KEY) -> NewEntry:
        body = ledgers.encode_body({"kind": "note", "number": number, "text": "x" * (number % 50)})
        return NewEntry.sign(body, key or self.founder, key_idx=key_idx, hash=self.hash)

    def small(self, path: Path) -> list[ledgers.Receipt]:
        """Ten entries, with a key that comes in and goes."""
        with self.create(path) as ledger:
            receipts = [ledger.append(self.statement(1))]
            add = ledgers.key_add_body(self.person.verifying_key, ledger_id=ledger.id, label=b"l" * 32)
            entry = NewEntry.sign(add, self.founder, key_idx=1, hash=ledger.hash, type="key-add")
            receipts.append(ledger.append(entry))
            receipts += ledger.append_many([self.statement(n, self.person, 2) for n in (2, 3, 4)])
            revoke = ledgers.key_revoke_body(2, ledger_id=ledger.id)
            entry = NewEntry.sign(revoke, self.founder, key_idx=1, hash=ledger.hash, type="key-revoke")
            receipts.append(ledger.append(entry))
            receipts.append(ledger.append(ledger.sign(ledgers.encode_body({"kind": "gate"}))))
            receipts += ledger.append_many([self.statement(n) for n in (5, 6)])
        return receipts
