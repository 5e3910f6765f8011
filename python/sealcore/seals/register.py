"""The register of seals: from the key to the certificate, from the draft to the destroyed seal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sealcore import authority as rules
from sealcore.errors import InvalidArgument, InvalidImage, InvalidKey, UnknownReference
from sealcore.hash import sha256
from sealcore.keys import Signer
from sealcore.seals.office import Office, commitment
from sealcore.seals.results import Recorded, SealKey
from sealcore.sign import AlgorithmName

if TYPE_CHECKING:
    from sealcore.pki import Certificate

__all__ = ["Register"]

_PNG = b"\x89PNG\r\n\x1a\n"


class Register(Office):
    """Seals and their states."""

    def prepare_seal_key(self, seal: str, *, subject: str, algorithm: AlgorithmName = "sm2") -> SealKey:
        """Make the key pair of a seal's next version; only its certificate request leaves the office.

        Asked again before the version is registered, it gives a request for the same key.

        Args:
            seal: The seal's id, new or registered.
            subject: The name for the certificate: RFC 4514 text such as ``"CN=Contract seal,O=Example,C=CN"``, or a
                common name alone.
            algorithm: ``"sm2"`` or ``"p256"``.

        Raises:
            InvalidKey: If a key of another algorithm was prepared already.
            InvalidEncoding: If the subject is no name.
            StorageError: If the key file cannot be written.
        """
        return self._gate.prepare_key(seal, self._next_version(seal), algorithm=algorithm, subject=subject)

    def register_seal(
        self,
        seal: str,
        *,
        unit: str,
        kind: str,
        policy: str,
        size_mm: float | tuple[float, float],
        by: str | Signer,
        certificate: Certificate | None = None,
        chain: Sequence[Certificate] = (),
        imprint: bytes | None = None,
        form: str = "electronic",
        filing_number: str | None = None,
        signer: Signer | None = None,
    ) -> Recorded:
        """Register a seal, or the next version of one; it starts as a draft.

        Args:
            seal: Its id.
            unit: The unit it belongs to.
            kind: ``"company"``, ``"contract"``, ``"finance"``, ``"personnel"``, ``"invoice"`` or ``"legal-person"``.
            policy: Who must approve its use.
            size_mm: The true width of the imprint, or width and height.
            by: A manager of the root unit.
            certificate: Of an electronic seal; its key is the one from `prepare_seal_key`, or that of `signer`.
            chain: Intermediate certificates, without the root.
            imprint: The imprint as PNG with transparency; None for an invisible seal.
            form: ``"electronic"`` or ``"physical"``.
            filing_number: The number in the public security bureau's register.
            signer: The seal's key, if it lies outside the office; name it to `Registry.open` each time, too.

        Raises:
            InvalidKey: If the office does not hold the key of the certificate.
            InvalidCertificate: If the intermediates do not follow from the certificate.
            InvalidImage: If the imprint is no PNG.
            NotPermitted: If `by` may not.
        """
        author = self._authors.author(by)
        version = self._next_version(seal)
        if signer is not None:
            self._gate.add_signer(signer)
        if certificate is not None and not self._gate.knows(seal, version, certificate):
            raise InvalidKey(
                f"certificate: its key is not the one prepared for version {version} of {seal!r}; take the request of "
                "prepare_seal_key to the certification authority, or give the key as `signer`",
                field="certificate",
            )
        if imprint is not None and not imprint.startswith(_PNG):
            raise InvalidImage("image: the imprint is no PNG; save it as PNG with a transparent background")
        width, height = size_mm if isinstance(size_mm, tuple) else (size_mm, size_mm)
        statement = self._journal.make(
            rules.Seal,
            author,
            id=seal,
            version=version,
            unit=unit,
            seal_kind=kind,
            form=form,
            policy=policy,
            width_um=_micrometres(width),
            height_um=_micrometres(height),
            certificate=None if certificate is None else certificate.fingerprint,
            imprint=None if imprint is None else sha256(imprint),
            filing_number=filing_number,
        )
        self._journal.check(statement, author)
        if certificate is not None:
            self._blobs.put_certificates(certificate, chain)
        if imprint is not None:
            self._blobs.put(imprint)
        return self._journal.enter(statement, author)

    def activate_seal(
        self, seal: str, *, by: str | Signer, reason: str = "registered", note: str | None = None
    ) -> Recorded:
        """Make a draft or suspended seal usable.

        Args:
            seal: Its id.
            by: A manager of the root unit.
            reason: A word.
            note: Free text, kept outside the ledger.

        Raises:
            InvalidTransition: If its state does not allow it.
            NotPermitted: If `by` may not.
        """
        return self._set_state(seal, "active", by, reason, note)

    def suspend_seal(self, seal: str, *, by: str | Signer, reason: str, note: str | None = None) -> Recorded:
        """Stop a seal at once, for a time.

        Args:
            seal: Its id.
            by: A manager over its unit.
            reason: A word such as ``"audit"``.
            note: Free text, kept outside the ledger.

        Raises:
            InvalidTransition: If its state does not allow it.
            NotPermitted: If `by` may not.
        """
        return self._set_state(seal, "suspended", by, reason, note)

    def revoke_seal(self, seal: str, *, by: str | Signer, reason: str, note: str | None = None) -> Recorded:
        """Stop a seal at once, for ever.

        Args:
            seal: Its id.
            by: A manager of the root unit.
            reason: A word such as ``"replaced"``.
            note: Free text, kept outside the ledger.

        Raises:
            InvalidTransition: If its state does not allow it.
            NotPermitted: If `by` may not.
        """
        return self._set_state(seal, "revoked", by, reason, note)

    def report_seal_lost(
        self, seal: str, *, by: str | Signer, reason: str = "lost", note: str | None = None
    ) -> Recorded:
        """Record that a seal or its key is lost or stolen; it stops at once.

        Args:
            seal: Its id.
            by: A manager over its unit.
            reason: A word such as ``"stolen"``.
            note: Free text, kept outside the ledger.

        Raises:
            InvalidTransition: If its state does not allow it.
            NotPermitted: If `by` may not.
        """
        return self._set_state(seal, "lost", by, reason, note)

    def destroy_seal(
        self, seal: str, *, by: str | Signer, reason: str = "destroyed", note: str | None = None
    ) -> Recorded:
        """Record that a revoked seal is destroyed.

        Args:
            seal: Its id.
            by: A manager of the root unit.
            reason: A word.
            note: Free text, kept outside the ledger.

        Raises:
            InvalidTransition: If its state does not allow it.
            NotPermitted: If `by` may not.
        """
        return self._set_state(seal, "destroyed", by, reason, note)

    def _set_state(self, seal: str, state: str, by: str | Signer, reason: str, note: str | None) -> Recorded:
        author = self._authors.author(by)
        now = self._journal.authority.seal(seal)
        secrets = self._note("seal-state.note", note)
        return self._journal.state(
            rules.SealState,
            author,
            secrets=secrets,
            seal=seal,
            version=now.version,
            step=now.step + 1,
            state=state,
            reason=reason,
            note=commitment(secrets),
        )

    def _next_version(self, seal: str) -> int:
        try:
            return self._journal.authority.seal(seal).version + 1
        except UnknownReference:
            return 1


def _micrometres(millimetres: float) -> int:
    if not 0 < millimetres <= 1000:
        raise InvalidArgument(f"size_mm: {millimetres} mm is no size of a seal; give 1 to 1000", field="size_mm")
    return round(millimetres * 1000)
