"""Verifying a sealed PDF: one verdict from explicit roots at an explicit time, without the network.

Any PDF signature that pyHanko knows is judged (RSA, ECDSA, EdDSA, ...), SM2 with SM3 besides, and ``guard.py`` adds the
rules that keep the known attacks on PDF signatures out. Reading happens in a child process, bounded in time and memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sealcore.errors import InvalidArgument
from sealcore.pdf.messages import CheckRequest, load
from sealcore.pdf.running import run
from sealcore.pdf.sealing import DEFAULT_MAX_BYTES, DEFAULT_TIMEOUT, Source, read_pdf
from sealcore.pdf.verdict import Verdict
from sealcore.pki import Certificate

__all__ = ["verify_pdf"]


def verify_pdf(
    pdf: Source,
    *,
    roots: Iterable[Certificate | bytes],
    intermediates: Iterable[Certificate | bytes] = (),
    at: datetime | None = None,
    password: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    max_bytes: int = DEFAULT_MAX_BYTES,
    isolated: bool = True,
) -> Verdict:
    """What is to be thought of a sealed document.

    Args:
        pdf: the document, or the path of its file.
        roots: the certificates to trust (also for timestamps), as objects or in DER; none: then nobody is trusted.
        intermediates: further certificates to build chains with, beside those in the document.
        at: the moment to ask about trust for, with a time zone. None: the time of a trusted timestamp in the document,
            else now.
        password: of an encrypted document.
        timeout: seconds that reading may take.
        max_bytes: size that the document may have.
        isolated: read it in a child process. False reads it here, without a bound in time: for trusted files.

    Returns:
        The verdict; it does not raise for a bad document. ``Verdict.raise_for_status`` does.

    Raises:
        UnreadableDocument: not a PDF, damaged, encrypted, too large or too slow to read: it says which.
        InvalidArgument: a root is no certificate, or ``at`` has no time zone.
        StorageError: the file cannot be read.

    Source: ISO 32000-2:2020, 12.8; ETSI EN 319 142-1; peer-reviewed attacks as ``guard.py`` names them.
    """
    if at is not None and at.tzinfo is None:
        raise InvalidArgument("at: needs a time zone, as datetime.now(UTC) has", field="at")
    request = CheckRequest(
        roots=tuple(map(_der, roots)), intermediates=tuple(map(_der, intermediates)), at=at, password=password
    )
    document = read_pdf(pdf, max_bytes)
    answer = run("check", request, document, timeout=timeout, isolated=isolated)
    return Verdict.from_dict(load(answer[0]))


def _der(certificate: Certificate | bytes) -> bytes:
    return certificate if isinstance(certificate, bytes) else certificate.der
