"""What goes to the child process and what comes back: plain data, written as JSON with bytes in base64.

``SealRequest`` -> ``Prepared`` and ``CheckRequest`` -> ``Verdict``. The document and the update travel beside the JSON,
as they are.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sealcore.pdf.geometry import Placement
from sealcore.pdf.keyword import Keyword

__all__ = ["CheckRequest", "Prepared", "SealRequest", "dump", "load"]


@dataclass(frozen=True)
class SealRequest:
    """What ``prepare_pdf`` was asked for, checked as far as that is possible without the document.

    ``size_mm`` is (width, height), the height None when the picture's shape decides it; ``reserve`` is the room for the
    CMS in bytes; of ``place`` and ``keyword`` exactly one is given when there is an imprint.
    """

    imprint: bytes | None
    size_mm: tuple[float, float | None] | None
    page: int
    place: tuple[float, float] | None
    keyword: Keyword | None
    reason: str | None
    location: str | None
    signed_at: datetime
    field_name: str | None
    certify: str | None
    password: str | None
    reserve: int

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> SealRequest:
        """From ``load``."""
        keyword, place, size = values["keyword"], values["place"], values["size_mm"]
        return cls(
            **{
                **values,
                "imprint": _from_base64(values["imprint"]),
                "size_mm": None if size is None else tuple(size),
                "place": None if place is None else tuple(place),
                "keyword": None if keyword is None else Keyword(**keyword),
                "signed_at": datetime.fromisoformat(values["signed_at"]),
            }
        )


@dataclass(frozen=True)
class Prepared:
    """The update to append to the document, and where in the whole file the gap for the CMS is ('<' to after '>')."""

    update: bytes
    gap_start: int
    gap_end: int
    placement: Placement | None
    field_name: str
    certified: str | None

    def to_parts(self) -> list[bytes]:
        """As an answer."""
        values = dataclasses.asdict(self)
        del values["update"]
        return [dump(values), self.update]

    @classmethod
    def from_parts(cls, values: dict[str, Any], update: bytes) -> Prepared:
        """From an answer."""
        placement = values["placement"]
        return cls(**{**values, "update": update, "placement": None if placement is None else Placement(**placement)})


@dataclass(frozen=True)
class CheckRequest:
    """What ``verify_pdf`` was asked for: certificates in DER, the moment of trust or None."""

    roots: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    at: datetime | None
    password: str | None

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> CheckRequest:
        """From ``load``."""
        at = values["at"]
        return cls(
            tuple(map(base64.b64decode, values["roots"])),
            tuple(map(base64.b64decode, values["intermediates"])),
            None if at is None else datetime.fromisoformat(at),
            values["password"],
        )


def dump(value: Any) -> bytes:
    """JSON of dataclasses, datetimes (ISO 8601) and bytes (base64)."""
    return json.dumps(value, default=_plain, ensure_ascii=False).encode("utf-8", "surrogatepass")


def load(data: bytes) -> dict[str, Any]:
    """The JSON object in ``data``."""
    value = json.loads(data.decode("utf-8", "surrogatepass"))
    assert isinstance(value, dict)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} is not plain data")


def _from_base64(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
