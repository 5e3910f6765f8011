"""The gate: the only way to the key of a registered seal.

In order: the user shows that he holds his key; the document's bytes are hashed; authority is asked; the document is
prepared, so that whatever is wrong with it shows before a use is taken; the use enters the ledger, durably; only then
is the seal key opened, and it signs this one document; the result is checked and the use ended, delivered or failed.
Other bytes, no signature. There is no other caller of the seal keys, and no switch that turns a step off.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealcore import authority as rules
from sealcore.errors import (
    InvalidCertificate,
    InvalidKey,
    InvalidSignature,
    LimitExceeded,
    NotPermitted,
    SealcoreError,
)
from sealcore.keys import KeyStore, Signer
from sealcore.keys.file import load_key_file
from sealcore.pki import Certificate, CertificateRequest
from sealcore.seals.authors import Author, Authors
from sealcore.seals.blobs import Blobs
from sealcore.seals.documents import Output
from sealcore.seals.journal import Journal, Taken
from sealcore.seals.results import SealedDocument, SealKey
from sealcore.seals.tables import moment
from sealcore.sign import AlgorithmName, SigningKey

if TYPE_CHECKING:
    from sealcore.pdf import AuthorityAttribute, Placement

__all__ = ["Gate"]

_CHALLENGE = b"sealcore use request v1"
_FILE_KEYS = b"sealcore seal key files v1"
_LEVEL = "pades-b-b"


class Gate:
    """What stands between an authorised use and a seal key.

    Args:
        journal: The way into the ledger.
        authors: The way to persons' keys.
        blobs: Certificates and imprints.
        directory: Where the key files of seals lie.
        office: The ledger's own key, without which no key file of a seal opens.
        signers: Keys of seals that lie elsewhere: tokens, remote services.
    """

    def __init__(
        self,
        journal: Journal,
        authors: Authors,
        blobs: Blobs,
        *,
        directory: Path,
        office: SigningKey,
        signers: Iterable[Signer] = (),
    ) -> None:
        self._journal = journal
        self._authors = authors
        self._blobs = blobs
        self._elsewhere = {signer.verifying_key.to_sec1(): signer for signer in signers}
        self.__keys = _SealKeys(directory, office)

    # -- before a seal is registered ------------------------------------------------------------------------------

    def prepare_key(self, seal: str, version: int, *, algorithm: AlgorithmName, subject: str) -> SealKey:
        """Make the key pair of a seal version that is not registered yet, or ask again for its certificate."""
        return self.__keys.prepare(seal, version, algorithm=algorithm, subject=subject)

    def knows(self, seal: str, version: int, certificate: Certificate) -> bool:
        """Whether the gate could sign with the key of this certificate."""
        point = certificate.public_key.to_sec1()
        return point in self._elsewhere or self.__keys.holds(seal, version, point)

    def add_signer(self, signer: Signer) -> None:
        """Take the key of a seal that lies elsewhere."""
        self._elsewhere[signer.verifying_key.to_sec1()] = signer

    # -- the gate itself ------------------------------------------------------------------------------------------

    def seal_pdf(
        self,
        application: bytes,
        grant: bytes,
        document: bytes,
        *,
        by: str | Signer,
        output: Path | None,
        placing: dict[str, Any],
    ) -> SealedDocument:
        """Seal one PDF under an application and a grant; see `Registry.seal_document`."""
        from sealcore.pdf import prepare_pdf  # noqa: PLC0415  loads pyHanko

        author = self._authors.author(by)
        _show_key(author)
        request = {
            "application": application,
            "grant": grant,
            "user": author.holder,
            "document": rules.Digests.of(document),
        }
        # Where the imprint stands is known once the document is prepared; until then any approved place will do.
        approved = self._journal.authority.application(application).positions
        asked = self._journal.would_authorise(**request, position=approved[0] if approved else None)
        seal = self._journal.authority.seal(asked.seal)
        certificates = self._certificates(seal)
        if not self.knows(seal.id, seal.version, certificates[0]):
            raise InvalidKey(
                f"seal: the key of {seal.id!r} is not here; name it to Registry.open as one of `signers`",
                field="signers",
            )
        draft = None if output is None else Output(output)
        pending = prepare_pdf(
            document,
            certificate=certificates[0],
            chain=certificates[1:],
            imprint=None if seal.imprint is None else self._blobs.get(seal.imprint.hex()),
            size_mm=None if seal.imprint is None else (seal.width_um / 1000, seal.height_um / 1000),
            signed_at=moment(asked.time),
            **placing,
        )
        placed = None if seal.imprint is None else _position(pending.placement)
        try:
            taken = self._journal.take(**request, position=placed)
        except LimitExceeded as error:
            if not approved or placed in approved:
                raise
            raise LimitExceeded(
                f"refused: place: {_words(placed)} is not approved; approved: {'; '.join(map(_words, approved))} "
                f"(decided by ledger entry {error.statement})",
                statement=error.statement,
                limit=error.limit,
                actual=error.actual,
            ) from None
        step = "signer-failed"
        try:
            attributed = pending.with_authority(self._attribute(taken))
            signature = self._sign(taken, certificates[0], attributed.to_be_signed)
            step = "document-failed"
            data = attributed.finish(signature)
            step = "output-failed"
            if draft is not None:
                draft.write(data)
        except BaseException as error:
            self._failed(taken, error, step)
            raise
        after = rules.Digests.of(data)
        try:
            delivered = self._journal.deliver(taken, after, _LEVEL)
        except BaseException:
            if draft is not None:
                draft.discard()
            raise
        return SealedDocument(
            data=data,
            sha256=after.sha256,
            sm3=after.sm3,
            number=taken.number,
            of=taken.of,
            use=taken.recorded,
            delivered=delivered,
            field_name=pending.field_name,
            placement=pending.placement,
            output=None if draft is None else draft.publish(),
        )

    def _sign(self, taken: Taken, certificate: Certificate, message: bytes) -> bytes:
        """Let the seal key sign one message for one taken use, and check what it says."""
        public = certificate.public_key
        signer = self._elsewhere.get(public.to_sec1())
        if signer is None:
            signer = self.__keys.open(taken, public.to_sec1())
        signature = signer.sign(message)
        public.verify(message, signature)
        return signature

    def _failed(self, taken: Taken, error: BaseException, step: str) -> None:
        """End a use that delivered nothing; the caller raises `error` on."""
        reason = step if isinstance(error, Exception) else "interrupted"
        try:
            self._journal.fail(taken, reason)
        except SealcoreError as second:
            error.add_note(f"the use {taken.use.hex()} stays open until the registry is opened again: {second}")

    def _certificates(self, seal: rules.SealRecord) -> list[Certificate]:
        if seal.form != "electronic" or seal.certificate is None:
            raise NotPermitted(f"seal: {seal.id!r} is a physical seal; it seals no file")
        certificates = self._blobs.certificates(seal.certificate)
        now = datetime.now(UTC)
        first = certificates[0]
        if not first.not_before <= now <= first.not_after:
            raise InvalidCertificate(
                f"certificate 0 of the chain: the seal's certificate is valid from {first.not_before:%Y-%m-%d} to "
                f"{first.not_after:%Y-%m-%d} only; register the seal with a new one",
                depth=0,
            )
        return certificates

    def _attribute(self, taken: Taken) -> AuthorityAttribute:
        from sealcore.pdf import AuthorityAttribute  # noqa: PLC0415  loads pyHanko

        ledger = self._journal.ledger
        return AuthorityAttribute(
            origin=ledger.origin,
            index=taken.recorded.index,
            statement=taken.use,
            hash_algorithm=ledger.hash,
        )


def _position(placement: Placement | None) -> rules.Position | None:
    """Where the imprint stands, as authority speaks of it."""
    if placement is None:
        return None
    return rules.Position(placement.page, round(placement.x_mm * 1000), round(placement.y_mm * 1000))


def _words(place: rules.Position | None) -> str:
    if place is None:
        return "an invisible seal"
    return f"page {place.page}, x {place.x_um / 1000:g} mm, y {place.y_um / 1000:g} mm"


class _SealKeys:
    """The key files of seals.

    Their password is derived from the office's own key and given by nobody: the office's password alone opens none of
    them through a `KeyStore`, and the gate asks for no second one.
    """

    def __init__(self, directory: Path, office: SigningKey) -> None:
        self.__secret = hmac.digest(office.to_bytes(), _FILE_KEYS, "sha256")
        self._store = KeyStore(directory, password=self._password)

    def prepare(self, seal: str, version: int, *, algorithm: AlgorithmName, subject: str) -> SealKey:
        """The certificate request of a key that is made now, or was prepared before."""
        key_id = _key_id(seal, version)
        if key_id in self._store:
            key = load_key_file(self._store.path(key_id), self._password, key_id)
            if key.algorithm != algorithm:
                raise InvalidKey(
                    f"algorithm: the key of version {version} of {seal!r} was prepared as {key.algorithm}",
                    field="algorithm",
                )
            request = CertificateRequest.create(key, _distinguished(subject))
        else:
            key = SigningKey.generate(algorithm)
            request = CertificateRequest.create(key, _distinguished(subject))
            self._store.add(key_id, key)
        return SealKey(
            seal=seal,
            algorithm=key.algorithm,
            verifying_key=key.verifying_key,
            csr_pem=request.to_pem().encode("ascii"),
        )

    def holds(self, seal: str, version: int, point: bytes) -> bool:
        """Whether the key file of a seal version has this public half."""
        key_id = _key_id(seal, version)
        return key_id in self._store and self._store.open(key_id).verifying_key.to_sec1() == point

    def open(self, taken: Taken, point: bytes) -> Signer:
        """The key for one taken use."""
        key = self._store.open(_key_id(taken.seal, taken.seal_version))
        if key.verifying_key.to_sec1() != point:
            raise InvalidKey(f"key: {key.path} is not the key of the seal's certificate", field="key")
        return key

    def _password(self, key_id: str) -> str:
        return hmac.digest(self.__secret, key_id.encode("ascii"), "sha256").hex()


def _key_id(seal: str, version: int) -> str:
    return f"seal-{seal}@{version}"


def _distinguished(subject: str) -> str:
    """A distinguished name: as given, or a common name alone."""
    if "=" in subject:
        return subject
    escaped = "".join("\\" + letter if letter in '\\",+;<>' else letter for letter in subject)
    return "CN=" + ("\\" + escaped if escaped.startswith(("#", " ")) else escaped)


def _show_key(author: Author) -> None:
    """Let the user's key answer a fresh challenge, so that nobody seals in another's name."""
    challenge = _CHALLENGE + secrets.token_bytes(32)
    signature = author.signer.sign(challenge)
    try:
        author.key.verify(challenge, signature)
    except InvalidSignature:
        raise NotPermitted(f"by: the key given for {author.holder!r} does not answer for him") from None
