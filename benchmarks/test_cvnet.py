"""CVNet-Rerank of photographs of 1024 x 768 against the same computed plainly, pair by pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from plain_cvnet import plain_score

CANDIDATES = 2

INPUTS = f"""
import torch
from superglobal_core.networks.correlation import CorrelationNetwork
from superglobal_core.reranking.cvnet import CVNetScorer
def inputs():
    global stored, scorer
    rng = torch.Generator().manual_seed(0)
    stored = [{{"map": torch.randn(1024, 64, 48, generator=rng).numpy()}} for _ in range({CANDIDATES} + 1)]
    scorer = CVNetScorer(CorrelationNetwork(1024), device="cpu")
def work():
    query, *candidates = (scorer.resident(features) for features in stored)
    return scorer.score(query, candidates)
"""


def test_scoring_is_faster_than_pair_by_pair(
    against: Callable[..., float],
    figure: Callable[..., None],
    peak_of: Callable[[str], float],
    benchmark: Any,
) -> None:
    names: dict = {}
    exec(INPUTS, names)  # the very inputs of the memory probe
    names["inputs"]()
    weights = names["scorer"].network.state_dict()
    query, *candidates = (torch.from_numpy(features["map"]) for features in names["stored"])

    def plain() -> list[float]:
        with torch.inference_mode():
            return [plain_score(weights, query, candidate) for candidate in candidates]

    # Both start from the stored maps: what is done once an image is in ours too.
    ratio = against(names["work"], {"pair by pair": plain}, rounds=3)
    for name, taken in benchmark.extra_info["samples_s"].items():
        print(f"{name}: {[round(1000 * sample / CANDIDATES) for sample in taken]} ms a pair")
    figure("speed against pair by pair", 1 / ratio, 2, "times", at_most=False)
    figure("memory beyond the inputs", peak_of(INPUTS), 1000, "MB")
