"""What a service process uses: submit signed entries, get receipts."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from types import TracebackType

from sealcore import errors
from sealcore.ledger import NewEntry, Receipt
from sealcore.sequencer.coordination import Coordination, Standing, Submission
from sealcore.sequencer.postgres import is_away
from sealcore.sign import VerifyingKey

__all__ = ["SharedLedger"]

MAX_ENTRIES = 1000
"""The most entries in one submission."""

_LOOK_AGAIN_SECONDS = 1.0
_PAUSE_SECONDS = 0.2


class SharedLedger:
    """A shared ledger as its clients see it. A context manager; for one thread.

    Args:
        dsn: A connection string of libpq.
        origin: The ledger's name.
        ledger_key: The key that signs its checkpoints: every receipt is verified with it before it is given out.

    Raises:
        InvalidArgument: If the string cannot be one.
    """

    def __init__(self, dsn: str, *, origin: str, ledger_key: VerifyingKey) -> None:
        self._dsn = dsn
        self._origin = origin
        self._key = ledger_key
        self._store: Coordination | None = None

    def append(self, entry: NewEntry, *, request: bytes | None = None, timeout: float = 60.0) -> Receipt:
        """Append one entry; as `append_many`."""
        return self.append_many([entry], request=request, timeout=timeout)[0]

    def append_many(
        self, entries: Sequence[NewEntry], *, request: bytes | None = None, timeout: float = 60.0
    ) -> list[Receipt]:
        """Append entries, all or none, next to each other; returns when they are durable and count.

        Who has lost the answer (a crash, a timeout) calls this again with the same request and the same entries: they
        are appended once, and the receipts are the same.

        Args:
            entries: 1 to 1000 signed entries.
            request: 1 to 64 bytes that name this submission and no other; keep them where a crash does not take them.
                None: random ones, which the exception carries.
            timeout: How many seconds to wait for the answer.

        Raises:
            LedgerUnavailable: If there was no answer in time. The submission stays in the queue.
            InputError: If an entry cannot be one, or the request was used for other entries; nothing was appended.
            InvalidSignature: If a signature does not verify with the key of its row; nothing was appended.
            StorageError: If PostgreSQL is there and refuses.
        """
        request = secrets.token_bytes(16) if request is None else bytes(request)
        if not 1 <= len(request) <= 64:
            raise errors.InvalidLength(
                f"request: 1 to 64 bytes, got {len(request)}", field="request", expected=64, actual=len(request)
            )
        if not 1 <= len(entries) <= MAX_ENTRIES:
            raise errors.InvalidLength(
                f"entries: 1 to {MAX_ENTRIES} in one submission, got {len(entries)}",
                field="entries",
                expected=MAX_ENTRIES,
                actual=len(entries),
            )
        submission = Submission(request, tuple(entries))
        deadline = time.monotonic() + timeout
        lost: errors.StorageError | None = None
        while True:
            try:
                return self._ask(submission, deadline)
            except errors.StorageError as error:
                if not is_away(error):
                    raise
                # Whether it was submitted is not known: asking again does no harm.
                self.close()
                lost = error
            if time.monotonic() + _PAUSE_SECONDS >= deadline:
                raise _unanswered(request, timeout) from lost
            time.sleep(_PAUSE_SECONDS)

    def _ask(self, submission: Submission, deadline: float) -> list[Receipt]:
        started = time.monotonic()
        store = self._connected()
        store.submit(submission)
        while True:
            answer = store.answer(submission.request)
            if answer is not None:
                break
            rest = deadline - time.monotonic()
            if rest <= 0:
                raise _unanswered(submission.request, deadline - started)
            store.wait(min(rest, _LOOK_AGAIN_SECONDS))
        if answer.receipts is None:
            refusal = answer.refusal or {}
            kind = getattr(errors, str(refusal.get("type")), errors.LedgerError)
            raise kind(str(refusal.get("message", "refused")), **refusal.get("fields", {}))
        for receipt in answer.receipts:
            receipt.verify(origin=self._origin, key=self._key)
        return list(answer.receipts)

    def standing(self) -> Standing:
        """Who leads, and the newest checkpoint.

        Raises:
            StorageError: If PostgreSQL cannot be reached.
            InvalidArgument: If it does not know the ledger.
        """
        return self._connected().standing()

    def _connected(self) -> Coordination:
        if self._store is None:
            self._store = Coordination(self._dsn, self._origin)
            self._store.listen("answers")
        return self._store

    def close(self) -> None:
        """Let the connection go."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def __enter__(self) -> SharedLedger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _unanswered(request: bytes, seconds: float) -> errors.LedgerUnavailable:
    return errors.LedgerUnavailable(
        f"request {request.hex()}: no answer within {seconds:.1f} s; is a sequencer running? The submission stays in "
        "the queue: ask again with the same request",
        request=request,
    )
