"""Has a request answered, in a child process or here."""

from __future__ import annotations

import math
from typing import Literal

from sealcore.errors import InvalidArgument
from sealcore.pdf import isolation
from sealcore.pdf.messages import CheckRequest, SealRequest, dump, load

__all__ = ["run"]


def run(
    operation: Literal["prepare", "check"],
    request: SealRequest | CheckRequest,
    document: bytes,
    *,
    timeout: float,
    isolated: bool,
) -> list[bytes]:
    """The parts of the answer.

    Raises:
        SealcoreError: what went wrong over there.
    """
    if not (math.isfinite(timeout) and 0 < timeout <= 86_400):
        raise InvalidArgument(f"timeout: more than 0 and at most 86400 seconds, got {timeout}", field="timeout")
    parts = [dump({"operation": operation, "timeout": timeout, "request": request}), document]
    if isolated:
        reply = isolation.call(parts, timeout=timeout)
    else:
        from sealcore.pdf.worker import answer  # noqa: PLC0415  (loads pyHanko, which the caller mostly does not need)

        reply = answer(parts)
    failure = load(reply[0]).get("error")
    if failure is not None:
        raise isolation.error_from(failure)
    return reply
