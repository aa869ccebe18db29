"""What a method.yaml may not say is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from superglobal_core.errors import UserError
from superglobal_core.methods.folder import Parameter, read_method

HEAD = "label: M\nstage: reranker\nruns: python\npython: m.py:M\n"


def read(folder: Path, text: str) -> str:
    (folder / "method.yaml").write_text(text)
    return read_method(folder).description.label


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("a-b: {default: 1}", "'a-b' is no name of a parameter"),
        ("lambda: {default: 1}", "'lambda' is no name of a parameter"),
        ("1: {default: 1}", "1 is no name of a parameter"),
        *(
            (f"{name}: {{default: 1}}", f"'{name}' is given to")
            for name in ("shortlist", "self", "weights", "method")
        ),
        ("a: {default: 1, least: .nan}", "parameters.a: least is nan"),
        ("a: {default: 1, most: .inf}", "parameters.a: most is inf"),
        ("a: {default: 1, least: 2, most: 1}", "least is 2 and most is 1: nothing lies between"),
        ("a: {default: 1, above: 1, most: 1}", "above is 1 and most is 1: nothing lies between"),
        (f"a: {{default: {10**400}}}", "whole numbers go from -2**63 + 1 to 2**63 - 1"),
        (f"a: {{default: 1, most: {10**400}}}", "parameters.a.most"),
        ("a: {default: 1, choices: [x]}", "choices belong to a text"),
        ("a: {default: x, choices: []}", "choices are none"),
        ("a: {default: x, least: 1}", "least belongs to a number"),
        ("a: {default: 1, default: 2}", "the key 'default' is given twice"),
    ],
)
def test_parameters_that_cannot_be(tmp_path: Path, parameter: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, f"{HEAD}parameters:\n  {parameter}\n")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("label: M", 'label: "  "', "label: it is blank"),
        ("label: M", 'label: "a\\nb"', "label: write it in one line"),
        ("label: M", f"label: {'m' * 101}", "it has 101 characters"),
        ("label: M", "label: M\nlabel: N", "line 2: the key 'label' is given twice"),
        ("m.py:M", "../m.py:M", "the file beside method.yaml"),
        ("m.py:M", "/tmp/m.py:M", "the file beside method.yaml"),
    ],
)
def test_descriptions_that_cannot_be(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, HEAD.replace(old, new))
    assert message in str(caught.value)
    assert read(tmp_path, HEAD.replace("label: M", 'label: "  M "')) == "M"


def test_a_description_without_keys(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="it holds no keys"):
        read(tmp_path, "")


@pytest.mark.parametrize("value", [10**400, -(2**63), float("inf")])
def test_values_that_no_array_holds_are_refused(value: float) -> None:
    assert Parameter(default=1, least=0).complaint(value)
    assert Parameter(default=1.0).complaint(value)
