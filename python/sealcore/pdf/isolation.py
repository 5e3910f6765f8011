"""Runs the reading of a PDF in a child process: a hostile file can neither hang, crash nor fill its caller.

A child (``python -m sealcore.pdf.worker``) is started when none is idle, kept for the next document, and killed when a
document takes longer than its caller allows. The child also never sees a private key: it is handed the document and
gives back an update or a verdict. Messages are length-prefixed parts, the first one JSON; nothing is unpickled.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

from sealcore import errors
from sealcore.errors import InternalError, SealcoreError, UnreadableDocument

__all__ = ["Parts", "call", "error_from", "error_to", "read_parts", "write_parts"]

Parts = Sequence[bytes]

_MAX_PARTS: Final = 64
_MAX_CHILDREN: Final = os.cpu_count() or 1


def write_parts(stream: IO[bytes], parts: Parts) -> None:
    """Sends one message."""
    stream.write(struct.pack(f">I{len(parts)}Q", len(parts), *map(len, parts)))
    for part in parts:
        stream.write(part)
    stream.flush()


def read_parts(stream: IO[bytes]) -> list[bytes]:
    """Receives one message.

    Raises:
        EOFError: the other side is gone.
    """
    (count,) = struct.unpack(">I", _exactly(stream, 4))
    if count > _MAX_PARTS:
        raise EOFError("not a message")
    sizes = struct.unpack(f">{count}Q", _exactly(stream, 8 * count))
    return [_exactly(stream, size) for size in sizes]


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError("the other side is gone")
    return data


def error_to(error: SealcoreError) -> dict[str, Any]:
    """An exception as JSON."""
    return {
        "type": type(error).__name__,
        "message": str(error),
        "fields": {name: getattr(error, name) for name in error._fields},
    }


def error_from(report: Mapping[str, Any]) -> SealcoreError:
    """The exception that ``error_to`` wrote; only classes of ``sealcore.errors`` are made."""
    kind = getattr(errors, report["type"]) if report["type"] in errors.__all__ else InternalError
    error: SealcoreError = kind(report["message"], **report["fields"])
    return error


class _Worker:
    """One child process and the timer that ends it."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "sealcore.pdf.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError as error:
            raise InternalError(
                f"cannot start {sys.executable or 'Python'} to read the document in ({error}); see isolated"
            ) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    @property
    def alive(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    def call(self, parts: Parts, timeout: float) -> list[bytes]:
        """Sends a request and waits for its answer; the child is dead afterwards when this raises."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(timeout, stop)
        timer.daemon = True
        timer.start()
        try:
            write_parts(self._stdin, parts)
            return read_parts(self._stdout)
        except (EOFError, OSError):
            self.close()
            if late.is_set():
                raise UnreadableDocument(f"reading the document took longer than {timeout:g} seconds") from None
            raise UnreadableDocument("the document made its reader crash or run out of memory") from None
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """Ends the child."""
        self._process.kill()
        for stream in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                stream.close()
        self._process.wait()


class _Pool:
    """The children: at most one a processor, further callers wait for one; idle ones newest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(_MAX_CHILDREN)
        self._idle: list[_Worker] = []
        self._lost: list[_Worker] = []

    def call(self, parts: Parts, timeout: float) -> list[bytes]:
        with self._free:
            worker = self._take()
            answer = worker.call(parts, timeout)
            with self._lock:
                self._idle.append(worker)
            return answer

    def _take(self) -> _Worker:
        """An idle child that still lives, else a new one."""
        while True:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                return _Worker()
            if worker.alive:
                return worker
            worker.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def forget(self) -> None:
        """After a fork the children belong to the parent: never use or end them here."""
        self._lost += self._idle
        self._lock, self._free, self._idle = threading.Lock(), threading.BoundedSemaphore(_MAX_CHILDREN), []


_pool = _Pool()
atexit.register(_pool.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.forget)


def call(parts: Parts, *, timeout: float) -> list[bytes]:
    """Has a child answer a request.

    Args:
        parts: the request; ``sealcore.pdf.worker`` says what it may be.
        timeout: seconds that it may take once a child is free, the start of one included.

    Raises:
        UnreadableDocument: no answer in time, or the child died over it.
    """
    return _pool.call(parts, timeout)
