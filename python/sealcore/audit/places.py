"""Where a ledger is: a directory of this machine, or objects behind a URL of fsspec.

What is read is verified wherever it comes from: a store is not trusted. Credentials and endpoints come from where
fsspec and its file systems look for them (``FSSPEC_S3_ENDPOINT_URL``, ``~/.aws``, ...), on every machine by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from sealcore.errors import InvalidArgument, MissingExtra

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["FsspecObjects", "Place", "open_place"]


class FsspecObjects:
    """The files of a ledger behind a URL, as :class:`sealcore.ledger.Objects`. Only reads.

    Picklable: another process opens the same URL with the same options.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        """Opens the file system of the URL; `options` are those of fsspec's file system.

        Raises:
            MissingExtra: If fsspec, or what it needs for this scheme, is not installed.
            InvalidArgument: If fsspec does not know the scheme.
        """
        try:
            import fsspec  # noqa: PLC0415  an extra
        except ImportError:
            raise MissingExtra('ledgers behind URLs need fsspec: pip install "sealcore[dask]"', extra="dask") from None
        self.url = url.rstrip("/")
        self.options = dict(options or {})
        try:
            found: tuple[AbstractFileSystem, str] = fsspec.url_to_fs(self.url, **self.options)
        except ImportError as error:
            raise MissingExtra(f"{url}: {error}", extra="dask") from None
        except ValueError as error:
            raise InvalidArgument(f"url: {url}: {error}", field="url") from None
        self._files, self._root = found
        # What was listed before is not what is there now: a writer may have sealed segments meanwhile.
        self._files.invalidate_cache()

    def list(self, folder: str, /) -> list[str]:
        """The names in a folder."""
        try:
            names = self._files.ls(f"{self._root}/{folder}", detail=False)
        except FileNotFoundError:
            return []
        return [name.rstrip("/").rpartition("/")[2] for name in names]

    def length(self, name: str, /) -> int:
        """The length of a file in bytes."""
        size = self._files.info(f"{self._root}/{name}")["size"]
        if size is None:
            raise OSError(f"{self.url}/{name}: the server does not tell the length")
        return int(size)

    def read(self, name: str, offset: int, length: int, /) -> bytes:
        """Bytes of a file."""
        return bytes(self._files.cat_file(f"{self._root}/{name}", start=offset, end=offset + length))

    def __reduce__(self) -> tuple[type[FsspecObjects], tuple[str, dict[str, Any]]]:
        return FsspecObjects, (self.url, self.options)

    def __repr__(self) -> str:
        return f"FsspecObjects({self.url!r})"


Place: TypeAlias = Path | FsspecObjects
"""A directory of this machine, or the objects behind a URL."""


def open_place(where: str | PathLike[str] | FsspecObjects, options: Mapping[str, Any] | None = None) -> Place:
    """The ledger at a path or URL.

    Args:
        where: A directory, or a URL such as ``s3://bucket/ledger``.
        options: Options of fsspec's file system, for a URL.

    Raises:
        MissingExtra: If what the URL needs is not installed.
        InvalidArgument: If fsspec does not know the scheme, or options are given for a directory.

    Example:
        >>> open_place("office/ledger")
        PosixPath('office/ledger')
    """
    if isinstance(where, FsspecObjects):
        return where
    text = fspath(where)
    if "://" in text:
        return FsspecObjects(text, options)
    if options:
        raise InvalidArgument("options: a directory has none, they are for URLs", field="options")
    return Path(text)
