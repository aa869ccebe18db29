"""A named protocol sets the reranking's switches and the junk, and what is given beside it stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import Run, unit_rows

from superglobal_core.protocol_switches import PRESETS, reranking_values
from superglobal_core.reranking.methods import make_reranker

LABELS = [([0, 3], [7], [11]), ([1], [2, 4], [5, 6])]


@pytest.fixture
def rerank(tmp_path: Path, write_groundtruth: Callable[..., Path], run: Run) -> Callable[..., Any]:
    """Run `rerank` on a small data set; return its record, or what it said where it failed."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "q.npy", np.abs(unit_rows(rng, 2, 8)))
    np.save(tmp_path / "db.npy", np.abs(unit_rows(rng, 30, 8)))
    groundtruth = write_groundtruth(30, LABELS)

    def call(*options: object) -> Any:
        done = run(
            *(
                "rerank",
                "--queries",
                tmp_path / "q.npy",
                "--database",
                tmp_path / "db.npy",
                "--shortlist",
                10,
            ),
            *("--groundtruth", groundtruth, *options, "--out", tmp_path / "r.npz"),
        )
        return json.loads((tmp_path / "r.record.json").read_text()) if done.code == 0 else done.err

    return call


def test_the_presets_are_the_reranker_s_parameters() -> None:
    for name in PRESETS:
        switches = reranking_values(name)
        assert make_reranker("superglobal", **switches).parameters.items() >= switches.items()
    official = make_reranker("superglobal", **reranking_values("official"))
    assert official.parameters == make_reranker("superglobal").parameters


def test_each_protocol_sets_its_own(rerank: Callable[..., Any]) -> None:
    for options, neighbour, shortlist in (
        ((), False, "raw"),
        (("--protocol", "official"), False, "raw"),
        (("--protocol", "paper"), True, "raw"),
        (("--protocol", "cvnet"), False, "junk removed"),
        (("--protocol", "paper", "--set", "query_neighbour=false"), False, "raw"),
        (("--protocol", "cvnet", "--junk", "keep"), False, "raw"),
        (("--set", "query_neighbour=true", "--junk", "remove"), True, "junk removed"),
    ):
        record = rerank(*options)
        assert record["parameters"]["query_neighbour"] is neighbour, options
        assert record["protocol"]["shortlist"] == shortlist, options


def test_of_other_methods_it_sets_the_junk_alone(rerank: Callable[..., Any]) -> None:
    record = rerank("--method", "average-qe", "--protocol", "cvnet")
    assert record["protocol"]["shortlist"] == "junk removed"
    assert "query_neighbour" not in record["parameters"]


def test_an_unknown_protocol(rerank: Callable[..., Any]) -> None:
    assert "choose from cvnet, official, paper (did you mean 'paper'?)" in rerank("--protocol", "papr")
