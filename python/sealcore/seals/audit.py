"""The audit of an office: its ledger verified, then every decision in it replayed by the rules of the gate."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sealcore import authority as rules
from sealcore import ledger as ledgers
from sealcore.seals.files import LEDGER, existing
from sealcore.seals.replay import events

if TYPE_CHECKING:
    from sealcore.seals.projection import Progress
    from sealcore.sign import VerifyingKey

__all__ = ["AuditFinding", "OfficeAudit", "audit_ledger"]


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is wrong.

    Attributes:
        part: ``"ledger"`` (bytes, links, signatures, checkpoints) or ``"authority"`` (what was allowed).
        kind: A stable word, such as ``"entry-altered"`` or ``"GrantExhausted"``.
        index: The ledger entry, if it is about one.
        sentence: What is wrong, for people.
    """

    part: str
    kind: str
    index: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class OfficeAudit:
    """What an audit found.

    Attributes:
        findings: Everything that is wrong, the ledger first.
        replayed: Whether the decisions were replayed: not when the ledger itself is damaged.
        uses: How many uses of seals the ledger records; 0 when nothing was replayed.
        ledger: The report of the ledger's verification.
    """

    findings: tuple[AuditFinding, ...]
    replayed: bool
    uses: int
    ledger: ledgers.Report

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.ledger.size

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for `json.dumps`."""
        findings = [{name: getattr(finding, name) for name in AuditFinding.__slots__} for finding in self.findings]
        return {
            "ok": self.ok,
            "replayed": self.replayed,
            "uses": self.uses,
            "findings": findings,
            "ledger": self.ledger.to_dict(),
        }


def audit_ledger(
    directory: str | os.PathLike[str],
    *,
    checkpoint: str | None = None,
    ledger_keys: Iterable[VerifyingKey] = (),
    progress: Progress | None = None,
) -> OfficeAudit:
    """Verify an office's ledger and replay every decision in it; no key, no password, no lock.

    A ledger whose bytes are damaged is not replayed: what its entries say is then nobody's word.

    Args:
        directory: The office.
        checkpoint: An earlier checkpoint that the ledger must extend.
        ledger_keys: The ledger's keys as the auditor knows them; empty: the one that the ledger names.
        progress: Called with (done, in all), for the verification and again for the replay.

    Raises:
        InvalidArgument: If there is no office in the directory.
        LedgerError: If a file cannot be read.
    """
    path = existing(directory) / LEDGER
    report = ledgers.verify_ledger(path, checkpoint=checkpoint, ledger_keys=ledger_keys, progress=progress)
    found = [AuditFinding("ledger", finding.kind, finding.index, str(finding)) for finding in report.findings]
    if not report.ok:
        return OfficeAudit(tuple(found), replayed=False, uses=0, ledger=report)
    replayed = rules.audit(events(ledgers.LedgerReader.open(path), 0, progress))
    found += [AuditFinding("authority", f.kind, f.index, f"entry {f.index}: {f.message}") for f in replayed.findings]
    return OfficeAudit(tuple(found), replayed=True, uses=len(replayed.authority.uses()), ledger=report)
