"""The authority attribute: which ledger record allowed this seal, written inside the seal.

A signed attribute of the CMS under an OID of sealcore's own, so the paper trail survives leaving the platform: whoever
holds the PDF can ask the ledger named ``origin`` for entry ``index`` and compare the hash of the statement. The OID is
``2.25.<n>`` (ITU-T X.667), n being the UUID version 5 of the URL
``https://github.com/sealcore/sealcore#authority-attribute-v1``.

::

    AuthorityAttribute ::= SEQUENCE {
        version    INTEGER (1),
        origin     UTF8String (SIZE (1..255)),       -- the ledger's name, as in its checkpoints
        index      INTEGER (0..18446744073709551615),-- the entry that authorised this use
        statement  OCTET STRING (SIZE (32)),         -- the hash of that statement
        hash       OBJECT IDENTIFIER }               -- SHA-256 or SM3

It does *not* prove anything by itself: the proof is in the ledger, the attribute only says where to look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sealcore.errors import InvalidArgument, InvalidEncoding, InvalidLength

__all__ = ["AUTHORITY_OID", "AuthorityAttribute"]

AUTHORITY_OID: Final = "2.25.90272989434894856797604732404964682080"
"""Object identifier of the signed attribute."""

_INTEGER, _OCTETS, _OID, _UTF8, _SEQUENCE = 0x02, 0x04, 0x06, 0x0C, 0x30
_HASH_OIDS: Final = {
    "sha256": bytes.fromhex("608648016503040201"),  # 2.16.840.1.101.3.4.2.1
    "sm3": bytes.fromhex("2a811ccf55018311"),  # 1.2.156.10197.1.401
}


@dataclass(frozen=True)
class AuthorityAttribute:
    """Where the authority for one seal stands on record.

    Args:
        origin: the ledger's name, 1 to 255 bytes of UTF-8.
        index: the ledger entry, 0 to 2**64 - 1.
        statement: the hash of the statement in that entry, 32 bytes.
        hash_algorithm: what it was hashed with, ``"sha256"`` or ``"sm3"``.

    Raises:
        InvalidArgument, InvalidLength: a value outside these bounds.

    Example:
        >>> record = AuthorityAttribute("seals.example.com", 41, bytes(32))
        >>> AuthorityAttribute.from_der(record.to_der()) == record
        True
    """

    origin: str
    index: int
    statement: bytes
    hash_algorithm: Literal["sha256", "sm3"] = "sha256"

    def __post_init__(self) -> None:
        try:
            size = len(self.origin.encode("utf-8"))
        except UnicodeEncodeError:
            raise InvalidArgument("origin: not valid Unicode text", field="origin") from None
        if not 1 <= size <= 255:
            raise InvalidArgument(f"origin: 1 to 255 bytes of UTF-8, got {size}", field="origin")
        if isinstance(self.index, bool) or not 0 <= self.index < 1 << 64:
            raise InvalidArgument(f"index: 0 to 2**64 - 1, got {self.index}", field="index")
        if len(self.statement) != 32:
            raise InvalidLength(
                f"statement: expected 32 bytes, got {len(self.statement)}",
                field="statement",
                expected=32,
                actual=len(self.statement),
            )
        if self.hash_algorithm not in _HASH_OIDS:
            raise InvalidArgument(
                f'hash_algorithm: "sha256" or "sm3", got {self.hash_algorithm!r}', field="hash_algorithm"
            )

    def to_der(self) -> bytes:
        """The attribute's value, DER."""
        return _tlv(
            _SEQUENCE,
            _tlv(_INTEGER, b"\x01")
            + _tlv(_UTF8, self.origin.encode("utf-8"))
            + _tlv(_INTEGER, self.index.to_bytes(self.index.bit_length() // 8 + 1, "big"))
            + _tlv(_OCTETS, self.statement)
            + _tlv(_OID, _HASH_OIDS[self.hash_algorithm]),
        )

    @classmethod
    def from_der(cls, der: bytes) -> AuthorityAttribute:
        """Reads the attribute's value; only the one canonical encoding is accepted.

        Raises:
            InvalidEncoding: not this structure, another version, or not canonical DER.
        """
        body = _Reader(_Reader(der).take(_SEQUENCE, last=True))
        version = body.take(_INTEGER)
        origin, index, statement = body.take(_UTF8), body.take(_INTEGER), body.take(_OCTETS)
        algorithm = body.take(_OID, last=True)
        names = [name for name, oid in _HASH_OIDS.items() if oid == algorithm]
        try:
            if version != b"\x01" or not names or len(index) > 9:
                raise ValueError("unknown version, hash or size")
            number = int.from_bytes(index, "big", signed=True)
            found = cls(origin.decode("utf-8"), number, statement, names[0])  # type: ignore[arg-type]
        except ValueError as error:  # UnicodeDecodeError, InvalidArgument and InvalidLength are ValueErrors too
            raise InvalidEncoding(f"authority attribute: {error}", field="authority attribute", offset=0) from None
        if found.to_der() != der:
            raise InvalidEncoding("authority attribute: not canonical DER", field="authority attribute", offset=0)
        return found


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


class _Reader:
    """Takes one element after the other from a DER string."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, tag: int, *, last: bool = False) -> bytes:
        data, at = self._data, self._at
        header = data[at : at + 2]
        if len(header) != 2 or header[0] != tag:
            raise _bad(at)
        size, at = header[1], at + 2
        if size & 0x80:
            count = size & 0x7F
            if not 1 <= count <= 2:
                raise _bad(at)
            size, at = int.from_bytes(data[at : at + count], "big"), at + count
        content = data[at : at + size]
        self._at = at + size
        if len(content) != size or (last and self._at != len(data)):
            raise _bad(at)
        return content


def _bad(offset: int) -> InvalidEncoding:
    return InvalidEncoding(
        f"authority attribute: unexpected bytes at offset {offset}", field="authority attribute", offset=offset
    )
