"""A sequencer in a process of its own, for tests: DIRECTORY DSN LEASE STOP_AT.

STOP_AT names a step of the leader at which the process stops itself, once, with SIGSTOP; the step after it is made when
somebody sends SIGCONT.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import Any

from ledger_world import ORIGIN, World

from sealcore.sequencer import Coordination, Sequencer

# Before the step: the method is entered. After it: PostgreSQL has done it, and the leader does not know yet.
STEPS = {"take_over", "move_in", "commit", "refuse"}


def stop_at(place: str) -> None:
    moment, _, name = place.partition("-")
    assert name in STEPS, place
    original = getattr(Coordination, name)
    done = threading.Event()

    def stopping(self: Coordination, *arguments: Any, **words: Any) -> Any:
        # A leader that has something to commit, or has become one.
        if moment == "before" and not done.is_set():
            done.set()
            os.kill(os.getpid(), signal.SIGSTOP)
        result = original(self, *arguments, **words)
        if moment == "after" and not done.is_set() and (name != "take_over" or result is not None):
            done.set()
            os.kill(os.getpid(), signal.SIGSTOP)
        return result

    setattr(Coordination, name, stopping)


def main(directory: str, dsn: str, lease: str, place: str) -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(message)s")
    if place:
        stop_at(place)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("ready", flush=True)
    world = World("sha256")
    Sequencer(directory, dsn, origin=ORIGIN, ledger_key=world.ledger_key, lease=float(lease)).run(stop)
    print("ended", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
