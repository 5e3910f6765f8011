"""Judges every signature of a PDF (runs in the worker): pyHanko with the SM2 plug-in, then the guard.

Source: ISO 32000-2, 12.8; ETSI EN 319 142-1 (levels); RFC 5652; ``guard.py`` for what comes on top. It does *not* ask
the network for anything, trusts only the roots that it is given, and does not look at revocation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, Final, Literal

from asn1crypto import core
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.fields import MDPPerm, enumerate_sig_fields
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from sealcore.errors import InputError
from sealcore.pdf import sm2
from sealcore.pdf.attribute import AUTHORITY_OID, AuthorityAttribute
from sealcore.pdf.guard import (
    AFTER_A_SEAL,
    AFTER_THE_LAST,
    gap_problems,
    hybrid_after,
    is_der,
    same_information,
    unaccounted,
)
from sealcore.pdf.messages import CheckRequest
from sealcore.pdf.reading import entry, open_pdf, refuse_unreadable
from sealcore.pdf.trusting import Facts, Trust, UnsupportedSignatureError
from sealcore.pdf.verdict import SealReport, Verdict

__all__ = ["check"]

_SUBFILTERS: Final = ("/ETSI.CAdES.detached", "/adbe.pkcs7.detached", "/PBAD.PAdES")
_TIMESTAMP: Final = "/ETSI.RFC3161"
_CERTIFIED: Final[dict[MDPPerm, Literal["no-changes", "allow-signing", "allow-annotating"]]] = {
    MDPPerm.NO_CHANGES: "no-changes",
    MDPPerm.FILL_FORMS: "allow-signing",
    MDPPerm.ANNOTATE: "allow-annotating",
}
_CHANGES: Final[dict[ModificationLevel, Literal["none", "validation data", "further signatures"]]] = {
    ModificationLevel.NONE: "none",
    ModificationLevel.LTA_UPDATES: "validation data",
    ModificationLevel.FORM_FILLING: "further signatures",
}


def check(pdf: bytes, request: CheckRequest) -> Verdict:
    """The verdict on a document.

    Raises:
        UnreadableDocument: it cannot be parsed or decrypted.
    """
    sm2.register()
    reader = open_pdf(pdf, request.password)
    with refuse_unreadable():
        return asyncio.run(_Check(pdf, reader, request).verdict())


class _Check:
    """One document under examination."""

    def __init__(self, pdf: bytes, reader: PdfFileReader, request: CheckRequest) -> None:
        self._pdf, self._reader = pdf, reader
        self._unreadable: list[str] = []
        self._trust = Trust(request, _stored_certificates(reader))

    async def verdict(self) -> Verdict:
        reports = []
        stamps: list[tuple[int, datetime]] = []
        candidates = sorted(self._signatures(), key=lambda found: -_end(found[1]))
        counted = (found for report, found in candidates if report.kind != "usage rights")
        newest = next((found for found in counted if isinstance(found, EmbeddedPdfSignature)), None)
        for report, found in candidates:  # the newest first: its timestamp proves the age of those before it
            if isinstance(found, str):
                reports.append(replace(report, problems=(found,)))
                continue
            later = [moment for end, moment in stamps if end > _end(found)]
            try:
                facts = await self._trust.facts(found, is_timestamp=report.kind == "timestamp", later=later)
                judged = self._judge(report, found, facts)
            except UnsupportedSignatureError as reason:
                self._unreadable.append(f"{report.field_name}: a signature that cannot be checked: {reason}")
                continue
            except MemoryError:
                raise
            except Exception as error:  # any parser's error on a hostile signature
                judged = replace(report, problems=(f"the signature is damaged: {_sentence(error)}",))
            if judged.kind == "timestamp" and judged.unaltered and judged.trusted_time is not None:
                stamps.append((_end(found), judged.trusted_time))
            reports.append(judged)
        reports.reverse()
        levelled = tuple(replace(report, level=self._level(report, reports)) for report in reports)
        return Verdict.of(levelled, tuple(self._unreadable), self._loose_bytes(newest))

    def _signatures(self) -> Iterator[tuple[SealReport, EmbeddedPdfSignature | str]]:
        """Every filled signature field, read as a signature, or why it cannot be."""
        fields = [(name, field) for name, _, field in enumerate_sig_fields(self._reader, filled_status=True)]
        rights = entry(self._reader.root, "/Perms", {})
        for key in ("/UR3", "/UR"):
            if key in rights:
                fields.append((key, generic.DictionaryObject({generic.pdf_name("/V"): rights.raw_get(key)})))
        for name, field in fields:
            signature = entry(field.get_object(), "/V")
            subfilter = str(entry(signature, "/SubFilter", "/none")) if isinstance(signature, dict) else "/none"
            kind: Literal["seal", "timestamp", "usage rights"] = "timestamp" if subfilter == _TIMESTAMP else "seal"
            report = SealReport(name, "usage rights" if name in ("/UR3", "/UR") else kind, subfilter.removeprefix("/"))
            if subfilter not in (*_SUBFILTERS, _TIMESTAMP):
                if report.kind != "usage rights":
                    self._unreadable.append(f"{name}: a signature that cannot be read: SubFilter {report.subfilter}")
                continue
            try:
                found = EmbeddedPdfSignature(self._reader, field, name)
                content_type = found.signed_data["encap_content_info"]["content_type"].native
                if content_type != ("tst_info" if report.kind == "timestamp" else "data"):
                    self._unreadable.append(f"{name}: a signature that cannot be read: over {content_type!r}")
                    continue
                found.byte_range = [int(number) for number in found.byte_range]
                yield report, found
            except Exception as error:  # any parser's error on a hostile signature
                yield report, f"the signature is damaged: {_sentence(error)}"

    def _judge(self, report: SealReport, found: EmbeddedPdfSignature, facts: Facts) -> SealReport:
        problems = list(facts.problems)
        gap = gap_problems(self._pdf, found.byte_range, found.pkcs7_content)
        problems += gap
        valid = facts.valid
        attributes = found.signer_info["signed_attrs"]
        if valid and not isinstance(attributes, core.Void) and not is_der(attributes.untag().dump()):
            valid = False
            problems.append("the signed attributes are not DER")
        authority, wrong = _authority(found)
        problems += wrong
        coverage: Literal["entire file", "earlier revision", "part of the file"] = "part of the file"
        changes: Literal["none", "validation data", "further signatures", "other"] = "other"
        certified = None
        try:
            certified = found.docmdp_level
            if gap:
                pass
            elif _end(found) == len(self._pdf):
                coverage, changes = "entire file", "none"
            elif found.evaluate_signature_coverage() >= SignatureCoverageLevel.ENTIRE_REVISION:
                coverage = "earlier revision"
                changes, why = self._changes(found, certified)
                problems += why
            else:
                problems.append("the signature covers only a part of its revision")
        except Exception as error:  # any parser's error on a hostile revision
            coverage = "part of the file"
            problems.append(f"what came after the signature cannot be read: {_sentence(error)}")
        return replace(
            report,
            intact=facts.intact,
            valid=valid,
            trusted=facts.trusted and valid and facts.intact,
            entire_file=coverage == "entire file",
            problems=tuple(problems),
            algorithm=facts.algorithm,
            digest_algorithm=found.external_md_algorithm,
            signer=facts.signer,
            certificate=facts.certificate,
            authority=authority,
            claimed_time=_claimed_time(found),
            trusted_time=facts.trusted_time,
            checked_at=facts.checked_at,
            time_source=facts.time_source,
            certified=None if certified is None else _CERTIFIED[certified],
            coverage=coverage,
            changes=changes,
            byte_range=tuple(found.byte_range),
            reason=_text(found, "/Reason"),
            location=_text(found, "/Location"),
            level=facts.level,
        )

    def _changes(
        self, found: EmbeddedPdfSignature, certified: MDPPerm | None
    ) -> tuple[Literal["none", "validation data", "further signatures", "other"], list[str]]:
        """What later revisions did, as far as it is allowed, and what was not."""
        if certified is MDPPerm.NO_CHANGES:
            count = len(self._pdf) - _end(found)
            return "other", [f"the seal allows no change, but {count} bytes were added after it"]
        if hybrid_after(self._reader, found.signed_revision):
            return "other", [
                "the document was changed after the seal with cross-references that only some readers follow"
            ]
        result = AFTER_A_SEAL.review_file(
            self._reader, found.signed_revision, field_mdp_spec=found.fieldmdp, doc_mdp=certified
        )
        if not isinstance(result, DiffResult):
            return "other", [f"the document was changed after the seal: {_sentence(result)}"]
        if result.modification_level not in _CHANGES:
            return "other", ["the document was changed after the seal"]
        return _CHANGES[result.modification_level], []

    def _loose_bytes(self, newest: EmbeddedPdfSignature | None) -> tuple[str, ...]:
        """What stands after the newest signature, when it is more than validation data."""
        count = 0 if newest is None else len(self._pdf) - _end(newest)
        if newest is None or count <= 0:
            return ()
        try:
            wrong = self._wrong_update(newest)
        except Exception as error:  # any parser's error on a hostile update
            wrong = f"cannot be read: {_sentence(error)}"
        return () if wrong is None else (f"{count} bytes after the last signature are covered by none and {wrong}",)

    def _wrong_update(self, newest: EmbeddedPdfSignature) -> str | None:
        """Why the bytes after the newest signature are not just validation data, None when they are."""
        if self._reader.xrefs.total_revisions <= newest.signed_revision + 1:
            return "belong to no revision of the document"
        if hybrid_after(self._reader, newest.signed_revision):
            return "are found only by some readers"
        result = AFTER_THE_LAST.review_file(self._reader, newest.signed_revision)
        if not isinstance(result, DiffResult) or result.modification_level > ModificationLevel.LTA_UPDATES:
            return "change the document"
        if not same_information(self._reader, newest.signed_revision):
            return "change its title, author or other information"
        hidden = unaccounted(self._reader, self._pdf, _end(newest))
        return f"{hidden} of them belong to nothing in the document" if hidden else None

    def _level(self, report: SealReport, reports: list[SealReport]) -> str:
        """The highest PAdES level whose parts are there."""
        if report.level != "B-T" or report.kind != "seal":
            later = [r for r in reports if r.kind == "timestamp" and r.intact and _covers(r, report)]
            if report.level != "B-B" or report.kind != "seal" or not later:
                return report.level
        store = entry(self._reader.root, "/DSS")
        if not isinstance(store, dict) or not any(entry(store, key) for key in ("/OCSPs", "/CRLs")):
            return "B-T"
        archived = [r for r in reports if r.kind == "timestamp" and r.intact and _covers(r, report)]
        return "B-LTA" if archived else "B-LT"


def _stored_certificates(reader: PdfFileReader) -> list[bytes]:
    """The certificates in the document security store: hints for building chains, never trusted by themselves."""
    try:
        certificates = entry(entry(reader.root, "/DSS", {}), "/Certs", ())
        return [stream.get_object().data for stream in islice(certificates, _MAX_CERTIFICATES)]
    except Exception:  # a hostile store is no reason to refuse the document: then there are no hints
        return []


_MAX_CERTIFICATES: Final = 256


def _authority(found: EmbeddedPdfSignature) -> tuple[AuthorityAttribute | None, list[str]]:
    values = [
        value
        for attribute in found.signer_info["signed_attrs"]
        if attribute["type"].dotted == AUTHORITY_OID
        for value in attribute["values"]
    ]
    if not values:
        return None, []
    try:
        if len(values) != 1:
            raise InputError("more than one")
        return AuthorityAttribute.from_der(values[0].dump()), []
    except InputError as error:
        return None, [f"the authority attribute cannot be read: {error}"]


def _claimed_time(found: EmbeddedPdfSignature) -> datetime | None:
    try:
        claimed = found.self_reported_timestamp
    except Exception:  # a date that is no date
        return None
    return claimed if isinstance(claimed, datetime) else None


def _text(found: EmbeddedPdfSignature, key: str) -> str | None:
    value = entry(found.sig_object, key)
    return str(value) if isinstance(value, generic.TextStringObject) else None


def _covers(stamp: SealReport, report: SealReport) -> bool:
    return _range_end(stamp.byte_range) > _range_end(report.byte_range)


def _end(found: EmbeddedPdfSignature | str) -> int:
    """The end of what a signature covers, -1 when its ByteRange says nothing usable."""
    return -1 if isinstance(found, str) else _range_end(found.byte_range)


def _range_end(byte_range: Any) -> int:
    try:
        return int(byte_range[-2]) + int(byte_range[-1])
    except (TypeError, ValueError, IndexError):
        return -1


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
