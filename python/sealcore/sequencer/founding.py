"""How a shared ledger begins: new, or from a ledger that had one writer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sealcore.errors import InvalidArgument, LedgerFenced, StorageError
from sealcore.ledger import Ledger, LedgerReader, NoteSigner, Receipt
from sealcore.sequencer.coordination import Coordination
from sealcore.sign import SigningKey, VerifyingKey

__all__ = ["create_shared", "epoch_directory", "share"]


def epoch_directory(directory: Path, epoch: int) -> Path:
    """Where the leader of an epoch writes."""
    return directory / f"epoch-{epoch:010d}"


def create_shared(
    directory: str | os.PathLike[str],
    dsn: str,
    *,
    origin: str,
    ledger_key: SigningKey,
    founder_key: VerifyingKey,
    hash: Literal["sha256", "sm3"] = "sha256",
    segment_bits: int = 16,
    signers: Sequence[NoteSigner] = (),
) -> None:
    """Create a shared ledger. What was interrupted is completed by doing it again.

    Args:
        directory: A new or empty directory, on a file system that every sequencer sees and that has hard links.
        dsn: A connection string of libpq.
        origin: The ledger's name for its whole life.
        ledger_key: The key that signs checkpoints; row 0.
        founder_key: The key of row 1.
        hash: ``"sha256"`` or ``"sm3"``.
        segment_bits: log2 of the entries in a segment, 8 to 16; small segments are for tests.
        signers: Further signers of its checkpoints, named by the origin.

    Raises:
        InvalidArgument: If something else is there already, in the directory or in PostgreSQL.
        StorageError: If PostgreSQL or the directory refuses.
        LedgerIOError: If the disk refuses.
    """
    with Coordination(dsn, origin) as store:
        first = _place(Path(directory))
        if not first.exists():
            Ledger.create(
                first,
                origin=origin,
                ledger_key=ledger_key,
                founder_key=founder_key,
                hash=hash,
                segment_bits=segment_bits,
                signers=signers,
            ).close()
        _register(store, first, origin, ledger_key)


def share(
    plain: str | os.PathLike[str], directory: str | os.PathLike[str], dsn: str, *, ledger_key: SigningKey
) -> None:
    """Make a shared ledger of one that had one writer until now.

    The old directory stays as it is, and must not be written to any more: put it away.

    Args:
        plain: The ledger. Nobody may have it open for writing.
        directory: A new or empty directory on the same file system.
        dsn: A connection string of libpq.
        ledger_key: The key that signs its checkpoints.

    Raises:
        LedgerLocked: If a writer has it.
        InvalidArgument: If something else is there already, in the directory or in PostgreSQL.
        StorageError: If PostgreSQL or the directory refuses.
        LedgerError: If the ledger is damaged, or the disk refuses.
    """
    with Ledger.open(plain, ledger_key=ledger_key) as ledger, Coordination(dsn, ledger.origin) as store:
        first = _place(Path(directory))
        if not first.exists():
            Ledger.succeed(
                Path(plain),
                first,
                size=ledger.size,
                root=ledger.root(),
                ledger_key=ledger_key,
                fence=_nobody,
            ).close()
        _register(store, first, ledger.origin, ledger_key)


def _nobody(note: str, receipts: list[Receipt]) -> None:
    raise LedgerFenced("the ledger is not shared yet: nobody may append")


def _place(directory: Path) -> Path:
    try:
        directory.mkdir(exist_ok=True)
        others = [path.name for path in directory.iterdir() if not path.name.startswith((".epoch-", "epoch-"))]
    except OSError as error:
        raise StorageError(
            f"directory: {directory} cannot be made: {error.strerror}; choose another place",
            operation="make the directory",
            path=str(directory),
            errno=error.errno,
        ) from None
    if any(directory.glob("epoch-*")) and not epoch_directory(directory, 1).exists():
        raise InvalidArgument(f"directory: {directory} holds a shared ledger already", field="directory")
    if others:
        raise InvalidArgument(
            f"directory: {directory} holds {others[0]!r}; a shared ledger is made in a new or empty one",
            field="directory",
        )
    return epoch_directory(directory, 1)


def _register(store: Coordination, first: Path, origin: str, ledger_key: SigningKey) -> None:
    reader = LedgerReader.open(first)
    if reader.origin != origin or reader.ledger_key != ledger_key.verifying_key:
        raise InvalidArgument(f"directory: {first} holds another ledger, {reader.origin}", field="directory")
    store.found(reader)
