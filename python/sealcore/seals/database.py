"""The door to the databases: engines, transactions, and errors in our own words.

Two databases stand beside a ledger. `registry.db` is a projection and may be deleted at any time; `details.db` holds
the personal values behind the ledger's commitments and cannot be rebuilt. Both are SQLite by default, and everything
above this file is written in SQLAlchemy Core, so that another server can take their place. Nothing here knows what is
stored.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sealcore.errors import StorageError
from sealcore.seals.sql import sa

__all__ = ["Database", "open_database", "open_in_memory"]

_BUSY_SECONDS = 30.0


class Database:
    """An engine with short transactions.

    Args:
        engine: Any SQLAlchemy engine.
        name: What errors call it: a path.
    """

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine = engine
        self._name = name

    @property
    def name(self) -> str:
        """What errors call it."""
        return self._name

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One consistent snapshot; no lock on writers.

        Raises:
            StorageError: If the database cannot be read.
        """
        with self._said("read"), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, committed at the end of the block, rolled back by any exception.

        Raises:
            StorageError: If the database cannot be written.
        """
        with self._said("write"), self._engine.connect() as plain:
            connection = plain.execution_options(sealcore_writes=True)
            with connection.begin():
                yield connection

    def copy_into(self, other: Database) -> None:
        """Copy a SQLite database, whole, into another one (for a reader that replays what is missing in memory).

        Raises:
            StorageError: If it cannot be read.
        """
        with self._said("read"):
            source, target = self._engine.raw_connection(), other._engine.raw_connection()
            try:
                source.driver_connection.backup(target.driver_connection)  # type: ignore[union-attr]
            finally:
                source.close()
                target.close()

    def compact(self) -> None:
        """Fold SQLite's write-ahead file back into the database, so that erased values do not linger there.

        Raises:
            StorageError: If the database cannot be written.
        """
        if self._engine.dialect.name == "sqlite":
            with self._said("write"), self._engine.connect() as connection:
                connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _said(self, operation: str) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise _storage_error(operation, self._name, error.orig or error) from None
        except sqlite3.Error as error:
            raise _storage_error(operation, self._name, error) from None


def open_database(path: Path, *, durable: bool, read_only: bool = False) -> Database:
    """Open a SQLite database file in WAL mode.

    Args:
        path: The file; created unless `read_only`.
        durable: Sync at every commit, and overwrite what is deleted (`details.db`); else only at checkpoints.
        read_only: Never write, create or lock.
    """
    target = f"sqlite:///file:{_uri_path(path)}?{'mode=ro&' if read_only else ''}uri=true"
    engine = sa.create_engine(target, connect_args={"timeout": _BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        if read_only:
            connection.execute("PRAGMA query_only=ON")
            return
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.execute(f"PRAGMA secure_delete={'ON' if durable else 'OFF'}")

    _explicit_transactions(engine)
    return Database(engine, str(path))


def open_in_memory() -> Database:
    """A database that lives as long as its one connection."""
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool, connect_args={"check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    _explicit_transactions(engine)
    return Database(engine, "the database in memory")


def _explicit_transactions(engine: sa.Engine) -> None:
    """Begin where SQLAlchemy begins: a snapshot for readers, the write lock at once for writers."""

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("sealcore_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _uri_path(path: Path) -> str:
    return quote(str(path.absolute()))


def _storage_error(operation: str, name: str, error: BaseException) -> StorageError:
    code = getattr(error, "sqlite_errorcode", None)
    reason = str(error)
    if code is not None and code & 0xFF == sqlite3.SQLITE_FULL:
        return StorageError(
            f"{operation} {name}: the disk is full; make room and try again", operation=operation, path=name, errno=28
        )
    return StorageError(f"{operation} {name}: {reason}", operation=operation, path=name)
