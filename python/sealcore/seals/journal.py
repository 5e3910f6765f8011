"""The one way into the ledger: encode, check, sign, append, apply, show.

A statement is checked by authority before its author signs it and again when it takes its place, under one lock; the
append is durable before the state takes it, and the tables follow. Whatever interrupts this, the ledger is the truth:
what it holds beyond the state or the tables is replayed before the next statement.
"""

from __future__ import annotations

import logging
import threading
import time as clock
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sealcore import authority as rules
from sealcore import ledger as ledgers
from sealcore.errors import (
    InputError,
    InvalidArgument,
    InvalidSignature,
    LedgerError,
    RootMismatch,
    StorageError,
    UnknownReference,
)
from sealcore.seals.authors import GATE, Author, KeyTableRow
from sealcore.seals.details import Details, Secret
from sealcore.seals.projection import Happened, Progress, Projection, Shown, Touched, touched_by
from sealcore.seals.redactions import places_of, redacted_by
from sealcore.seals.replay import events
from sealcore.seals.results import Recorded
from sealcore.seals.tables import microseconds, moment
from sealcore.sign import SigningKey, VerifyingKey

__all__ = ["Journal", "Taken"]

EntryKind = Literal["statement", "key-add", "key-revoke", "redact"]
_STATEMENT: EntryKind = "statement"
_KEY_ADD: EntryKind = "key-add"
_KEY_REVOKE: EntryKind = "key-revoke"
_KEY_ROTATE = "key-rotate"
_REDACT: EntryKind = "redact"
_MOST_FIELDS = 256
_LOOK_AGAIN_SECONDS = 0.2
_LOG = logging.getLogger("sealcore.seals")


@dataclass(frozen=True, slots=True)
class Taken:
    """A use that is in the ledger and waits for its end. Only `Journal.take` makes one."""

    use: bytes
    seal: str
    seal_version: int
    number: int
    of: int
    recorded: Recorded


class Journal:
    """The ledger, the authority state, the tables and the personal values of one office, kept in step.

    Args:
        ledger: The open ledger.
        office: The ledger's own key, with which the gate signs.
        authority: The state after the ledger's last entry.
        projection: The tables.
        details: The personal values.
    """

    def __init__(
        self,
        ledger: ledgers.Ledger,
        office: SigningKey,
        authority: rules.Authority,
        projection: Projection,
        details: Details,
    ) -> None:
        self._ledger = ledger
        self._office = office
        self._authority = authority
        self._projection = projection
        self._details = details
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        self._under_way: dict[bytes, threading.Thread] = {}
        self._shown = Shown(0, b"")
        self._closed = False

    @property
    def authority(self) -> rules.Authority:
        """The state after the last entry; for questions."""
        return self._authority

    @property
    def ledger(self) -> ledgers.Ledger:
        """The open ledger; for questions."""
        return self._ledger

    @property
    def projection(self) -> Projection:
        """The tables; for questions, after `catch_up`."""
        return self._projection

    # -- statements of persons ------------------------------------------------------------------------------------

    def make(self, kind: Callable[..., rules.Statement], author: Author, **fields: Any) -> rules.Statement:
        """A statement of this author for this ledger, which names the prefix that he has seen.

        Args:
            kind: The class of the statement.
            author: Who will sign.
            fields: The statement's own fields.
        """
        with self._lock:
            self._ready()
            seen = rules.Seen(size=self._ledger.size, root=self._ledger.root())
        return kind(by=author.holder, ledger=self._authority.ledger, seen=seen, **fields)

    def check(self, statement: rules.Statement, author: Author) -> None:
        """Ask authority whether it would take the statement now.

        Raises:
            PolicyError: If it would not.
        """
        with self._lock:
            self._ready()
            self._authority.check(statement.encode(), key_idx=author.row, time=self._now())

    def enter(self, statement: rules.Statement, author: Author, secrets: Iterable[Secret] = ()) -> Recorded:
        """Let the author sign a statement, and put it into the ledger.

        Args:
            statement: From `make`.
            author: Who signs.
            secrets: The values behind the statement's commitments.

        Raises:
            PolicyError: If authority refuses; nothing is signed, written or kept.
            LedgerError: If the ledger cannot be written; nothing of it counts.
        """
        return self._sign_and_enter(_STATEMENT, author, statement.encode(), statement, tuple(secrets))

    def state(
        self, kind: Callable[..., rules.Statement], author: Author, *, secrets: Iterable[Secret] = (), **fields: Any
    ) -> Recorded:
        """`make` and `enter` in one."""
        return self.enter(self.make(kind, author, **fields), author, secrets)

    def add_key(self, author: Author, key: VerifyingKey) -> Recorded:
        """Let a person add a row to the key table; it belongs to nobody until a `PersonKey` says whose it is.

        Raises:
            PolicyError: If authority refuses.
            LedgerError: If the ledger cannot be written.
        """
        body = ledgers.key_add_body(key, ledger_id=self._ledger.id)
        with self._lock:
            return self._sign_and_enter(_KEY_ADD, author, body, len(self._ledger.keys), ())

    def revoke_key(self, author: Author, row: int, secrets: Iterable[Secret]) -> Recorded:
        """Let a person end a row of the key table.

        Raises:
            PolicyError: If authority refuses.
            LedgerError: If the ledger cannot be written.
        """
        held = tuple(secrets)
        reason = held[0].commitment if held else None
        body = ledgers.key_revoke_body(row, ledger_id=self._ledger.id, reason=reason)
        return self._sign_and_enter(_KEY_REVOKE, author, body, row, held)

    # -- erasing --------------------------------------------------------------------------------------------------

    def redact(self, commitments: Iterable[bytes], reason: str) -> list[Recorded]:
        """Record that values are erased, then erase them: what a crash leaves undone, `recover` does.

        Returns:
            The REDACT entries, one for each entry that holds such a commitment; none if there was no value to erase.

        Raises:
            UnknownReference: If no entry of the ledger holds one of them.
            LedgerError: If the ledger cannot be written; then nothing is erased.
            StorageError: If the database cannot be written; the next start erases what the ledger says.
        """
        with self._lock:
            self._ready()
            wanted = set(commitments)
            places = places_of(self._ledger, wanted)
            unknown = wanted - {value for fields in places.values() for value in fields}
            if unknown:
                raise UnknownReference(f"commitment: no entry of the ledger holds {min(unknown).hex()}")
            held = self._details.held(wanted)
            recorded: list[Recorded] = []
            for index, fields in places.items():
                erased = sorted(fields & held)
                for start in range(0, len(erased), _MOST_FIELDS):
                    secret = self._details.commit("redact.reason", reason)
                    body = ledgers.redact_body(
                        index,
                        statement=self._ledger.entry(index).statement,
                        fields=erased[start : start + _MOST_FIELDS],
                        ledger_id=self._ledger.id,
                        reason=secret.commitment,
                    )
                    signature = self._office.sign(ledgers.statement_message(body, hash=self._ledger.hash))
                    now, row = self._now(), ledgers.LEDGER_KEY
                    recorded.append(self._enter(_REDACT, row, body, signature, what=None, now=now, secrets=(secret,)))
                    # The reason stays pending until the values are gone: that is how the next start knows.
                    self._details.erase(erased)
                    self._details.settle((secret,))
            return recorded

    # -- uses of seals, stated by the gate ------------------------------------------------------------------------

    def would_authorise(self, **request: Any) -> rules.UseToken:
        """Ask authority whether a use would be authorised now; takes nothing.

        Raises:
            PolicyError: If it would not.
        """
        with self._lock:
            self._ready()
            return self._authority.authorise_use(now=self._now(), **request)

    def take(self, **request: Any) -> Taken:
        """Take one use: authorise it and put it into the ledger, durably, before anything is sealed.

        Every taken use is ended by `deliver` or `fail`; what a crash leaves open, `recover` ends.

        Raises:
            PolicyError: If authority refuses; nothing is taken.
            LedgerError: If the ledger cannot be written; nothing is taken.
        """
        with self._lock:
            self._ready()
            token = self._authority.authorise_use(now=self._now(), **request)
            self._under_way[token.use] = threading.current_thread()
            try:
                recorded = self._enter_by_office(token.body, rules.decode(token.body), moment(token.time))
            except BaseException:
                self._under_way.pop(token.use, None)
                raise
        return Taken(token.use, token.seal, token.seal_version, token.number, token.of, recorded)

    def deliver(self, taken: Taken, document: rules.Digests, level: str) -> Recorded:
        """End a use: the document was sealed.

        Raises:
            LedgerError: If the ledger cannot be written; the use stays open.
        """
        return self._end(taken.use, rules.UseDelivered, document=document, level=level)

    def fail(self, taken: Taken, reason: str) -> Recorded:
        """End a use: nothing was delivered.

        Args:
            taken: The use.
            reason: One of `sealcore.seals.queries.FAILURES`.

        Raises:
            LedgerError: If the ledger cannot be written; the use stays open.
        """
        return self._end(taken.use, rules.UseFailed, reason=reason)

    # -- keeping in step ------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """At the start: bring the tables up to date, and close what a crash left open.

        A use without an end becomes a failed one; personal values whose statement never reached the ledger are removed.

        Raises:
            RootMismatch: If the tables showed more than the ledger holds, or another one: no crash does that.
            LedgerError: If the ledger cannot be written.
            StorageError: If a database cannot be written.
        """
        with self._lock:
            shown = self._projection.shown()
            if shown is None:
                self._rebuild(None)
            elif shown.size > self._ledger.size or self._ledger.root(shown.size) != shown.root:
                raise RootMismatch(
                    f"{self._projection.database.name} showed {shown.size} entries, and this ledger of "
                    f"{self._ledger.size} does not begin with them: the ledger was cut or put back, or the database is "
                    "another's. Compare the ledger with a checkpoint kept elsewhere (sealcore ledger verify "
                    "--checkpoint); if it is the right one, accept it with: sealcore db rebuild",
                    tree_size=shown.size,
                )
            else:
                self._shown = shown
                self._show({})
            for record in self._authority.open_uses():
                self._end(record.id, rules.UseFailed, reason="closed-at-restart")
            pending = self._details.pending()
            if pending:
                held = {value for value in pending if any(value in e[4] for e in events(self._ledger))}
                left = self._details.held(redacted_by(self._ledger))
                if left:
                    self._details.erase(left)
                self._details.settle_pending(held)

    def key_table(self) -> list[KeyTableRow]:
        """The ledger's key table now."""
        with self._lock:
            self._ready()
            keys = self._ledger.keys
            records = self._authority.keys()
            return [
                KeyTableRow(record.row, record.holder, keys[record.row].key, record.revoked is not None)
                for record in records
            ]

    def names_of(self, person: str) -> list[bytes]:
        """The commitments to every name that a person has had."""
        mark = person.encode("ascii")
        bodies = (e[4] for e in events(self._ledger) if e[3] == _STATEMENT and mark in e[4])
        statements = (rules.decode(body) for body in bodies)
        return [s.name for s in statements if isinstance(s, rules.Person) and s.id == person]

    def catch_up(self) -> None:
        """Bring the state and the tables to the end of the ledger.

        Raises:
            StorageError: If the tables cannot be written.
        """
        with self._lock:
            self._ready()
            self._show({})

    def rebuild(self, progress: Progress | None = None) -> int:
        """Write the tables anew from the ledger.

        Returns:
            The number of entries.

        Raises:
            StorageError: If the tables cannot be written; then they are as before.
        """
        with self._lock:
            self._ready()
            return self._rebuild(progress)

    def close(self) -> None:
        """Wait for the uses that are under way, then let the ledger go."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            here = threading.current_thread()
            while any(thread is not here and thread.is_alive() for thread in self._under_way.values()):
                self._idle.wait(_LOOK_AGAIN_SECONDS)
            with suppress(LedgerError):
                for record in self._authority.open_uses():
                    self._end(record.id, rules.UseFailed, reason="interrupted")
            self._ledger.close()
            self._projection.close()
            self._details.close()

    # -- one entry ------------------------------------------------------------------------------------------------

    def _sign_and_enter(
        self, kind: EntryKind, author: Author, body: bytes, what: rules.Statement | int, secrets: tuple[Secret, ...]
    ) -> Recorded:
        with self._lock:
            self._ready()
            self._authority.check(body, key_idx=author.row, time=self._now(), kind=kind)
        # Outside the lock: a slow token of one person does not hold up the others.
        signature = author.signer.sign(ledgers.statement_message(body, hash=self._ledger.hash))
        with self._lock:
            self._ready()
            now = self._now()
            self._authority.check(body, key_idx=author.row, time=now, kind=kind)
            return self._enter(kind, author.row, body, signature, what=what, now=now, secrets=secrets)

    def _enter_by_office(self, body: bytes, statement: rules.Statement, now: datetime) -> Recorded:
        signature = self._office.sign(ledgers.statement_message(body, hash=self._ledger.hash))
        return self._enter(_STATEMENT, ledgers.LEDGER_KEY, body, signature, what=statement, now=now)

    def _end(self, use: bytes, kind: Callable[..., rules.Statement], **fields: Any) -> Recorded:
        with self._lock:
            try:
                self._catch_up_state()
                statement = kind(by=GATE, ledger=self._authority.ledger, use=use, **fields)
                return self._enter_by_office(statement.encode(), statement, self._now())
            finally:
                self._under_way.pop(use, None)
                self._idle.notify_all()

    def _enter(
        self,
        kind: EntryKind,
        row: int,
        body: bytes,
        signature: bytes,
        *,
        what: rules.Statement | int | None,
        now: datetime,
        secrets: tuple[Secret, ...] = (),
    ) -> Recorded:
        """Append, apply, show; the caller holds the lock and has had it checked."""
        self._details.store(secrets)
        try:
            entry = ledgers.NewEntry(body, signature, key_idx=row, type=kind)
            receipt = self._ledger.append(entry, time=microseconds(now))
        except (InputError, InvalidSignature):
            # Nothing was written. After an error of the disk that is not known before the next start, which settles it.
            self._details.discard(secrets)
            raise
        if receipt.index != self._authority.next_index:
            # A segment of the ledger began: its own entry stands before this one.
            self._authority.apply_many(events(self._ledger, self._authority.next_index, stop=receipt.index))
        self._authority.apply(body, index=receipt.index, key_idx=row, time=now, kind=kind)
        statement = None if isinstance(what, int) else what
        happened = Happened(receipt.statement, statement, (what,) if isinstance(what, int) else ())
        self._follow({receipt.index: happened}, () if kind == _REDACT else secrets)
        return Recorded(
            kind=kind if statement is None else statement.kind,
            id=str(what if what is not None else receipt.index)
            if statement is None
            else getattr(statement, "id", receipt.statement.hex()),
            index=receipt.index,
            time=now,
            statement=receipt.statement.hex(),
            receipt=receipt,
        )

    def _follow(self, fresh: dict[int, Happened], secrets: tuple[Secret, ...]) -> None:
        """Let the databases follow; the entry counts already, so what fails here is said and done with the next one."""
        try:
            self._details.settle(secrets)
            self._show(fresh)
        except StorageError as error:
            _LOG.warning("%s; the ledger holds entry %d, the database follows later", error, self._ledger.size - 1)

    def _ready(self) -> None:
        if self._closed:
            raise InvalidArgument("registry: it is closed; open it again", field="registry")
        self._catch_up_state()

    def _catch_up_state(self) -> None:
        """Apply what the ledger holds beyond the state: an interrupt fell between the two."""
        if self._authority.next_index != self._ledger.size:
            self._authority.apply_many(events(self._ledger, self._authority.next_index))

    def _show(self, fresh: dict[int, Happened]) -> None:
        """Bring the tables to the end of the state."""
        now = self._prefix()
        if self._shown == now:
            return
        touched: list[Touched] = []
        for index in range(self._shown.size, now.size):
            touched += touched_by(
                self._authority, fresh.get(index) or _happened(self._authority, self._ledger.entry(index))
            )
        if self._projection.update(self._authority, touched, self._shown, now):
            self._shown = now
        else:
            self._rebuild(None)

    def _rebuild(self, progress: Progress | None) -> int:
        now = self._prefix()
        self._projection.rebuild(self._authority, now, progress)
        self._shown = now
        return now.size

    def _prefix(self) -> Shown:
        return Shown(self._ledger.size, self._ledger.root())

    def _now(self) -> datetime:
        """The time of the next entry: the clock's, but never before the last entry."""
        now = moment(clock.time_ns() // 1000)
        last = self._authority.last_time
        return now if last is None or last <= now else last


def _happened(authority: rules.Authority, entry: ledgers.Entry) -> Happened:
    """An applied entry as the tables see it."""
    if entry.type == _STATEMENT:
        return Happened(entry.statement, rules.decode(entry.body))
    rows = tuple(key.row for key in list(authority.keys()) if key.index == entry.index)
    if entry.type in {_KEY_REVOKE, _KEY_ROTATE}:
        rows += (ledgers.decode_body(entry.body)["key_idx"],)
    return Happened(entry.statement, None, rows)
