"""The wheel as a stranger gets it: installed alone into an empty environment, without any dependency."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import PROJECT

USE = """
from pathlib import Path
import sealcore
from sealcore import capi
key = sealcore.SigningKey.generate("sm2")
key.verifying_key.verify(b"message", key.sign(b"message"))
import sealcore.pki, sealcore.ledger, sealcore.authority, sealcore.imprint
assert Path(capi.get_library()).is_file() and Path(capi.get_include(), "sealcore.h").is_file()
import sealcore.errors
for name, extra in (("pdf", "pdf"), ("seals", "seals")):
    try:
        exec(f"from sealcore.{name} import " + {"pdf": "verify_pdf", "seals": "Registry"}[name])
    except sealcore.errors.MissingExtra as error:
        assert error.extra == extra and f'"sealcore[{extra}]"' in str(error), error
    else:
        raise SystemExit(f"{name} works without its extra?")
print("ok", sealcore.__version__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", out, PROJECT]
    # pip starts maturin by name: it stands beside this interpreter.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    subprocess.run(command, check=True, env={**os.environ, "PATH": path})
    (made,) = out.glob("sealcore-*.whl")
    return made


def test_one_wheel_for_every_python_from_3_11(wheel):
    assert "-cp311-abi3-" in wheel.name


def test_it_requires_nothing_and_carries_the_c_library(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        required = [line for line in archive.read(metadata).decode().splitlines() if line.startswith("Requires-Dist:")]
    assert required
    assert all("extra ==" in line for line in required)
    for name in ("lib/libsealcore.so.0", "include/sealcore.h", "py.typed", "_core.pyi", "cli/app.py"):
        assert f"sealcore/{name}" in names
    assert not [name for name in names if "/tests/" in name or name.endswith((".rs", ".pyc"))]


def test_it_works_alone(wheel, tmp_path):
    environment = tmp_path / "alone"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel], check=True)
    done = subprocess.run([python, "-I", "-c", USE], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    command = subprocess.run([environment / "bin" / "sealcore"], capture_output=True, text=True, check=False)
    assert command.returncode == 6
    assert command.stderr == 'sealcore: the command line needs an extra: pip install "sealcore[cli]"\n'
