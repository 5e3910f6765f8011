"""The child process that reads PDFs: ``python -m sealcore.pdf.worker``, spoken to by ``isolation.py`` over its pipes.

A request is [JSON {"operation", "timeout", "request"}, document]; the answer is [JSON, ...]. On Unix the memory of each
request is bounded (RLIMIT_AS, where the system enforces it), and an alarm ends the child when its parent is gone and
cannot. It does *not* restrict files or network: as pyHanko is used here, it opens neither.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Final

from sealcore.errors import SealcoreError
from sealcore.pdf.checking import check
from sealcore.pdf.isolation import Parts, error_to, read_parts, write_parts
from sealcore.pdf.messages import CheckRequest, SealRequest, dump, load
from sealcore.pdf.preparing import prepare
from sealcore.pdf.reading import refuse_unreadable
from sealcore.pdf.rendering import render

__all__ = ["answer", "main"]

_BASE_MEMORY: Final = 1 << 30
_MEMORY_PER_BYTE: Final = 10
_GRACE_SECONDS: Final = 5.0


def answer(parts: Parts) -> list[bytes]:
    """Does what one request asks; every failure becomes an answer."""
    try:
        with refuse_unreadable():
            message, document = load(parts[0]), parts[1]
            if message["operation"] == "prepare":
                return prepare(document, SealRequest.from_json(message["request"])).to_parts()
            if message["operation"] == "render":
                return list(render(document, message["request"]))
            return [dump(check(document, CheckRequest.from_json(message["request"])).to_dict())]
    except SealcoreError as error:
        return [dump({"error": error_to(error)})]


def main() -> None:
    """Answers requests until the parent closes the pipe."""
    logging.disable(logging.CRITICAL)
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not end up between the answers
    with requests, answers:
        while True:
            try:
                parts = read_parts(requests)
            except EOFError:
                return
            with _bounded(load(parts[0])["timeout"], len(parts[1])):
                reply = answer(parts)
            write_parts(answers, reply)


@contextlib.contextmanager
def _bounded(seconds: float, size: int) -> Iterator[None]:
    """Memory and time of one request, where the system knows such bounds."""
    try:
        import resource  # noqa: PLC0415  (Unix only)
        import signal  # noqa: PLC0415
    except ImportError:
        yield
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_BASE_MEMORY + _MEMORY_PER_BYTE * size, hard))
    signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


if __name__ == "__main__":
    main()
