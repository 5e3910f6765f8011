"""SQLAlchemy Core, or the sentence that says how to get it. The only import of it in the library."""

from __future__ import annotations

from sealcore.errors import MissingExtra

try:
    import sqlalchemy as sa
except ImportError:
    raise MissingExtra('the registry needs SQLAlchemy: pip install "sealcore[seals]"', extra="seals") from None

__all__ = ["sa"]
