"""Where the password of a key file comes from: a callable, an environment variable, a file.

A source is called with the id of the key at the moment the file is opened or created, and not before. Passwords are
never logged, never part of an exception, and never part of a `repr`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sealcore.errors import InvalidArgument

__all__ = ["PasswordSource", "password_fixed", "password_from_env", "password_from_file"]

PasswordSource = Callable[[str], str | bytes]
"""Takes the id of a key, returns its password."""

_LONGEST = 1024


class _Source:
    """A password source that shows where it looks, not what it finds."""

    __slots__ = ("_read", "_where")

    def __init__(self, where: str, read: Callable[[], bytes]) -> None:
        self._where = where
        self._read = read

    def __call__(self, key_id: str) -> bytes:
        return self._read()

    def __repr__(self) -> str:
        return f"<password from {self._where}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a password source does not pickle: make it again in the other process")


def password_from_env(name: str = "SEALCORE_PASSWORD") -> PasswordSource:
    """Take the password of every key from an environment variable, read when a key is opened.

    Args:
        name: The variable.

    Raises:
        InvalidArgument: When called, if the variable is unset or empty.

    Example:
        >>> password_from_env("SEALCORE_PASSWORD")
        <password from environment variable SEALCORE_PASSWORD>
    """

    def read() -> bytes:
        value = os.fsencode(os.environ.get(name, ""))
        if not value:
            raise InvalidArgument(
                f"password: the environment variable {name} is not set; set it to the password of the key files",
                field="password",
            )
        return value

    return _Source(f"environment variable {name}", read)


def password_from_file(path: str | os.PathLike[str]) -> PasswordSource:
    """Take the password of every key from the first line of a file, read when a key is opened.

    Args:
        path: The file; its line ending is not part of the password.

    Raises:
        InvalidArgument: When called, if the file cannot be read or its first line is empty.
    """
    where = Path(path)

    def read() -> bytes:
        try:
            with where.open("rb") as file:
                line = file.readline(_LONGEST + 3)
        except OSError as error:
            raise InvalidArgument(
                f"password: {where} cannot be read ({error.strerror}); name a file whose first line is the password",
                field="password",
            ) from None
        value = line.removesuffix(b"\n").removesuffix(b"\r")
        if not value:
            raise InvalidArgument(
                f"password: the first line of {where} is empty; write the password there", field="password"
            )
        return value

    return _Source(f"file {where}", read)


def password_fixed(value: str | bytes) -> PasswordSource:
    """Use one password that the program already holds for every key.

    Args:
        value: The password; text is taken as UTF-8.

    Example:
        >>> password_fixed("correct horse")
        <password from the program>
    """
    held = checked(value)
    return _Source("the program", lambda: held)


def checked(value: str | bytes) -> bytes:
    """A password as bytes, refused when it cannot be one.

    Raises:
        InvalidArgument: If it is empty or longer than 1024 bytes.
        TypeError: If it is neither text nor bytes.
    """
    if isinstance(value, str):
        value = value.encode("utf-8")
    if not isinstance(value, bytes):
        raise TypeError("password: expected str or bytes from the password source")
    if not value:
        raise InvalidArgument("password: it is empty; key files are always encrypted, so give one", field="password")
    if len(value) > _LONGEST:
        raise InvalidArgument(f"password: it has {len(value)} bytes; at most {_LONGEST} are allowed", field="password")
    return value
