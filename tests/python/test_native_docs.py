"""The examples in the docstrings of the native module run, as those of the Python modules do."""

from __future__ import annotations

import doctest
import inspect
from typing import Any

import pytest

import sealcore.hash
import sealcore.sign

PUBLIC: dict[str, Any] = {
    name: getattr(module, name) for module in (sealcore.hash, sealcore.sign) for name in module.__all__
}
NATIVE = {name: item for name, item in PUBLIC.items() if isinstance(item, type) or inspect.isbuiltin(item)}


def members(name: str, item: Any) -> dict[str, Any]:
    """The item and, of a class, what it defines itself."""
    found = {name: item}
    if isinstance(item, type):
        found |= {f"{name}.{key}": getattr(item, key) for key in vars(item) if not key.startswith("_")}
    return found


@pytest.mark.parametrize("name", sorted(NATIVE))
def test_everything_is_documented(name: str):
    for path, item in members(name, NATIVE[name]).items():
        assert inspect.getdoc(item), path


def test_the_examples_run():
    examples = 0
    runner = doctest.DocTestRunner()
    for name, item in NATIVE.items():
        for path, member in members(name, item).items():
            test = doctest.DocTestParser().get_doctest(inspect.getdoc(member) or "", dict(PUBLIC), path, None, 0)
            examples += len(test.examples)
            assert runner.run(test).failed == 0, path
    assert examples >= 20
