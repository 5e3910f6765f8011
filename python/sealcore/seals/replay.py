"""From a ledger to the authority state: the same transition function that the gate used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from sealcore import authority as rules
from sealcore.errors import PolicyError

if TYPE_CHECKING:
    from sealcore.ledger import Entry
    from sealcore.seals.projection import Progress

__all__ = ["Entries", "event", "events", "replay"]

Event = tuple[int, int, int, str, bytes]
"""An entry as authority takes it: index, time in µs, row of the key table, kind, body."""

_STEP = 1000


class Entries(Protocol):
    """A ledger or a reader of one."""

    @property
    def size(self) -> int:
        """The number of entries."""
        ...

    def entry(self, index: int, /) -> Entry:
        """One entry."""
        ...


def event(entry: Entry) -> Event:
    """An entry as authority takes it."""
    return entry.index, entry.time, entry.key_idx, entry.type, entry.body


def events(
    ledger: Entries, start: int = 0, progress: Progress | None = None, *, stop: int | None = None
) -> Iterator[Event]:
    """The entries from `start` to `stop`, or to the end that the ledger has now."""
    size = ledger.size if stop is None else min(stop, ledger.size)
    for index in range(start, size):
        if progress is not None and index % _STEP == 0:
            progress(index, size)
        yield event(ledger.entry(index))
    if progress is not None:
        progress(size, size)


def replay(ledger: Entries, progress: Progress | None = None) -> rules.Authority:
    """The authority state after the last entry.

    Raises:
        PolicyError: If an entry was not authorised: somebody wrote to the ledger past the gate.
        LedgerError: If the ledger is damaged.
    """
    authority = rules.Authority(ledger.entry(0).body)
    try:
        authority.apply_many(events(ledger, 1, progress))
    except PolicyError as error:
        raise type(error)(
            f"entry {authority.next_index} of the ledger was not authorised: {error}; somebody wrote past the gate: "
            "audit the ledger before it is used",
            statement=error.statement,
            limit=error.limit,
            actual=error.actual,
        ) from None
    return authority
