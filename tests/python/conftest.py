"""What the tests share: the data of others, and tools that CI must have."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SHARED_DATA = PROJECT.parent / "shared" / "data"
IN_CI = bool(os.environ.get("CI"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of test data that others made; missing is a failure in CI, elsewhere the test is left out."""
    if not SHARED_DATA.is_dir():
        missing("the test data of others (../shared/data) is not beside the project")
    return SHARED_DATA


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Published numbers and frozen formats, part of the project."""
    return PROJECT / "tests" / "vectors"


def require_tool(name: str) -> str:
    """The path of a program; missing is a failure in CI, elsewhere the test is left out."""
    path = shutil.which(name)
    if path is None:
        missing(f"{name} is not installed")
    return str(path)


def missing(reason: str) -> None:
    """Fails in CI, leaves the test out elsewhere."""
    if IN_CI:
        pytest.fail(reason)
    pytest.skip(f"left out: {reason}")


@pytest.fixture(scope="session")
def founded(tmp_path_factory):
    """An office, built once; never opened by a test."""
    from office_world import build

    return build(tmp_path_factory.mktemp("founded") / "office")


@pytest.fixture
def world(founded, tmp_path):
    """A copy of the office for one test."""
    from office_world import copied

    return copied(founded, tmp_path / "office")
