"""Confidence intervals of a mean over queries."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np


def confidence_interval(
    values: Sequence[float], resamples: int, level: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """Return the bootstrap interval (BCa, seeded) of the mean of per-query values.

    None where there is none to give: fewer than two values, or no resampling wanted.

    Source: Efron, "Better bootstrap confidence intervals", 1987, as scipy implements it.

    >>> confidence_interval([0.5, 0.5, 0.5], resamples=100)
    (0.5, 0.5)
    """
    if len(values) < 2 or resamples <= 0:
        return None
    if min(values) == max(values):
        return (float(values[0]), float(values[0]))
    from scipy.stats import bootstrap

    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # degenerate resamples: answered below
        bounds = bootstrap(
            (np.asarray(values, np.float64),),
            np.mean,
            n_resamples=resamples,
            confidence_level=level,
            method="BCa",
            rng=rng,
        ).confidence_interval
    low, high = float(bounds.low), float(bounds.high)
    return None if math.isnan(low) or math.isnan(high) else (low, high)
