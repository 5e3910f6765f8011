"""The names inside an office's directory, and the way it appears: whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sealcore.errors import InvalidArgument, StorageError
from sealcore.keys.file import sync_directory

__all__ = ["BLOBS", "DETAILS", "KEYS", "LEDGER", "PROJECTION", "SEAL_KEYS", "existing", "new_directory"]

LEDGER = "ledger"
"""The truth."""
KEYS = "keys"
"""Encrypted key files of persons, of the founder and of the office itself."""
SEAL_KEYS = "seals"
"""Inside `KEYS`: encrypted key files of seals."""
BLOBS = "blobs"
"""Imprints and certificates."""
DETAILS = "details.db"
"""Personal values."""
PROJECTION = "registry.db"
"""The projection; may be deleted."""


def existing(directory: str | os.PathLike[str]) -> Path:
    """The directory of an office.

    Raises:
        InvalidArgument: If there is none.
    """
    base = Path(directory)
    if not (base / LEDGER).is_dir():
        raise InvalidArgument(
            f"directory: {base} holds no office; create one, or name the directory that holds {LEDGER}/ and {KEYS}/",
            field="directory",
        )
    return base


@contextmanager
def new_directory(target: Path) -> Iterator[Path]:
    """Fill a directory aside; at the end of the block it gets its name, and after any exception it is gone.

    Raises:
        InvalidArgument: If the name holds something already.
        StorageError: If the system refuses.
    """
    try:
        if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
            raise _taken(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".creating", dir=target.parent))
    except OSError as error:
        raise _refused(target, error) from None
    try:
        yield aside
        try:
            sync_directory(aside)
            aside.rename(target)
            sync_directory(target.parent)
        except OSError as error:
            raise (_taken(target) if target.exists() and any(target.iterdir()) else _refused(target, error)) from None
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _taken(target: Path) -> InvalidArgument:
    return InvalidArgument(
        f"directory: {target} exists and is not an empty directory; an office is created in a new or empty one",
        field="directory",
    )


def _refused(target: Path, error: OSError) -> StorageError:
    return StorageError(f"create {target}: {error.strerror}", operation="create", path=str(target), errno=error.errno)
