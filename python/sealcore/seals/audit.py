"""The audit of an office: is the ledger whole, and was everything in it authorised?

Three looks, one report: the ledger's own verification (every byte, link, signature, root); the replay of every
statement through the transition function that the gate used; and the objects beside the ledger that its statements
name (imprints, certificates, personal values). It needs no password and no lock, and trusts neither database; but a
projection that has shown more than the ledger holds tells that the ledger was cut.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from sealcore import authority as rules
from sealcore.errors import StorageError
from sealcore.ledger import LedgerReader, Report, verify_ledger
from sealcore.seals.blobs import Blobs
from sealcore.seals.database import open_database
from sealcore.seals.details import ALTERED, ERASED, MISSING, Details
from sealcore.seals.files import BLOBS, DETAILS, LEDGER, PROJECTION, existing
from sealcore.seals.projection import Progress, Projection
from sealcore.seals.redactions import Redaction, redactions
from sealcore.seals.replay import events
from sealcore.sign import VerifyingKey

__all__ = ["AuditFinding", "OfficeAudit", "Redacted", "audit_ledger"]


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is wrong.

    Attributes:
        part: ``"ledger"`` (bytes, links, signatures, checkpoints), ``"authority"`` (what was allowed) or ``"beside"``
            (what the ledger names: imprints, certificates, personal values).
        kind: A stable word, such as ``"entry-altered"``, ``"GrantExhausted"`` or ``"value-missing"``.
        index: The ledger entry, if it is about one.
        sentence: What is wrong, for people.
    """

    part: str
    kind: str
    index: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """Personal values that were erased, as the ledger records it.

    Attributes:
        index: The REDACT entry.
        time: When, ISO 8601.
        by: Who signed it: ``"gate"`` (the office) or ``"founder"``.
        entry: The entry whose values were erased.
        fields: How many of them.
        reason: Why; ``"(missing)"`` when the office's database is not here, ``"(none given)"`` when there is none.
    """

    index: int
    time: str
    by: str
    entry: int
    fields: int
    reason: str

    def __str__(self) -> str:
        values = "1 value" if self.fields == 1 else f"{self.fields} values"
        return f"{values} of entry {self.entry} redacted by the {self.by} at {self.time}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeAudit:
    """What an audit found.

    Attributes:
        findings: Everything that is wrong: the ledger first, then authority, then what lies beside.
        replayed: Whether the decisions were replayed: not when the ledger itself is damaged.
        uses: How many uses of seals were taken; this and the following are 0 when nothing was replayed.
        delivered: How many of them ended with a sealed document.
        failed: How many ended without one: counted, each with its reason.
        open_uses: How many have no end; a use that is being sealed right now is one of them.
        objects_checked: Imprints and certificates that were compared with the ledger.
        values_checked: Personal values that were compared with their commitments.
        values_erased: How many of these were erased on purpose, as the ledger says.
        redactions: By whom, when and why values were erased.
        ledger: The report of the ledger's verification.
    """

    findings: tuple[AuditFinding, ...]
    replayed: bool
    uses: int
    delivered: int
    failed: int
    open_uses: int
    objects_checked: int
    values_checked: int
    values_erased: int
    redactions: tuple[Redacted, ...]
    ledger: Report

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong. What that is worth depends on what the caller brought: see `ledger.assurance`."""
        return not self.findings

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.ledger.size

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for `json.dumps`."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["findings"] = [asdict(finding) for finding in self.findings]
        values["redactions"] = [asdict(redaction) for redaction in self.redactions]
        return {"ok": self.ok, **values, "ledger": self.ledger.to_dict()}

    def __bool__(self) -> NoReturn:
        raise TypeError("an OfficeAudit is neither true nor false: ask .ok")


def audit_ledger(
    directory: str | os.PathLike[str],
    *,
    checkpoint: str | None = None,
    ledger_keys: Iterable[VerifyingKey] = (),
    progress: Progress | None = None,
) -> OfficeAudit:
    """Verify an office's ledger, replay every decision in it, and check what it names; no password, no lock.

    A ledger whose bytes are damaged is not replayed: what its entries say is then nobody's word.

    Args:
        directory: The office.
        checkpoint: An earlier checkpoint that the ledger must extend.
        ledger_keys: The ledger's keys as the auditor knows them; empty: the one that the ledger names.
        progress: Called with (done, in all), for the verification and again for the replay.

    Raises:
        InvalidArgument: If there is no office in the directory.
        InvalidEncoding: If the earlier checkpoint does not parse.
        LedgerError: If a file of the ledger cannot be read.
    """
    base = existing(directory)
    report = verify_ledger(base / LEDGER, checkpoint=checkpoint, ledger_keys=ledger_keys, progress=progress)
    findings = [AuditFinding("ledger", finding.kind, finding.index, str(finding)) for finding in report.findings]
    beside = _Beside()
    uses: tuple[rules.UseRecord, ...] = ()
    if report.ok:
        audit = rules.audit(events(LedgerReader.open(base / LEDGER), 0, progress, stop=report.size))
        findings += [
            AuditFinding("authority", f.kind, f.index, f"entry {f.index}: {f.message}") for f in audit.findings
        ]
        if audit.total > len(audit.findings):
            more = audit.total - len(audit.findings)
            findings.append(AuditFinding("authority", "more-findings", None, f"{more} more findings are not listed"))
        beside.check_database(base / PROJECTION, base / LEDGER)
        beside.check_objects(base / BLOBS, audit.authority)
        beside.check_redactions(LedgerReader.open(base / LEDGER), report.size)
        beside.check_values(base / DETAILS, audit.authority)
        findings += beside.findings
        uses = audit.authority.uses()
    return OfficeAudit(
        findings=tuple(findings),
        replayed=report.ok,
        uses=len(uses),
        delivered=sum(use.result == "delivered" for use in uses),
        failed=sum(use.result == "failed" for use in uses),
        open_uses=sum(use.result == "open" for use in uses),
        objects_checked=beside.objects,
        values_checked=beside.values,
        values_erased=beside.erased,
        redactions=tuple(beside.redacted),
        ledger=report,
    )


class _Beside:
    """What lies beside the ledger and is named in it; a directory or database that is not here at all is left out."""

    def __init__(self) -> None:
        self.findings: list[AuditFinding] = []
        self.objects = 0
        self.values = 0
        self.erased = 0
        self.redactions: list[Redaction] = []
        self.redacted: list[Redacted] = []

    def check_database(self, path: Path, ledger: Path) -> None:
        """Whether the projection once showed more than the ledger holds; what its rows say counts for nothing."""
        if not path.is_file():
            return
        database = open_database(path, durable=False, read_only=True)
        try:
            shown = Projection(database).shown()
        except StorageError:
            return
        finally:
            database.close()
        # Opened after the look: a writer may have added to both meanwhile.
        reader = LedgerReader.open(ledger)
        if shown is not None and (shown.size > reader.size or reader.root(shown.size) != shown.root):
            sentence = (
                f"{path.name} showed {shown.size} entries, and this ledger of {reader.size} does not begin with them: "
                "the ledger was cut or put back, or the database is another's"
            )
            self.findings.append(AuditFinding("beside", "database-ahead", None, sentence))

    def check_objects(self, path: Path, state: rules.Authority) -> None:
        """Imprints and certificates of every seal."""
        if not path.is_dir():
            return
        blobs = Blobs(path)
        for seal in state.seals():
            try:
                if seal.imprint is not None:
                    self.objects += 1
                    blobs.get(seal.imprint.hex())
                if seal.certificate is not None:
                    self.objects += 1
                    blobs.certificates(seal.certificate)
            except StorageError as error:
                self.findings.append(AuditFinding("beside", "object-altered", seal.index, f"seal {seal.id!r}: {error}"))

    def check_redactions(self, reader: LedgerReader, size: int) -> None:
        """Whether each REDACT entry speaks of an entry that holds what it names."""
        for redaction in redactions(reader, stop=size):
            if redaction.holds:
                self.redactions.append(redaction)
                continue
            sentence = (
                f"entry {redaction.index} redacts what entry {redaction.entry} does not hold: another "
                "statement, or other commitments"
            )
            self.findings.append(AuditFinding("beside", "redaction-invalid", redaction.index, sentence))

    def check_values(self, path: Path, state: rules.Authority) -> None:
        """Names of units and persons, purposes and counterparties of applications; and why values were erased."""
        recorded = {field for redaction in self.redactions for field in redaction.fields}
        wanted = list(_values(state))
        found: Mapping[bytes, str] = {}
        if path.is_file():
            details = Details(path, hash=state.hash, read_only=True)
            try:
                reasons = (redaction.reason for redaction in self.redactions)
                found = details.look_up((*recorded, *reasons, *(commitment for _, _, commitment in wanted)))
            except StorageError as error:
                self.findings.append(AuditFinding("beside", "values-unreadable", None, str(error)))
                return
            finally:
                details.close()
            self._check_found(wanted, found, recorded)
        for r in self.redactions:
            reason = "(none given)" if r.reason is None else found.get(r.reason, MISSING)
            time = datetime.fromtimestamp(r.time / 1_000_000, UTC).isoformat()
            self.redacted.append(Redacted(r.index, time, r.by, r.entry, len(r.fields), reason))

    def _check_found(
        self, wanted: list[tuple[int, str, bytes]], found: Mapping[bytes, str], recorded: Set[bytes]
    ) -> None:
        def report(kind: str, index: int, sentence: str) -> None:
            self.findings.append(AuditFinding("beside", kind, index, sentence))

        for index, what, commitment in wanted:
            self.values += 1
            value, by_ledger = found[commitment], commitment in recorded
            if value is ERASED or value is MISSING:
                self.erased += by_ledger
                if not by_ledger:
                    kind = "value-missing" if value is MISSING else "value-erased-unrecorded"
                    report(kind, index, f"{what} is not kept, and no REDACT entry says that it was erased")
            elif value is ALTERED:
                report("value-altered", index, f"{what} is not the one committed to")
        for redaction in self.redactions:
            kept = sum(found[field] not in {ERASED, MISSING} for field in redaction.fields)
            if kept:
                report(
                    "value-not-erased",
                    redaction.index,
                    f"entry {redaction.index} says that {kept} values of entry {redaction.entry} are erased: they are "
                    "still kept (open the office once, or erase them in the copy)",
                )


def _values(state: rules.Authority) -> Iterator[tuple[int, str, bytes]]:
    """Where each personal value stands in the ledger, what it is, and its commitment."""
    for unit in state.units():
        yield unit.index, f"the name of unit {unit.id!r}", unit.name
    for person in state.persons():
        yield person.index, f"the name of person {person.id!r}", person.name
    for application in state.applications():
        yield application.index, "the purpose of an application", application.purpose
        if application.counterparty is not None:
            yield application.index, "the counterparty of an application", application.counterparty
