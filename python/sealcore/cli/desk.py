"""What the commands of the office share: their options, opening the office, recording one act, listing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from sealcore.cli.common import F, emit, emit_table, json_option, password_options, password_source

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


def open_office(directory: Path, password_file: Path | None, wait: float) -> Any:
    from sealcore.seals import Registry  # noqa: PLC0415  loads SQLAlchemy

    return Registry.open(directory, password=password_source(password_file), wait=wait)


def view_office(directory: Path) -> Any:
    from sealcore.seals import View  # noqa: PLC0415  loads SQLAlchemy

    return View.open(directory)


def record(directory: Path, password_file: Path | None, wait: float, as_json: bool, act: Callable[[Any], Any]) -> None:
    with open_office(directory, password_file, wait) as registry:
        recorded = act(registry)
    emit(recorded.to_dict(), as_json=as_json, text=f"{recorded.kind} {recorded.id}: ledger entry {recorded.index}")


def list_command(group: click.Group, name: str, columns: Sequence[str], sentence: str) -> None:
    """Adds the command `list` to a group: the rows of one query of the office's view."""

    @group.command("list", help=sentence)
    @reads
    def show(directory: Path, as_json: bool) -> None:
        rows = [row.to_dict() for row in getattr(view_office(directory), name)()]
        emit_table(rows, columns, as_json=as_json, empty=f"no {name} yet")
