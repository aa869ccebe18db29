"""Speedups of SuperGlobal's reranking over local features: scoring, one query of 400 candidates."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from superglobal_core.comparison.entries import Entries
from superglobal_core.comparison.inputs import open_inputs
from superglobal_core.comparison.run import Plan, compare
from superglobal_core.comparison.stand_ins import draw_descriptors
from superglobal_core.config import Method
from superglobal_core.steps.time import PAPER_DATABASE, PAPER_DIMENSION, PAPER_QUERIES, Request
from superglobal_core.timing.alone import alone
from superglobal_core.timing.others import watch_others
from superglobal_core.timing.record import TimingRecord

# Pictures of 1024 x 768 are drawn; maps are those of a ResNet-50 of random weights.
REQUEST = Request(device="cpu", precision="float32")
PLAN = Plan(scopes=["scoring"], shortlist=400, device="cpu")


@pytest.mark.parametrize(("opponent", "wanted"), [("rootsift-magsac", 1000), ("cvnet-rerank", 50_000)])
def test_superglobal_is_faster_than(
    opponent: str, wanted: float, benchmark: Any, figure: Callable[..., None], tmp_path: Path
) -> None:
    methods = {name: Method(reranker=name) for name in ("superglobal", opponent)}

    def timed() -> TimingRecord:
        paths = draw_descriptors(tmp_path, PAPER_QUERIES, PAPER_DATABASE, PAPER_DIMENSION, PLAN.seed)
        inputs = open_inputs(
            paths["queries"], paths["databases"], PLAN.shortlist, REQUEST.timed_queries, PLAN.device
        )
        contestants = Entries(REQUEST, inputs, tmp_path).contestants(methods)
        with watch_others() as others:
            outcome = compare(contestants, PLAN, inputs.count)
        return TimingRecord(timings=outcome.timings, noise=outcome.noise, others=others, seed=PLAN.seed)

    load = os.getloadavg()
    with alone():
        # One round: a comparison takes its samples itself, in turn.
        record = benchmark.pedantic(timed, rounds=1, iterations=1)
    (fast,), (slow,) = record.find("superglobal"), record.find(opponent)
    assert [fast.reason, slow.reason] == [None, None]
    found = record.speedup(slow, fast)
    assert found is not None
    benchmark.extra_info["samples_s"] = {"superglobal": fast.samples_s, opponent: slow.samples_s}
    benchmark.extra_info["notes"] = [*slow.sentences, *(noise.sentence for noise in record.noise)]
    benchmark.extra_info["interval"] = None if found.interval is None else found.interval.model_dump()
    benchmark.extra_info["others"] = {
        "load_average_before": load,
        **(record.others.model_dump() if record.others else {}),
    }
    figure(f"scoring of a query against {opponent}", found.ratio, wanted, "times", at_most=False)
