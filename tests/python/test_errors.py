"""Every exception prints a sentence, keeps its fields and pickles."""

from __future__ import annotations

import inspect
import pickle

import pytest

from sealcore import errors

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.SealcoreError)]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda c: c.__name__)
def test_pickles(kind):
    detail = {name: 7 for name in kind._fields}
    made = kind("what was wrong", **detail)
    back = pickle.loads(pickle.dumps(made))  # noqa: S301
    assert type(back) is kind
    assert str(back) == "what was wrong"
    assert {name: getattr(back, name) for name in kind._fields} == detail


def test_all_and_the_drawn_tree_name_every_class():
    names = sorted(c.__name__ for c in CLASSES)
    assert sorted(errors.__all__) == names
    for name in names:
        assert name in errors.__doc__


def test_unknown_detail_is_a_mistake():
    with pytest.raises(TypeError):
        errors.InvalidKey("x", unknown=1)
