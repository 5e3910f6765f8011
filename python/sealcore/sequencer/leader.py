"""The sequencer: leads, or stands by until nobody does."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import socket
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

from sealcore import errors
from sealcore.ledger import Checkpoint, Ledger, NoteSigner, Receipt
from sealcore.sequencer.coordination import Coordination, Submission, Term
from sealcore.sequencer.founding import epoch_directory
from sealcore.sequencer.postgres import is_away
from sealcore.sign import SigningKey

__all__ = ["Sequencer"]

_LOG = logging.getLogger("sealcore.sequencer")
_MAX_ENTRIES = 1000
_MAX_BYTES = 32 << 20
_LONGEST_PAUSE = 5.0
_OLD = re.compile(r"(?:epoch-(\d{10})|\.epoch-(\d{10})\.creating-[0-9a-f]{16})")


class Sequencer:
    """Appends what clients submit, while this process leads.

    Args:
        directory: The shared ledger, on a file system that every sequencer sees.
        dsn: A connection string of libpq.
        origin: The ledger's name.
        ledger_key: The key that signs its checkpoints.
        lease: For how many seconds nobody else may take over after this process was heard of last. Not a matter of
            safety: a short one is for a quick change, a long one for few changes.
        keep_answers: For how many seconds an answer can be asked for again; None: for ever.
        signers: Further signers of its checkpoints, named by the origin; the same in every sequencer.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        dsn: str,
        *,
        origin: str,
        ledger_key: SigningKey,
        lease: float = 10.0,
        keep_answers: float | None = None,
        signers: Sequence[NoteSigner] = (),
    ) -> None:
        if not 0.1 <= lease <= 3600:
            raise errors.InvalidArgument("lease: 0.1 to 3600 seconds", field="lease")
        self._directory = Path(directory)
        self._dsn = dsn
        self._origin = origin
        self._key = ledger_key
        self._lease = lease
        self._keep_answers = keep_answers
        self._signers = list(signers)
        self._holder = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}"
        self._leading = threading.Event()
        # Of the commit that is under way: whose entries are in it, and what it extends.
        self._under_way: Sequence[Submission] = ()
        self._size = 0

    @property
    def holder(self) -> str:
        """What the coordination store calls this process."""
        return self._holder

    @property
    def leading(self) -> bool:
        """Whether this process believes to lead. Whether it does is said by the fence at each commit."""
        return self._leading.is_set()

    def run(self, stop: threading.Event) -> None:
        """Lead or stand by until `stop` is set.

        What PostgreSQL or another leader does is waited for. What the disk or the ledger does ends this.

        Raises:
            LedgerCorrupt: If the ledger is damaged, or it or the coordination store was put back; so for RootMismatch.
            LedgerIOError: If the disk refuses. End the process: what a failed sync left is known after the next start.
            InvalidArgument: If the ledger is not known, or the server would lose what it has confirmed.
            StorageError: If PostgreSQL is there and refuses.
        """
        pause = 0.1
        while not stop.is_set():
            try:
                with Coordination(self._dsn, self._origin) as store:
                    store.standing()
                    store.listen("queue")
                    while not stop.is_set():
                        term = store.take_over(self._holder, self._lease)
                        if term is None:
                            stop.wait(self._lease / 4)
                            continue
                        pause = 0.1
                        self._lead(store, term, stop)
            except errors.LedgerFenced as error:
                cause = error.__cause__ or error
                if not isinstance(cause, errors.LedgerFenced) and not is_away(cause):
                    raise cause from None
                _LOG.warning("%s", cause)
            except errors.StorageError as error:
                if not is_away(error):
                    raise
                _LOG.warning("%s; trying again in %.1f s", error, pause)
            stop.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _lead(self, store: Coordination, term: Term, stop: threading.Event) -> None:
        _LOG.info("epoch %d of %s begins after %d entries", term.epoch, self._origin, term.size)
        over, lost = threading.Event(), threading.Event()
        heart = threading.Thread(target=self._beat, args=(term, over, lost), name="sealcore lease", daemon=True)
        heart.start()
        try:
            with self._succeed(store, term) as ledger:
                store.move_in(term)
                self._clean(term)
                self._leading.set()
                self._serve(store, term, ledger, stop, lost)
        except errors.LedgerError as error:
            # A newer leader removes the directories of older ones. If there is one, nothing else is wrong.
            if not isinstance(error, errors.LedgerFenced):
                store.renew(term, self._lease)
            raise
        finally:
            self._leading.clear()
            over.set()
            heart.join()
        store.let_go(term)

    def _succeed(self, store: Coordination, term: Term) -> Ledger:
        self._size = term.size

        def fence(note: str, receipts: list[Receipt]) -> None:
            rest = iter(receipts)
            answers = [(asked.request, [next(rest) for _ in asked.entries]) for asked in self._under_way]
            store.commit(term, before=self._size, note=note, answers=answers)
            self._size = Checkpoint.read_unverified(note).size

        return Ledger.succeed(
            epoch_directory(self._directory, term.home),
            epoch_directory(self._directory, term.epoch),
            size=term.size,
            root=term.root,
            ledger_key=self._key,
            fence=fence,
            signers=self._signers,
        )

    def _serve(
        self, store: Coordination, term: Term, ledger: Ledger, stop: threading.Event, lost: threading.Event
    ) -> None:
        last_time = ledger.entry(ledger.size - 1).time
        while not stop.is_set():
            if lost.is_set():
                store.renew(term, self._lease)
            now, submissions = store.waiting(_MAX_ENTRIES)
            if not submissions:
                if self._keep_answers is not None:
                    store.forget(self._keep_answers)
                store.wait(min(1.0, self._lease / 4))
                continue
            for group in _groups(submissions):
                last_time = self._append(store, term, ledger, group, max(now, last_time))

    def _append(self, store: Coordination, term: Term, ledger: Ledger, group: Sequence[Submission], time: int) -> int:
        """Append a group in one commit, or, when something in it cannot be, each submission on its own."""
        entries = [entry for submission in group for entry in submission.entries]
        self._under_way = group
        try:
            ledger.append_many(entries, time=time)
        except (errors.InputError, errors.InvalidSignature) as error:
            # Nothing was written.
            if len(group) > 1:
                for submission in group:
                    self._append(store, term, ledger, [submission], time)
            else:
                store.refuse(term, group[0].request, _refusal(error))
        return time

    def _beat(self, term: Term, over: threading.Event, lost: threading.Event) -> None:
        """Renew the lease until the term is over or lost; what goes wrong here costs the lease, never more."""
        while not over.is_set():
            try:
                with Coordination(self._dsn, self._origin) as store:
                    while not over.wait(self._lease / 4):
                        store.renew(term, self._lease)
            except errors.LedgerFenced:
                lost.set()
                return
            except errors.SealcoreError as error:
                _LOG.warning("the lease is not renewed: %s", error)
                over.wait(self._lease / 8)

    def _clean(self, term: Term) -> None:
        """Remove the directories of older epochs, which hold nothing that counts any more."""
        for path in self._directory.iterdir():
            match = _OLD.fullmatch(path.name)
            if match is not None and int(match[1] or match[2]) < term.epoch:
                # An old writer may be adding a file at this moment: then the next leader removes it.
                with contextlib.suppress(OSError):
                    shutil.rmtree(path)


def _groups(submissions: Sequence[Submission]) -> list[list[Submission]]:
    """Submissions that one commit takes."""
    groups: list[list[Submission]] = [[]]
    entries = size = 0
    for submission in submissions:
        length = sum(len(entry.body) + 200 for entry in submission.entries)
        if groups[-1] and (entries + len(submission.entries) > _MAX_ENTRIES or size + length > _MAX_BYTES):
            groups.append([])
            entries = size = 0
        groups[-1].append(submission)
        entries, size = entries + len(submission.entries), size + length
    return groups


def _refusal(error: errors.SealcoreError) -> dict[str, object]:
    fields = {name: getattr(error, name) for name in error._fields}
    return {"type": type(error).__name__, "message": str(error), "fields": fields}
