"""Connections to PostgreSQL that do not hang and do not lie: the only import of psycopg in the library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from sealcore.errors import InvalidArgument, MissingExtra, StorageError

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
except ImportError:
    raise MissingExtra('a shared ledger needs psycopg: pip install "sealcore[postgres]"', extra="postgres") from None

__all__ = ["Connection", "connect", "is_away", "said", "server_name"]

Connection: TypeAlias = "psycopg.Connection[tuple[object, ...]]"

_CONNECT_SECONDS = 5
_SILENCE_MILLISECONDS = 10_000
_STATEMENT_MILLISECONDS = 30_000


def server_name(dsn: str) -> str:
    """The server and database that a connection string names, without its password."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        raise InvalidArgument(f"dsn: {str(error).strip()}; see PostgreSQL's manual, 34.1.1", field="dsn") from None
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    return f"postgresql://{host}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


def connect(dsn: str) -> Connection:
    """A connection in which every statement is a transaction of its own.

    A client that is stopped between two statements must hold no lock: so there are no longer transactions.

    Args:
        dsn: A connection string of libpq, ``host=… dbname=…`` or ``postgresql://…``.

    Raises:
        InvalidArgument: If the string cannot be one, or the server would lose what it has confirmed.
        StorageError: If the server cannot be reached.
    """
    name = server_name(dsn)
    with said("connect", name):
        connection = psycopg.connect(
            dsn,
            autocommit=True,
            connect_timeout=_CONNECT_SECONDS,
            tcp_user_timeout=_SILENCE_MILLISECONDS,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            application_name="sealcore",
            client_encoding="utf8",
        )
    try:
        with said("connect", name):
            connection.execute(f"SET statement_timeout = {_STATEMENT_MILLISECONDS}")
            row = connection.execute(
                "SELECT current_setting('fsync'), current_setting('synchronous_commit'), pg_is_in_recovery()"
            ).fetchone()
            fsync, commit, standby = row or ("off", "off", True)
            if fsync != "on":
                raise InvalidArgument(
                    f"dsn: {name} runs with fsync = off and may forget what it confirmed; set fsync = on", field="dsn"
                )
            if standby:
                raise InvalidArgument(f"dsn: {name} is a standby; name the primary server", field="dsn")
            if commit != "remote_apply":
                connection.execute("SET synchronous_commit = on")
    except BaseException:
        connection.close()
        raise
    return connection


def is_away(error: BaseException) -> bool:
    """Whether the server, or the way to it, was lost: it may come back, and what was asked last may have happened."""
    return isinstance(error, StorageError) and isinstance(
        error.__cause__, (psycopg.OperationalError, psycopg.InterfaceError)
    )


@contextmanager
def said(operation: str, name: str) -> Iterator[None]:
    """What PostgreSQL says, in our own words.

    Raises:
        StorageError: For any error of the server or the way to it.
    """
    try:
        yield
    except psycopg.errors.UndefinedTable:
        raise InvalidArgument(
            f"dsn: {name} coordinates no ledger yet; see sealcore sequencer create", field="dsn"
        ) from None
    except psycopg.Error as error:
        sentence = " ".join(str(error).split()) or type(error).__name__
        message = f"{name}: {operation} failed: {sentence}; see that the server runs and this user may use it"
        raise StorageError(message, operation=operation, path=name) from error
