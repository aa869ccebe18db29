"""Medians, intervals, speedups, noise and growth."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.errors import UserError
from superglobal_core.timing.fit import fit_growth
from superglobal_core.timing.noise import against_itself, compare, noise_of
from superglobal_core.timing.statistics import deviation, speedup, summarize
from superglobal_core.timing.stopwatch import measure

# Enough for properties that hold for any number of resamples; the default is for figures.
FEW = 500

seconds = st.floats(1e-6, 1e4)
several = st.lists(seconds, min_size=2, max_size=30)


@settings(max_examples=50, deadline=None)
@given(several, st.integers(0, 2**32 - 1))
def test_a_summary_is_in_order_and_its_interval_holds_the_median(samples: list[float], seed: int) -> None:
    summary = summarize(samples, seed, FEW)
    quartiles = [summary.minimum, summary.lower_quartile, summary.median, summary.upper_quartile]
    assert all(
        a <= b * (1 + 1e-12) for a, b in zip(quartiles, [*quartiles[1:], summary.maximum], strict=True)
    )
    assert summary.interval is not None
    assert summary.interval.low <= summary.median * (1 + 1e-12)
    assert summary.median <= summary.interval.high * (1 + 1e-12)
    assert summary.minimum * (1 - 1e-12) <= summary.interval.low
    assert summary.interval.high <= summary.maximum * (1 + 1e-12)
    assert summary.count == len(samples)


@settings(max_examples=50, deadline=None)
@given(several, st.floats(1e-3, 1e3))
def test_another_unit_gives_the_same_figures_in_that_unit(samples: list[float], unit: float) -> None:
    one, other = summarize(samples, 3, FEW), summarize([unit * sample for sample in samples], 3, FEW)
    assert one.interval is not None
    assert other.interval is not None
    for name in ("median", "lower_quartile", "upper_quartile", "minimum", "maximum"):
        assert getattr(other, name) == pytest.approx(unit * getattr(one, name), rel=1e-9)
    assert other.interval.low == pytest.approx(unit * one.interval.low, rel=1e-9)
    assert other.interval.high == pytest.approx(unit * one.interval.high, rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(several, several, st.floats(1e-3, 1e3))
def test_a_speedup_does_not_depend_on_the_unit_and_its_interval_holds_it(
    slow: list[float], fast: list[float], unit: float
) -> None:
    one = speedup(slow, fast, seed=1, resamples=FEW)
    other = speedup([unit * a for a in slow], [unit * b for b in fast], seed=1, resamples=FEW)
    assert other.ratio == pytest.approx(one.ratio, rel=1e-9)
    assert one.interval is not None
    assert other.interval is not None
    assert other.interval.low == pytest.approx(one.interval.low, rel=1e-9)
    assert one.interval.low <= one.ratio * (1 + 1e-12)
    assert one.ratio <= one.interval.high * (1 + 1e-12)


@settings(max_examples=50, deadline=None)
@given(several, st.booleans())
def test_a_work_is_neither_faster_nor_slower_than_itself(samples: list[float], paired: bool) -> None:
    same = speedup(samples, samples, paired=paired, resamples=FEW)
    assert same.ratio == 1
    assert same.verdict is None
    if paired:
        assert same.interval is not None
        assert (same.interval.low, same.interval.high) == (1, 1)


@given(st.floats(1e-6, 1e6))
def test_a_deviation_is_the_same_both_ways(ratio: float) -> None:
    assert deviation(ratio) == pytest.approx(deviation(1 / ratio), rel=1e-6, abs=1e-9)
    assert deviation(ratio) >= 0


def test_a_seed_decides_the_interval() -> None:
    samples = list(np.random.default_rng(0).lognormal(size=25))
    assert summarize(samples, seed=4) == summarize(samples, seed=4)
    assert len({summarize(samples, seed, 50).interval.low for seed in range(5)}) > 1  # type: ignore[union-attr]


def test_figures_are_those_of_numpy() -> None:
    samples = list(np.random.default_rng(1).lognormal(size=31))
    summary = summarize(samples)
    assert summary.median == np.median(samples)
    assert (summary.lower_quartile, summary.upper_quartile) == tuple(np.percentile(samples, [25, 75]))
    assert (summary.minimum, summary.maximum) == (min(samples), max(samples))


def test_the_interval_covers_the_true_median_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    true = 1.0  # the median of a lognormal around zero
    hits = 0
    for seed in range(200):
        interval = summarize(list(rng.lognormal(size=21)), seed, FEW).interval
        assert interval is not None
        hits += interval.low <= true <= interval.high
    # 95 % of 200 is 190; the percentile interval of a median is a little too short.
    assert 178 <= hits <= 199


@pytest.mark.parametrize(("count", "level"), [(2, 0.5), (3, 0.75), (5, 0.9375), (6, 0.95), (50, 0.95)])
def test_few_samples_say_what_they_are_worth(count: int, level: float) -> None:
    samples = [1 + number / 10 for number in range(count)]
    interval = summarize(samples).interval
    assert interval is not None
    assert interval.level == level
    assert ((interval.low, interval.high) == (samples[0], samples[-1])) is (count <= 5)
    assert speedup([5.0] * 60, samples).interval.level == level  # type: ignore[union-attr]


def test_one_sample_has_no_interval_and_no_verdict() -> None:
    assert summarize([2.0]).interval is None
    result = speedup([200.0], [1.0, 1.1])
    assert result.ratio == pytest.approx(200 / 1.05)
    assert result.interval is None
    assert result.verdict is None
    assert "one sample" in result.reason


@pytest.mark.parametrize("samples", [[], [1.0, 0.0], [1.0, -1.0], [math.nan, 1.0], [math.inf]])
def test_what_is_no_time_is_refused(samples: list[float]) -> None:
    with pytest.raises(UserError, match="sample"):
        summarize(samples)
    with pytest.raises(UserError, match="sample"):
        speedup([1.0], samples)


def test_verdicts() -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(1.0, 0.01, 30)
    assert speedup(list(2 * base), list(base)).verdict == "faster"
    assert speedup(list(base), list(2 * base)).verdict == "slower"
    little = speedup(list(1.04 * base), list(base), noise=0.05)
    assert little.verdict is None
    assert little.reason == "within the clock's own noise of 5 %"
    assert speedup(list(1.04 * base), list(base), noise=0.01).verdict == "faster"
    # As far below 1 as the noise is above it.
    assert speedup(list(base), list(1.04 * base), noise=0.05).verdict is None
    wide = rng.lognormal(0, 1, 8)
    chance = speedup(list(1.1 * wide), list(rng.lognormal(0, 1, 8)))
    assert chance.verdict is None
    assert "may be chance" in chance.reason


def test_pairs_leave_out_what_rounds_have_in_common() -> None:
    rng = np.random.default_rng(4)
    rounds = rng.lognormal(0, 0.5, 30)
    slow, fast = list(1.1 * rounds), list(rounds * rng.normal(1, 0.001, 30))
    loose, tight = speedup(slow, fast).interval, speedup(slow, fast, paired=True).interval
    assert loose is not None
    assert tight is not None
    assert tight.high - tight.low < (loose.high - loose.low) / 5
    assert loose.low < tight.low < 1.1 < tight.high < loose.high
    with pytest.raises(UserError, match="30 and 29 samples are no pairs"):
        speedup(slow, fast[1:], paired=True)


def test_a_work_against_itself() -> None:
    def work() -> None:
        time.sleep(0.001)

    works = against_itself({"a": work, "b": work}, "a")
    samples = measure(works, repeats=8)
    noise, rest = noise_of(samples, "a")
    assert list(rest) == ["a", "b"]
    assert rest["a"] == samples["a"]
    assert noise.interval is not None
    assert noise.relative == max(deviation(noise.interval.low), deviation(noise.interval.high))
    assert noise.work == "a"


def test_the_sentence_of_the_noise() -> None:
    first, second = [1.0, 1.02, 1.04] * 4, [1.0] * 12
    noise = compare("a", first, second)
    assert noise.interval is not None
    assert noise.relative == pytest.approx(noise.interval.high - 1)
    assert noise.sentence == (
        "A/A: the same work, timed twice, is 1.02 times as fast as itself "
        f"(95 % interval {noise.interval.low:.3g} to {noise.interval.high:.3g}): "
        f"speedups below {noise.interval.high:.3g}x, either way, are reported as none"
    )
    single = compare("a", [1.0], [1.1])
    assert single.relative is None
    assert "says nothing" in single.sentence


def test_noise_that_was_not_measured_is_named() -> None:
    with pytest.raises(UserError, match="'x'"):
        against_itself({"a": time.time}, "x")
    with pytest.raises(UserError, match="'a' was not timed against itself"):
        noise_of({"a": [1.0]}, "a")


@settings(max_examples=30, deadline=None)
@given(st.floats(-1, 3), st.floats(1e-6, 10), st.sets(st.integers(1, 5000), min_size=2, max_size=6))
def test_a_power_law_is_found(exponent: float, factor: float, sizes: set[int]) -> None:
    growth = fit_growth({size: [factor * size**exponent] * 2 for size in sizes}, resamples=FEW)
    assert growth.exponent == pytest.approx(exponent, abs=1e-6)
    assert growth.seconds_at_one == pytest.approx(factor, rel=1e-4)
    assert growth.misfit == pytest.approx(0, abs=1e-9)
    assert growth.interval is not None
    assert growth.interval.low == growth.interval.high == pytest.approx(exponent, abs=1e-6)
    assert growth.sizes == sorted(sizes)


def test_the_exponents_interval_widens_with_the_samples() -> None:
    rng = np.random.default_rng(5)
    widths = []
    for spread in (0.01, 0.1):
        samples = {n: list(1e-5 * n**1.5 * rng.lognormal(0, spread, 15)) for n in (50, 100, 200, 400)}
        growth = fit_growth(samples)
        assert growth.interval is not None
        assert growth.interval.low < growth.exponent < growth.interval.high
        assert growth.exponent == pytest.approx(1.5, abs=3 * spread)
        widths.append(growth.interval.high - growth.interval.low)
    assert widths[0] < widths[1] / 3
    assert fit_growth(samples, seed=1) == fit_growth(samples, seed=1)


def test_growth_that_is_no_power_law_shows() -> None:
    # A constant cost that ends at once: 1, 1, 10 seconds.
    growth = fit_growth({10: [1.0, 1.0], 100: [1.0, 1.0], 1000: [10.0, 10.0]})
    assert growth.exponent == pytest.approx(0.5)
    assert growth.misfit == pytest.approx(10 ** (1 / 3) - 1)


@pytest.mark.parametrize("samples", [{}, {100: [1.0]}, {0: [1.0], 5: [1.0]}])
def test_growth_needs_two_sizes(samples: dict[int, list[float]]) -> None:
    with pytest.raises(UserError, match="two sizes or more"):
        fit_growth(samples)


def test_growth_of_single_samples_has_no_interval() -> None:
    growth = fit_growth({100: [1.0], 200: [2.0, 2.1]})
    assert growth.interval is None
