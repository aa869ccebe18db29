"""Methods' folders in a suite: found by name, short forms written out, mistakes told in a sentence."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from superglobal_core.availability import accuracy_missing, descriptor_missing, has_distractors
from superglobal_core.config import Suite, parse_suite, read_saved_suite, save_suite, schema
from superglobal_core.errors import UserError
from superglobal_core.methods.registry import SHIPPED
from superglobal_core.reranking.names import METHOD_NAMES
from superglobal_core.steps.new_method import new_method_step

BASE: dict[str, Any] = {
    "suite": "mine",
    "title": "Mine",
    "datasets": {"drawn": {"synthetic": {}}, "oxford": {"groundtruth": "gnd.pkl"}},
    "descriptors": {
        "old": {"existing": {name: {"queries": "q", "database": "d"} for name in ("drawn", "oxford")}}
    },
}


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for kind in ("reranker", "program", "descriptor", "results"):
        list(new_method_step(f"a-{kind}", kind, tmp_path))
    with (tmp_path / "a-results/method.yaml").open("a") as stream:
        stream.write("results:\n  drawn: {plain: r.npy}\n")
    return tmp_path


def parsed(folders: Path, methods: Any, **more: Any) -> Suite:
    content = {**copy.deepcopy(BASE), "methods": methods, "method_paths": [str(folders)], **more}
    if content["descriptors"] is None:
        del content["descriptors"]
    jsonschema.validate(content, schema())
    return parse_suite(content, "mine.yaml")


@pytest.mark.parametrize("methods", [["none", "a-reranker"], {"none": None, "a-reranker": {}}])
def test_a_name_alone_is_enough(folders: Path, methods: Any, tmp_path: Path) -> None:
    suite = parsed(folders, methods)
    chosen = suite.methods["a-reranker"]
    assert (chosen.reranker, chosen.label, chosen.runs, chosen.shortlist) == (
        "a-reranker",
        "a-reranker",
        "python",
        400,
    )
    assert suite.methods["none"].runs == "builtin"
    save_suite(suite, tmp_path / "suite.json")
    for file in (folders / "a-reranker").iterdir():
        file.unlink()
    # What was read needs the folder no more.
    assert read_saved_suite(tmp_path / "suite.json") == suite


def test_one_folder_serves_several_entries(folders: Path) -> None:
    entry = {"reranker": "a-reranker", "parameters": {"neighbours": 5}}
    suite = parsed(folders, {"a-reranker": {}, "five": entry})
    assert suite.methods["five"].label is None
    assert suite.methods["five"].given() == {"neighbours": 5}


def test_descriptors_among_the_methods_join_the_descriptors(folders: Path) -> None:
    suite = parsed(folders, ["none", "a-descriptor"])
    assert list(suite.methods) == ["none"]
    assert list(suite.descriptors) == ["old", "a-descriptor"]
    assert suite.descriptors["a-descriptor"].is_program
    assert descriptor_missing(suite, "a-descriptor", "oxford") == "images missing"
    assert descriptor_missing(suite, "a-descriptor", "drawn") is None
    assert has_distractors(suite, "a-descriptor", "drawn")
    named = {"other": {"method": "a-descriptor", "parameters": {"side": 3}}}
    assert parsed(folders, ["none"], descriptors=named).descriptors["other"].label is None


def test_results_are_there_for_some_data_sets(folders: Path) -> None:
    suite = parsed(folders, ["none", "a-results"])
    assert suite.methods["a-results"].results == {"drawn": {"plain": folders / "a-results/r.npy"}}
    file = folders / "a-results/r.npy"
    assert accuracy_missing(suite, "old", "drawn", "plain", "a-results") == f"there is no file {file}"
    file.touch()
    assert accuracy_missing(suite, "old", "drawn", "plain", "a-results") is None
    assert accuracy_missing(suite, "old", "oxford", "plain", "a-results") == "no results brought for oxford"
    among = accuracy_missing(suite, "old", "drawn", "distractors", "a-results")
    assert among == "no results brought for drawn with distractors"


def test_descriptors_brought_along_lack_the_other_data_sets(folders: Path) -> None:
    (folders / "a-results/method.yaml").write_text(
        "{label: theirs, stage: descriptor, runs: results, results: "
        "{drawn: {queries: q.npy, database: d.npy}, elsewhere: {queries: q.npy, database: d.npy}}}"
    )
    suite = parsed(folders, ["none", "a-results"], descriptors=None)
    assert suite.descriptors["a-results"].label == "theirs"
    for name in ("q.npy", "d.npy"):
        file = folders / "a-results" / name
        assert descriptor_missing(suite, "a-results", "drawn") == f"there is no file {file}"
        file.touch()
    assert descriptor_missing(suite, "a-results", "drawn") is None
    assert descriptor_missing(suite, "a-results", "oxford") == "no results brought for oxford"
    assert not has_distractors(suite, "a-results", "drawn")


MISTAKES: list[tuple[Any, str]] = [
    ({"a-rerankr": {}}, "methods.a-rerankr.reranker is 'a-rerankr': choose from 'a-"),
    ({"a-reranker": {"parameters": {"neighbours": -1}}}, "it must be a whole number from 0 to 50"),
    (
        {"a-reranker": {"parameters": {"depth": 1}}},
        "'a-reranker' has no parameter 'depth': it has neighbours",
    ),
    ({"a-reranker": {"beta": 1}}, "'a-reranker' has no beta: leave it out"),
    ({"a-reranker": {"results": {"drawn": {"plain": "x.npy"}}}}, "'a-reranker' brings no results"),
    ({"a-program": {"junk": "remove"}}, "is given one shortlist"),
    (
        {"dba": {"parameters": {"alpha": -1}}},
        "alpha of the method 'dba' is -1: it must be a number from 0 on",
    ),
    (
        {"old": {"reranker": "a-descriptor"}, "none": {}},
        "methods.old makes descriptors, and descriptors has a old too",
    ),
    ({"a-descriptor": {}}, "methods: "),
    (["none", "none"], "methods names none twice"),
    ({"n" * 101: {"reranker": "none"}}, "it has 101 characters"),
]


@pytest.mark.parametrize(("methods", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_mistakes_are_told_in_a_sentence(folders: Path, methods: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parsed(folders, methods)
    assert message in str(caught.value)
    assert str(caught.value).startswith("mine.yaml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("item", [7, None, {"superglobal": {"shortlist": 10}}])
def test_an_item_that_is_no_name_is_named(folders: Path, item: object) -> None:
    with pytest.raises(UserError, match=r"item 2 of methods is .*: a list holds names alone"):
        parse_suite({**BASE, "methods": ["none", item]}, "mine.yaml")


def test_a_name_found_twice_names_both_folders(folders: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    list(new_method_step("a-reranker", "reranker", other))
    with pytest.raises(UserError) as caught:
        parsed(folders, ["none"], method_paths=[str(folders), str(other)])
    assert f"in {folders / 'a-reranker'} and in {other / 'a-reranker'}" in str(caught.value)
    (folders / "a-reranker").rename(folders / "superglobal")
    for paths, message in (
        ([str(folders)], "has the name of a built-in method"),
        ([str(folders / "absent")], "is no folder"),
        ([str(other / "a-reranker")], "name the folder above it"),
    ):
        with pytest.raises(UserError, match=message):
            parsed(folders, ["none"], method_paths=paths)


def test_folders_that_lack_their_part_are_told(folders: Path) -> None:
    (folders / "a-program/rule.smk").rename(folders / "a-reranker/rule.smk")
    for name, message in (("a-program", "rule.smk is not there"), ("a-reranker", "is of no use")):
        with pytest.raises(UserError, match=message):
            parsed(folders, ["none", name])


def test_built_in_methods_run_without_their_folders(tmp_path: Path) -> None:
    content = {**BASE, "methods": list(METHOD_NAMES)}
    bare = parse_suite(content, "suite", shipped=tmp_path)
    assert all(chosen.found is None and chosen.runs == "builtin" for chosen in bare.methods.values())
    full = parse_suite(content, "suite")
    assert all((SHIPPED / name / "method.yaml").is_file() for name in METHOD_NAMES)
    assert full.methods["none"].label == "first stage alone"
