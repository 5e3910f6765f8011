"""Private keys in encrypted files: one PKCS#8 file a key, in one directory.

A file is PEM, `ENCRYPTED PRIVATE KEY` (RFC 5958, PBES2 of RFC 8018), named after its key id, mode 0600, and complete or
absent: it is written beside its name, synced, and linked into place, so that a crash leaves no half key and nothing is
ever overwritten. The store does not decide who may use a key, and it keeps no unencrypted file.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import threading
from pathlib import Path
from typing import NoReturn

from sealcore.errors import InvalidArgument, InvalidKey, SealcoreError, StorageError, WrongPassword
from sealcore.keys.password import PasswordSource, checked
from sealcore.pki import dump_private_key, load_private_key
from sealcore.sign import AlgorithmName, SigningKey, VerifyingKey

__all__ = ["FileKey", "KeyStore"]

_SUFFIX = ".key"
_KEY_ID = re.compile(r"[a-z0-9][a-z0-9._@-]{0,99}")
_LARGEST = 65_536


class FileKey:
    """A private key out of an encrypted file: a `Signer`.

    Made by `KeyStore.create`, `KeyStore.add` and `KeyStore.open`. It signs and shows its verifying key; it does not
    give the private half away, does not print it and does not pickle.
    """

    __slots__ = ("__key", "_key_id", "_path")

    def __init__(self, key_id: str, path: Path, key: SigningKey) -> None:
        self._key_id = key_id
        self._path = path
        self.__key = key

    @property
    def key_id(self) -> str:
        """The name of the key in its store."""
        return self._key_id

    @property
    def path(self) -> Path:
        """The encrypted file."""
        return self._path

    @property
    def algorithm(self) -> str:
        """``"sm2"`` or ``"p256"``."""
        return self.__key.algorithm

    @property
    def verifying_key(self) -> VerifyingKey:
        """The public half."""
        return self.__key.verifying_key

    def sign(self, message: bytes, /) -> bytes:
        """Hash the message (SM2: with Z_A of the default distid) and sign it.

        Returns:
            64 bytes, r then s, big-endian.
        """
        return self.__key.sign(message)

    def sign_digest(self, digest: bytes, /) -> bytes:
        """Sign 32 hashed bytes.

        Returns:
            64 bytes, r then s, big-endian.
        """
        return self.__key.sign_digest(digest)

    def __repr__(self) -> str:
        return f"FileKey({self._key_id!r}, {self.algorithm})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key does not pickle: open its file again in the other process")


class KeyStore:
    """A directory of encrypted key files.

    Args:
        directory: Created (mode 0700) when it does not exist.
        password: Called with a key id when that key's file is created or opened.

    Example:
        >>> import tempfile
        >>> from sealcore.keys import KeyStore, password_fixed
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = KeyStore(folder, password=password_fixed("correct horse battery staple"))
        ...     key = store.create("person-liwei", algorithm="sm2")
        ...     key.verifying_key.verify(b"message", key.sign(b"message"))
        ...     key
        FileKey('person-liwei', sm2)
    """

    def __init__(self, directory: str | os.PathLike[str], *, password: PasswordSource) -> None:
        self._directory = Path(directory)
        self._password = password
        self._open: dict[str, FileKey] = {}
        self._lock = threading.Lock()
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise _refused("create the key directory", self._directory, error) from None

    @property
    def directory(self) -> Path:
        """Where the files lie."""
        return self._directory

    def create(self, key_id: str, *, algorithm: AlgorithmName = "sm2") -> FileKey:
        """Generate a key and write its encrypted file.

        Args:
            key_id: Its name: lower-case letters, digits, ``.``, ``_``, ``-``.
            algorithm: ``"sm2"`` or ``"p256"``.

        Raises:
            InvalidArgument: If the name is taken or no name, or the password is empty.
            StorageError: If the file cannot be written (disk full, no permission); nothing is left behind.
        """
        return self.add(key_id, SigningKey.generate(algorithm))

    def add(self, key_id: str, key: SigningKey) -> FileKey:
        """Write an existing key's encrypted file.

        Args:
            key_id: Its name: lower-case letters, digits, ``.``, ``_``, ``-``.
            key: The private key.

        Raises:
            InvalidArgument: If the name is taken or no name, or the password is empty.
            StorageError: If the file cannot be written (disk full, no permission); nothing is left behind.
        """
        path = self.path(key_id)
        if path.exists():
            raise _taken(key_id, path)
        pem = dump_private_key(key, password=checked(self._password(key_id)), format="pem")
        try:
            write_once(path, pem if isinstance(pem, bytes) else pem.encode("ascii"), mode=0o600)
        except FileExistsError:
            raise _taken(key_id, path) from None
        except OSError as error:
            raise _refused("write a key file", path, error) from None
        held = FileKey(key_id, path, key)
        with self._lock:
            self._open[key_id] = held
        return held

    def open(self, key_id: str) -> FileKey:
        """Decrypt a key file; the key stays open in memory until `lock`.

        Raises:
            WrongPassword: If the file does not open with the password; names the file.
            InvalidKey: If there is no such file, or it holds no private key.
            StorageError: If the file cannot be read.
        """
        with self._lock:
            held = self._open.get(key_id)
        if held is not None:
            return held
        path = self.path(key_id)
        held = FileKey(key_id, path, load_key_file(path, self._password, key_id))
        with self._lock:
            return self._open.setdefault(key_id, held)

    def path(self, key_id: str) -> Path:
        """The file of a key, whether it exists or not.

        Raises:
            InvalidArgument: If this cannot be a key id.
        """
        if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
            raise InvalidArgument(
                f"key_id: {key_id!r} is no key id; use lower-case letters, digits and . _ - @, at most 100, "
                "beginning with a letter or digit",
                field="key_id",
            )
        return self._directory / (key_id + _SUFFIX)

    def key_ids(self) -> list[str]:
        """The ids of the keys that lie here, sorted."""
        try:
            names = [entry.name for entry in os.scandir(self._directory) if entry.name.endswith(_SUFFIX)]
        except OSError as error:
            raise _refused("list the key directory", self._directory, error) from None
        found = [name.removesuffix(_SUFFIX) for name in names]
        return sorted(key_id for key_id in found if _KEY_ID.fullmatch(key_id))

    def lock(self) -> None:
        """Forget every opened key; the next use asks for the password again."""
        with self._lock:
            self._open.clear()

    def __contains__(self, key_id: object) -> bool:
        return isinstance(key_id, str) and bool(_KEY_ID.fullmatch(key_id)) and self.path(key_id).is_file()

    def __repr__(self) -> str:
        return f"KeyStore({str(self._directory)!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key store does not pickle: open it again in the other process")


def load_key_file(path: Path, password: PasswordSource, key_id: str) -> SigningKey:
    """Decrypt one PKCS#8 file.

    Raises:
        WrongPassword: If it does not open with the password; names the file.
        InvalidKey: If there is no such file, or it holds no private key.
        StorageError: If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidKey(f"key {key_id!r}: {path} is not a regular file", field="key")
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise InvalidKey(
            f"key {key_id!r}: there is no file {path}; create the key, or put its file there", field="key"
        ) from None
    except OSError as error:
        raise _refused("read a key file", path, error) from None
    if len(data) > _LARGEST:
        raise InvalidKey(f"key {key_id!r}: {path} is larger than {_LARGEST} bytes; it is no key file", field="key")
    secret = checked(password(key_id))
    try:
        return load_private_key(data, password=secret)
    except WrongPassword:
        raise WrongPassword(
            f"password: {path} does not open with it; check the password and that the file is the right one",
            field="password",
        ) from None
    except SealcoreError as error:
        raise InvalidKey(f"key {key_id!r}: {path} holds no readable private key ({error})", field="key") from None


def write_once(path: Path, data: bytes, *, mode: int) -> None:
    """Create a file with this content, durable and whole, or leave nothing; an existing file is never touched.

    Raises:
        FileExistsError: If the name is taken.
        OSError: If the system refuses; the half-written file is removed.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _taken(key_id: str, path: Path) -> InvalidArgument:
    return InvalidArgument(
        f"key_id: {key_id!r} already has a file ({path}); keys are never overwritten", field="key_id"
    )


def _refused(operation: str, path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{operation}: {path}: {error.strerror}", operation=operation, path=str(path), errno=error.errno
    )
