"""`import sealcore` is light."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

PROBE = """
import sys
before = set(sys.modules)
import sealcore
loaded = {name.split(".")[0] for name in set(sys.modules) - before}
print(*sorted(loaded))
"""


def test_import_loads_no_heavy_package():
    out = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True).stdout
    loaded = set(out.split())
    assert "sealcore" in loaded
    heavy = {"sqlalchemy", "psycopg", "pyhanko", "click", "rich", "PIL", "numpy", "cryptography", "asn1crypto"}
    assert not loaded & heavy


def test_the_wheel_requires_nothing():
    required = [r for r in importlib.metadata.requires("sealcore") or [] if "extra ==" not in r]
    assert required == []


def test_every_public_name_is_there_and_sorted():
    import sealcore

    assert list(sealcore.__all__) == sorted(sealcore.__all__)
    for name in sealcore.__all__:
        assert getattr(sealcore, name) is not None
