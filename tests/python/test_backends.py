"""What runs, what the environment may say about it, and threads across a fork."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import pytest

import sealcore
from sealcore.errors import InvalidArgument
from sealcore.hash import digest_many, sm3

NAMES = ["scalar", "avx2", "avx512", "ifma"]


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh interpreter whose environment names backends only as given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEALCORE_")}
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=120, check=False)


def test_backends_name_what_runs():
    rooms = sealcore.backends()
    assert set(rooms) >= {"hash", "sign"}
    assert all(backend in NAMES for backend in rooms.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_environment_lowers_the_cap(name: str):
    """Every name is known; a backend that the machine lacks is no error, because the variable only lowers."""
    result = run("import sealcore; print(*sealcore.backends().values())", SEALCORE_BACKEND=name)
    assert result.returncode == 0, result.stderr
    assert all(NAMES.index(backend) <= NAMES.index(name) for backend in result.stdout.split())


def test_scalar_computes_the_same():
    code = "from sealcore import *; print(sm3(b'abc').hex(), set(backends().values()))"
    result = run(code, SEALCORE_BACKEND="scalar")
    assert result.stdout.split(maxsplit=1) == [sm3(b"abc").hex(), "{'scalar'}\n"]


@pytest.mark.parametrize("name", ["SCALAR", "sse2", "scalar,avx2", " "])
def test_an_unknown_backend_fails_the_import(name: str):
    result = run("import sealcore", SEALCORE_BACKEND=name)
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("sealcore.errors.InvalidArgument: SEALCORE_BACKEND: unknown backend")
    assert "scalar, avx2, avx512 or ifma" in last


def test_an_empty_variable_is_no_variable():
    assert run("import sealcore", SEALCORE_BACKEND="", SEALCORE_REQUIRE_BACKENDS="").returncode == 0


@pytest.mark.parametrize("names", ["sse2", "scalar,", "scalar;avx2"])
def test_an_unknown_required_backend_fails_the_import(names: str):
    result = run("import sealcore", SEALCORE_REQUIRE_BACKENDS=names)
    assert result.returncode != 0
    assert "InvalidArgument: SEALCORE_REQUIRE_BACKENDS: unknown backend" in result.stderr


def test_what_is_required_is_there_or_the_import_fails():
    assert run("import sealcore", SEALCORE_REQUIRE_BACKENDS="scalar").returncode == 0
    for name in NAMES[1:]:
        result = run("import sealcore", SEALCORE_REQUIRE_BACKENDS=f"scalar, {name}")
        missing = "InvalidArgument: SEALCORE_REQUIRE_BACKENDS: a required backend is missing" in result.stderr
        assert missing == (result.returncode != 0), result.stderr


def test_the_error_pickles():
    error = InvalidArgument("SEALCORE_BACKEND: unknown", field="SEALCORE_BACKEND")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(again), again.field) == (str(error), "SEALCORE_BACKEND")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_batches_run_in_a_forked_child():
    """A child inherits the pool but not its threads: waiting for them would never end."""
    code = """
import os
from sealcore.hash import digest_many
from sealcore.sign import SigningKey, sign_many, verify_many

messages = [bytes([i % 256]) * 100 for i in range(5000)]
key = SigningKey.generate("sm2")
before = digest_many(messages, "sm3")
child = os.fork()
if child == 0:
    same = digest_many(messages, "sm3") == before and digest_many(messages, "sm3", threads=2) == before
    signatures = sign_many(key, messages[:100])
    os._exit(0 if same and verify_many(key.verifying_key, messages[:100], signatures).all_valid else 1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert digest_many(messages, "sm3") == before
"""
    result = run(code)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("threads", [1, 2, 64, None])
def test_any_number_of_threads_gives_the_same(threads: int | None):
    messages = [bytes([i % 251]) * (i % 130) for i in range(1000)]
    assert digest_many(messages, "sm3", threads=threads) == [sm3(message) for message in messages]
