"""The exceptions of sealcore, defined once, raised on both sides of the border.

::

    SealcoreError
    ├── InputError(ValueError)
    │   ├── InvalidLength       .field .expected .actual
    │   ├── InvalidEncoding     .field .offset
    │   ├── InvalidArgument     .field
    │   ├── InvalidKey          .field
    │   │   └── WrongPassword
    │   ├── InvalidImage
    │   └── NoImprint
    ├── InvalidSignature        no detail, on purpose
    ├── InvalidCertificate      .depth
    ├── LedgerError
    │   ├── BrokenChain         .index
    │   ├── InvalidProof
    │   ├── RootMismatch        .tree_size
    │   ├── LedgerCorrupt       .offset
    │   ├── LedgerLocked · LedgerFenced
    │   ├── LedgerUnavailable   .request
    │   └── LedgerIOError       .operation .errno
    ├── PolicyError             .statement .limit .actual
    │   ├── ApprovalRequired · GrantExhausted · GrantExpired · GrantRevoked · GrantWidened
    │   ├── DocumentMismatch · SealNotActive · ApplicantExcluded · NotPermitted
    │   ├── UnknownReference · Duplicate · InvalidTransition · LimitExceeded
    │   └── ApplicationRefused · UseOutOfOrder · KeyNotValid · TimeReversed
    ├── DocumentError
    │   └── NotSealed · AlteredAfterSealing · UnreadableDocument · DocumentLocked
    ├── MissingExtra(ImportError)  .extra
    ├── StorageError(OSError)   .operation .path .errno
    ├── RandomSourceFailed
    └── InternalError(RuntimeError)

Every exception keeps its detail as attributes, prints one sentence that names the field and the remedy, and pickles.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AlteredAfterSealing",
    "ApplicantExcluded",
    "ApplicationRefused",
    "ApprovalRequired",
    "BrokenChain",
    "DocumentError",
    "DocumentLocked",
    "DocumentMismatch",
    "Duplicate",
    "GrantExhausted",
    "GrantExpired",
    "GrantRevoked",
    "GrantWidened",
    "InputError",
    "InternalError",
    "InvalidArgument",
    "InvalidCertificate",
    "InvalidEncoding",
    "InvalidImage",
    "InvalidKey",
    "InvalidLength",
    "InvalidProof",
    "InvalidSignature",
    "InvalidTransition",
    "KeyNotValid",
    "LedgerCorrupt",
    "LedgerError",
    "LedgerFenced",
    "LedgerIOError",
    "LedgerLocked",
    "LedgerUnavailable",
    "LimitExceeded",
    "MissingExtra",
    "NoImprint",
    "NotPermitted",
    "NotSealed",
    "PolicyError",
    "RandomSourceFailed",
    "RootMismatch",
    "SealNotActive",
    "SealcoreError",
    "StorageError",
    "TimeReversed",
    "UnknownReference",
    "UnreadableDocument",
    "UseOutOfOrder",
    "WrongPassword",
]


class SealcoreError(Exception):
    """The root of every exception that sealcore raises on purpose.

    Example:
        >>> error = InvalidLength("signature: expected 64 bytes, got 3", field="signature", expected=64, actual=3)
        >>> error.field, error.expected, error.actual
        ('signature', 64, 3)
    """

    _fields: tuple[str, ...] = ()

    def __init__(self, message: str = "", **detail: Any) -> None:
        super().__init__(message)
        unknown = detail.keys() - set(self._fields)
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {sorted(unknown)[0]!r}")
        for name in self._fields:
            setattr(self, name, detail.get(name))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), str(self), {name: getattr(self, name) for name in self._fields})


def _rebuild(kind: type[SealcoreError], message: str, detail: dict[str, Any]) -> SealcoreError:
    return kind(message, **detail)


class InputError(SealcoreError, ValueError):
    """Input that cannot be what it claims to be."""


class InvalidLength(InputError):
    """A field has another length than its format allows."""

    _fields = ("field", "expected", "actual")
    field: str
    expected: int
    actual: int


class InvalidEncoding(InputError):
    """Bytes do not parse; ``offset`` counts from the start of the field."""

    _fields = ("field", "offset")
    field: str
    offset: int


class InvalidArgument(InputError):
    """An argument is outside its domain."""

    _fields = ("field",)
    field: str


class InvalidKey(InputError):
    """A key is out of range, off the curve, or of another algorithm."""

    _fields = ("field",)
    field: str


class WrongPassword(InvalidKey):
    """An encrypted private key does not open with this password."""


class InvalidImage(InputError):
    """A picture cannot be decoded, or is outside the bounds."""


class NoImprint(InputError):
    """A picture shows no seal imprint."""


class InvalidSignature(SealcoreError):
    """The signature does not verify. No detail, on purpose."""


class InvalidCertificate(SealcoreError):
    """A certificate or its chain is not acceptable; ``depth`` 0 is the end entity."""

    _fields = ("depth",)
    depth: int


class LedgerError(SealcoreError):
    """The ledger is damaged, busy or contradicts what it should continue."""


class BrokenChain(LedgerError):
    """Entry ``index`` does not carry the leaf hash of its predecessor."""

    _fields = ("index",)
    index: int


class InvalidProof(LedgerError):
    """A Merkle proof does not prove what it claims."""


class RootMismatch(LedgerError):
    """The recomputed root differs from the checkpoint's at ``tree_size``."""

    _fields = ("tree_size",)
    tree_size: int


class LedgerCorrupt(LedgerError):
    """A ledger file is damaged at byte ``offset``."""

    _fields = ("offset",)
    offset: int


class LedgerLocked(LedgerError):
    """Another process holds the ledger for writing."""


class LedgerFenced(LedgerError):
    """Another writer has taken over a shared ledger; what this one did not acknowledge does not count through it."""


class LedgerUnavailable(LedgerError):
    """A shared ledger gave no answer in time. ``request`` names the submission: asked again, it is never done twice."""

    _fields = ("request",)
    request: bytes


class LedgerIOError(LedgerError, OSError):
    """The operating system refused an operation on a ledger file (disk full, no permission, ...)."""

    _fields = ("operation", "errno")
    operation: str


class PolicyError(SealcoreError):
    """Authority refuses. ``statement`` is the ledger index of the statement that decides, or None."""

    _fields = ("statement", "limit", "actual")
    statement: int | None
    limit: int
    actual: int


class ApprovalRequired(PolicyError):
    """The quorum of the policy is not met."""


class GrantExhausted(PolicyError):
    """Every use of the grant is taken."""


class GrantExpired(PolicyError):
    """The grant is outside its time window."""


class GrantRevoked(PolicyError):
    """The grant or one above it is revoked."""


class GrantWidened(PolicyError):
    """The child grant is wider than its parent."""


class DocumentMismatch(PolicyError):
    """The document is not the one that was approved."""


class SealNotActive(PolicyError):
    """The seal is not active, or another version of it is."""


class ApplicantExcluded(PolicyError):
    """The applicant may not approve his own request."""


class NotPermitted(PolicyError):
    """The person does not hold the role that this needs."""


class UnknownReference(PolicyError):
    """The statement refers to something that the ledger does not hold."""


class Duplicate(PolicyError):
    """The ledger holds such a statement already, or something with this id."""


class InvalidTransition(PolicyError):
    """The state does not allow this step."""


class LimitExceeded(PolicyError):
    """An amount, class, number or time is outside the limit set for it."""


class ApplicationRefused(PolicyError):
    """An approver has refused the application."""


class UseOutOfOrder(PolicyError):
    """The use number is not the next one of the grant."""


class KeyNotValid(PolicyError):
    """The key that signed is not valid for this person at this time."""


class TimeReversed(PolicyError):
    """The entry is older than the one before it."""


class DocumentError(SealcoreError):
    """A document cannot be sealed or verified."""


class NotSealed(DocumentError):
    """The document carries no seal."""


class AlteredAfterSealing(DocumentError):
    """The document was changed after it was sealed."""


class UnreadableDocument(DocumentError):
    """The document cannot be parsed."""


class DocumentLocked(DocumentError):
    """A seal on the document forbids what is asked, such as a further seal."""


class MissingExtra(SealcoreError, ImportError):
    """A function needs an optional part of sealcore: ``pip install "sealcore[extra]"``."""

    _fields = ("extra",)
    extra: str


class StorageError(SealcoreError, OSError):
    """A key file, a database, a picture or a temporary file cannot be read or written (disk full, damaged, ...)."""

    _fields = ("operation", "path", "errno")
    operation: str
    path: str


class RandomSourceFailed(SealcoreError):
    """The operating system's random source failed."""


class InternalError(SealcoreError, RuntimeError):
    """A bug in sealcore: please report it."""
