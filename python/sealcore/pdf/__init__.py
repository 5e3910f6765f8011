"""Seals on PDF documents: put, and verified.

``seal_pdf`` puts the imprint of a seal on a page at its true size and signs the document (PAdES B-B, P-256 or SM2);
``prepare_pdf`` does it in two steps, so that authority and key can stand between them; ``verify_pdf`` gives one
verdict. It does *not* know who may use which seal (``sealcore.authority``) nor where keys live (``sealcore.keys``).

Example:
    >>> from sealcore.pdf import Keyword
    >>> Keyword("盖章处", side="over").occurrence
    1
"""

from importlib.util import find_spec as _find_spec

from sealcore.errors import MissingExtra as _MissingExtra
from sealcore.pdf.attribute import AUTHORITY_OID, AuthorityAttribute
from sealcore.pdf.geometry import Placement
from sealcore.pdf.keyword import Keyword
from sealcore.pdf.sealing import PendingSeal, prepare_pdf, seal_pdf
from sealcore.pdf.verdict import SealReport, Verdict
from sealcore.pdf.verifying import verify_pdf

for _package in ("pyhanko", "PIL", "pypdfium2"):
    if _find_spec(_package) is None:
        raise _MissingExtra(f'PDF seals need {_package}: pip install "sealcore[pdf]"', extra="pdf")

__all__ = [
    "AUTHORITY_OID",
    "AuthorityAttribute",
    "Keyword",
    "PendingSeal",
    "Placement",
    "SealReport",
    "Verdict",
    "prepare_pdf",
    "seal_pdf",
    "verify_pdf",
]
