"""Exact search of 70 queries among 1,001,001 x 2048 float16 on a GPU, against the time that reading them takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from on_gpu import seconds_on_gpu

from superglobal_core.features.store import FeatureStore
from superglobal_core.search.exact import search_scored
from superglobal_core.search.scoring import DEVICE_BLOCK, DeviceScorer
from superglobal_core.search.streaming import Resident, Streamer

ROWS, DIMENSION, QUERIES, PLACES, ROUNDS = 1_001_001, 2048, 70, 400, 20
# Bytes copied to measure the memory's bandwidth: far more than any cache.
COPIED = 2**31


@pytest.mark.gpu
def test_search_takes_little_more_than_reading(benchmark: Any, figure: Callable[..., None]) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here: the search on a GPU is not measured")
    device = torch.device("cuda")
    rng = np.random.default_rng(0)
    some = rng.standard_normal((20_000, DIMENSION), dtype=np.float32)
    some = (some / np.linalg.norm(some, axis=1, keepdims=True)).astype(np.float16)
    # Views of one array as many shards: the device has all of them, the host holds one.
    shards = [
        FeatureStore.of_array(some[: min(len(some), ROWS - start)]).segments[0]
        for start in range(0, ROWS, len(some))
    ]
    store = FeatureStore(shards, "random")
    resident = Resident(Streamer(store, DEVICE_BLOCK, device))
    queries = rng.standard_normal((QUERIES, DIMENSION), dtype=np.float32)
    scorer = DeviceScorer(queries, store, device, resident)

    bandwidth = bandwidth_of(device)
    seconds = seconds_on_gpu(lambda: search_scored(scorer, PLACES), ROUNDS)
    benchmark.pedantic(lambda: search_scored(scorer, PLACES), rounds=1)
    benchmark.extra_info |= {"bandwidth_bytes_s": bandwidth, "device": torch.cuda.get_device_name()}
    read = ROWS * DIMENSION * 2
    figure(
        "bandwidth of the search, part of a copy's", read / seconds / bandwidth, 0.6, "times", at_most=False
    )


def bandwidth_of(device: torch.device) -> float:
    """Bytes read and written a second when memory is copied on the device."""
    source = torch.ones(COPIED // 4, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED / seconds_on_gpu(lambda: target.copy_(source), ROUNDS)
