"""Where private keys live: encrypted files today, devices behind the same protocol tomorrow.

A key is used through `Signer`: it names its algorithm, shows its verifying key and signs. `FileKey` is one whose
private half lies in a PKCS#8 file (PBES2, readable by openssl) of a `KeyStore`. The room does not decide who may use
a key, and it never shows, logs or pickles one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sealcore.keys.file import FileKey, KeyStore
    from sealcore.keys.password import PasswordSource, password_fixed, password_from_env, password_from_file
    from sealcore.keys.signer import Signer

__all__ = [
    "FileKey",
    "KeyStore",
    "PasswordSource",
    "Signer",
    "password_fixed",
    "password_from_env",
    "password_from_file",
]

_HOMES = {
    "FileKey": "file",
    "KeyStore": "file",
    "PasswordSource": "password",
    "Signer": "signer",
    "password_fixed": "password",
    "password_from_env": "password",
    "password_from_file": "password",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
