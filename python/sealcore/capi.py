"""Where the C library and its header are, for programs that link or load sealcore.

The wheel carries ``libsealcore.so.0`` and ``sealcore.h``; they hold hashing, signing and verifying, need no Python
and are documented in the header. A source build without them says so here.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["get_include", "get_library"]

_HERE = Path(__file__).parent


def get_include() -> str:
    """The folder that holds ``sealcore.h``, for ``cc -I``.

    Raises:
        FileNotFoundError: This installation was built without the C library.

    Example:
        >>> Path(get_include(), "sealcore.h").is_file()
        True
    """
    return str(_existing(_HERE / "include" / "sealcore.h").parent)


def get_library() -> str:
    """The full path of the shared library, under its SONAME, for ``ffi.dlopen`` or the linker.

    Raises:
        FileNotFoundError: This installation was built without the C library.

    Example:
        >>> Path(get_library()).name
        'libsealcore.so.0'
    """
    return str(_existing(_HERE / "lib" / "libsealcore.so.0"))


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not part of this installation: install the wheel, or run `make setup`")
    return path
