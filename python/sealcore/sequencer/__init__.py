"""One ledger, several service processes: a sequencer appends, PostgreSQL says which process that is.

Every process may run a :class:`Sequencer`; one of them leads, the others stand by. Clients (:class:`SharedLedger`) put
signed entries into a queue in PostgreSQL and get receipts; who has lost an answer asks again and gets the same one.
Each leader has an epoch, and writes into a directory of that epoch. A commit counts when PostgreSQL has taken its
checkpoint as the newest, which it does for the newest epoch alone: a leader who was stopped and wakes up after another
has taken over writes into files that are no part of the ledger any more, and is told so. The argument is in
``core/docs/ledger-format.md``, "Several writers". What a statement means is not decided here.

The only room that imports psycopg: ``pip install "sealcore[postgres]"``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sealcore.sequencer.client import SharedLedger
    from sealcore.sequencer.coordination import Coordination, Standing
    from sealcore.sequencer.founding import create_shared, share
    from sealcore.sequencer.leader import Sequencer

__all__ = ["Coordination", "Sequencer", "SharedLedger", "Standing", "create_shared", "share"]

_HOMES = {
    "Coordination": "coordination",
    "Sequencer": "leader",
    "SharedLedger": "client",
    "Standing": "coordination",
    "create_shared": "founding",
    "share": "founding",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
