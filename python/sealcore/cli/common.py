"""What every command shares: output for people and for programs, progress, passwords, times."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from sealcore.errors import InvalidArgument, StorageError

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)
any_path = click.Path(path_type=Path)


def emit(value: Mapping[str, Any], *, as_json: bool, text: str | None = None) -> None:
    """Prints one result: the JSON object, or the sentence for people.

    ``ok`` in the object says what the exit code says: a command whose answer is no gives ``"ok": False``.
    """
    if as_json:
        click.echo(json.dumps({"ok": True, **value}, ensure_ascii=False, default=_plain))
    else:
        click.echo(text if text is not None else "\n".join(f"{k}: {_words(v)}" for k, v in value.items()))


def emit_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Prints a list: a JSON object with ``rows``, or a table with these columns."""
    if as_json:
        click.echo(json.dumps({"ok": True, "rows": list(rows)}, ensure_ascii=False, default=_plain))
        return
    if not rows:
        click.echo(empty)
        return
    from sealcore.cli.terminal import print_table  # noqa: PLC0415  most commands draw nothing, and start sooner

    print_table([c.replace("_", " ") for c in columns], [[_words(row.get(c)) for c in columns] for row in rows])


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple)) and not isinstance(value, str):
        return [_plain(v) for v in value]
    return value if isinstance(value, (str, int, float, bool, dict, type(None))) else str(value)


def _words(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_words, value))
    return "" if value is None else str(_plain(value))


@contextmanager
def progress(label: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error with rate and remaining time; silent for programs and pipes."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from sealcore.cli.terminal import progress_bar  # noqa: PLC0415  as above

    with progress_bar(label) as step:
        yield step


def password_options(function: F) -> F:
    """``--password-file``; without it the variable SEALCORE_PASSWORD, without that a prompt."""
    return click.option(
        "--password-file",
        type=existing_file,
        help="File whose first line is the password. Default: $SEALCORE_PASSWORD, else a prompt.",
    )(function)


def password_source(password_file: Path | None, *, confirm: bool = False) -> Callable[[str], str]:
    """Where passwords come from, asked only when a key is opened or made."""

    def ask(what: str) -> str:
        if password_file is not None:
            lines = read_text(password_file, "password_file").splitlines()
            if not lines or not lines[0]:
                raise InvalidArgument(f"password file: {password_file} has no first line", field="password_file")
            return lines[0]
        from_environment = os.environ.get("SEALCORE_PASSWORD")
        if from_environment is not None:
            return from_environment
        if not sys.stdin.isatty():
            raise InvalidArgument(
                f"password for {what}: none given; set SEALCORE_PASSWORD or use --password-file",
                field="password",
            )
        return str(click.prompt(f"Password for {what}", hide_input=True, confirmation_prompt=confirm, err=True))

    return ask


class Moment(click.ParamType[datetime]):
    """An ISO 8601 time with its zone, a date (midnight UTC), or a span from now such as ``+30d`` or ``+12h``."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        spans = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "y": timedelta(days=365)}
        if text[:1] in "+-" and text[-1:] in spans and text[1:-1].isdigit():
            try:
                span = spans[text[-1]] * int(text[1:-1])
                return datetime.now(UTC) + (span if text[0] == "+" else -span)
            except (OverflowError, ValueError):
                self.fail(f"{text[:40]!r} leads outside the years 1 to 9999: use a shorter span", param, ctx)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is no time: use 2026-12-31, 2026-12-31T18:00:00+08:00 or +30d", param, ctx)
        if moment.tzinfo is None:
            if len(text) > len("2026-12-31"):
                self.fail(f"{text!r} has no time zone: add Z or +08:00", param, ctx)
            moment = moment.replace(tzinfo=UTC)
        return moment


MOMENT = Moment()


class Span(click.ParamType[timedelta]):
    """A span of time such as ``90s``, ``30m``, ``24h`` or ``7d``."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        text = str(value).strip()
        units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
        if text[-1:] in units and text[:-1].isascii() and text[:-1].isdigit() and len(text) <= 9:
            return timedelta(**{units[text[-1]]: int(text[:-1])})
        self.fail(f"{text[:40]!r} is no span: use 90s, 30m, 24h or 7d", param, ctx)


SPAN = Span()


def read_text(path: Path, field: str) -> str:
    """A small text file that the user names.

    Raises:
        InvalidArgument: If it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidArgument(
            f"{field}: {path} is not UTF-8 text (byte {error.start}); give the right file, or save it as UTF-8",
            field=field,
        ) from None


def write_new(path: Path, data: bytes, *, mode: int = 0o644, force: bool = False) -> None:
    """Writes a file in one step: the old content or the new, never a half; an existing file only with ``force``."""
    if path.exists() and not force:
        raise InvalidArgument(f"output: {path} exists; choose another name or add --force", field="output")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(
            f"output: {path} cannot be written: {error.strerror}; choose another place, or make room",
            operation="write",
            path=str(path),
            errno=error.errno,
        ) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
