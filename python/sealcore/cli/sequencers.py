"""One ledger for several service processes: ``sealcore sequencer``."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from sealcore import sequencer as room
from sealcore.cli.basics import load_key
from sealcore.cli.common import any_path, emit, existing_file, json_option, password_options
from sealcore.cli.ledgers import public_key

if TYPE_CHECKING:
    from types import FrameType

F = TypeVar("F", bound=Callable[..., Any])

folder = click.Path(exists=True, file_okay=False, path_type=Path)


def _dsn(function: F) -> F:
    return click.option(
        "--dsn",
        envvar="SEALCORE_DSN",
        required=True,
        help="PostgreSQL, such as 'host=db dbname=seals user=gate'. Default: $SEALCORE_DSN.",
    )(function)


def _key(function: F) -> F:
    return click.option(
        "-k", "--key", "key_file", type=existing_file, required=True, help="The ledger's private key: row 0."
    )(password_options(function))


origin_option = click.option("--origin", required=True, help="The ledger's name, such as example.com/seals.")


@click.group()
def sequencer() -> None:
    """Let several service processes append to one ledger, with PostgreSQL saying which one leads."""


@sequencer.command("create")
@click.argument("directory", type=any_path)
@_dsn
@origin_option
@_key
@click.option("--founder", type=existing_file, required=True, help="The founder's public key: row 1.")
@click.option("--hash", "hash_name", type=click.Choice(["sha256", "sm3"]), default="sha256", show_default=True)
@json_option
def sequencer_create(
    directory: Path,
    dsn: str,
    origin: str,
    key_file: Path,
    password_file: Path | None,
    founder: Path,
    hash_name: Literal["sha256", "sm3"],
    as_json: bool,
) -> None:
    """Create a shared ledger in DIRECTORY, on a file system that every sequencer sees.

    \b
    Example:
      sealcore sequencer create /srv/seals --dsn 'host=db dbname=seals' --origin example.com/seals \\
        --key ledger.key --founder founder.pem
    """
    room.create_shared(
        directory,
        dsn,
        origin=origin,
        ledger_key=load_key(key_file, password_file),
        founder_key=public_key(founder),
        hash=hash_name,
    )
    emit(
        {"directory": str(directory), "origin": origin},
        as_json=as_json,
        text=f"{directory}: shared ledger {origin}; now: sealcore sequencer run {directory} --origin {origin} …",
    )


@sequencer.command("share")
@click.argument("plain", type=folder)
@click.argument("directory", type=any_path)
@_dsn
@_key
@json_option
def sequencer_share(
    plain: Path, directory: Path, dsn: str, key_file: Path, password_file: Path | None, as_json: bool
) -> None:
    """Make a shared ledger in DIRECTORY of the ledger in PLAIN, which had one writer until now.

    PLAIN stays as it is and must not be written to any more.

    \b
    Example:
      sealcore sequencer share office/ledger /srv/seals --dsn 'host=db dbname=seals' --key ledger.key
    """
    room.share(plain, directory, dsn, ledger_key=load_key(key_file, password_file))
    emit(
        {"directory": str(directory), "plain": str(plain)},
        as_json=as_json,
        text=f"{directory}: shared ledger; put {plain} away, nobody may write to it any more",
    )


@sequencer.command("run")
@click.argument("directory", type=folder)
@_dsn
@origin_option
@_key
@click.option(
    "--lease",
    type=click.FloatRange(0.1, 3600),
    default=10.0,
    show_default=True,
    help="Seconds after which another process takes over from one that is not heard of.",
)
@click.option(
    "--keep-answers",
    type=click.FloatRange(60),
    help="Seconds for which clients may ask for an answer again; for ever when not given.",
)
def sequencer_run(
    directory: Path,
    dsn: str,
    origin: str,
    key_file: Path,
    password_file: Path | None,
    lease: float,
    keep_answers: float | None,
) -> None:
    """Lead, or stand by until nobody does. Run one on each machine; ends with SIGTERM or Ctrl-C.

    \b
    Example:
      sealcore sequencer run /srv/seals --dsn 'host=db dbname=seals' --origin example.com/seals --key ledger.key
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    one = room.Sequencer(
        directory,
        dsn,
        origin=origin,
        ledger_key=load_key(key_file, password_file),
        lease=lease,
        keep_answers=keep_answers,
    )
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    one.run(stop)


@sequencer.command("status")
@_dsn
@origin_option
@json_option
def sequencer_status(dsn: str, origin: str, as_json: bool) -> int:
    """Print who leads, how much counts and how much waits. Exit code 1 if nobody leads.

    \b
    Example:
      sealcore sequencer status --dsn 'host=db dbname=seals' --origin example.com/seals
    """
    with room.Coordination(dsn, origin) as store:
        standing = store.standing()
    who = f"{standing.holder} leads" if standing.leading else "NOBODY leads"
    emit(
        {**standing.to_dict(), "ok": standing.leading},
        as_json=as_json,
        text=f"{origin}: {who}, epoch {standing.epoch}\n  {standing.size} entries count, root {standing.root.hex()}\n"
        f"  {standing.waiting} submissions wait",
    )
    return 0 if standing.leading else 1


COMMANDS = [sequencer]
