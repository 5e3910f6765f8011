"""The way of one document: apply, approve, refuse, grant, revoke, seal; and what became of it."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from sealcore.cli.basics import force_option
from sealcore.cli.common import MOMENT, emit, existing_file
from sealcore.cli.desk import by_option, list_command, open_office, record, writes
from sealcore.errors import StorageError


@click.command()
@click.argument("seal")
@click.argument("document", type=existing_file)
@click.option("--purpose", required=True, help="Kept outside the ledger; the ledger holds a commitment to it.")
@click.option("--class", "document_class", default="contract", show_default=True)
@click.option("--uses", type=click.IntRange(1, 100000), default=1, show_default=True, help="How many imprints.")
@click.option(
    "--place",
    "places",
    type=(click.IntRange(1), float, float),
    multiple=True,
    metavar="PAGE X Y",
    help="Where an imprint may stand, in mm from the upper left of the page; may be repeated.  [default: anywhere]",
)
@by_option
@writes
def apply(
    seal: str,
    document: Path,
    purpose: str,
    document_class: str,
    uses: int,
    places: tuple[tuple[int, float, float], ...],
    by: str,
    directory: Path,
    password_file: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Apply to put SEAL on exactly the bytes of DOCUMENT.

    \b
    Example:
      sealcore apply company-seal contract.pdf --by zhang --purpose "supply contract"
    """
    record(
        directory,
        password_file,
        wait,
        as_json,
        lambda r: r.apply(
            seal, document, purpose=purpose, document_class=document_class, uses=uses, places=places, by=by
        ),
    )


@click.command()
@click.argument("application")
@click.option("--expires", type=MOMENT, help="When the approval ends, for example +7d.")
@by_option
@writes
def approve(
    application: str,
    expires: datetime | None,
    by: str,
    directory: Path,
    password_file: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Approve APPLICATION (its id or the first 8 digits)."""
    record(directory, password_file, wait, as_json, lambda r: r.approve(application, by=by, expires=expires))


@click.command()
@click.argument("application")
@click.option("--reason", required=True)
@by_option
@writes
def refuse(
    application: str, reason: str, by: str, directory: Path, password_file: Path | None, wait: float, as_json: bool
) -> None:
    """Refuse APPLICATION. That is final."""
    record(directory, password_file, wait, as_json, lambda r: r.refuse(application, reason=reason, by=by))


@click.command()
@click.argument("application")
@click.option("--until", type=MOMENT, required=True, help="When the grant ends, for example +3d.")
@click.option("--from", "start", type=MOMENT, help="When it begins. Default: now.")
@click.option("--uses", type=click.IntRange(1, 100000), help="How many uses. Default: what was applied for.")
@by_option
@writes
def grant(
    application: str,
    until: datetime,
    start: datetime | None,
    uses: int | None,
    by: str,
    directory: Path,
    password_file: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Grant the uses of an approved APPLICATION to its applicant, bound to its documents."""

    def act(registry: Any) -> Any:
        wanted = registry.view.application(application)
        return registry.grant(
            wanted.seal,
            application=application,
            grantee=wanted.applicant,
            uses=uses or wanted.uses,
            valid_from=start,
            valid_to=until,
            by=by,
        )

    record(directory, password_file, wait, as_json, act)


@click.command()
@click.argument("grant")
@click.option("--reason", required=True)
@by_option
@writes
def revoke(
    grant: str, reason: str, by: str, directory: Path, password_file: Path | None, wait: float, as_json: bool
) -> None:
    """Revoke GRANT and everything below it."""
    record(directory, password_file, wait, as_json, lambda r: r.revoke_grant(grant, reason=reason, by=by))


@click.command()
@click.argument("application")
@click.argument("grant")
@click.argument("document", type=existing_file)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: NAME.sealed.pdf")
@click.option("--page", type=int, help="1 is the first, -1 the last page.")
@click.option("--at-mm", type=(float, float), help="X Y of the imprint's top left corner, from the page's top left.")
@click.option("--keyword", help="Put the imprint beside this word instead.")
@by_option
@force_option
@writes
def seal(
    application: str,
    grant: str,
    document: Path,
    output: Path | None,
    page: int | None,
    at_mm: tuple[float, float] | None,
    keyword: str | None,
    by: str,
    force: bool,
    directory: Path,
    password_file: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Seal DOCUMENT under APPLICATION and GRANT: other bytes than those approved are refused.

    \b
    Example:
      sealcore seal 1f3a5b7c 9d2e4f60 contract.pdf --by zhang --keyword 盖章处
    """
    if (at_mm is None) == (keyword is None):
        raise click.UsageError("give the place: either --at-mm X Y (with --page) or --keyword WORD")
    target = output or document.with_suffix(".sealed.pdf")
    if target.exists() and not force:
        raise click.UsageError(f"{target} exists: choose another --output or add --force")
    # The registry writes the file, before the use ends: what cannot be written is a failed use, not a delivered one.
    aside = target.with_name(f".{target.name}.{secrets.token_hex(8)}.sealed") if target.exists() else target
    with open_office(directory, password_file, wait) as registry:
        sealed = registry.seal_document(
            application, grant, document, by=by, page=page, place=at_mm, keyword=keyword, output=aside
        )
    if aside != target:
        try:
            aside.replace(target)
        except OSError as error:
            raise StorageError(
                f"output: the document is sealed and lies in {aside}; {target} could not be replaced: {error.strerror}",
                operation="write",
                path=str(aside),
                errno=error.errno,
            ) from None
    emit(
        {"file": str(target), **sealed.to_dict(), "output": str(target)},
        as_json=as_json,
        text=f"{target}: sealed, use {sealed.number} of {sealed.of}, ledger entry {sealed.use.index}",
    )


@click.group()
def applications() -> None:
    """What was applied for, and how far it is."""


@click.group()
def grants() -> None:
    """Who may still use which seal, how often and how long."""


@click.group()
def uses() -> None:
    """Every use of every seal."""


list_command(
    applications, "applications", ("id", "seal", "applicant", "purpose", "state", "uses", "index"), "List them."
)
list_command(
    grants, "grants", ("id", "seal", "grantee", "used", "max_uses", "valid_to", "state", "index"), "List them."
)
list_command(uses, "uses", ("id", "seal", "user", "number", "of", "result", "time", "index"), "List them.")

COMMANDS = [apply, approve, refuse, grant, revoke, seal, applications, grants, uses]
