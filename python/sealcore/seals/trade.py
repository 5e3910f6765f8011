"""The trade: applications, approvals, grants, and the sealed document."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sealcore import authority as rules
from sealcore.errors import InvalidArgument
from sealcore.keys import Signer
from sealcore.seals.documents import Document, read_document
from sealcore.seals.office import Office, commitment
from sealcore.seals.results import Recorded, SealedDocument

__all__ = ["Trade"]

_APPROVAL_LIFE = timedelta(days=7)
_OPTIONS = frozenset({"certify", "field_name", "password", "timeout", "max_bytes", "isolated"})


class Trade(Office):
    """From the application to the sealed document."""

    def apply(
        self,
        seal: str,
        document: Document | list[Document] | tuple[Document, ...],
        *,
        purpose: str,
        by: str | Signer,
        uses: int = 1,
        places: Iterable[tuple[int, float, float]] = (),
        document_class: str = "general",
        amount: rules.Amount | None = None,
        counterparty: str | None = None,
        on_behalf_of: str | None = None,
    ) -> Recorded:
        """Apply to put a seal on exactly these bytes.

        Args:
            seal: The seal's id.
            document: The bytes or the path of a file; or up to 64 of them.
            purpose: What for; free text, kept outside the ledger.
            by: The applicant.
            uses: How many impressions.
            places: Where they may stand, as (page, x, y): the imprint's upper left corner in mm from that of the page
                as shown, pages from 1. Without any, the user of the grant chooses.
            document_class: A word such as ``"contract"``; a policy may allow some classes only.
            amount: What it is worth; a policy with ceilings asks for it.
            counterparty: With whom; free text, kept outside the ledger.
            on_behalf_of: The unit for which the applicant asks.

        Returns:
            The record; its `id` names the application.

        Raises:
            NotPermitted: If `by` may not apply for this seal.
            SealNotActive: If the seal is not active.
        """
        author = self._authors.author(by)
        documents: Sequence[Document] = document if isinstance(document, list | tuple) else [document]
        secrets = [self._details.commit("application.purpose", purpose)]
        other = self._note("application.counterparty", counterparty)
        return self._journal.state(
            rules.Application,
            author,
            secrets=secrets + other,
            seal=seal,
            seal_version=self._journal.authority.seal(seal).version,
            purpose=secrets[0].commitment,
            documents=_digests(documents),
            document_class=document_class,
            impressions=uses,
            positions=_positions(places),
            amount=amount,
            counterparty=commitment(other),
            on_behalf_of=on_behalf_of,
        )

    def approve(self, application: str, *, by: str | Signer, expires: datetime | None = None) -> Recorded:
        """Approve an application: the approver signs its exact statement.

        Args:
            application: Its id, or an unambiguous beginning.
            by: The approver.
            expires: When the approval ends; by default in 7 days.

        Raises:
            ApplicantExcluded: If he is the applicant.
            NotPermitted: If the policy does not name him.
        """
        author = self._authors.author(by)
        return self._journal.state(
            rules.Approval,
            author,
            application=self._id("application", application),
            expires=expires or datetime.now(UTC) + _APPROVAL_LIFE,
        )

    def refuse(self, application: str, *, reason: str, by: str | Signer, note: str | None = None) -> Recorded:
        """Refuse an application; that is final.

        Args:
            application: Its id, or an unambiguous beginning.
            reason: A word such as ``"wrong-version"``.
            by: An approver.
            note: Free text, kept outside the ledger.

        Raises:
            NotPermitted: If the policy does not name him.
        """
        author = self._authors.author(by)
        secrets = self._note("refusal.note", note)
        return self._journal.state(
            rules.Refusal,
            author,
            secrets=secrets,
            application=self._id("application", application),
            reason=reason,
            note=commitment(secrets),
        )

    def grant(
        self,
        seal: str,
        *,
        grantee: str,
        uses: int,
        valid_to: datetime,
        by: str | Signer,
        valid_from: datetime | None = None,
        application: str | None = None,
        parent: str | None = None,
        documents: Sequence[Document] | None = None,
        classes: Iterable[str] = (),
        max_amounts: Iterable[rules.Amount] = (),
        depth: int = 0,
    ) -> Recorded:
        """Grant the use of a seal: so many times, in this window, for these documents.

        Args:
            seal: The seal's id.
            grantee: Who may use it; the applicant, when there is an application.
            uses: How many times.
            valid_to: When it ends.
            by: An authoriser over the seal; the grantee of `parent`, when there is one.
            valid_from: When it begins; by default now.
            application: The approved application (id, or its beginning): the grant is bound to its documents.
            parent: The grant (id, or an unambiguous beginning) that this one narrows and passes on.
            documents: Only these, by their bytes or paths.
            classes: Only these document classes.
            max_amounts: A ceiling a currency.
            depth: How many times it may be passed on.

        Returns:
            The record; its `id` names the grant.

        Raises:
            ApprovalRequired: If the application's quorum is not met.
            GrantWidened: If it is wider than its parent.
            NotPermitted: If `by` may not.
        """
        author = self._authors.author(by)
        authority = self._journal.authority
        above = None if parent is None else authority.grant(self._id("grant", parent))
        wanted = None if application is None else self._id("application", application)
        digests: tuple[rules.Digests, ...] = ()
        if above is not None:
            # What is not said is as wide as the parent.
            wanted = wanted or above.application
            digests = above.documents
            classes = tuple(classes) or above.classes
            max_amounts = tuple(max_amounts) or above.max_amounts
        elif wanted is not None:
            digests = authority.application(wanted).documents
        if documents is not None:
            digests = _digests(documents)
        return self._journal.state(
            rules.Grant,
            author,
            grantee=grantee,
            seal=seal,
            seal_version=authority.seal(seal).version,
            max_uses=uses,
            valid_from=valid_from or datetime.now(UTC),
            valid_to=valid_to,
            application=wanted,
            parent=None if above is None else above.id,
            documents=digests,
            classes=tuple(classes),
            max_amounts=tuple(max_amounts),
            depth_left=depth,
        )

    def revoke_grant(self, grant: str, *, reason: str, by: str | Signer, note: str | None = None) -> Recorded:
        """Revoke a grant and everything below it, at once.

        Args:
            grant: Its id, or an unambiguous beginning.
            reason: A word such as ``"withdrawn"``.
            by: Its grantor or one above, or an authoriser over the seal.
            note: Free text, kept outside the ledger.

        Raises:
            NotPermitted: If `by` may not.
        """
        author = self._authors.author(by)
        secrets = self._note("grant-revoke.note", note)
        return self._journal.state(
            rules.GrantRevoke,
            author,
            secrets=secrets,
            grant=self._id("grant", grant),
            reason=reason,
            note=commitment(secrets),
        )

    def seal_document(
        self,
        application: str,
        grant: str,
        document: Document,
        *,
        by: str | Signer,
        page: int | None = None,
        place: tuple[float, float] | None = None,
        keyword: Any = None,
        output: str | os.PathLike[str] | None = None,
        reason: str | None = None,
        location: str | None = None,
        **options: Any,
    ) -> SealedDocument:
        """Seal a PDF through the gate: the only way to a registered seal's key.

        The bytes are hashed here, whatever was applied for; authority decides; the use enters the ledger, durably; then
        the seal key signs this one document, and the use is ended as delivered or failed. A use that was taken stays
        counted.

        Args:
            application: Its id, or an unambiguous beginning.
            grant: Its id, or an unambiguous beginning.
            document: The bytes or the path of the PDF.
            by: The grantee; his key answers the gate.
            page: 1 is the first, -1 the last page.
            place: Where the imprint's top left corner stands, in mm from the page's top left.
            keyword: Text beside which the imprint stands, or a `sealcore.pdf.Keyword`.
            output: A file to write the sealed document to; must not exist.
            reason: For the signature, shown by viewers.
            location: For the signature, shown by viewers.
            options: Also for `sealcore.pdf.prepare_pdf`: ``certify``, ``field_name``, ``password``, ``timeout``,
                ``max_bytes``, ``isolated``.

        Raises:
            PolicyError: If authority refuses; nothing is taken.
            DocumentError: If the PDF cannot be sealed; nothing is taken.
            InvalidArgument: If the place or keyword is not there, or the output exists; nothing is taken.
            InvalidCertificate: If the seal's certificate is not valid now; nothing is taken.
            LedgerError: If the ledger cannot be written.
        """
        if unknown := options.keys() - _OPTIONS:
            raise TypeError(f"seal_document() got an unexpected keyword argument {sorted(unknown)[0]!r}")
        placing = {"page": page, "place": place, "keyword": keyword, "reason": reason, "location": location}
        return self._gate.seal_pdf(
            self._id("application", application),
            self._id("grant", grant),
            read_document(document),
            by=by,
            output=None if output is None else Path(output),
            placing={name: value for name, value in (placing | options).items() if value is not None},
        )

    def _id(self, kind: str, name: str) -> bytes:
        """A statement id from its hexadecimal form, or from an unambiguous beginning of it."""
        if isinstance(name, str) and len(name) == 64:
            try:
                return bytes.fromhex(name)
            except ValueError:
                raise InvalidArgument(
                    f"{kind}: {name!r} is no id; expected hexadecimal characters", field=kind
                ) from None
        self._journal.catch_up()
        return bytes.fromhex(self._view.resolve(kind, name))


def _positions(places: Iterable[tuple[int, float, float]]) -> tuple[rules.Position, ...]:
    found = set()
    for place in places:
        try:
            page, x, y = place
            found.add((int(page), round(x * 1000), round(y * 1000)))
        except (TypeError, ValueError, OverflowError):
            raise InvalidArgument(
                f"places: {place!r} is no place; expected (page, x, y), x and y in mm", field="places"
            ) from None
    return tuple(rules.Position(*place) for place in sorted(found))


def _digests(documents: Sequence[Document]) -> tuple[rules.Digests, ...]:
    return tuple({rules.Digests.of(read_document(document)) for document in documents})
