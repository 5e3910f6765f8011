"""What PostgreSQL keeps of a shared ledger: who leads, its newest checkpoint, and the queue of submissions.

The tiny row of a ledger is the trusted part: it must never be put back to an older state (with replicas: commit
synchronously). Each function here is one statement, so that a process that is stopped anywhere holds no lock. Only the
clock of PostgreSQL is looked at, and nothing that is safe depends on it: it only says when others may take over.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, cast

from sealcore.errors import InvalidArgument, LedgerFenced
from sealcore.ledger import Checkpoint, LedgerReader, NewEntry, Receipt
from sealcore.sequencer.postgres import Connection, connect, said, server_name

__all__ = ["Answer", "Coordination", "Standing", "Submission", "Term"]

_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS sealcore_ledger (
        origin text PRIMARY KEY,
        id bytea NOT NULL UNIQUE CHECK (octet_length(id) = 32),
        epoch bigint NOT NULL,
        home bigint NOT NULL CHECK (home <= epoch),
        holder text,
        expires timestamptz NOT NULL,
        size bigint NOT NULL,
        root bytea NOT NULL CHECK (octet_length(root) = 32),
        checkpoint text NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS sealcore_submission (
        number bigint GENERATED ALWAYS AS IDENTITY,
        origin text NOT NULL REFERENCES sealcore_ledger,
        request bytea NOT NULL CHECK (octet_length(request) BETWEEN 1 AND 64),
        types text[] NOT NULL,
        rows bigint[] NOT NULL,
        bodies bytea[] NOT NULL,
        signatures bytea[] NOT NULL,
        submitted timestamptz NOT NULL DEFAULT clock_timestamp(),
        answered timestamptz,
        receipts text,
        refusal text,
        PRIMARY KEY (origin, request)
    )
    """,
    """
    CREATE INDEX IF NOT EXISTS sealcore_submission_waiting
    ON sealcore_submission (origin, number) WHERE answered IS NULL
    """,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the coordination store knows of a ledger.

    Attributes:
        origin: The ledger's name.
        id: Its id.
        epoch: The newest epoch that anybody has led.
        home: The epoch whose directory holds what counts.
        holder: Who leads, or led last.
        expires: Until when nobody else may take over, by the clock of PostgreSQL.
        leading: Whether that is still to come.
        size: How many entries count.
        root: Their root.
        checkpoint: The signed checkpoint of them.
        waiting: Submissions that have no answer yet.
    """

    origin: str
    id: bytes
    epoch: int
    home: int
    holder: str | None
    expires: datetime
    leading: bool
    size: int
    root: bytes
    checkpoint: str
    waiting: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values; hashes in hexadecimal."""
        return {
            "origin": self.origin,
            "id": self.id.hex(),
            "epoch": self.epoch,
            "home": self.home,
            "holder": self.holder,
            "expires": self.expires.isoformat(),
            "leading": self.leading,
            "size": self.size,
            "root": self.root.hex(),
            "checkpoint": self.checkpoint,
            "waiting": self.waiting,
        }


@dataclass(frozen=True, slots=True)
class Term:
    """An epoch that this process leads: the fencing token, and what it takes over."""

    epoch: int
    home: int
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """Entries of one client, which become durable together or not at all."""

    request: bytes
    entries: tuple[NewEntry, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a submission: receipts, or the exception's class, sentence and fields."""

    receipts: tuple[Receipt, ...] | None
    refusal: dict[str, Any] | None


class Coordination:
    """One ledger's row and queue, over one connection. For one thread.

    Args:
        dsn: A connection string of libpq.
        origin: The ledger's name.

    Raises:
        InvalidArgument: If the string cannot be one, or the server would lose what it has confirmed.
        StorageError: If the server cannot be reached; so for every method.
    """

    def __init__(self, dsn: str, origin: str) -> None:
        self._name = server_name(dsn)
        self._origin = origin
        self._connection: Connection = connect(dsn)

    @property
    def name(self) -> str:
        """What errors call the server."""
        return self._name

    def __enter__(self) -> Coordination:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()

    def _rows(self, operation: str, statement: str, **values: object) -> list[tuple[Any, ...]]:
        with said(operation, self._name), self._connection.cursor(binary=True) as cursor:
            # The statements are constants of this file.
            cursor.execute(cast("Any", statement), {"origin": self._origin, **values})
            return cast("list[tuple[Any, ...]]", cursor.fetchall()) if cursor.description else []

    # -- the ledger -----------------------------------------------------------------------------------------------

    def found(self, reader: LedgerReader) -> None:
        """Make the tables, and the row of a ledger whose directory is that of epoch 1.

        Raises:
            InvalidArgument: If another ledger of this name is there.
        """
        for statement in _SCHEMA:
            self._rows("make the tables", statement)
        checkpoint = _opened(reader)
        self._rows(
            "register the ledger",
            """
            INSERT INTO sealcore_ledger (origin, id, epoch, home, expires, size, root, checkpoint)
            VALUES (%(origin)s, %(id)s, 1, 1, '-infinity', %(size)s, %(root)s, %(checkpoint)s)
            ON CONFLICT DO NOTHING
            """,
            id=reader.id,
            size=checkpoint.size,
            root=checkpoint.root,
            checkpoint=reader.checkpoint,
        )
        if self.standing().id != reader.id:
            raise InvalidArgument(
                f"origin: {self._name} coordinates another ledger of the name {self._origin}", field="origin"
            )

    def standing(self) -> Standing:
        """What is known of the ledger now.

        Raises:
            InvalidArgument: If it is not known here.
        """
        rows = self._rows(
            "read the ledger",
            """
            SELECT id, epoch, home, holder, greatest(expires, 'epoch'), expires > clock_timestamp(), size, root,
                   checkpoint, (SELECT count(*) FROM sealcore_submission WHERE origin = %(origin)s AND answered IS NULL)
            FROM sealcore_ledger WHERE origin = %(origin)s
            """,
        )
        if not rows:
            raise InvalidArgument(
                f"origin: {self._name} coordinates no ledger {self._origin}; see sealcore sequencer create",
                field="origin",
            )
        return Standing(self._origin, *rows[0])

    # -- leading --------------------------------------------------------------------------------------------------

    def take_over(self, holder: str, lease: float) -> Term | None:
        """Begin a new epoch, when nobody leads or this holder did.

        From then on no commit of an older epoch counts.

        Args:
            holder: Who asks; unique to the process.
            lease: For how many seconds nobody else may take over.

        Returns:
            The epoch, or None while another one leads.
        """
        rows = self._rows(
            "take the lease",
            """
            UPDATE sealcore_ledger SET epoch = epoch + 1, holder = %(holder)s,
                   expires = clock_timestamp() + make_interval(secs => %(lease)s)
            WHERE origin = %(origin)s AND (expires <= clock_timestamp() OR holder = %(holder)s)
            RETURNING epoch, home, size, root
            """,
            holder=holder,
            lease=lease,
        )
        return Term(*rows[0]) if rows else None

    def renew(self, term: Term, lease: float) -> None:
        """Keep others from taking over for some more seconds.

        Raises:
            LedgerFenced: If another epoch has begun.
        """
        rows = self._rows(
            "renew the lease",
            """
            UPDATE sealcore_ledger SET expires = clock_timestamp() + make_interval(secs => %(lease)s)
            WHERE origin = %(origin)s AND epoch = %(epoch)s RETURNING 1
            """,
            epoch=term.epoch,
            lease=lease,
        )
        self._held(rows, term)

    def move_in(self, term: Term) -> None:
        """The directory of this epoch is whole and durable: from now on it holds what counts.

        Raises:
            LedgerFenced: If another epoch has begun.
        """
        rows = self._rows(
            "move to the new directory",
            "UPDATE sealcore_ledger SET home = epoch WHERE origin = %(origin)s AND epoch = %(epoch)s RETURNING 1",
            epoch=term.epoch,
        )
        self._held(rows, term)

    def let_go(self, term: Term) -> None:
        """Let others take over at once."""
        self._rows(
            "give the lease back",
            "UPDATE sealcore_ledger SET expires = '-infinity' WHERE origin = %(origin)s AND epoch = %(epoch)s",
            epoch=term.epoch,
        )

    def commit(self, term: Term, *, before: int, note: str, answers: Sequence[tuple[bytes, Sequence[Receipt]]]) -> None:
        """The fence: take a checkpoint as the newest and answer the submissions in it, both or neither.

        Args:
            term: The epoch that commits.
            before: The size that it extends.
            note: The signed checkpoint.
            answers: The receipts, by request.

        Raises:
            LedgerFenced: If another epoch has begun, or one of the submissions was answered already.
            StorageError: If nobody knows whether it counts; the next epoch will.
        """
        checkpoint = Checkpoint.read_unverified(note)
        rows = self._rows(
            "commit",
            """
            WITH passed AS (
                UPDATE sealcore_ledger SET size = %(size)s, root = %(root)s, checkpoint = %(note)s
                WHERE origin = %(origin)s AND epoch = %(epoch)s AND home = %(epoch)s AND size = %(before)s
                  AND (SELECT count(*) FROM sealcore_submission
                       WHERE origin = %(origin)s AND request = ANY(%(requests)s::bytea[]) AND answered IS NULL)
                      = %(count)s
                RETURNING 1
            ), answered AS (
                UPDATE sealcore_submission AS asked SET answered = clock_timestamp(), receipts = given.receipts
                FROM unnest(%(requests)s::bytea[], %(receipts)s::text[]) AS given (request, receipts)
                WHERE asked.origin = %(origin)s AND asked.request = given.request AND EXISTS (SELECT FROM passed)
                RETURNING 1
            )
            SELECT (SELECT count(*) FROM answered), pg_notify(%(channel)s, '') FROM passed
            """,
            epoch=term.epoch,
            before=before,
            note=note,
            root=checkpoint.root,
            size=checkpoint.size,
            requests=[request for request, _ in answers],
            receipts=[json.dumps([receipt.to_dict() for receipt in receipts]) for _, receipts in answers],
            count=len(answers),
            channel=self._channel("answers"),
        )
        self._held(rows, term)

    def refuse(self, term: Term, request: bytes, refusal: dict[str, Any]) -> None:
        """Answer a submission that can be no part of the ledger.

        Raises:
            LedgerFenced: If another epoch has begun: its leader judges.
        """
        rows = self._rows(
            "refuse",
            """
            WITH mine AS (SELECT FROM sealcore_ledger WHERE origin = %(origin)s AND epoch = %(epoch)s FOR SHARE),
            refused AS (
                UPDATE sealcore_submission SET answered = clock_timestamp(), refusal = %(refusal)s
                WHERE origin = %(origin)s AND request = %(request)s AND answered IS NULL AND EXISTS (SELECT FROM mine)
                RETURNING 1
            )
            SELECT pg_notify(%(channel)s, '') FROM refused
            """,
            epoch=term.epoch,
            request=request,
            refusal=json.dumps(refusal),
            channel=self._channel("answers"),
        )
        self._held(rows, term)

    def _held(self, rows: list[tuple[Any, ...]], term: Term) -> None:
        if not rows:
            raise LedgerFenced(f"{self._name}: epoch {term.epoch} of {self._origin} is over: another process leads")

    # -- the queue ------------------------------------------------------------------------------------------------

    def waiting(self, limit: int) -> tuple[int, list[Submission]]:
        """The submissions that wait longest, and the time, µs since 1970-01-01 UTC by the clock of PostgreSQL."""
        rows = self._rows(
            "read the queue",
            """
            SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, request, types, rows, bodies, signatures
            FROM sealcore_submission WHERE origin = %(origin)s AND answered IS NULL ORDER BY number LIMIT %(limit)s
            """,
            limit=limit,
        )
        return (rows[-1][0] if rows else 0), [_submission(row[1:]) for row in rows]

    def submit(self, submission: Submission) -> None:
        """Put a submission into the queue, unless one with its request is there.

        Raises:
            InvalidArgument: If that one is of other entries.
        """
        types, numbers, bodies, signatures = _columns(submission.entries)
        rows: list[tuple[Any, ...]] = []
        # Where another connection is adding the same request, it is there now, and was not yet for this statement.
        while not rows:
            rows = self._rows(
                "submit",
                """
                WITH added AS (
                    INSERT INTO sealcore_submission (origin, request, types, rows, bodies, signatures)
                    VALUES (%(origin)s, %(request)s, %(types)s::text[], %(rows)s::bigint[], %(bodies)s::bytea[],
                            %(signatures)s::bytea[])
                    ON CONFLICT DO NOTHING RETURNING 1
                )
                SELECT true, pg_notify(%(channel)s, '') FROM added
                UNION ALL
                SELECT types = %(types)s::text[] AND rows = %(rows)s::bigint[] AND bodies = %(bodies)s::bytea[]
                       AND signatures = %(signatures)s::bytea[], NULL
                FROM sealcore_submission WHERE origin = %(origin)s AND request = %(request)s
                """,
                request=submission.request,
                types=types,
                rows=numbers,
                bodies=bodies,
                signatures=signatures,
                channel=self._channel("queue"),
            )
        if not rows[0][0]:
            raise InvalidArgument(
                f"request: {submission.request.hex()} was used for other entries; take a new one", field="request"
            )

    def answer(self, request: bytes) -> Answer | None:
        """What became of a submission; None while it waits, or when there is none."""
        rows = self._rows(
            "read the answer",
            """
            SELECT receipts, refusal FROM sealcore_submission
            WHERE origin = %(origin)s AND request = %(request)s AND answered IS NOT NULL
            """,
            request=request,
        )
        if not rows:
            return None
        receipts, refusal = (None if text is None else json.loads(text) for text in rows[0])
        return Answer(None if receipts is None else tuple(map(Receipt.from_dict, receipts)), refusal)

    def forget(self, seconds: float) -> int:
        """Remove answers that are older; who asks for them again would submit anew. Gives their number."""
        rows = self._rows(
            "remove old answers",
            """
            WITH old AS (
                DELETE FROM sealcore_submission WHERE origin = %(origin)s
                AND answered < clock_timestamp() - make_interval(secs => %(seconds)s) RETURNING 1
            )
            SELECT count(*) FROM old
            """,
            seconds=seconds,
        )
        return int(rows[0][0])

    def listen(self, what: str) -> None:
        """From now on `wait` notices the ``queue`` or the ``answers``."""
        with said("listen", self._name):
            self._connection.execute(cast("Any", f'LISTEN "{self._channel(what)}"'))

    def wait(self, seconds: float) -> None:
        """Wait until something happens to what was listened to, or the time is over."""
        with said("wait", self._name):
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                pass

    def _channel(self, what: str) -> str:
        # A name of PostgreSQL has at most 63 bytes.
        return f"sealcore {what} {self._origin}"[:63]


def _opened(reader: LedgerReader) -> Checkpoint:
    return Checkpoint.open(reader.checkpoint, key=reader.ledger_key)


def _columns(entries: Sequence[NewEntry]) -> tuple[list[str], list[int], list[bytes], list[bytes]]:
    return (
        [entry.type for entry in entries],
        [entry.key_idx for entry in entries],
        [entry.body for entry in entries],
        [entry.signature for entry in entries],
    )


def _submission(row: Sequence[Any]) -> Submission:
    request, *columns = row
    entries = (
        NewEntry(body, signature, key_idx=number, type=kind)
        for kind, number, body, signature in zip(*columns, strict=True)
    )
    return Submission(request, tuple(entries))
