"""Personal values behind the ledger's commitments.

The ledger holds `H(salt || value)`; this database holds the salt and the value, and is the only place that does.
Erasing a row leaves the ledger verifiable and the value gone. It cannot be rebuilt from the ledger, so it belongs
into the backup beside the keys. It decides nothing: authority never asks it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from sealcore import authority as rules
from sealcore.errors import InvalidArgument
from sealcore.seals.database import Database, open_database
from sealcore.seals.sql import sa

__all__ = ["ALTERED", "ERASED", "MISSING", "Details", "Secret"]

ERASED = "(erased)"
"""Shown where a value was erased on purpose."""
MISSING = "(missing)"
"""Shown where the database knows nothing of a commitment."""
ALTERED = "(altered)"
"""Shown where the stored value is not the one that was committed to."""

_LONGEST = 4096
_METADATA = sa.MetaData()
_DETAILS = sa.Table(
    "details",
    _METADATA,
    sa.Column("commitment", sa.LargeBinary(32), primary_key=True),
    sa.Column("field", sa.String(64), nullable=False),
    sa.Column("salt", sa.LargeBinary(16)),
    sa.Column("value", sa.Text),
    sa.Column("pending", sa.Boolean, nullable=False),
    sa.Column("erased_at", sa.BigInteger),
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A value on its way into the ledger: the commitment goes there, salt and value stay here."""

    field: str
    commitment: bytes
    salt: bytes
    value: str

    def __repr__(self) -> str:
        return f"Secret({self.field!r}, {self.commitment.hex()[:16]}…)"


class Details:
    """The database of personal values.

    Args:
        path: `details.db`; created unless `read_only`.
        hash: The ledger's hash.
        read_only: Only look up.
    """

    def __init__(self, path: Path, *, hash: str, read_only: bool = False) -> None:
        self._hash = hash
        self._read_only = read_only
        self._database: Database | None = None
        if not read_only or path.is_file():
            self._database = open_database(path, durable=True, read_only=read_only)
        if not read_only:
            with self._writable().writing() as connection:
                _METADATA.create_all(connection)

    def commit(self, field: str, value: str) -> Secret:
        """Make the commitment to a value, with a fresh salt; nothing is stored yet.

        Args:
            field: What it is, for messages: ``"person.name"``.
            value: 1 to 4096 bytes of UTF-8.

        Raises:
            InvalidArgument: If the value is empty, too long, or not text that UTF-8 can hold.
        """
        if not isinstance(value, str):
            raise InvalidArgument(f"{field}: expected text", field=field)
        try:
            raw = value.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidArgument(
                f"{field}: the text holds a lone surrogate; give valid Unicode", field=field
            ) from None
        if not value.strip() or len(raw) > _LONGEST:
            raise InvalidArgument(f"{field}: expected 1 to {_LONGEST} bytes of text, got {len(raw)}", field=field)
        salt = secrets.token_bytes(16)
        return Secret(field, rules.commitment(raw, salt=salt, hash=self._hash), salt, value)

    def store(self, values: Iterable[Secret]) -> None:
        """Keep values before their statement enters the ledger; `settle` or `discard` follows.

        Raises:
            StorageError: If the database cannot be written.
        """
        rows = [
            {"commitment": v.commitment, "field": v.field, "salt": v.salt, "value": v.value, "pending": True}
            for v in values
        ]
        if rows:
            with self._writable().writing() as connection:
                connection.execute(_DETAILS.insert(), rows)

    def settle(self, values: Iterable[Secret]) -> None:
        """Their statement is in the ledger."""
        keys = [v.commitment for v in values]
        if keys:
            with self._writable().writing() as connection:
                connection.execute(_DETAILS.update().where(_DETAILS.c.commitment.in_(keys)).values(pending=False))

    def discard(self, values: Iterable[Secret]) -> None:
        """Their statement was refused: the values must not stay."""
        keys = [v.commitment for v in values]
        if keys:
            with self._writable().writing() as connection:
                connection.execute(_DETAILS.delete().where(_DETAILS.c.commitment.in_(keys)))

    def pending(self) -> list[bytes]:
        """The commitments of values whose statement may or may not be in the ledger."""
        with self._writable().reading() as connection:
            return list(connection.execute(sa.select(_DETAILS.c.commitment).where(_DETAILS.c.pending)).scalars())

    def settle_pending(self, committed: Set[bytes]) -> None:
        """After a crash: keep the pending values whose commitment the ledger holds, remove the others."""
        with self._writable().writing() as connection:
            for value in connection.execute(sa.select(_DETAILS.c.commitment).where(_DETAILS.c.pending)).scalars().all():
                row = _DETAILS.c.commitment == value
                if value in committed:
                    connection.execute(_DETAILS.update().where(row).values(pending=False))
                else:
                    connection.execute(_DETAILS.delete().where(row))

    def held(self, commitments: Iterable[bytes]) -> set[bytes]:
        """Those of these commitments behind which a value stands."""
        wanted, found = sorted(set(commitments)), set[bytes]()
        with self._writable().reading() as connection:
            for start in range(0, len(wanted), 500):
                here = _DETAILS.c.commitment.in_(wanted[start : start + 500])
                rows = connection.execute(sa.select(_DETAILS.c.commitment).where(here, _DETAILS.c.value.is_not(None)))
                found.update(rows.scalars())
        return found

    def erase(self, commitments: Iterable[bytes]) -> int:
        """Remove values for good; their commitments stay in the ledger and are shown as erased.

        The ledger's REDACT entry comes first: `Journal.redact`.

        Returns:
            How many values there were to erase.

        Raises:
            StorageError: If the database cannot be written.
        """
        database = self._writable()
        count = 0
        with database.writing() as connection:
            for commitment in commitments:
                done = connection.execute(
                    _DETAILS.update()
                    .where(_DETAILS.c.commitment == commitment, _DETAILS.c.value.is_not(None))
                    .values(value=None, salt=None, erased_at=time.time_ns() // 1000)
                )
                count += done.rowcount
        database.compact()
        return count

    def look_up(self, commitments: Iterable[bytes | None]) -> Mapping[bytes, str]:
        """The values behind commitments; `ERASED`, `MISSING` or `ALTERED` where there is none to show.

        Raises:
            StorageError: If the database cannot be read.
        """
        wanted = sorted({c for c in commitments if c})
        found: dict[bytes, str] = dict.fromkeys(wanted, MISSING)
        if self._database is None:
            return found
        with self._database.reading() as connection:
            for start in range(0, len(wanted), 500):
                part = wanted[start : start + 500]
                for row in connection.execute(sa.select(_DETAILS).where(_DETAILS.c.commitment.in_(part))):
                    found[row.commitment] = self._shown(row)
        return found

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()

    def _shown(self, row: sa.Row[tuple[object, ...]]) -> str:
        if row.value is None:
            return ERASED
        value: str = row.value
        kept = rules.commitment(value.encode("utf-8", "surrogatepass"), salt=row.salt, hash=self._hash)
        return value if kept == row.commitment else ALTERED

    def _writable(self) -> Database:
        if self._database is None or self._read_only:
            raise InvalidArgument("details: this view only reads; open the registry to write", field="details")
        return self._database
