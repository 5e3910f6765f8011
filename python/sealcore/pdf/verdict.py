"""What verification found: one verdict, four facts, and everything about each seal.

The verdict is the first that applies of

``unsealed``
    no signature at all;
``altered``
    a signature does not fit its bytes, or bytes of the file are not covered as they should be;
``unrecognised``
    nothing was altered, but somebody unknown sealed it, or there is a signature that cannot be read;
``authentic``
    every signature is intact, valid and trusted, and together they cover the entire file.

It is never a pass from a subset: one bad signature spoils the document. The four facts follow Let's Seal's
specification (section 8): *intact* (the digest fits), *valid* (the signature fits the digest and the signer's key),
*trusted* (the signer's certificate leads to a given root at the time looked at), *entire file* (no byte is outside).
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sealcore.errors import AlteredAfterSealing, InvalidCertificate, NotSealed, UnreadableDocument
from sealcore.pdf.attribute import AuthorityAttribute

__all__ = ["SealReport", "Verdict"]


@dataclass(frozen=True)
class SealReport:
    """One signature of the document.

    Attributes:
        field_name: the signature field.
        kind: ``"seal"``, ``"timestamp"`` (a document timestamp) or ``"usage rights"`` (Adobe's, not a seal).
        subfilter: the encoding that the file names, as ``"ETSI.CAdES.detached"``.
        intact: the digest in the signature is that of the covered bytes.
        valid: the signature verifies under the signer's key, and its encoding is as it must be.
        trusted: the certificate leads to a given root at ``checked_at`` and may sign.
        entire_file: the signature alone covers every byte of the file but itself.
        problems: what is wrong, in words.
        level: the PAdES level whose parts are present, ``"B-B"`` to ``"B-LTA"``; ``"CMS"`` when it is no PAdES
            signature, ``"none"`` when it could not be read. Whether its timestamp holds is what ``trusted_time`` says.
        algorithm, digest_algorithm: as ``"sm2"``, ``"p256"``, ``"rsassa_pkcs1v15"``; ``"sm3"``, ``"sha256"``.
        signer: the certificate's subject.
        certificate: DER, empty when there is none.
        authority: which ledger record allowed this seal, if it says so.
        claimed_time: the signer's word.
        trusted_time: a timestamp authority's word, when its signature holds and leads to a given root.
        checked_at, time_source: the moment of trust; ``"given"``, ``"timestamp"`` or ``"clock"``.
        certified: what may follow the seal: ``"no-changes"``, ``"allow-signing"``, ``"allow-annotating"`` or None.
        coverage: ``"entire file"``, ``"earlier revision"`` or ``"part of the file"``.
        changes: since this signature: ``"none"``, ``"validation data"``, ``"further signatures"`` or ``"other"``.
        byte_range: what the file says the signature covers.
        reason, location: as the file says; not signed by anyone but this signer.
    """

    field_name: str
    kind: Literal["seal", "timestamp", "usage rights"]
    subfilter: str
    intact: bool = False
    valid: bool = False
    trusted: bool = False
    entire_file: bool = False
    problems: tuple[str, ...] = ()
    level: str = "none"
    algorithm: str = ""
    digest_algorithm: str = ""
    signer: str = ""
    certificate: bytes = b""
    authority: AuthorityAttribute | None = None
    claimed_time: datetime | None = None
    trusted_time: datetime | None = None
    checked_at: datetime | None = None
    time_source: Literal["given", "timestamp", "clock"] = "clock"
    certified: Literal["no-changes", "allow-signing", "allow-annotating"] | None = None
    coverage: Literal["entire file", "earlier revision", "part of the file"] = "part of the file"
    changes: Literal["none", "validation data", "further signatures", "other"] = "other"
    byte_range: tuple[int, ...] | None = None
    reason: str | None = None
    location: str | None = None

    @property
    def unaltered(self) -> bool:
        """Intact, valid, and nothing but permitted additions came after it."""
        return self.intact and self.valid and self.coverage != "part of the file" and self.changes != "other"


@dataclass(frozen=True)
class Verdict:
    """What is to be thought of a document.

    Attributes:
        verdict: ``"unsealed"``, ``"altered"``, ``"unrecognised"`` or ``"authentic"``.
        reasons: why it is not authentic, in words; empty when it is.
        intact, valid, trusted: the facts, true only when true for every signature (and there is one).
        entire_file: every byte is covered by a signature, or belongs to validation data added after the last one.
        seals: every signature that was found, in the order of what they cover.
        unreadable: signatures that cannot be read, and why.
        revocation: ``"unchecked"``: no revocation list is asked for, none in the file is relied on.

    A Verdict has no truth value, since "not authentic" has three meanings: ask ``verdict``, or ``raise_for_status``.
    """

    verdict: Literal["unsealed", "altered", "unrecognised", "authentic"]
    reasons: tuple[str, ...]
    intact: bool
    valid: bool
    trusted: bool
    entire_file: bool
    seals: tuple[SealReport, ...]
    unreadable: tuple[str, ...]
    revocation: Literal["unchecked"] = "unchecked"

    @classmethod
    def of(cls, seals: tuple[SealReport, ...], unreadable: tuple[str, ...], loose_bytes: tuple[str, ...]) -> Verdict:
        """Draws the conclusion.

        Args:
            seals: every signature that could be read as one, usage rights included.
            unreadable: signatures that could not, and why.
            loose_bytes: what of the file no signature answers for, in words.
        """
        counted = tuple(seal for seal in seals if seal.kind != "usage rights")
        signed = any(seal.kind == "seal" for seal in seals)
        reasons = [f"{seal.field_name}: {problem}" for seal in counted for problem in seal.problems]
        if counted:
            reasons += loose_bytes
        reasons += unreadable
        verdict: Literal["unsealed", "altered", "unrecognised", "authentic"]
        if not signed and not unreadable:
            verdict = "unsealed"
            reasons = ["the document carries no seal", *reasons]
        elif loose_bytes or not all(seal.unaltered for seal in counted):
            verdict = "altered"
        elif unreadable or not all(seal.trusted for seal in counted):
            verdict = "unrecognised"
        else:
            verdict = "authentic"
        return cls(
            verdict,
            tuple(reasons),
            intact=bool(counted) and all(seal.intact for seal in counted),
            valid=bool(counted) and all(seal.valid for seal in counted),
            trusted=bool(counted) and all(seal.trusted for seal in counted),
            entire_file=bool(counted) and not loose_bytes and all(s.coverage != "part of the file" for s in counted),
            seals=seals,
            unreadable=unreadable,
        )

    def __bool__(self) -> bool:
        raise TypeError('a Verdict has no truth value: compare .verdict with "authentic" or call raise_for_status()')

    def raise_for_status(self) -> None:
        """Returns when the document is authentic.

        Raises:
            NotSealed: unsealed.
            AlteredAfterSealing: altered.
            UnreadableDocument: unrecognised, because a signature cannot be read.
            InvalidCertificate: unrecognised, because a signer is not trusted.
        """
        text = "; ".join(self.reasons)
        if self.verdict == "unsealed":
            raise NotSealed(text)
        if self.verdict == "altered":
            raise AlteredAfterSealing(text)
        if self.verdict == "unrecognised":
            if self.unreadable:
                raise UnreadableDocument(text)
            raise InvalidCertificate(text, depth=0)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON: times in ISO 8601, certificates and hashes in base64."""
        plain = _plain(self)
        assert isinstance(plain, dict)
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Verdict:
        """What ``to_dict`` wrote."""
        return cls(
            **{
                **values,
                "reasons": tuple(values["reasons"]),
                "seals": tuple(_report(seal) for seal in values["seals"]),
                "unreadable": tuple(values["unreadable"]),
            }
        )


_TIMES = ("claimed_time", "trusted_time", "checked_at")


def _report(values: Mapping[str, Any]) -> SealReport:
    authority = values["authority"]
    byte_range = values["byte_range"]
    changed = {
        "problems": tuple(values["problems"]),
        "certificate": base64.b64decode(values["certificate"]),
        "authority": authority
        and AuthorityAttribute(**{**authority, "statement": base64.b64decode(authority["statement"])}),
        "byte_range": None if byte_range is None else tuple(byte_range),
        **{name: values[name] and datetime.fromisoformat(values[name]) for name in _TIMES},
    }
    return SealReport(**{**values, **changed})


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return value.isoformat()
    return value
