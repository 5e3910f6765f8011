"""A ledger over HTTP, read-only: the resources of C2SP tlog-tiles, straight from the ledger's files.

It takes no lock and follows a writer. Tiles never change and may be cached for ever; the checkpoint may not. Nothing is
executed, listed or written on behalf of a client; what is no resource of the log is 404.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterable
from pathlib import Path

from sealcore.errors import InputError, LedgerError
from sealcore.ledger import Checkpoint, LedgerReader, tile_width
from sealcore.tlog.http import Application, Environment, StartResponse, answer
from sealcore.tlog.tiles import FULL, ROOTS

__all__ = ["tiles_application"]

_IMMUTABLE = ("Cache-Control", "public, max-age=31536000, immutable")
_FRESH = ("Cache-Control", "no-cache")
_BYTES = "application/octet-stream"
# Six elements name every tile of a tree of 2^64 entries.
_TILE = re.compile(
    r"/(?P<root>tile|sm3-256w)/(?P<level>entries|0|[1-9][0-9]?)/(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)
_NOTE_LIMIT = 65_535


def tiles_application(path: str | os.PathLike[str], *, published: str | os.PathLike[str] | None = None) -> Application:
    """The WSGI application that serves a ledger as C2SP tlog-tiles.

    Args:
        path: The ledger.
        published: A file with the note to serve as the checkpoint, such as the cosigned one that ``sealcore ledger
            witness`` writes; read anew for each request. None: the ledger's newest.

    Raises:
        LedgerError: If the ledger cannot be read.
    """
    return _View(LedgerReader.open(path), None if published is None else Path(published))


class _View:
    def __init__(self, reader: LedgerReader, published: Path | None) -> None:
        self._reader = reader
        self._published = published
        self._root = ROOTS[reader.hash]

    def __call__(self, environment: Environment, start: StartResponse) -> Iterable[bytes]:
        if environment.get("REQUEST_METHOD") not in {"GET", "HEAD"}:
            return answer(environment, start, "405 Method Not Allowed", b"GET only\n", headers=[("Allow", "GET, HEAD")])
        path = str(environment.get("PATH_INFO", ""))
        try:
            if path == "/checkpoint":
                return answer(environment, start, "200 OK", self._checkpoint().encode(), headers=[_FRESH])
            if match := _TILE.fullmatch(path):
                return self._tile(match, environment, start)
        except (LedgerError, InputError, OSError) as error:
            environment["wsgi.errors"].write(f"sealcore: {path}: {error}\n")
            return answer(environment, start, "503 Service Unavailable", b"the ledger cannot be read\n")
        return answer(environment, start, "404 Not Found", b"no such resource\n", headers=[_FRESH])

    def _checkpoint(self) -> str:
        self._reader.refresh()
        if self._published is None:
            return self._reader.checkpoint
        with self._published.open("rb") as file:
            note = file.read(_NOTE_LIMIT + 1).decode("utf-8", errors="replace")
        checkpoint = Checkpoint.read_unverified(note)
        if checkpoint.origin != self._reader.origin or checkpoint.root != self._reader.root(checkpoint.size):
            raise OSError(f"{self._published} is no checkpoint of this ledger")
        return note

    def _tile(self, match: re.Match[str], environment: Environment, start: StartResponse) -> Iterable[bytes]:
        number = int(re.sub("[x/]", "", match["number"]))
        elements = match["number"].count("/")
        width = int(match["width"] or FULL)
        level = None if match["level"] == "entries" else int(match["level"])
        # The one spelling: no leading element of zeros, no partial tile of full width.
        plain = match["root"] == self._root and (elements == 0 or number >= 1000**elements)
        if plain and (width < FULL or match["width"] is None):
            there = tile_width(level or 0, number, self._reader.size)
            if there < width:
                # A newer checkpoint than this reader's may have been seen elsewhere.
                self._reader.refresh()
                there = tile_width(level or 0, number, self._reader.size)
            if width <= there:
                return self._send(level, number, width, environment, start)
        return answer(environment, start, "404 Not Found", b"no such tile\n", headers=[_FRESH])

    def _send(
        self, level: int | None, number: int, width: int, environment: Environment, start: StartResponse
    ) -> Iterable[bytes]:
        if level is not None:
            body = self._reader.tile(level, number, width)
            return answer(environment, start, "200 OK", body, kind=_BYTES, headers=[_IMMUTABLE])
        body, headers = self._reader.bundle(number, width), [_IMMUTABLE, ("Vary", "Accept-Encoding")]
        accepted = [part.partition(";") for part in str(environment.get("HTTP_ACCEPT_ENCODING", "")).split(",")]
        if any(name.strip() == "gzip" and "q=0" not in q.replace("q=0.", "") for name, _, q in accepted):
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        return answer(environment, start, "200 OK", body, kind=_BYTES, headers=headers)
