"""What the ledger says of erased values: REDACT entries, and where the commitments that they name stand.

A REDACT entry names an earlier entry, its statement, and the commitments in it behind which no value is kept any more.
It is signed by the office or its founder and says why behind a commitment of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Any

from sealcore import ledger as ledgers
from sealcore.seals.replay import Entries, events

__all__ = ["Redaction", "places_of", "redacted_by", "redactions"]


@dataclass(frozen=True, slots=True)
class Redaction:
    """One REDACT entry.

    Attributes:
        index: Its index.
        time: Its time, µs since 1970-01-01 UTC.
        by: Who signed it: ``"gate"`` (the office) or ``"founder"``, or the row of the key table.
        entry: The index of the entry whose values were erased.
        fields: The commitments.
        reason: The commitment to the reason; None when none was given.
        holds: Whether that entry is there, has that statement, and holds each of the commitments.
    """

    index: int
    time: int
    by: str
    entry: int
    fields: frozenset[bytes]
    reason: bytes | None
    holds: bool


_NAMES = {ledgers.LEDGER_KEY: "gate", ledgers.FOUNDER_KEY: "founder"}


def redactions(ledger: Entries, *, stop: int | None = None) -> Iterator[Redaction]:
    """The REDACT entries of a ledger, in order."""
    for index, time, row, kind, raw in events(ledger, stop=stop):
        if kind != "redact":
            continue
        body = ledgers.decode_body(raw)
        target, fields = body["entry"], frozenset(body["fields"])
        entry = ledger.entry(target) if target < index else None
        holds = (
            entry is not None
            and entry.statement == body["stmt"]
            and fields <= set(_commitments(ledgers.decode_body(entry.body)))
        )
        yield Redaction(index, time, _NAMES.get(row, f"key {row}"), target, fields, body.get("reason"), holds)


def redacted_by(ledger: Entries) -> set[bytes]:
    """Every commitment whose value the ledger says is erased."""
    return {field for redaction in redactions(ledger) if redaction.holds for field in redaction.fields}


def places_of(ledger: Entries, commitments: Set[bytes]) -> dict[int, set[bytes]]:
    """The entries that hold these commitments in their statements, and which of them."""
    places: dict[int, set[bytes]] = {}
    for index, _, _, kind, raw in events(ledger):
        # What a REDACT entry names is not its own.
        if kind != "redact" and any(value in raw for value in commitments):
            found = set(_commitments(ledgers.decode_body(raw))) & commitments
            if found:
                places[index] = found
    return places


def _commitments(value: Any) -> Iterator[bytes]:
    """The byte strings of 32 bytes in a body."""
    if isinstance(value, bytes):
        if len(value) == 32:
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _commitments(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _commitments(inner)
