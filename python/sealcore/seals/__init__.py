"""The office: units, persons, seals, applications, approvals, grants and uses over one ledger.

`Registry` is the one writer: every change is a statement that a person signs, authority checks and the ledger keeps,
and the only way to a registered seal's key is its gate. `View` answers questions without a lock; `audit_ledger`
replays a ledger and says what was not authorised. The databases beside the ledger are a projection and the personal
values; no decision is taken from them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sealcore.seals.audit import AuditFinding, OfficeAudit, audit_ledger
    from sealcore.seals.registry import Registry, rebuild_database
    from sealcore.seals.results import Recorded, SealedDocument, SealKey
    from sealcore.seals.rows import (
        ApplicationRow,
        ApprovalRow,
        GrantRow,
        KeyRow,
        PersonRow,
        PolicyRow,
        SealRow,
        UnitRow,
        UseRow,
    )
    from sealcore.seals.view import View

__all__ = [
    "ApplicationRow",
    "ApprovalRow",
    "AuditFinding",
    "GrantRow",
    "KeyRow",
    "OfficeAudit",
    "PersonRow",
    "PolicyRow",
    "Recorded",
    "Registry",
    "SealKey",
    "SealRow",
    "SealedDocument",
    "UnitRow",
    "UseRow",
    "View",
    "audit_ledger",
    "rebuild_database",
]

_HOMES = {
    "AuditFinding": "audit",
    "OfficeAudit": "audit",
    "audit_ledger": "audit",
    "Registry": "registry",
    "rebuild_database": "registry",
    "Recorded": "results",
    "SealedDocument": "results",
    "SealKey": "results",
    "View": "view",
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'rows')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
