"""A witness (C2SP tlog-witness): cosigns the checkpoints of logs whose growth it has followed.

For each log it remembers the newest checkpoint that it has cosigned, and cosigns only what extends it. Check and memory
are one transaction, durable before the answer goes out; the memory must never be put back to an older state. It sees no
entries, only sizes and roots.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import sqlite3
import time as clock
from collections.abc import Callable, Iterable
from pathlib import Path

from sealcore.errors import InputError, InvalidArgument, InvalidProof, InvalidSignature, StorageError
from sealcore.ledger import Checkpoint, NoteKey, NoteSigner, verify_consistency
from sealcore.tlog.http import TEXT, Application, Environment, StartResponse, answer

__all__ = ["MAX_REQUEST", "Witness", "witness_application"]

MAX_REQUEST = 1 << 17
"""The longest request in bytes."""
_MAX_HASHES = 63
_SIZE = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,19})", re.ASCII)
_SCHEMA = "CREATE TABLE IF NOT EXISTS cosigned (origin TEXT PRIMARY KEY, size TEXT NOT NULL, root BLOB NOT NULL)"


class Witness:
    """A witness with its memory.

    Args:
        state: The SQLite file of what it has cosigned; made when it is not there.
        signer: Its key, of type cosignature.
        logs: The keys of the logs that it follows; their names are the origins.
        clock: The time in seconds since 1970-01-01 UTC.

    Raises:
        InvalidArgument: If the signer is no witness's, or a log's key is.
        StorageError: If the file cannot be opened.
    """

    def __init__(
        self,
        state: str | os.PathLike[str],
        signer: NoteSigner,
        logs: Iterable[NoteKey],
        *,
        clock: Callable[[], float] = clock.time,
    ) -> None:
        if signer.key.kind != "cosignature":
            raise InvalidArgument("signer: a witness signs with an Ed25519 key named as a witness's", field="signer")
        self._logs: dict[str, list[NoteKey]] = {}
        for key in logs:
            if key.kind == "cosignature":
                raise InvalidArgument(f"logs: {key.name!r} is the key of a witness", field="logs")
            self._logs.setdefault(key.name, []).append(key)
        self._signer = signer
        self._clock = clock
        self._path = Path(state)
        with self._connect() as connection:
            connection.execute(_SCHEMA)

    @property
    def key(self) -> NoteKey:
        """The public key."""
        return self._signer.key

    def add_checkpoint(self, request: bytes) -> tuple[int, str, bytes]:
        """Answer one request of the protocol.

        Args:
            request: The body: old size, consistency proof, an empty line, the checkpoint.

        Returns:
            The HTTP status, the content type, and the body: the cosignature line when the status is 200.

        Raises:
            StorageError: If the memory cannot be read or written; then nothing is cosigned.

        Source:
            C2SP tlog-witness, "add-checkpoint".
        """
        try:
            old, proof, note = _parse(request)
            checkpoint = Checkpoint.read_unverified(note)
        except (InputError, ValueError) as error:
            return 400, TEXT, f"{error}\n".encode()
        refused = self._refusal(old, checkpoint, note) or self._remember(old, proof, checkpoint)
        if refused is not None:
            return refused
        text = note[: note.rindex("\n\n") + 1]
        return 200, TEXT, self._signer.sign(text, time=int(self._clock())).encode()

    def _refusal(self, old: int, checkpoint: Checkpoint, note: str) -> tuple[int, str, bytes] | None:
        keys = self._logs.get(checkpoint.origin)
        if keys is None:
            return 404, TEXT, b"unknown log\n"
        if not any(_has_signed(key, note) for key in keys):
            return 403, TEXT, b"invalid signature: no trusted key of the log has signed the checkpoint\n"
        if old > checkpoint.size:
            return 400, TEXT, b"the old size is larger than the checkpoint\n"
        return None

    def _remember(self, old: int, proof: list[bytes], checkpoint: Checkpoint) -> tuple[int, str, bytes] | None:
        """Make this the newest checkpoint of its log; or the answer that refuses it."""
        origin = checkpoint.origin
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            row = connection.execute("SELECT size, root FROM cosigned WHERE origin = ?", (origin,)).fetchone()
            size, root = (0, b"") if row is None else (int(row[0]), bytes(row[1]))
            if old != size or (checkpoint.size == size and row is not None and checkpoint.root != root):
                return 409, _SIZE, f"{size}\n".encode()
            try:
                _extends(size, root, proof, checkpoint)
            except InvalidProof as error:
                return 422, TEXT, f"consistency proof: {error}\n".encode()
            connection.execute(
                "INSERT INTO cosigned VALUES (?, ?, ?) ON CONFLICT (origin) DO UPDATE SET size = excluded.size, "
                "root = excluded.root",
                (origin, str(checkpoint.size), checkpoint.root),
            )
            connection.execute("COMMIT")
        return None

    def _connect(self) -> _Transaction:
        return _Transaction(self._path)


class _Transaction:
    """A connection whose open transaction is taken back; every error is a `StorageError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
            self._connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error as error:
            raise self._failed(error) from None
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        # Closing takes back what was not committed.
        self._connection.close()
        if isinstance(error, sqlite3.Error):
            raise self._failed(error) from None

    def _failed(self, error: sqlite3.Error) -> StorageError:
        return StorageError(
            f"state: {self._path} cannot be used: {error}; the witness cosigns nothing without it",
            operation="write",
            path=str(self._path),
            errno=None,
        )


def _parse(request: bytes) -> tuple[int, list[bytes], str]:
    """Old size, proof and note of a request."""
    if len(request) > MAX_REQUEST:
        raise ValueError(f"the request is longer than {MAX_REQUEST} bytes")
    head, blank, note = request.decode("utf-8").partition("\n\n")
    if not blank:
        raise ValueError("no empty line between the proof and the checkpoint")
    first, *lines = head.split("\n")
    match = _OLD.fullmatch(first)
    if match is None or int(match[1]) >= 1 << 64:
        raise ValueError("the first line must be the word old and a plain decimal size")
    if len(lines) > _MAX_HASHES:
        raise ValueError("more than 63 hashes")
    try:
        proof = [base64.b64decode(line, validate=True) for line in lines]
    except binascii.Error:
        raise ValueError("a hash of the proof is not base64") from None
    return int(match[1]), proof, note


def _has_signed(key: NoteKey, note: str) -> bool:
    try:
        key.open(note)
    except InvalidSignature:
        return False
    return True


def _extends(size: int, root: bytes, proof: list[bytes], checkpoint: Checkpoint) -> None:
    if size == 0:
        if proof:
            raise InvalidProof("must be empty when the old size is zero")
        return
    verify_consistency(
        proof, old_size=size, new_size=checkpoint.size, old_root=root, new_root=checkpoint.root, hash="sha256"
    )


_REASONS = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    422: "Unprocessable Entity",
}


def witness_application(witness: Witness) -> Application:
    """The WSGI application of a witness: ``POST /add-checkpoint``, and ``GET /`` prints its verifier key."""

    def application(environment: Environment, start: StartResponse) -> Iterable[bytes]:
        method, path = environment.get("REQUEST_METHOD"), environment.get("PATH_INFO")
        if path == "/" and method in {"GET", "HEAD"}:
            return answer(environment, start, "200 OK", f"{witness.key.vkey}\n".encode())
        if path != "/add-checkpoint":
            return answer(environment, start, "404 Not Found", b"POST /add-checkpoint\n")
        if method != "POST":
            return answer(environment, start, "405 Method Not Allowed", b"POST only\n", headers=[("Allow", "POST")])
        length = str(environment.get("CONTENT_LENGTH") or "")
        if not length.isascii() or not length.isdigit() or int(length) > MAX_REQUEST:
            return answer(environment, start, "413 Content Too Large", b"a request of known length, at most 128 KiB\n")
        try:
            status, kind, body = witness.add_checkpoint(environment["wsgi.input"].read(int(length)))
        except StorageError as error:
            environment["wsgi.errors"].write(f"sealcore: {error}\n")
            return answer(
                environment, start, "500 Internal Server Error", b"the witness cannot remember; nothing signed\n"
            )
        return answer(environment, start, f"{status} {_REASONS[status]}", body, kind=kind)

    return application
