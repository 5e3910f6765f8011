"""The office: units, persons, policies, seals, and the way from an application to a sealed document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from sealcore import pki
from sealcore.cli.basics import ALGORITHMS, HASHES, force_option
from sealcore.cli.common import (
    MOMENT,
    F,
    emit,
    emit_table,
    existing_file,
    json_option,
    password_options,
    password_source,
    progress,
    write_new,
)

office_option = click.option(
    "--office",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    envvar="SEALCORE_OFFICE",
    show_default=True,
    show_envvar=True,
    help="The office's directory.",
)
by_option = click.option("--by", required=True, help="Who does it: the id of a person in the office, or founder.")
wait_option = click.option(
    "--wait", type=float, default=5.0, show_default=True, help="Seconds to wait for another process to let go."
)


def writes(function: F) -> F:
    """The options of every command that adds to the ledger."""
    for option in (json_option, wait_option, password_options, office_option):
        function = option(function)
    return function


def reads(function: F) -> F:
    """The options of every command that only looks."""
    for option in (json_option, office_option):
        function = option(function)
    return function


def _open(directory: Path, password_file: Path | None, wait: float) -> Any:
    from sealcore.seals import Registry  # noqa: PLC0415  loads SQLAlchemy

    return Registry.open(directory, password=password_source(password_file), wait=wait)


def _view(directory: Path) -> Any:
    from sealcore.seals import View  # noqa: PLC0415  loads SQLAlchemy

    return View.open(directory)


def _record(directory: Path, password_file: Path | None, wait: float, as_json: bool, act: Callable[[Any], Any]) -> None:
    with _open(directory, password_file, wait) as registry:
        recorded = act(registry)
    emit(recorded.to_dict(), as_json=as_json, text=f"{recorded.kind} {recorded.id}: ledger entry {recorded.index}")


# --- the office itself


@click.group()
def office() -> None:
    """Found, show and audit an office."""


@office.command("init")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--origin", required=True, help="The ledger's name for ever, for example example.com/seals.")
@click.option("--unit", required=True, help="Id of the headquarters, for example hq.")
@click.option("--unit-name", required=True, help="Its name.")
@click.option("--hash", "hash_name", type=HASHES, default="sm3", show_default=True, help="The ledger's hash.")
@click.option("-a", "--algorithm", type=ALGORITHMS, default="sm2", show_default=True, help="The founder's key.")
@password_options
@json_option
def office_init(
    directory: Path,
    origin: str,
    unit: str,
    unit_name: str,
    hash_name: str,
    algorithm: str,
    password_file: Path | None,
    as_json: bool,
) -> None:
    """Found an office in DIRECTORY: ledger, keys, headquarters.

    \b
    Example:
      sealcore office init ./office --origin example.com/seals --unit hq --unit-name "Headquarters"
    """
    from sealcore.seals import Registry  # noqa: PLC0415  loads SQLAlchemy

    password = password_source(password_file, confirm=True)
    with Registry.create(
        directory,
        origin=origin,
        hash=hash_name,
        unit=unit,
        unit_name=unit_name,
        password=password,
        algorithm=algorithm,
    ) as registry:
        size = registry.view.size
    emit(
        {"directory": str(directory), "origin": origin, "hash": hash_name, "unit": unit, "size": size},
        as_json=as_json,
        text=f"{directory}: office {origin} with headquarters {unit} ({hash_name} ledger, {size} entries)",
    )


@office.command("show")
@reads
def office_show(directory: Path, as_json: bool) -> None:
    """Print the office's ledger head and counts."""
    view = _view(directory)
    emit(
        {
            "origin": view.origin,
            "hash": view.hash,
            "size": view.size,
            "root": view.root,
            "units": len(view.units()),
            "persons": len(view.persons()),
            "seals": len(view.seals()),
            "applications": len(view.applications()),
            "uses": len(view.uses()),
        },
        as_json=as_json,
    )


@click.command("audit")
@click.option("--checkpoint", type=existing_file, help="An earlier checkpoint that the ledger must extend.")
@reads
def audit(checkpoint: Path | None, directory: Path, as_json: bool) -> int:
    """Verify the ledger and replay every authority decision. Exit code 1 if anything is found."""
    from sealcore.seals import audit_ledger  # noqa: PLC0415  loads SQLAlchemy

    earlier = checkpoint.read_text(encoding="utf-8") if checkpoint else None
    with progress("auditing", quiet=as_json) as step:
        report = audit_ledger(directory, checkpoint=earlier, progress=step)
    lines = [
        f"{directory}: {'no findings' if report.ok else f'{len(report.findings)} FINDINGS'} in {report.size} entries"
    ]
    lines += [f"  entry {finding.index}: {finding.sentence}" for finding in report.findings]
    emit({**report.to_dict(), "ok": report.ok}, as_json=as_json, text="\n".join(lines))
    return 0 if report.ok else 1


@click.group()
def db() -> None:
    """The database: a projection of the ledger that can be thrown away."""


@db.command("rebuild")
@reads
def db_rebuild(directory: Path, as_json: bool) -> None:
    """Rebuild the database from the ledger."""
    from sealcore.seals import rebuild_database  # noqa: PLC0415  loads SQLAlchemy

    with progress("rebuilding", quiet=as_json) as step:
        count = rebuild_database(directory, progress=step)
    emit({"entries": count}, as_json=as_json, text=f"{directory}: rebuilt from {count} ledger entries")


# --- structure


@click.group()
def unit() -> None:
    """Headquarters, branches and departments."""


@unit.command("add")
@click.argument("unit_id")
@click.option("--name", required=True)
@click.option("--parent", required=True, help="Id of the unit above.")
@by_option
@writes
def unit_add(
    unit_id: str,
    name: str,
    parent: str,
    by: str,
    directory: Path,
    password_file: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Add the unit UNIT_ID."""
    _record(directory, password_file, wait, as_json, lambda r: r.add_unit(unit_id, name=name, parent=parent, by=by))


@click.group()
def person() -> None:
    """Persons, their roles and keys."""


@person.command("add")
@click.argument("person_id")
@click.option("--name", required=True)
@click.option("--unit", required=True)
@click.option("--role", "roles", multiple=True, help="manager, applicant, approver, authoriser or auditor; repeatable.")
@click.option("-a", "--algorithm", type=ALGORITHMS, default="sm2", show_default=True)
@by_option
@writes
def person_add(
    person_id: str,
    name: str,
    unit: str,
    roles: Sequence[str],
    algorithm: str,
    by: str,
    directory: Path,
    password_file: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Add the person PERSON_ID and make the person's key."""
    _record(
        directory,
        password_file,
        wait,
        as_json,
        lambda r: r.add_person(person_id, name=name, unit=unit, roles=tuple(roles), algorithm=algorithm, by=by),
    )


@click.group()
def policy() -> None:
    """Who must approve."""


@policy.command("set")
@click.argument("policy_id")
@click.option("--quorum", type=click.IntRange(1, 64), required=True, help="How many approvers must approve.")
@click.option("--approver", "approvers", multiple=True, help="A named approver, repeatable.")
@click.option("--approver-unit", "approver_units", multiple=True, help="A unit whose approvers may, repeatable.")
@click.option("--applicant-unit", "applicant_units", multiple=True, required=True, help="Who may apply, repeatable.")
@click.option("--class", "classes", multiple=True, help="Allowed document class, repeatable. Default: any.")
@by_option
@writes
def policy_set(
    policy_id: str,
    quorum: int,
    approvers: Sequence[str],
    approver_units: Sequence[str],
    applicant_units: Sequence[str],
    classes: Sequence[str],
    by: str,
    directory: Path,
    password_file: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Set the policy POLICY_ID: k of n approvers; the applicant never counts."""
    _record(
        directory,
        password_file,
        wait,
        as_json,
        lambda r: r.set_policy(
            policy_id,
            quorum=quorum,
            approvers=tuple(approvers),
            approver_units=tuple(approver_units),
            applicant_units=tuple(applicant_units),
            classes=tuple(classes),
            by=by,
        ),
    )


# --- the register of seals


@click.group()
def seals() -> None:
    """The register of seals. (To seal a document: sealcore seal.)"""


@seals.command("request")
@click.argument("seal")
@click.option("-a", "--algorithm", type=ALGORITHMS, default="sm2", show_default=True)
@click.option("--subject", required=True, help="Common name, or an RFC 4514 name.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The certificate request to write."
)
@force_option
@writes
def seals_request(
    seal: str,
    algorithm: str,
    subject: str,
    output: Path,
    force: bool,
    directory: Path,
    password_file: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Make the key of a new SEAL inside the office and a certificate request for it."""
    with _open(directory, password_file, wait) as registry:
        request = registry.prepare_seal_key(seal, algorithm=algorithm, subject=subject)
    write_new(output, request.csr_pem, force=force)
    emit({"file": str(output), "seal": seal}, as_json=as_json, text=f"{output}: certificate request of seal {seal}")


@seals.command("register")
@click.argument("seal")
@click.option(
    "--kind",
    type=click.Choice(["company", "contract", "finance", "personnel", "invoice", "legal_person"]),
    required=True,
)
@click.option("--unit", required=True, help="The unit that the seal belongs to.")
@click.option("--policy", required=True)
@click.option("--size-mm", type=click.FloatRange(5, 200), required=True, help="True width of the imprint.")
@click.option("--certificate", type=existing_file, required=True)
@click.option("--chain", type=existing_file, multiple=True, help="Intermediate certificate, repeatable.")
@click.option("--imprint", type=existing_file, required=True, help="PNG with a transparent background.")
@by_option
@writes
def seals_register(
    seal: str,
    kind: str,
    unit: str,
    policy: str,
    size_mm: float,
    certificate: Path,
    chain: Sequence[Path],
    imprint: Path,
    by: str,
    directory: Path,
    password_file: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Register SEAL; it starts as a draft."""
    _record(
        directory,
        password_file,
        wait,
        as_json,
        lambda r: r.register_seal(
            seal,
            kind=kind,
            unit=unit,
            policy=policy,
            size_mm=size_mm,
            certificate=pki.Certificate.load(certificate.read_bytes()),
            chain=[pki.Certificate.load(p.read_bytes()) for p in chain],
            imprint=imprint.read_bytes(),
            by=by,
        ),
    )


def _state_command(verb: str, sentence: str) -> click.Command:
    @seals.command(verb, help=sentence)
    @click.argument("seal")
    @click.option("--reason", required=True, help="A word such as registered, lost-key, audit.")
    @by_option
    @writes
    def change(
        seal: str, reason: str, by: str, directory: Path, password_file: Path | None, wait: float, as_json: bool
    ) -> None:
        act = f"{verb}_seal"
        _record(directory, password_file, wait, as_json, lambda r: getattr(r, act)(seal, reason=reason, by=by))

    return change


for _verb, _sentence in (
    ("activate", "Make SEAL usable."),
    ("suspend", "Stop SEAL at once, for a time."),
    ("revoke", "Stop SEAL at once, for ever."),
):
    _state_command(_verb, _sentence)


# --- from the application to the sealed document


@click.command()
@click.argument("seal")
@click.argument("document", type=existing_file)
@click.option("--purpose", required=True, help="Kept outside the ledger; the ledger holds a commitment to it.")
@click.option("--class", "document_class", default="contract", show_default=True)
@click.option("--uses", type=click.IntRange(1, 100000), default=1, show_default=True, help="How many imprints.")
@by_option
@writes
def apply(
    seal: str,
    document: Path,
    purpose: str,
    document_class: str,
    uses: int,
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
    _record(
        directory,
        password_file,
        wait,
        as_json,
        lambda r: r.apply(seal, document, purpose=purpose, document_class=document_class, uses=uses, by=by),
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
    _record(directory, password_file, wait, as_json, lambda r: r.approve(application, by=by, expires=expires))


@click.command()
@click.argument("application")
@click.option("--reason", required=True)
@by_option
@writes
def refuse(
    application: str, reason: str, by: str, directory: Path, password_file: Path | None, wait: float, as_json: bool
) -> None:
    """Refuse APPLICATION. That is final."""
    _record(directory, password_file, wait, as_json, lambda r: r.refuse(application, reason=reason, by=by))


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

    _record(directory, password_file, wait, as_json, act)


@click.command()
@click.argument("grant")
@click.option("--reason", required=True)
@by_option
@writes
def revoke(
    grant: str, reason: str, by: str, directory: Path, password_file: Path | None, wait: float, as_json: bool
) -> None:
    """Revoke GRANT and everything below it."""
    _record(directory, password_file, wait, as_json, lambda r: r.revoke_grant(grant, reason=reason, by=by))


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
    with _open(directory, password_file, wait) as registry:
        sealed = registry.seal_document(application, grant, document, by=by, page=page, place=at_mm, keyword=keyword)
    write_new(target, sealed.data, force=force)
    emit(
        {"file": str(target), **sealed.to_dict()},
        as_json=as_json,
        text=f"{target}: sealed, use {sealed.number} of {sealed.of}, ledger entry {sealed.use.index}",
    )


# --- looking


def _list_command(group: click.Group, name: str, columns: Sequence[str], sentence: str) -> None:
    @group.command("list", help=sentence)
    @reads
    def show(directory: Path, as_json: bool) -> None:
        rows = [row.to_dict() for row in getattr(_view(directory), name)()]
        emit_table(rows, columns, as_json=as_json, empty=f"no {name} yet")


@click.group()
def applications() -> None:
    """What was applied for, and how far it is."""


@click.group()
def grants() -> None:
    """Who may still use which seal, how often and how long."""


@click.group()
def uses() -> None:
    """Every use of every seal."""


for _group, _name, _columns, _sentence in (
    (unit, "units", ("id", "name", "parent", "index"), "List the units."),
    (person, "persons", ("id", "name", "unit", "roles", "index"), "List the persons."),
    (policy, "policies", ("id", "quorum", "approvers", "approver_units", "index"), "List the policies."),
    (seals, "seals", ("id", "kind", "unit", "state", "version", "size_mm", "policy", "index"), "List the seals."),
    (applications, "applications", ("id", "seal", "applicant", "purpose", "state", "uses", "index"), "List them."),
    (grants, "grants", ("id", "seal", "grantee", "used", "max_uses", "valid_to", "state", "index"), "List them."),
    (uses, "uses", ("id", "seal", "user", "number", "of", "result", "time", "index"), "List them."),
):
    _list_command(_group, _name, _columns, _sentence)

COMMANDS = [
    office, audit, db, unit, person, policy, seals, apply, approve, refuse, grant, revoke, seal, applications, grants, uses,
]  # fmt: skip
