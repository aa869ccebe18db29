"""The examples in the docstrings hold."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import warnings

import pytest

import superglobal_core

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(superglobal_core.__path__, "superglobal_core.")
    if not info.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["superglobal_core", *MODULES])
def test_examples(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    assert (
        sum(bool(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name)))
        > 30
    )
