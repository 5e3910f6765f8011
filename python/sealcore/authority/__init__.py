"""Who may put which seal on what: statements, the gate before a seal's key signs, and the audit of a ledger.

Everything that changes what is allowed is a *statement*, signed by a person, an entry of the ledger.
:class:`Authority` is the state after the entries so far; the same transition function judges a statement before it is
appended (:meth:`Authority.check`), takes it (:meth:`Authority.apply`), allows a use (:meth:`Authority.authorise_use`)
and audits a whole ledger. It decides and computes nothing else: no clock, no keys, no files; signatures
are checked by the ledger.

The contract of the gate, under the caller's one writer lock::

    token = authority.authorise_use(application=..., grant=..., user=..., document=Digests.of(pdf), now=now)
    receipt = ledger.append(...)             # exactly token.body, signed with the ledger's own key, at token.time
    authority.apply(token.body, index=receipt.index, key_idx=0, time=token.time)
    ...                                      # now the seal's key signs
    ...                                      # append and apply UseDelivered, or UseFailed

``apply`` judges the use once more, so of two tokens for the last use of a grant only one can be taken.

Example:
    >>> from datetime import UTC, datetime
    >>> expires = datetime(2030, 1, 1, tzinfo=UTC)
    >>> statement = Approval(by="ann", ledger=bytes(32), application=bytes(32), expires=expires)
    >>> decode(statement.encode()) == statement
    True
"""

from __future__ import annotations

from sealcore._core import UseToken
from sealcore.authority._records import (
    ApplicationRecord,
    ApprovalRecord,
    Finding,
    GrantRecord,
    HeldGrant,
    HeldRoles,
    HeldSeal,
    Holdings,
    KeyRecord,
    PersonRecord,
    PolicyRecord,
    RefusalRecord,
    SealRecord,
    UnitRecord,
    UseRecord,
)
from sealcore.authority._state import (
    AuditReport,
    Authority,
    Entry,
    EntryKind,
    audit,
)
from sealcore.authority._statements import (
    Application,
    Approval,
    Grant,
    GrantRevoke,
    Person,
    PersonKey,
    PersonLeft,
    Policy,
    Refusal,
    Seal,
    SealState,
    SealUse,
    Statement,
    Unit,
    UseDelivered,
    UseFailed,
    decode,
)
from sealcore.authority._values import (
    Amount,
    Digests,
    Position,
    Seen,
    Time,
    commitment,
)

__all__ = [
    "Amount",
    "Application",
    "ApplicationRecord",
    "Approval",
    "ApprovalRecord",
    "AuditReport",
    "Authority",
    "Digests",
    "Entry",
    "EntryKind",
    "Finding",
    "Grant",
    "GrantRecord",
    "GrantRevoke",
    "HeldGrant",
    "HeldRoles",
    "HeldSeal",
    "Holdings",
    "KeyRecord",
    "Person",
    "PersonKey",
    "PersonLeft",
    "PersonRecord",
    "Policy",
    "PolicyRecord",
    "Position",
    "Refusal",
    "RefusalRecord",
    "Seal",
    "SealRecord",
    "SealState",
    "SealUse",
    "Seen",
    "Statement",
    "Time",
    "Unit",
    "UnitRecord",
    "UseDelivered",
    "UseFailed",
    "UseRecord",
    "UseToken",
    "audit",
    "commitment",
    "decode",
]
