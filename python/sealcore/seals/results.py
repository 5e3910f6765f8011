"""What a state-changing call returns: names, the place in the ledger, and the receipt that proves it.

A receipt is kept by the caller: whoever holds it can contradict a ledger that later lacks the entry. Everything here
becomes JSON; bytes of documents and keys do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from sealcore.ledger import Receipt
    from sealcore.pdf import Placement
    from sealcore.sign import VerifyingKey

__all__ = ["Recorded", "SealKey", "SealedDocument"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A statement that is in the ledger, durably.

    Attributes:
        kind: ``"unit"``, ``"application"``, ``"seal_use"``, ...
        id: What it names: the text id of a unit, person, policy or seal, the statement id (hex) of everything else.
        index: The index of its entry.
        time: The time of its entry.
        statement: The statement id, hex.
        receipt: Checkpoint and inclusion proof.
    """

    kind: str
    id: str
    index: int
    time: datetime
    statement: str
    receipt: Receipt = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Every field, ready for `json.dumps`."""
        return {
            "kind": self.kind,
            "id": self.id,
            "index": self.index,
            "time": self.time.isoformat(),
            "statement": self.statement,
            "receipt": {
                "leaf_hash": self.receipt.leaf_hash.hex(),
                "checkpoint": self.receipt.checkpoint,
                "proof": [link.hex() for link in self.receipt.proof],
                "hash": self.receipt.hash,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SealKey:
    """A key pair made for a seal; the private half stays with the gate.

    Attributes:
        seal: The seal's id.
        algorithm: ``"sm2"`` or ``"p256"``.
        verifying_key: The public half.
        csr_pem: The certificate request (PKCS#10, PEM), for the certification authority.
    """

    seal: str
    algorithm: str
    verifying_key: VerifyingKey
    csr_pem: bytes = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Every field, ready for `json.dumps`."""
        return {
            "seal": self.seal,
            "algorithm": self.algorithm,
            "verifying_key": self.verifying_key.to_sec1().hex(),
            "csr_pem": self.csr_pem.decode("ascii"),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedDocument:
    """A document that went through the gate.

    Attributes:
        data: The sealed document.
        sha256: Its SHA-256, as the ledger holds it.
        sm3: Its SM3, as the ledger holds it.
        number: Which use of the grant this was.
        of: How many uses the grant has.
        use: The taken use.
        delivered: Its end.
        field_name: The signature field.
        placement: Where the imprint stands; None for an invisible seal.
        output: The file it was written to, if one was asked for.
    """

    data: bytes = field(repr=False)
    sha256: bytes
    sm3: bytes
    number: int
    of: int
    use: Recorded
    delivered: Recorded
    field_name: str
    placement: Placement | None
    output: Path | None

    def to_dict(self) -> dict[str, Any]:
        """Every field but the document itself, ready for `json.dumps`."""
        placement = self.placement
        return {
            "sha256": self.sha256.hex(),
            "sm3": self.sm3.hex(),
            "size": len(self.data),
            "number": self.number,
            "of": self.of,
            "use": self.use.to_dict(),
            "delivered": self.delivered.to_dict(),
            "field_name": self.field_name,
            "placement": None
            if placement is None
            else {
                "page": placement.page,
                "x_mm": placement.x_mm,
                "y_mm": placement.y_mm,
                "width_mm": placement.width_mm,
                "height_mm": placement.height_mm,
            },
            "output": None if self.output is None else str(self.output),
        }
