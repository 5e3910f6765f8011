"""The registry: one directory, one ledger, one writer.

The directory holds ``ledger/`` (the truth), ``keys/`` (encrypted private keys), ``blobs/`` (imprints and
certificates), ``details.db`` (personal values) and ``registry.db`` (the projection, which may be deleted). Keep all
but the last in the backup.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from sealcore import ledger as ledgers
from sealcore.errors import InvalidArgument, LedgerLocked
from sealcore.hash import HashName
from sealcore.keys import KeyStore, PasswordSource, Signer
from sealcore.keys.file import load_key_file
from sealcore.seals.authors import FOUNDER, OFFICE_KEY, Authors
from sealcore.seals.blobs import Blobs
from sealcore.seals.details import Details
from sealcore.seals.files import BLOBS, DETAILS, KEYS, LEDGER, PROJECTION, SEAL_KEYS, existing, new_directory
from sealcore.seals.gate import Gate
from sealcore.seals.journal import Journal
from sealcore.seals.projection import Progress, Shown, open_projection
from sealcore.seals.register import Register
from sealcore.seals.replay import replay
from sealcore.seals.results import Recorded
from sealcore.seals.structure import Structure
from sealcore.seals.trade import Trade
from sealcore.seals.view import View
from sealcore.sign import AlgorithmName, SigningKey, VerifyingKey

__all__ = ["Registry", "rebuild_database"]


class Registry(Structure, Register, Trade):
    """An open registry: the only writer of its directory. A context manager; usable from many threads.

    Every method that changes something takes `by`: ``"founder"``, the id of a person whose key file lies in ``keys/``,
    or a `Signer` that holds a person's key. It returns when the ledger holds the change, durably.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from sealcore.keys import password_fixed
        >>> from sealcore.seals import Registry
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     registry = Registry.create(
        ...         Path(folder) / "office",
        ...         origin="example.com/seals",
        ...         unit="hq",
        ...         unit_name="Headquarters",
        ...         password=password_fixed("correct horse battery staple"),
        ...     )
        ...     with registry:
        ...         he = registry.add_person("he", name="He Zong", unit="hq", roles=["manager"], by="founder")
        ...         branch = registry.add_unit("shanghai", name="Shanghai branch", parent="hq", by="he")
        ...         print(branch.kind, branch.id, registry.view.person("he").name)
        unit shanghai He Zong
    """

    @classmethod
    def create(
        cls,
        directory: str | os.PathLike[str],
        *,
        origin: str,
        unit: str,
        unit_name: str,
        password: PasswordSource,
        hash: HashName = "sha256",
        algorithm: AlgorithmName = "sm2",
    ) -> Self:
        """Found an office: its ledger, its own key, the founder's key, and the root unit.

        The directory appears whole or not at all.

        Args:
            directory: A new name, or an empty directory.
            origin: The ledger's name for ever, such as ``"example.com/seals"``.
            unit: The id of the root unit, the headquarters.
            unit_name: Its name; kept outside the ledger.
            password: Asked for the key files ``"office"`` and ``"founder"``, and later for each person's.
            hash: Of the ledger: ``"sha256"`` or ``"sm3"``.
            algorithm: Of both keys: ``"sm2"`` or ``"p256"``.

        Raises:
            InvalidArgument: If the directory holds something already, or an argument is none.
            StorageError: If the system refuses; nothing is left behind.
        """
        target = Path(directory)
        with new_directory(target) as aside:
            store = KeyStore(aside / KEYS, password=password)
            office = SigningKey.generate(algorithm)
            store.add(OFFICE_KEY, office)
            founder = store.create(FOUNDER, algorithm=algorithm)
            ledgers.Ledger.create(
                aside / LEDGER, origin=origin, ledger_key=office, founder_key=founder.verifying_key, hash=hash
            ).close()
            with cls._assemble(aside, office, store) as registry:
                registry.add_unit(unit, name=unit_name, by=founder)
        return cls._assemble(target, office, KeyStore(target / KEYS, password=password))

    @classmethod
    def open(
        cls,
        directory: str | os.PathLike[str],
        *,
        password: PasswordSource,
        wait: float = 0.0,
        signers: Iterable[Signer] = (),
        progress: Progress | None = None,
    ) -> Self:
        """Open an office for writing.

        The ledger is replayed through authority; what a crash left open is closed: a use without an end becomes a
        failed one, personal values whose statement never reached the ledger are removed, the projection is brought up
        to date.

        Args:
            directory: The office.
            password: Asked for the key file ``"office"``, and later for each person's.
            wait: For how many seconds to wait for another process to let the ledger go.
            signers: The keys of seals that lie outside the office.
            progress: Told the number of entries replayed.

        Raises:
            LedgerLocked: If another process holds the ledger for longer than `wait` seconds.
            WrongPassword: If the office's key does not open.
            RootMismatch: If ``registry.db`` showed more than the ledger holds: it was cut or put back, and a use could
                be taken twice. `rebuild_database` accepts the ledger as it is.
            LedgerError: If the ledger is damaged.
            InvalidArgument: If there is no office in the directory.
        """
        base = existing(directory)
        office = load_key_file(base / KEYS / f"{OFFICE_KEY}.key", password, OFFICE_KEY)
        store = KeyStore(base / KEYS, password=password)
        return cls._assemble(base, office, store, wait=wait, signers=signers, progress=progress)

    @classmethod
    def _assemble(
        cls,
        base: Path,
        office: SigningKey,
        store: KeyStore,
        *,
        wait: float = 0.0,
        signers: Iterable[Signer] = (),
        progress: Progress | None = None,
    ) -> Self:
        with ExitStack() as opened:
            ledger = _open_ledger(base / LEDGER, office, wait)
            opened.callback(ledger.close)
            authority = replay(ledger, progress)
            details = Details(base / DETAILS, hash=ledger.hash)
            opened.callback(details.close)
            projection = open_projection(base / PROJECTION)
            opened.callback(projection.close)
            journal = Journal(ledger, office, authority, projection, details)
            journal.recover()
            opened.pop_all()
        authors = Authors(store, journal.key_table)
        blobs = Blobs(base / BLOBS)
        gate = Gate(journal, authors, blobs, directory=base / KEYS / SEAL_KEYS, office=office, signers=signers)
        view = View(projection.database, details, blobs, origin=ledger.origin, hash=ledger.hash)
        return cls(
            base, journal=journal, store=store, authors=authors, details=details, blobs=blobs, gate=gate, view=view
        )

    @property
    def directory(self) -> Path:
        """Where the office lies."""
        return self._directory

    @property
    def origin(self) -> str:
        """The ledger's name."""
        return self._journal.ledger.origin

    @property
    def hash(self) -> str:
        """The ledger's hash: ``"sha256"`` or ``"sm3"``."""
        return self._journal.ledger.hash

    @property
    def size(self) -> int:
        """The number of entries."""
        return self._journal.ledger.size

    @property
    def checkpoint(self) -> str:
        """The newest checkpoint, a signed note: kept elsewhere, it shows whether the ledger was cut since."""
        return self._journal.ledger.checkpoint

    @property
    def ledger_key(self) -> VerifyingKey:
        """The key under the checkpoints and receipts: auditors get it once, by another way."""
        return self._journal.ledger.ledger_key

    @property
    def keys(self) -> KeyStore:
        """The persons' key files."""
        return self._store

    @property
    def view(self) -> View:
        """The questions, answered as of now.

        Raises:
            StorageError: If the projection cannot follow the ledger.
        """
        self._journal.catch_up()
        return self._view

    def erase(self, *commitments: bytes | str, reason: str) -> list[Recorded]:
        """Erase personal values for good, and record in the ledger that they were erased, by the office, and why.

        The ledger keeps the commitments and verifies as before. Copies of ``details.db`` must follow.

        Args:
            commitments: 32 bytes, or 64 hexadecimal characters each.
            reason: Why; kept beside the ledger, which holds a commitment to it.

        Returns:
            The REDACT entries, one for each entry that holds such a commitment; none if there was no value to erase.

        Raises:
            InvalidArgument: If one is no commitment, or the reason is empty or too long.
            UnknownReference: If no entry of the ledger holds one.
            LedgerError: If the ledger cannot be written; then nothing is erased.
            StorageError: If the database cannot be written; the next start erases what the ledger says.
        """
        values: list[bytes] = []
        for commitment in commitments:
            try:
                value = bytes.fromhex(commitment) if isinstance(commitment, str) else commitment
            except ValueError:
                value = b""
            if len(value) != 32:
                raise InvalidArgument("commitment: expected 32 bytes, or 64 hexadecimal characters", field="commitment")
            values.append(value)
        return self._journal.redact(values, reason)

    def erase_person(self, person: str, *, reason: str) -> list[Recorded]:
        """Erase every name that a person has had; see `erase`.

        Raises:
            UnknownReference: If there is no such person.
        """
        self._journal.authority.person(person)
        return self._journal.redact(self._journal.names_of(person), reason)

    def rebuild(self, *, progress: Progress | None = None) -> int:
        """Write ``registry.db`` anew from the ledger.

        Args:
            progress: Told the number of rows.

        Returns:
            The number of entries.
        """
        return self._journal.rebuild(progress)

    def close(self) -> None:
        """Wait for the documents that are being sealed, then let the ledger go and forget the keys."""
        self._journal.close()
        self._store.lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Registry({str(self._directory)!r})"


def rebuild_database(directory: str | os.PathLike[str], *, progress: Progress | None = None) -> int:
    """Write an office's ``registry.db`` anew from its ledger; needs no password.

    Args:
        directory: The office.
        progress: Told the number of entries replayed.

    Returns:
        The number of entries.

    Raises:
        InvalidArgument: If there is no office in the directory.
        LedgerError: If the ledger is damaged.
        StorageError: If the database cannot be written; then it is as before.
    """
    base = existing(directory)
    reader = ledgers.LedgerReader.open(base / LEDGER)
    authority = replay(reader, progress)
    projection = open_projection(base / PROJECTION)
    try:
        projection.rebuild(authority, Shown(reader.size, reader.root()))
    finally:
        projection.close()
    return reader.size


def _open_ledger(path: Path, office: SigningKey, wait: float) -> ledgers.Ledger:
    end = time.monotonic() + wait
    pause = 0.005
    while True:
        try:
            return ledgers.Ledger.open(path, ledger_key=office)
        except LedgerLocked:
            left = end - time.monotonic()
            if left <= 0:
                raise
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, 0.1)
