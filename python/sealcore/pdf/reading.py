"""Opens a PDF with pyHanko and says in one sentence why it cannot be opened.

Files are read in pyHanko's strict mode: a file whose structure two readers may understand differently is refused, since
a seal on it would mean different things to different people. It does *not* repair anything.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.crypt import AuthStatus, PubKeySecurityHandler
from pyhanko.pdf_utils.misc import PdfDecodeLimitError
from pyhanko.pdf_utils.reader import PdfFileReader

from sealcore.errors import SealcoreError, UnreadableDocument

__all__ = ["decrypt", "entry", "open_pdf", "refuse_unreadable"]

# What pyHanko logs about a document is in the verdict; without a handler Python would print it, tracebacks included.
for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


@contextmanager
def refuse_unreadable() -> Iterator[None]:
    """Turns whatever a parser raises on a hostile file into UnreadableDocument; sealcore's own errors pass."""
    try:
        yield
    except SealcoreError:
        raise
    except RecursionError:
        raise UnreadableDocument("the document nests too deeply") from None
    except MemoryError:
        raise UnreadableDocument("the document needs more memory than a document may") from None
    except PdfDecodeLimitError as error:
        raise UnreadableDocument(f"the document unpacks to more than it may: {error}") from None
    except Exception as error:  # parsers raise nearly anything on hostile input: see SECURITY.md
        detail = " ".join(str(error).split())[:200]
        raise UnreadableDocument(
            f"the document is damaged: {detail or type(error).__name__} "
            "(a PDF tool can often rewrite it: qpdf damaged.pdf repaired.pdf)"
        ) from None


def open_pdf(pdf: bytes, password: str | None) -> PdfFileReader:
    """Reads the cross-references and unlocks the file.

    Raises:
        UnreadableDocument: no PDF, damaged, or encrypted and the password does not open it.
    """
    with refuse_unreadable():
        if not pdf.startswith(b"%PDF-"):
            raise UnreadableDocument("not a PDF: the file does not start with %PDF-")
        reader = PdfFileReader(io.BytesIO(pdf), strict=True)
        decrypt(reader, password)
        if not isinstance(entry(reader.root, "/Pages"), generic.DictionaryObject):
            raise UnreadableDocument("the document has no pages")
        return reader


def entry(dictionary: Any, key: str, default: Any = None) -> Any:
    """The resolved value of a PDF dictionary's key; null counts as absent (ISO 32000-2, 7.3.7).

    (``get`` of pyHanko's dictionaries does not resolve references.)
    """
    try:
        value = dictionary[key]
    except KeyError:
        return default
    return default if value is None or isinstance(value, generic.NullObject) else value


def decrypt(reader: PdfFileReader, password: str | None) -> None:
    """Unlocks an encrypted file; without a password the empty one is tried, as every viewer does.

    Raises:
        UnreadableDocument: the password does not open it, or it is encrypted for certificate holders.
    """
    if not reader.encrypted:
        return
    if isinstance(reader.security_handler, PubKeySecurityHandler):
        raise UnreadableDocument("the document is encrypted for certificate holders; remove the encryption first")
    if reader.decrypt(password or "").status == AuthStatus.FAILED:
        raise UnreadableDocument(
            "the document is encrypted; give its password"
            if password is None
            else "the document is encrypted and this password does not open it"
        )
