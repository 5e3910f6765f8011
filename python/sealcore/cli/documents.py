"""Sealed documents: ``sealcore verify``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from sealcore import pki
from sealcore.cli.common import MOMENT, emit, existing_file, json_option

MARKS = {True: "yes", False: "NO"}


@click.command()
@click.argument("document", type=existing_file)
@click.option("--root", "roots", type=existing_file, multiple=True, help="Trusted root certificate, repeatable.")
@click.option("--intermediate", "intermediates", type=existing_file, multiple=True)
@click.option("--at", type=MOMENT, help="The moment of trust. Default: a trusted timestamp, else now.")
@click.option("--timeout", type=float, default=30.0, show_default=True, help="Seconds that reading may take.")
@json_option
def verify(
    document: Path,
    roots: tuple[Path, ...],
    intermediates: tuple[Path, ...],
    at: datetime | None,
    timeout: float,
    as_json: bool,
) -> int:
    """Verify the seals of a PDF DOCUMENT: intact, valid, trusted, the entire file.

    Exit code 0 only for "authentic".

    \b
    Example:
      sealcore verify contract.sealed.pdf --root ca.pem
    """
    from sealcore.pdf import verify_pdf  # noqa: PLC0415  loads pyHanko

    verdict = verify_pdf(
        document,
        roots=[pki.Certificate.load(p.read_bytes()) for p in roots],
        intermediates=[pki.Certificate.load(p.read_bytes()) for p in intermediates],
        at=at,
        timeout=timeout,
    )
    authentic = verdict.verdict == "authentic"
    emit({**verdict.to_dict(), "ok": authentic}, as_json=as_json, text=describe(verdict, str(document)))
    return 0 if authentic else 1


def describe(verdict: Any, name: str) -> str:
    """A verdict in words, one fact a line."""
    lines = [f"{name}: {verdict.verdict.upper()}"]
    lines += [f"  because: {reason}" for reason in verdict.reasons]
    if verdict.verdict != "unsealed":
        lines.append(
            f"  intact {MARKS[verdict.intact]} · valid {MARKS[verdict.valid]} · trusted {MARKS[verdict.trusted]}"
            f" · entire file {MARKS[verdict.entire_file]} · revocation {verdict.revocation}"
        )
    for seal in verdict.seals:
        lines.append(f"  {seal.kind} {seal.field_name}: {seal.signer} ({seal.algorithm}, {seal.level})")
        lines.append(f"    covers {seal.coverage}; changes after: {seal.changes}; checked at {seal.checked_at}")
        lines += [f"    problem: {problem}" for problem in seal.problems]
        if seal.authority is not None:
            # The signer's own word: what that entry says stands in that ledger, which was not asked here.
            where = f"{seal.authority.origin} entry {seal.authority.index}"
            lines.append(f"    claims authority from {where}, record {seal.authority.statement.hex()}")
    lines += [f"  a signature that sealcore cannot read: {field}" for field in verdict.unreadable]
    return "\n".join(lines)


COMMANDS = [verify]
