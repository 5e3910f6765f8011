"""The office and its structure: founding, auditing, units, persons, policies, the database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from sealcore.cli.basics import ALGORITHMS, HASHES
from sealcore.cli.common import (
    emit,
    existing_file,
    json_option,
    password_options,
    password_source,
    progress,
    read_text,
)
from sealcore.cli.desk import by_option, list_command, reads, record, view_office, writes
from sealcore.hash import HashName
from sealcore.sign import AlgorithmName


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
    hash_name: HashName,
    algorithm: AlgorithmName,
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
    view = view_office(directory)
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

    earlier = read_text(checkpoint, "checkpoint") if checkpoint else None
    with progress("auditing", quiet=as_json) as step:
        report = audit_ledger(directory, checkpoint=earlier, progress=step)
    lines = [
        f"{directory}: {'no findings' if report.ok else f'{len(report.findings)} FINDINGS'} in {report.size} entries"
    ]
    lines += [f"  {finding.part}: {finding.sentence}" for finding in report.findings]
    lines += [f"  entry {redaction.index}: {redaction}" for redaction in report.redactions]
    if report.replayed:
        lines.append(
            f"  checked beside the ledger: {report.objects_checked} imprints and certificates, "
            f"{report.values_checked} personal values (0: they are not here)"
        )
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
    record(directory, password_file, wait, as_json, lambda r: r.add_unit(unit_id, name=name, parent=parent, by=by))


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
    algorithm: AlgorithmName,
    by: str,
    directory: Path,
    password_file: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Add the person PERSON_ID and make the person's key."""
    record(
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
    record(
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


list_command(unit, "units", ("id", "name", "parent", "index"), "List the units.")
list_command(person, "persons", ("id", "name", "unit", "roles", "index"), "List the persons.")
list_command(policy, "policies", ("id", "quorum", "approvers", "approver_units", "index"), "List the policies.")

COMMANDS = [office, audit, db, unit, person, policy]
