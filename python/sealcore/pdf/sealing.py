"""Sealing a PDF: stamp, certification and signature, as one incremental update that keeps every original byte.

PAdES B-B (ETSI EN 319 142-1, SubFilter ETSI.CAdES.detached) with P-256 and SHA-256 or SM2 and SM3. The CMS comes from
sealcore's core; the document is read in a child process that never sees the key (``isolation.py``). It does *not* ask
whether the seal may be used: that is ``sealcore.authority``; ``PendingSeal`` is where it steps in.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, get_args

from sealcore.errors import InvalidArgument, InvalidLength, StorageError, UnreadableDocument
from sealcore.hash import Hasher
from sealcore.pdf.attribute import AUTHORITY_OID, AuthorityAttribute
from sealcore.pdf.geometry import Placement
from sealcore.pdf.keyword import Keyword
from sealcore.pdf.messages import Prepared, SealRequest, load
from sealcore.pdf.running import run
from sealcore.pki import Certificate, CmsDraft, prepare_cms
from sealcore.sign import SigningKey

__all__ = ["DEFAULT_MAX_BYTES", "DEFAULT_TIMEOUT", "PendingSeal", "Source", "prepare_pdf", "read_pdf", "seal_pdf"]

DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_MAX_BYTES: Final = 256 << 20

Source = bytes | str | os.PathLike[str]
Certify = Literal["no-changes", "allow-signing"]

_CMS_BASE: Final = 256
"""More than a CMS needs without certificates, issuer's name and signed attributes."""
_LARGEST_RECORD: Final = AuthorityAttribute("o" * 255, 2**64 - 1, bytes(32), "sha256")
_DIGESTS: Final[dict[str, Literal["sha256", "sm3"]]] = {"p256": "sha256", "sm2": "sm3"}


@dataclass(frozen=True)
class PendingSeal:
    """A document with its stamp and an empty signature: what is left is to sign ``to_be_signed``.

    Everything that can fail because of the document has already happened.

    Attributes:
        placement: where the stamp is, None for an invisible seal.
        field_name: the signature field.
        certified: ``"no-changes"``, ``"allow-signing"``, or None for an approval signature.
        digest: of everything but the room for the signature, 32 bytes.
        digest_algorithm: ``"sm3"`` or ``"sha256"``, as the certificate's key goes.
        authority: the record that allows this seal, if given.
        reserve: bytes of room for the CMS.
    """

    placement: Placement | None
    field_name: str
    certified: str | None
    digest: bytes
    digest_algorithm: str
    authority: AuthorityAttribute | None
    reserve: int
    _document: bytes = field(repr=False)
    _prepared: Prepared = field(repr=False)
    _certificate: Certificate = field(repr=False)
    _chain: tuple[Certificate, ...] = field(repr=False)
    _draft: CmsDraft = field(repr=False)

    @property
    def to_be_signed(self) -> bytes:
        """The message to sign, DER; SM2 signs it with the default identifier."""
        return self._draft.to_be_signed

    def with_authority(self, authority: AuthorityAttribute) -> PendingSeal:
        """The same seal with the record of its authority among the signed attributes; there is always room for it."""
        draft = _draft(self._certificate, self._chain, self.digest, authority)
        return dataclasses.replace(self, authority=authority, _draft=draft)

    def finish(self, signature: bytes) -> bytes:
        """Puts the signature in and returns the sealed document.

        Args:
            signature: 64 bytes, r and s of the signature over ``to_be_signed``.

        Raises:
            InvalidSignature: it is not the certificate's key's signature over ``to_be_signed``.
            InvalidLength: the CMS does not fit the room (field="reserve").
        """
        self._certificate.public_key.verify(self.to_be_signed, signature)
        cms: bytes = self._draft.finish(signature)
        if len(cms) > self.reserve:
            raise InvalidLength(
                f"reserve: the CMS has {len(cms)} bytes, room is reserved for {self.reserve}",
                field="reserve",
                expected=self.reserve,
                actual=len(cms),
            )
        base = len(self._document)
        start, end = self._prepared.gap_start - base, self._prepared.gap_end - base
        filled = b"<" + cms.hex().encode("ascii").ljust(2 * self.reserve, b"0") + b">"
        update = self._prepared.update
        assert len(filled) == end - start
        return b"".join((self._document, update[:start], filled, update[end:]))

    def sign(self, key: SigningKey) -> bytes:
        """``finish`` with a key at hand."""
        return self.finish(key.sign(self.to_be_signed))


def prepare_pdf(
    pdf: Source,
    *,
    certificate: Certificate,
    chain: Sequence[Certificate] = (),
    imprint: bytes | None = None,
    size_mm: float | tuple[float, float] | None = None,
    page: int = -1,
    place: tuple[float, float] | None = None,
    keyword: str | Keyword | None = None,
    reason: str | None = None,
    location: str | None = None,
    signed_at: datetime | None = None,
    field_name: str | None = None,
    certify: Certify | None = "no-changes",
    authority: AuthorityAttribute | None = None,
    password: str | None = None,
    reserve: int | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    max_bytes: int = DEFAULT_MAX_BYTES,
    isolated: bool = True,
) -> PendingSeal:
    """Places stamp and empty signature in a document.

    Args:
        pdf: the document, or the path of its file.
        certificate: the seal's certificate; its key decides the algorithms.
        chain: certificates between it and the root, written into the signature.
        imprint: PNG with transparency; None for an invisible seal.
        size_mm: the imprint's size on paper: width (the height follows the picture) or (width, height).
        page: 1 = first, -1 = last; goes with ``place``.
        place: (x, y) of the stamp's top left corner in mm from the top left of the page as shown.
        keyword: a word to stand beside, instead of ``place``; a plain string is ``Keyword(text)``.
        reason, location: text for the signature dictionary.
        signed_at: the time the signer claims (with a time zone); now by default.
        field_name: the signature field's name, without dots; ``"Seal1"``, ``"Seal2"``, ... by default.
        certify: what the document's *first* signature allows afterwards: nothing, further signatures, or no statement
            (None). A later signature cannot certify (ISO 32000-2, 12.8.2.2); ``PendingSeal.certified`` says what it is.
        authority: the record that allows this seal; ``PendingSeal.with_authority`` can add it later.
        password: of an encrypted document.
        reserve: bytes of room for the CMS; by default what certificate and chain need.
        timeout: seconds that reading the document may take.
        max_bytes: size that it may have.
        isolated: read it in a child process. False reads it here, without a bound in time: for trusted files.

    Returns:
        The document but for its signature.

    Raises:
        UnreadableDocument: not a PDF, damaged, encrypted, an XFA form, too large or too slow to read: it says which.
        DocumentLocked: a signature in it certifies it against further ones.
        InvalidArgument: page, place, keyword, ... are outside the document or their domain (``field``).
        InvalidImage: the imprint is no PNG with transparency.
        StorageError: the file cannot be read.

    Source: ETSI EN 319 142-1 v1.2.1, 6.3; ISO 32000-2:2020, 12.8.
    """
    if reserve is None:
        reserve = _room(certificate, chain)
    request = SealRequest(
        imprint=imprint,
        size_mm=_size(size_mm, imprint),
        page=page,
        place=_place(place, keyword, imprint),
        keyword=Keyword(keyword) if isinstance(keyword, str) else keyword,
        reason=_text(reason, "reason"),
        location=_text(location, "location"),
        signed_at=_moment(signed_at),
        field_name=_field_name(field_name),
        certify=_certify(certify),
        password=password,
        reserve=_in_range(reserve, "reserve", 256, 1 << 24),
    )
    if _in_range(page, "page", -1_000_000, 1_000_000) == 0:
        raise InvalidArgument("page: 1 is the first page, -1 the last; 0 is none", field="page")
    document = read_pdf(pdf, max_bytes)
    answer = run("prepare", request, document, timeout=timeout, isolated=isolated)
    prepared = Prepared.from_parts(load(answer[0]), answer[1])
    algorithm = _DIGESTS[certificate.public_key.algorithm]
    hasher = Hasher(algorithm)
    base = len(document)
    update = memoryview(prepared.update)
    for part in (document, update[: prepared.gap_start - base], update[prepared.gap_end - base :]):
        hasher.update(part)
    digest = hasher.digest()
    return PendingSeal(
        placement=prepared.placement,
        field_name=prepared.field_name,
        certified=prepared.certified,
        digest=digest,
        digest_algorithm=algorithm,
        authority=authority,
        reserve=reserve,
        _document=document,
        _prepared=prepared,
        _certificate=certificate,
        _chain=tuple(chain),
        _draft=_draft(certificate, tuple(chain), digest, authority),
    )


def seal_pdf(
    pdf: Source,
    *,
    key: SigningKey,
    certificate: Certificate,
    chain: Sequence[Certificate] = (),
    imprint: bytes | None = None,
    size_mm: float | tuple[float, float] | None = None,
    page: int = -1,
    place: tuple[float, float] | None = None,
    keyword: str | Keyword | None = None,
    reason: str | None = None,
    location: str | None = None,
    signed_at: datetime | None = None,
    field_name: str | None = None,
    certify: Certify | None = "no-changes",
    authority: AuthorityAttribute | None = None,
    password: str | None = None,
    reserve: int | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    max_bytes: int = DEFAULT_MAX_BYTES,
    isolated: bool = True,
) -> bytes:
    """Seals a document with a key at hand: ``prepare_pdf`` and ``PendingSeal.sign`` in one.

    Args:
        key: the certificate's private key; the rest as ``prepare_pdf``.

    Returns:
        The sealed document; it starts with the document as it was.

    Raises:
        InvalidSignature: ``key`` is not the certificate's. Otherwise as ``prepare_pdf``.
    """
    pending = prepare_pdf(
        pdf,
        certificate=certificate,
        chain=chain,
        imprint=imprint,
        size_mm=size_mm,
        page=page,
        place=place,
        keyword=keyword,
        reason=reason,
        location=location,
        signed_at=signed_at,
        field_name=field_name,
        certify=certify,
        authority=authority,
        password=password,
        reserve=reserve,
        timeout=timeout,
        max_bytes=max_bytes,
        isolated=isolated,
    )
    return pending.sign(key)


def read_pdf(pdf: Source, max_bytes: int) -> bytes:
    """The document's bytes.

    Raises:
        UnreadableDocument: larger than ``max_bytes``.
        StorageError: the file cannot be read.
    """
    if isinstance(pdf, bytes | bytearray | memoryview):
        data = bytes(pdf)
    else:
        path = Path(pdf)
        try:
            with path.open("rb") as file:
                data = file.read(max_bytes + 1)
        except OSError as error:
            raise StorageError(
                f"{path}: {error.strerror or error}", operation="read", path=str(path), errno=error.errno
            ) from None
    if len(data) > max_bytes:
        raise UnreadableDocument(f"the document is larger than {max_bytes} bytes; raise max_bytes if it is trusted")
    return data


def _room(certificate: Certificate, chain: Sequence[Certificate]) -> int:
    """Enough for every CMS over these certificates, whatever the authority attribute is."""
    attributes = _draft(certificate, (), bytes(32), _LARGEST_RECORD).to_be_signed
    certificates = sum(len(link.der) for link in (certificate, *chain))
    return _CMS_BASE + len(attributes) + certificates + len(certificate.der)  # the last holds the issuer's name


def _draft(
    certificate: Certificate, chain: tuple[Certificate, ...], digest: bytes, authority: AuthorityAttribute | None
) -> CmsDraft:
    attributes = {} if authority is None else {AUTHORITY_OID: authority.to_der()}
    return prepare_cms(certificate, digest, chain=chain, attributes=attributes)


def _size(size_mm: float | tuple[float, float] | None, imprint: bytes | None) -> tuple[float, float | None] | None:
    if (size_mm is None) != (imprint is None):
        raise InvalidArgument("size_mm: goes with an imprint, and every imprint needs it", field="size_mm")
    if size_mm is None:
        return None
    width, height = size_mm if isinstance(size_mm, tuple) else (size_mm, None)
    for length in (width, height):
        if length is not None and not (math.isfinite(length) and 1 <= length <= 500):
            raise InvalidArgument(f"size_mm: 1 to 500 mm, got {length}", field="size_mm")
    return float(width), None if height is None else float(height)


def _place(
    place: tuple[float, float] | None, keyword: str | Keyword | None, imprint: bytes | None
) -> tuple[float, float] | None:
    given = (place is not None) + (keyword is not None)
    if imprint is None and given:
        raise InvalidArgument("place: an invisible seal has none; give an imprint", field="place")
    if imprint is not None and given != 1:
        raise InvalidArgument("place: give either place or keyword with an imprint", field="place")
    if place is None:
        return None
    x, y = place
    if not (math.isfinite(x) and math.isfinite(y)):
        raise InvalidArgument(f"place: two lengths in mm, got {place}", field="place")
    return float(x), float(y)


def _text(text: str | None, name: str) -> str | None:
    if text is not None and (len(text) > 1000 or any(ord(letter) < 0x20 for letter in text)):
        raise InvalidArgument(f"{name}: at most 1000 characters, none of them a control character", field=name)
    return text


def _moment(signed_at: datetime | None) -> datetime:
    moment = signed_at or datetime.now(UTC).replace(microsecond=0)
    if moment.tzinfo is None:
        raise InvalidArgument("signed_at: needs a time zone, as datetime.now(UTC) has", field="signed_at")
    return moment


def _field_name(name: str | None) -> str | None:
    if name is not None and (not 1 <= len(name) <= 100 or "." in name or not name.isprintable()):
        raise InvalidArgument("field_name: 1 to 100 printable characters without dots", field="field_name")
    return name


def _certify(certify: str | None) -> str | None:
    if certify is not None and certify not in get_args(Certify):
        raise InvalidArgument(f"certify: {', '.join(get_args(Certify))} or None, got {certify!r}", field="certify")
    return certify


def _in_range(value: int, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidArgument(f"{name}: {low} to {high}, got {value!r}", field=name)
    return value
