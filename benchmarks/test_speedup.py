"""How many times faster SuperGlobal reranks a query than methods by local features, by the verb `time`'s own clock.

The scope is scoring: all features are in memory, and what is measured is the reranking alone, of 400 candidates.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from superglobal_core.comparison.entries import Entries
from superglobal_core.comparison.inputs import open_inputs
from superglobal_core.comparison.run import Outcome, Plan, compare
from superglobal_core.comparison.stand_ins import draw_descriptors
from superglobal_core.steps.time import Request
from superglobal_core.timing.alone import alone
from superglobal_core.timing.others import Others, watch_others
from superglobal_core.timing.record import TimingRecord

QUERIES, IMAGES, DIMENSION, SHORTLIST = 10, 6322, 2048, 400
METHODS = ("superglobal", "rootsift-magsac", "cvnet-rerank")
# Seconds for the samples of a method: as many as all 400 pairs of RootSIFT take.
BUDGET_S, REPEATS = 90.0, 10


def measured(folder: Path) -> tuple[Outcome, Others]:
    """Time the methods on drawn descriptors, and on drawn pictures of 1024 x 768 with up to 1,000 features."""
    drawn = draw_descriptors(folder, QUERIES, IMAGES, DIMENSION)
    request = Request(METHODS, **drawn, device="cpu")
    plan = Plan(["scoring"], SHORTLIST, repeats=REPEATS, budget_s=BUDGET_S)
    with alone():
        inputs = open_inputs(request.queries or "", request.databases, SHORTLIST, QUERIES, "cpu")
        contestants = Entries(request, inputs, folder).contestants(request.named_methods())
        with watch_others() as others:
            return compare(contestants, plan, inputs.count), others


def test_speedup_over_local_features(figure: Callable[..., None], benchmark: Any, tmp_path: Path) -> None:
    outcome, others = benchmark.pedantic(measured, args=(tmp_path,), rounds=1, iterations=1)
    record = TimingRecord(timings=outcome.timings, noise=outcome.noise, others=others)
    found = {timing.method: timing for timing in record.timings}
    benchmark.extra_info["samples_s"] = {name: timing.samples_s for name, timing in found.items()}
    for name, timing in found.items():
        summary = timing.summary()
        assert summary is not None, timing.reason
        print(f"{name}: {1000 * summary.median:.4g} ms a query; {'; '.join(timing.sentences)}")
    for noise in record.noise:
        print(noise.sentence)
    if others.sentence:
        print(others.sentence)
    for slow, target in (("rootsift-magsac", 1_000), ("cvnet-rerank", 50_000)):
        speedup = record.speedup(found[slow], found["superglobal"])
        if speedup is None or speedup.interval is None:
            pytest.fail(f"{slow} has too few samples")
        print(
            f"over {slow}: {speedup.interval.low:.4g} to {speedup.interval.high:.4g} times; {speedup.reason}"
        )
        figure(f"speed against {slow}", speedup.ratio, target, "times a query", at_most=False)
