"""The folders of the built-in methods say of them what is so."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from superglobal_core.data.bibtex import entries_of
from superglobal_core.data.catalogue import load_catalogue
from superglobal_core.errors import TooFewFeaturesError, UserError
from superglobal_core.methods.conformance.values import bad_values, end_values
from superglobal_core.methods.folder import MethodFolder, read_method
from superglobal_core.reranking import local_methods
from superglobal_core.reranking.asmk import AsmkScorer
from superglobal_core.reranking.local_methods import Means, make_scorer
from superglobal_core.reranking.methods import METHODS, make_reranker
from superglobal_core.reranking.names import LOCAL_KINDS, METHOD_NAMES, METHOD_PARAMETERS

FOLDER = Path(__file__).parents[2] / "workflow" / "methods"
MINI = Means("mini", device="cpu")

every_method = pytest.mark.parametrize("name", METHOD_NAMES)


def method(name: str) -> MethodFolder:
    return read_method(FOLDER / name)


def make(name: str, **parameters: Any) -> Any:
    """Make the method itself, its description aside."""
    if name in METHODS:
        return make_reranker(name, **parameters)
    if name.endswith("-asmk"):
        # Without features there are no words: what it is made with is checked when it is trained.
        checked = {key: parameters.pop(key) for key in ("words", "seed") if key in parameters}
        return AsmkScorer.train([], **{"words": 4096, **checked}) if checked else asmk(**parameters)
    return make_scorer(name, MINI, **parameters)


def asmk(**parameters: Any) -> AsmkScorer:
    pytest.importorskip("asmk")
    return AsmkScorer(np.eye(4, 64, dtype=np.float32), **parameters)


def test_each_method_has_a_folder_and_each_folder_is_one() -> None:
    assert sorted(path.name for path in FOLDER.iterdir() if (path / "method.yaml").is_file()) >= sorted(
        METHOD_NAMES
    )
    assert len({method(name).description.label for name in METHOD_NAMES}) == len(METHOD_NAMES)


@every_method
def test_what_the_names_say(name: str) -> None:
    description = method(name).description
    assert (description.stage, description.runs) == ("reranker", "builtin")
    assert tuple(description.parameters) == METHOD_PARAMETERS[name]
    assert description.needs.local == LOCAL_KINDS.get(name)
    assert not description.needs.gpu
    assert description.needs.packages == [
        package
        for package, needed in (("asmk", name.endswith("-asmk")), ("onnxruntime", name.startswith("xfeat")))
        if needed
    ]
    assert all(parameter.meaning for parameter in description.parameters.values())


@every_method
def test_the_defaults_are_the_methods_own(name: str) -> None:
    described = method(name).parameters({})
    if name in METHODS:
        own = make_reranker(name).parameters
    elif name.endswith("-asmk"):
        functions = (AsmkScorer.__init__, AsmkScorer.train, local_methods._asmk)
        own = {
            key: parameter.default
            for function in functions
            for key, parameter in inspect.signature(function).parameters.items()
        }
    else:
        own = make_scorer(name, MINI).parameters
    assert described == {key: own[key] for key in described}
    assert [type(value) for value in described.values()] == [type(own[key]) for key in described]


@every_method
def test_the_ranges_are_the_methods_own(name: str) -> None:
    for key, parameter in method(name).description.parameters.items():
        for value in end_values(parameter):
            assert parameter.complaint(value) is None
            try:
                make(name, **{key: value})
            except TooFewFeaturesError:
                assert key in ("words", "seed")
        for value in bad_values(parameter):
            assert parameter.complaint(value) is not None
            with pytest.raises(UserError, match=key):
                make(name, **{key: value})


def test_the_citations_are_bibtex_and_one_work_is_written_one_way() -> None:
    known: dict[str, str] = {}
    texts = [method(name).description.citation for name in METHOD_NAMES]
    texts += [entry.citation for entry in load_catalogue().values()]
    for text in texts:
        for key, entry in entries_of(text).items() if text else ():
            assert known.setdefault(key, entry) == entry
            assert all(f"  {field} = {{" in entry for field in ("author", "title", "year"))
    assert [name for name in METHOD_NAMES if method(name).description.citation is None] == ["none"]
