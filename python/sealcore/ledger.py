"""The tamper-evident ledger: durable append, receipts, proofs, offline verification.

An entry is appended as a signed body: its author signs :func:`statement_message` (``"sealcore stmt v1"`` ‖ the
statement id) with a key that stands in the ledger's key table, and hands a :class:`NewEntry` to the one writer,
:class:`Ledger`. The writer gives it index, time and predecessor, makes it durable together with a signed checkpoint,
and only then returns a :class:`Receipt`: checkpoint and inclusion proof. :class:`LedgerReader` reads without a lock.
What a statement means is decided in :mod:`sealcore.authority`, not here.

Rows of the key table: 0 is the ledger's own key, 1 the founder's, then each ``key-add`` entry in order. Times are whole
microseconds since 1970-01-01 UTC. Hashes, statement ids and roots are 32 bytes, of SHA-256 or SM3 as the ledger says.

Example:
    >>> import tempfile, pathlib
    >>> from sealcore.sign import SigningKey
    >>> ledger_key, founder = SigningKey.generate("p256"), SigningKey.generate("sm2")
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "ledger"
    >>> with Ledger.create(path, origin="example.com/seals", ledger_key=ledger_key,
    ...                    founder_key=founder.verifying_key, hash="sha256") as ledger:
    ...     entry = NewEntry.sign(encode_body({"kind": "note", "text": "hello"}), founder, key_idx=1, hash=ledger.hash)
    ...     receipt = ledger.append(entry)
    >>> receipt.index
    1
    >>> receipt.verify(origin="example.com/seals", key=ledger_key.verifying_key)
    >>> reader = LedgerReader.open(path)
    >>> [decode_body(entry.body)["kind"] for entry in reader]
    ['genesis', 'note']

Source:
    RFC 6962 (tree and proofs), C2SP signed-note and tlog-checkpoint (checkpoints), RFC 8949 clause 4.2.1 (bodies);
    the whole format is in ``core/docs/ledger-format.md``.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from sealcore._core import (
    Checkpoint,
    Entry,
    KeyRow,
    Ledger,
    LedgerReader,
    NewEntry,
    Receipt,
    decode_body,
    encode_body,
    from_vkey,
    key_add_body,
    key_revoke_body,
    leaf_hash,
    statement_id,
    statement_message,
    to_vkey,
    verify_consistency,
    verify_inclusion,
)

__all__ = [
    "FOUNDER_KEY",
    "LEDGER_KEY",
    "Checkpoint",
    "Entry",
    "EntryType",
    "KeyRow",
    "Ledger",
    "LedgerReader",
    "NewEntry",
    "Receipt",
    "decode_body",
    "encode_body",
    "from_vkey",
    "key_add_body",
    "key_revoke_body",
    "leaf_hash",
    "statement_id",
    "statement_message",
    "to_vkey",
    "verify_consistency",
    "verify_inclusion",
]

EntryType: TypeAlias = Literal["genesis", "statement", "key-add", "key-revoke"]
"""The types of entries."""

LEDGER_KEY = 0
"""The row of the ledger's own key."""

FOUNDER_KEY = 1
"""The row of the founder's key."""
