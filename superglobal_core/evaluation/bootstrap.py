"""Confidence intervals of a mean over queries."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def confidence_interval(
    values: Sequence[float], resamples: int, level: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """Return the bootstrap interval (BCa, seeded) of the mean of per-query values.

    None where there is none to give: fewer than two values, or no resampling wanted.

    Source: Efron, "Better bootstrap confidence intervals", 1987; Efron & Tibshirani, "An Introduction to the
    Bootstrap", 1993, equations 14.9 to 14.15. To the last digit scipy.stats.bootstrap, which takes two seconds
    to import: that is most of what an evaluation takes.

    >>> confidence_interval([0.5, 0.5, 0.5], resamples=100)
    (0.5, 0.5)
    """
    if len(values) < 2 or resamples <= 0:
        return None
    if min(values) == max(values):
        return (float(values[0]), float(values[0]))
    from scipy.special import ndtr, ndtri

    sample = np.asarray(values, np.float64)
    count = len(sample)
    drawn = np.random.default_rng(seed).integers(0, count, (resamples, count))
    means, mean = sample[drawn].mean(axis=-1), sample.mean()
    below = np.count_nonzero(means < mean) + np.count_nonzero(means <= mean)
    bias = ndtri(below / (2 * resamples))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore", under="ignore"):
        acceleration = _acceleration(sample)
        # Degenerate resamples leave no number: answered below.
        shifted = bias + ndtri((1 - level) / 2) * np.array([1.0, -1.0])
        low, high = _quantiles(means, ndtr(bias + shifted / (1 - acceleration * shifted)))
    return None if math.isnan(low) or math.isnan(high) else (low, high)


def _acceleration(sample: np.ndarray) -> float:
    """Return how fast the mean's standard error changes with the mean, from leaving out one value at a time."""
    count = len(sample)
    others = np.broadcast_to(sample, (count, count))[~np.eye(count, dtype=bool)].reshape(count, count - 1)
    left_out = others.mean(axis=-1)
    influence = (count - 1) * (left_out.mean() - left_out)
    third, second = np.sum(influence**3) / count**3, np.sum(influence**2) / count**2
    return float(1 / 6 * third / second**1.5)


def _quantiles(values: np.ndarray, fractions: np.ndarray) -> tuple[float, float]:
    """Return two quantiles, linear between neighbours; NaN for a fraction that is none."""
    if not np.isfinite(fractions).all():
        return math.nan, math.nan
    ordered, last = np.sort(values), len(values) - 1
    place = fractions * len(values) + (1 - fractions)
    lower = np.clip(place // 1 - 1, 0, last).astype(np.intp)
    upper = np.clip(place // 1, 0, last).astype(np.intp)
    low, high = (1 - place % 1) * ordered[lower] + place % 1 * ordered[upper]
    return float(low), float(high)
