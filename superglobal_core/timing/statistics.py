"""What samples say: median, quartiles, intervals, and whether one work is faster than another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from superglobal_core.errors import UserError

LEVEL = 0.95
RESAMPLES = 10_000
# Resamples are drawn in pieces of about this many numbers (8 MB), whatever the number of samples.
_PIECE = 1_000_000


class Interval(BaseModel):
    """A confidence interval; `level` is what it really covers, below 0.95 for few samples."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float
    high: float
    level: float


class Summary(BaseModel):
    """Samples in figures, in the samples' unit; quartiles are interpolated linearly."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int
    median: float
    lower_quartile: float
    upper_quartile: float
    minimum: float
    maximum: float
    interval: Interval | None


class Speedup(BaseModel):
    """How many times faster one work is than another, and whether that may be said at all.

    ratio: the other's median through this one's, above 1 where this one is faster. noise: the
    clock's own, as a fraction of 1; None where it was not measured. verdict: "faster" or "slower",
    or None where the difference may be chance. reason: why, a sentence.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ratio: float
    interval: Interval | None
    noise: float | None
    verdict: Literal["faster", "slower"] | None
    reason: str


def summarize(samples: Sequence[float], seed: int = 0, resamples: int = RESAMPLES) -> Summary:
    """Return median, quartiles, extremes and the bootstrap interval of the median.

    Every sample counts, outliers too. One sample has no interval.

    Raises:
        UserError: where there is no sample, or one is no positive number.

    >>> summary = summarize([1.0, 1.1, 1.2, 1.3, 5.0])
    >>> summary.median, summary.lower_quartile, summary.upper_quartile, summary.maximum
    (1.2, 1.1, 1.3, 5.0)
    >>> summary.interval  # five samples: their range holds the median in 94 of 100 cases, no more
    Interval(low=1.0, high=5.0, level=0.9375)
    """
    values = positive(samples)
    low, middle, high = (float(value) for value in np.quantile(values, [0.25, 0.5, 0.75]))
    return Summary(
        count=len(values),
        median=middle,
        lower_quartile=low,
        upper_quartile=high,
        minimum=float(values.min()),
        maximum=float(values.max()),
        interval=bootstrap_interval([values], _median, seed=seed, resamples=resamples),
    )


def speedup(
    slow: Sequence[float],
    fast: Sequence[float],
    *,
    noise: float | None = None,
    paired: bool = False,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Speedup:
    """Return the ratio of two works' medians (slow's through fast's), its interval and the verdict.

    Both are resampled independently: right whatever their numbers of samples, and on the safe side
    for works timed in turn, since what rounds have in common can only make the true interval
    narrower. With `paired`, whole rounds are resampled: narrower where sample i of both belongs to
    the same round or query and rounds differ more than works do; needs equally many samples.

    noise: what the same work differs from itself by (`Noise.relative`), a fraction: a speedup within
    it is none, however narrow its interval.

    Raises:
        UserError: where there is no sample, one is no positive number, or pairs do not match.

    >>> speedup([2.0, 2.1, 2.2] * 3, [1.0, 1.1, 1.0] * 3).verdict
    'faster'
    >>> speedup([1.01, 1.02] * 4, [1.0, 1.0] * 4, noise=0.05).reason
    "within the clock's own noise of 5 %"
    """
    first, second = positive(slow), positive(fast)
    if paired and len(first) != len(second):
        raise UserError(f"{len(first)} and {len(second)} samples are no pairs: compare them without pairing")
    ratio = float(np.median(first) / np.median(second))
    interval = bootstrap_interval(
        [first, second], _ratio_of_medians, paired=paired, seed=seed, resamples=resamples
    )
    verdict, reason = _judge(ratio, interval, noise)
    return Speedup(ratio=ratio, interval=interval, noise=noise, verdict=verdict, reason=reason)


def deviation(ratio: float) -> float:
    """Return by what fraction two times differ, the same for a ratio and its inverse.

    >>> deviation(1.25), deviation(0.8)
    (0.25, 0.25)
    """
    return max(ratio, 1 / ratio) - 1


def bootstrap_interval(
    samples: Sequence[np.ndarray],
    statistic: Callable[..., Any],
    *,
    paired: bool = False,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """Return the seeded percentile interval of a statistic of medians; None with a single sample.

    statistic: takes the samples and `axis=-1`. Percentile and not BCa: BCa's acceleration comes from
    leaving out one sample at a time, which for a median gives two values only and says nothing
    (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, 11.6). Up to five samples the
    interval of a median is their whole range; that covers the true one with probability 1 - 2^(1-n)
    whatever the distribution, which is then the level.
    """
    fewest = min(len(values) for values in samples)
    if fewest < 2:
        return None
    level = min(LEVEL, 1 - 2.0 ** (1 - fewest))
    if all(values.min() == values.max() for values in samples):
        constant = float(statistic(*samples, axis=-1))
        return Interval(low=constant, high=constant, level=level)
    from scipy.stats import bootstrap

    bounds = bootstrap(
        tuple(samples),
        statistic,
        n_resamples=resamples,
        batch=max(1, _PIECE // max(len(values) for values in samples)),
        vectorized=True,
        paired=paired,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(low=float(bounds.low), high=float(bounds.high), level=level)


def positive(samples: Sequence[float]) -> np.ndarray:
    """Return samples as float64 (n,), or raise a UserError unless all are positive and there is one."""
    values = np.asarray(samples, np.float64)
    if values.ndim != 1 or len(values) == 0:
        raise UserError("there is no sample to summarize: time the work at least once")
    if not (np.isfinite(values) & (values > 0)).all():
        raise UserError("a sample of a time is not a positive number: time the work again")
    return values


def _median(values: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.median(values, axis=axis)


def _ratio_of_medians(first: np.ndarray, second: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.median(first, axis=axis) / np.median(second, axis=axis)


def _judge(
    ratio: float, interval: Interval | None, noise: float | None
) -> tuple[Literal["faster", "slower"] | None, str]:
    if interval is None:
        return None, "one sample says nothing of chance: take more"
    if interval.low <= 1 <= interval.high:
        return None, f"the {percent(interval.level)} interval holds 1: the difference may be chance"
    if noise is not None and deviation(ratio) <= noise:
        return None, f"within the clock's own noise of {percent(noise)}"
    beyond = "" if noise is None else f" and the difference is beyond the clock's noise of {percent(noise)}"
    verdict: Literal["faster", "slower"] = "faster" if ratio > 1 else "slower"
    return verdict, f"the {percent(interval.level)} interval leaves out 1{beyond}"


def percent(fraction: float) -> str:
    """Write a fraction for people, with three digits.

    >>> percent(0.95), percent(0.01234)
    ('95 %', '1.23 %')
    """
    return f"{100 * fraction:.3g} %"
