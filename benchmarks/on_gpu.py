"""The clock of the GPU benchmarks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

WARM_UPS = 3


def seconds_on_gpu(work: Callable[[], Any], rounds: int) -> float:
    """Return the median seconds that work takes on the device, over `rounds` after a few that warm it up."""
    samples = []
    for _ in range(WARM_UPS + rounds):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        samples.append(time.perf_counter() - start)
    return statistics.median(samples[WARM_UPS:])
