"""Confidence intervals of a mean."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from superglobal_core.evaluation.bootstrap import confidence_interval


@settings(deadline=None, max_examples=30)
@given(count=st.integers(10, 70), power=st.sampled_from([0.5, 1, 3]), seed=st.integers(0, 2**32 - 1))
def test_seeded_and_around_the_mean(count: int, power: float, seed: int) -> None:
    values = (np.random.default_rng(seed).random(count) ** power).tolist()
    interval = confidence_interval(values, resamples=400, seed=seed)
    assert interval == confidence_interval(values, resamples=400, seed=seed)
    assert interval is not None
    assert min(values) <= interval[0] <= np.mean(values) <= interval[1] <= max(values)


@settings(deadline=None, max_examples=150)
@given(
    values=st.one_of(
        st.lists(st.floats(0, 1), min_size=2, max_size=70),
        st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=2, max_size=20),
    ).filter(lambda values: min(values) < max(values)),
    resamples=st.integers(1, 200),
    level=st.sampled_from([0.5, 0.8, 0.95, 0.99]),
    seed=st.integers(0, 2**32 - 1),
)
def test_it_is_scipy_s_to_the_last_digit(
    values: list[float], resamples: int, level: float, seed: int
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = bootstrap(
            (np.array(values),),
            np.mean,
            n_resamples=resamples,
            confidence_level=level,
            method="BCa",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    expected = None if np.isnan(known).any() else (known.low, known.high)
    assert confidence_interval(values, resamples, level, seed) == expected


def test_an_evaluation_does_not_wait_for_scipy_s_statistics() -> None:
    code = (
        "import sys; from superglobal_core.evaluation.bootstrap import confidence_interval as interval;"
        "interval([0.1, 0.5, 0.9], 50); assert 'scipy.stats' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_seed_and_the_level_matter() -> None:
    values = np.random.default_rng(0).random(40).tolist()
    narrow, wide = confidence_interval(values, 500, level=0.8), confidence_interval(values, 500, level=0.99)
    assert narrow is not None
    assert wide is not None
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert confidence_interval(values, 500, seed=1) != confidence_interval(values, 500, seed=2)


def test_covers_the_true_mean_about_as_often_as_promised() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        interval = confidence_interval(rng.random(40).tolist(), resamples=200)
        assert interval is not None
        hits += interval[0] <= 0.5 <= interval[1]
    assert 175 <= hits <= 199  # 190 expected, standard deviation 3


@pytest.mark.parametrize(("values", "resamples"), [([], 100), ([0.3], 100), ([0.1, 0.9], 0)])
def test_nothing_to_give(values: list[float], resamples: int) -> None:
    assert confidence_interval(values, resamples) is None


def test_equal_values_have_an_interval_of_one_point() -> None:
    assert confidence_interval([0.25] * 7, 100) == (0.25, 0.25)


def test_degenerate_resamples_neither_warn_nor_break() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for values in ([0.0, 1.0], [0.0] * 9 + [1.0], [0.0, 0.0, 1e-300]):
            interval = confidence_interval(values, resamples=3)
            assert interval is None or interval[0] <= interval[1]
