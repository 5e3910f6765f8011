"""The ledger as a directory of C2SP tlog-tiles: checkpoint, entry bundles, tiles of hashes.

A ledger of SHA-256 has exactly the paths of the standard. One of SM3 has its own: ``sm3-256w/`` stands where ``tile/``
stands, so that no tool takes its hashes for SHA-256.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sealcore.errors import InvalidArgument, StorageError
from sealcore.ledger import Checkpoint, LedgerReader, tile_width

__all__ = ["FULL", "ROOTS", "ExportSummary", "export_tiles", "tile_path"]

FULL = 256
"""Hashes in a full tile, entries in a full bundle."""
_LEVELS = 8
ROOTS = {"sha256": "tile", "sm3": "sm3-256w"}
"""The first element of the paths, by the hash of the ledger."""


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export wrote.

    Attributes:
        size: The number of entries of the exported checkpoint.
        written: Files written.
        kept: Files that an earlier export had written, whole tiles that never change.
        bytes: Bytes written.
    """

    size: int
    written: int
    kept: int
    bytes: int


def tile_path(level: int | None, number: int, width: int = FULL, *, hash: str = "sha256") -> str:
    """The path of a tile, relative to the prefix of the log.

    Args:
        level: The level of a tile of hashes; None: the bundle of entries.
        number: Its number within the level.
        width: How much of it there is, 1 to 256.
        hash: The hash of the ledger.

    Example:
        >>> tile_path(0, 1234067, 12)
        'tile/0/x001/x234/067.p/12'
        >>> tile_path(None, 5)
        'tile/entries/005'
    """
    last = f"{number % 1000:03}"
    number //= 1000
    elements = []
    while number > 0:
        elements.append(f"x{number % 1000:03}")
        number //= 1000
    name = "/".join([ROOTS[hash], "entries" if level is None else str(level), *reversed(elements), last])
    return name if width == FULL else f"{name}.p/{width}"


def resources(size: int) -> Iterator[tuple[int | None, int, int]]:
    """Every (level, number, width) of a tree of ``size`` entries; level None is the bundle."""
    for level in (None, *range(_LEVELS)):
        number = 0
        while (width := tile_width(level or 0, number, size)) > 0:
            yield level, number, width
            number += 1


def export_tiles(
    path: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    *,
    checkpoint: str | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> ExportSummary:
    """Write a ledger as a directory of C2SP tlog-tiles, which any static web server can serve.

    The checkpoint is written last, so that what it covers is there. An export into the directory of an earlier one
    writes what is new: whole tiles never change.

    Args:
        path: The ledger.
        directory: Where the tiles go; made if it is not there.
        checkpoint: The note to publish instead of the ledger's own: the same checkpoint, with cosignatures.
        progress: Called with (entries done, entries in all).

    Raises:
        InvalidArgument: If the directory holds something else, or ``checkpoint`` is another one than the ledger's.
        LedgerCorrupt: If what is read is not what was signed.
        StorageError: If a file cannot be written.
    """
    reader = LedgerReader.open(path)
    note = reader.checkpoint
    if checkpoint is not None:
        if checkpoint.rpartition("\n\n")[0] != note.rpartition("\n\n")[0]:
            raise InvalidArgument(
                f"checkpoint: it is not the ledger's newest, of {reader.size} entries; have that one cosigned",
                field="checkpoint",
            )
        note = checkpoint
    base = Path(directory)
    known = {"checkpoint", ROOTS[reader.hash]}
    try:
        base.mkdir(exist_ok=True)
        foreign = [entry.name for entry in base.iterdir() if entry.name not in known]
    except OSError as error:
        raise _failed(base, error) from None
    if foreign:
        raise InvalidArgument(
            f"directory: {base} holds {foreign[0]!r}, which is of no export of this ledger; name a new directory",
            field="directory",
        )
    _check_earlier(base / "checkpoint", reader)
    written = kept = count = done = 0
    for level, number, width in resources(reader.size):
        target = base / tile_path(level, number, width, hash=reader.hash)
        if width == FULL and target.is_file():
            kept += 1
        else:
            content = reader.bundle(number, width) if level is None else reader.tile(level, number, width)
            _write(target, content)
            written += 1
            count += len(content)
        if level is None:
            done += width
            if progress is not None:
                progress(done, reader.size)
    _write(base / "checkpoint", note.encode())
    return ExportSummary(size=reader.size, written=written + 1, kept=kept, bytes=count + len(note.encode()))


def _check_earlier(file: Path, reader: LedgerReader) -> None:
    """Whole tiles are kept only of an earlier state of this very ledger."""
    if not file.is_file():
        return
    earlier = Checkpoint.read_unverified(file.read_text(encoding="utf-8", errors="replace"))
    same = earlier.origin == reader.origin and earlier.size <= reader.size
    if not same or (earlier.size and reader.root(earlier.size) != earlier.root):
        raise InvalidArgument(
            f"directory: {file.parent} is the export of another ledger, or of a longer one, than {reader.origin!r} "
            f"with {reader.size} entries; name a new directory",
            field="directory",
        )


def _write(target: Path, content: bytes) -> None:
    """The whole file or none of it."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _failed(target, error) from None


def _failed(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"export: {path} cannot be written: {error.strerror}; make room, or choose another place",
        operation="write",
        path=str(path),
        errno=error.errno,
    )
