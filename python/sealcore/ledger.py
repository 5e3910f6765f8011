"""The tamper-evident ledger: durable append, receipts, proofs, offline verification.

An entry is appended as a signed body: its author signs :func:`statement_message` (``"sealcore stmt v1"`` ‖ the
statement id) with a key that stands in the ledger's key table, and hands a :class:`NewEntry` to the one writer,
:class:`Ledger`. The writer gives it index, time and predecessor, makes it durable together with a signed checkpoint,
and only then returns a :class:`Receipt`: checkpoint and inclusion proof. :class:`LedgerReader` reads without a lock.
What a statement means is decided in :mod:`sealcore.authority`, not here.

Rows of the key table: 0 is the ledger's own key, 1 the founder's, then each ``key-add`` entry in order. Times are whole
microseconds since 1970-01-01 UTC. Hashes, statement ids and roots are 32 bytes, of SHA-256 or SM3 as the ledger says.

Example:
    >>> import tempfile, pathlib
    >>> from sealcore.sign import SigningKey
    >>> ledger_key, founder = SigningKey.generate("p256"), SigningKey.generate("sm2")
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "ledger"
    >>> with Ledger.create(path, origin="example.com/seals", ledger_key=ledger_key,
    ...                    founder_key=founder.verifying_key, hash="sha256") as ledger:
    ...     entry = NewEntry.sign(encode_body({"kind": "note", "text": "hello"}), founder, key_idx=1, hash=ledger.hash)
    ...     receipt = ledger.append(entry)
    >>> receipt.index
    1
    >>> receipt.verify(origin="example.com/seals", key=ledger_key.verifying_key)
    >>> reader = LedgerReader.open(path)
    >>> proof = Proof.parse(reader.prove(1).to_text())
    >>> proof.verify(NoteKey("example.com/seals", ledger_key.verifying_key))
    Checkpoint(example.com/seals, 2 entries)
    >>> [decode_body(entry.body)["kind"] for entry in reader]
    ['genesis', 'note']
    >>> report = verify_ledger(path, ledger_keys=[ledger_key.verifying_key])
    >>> report.size, report.assurance
    (2, 'matches operator checkpoint')

Source:
    RFC 6962 (tree and proofs), C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof and tlog-policy
    (checkpoints, witnesses, proofs as text), RFC 8949 clause 4.2.1 (bodies);
    the whole format is in ``core/docs/ledger-format.md``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from os import PathLike
from typing import Any, Literal, NoReturn, Protocol, TypeAlias

from sealcore import _core
from sealcore._core import (
    Checkpoint,
    Entry,
    KeyRow,
    Ledger,
    LedgerReader,
    NewEntry,
    NoteKey,
    NoteSigner,
    Policy,
    Proof,
    Receipt,
    Summary,
    anchor_body,
    decode_body,
    encode_body,
    generate_ed25519_key,
    generate_ledger,
    key_add_body,
    key_revoke_body,
    key_rotate_body,
    leaf_hash,
    redact_body,
    sealed_segments,
    statement_id,
    statement_message,
    tile_width,
    verify_consistency,
    verify_inclusion,
    verify_segment,
    verify_subtree,
)
from sealcore.errors import LedgerCorrupt
from sealcore.sign import VerifyingKey

__all__ = [
    "FOUNDER_KEY",
    "LEDGER_KEY",
    "Checkpoint",
    "Entry",
    "EntryType",
    "Finding",
    "KeyRow",
    "Ledger",
    "LedgerReader",
    "NewEntry",
    "NoteKey",
    "NoteSigner",
    "Objects",
    "Policy",
    "Proof",
    "Receipt",
    "Report",
    "Summary",
    "anchor_body",
    "decode_body",
    "encode_body",
    "generate_ed25519_key",
    "generate_ledger",
    "key_add_body",
    "key_revoke_body",
    "key_rotate_body",
    "leaf_hash",
    "redact_body",
    "sealed_segments",
    "statement_id",
    "statement_message",
    "tile_width",
    "verify_consistency",
    "verify_inclusion",
    "verify_ledger",
    "verify_segment",
    "verify_subtree",
]

EntryType: TypeAlias = Literal[
    "genesis", "statement", "key-add", "key-revoke", "redact", "segment", "anchor", "key-rotate"
]
"""The types of entries."""


class Objects(Protocol):
    """The files of a ledger where they are no files of this machine: what a verification or a reader needs of a store.

    :func:`sealcore.audit.open_place` makes one for every URL that fsspec knows. Names are those of the format, such as
    ``seg/3.slg`` or ``checkpoint``. It is called on several threads at once.
    """

    def list(self, folder: str, /) -> list[str]:
        """The names in the folder ``seg`` or ``wal``, without the folder; none when there is no such folder."""
        ...

    def length(self, name: str, /) -> int:
        """The length of an object in bytes; raises FileNotFoundError when it is not there."""
        ...

    def read(self, name: str, offset: int, length: int, /) -> bytes:
        """Exactly `length` bytes from `offset`; the object is known to reach that far."""
        ...


LEDGER_KEY = 0
"""The row of the ledger's own key."""

FOUNDER_KEY = 1
"""The row of the founder's key."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a ledger, and where.

    Attributes:
        kind: What is wrong, a stable word such as ``"entry-altered"``, ``"deleted"`` or ``"truncated-since-earlier"``.
        file: The file, such as ``wal/0.wal``, ``seg/3.slg``, ``checkpoint``, ``checkpoints.log``, ``state`` or
            ``genesis``; or ``earlier checkpoint``.
        index: The entry, or the tree size of a checkpoint; None when it is about no single one.
        offset: The byte offset in the file.
        field: The field as the format names it; ``"header"`` for those that only the tree covers.
        detail: A sentence for people.
    """

    kind: str
    file: str
    index: int | None
    offset: int
    field: str
    detail: str

    def __str__(self) -> str:
        place = "" if self.index is None else f" {self.index}"
        return f"{self.file}{place}, {self.field} (at byte {self.offset}): {self.kind}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found.

    Attributes:
        assurance: How much can be relied on: ``"inconsistent"`` when there are findings; ``"well-formed"`` at level 0,
            where nothing is hashed; else ``"internally consistent"`` (the ledger agrees with the key that it names
            itself), ``"matches operator checkpoint"`` (that key is a trusted one), ``"extends my earlier checkpoint"``
            (nothing was removed or changed since) or ``"cosigned by a quorum of witnesses"`` (and witnesses have seen
            that checkpoint, recently enough).
        findings: What is wrong, up to ``max_findings``.
        findings_dropped: How many more there were.
        size: The number of entries that the newest signed checkpoint covers.
        root: The root of those entries; None when they do not have the root of the checkpoint.
        checkpoint: That checkpoint as a signed note: keep it for the next verification.
        origin: The name of the ledger; None when not even a genesis could be read.
        id: The ledger's id, 32 bytes.
        hash: ``"sha256"`` or ``"sm3"``.
        entries: Entries found, by type.
        signatures_checked: Entry signatures checked.
        checkpoints_checked: Checkpoints whose signatures were checked.
        bytes: Bytes of entries that were judged.
        unacknowledged_bytes: Bytes after the newest checkpoint, which nobody has acknowledged: not judged.
        level: How much was verified: 0 form only, 1 hashes and order, 2 also every checkpoint, 3 also every signature,
            4 also what every statement was allowed to do; 3 when 4 was asked for and the ledger is damaged.
        summary: What the next verification can begin with: the sealed segments from the first one on with which
            nothing is wrong; None when there is none. Not in ``to_dict``.
    """

    assurance: str
    findings: tuple[Finding, ...]
    findings_dropped: int
    size: int
    root: bytes | None
    checkpoint: str | None
    origin: str | None
    id: bytes | None
    hash: str | None
    entries: dict[str, int]
    signatures_checked: int
    checkpoints_checked: int
    bytes: int
    unacknowledged_bytes: int
    level: int
    summary: Summary | None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong. What that is worth depends on what the caller brought: see ``assurance``."""
        return self.assurance != "inconsistent"

    def raise_for_findings(self) -> None:
        """Raise if anything is wrong.

        Raises:
            LedgerCorrupt: With the offset and the words of the first finding.
        """
        if not self.ok:
            first = self.findings[0] if self.findings else None
            raise LedgerCorrupt(f"ledger: {first or 'findings'}", offset=first.offset if first else 0)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-able values; hashes in hexadecimal."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "summary"}
        values["findings"] = [asdict(finding) for finding in self.findings]
        for name in ("root", "id"):
            values[name] = None if values[name] is None else values[name].hex()
        return values

    def __bool__(self) -> NoReturn:
        raise TypeError("a Report is neither true nor false: ask .ok and .assurance, or call .raise_for_findings()")


def verify_ledger(
    path: str | PathLike[str] | Objects,
    *,
    checkpoint: str | None = None,
    ledger_keys: Iterable[VerifyingKey] = (),
    signers: Iterable[NoteKey] = (),
    policy: Policy | None = None,
    max_age: timedelta | None = None,
    level: int = 3,
    summaries: Iterable[Summary] = (),
    max_findings: int = 1000,
    threads: int | None = None,
    progress: Callable[[int, int], object] | None = None,
    found: Callable[[Finding], object] | None = None,
) -> Report:
    """Verify every entry, link, signature and checkpoint of a ledger; report every finding, not only the first.

    No lock is taken: a writer may run meanwhile. Memory does not grow with the ledger.

    Args:
        path: The directory of the ledger, or an object that reads its files.
        checkpoint: An earlier checkpoint of it (a signed note) that the caller has kept: finds what was cut off or
            rewritten since, also by the operator himself.
        ledger_keys: Keys of the operator that the caller trusts; empty: the key that the ledger names is believed.
        signers: Further keys of the operator: no line of theirs on any checkpoint may fail, and the newest checkpoint
            must carry one of each.
        policy: Which witnesses must have cosigned ``checkpoint``.
        max_age: How old their cosignatures may be; None: however old.
        level: 0 verifies the form of everything and the order of entries; 1 also hashes, chain and tree up to the
            newest checkpoint; 2 also every checkpoint there ever was; 3 also every signature; 4 also replays every
            statement through the rules of :mod:`sealcore.authority`.
        summaries: What earlier verifications, or other machines, have left of sealed segments: their bytes are not read
            again. They are believed, so they must come from where nobody else can write.
        max_findings: How many findings the report lists.
        threads: At most so many threads; None means every core.
        progress: Called with (entries done, entries in all) about ten times a second, and at the end; what it raises
            ends the verification.
        found: Called with each finding as soon as it is known. Where signatures take much longer than hashes, all
            hashes come before the first signature then.

    Returns:
        The report.

    Raises:
        InvalidArgument: If there is no ledger, a summary is of another one, or there is a policy and no checkpoint to
            judge by it.
        InvalidEncoding: If the earlier checkpoint does not parse.
        LedgerIOError: If a file cannot be read.
    """
    values = _core.verify_ledger(
        path,
        checkpoint=checkpoint,
        ledger_keys=list(ledger_keys),
        signers=list(signers),
        policy=policy,
        now=int(time.time()),
        max_age=None if max_age is None else int(max_age.total_seconds()),
        level=level,
        summaries=list(summaries),
        max_findings=max_findings,
        threads=threads,
        progress=progress,
        found=None if found is None else lambda finding: found(Finding(**finding)),
    )
    findings = tuple(Finding(**finding) for finding in values.pop("findings"))
    return Report(findings=findings, **values)
