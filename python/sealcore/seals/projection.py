"""The ledger as tables: a projection that holds nothing of its own.

`meta` says which prefix of the ledger the rows show: its size and root. After each entry only the rows that it touches
are written, in one transaction with `meta`; `rebuild` writes them all. Deleting the file loses nothing. The projection
decides nothing: the gate asks the authority state, never these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealcore.errors import StorageError
from sealcore.seals import tables
from sealcore.seals.database import open_database
from sealcore.seals.sql import sa

if TYPE_CHECKING:
    from sealcore import authority as rules
    from sealcore.seals.database import Database

__all__ = ["Happened", "Progress", "Projection", "Shown", "Touched", "open_projection", "touched_by"]

Progress = Callable[[int, int], None]
"""Takes how much is done and how much there is."""

Touched = tuple[str, str | bytes | int]
"""The name of a table and the key of a record."""

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Happened:
    """An entry as the tables see it: its statement id, and the statement or the changed rows of the key table."""

    id: bytes
    statement: rules.Statement | None
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """The prefix of the ledger that the rows show."""

    size: int
    root: bytes


class Projection:
    """The tables of one ledger.

    Args:
        database: Where they lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> Database:
        """Where the tables lie."""
        return self._database

    def shown(self) -> Shown | None:
        """Which prefix of the ledger the rows show; None if there are no tables, or of another layout.

        Raises:
            StorageError: If the database cannot be read.
        """
        with self._database.reading() as connection:
            return shown(connection)

    def update(self, authority: rules.Authority, touched: Iterable[Touched], before: Shown, now: Shown) -> bool:
        """Write the rows that one or more entries touched.

        Args:
            authority: The state after the last of them.
            touched: What they touched; see `touched_by`.
            before: The prefix of the ledger that ends before the first of them.
            now: The prefix that ends with the last of them.

        Returns:
            False, and nothing is written, if the tables do not show `before`: somebody else wrote to them.

        Raises:
            StorageError: If the database cannot be written; then nothing of this is.
        """
        with self._database.writing() as connection:
            if shown(connection) != before:
                return False
            for column, key, rows in _images(authority, touched):
                connection.execute(column.table.delete().where(column == key))
                if rows:
                    connection.execute(column.table.insert(), rows)
            _mark(connection, now)
        return True

    def rebuild(self, authority: rules.Authority, now: Shown, progress: Progress | None = None) -> None:
        """Write every row anew.

        Args:
            authority: The state after the last entry.
            now: The whole ledger.
            progress: Told the number of rows.

        Raises:
            StorageError: If the database cannot be written; then it is as before.
        """
        parts = [(table, list(rows())) for table, rows in tables.every_row(authority)]
        total = sum(len(rows) for _, rows in parts)
        done = 0
        with self._database.writing() as connection:
            _drop_all(connection)
            tables.METADATA.create_all(connection)
            for table, rows in parts:
                for start in range(0, len(rows), _BATCH):
                    part = rows[start : start + _BATCH]
                    connection.execute(table.insert(), part)
                    done += len(part)
                    if progress is not None:
                        progress(done, total)
            _mark(connection, now)

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def open_projection(path: Path) -> Projection:
    """Open or create the tables' file; one that is no database any more is thrown away.

    Raises:
        StorageError: If the system refuses.
    """
    database = open_database(path, durable=False)
    try:
        shown_by = Projection(database)
        shown_by.shown()
        return shown_by
    except StorageError as error:
        database.close()
        if error.errno is not None:
            raise
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        name.unlink(missing_ok=True)
    return Projection(open_database(path, durable=False))


def shown(connection: sa.Connection) -> Shown | None:
    """Which prefix of the ledger the rows of this snapshot show."""
    if not sa.inspect(connection).has_table(tables.META.name):
        return None
    values = {row.name: row.value for row in connection.execute(sa.select(tables.META))}
    if values.get("format") != tables.FORMAT:
        return None
    try:
        return Shown(int(values["size"]), bytes.fromhex(values["root"]))
    except (KeyError, ValueError):
        return None


def touched_by(authority: rules.Authority, entry: Happened) -> list[Touched]:
    """The records that an applied entry may have changed.

    Args:
        authority: The state after the entry.
        entry: The entry.
    """
    statement = entry.statement
    if statement is not None:
        return _TOUCHES[statement.kind](authority, entry.id, statement)
    return [("keys", row) for row in entry.rows]


def _use(authority: rules.Authority, use: bytes, statement: Any) -> list[Touched]:
    chain = authority.grant_chain(statement.grant)
    return [("uses", use), ("applications", statement.application), *(("grants", link) for link in chain)]


def _person_key(authority: rules.Authority, _: bytes, statement: Any) -> list[Touched]:
    person = authority.person(statement.person)
    return [("persons", person.id), *(("keys", row) for row in person.keys)]


_TOUCHES: dict[str, Callable[[rules.Authority, bytes, Any], list[Touched]]] = {
    "unit": lambda _, __, statement: [("units", statement.id)],
    "person": lambda _, __, statement: [("persons", statement.id)],
    "person-left": lambda _, __, statement: [("persons", statement.person)],
    "person-key": _person_key,
    "policy": lambda _, __, statement: [("policies", statement.id)],
    "seal": lambda _, __, statement: [("seals", statement.id)],
    "seal-state": lambda _, __, statement: [("seals", statement.seal)],
    "application": lambda _, this, __: [("applications", this)],
    "approval": lambda _, __, statement: [("applications", statement.application)],
    "refusal": lambda _, __, statement: [("applications", statement.application)],
    "grant": lambda _, this, __: [("grants", this)],
    "grant-revoke": lambda _, __, statement: [("grants", statement.grant)],
    "seal-use": _use,
    "use-delivered": lambda _, __, statement: [("uses", statement.use)],
    "use-failed": lambda _, __, statement: [("uses", statement.use)],
}


def _images(
    authority: rules.Authority, touched: Iterable[Touched]
) -> Iterable[tuple[sa.Column[Any], str | int, list[tables.Row]]]:
    """Columns with the rows that now stand there under one key, instead of those that did."""
    wanted = dict.fromkeys(touched)
    keys = authority.keys() if any(name == "keys" for name, _ in wanted) else ()
    for name, key in wanted:
        match name, key:
            case "units", str():
                yield _of(tables.UNITS, tables.unit_row(authority.unit(key)))
            case "persons", str():
                yield _of(tables.PERSONS, tables.person_row(authority.person(key)))
            case "policies", str():
                yield _of(tables.POLICIES, tables.policy_row(authority.policy(key)))
            case "seals", str():
                yield _of(tables.SEALS, tables.seal_row(authority.seal(key)))
            case "applications", bytes():
                record = authority.application(key)
                yield _of(tables.APPLICATIONS, tables.application_row(record))
                # An approval may have taken the place of one that no longer counted.
                yield tables.APPROVALS.c.application, key.hex(), list(tables.approval_rows(record))
            case "grants", bytes():
                yield _of(tables.GRANTS, tables.grant_row(authority.grant(key)))
            case "uses", bytes():
                yield _of(tables.USES, tables.use_row(authority.use(key)))
            case "keys", int():
                yield _of(tables.KEYS, tables.key_row(keys[key]))


def _of(table: sa.Table, row: tables.Row) -> tuple[sa.Column[Any], str | int, list[tables.Row]]:
    (column,) = table.primary_key.columns
    return column, row[column.name], [row]


def _mark(connection: sa.Connection, now: Shown) -> None:
    connection.execute(tables.META.delete())
    values = {"format": tables.FORMAT, "size": str(now.size), "root": now.root.hex()}
    connection.execute(tables.META.insert(), [{"name": name, "value": value} for name, value in values.items()])


def _drop_all(connection: sa.Connection) -> None:
    """Drop whatever stands there, of this layout or another."""
    for table in sa.inspect(connection).get_table_names():
        connection.execute(sa.schema.DropTable(sa.Table(table, sa.MetaData())))
