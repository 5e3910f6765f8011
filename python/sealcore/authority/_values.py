"""What statements are made of, and how it crosses the border: times, digests, amounts, places."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeAlias

from sealcore import _core
from sealcore.errors import InvalidArgument

Time: TypeAlias = datetime | int
"""A time: an aware ``datetime``, or microseconds since 1970-01-01 UTC."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_us(time: Time) -> int:
    if isinstance(time, int):
        return time
    if time.tzinfo is None:
        raise InvalidArgument("time: a time without zone is ambiguous; give datetime(..., tzinfo=UTC)", field="time")
    return (time - EPOCH) // MICROSECOND


def from_us(time: int) -> datetime:
    try:
        return EPOCH + time * MICROSECOND
    except OverflowError:
        raise InvalidArgument(f"time: {time} µs lies outside the years 1 to 9999", field="time") from None


@dataclass(frozen=True, order=True, slots=True)
class Digests:
    """The digests of one document under both hash functions: a pair, never one of them alone.

    Example:
        >>> Digests.of(b"contract").sha256.hex()[:16]
        'cc8321d6375c494d'
    """

    sha256: bytes
    sm3: bytes

    @classmethod
    def of(cls, document: bytes) -> Self:
        """Hashes the bytes of a document."""
        return cls(_core.sha256(document), _core.sm3(document))


@dataclass(frozen=True, order=True, slots=True)
class Amount:
    """An amount of money: ISO 4217 code and minor units (cents, 分)."""

    currency: str
    minor: int


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """A place for an imprint: its upper left corner, in µm from the upper left corner of the page as shown (from 1)."""

    page: int
    x_um: int
    y_um: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The last checkpoint that a signer saw: every signer is a witness of the ledger up to there."""

    size: int
    root: bytes


def commitment(value: str | bytes, *, salt: bytes, hash: str = "sha256") -> bytes:
    """The commitment ``H(salt ‖ value)`` under which names and free text enter the ledger.

    Args:
        value: The personal value; text is taken as UTF-8.
        salt: 16 random bytes, another salt for every value. Kept outside the ledger, deleted with the value.
        hash: ``"sha256"`` or ``"sm3"``.

    Example:
        >>> len(commitment("Li Wei", salt=bytes(16)))
        32
    """
    return _core.commitment(value.encode() if isinstance(value, str) else value, salt, hash)


NESTED: dict[str, type[Any]] = {
    "document": Digests,
    "delivered": Digests,
    "documents": Digests,
    "amount": Amount,
    "max_amounts": Amount,
    "position": Position,
    "positions": Position,
    "seen": Seen,
}
TIMES = frozenset({"expires", "valid_from", "valid_to", "time", "revoked", "left", "end_time"})
SETS = frozenset(
    {
        "roles",
        "approvers",
        "approver_units",
        "required_units",
        "applicant_units",
        "classes",
        "max_amounts",
        "documents",
        "positions",
    }
)


def plain(value: Any) -> Any:
    """What the native side takes: int, bytes, str, list and dict."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return to_us(value)
    if isinstance(value, Digests | Amount | Position | Seen):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    return value


def rich(name: str, value: Any) -> Any:
    """The other way round, by the name of the field."""
    if name in TIMES:
        return from_us(value)
    nested = NESTED.get(name)
    if nested is None:
        return value
    return tuple(nested(**item) for item in value) if isinstance(value, tuple) else nested(**value)


def arguments(values: dict[str, Any]) -> dict[str, Any]:
    return {name: rich(name, value) for name, value in values.items()}
