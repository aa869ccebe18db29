"""Which comparisons a suite makes, and what it may say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from superglobal_core.approximate_plan import approximate_files
from superglobal_core.config import Suite, parse_suite
from superglobal_core.errors import UserError
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.study import missing_results


def suite(**keys: Any) -> Suite:
    content = {
        "suite": "tiny",
        "title": "Tiny",
        "datasets": {"drawn": {"synthetic": {"distractors": 5}}, "bare": {"synthetic": {"distractors": 0}}},
        "descriptors": {"mini": {"extract": {"backbone": "mini"}}},
        "methods": {"single-stage": {"reranker": "none"}},
    }
    return parse_suite(content | keys, "suite")


def test_the_largest_database_of_each_data_set() -> None:
    assert approximate_files(suite()) == []
    files = approximate_files(suite(approximate={}))
    assert files == ["approximate/mini/drawn/distractors.json", "approximate/mini/bare/plain.json"]
    files = approximate_files(suite(approximate={}, distractors=False))
    assert files == ["approximate/mini/drawn/plain.json", "approximate/mini/bare/plain.json"]


def test_those_of_planted_sizes_come_last() -> None:
    grown = {"sizes": [1000, 2000], "approximate": {"kinds": ["flat-sq8"]}}
    alone = parse_suite({"suite": "grown", "title": "Grown", "scale": grown}, "suite")
    assert approximate_files(alone) == ["approximate/planted/2000.json"]
    both = approximate_files(suite(approximate={}, scale=grown))
    assert both[1:] == ["approximate/mini/bare/plain.json", "approximate/planted/2000.json"]


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    study = Study(tmp_path, suite(approximate={}), (), ())
    assert missing_results(study)[-2:] == [
        "approximate/mini/drawn/distractors",
        "approximate/mini/bare/plain",
    ]
    path = tmp_path / "approximate/mini/bare/plain.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    assert missing_results(study)[-1] == "approximate/mini/drawn/distractors"


def test_what_a_suite_may_say() -> None:
    kinds = ["flat-sq8", "ivfpq:nlist=8:nprobe=4/1"]
    found = suite(approximate={"kinds": kinds, "k": 50, "shortlist": 50}).approximate
    assert found is not None
    assert found.kinds == ["flat-sq8", "ivfpq:nlist=8:nprobe=1/4"]
    for wrong, says in (
        ({"kinds": ["flat"]}, "unknown kind of index 'flat'"),
        ({"kinds": []}, "approximate.kinds"),
        ({"kinds": ["hnsw:M=8", "hnsw:M=8"]}, "an index is there twice"),
        ({"k": 100}, "shortlist is 400, more than the 100 places of k"),
    ):
        with pytest.raises(UserError, match=says):
            suite(approximate=wrong)
