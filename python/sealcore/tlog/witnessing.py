"""Asks witnesses for cosignatures of a ledger's newest checkpoint (C2SP tlog-witness, as a client)."""

from __future__ import annotations

import base64
import os
import time as clock
from dataclasses import dataclass
from urllib.parse import urlsplit

from sealcore.errors import InputError, InvalidArgument, InvalidSignature
from sealcore.ledger import Checkpoint, Entry, LedgerReader, NoteKey, Policy, decode_body

__all__ = ["Cosigned", "WitnessAnswer", "anchored_note", "collect_cosignatures"]

_ANSWER_LIMIT = 1 << 16


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What one witness said.

    Attributes:
        name: Its name in the policy.
        cosigned: Whether it has cosigned the checkpoint.
        reason: Why not, for people.
        size: The size that the witness remembers, when it said so: more than the ledger has is alarming.
    """

    name: str
    cosigned: bool
    reason: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint and who has cosigned it.

    Attributes:
        checkpoint: The note with the cosignatures.
        cosignatures: Their lines.
        answers: What each witness said.
        quorum: Whether the cosignatures are a quorum of the policy.
    """

    checkpoint: str
    cosignatures: str
    answers: tuple[WitnessAnswer, ...]
    quorum: bool


def collect_cosignatures(path: str | os.PathLike[str], policy: Policy, *, timeout: float = 10.0) -> Cosigned:
    """Ask every witness of a policy that has a URL to cosign the newest checkpoint of a ledger.

    A witness that cannot be reached, refuses, or answers with anything but its own valid cosignature is named with the
    reason; the others are asked all the same.

    Args:
        path: The ledger, of SHA-256; its checkpoints carry the signature of a key that the witnesses know.
        policy: Names, keys and URLs of the witnesses, and their quorum.
        timeout: Seconds for one answer.

    Raises:
        InvalidArgument: If the ledger is of SM3, or no witness has a URL.
        LedgerError: If the ledger cannot be read.
    """
    reader = LedgerReader.open(path)
    if reader.hash != "sha256":
        raise InvalidArgument(
            "ledger: it is of SM3; C2SP witnesses check trees of SHA-256 only. Witness a ledger of SHA-256",
            field="ledger",
        )
    asked = [(name, key, url) for name, key, url in policy.witnesses if url is not None]
    if not asked:
        raise InvalidArgument("policy: no witness has a URL; write `witness NAME VKEY URL`", field="policy")
    asking = _Asking(reader, timeout)
    lines: list[str] = []
    answers: list[WitnessAnswer] = []
    for name, key, url in asked:
        answer, line = asking.ask(name, key, url)
        answers.append(answer)
        lines += [line] if line else []
    cosignatures = "".join(lines)
    whole = reader.checkpoint + cosignatures
    quorum, _, _ = policy.judge(whole, now=int(clock.time()))
    return Cosigned(checkpoint=whole, cosignatures=cosignatures, answers=tuple(answers), quorum=quorum)


def anchored_note(entry: Entry, *, origin: str) -> str:
    """The cosigned checkpoint that an ANCHOR entry keeps, for `Policy.judge`: its text and the cosignature lines.

    It lacks the line of the ledger's own key, which stands on the same checkpoint in ``checkpoints.log``; the entry
    itself is signed by that key and in the ledger.

    Args:
        entry: An entry of type "anchor" with the form "cosignature".
        origin: The ledger's name.

    Raises:
        InvalidArgument: If it is another entry.
        InvalidEncoding: If the token is no signature lines.
    """
    body = decode_body(entry.body)
    if entry.type != "anchor" or body["form"] != "cosignature":
        raise InvalidArgument(f"entry: {entry.index} is no ANCHOR entry of cosignatures", field="entry")
    root = base64.b64encode(body["root"]).decode()
    note = f"{origin}\n{body['size']}\n{root}\n\n{body['token'].decode('utf-8', errors='replace')}"
    Checkpoint.read_unverified(note)
    return note


class _Asking:
    """The questions about one checkpoint."""

    def __init__(self, reader: LedgerReader, timeout: float) -> None:
        self._reader = reader
        self._note = reader.checkpoint
        self._text = self._note.rpartition("\n\n")[0] + "\n"
        self._timeout = timeout

    def ask(self, name: str, key: NoteKey, url: str) -> tuple[WitnessAnswer, str | None]:
        """What one witness answers, and its cosignature line."""
        try:
            status, body = self._post(url, 0)
            # A witness that has followed the ledger says from which size on.
            old = int(body) if status == 409 and body.strip().isascii() and body.strip().isdigit() else 0
            if 0 < old <= self._reader.size:
                status, body = self._post(url, old)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            return WitnessAnswer(name, False, f"cannot be reached at {url}: {reason}"), None
        if status == 200:
            line = self._cosignature(key, body)
            reason = None if line else "answered without a valid cosignature of its key"
            return WitnessAnswer(name, line is not None, reason), line
        if old > self._reader.size:
            reason = (
                f"has cosigned {old} entries, this ledger has {self._reader.size}: it was cut or put back, or another "
                "ledger has its name"
            )
        elif status == 409 and old == self._reader.size:
            reason = f"has cosigned another ledger of {old} entries under this name: a split view"
        else:
            words = body.strip().splitlines()[0][:200] if body.strip() else "no reason given"
            reason = f"refused with HTTP {status}: {words}"
        return WitnessAnswer(name, False, reason, old or None), None

    def _post(self, url: str, old: int) -> tuple[int, str]:
        proof = self._reader.consistency_proof(old) if old > 0 else []
        hashes = "".join(base64.b64encode(node).decode() + "\n" for node in proof)
        return _post(url, f"old {old}\n{hashes}\n{self._note}".encode(), self._timeout)

    def _cosignature(self, key: NoteKey, body: str) -> str | None:
        for line in body.splitlines(keepends=True):
            try:
                key.open(f"{self._text}\n{line}")
            except (InputError, InvalidSignature):
                continue
            return line
        return None


def _post(url: str, body: bytes, timeout: float) -> tuple[int, str]:
    # With TLS these take longer to load than everything else that the command line starts with.
    import http.client  # noqa: PLC0415
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    target = urlsplit(url.rstrip("/") + "/add-checkpoint")
    if target.scheme not in {"http", "https"}:
        raise ValueError("the URL must begin with http:// or https://")
    request = urllib.request.Request(target.geturl(), data=body, headers={"Content-Type": "text/plain"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
            return response.status, response.read(_ANSWER_LIMIT).decode("utf-8", errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(_ANSWER_LIMIT).decode("utf-8", errors="replace")
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
