"""The structure of the office: units, persons and their keys, policies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sealcore import authority as rules
from sealcore.errors import InvalidArgument, UnknownReference
from sealcore.keys import Signer
from sealcore.seals.authors import Author
from sealcore.seals.office import Office, commitment
from sealcore.seals.results import Recorded
from sealcore.sign import AlgorithmName, VerifyingKey

__all__ = ["Structure"]


class Structure(Office):
    """Units, persons, keys and policies."""

    def add_unit(
        self, unit: str, *, name: str, by: str | Signer, parent: str | None = None, region: str | None = None
    ) -> Recorded:
        """Add a branch or department.

        Args:
            unit: Its id.
            name: Its name; kept outside the ledger.
            by: A manager over `parent`.
            parent: The unit above it; None only for the root unit, which `Registry.create` makes.
            region: A word such as ``"cn-31"``.

        Raises:
            NotPermitted: If `by` may not.
            Duplicate: If the id is taken.
        """
        author = self._authors.author(by)
        secret = self._details.commit("unit.name", name)
        return self._journal.state(
            rules.Unit, author, secrets=[secret], id=unit, parent=parent, name=secret.commitment, region=region
        )

    def add_person(
        self,
        person: str,
        *,
        name: str,
        unit: str,
        roles: Sequence[str],
        by: str | Signer,
        algorithm: AlgorithmName = "sm2",
        key: VerifyingKey | None = None,
    ) -> Recorded:
        """Add a person and his first key.

        Args:
            person: His id.
            name: His name; kept outside the ledger, and can be erased.
            unit: The unit he belongs to.
            roles: ``"manager"``; or of ``"applicant"``, ``"approver"``, ``"authoriser"``; or ``"auditor"``.
            by: A manager over `unit`, or ``"founder"`` for the root unit.
            algorithm: Of the key that is made: ``"sm2"`` or ``"p256"``.
            key: The public half of a key that he keeps himself; then none is made.

        Returns:
            The record of the person. If the key could not be added after it, the error says so, and `add_key` repeats
            only that.

        Raises:
            NotPermitted: If `by` may not.
            Duplicate: If the id is taken.
        """
        author = self._authors.author(by)
        secret = self._details.commit("person.name", name)
        statement = self._journal.make(
            rules.Person, author, id=person, unit=unit, name=secret.commitment, roles=tuple(roles)
        )
        self._journal.check(statement, author)
        public = self._authors.new_key(person, algorithm) if key is None else key
        recorded = self._journal.enter(statement, author, [secret])
        self._give_key(author, person, public)
        return recorded

    def change_person(
        self,
        person: str,
        *,
        by: str | Signer,
        name: str | None = None,
        unit: str | None = None,
        roles: Sequence[str] | None = None,
    ) -> Recorded:
        """Change a person's name, unit or roles; what is left out stays.

        Raises:
            NotPermitted: If `by` may not.
            UnknownReference: If there is no such person.
        """
        author = self._authors.author(by)
        now = self._journal.authority.person(person)
        secrets = [] if name is None else [self._details.commit("person.name", name)]
        return self._journal.state(
            rules.Person,
            author,
            secrets=secrets,
            id=person,
            revision=now.revision + 1,
            unit=now.unit if unit is None else unit,
            name=secrets[0].commitment if secrets else now.name,
            roles=now.roles if roles is None else tuple(roles),
        )

    def remove_person(self, person: str, *, reason: str, by: str | Signer, note: str | None = None) -> Recorded:
        """Record that a person has left: he can no longer do anything, and what he approved no longer counts.

        Args:
            person: His id.
            reason: A word such as ``"resigned"``.
            by: A manager over his unit.
            note: Free text, kept outside the ledger.

        Raises:
            NotPermitted: If `by` may not.
        """
        author = self._authors.author(by)
        secrets = self._note("person-left.note", note)
        return self._journal.state(
            rules.PersonLeft, author, secrets=secrets, person=person, reason=reason, note=commitment(secrets)
        )

    def add_key(
        self, person: str, *, by: str | Signer, algorithm: AlgorithmName = "sm2", key: VerifyingKey | None = None
    ) -> Recorded:
        """Add a key of a person: his first, the next one when he changes it, or a new one after a loss.

        Args:
            person: His id.
            by: Himself with a valid key, or a manager over his unit when he has none.
            algorithm: Of the key that is made: ``"sm2"`` or ``"p256"``.
            key: The public half of a key that he keeps himself; then none is made.

        Raises:
            NotPermitted: If `by` may not.
        """
        author = self._authors.author(by)
        public = self._authors.new_key(person, algorithm) if key is None else key
        return self._give_key(author, person, public)

    def _give_key(self, author: Author, person: str, key: VerifyingKey) -> Recorded:
        """Add a row to the key table, unless an interrupted call already did, and say whose it is."""
        if all(row.key != key for row in self._journal.key_table()):
            self._journal.add_key(author, key)
        return self._journal.state(rules.PersonKey, author, person=person, key=key.to_sec1())

    def revoke_key(
        self, person: str, *, by: str | Signer, row: int | None = None, reason: str | None = None
    ) -> Recorded:
        """Revoke a key of a person, at once; what it signed no longer counts for anything that is still to come.

        Args:
            person: His id.
            by: Himself, a manager over his unit, or ``"founder"``.
                row: The row of the key table; may be left out when he has one valid key.
            reason: Free text, kept outside the ledger.

        Raises:
            UnknownReference: If he has no valid key, or not in this row.
            InvalidArgument: If he has several and `row` is left out.
        """
        author = self._authors.author(by)
        valid = [key.row for key in self._journal.key_table() if key.holder == person and not key.revoked]
        if not valid or (row is not None and row not in valid):
            raise UnknownReference(f"person: {person!r} has no valid key{'' if row is None else f' in row {row}'}")
        if row is None and len(valid) > 1:
            raise InvalidArgument(f"row: {person!r} has keys in rows {valid}; name one", field="row")
        secrets = self._note("key-revoke.reason", reason)
        return self._journal.revoke_key(author, valid[0] if row is None else row, secrets)

    def set_policy(
        self,
        policy: str,
        *,
        quorum: int,
        applicant_units: Iterable[str],
        by: str | Signer,
        approvers: Iterable[str] = (),
        approver_units: Iterable[str] = (),
        distinct_units: int = 1,
        required_units: Iterable[str] = (),
        classes: Iterable[str] = (),
        max_amounts: Iterable[rules.Amount] = (),
    ) -> Recorded:
        """Say who must approve; a policy that exists gets its next revision.

        Args:
            policy: Its id.
            quorum: How many distinct approvers; the applicant and those who use the grant never count.
            applicant_units: Whose applicants may apply, with every unit below.
            by: A manager of the root unit.
            approvers: Named approvers.
            approver_units: Units whose approvers may approve.
            distinct_units: From how many units the approvers must come at least.
            required_units: Units of which at least one approver each must come.
            classes: The only document classes allowed; empty: every class.
            max_amounts: A ceiling a currency; empty: none.

        Raises:
            NotPermitted: If `by` may not.
        """
        author = self._authors.author(by)
        try:
            revision = self._journal.authority.policy(policy).revision + 1
        except UnknownReference:
            revision = 1
        return self._journal.state(
            rules.Policy,
            author,
            id=policy,
            revision=revision,
            quorum=quorum,
            approvers=tuple(approvers),
            approver_units=tuple(approver_units),
            distinct_units=distinct_units,
            required_units=tuple(required_units),
            applicant_units=tuple(applicant_units),
            classes=tuple(classes),
            max_amounts=tuple(max_amounts),
        )
