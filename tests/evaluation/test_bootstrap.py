"""Confidence intervals of a mean."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.evaluation.bootstrap import confidence_interval


@settings(deadline=None, max_examples=30)
@given(count=st.integers(10, 70), power=st.sampled_from([0.5, 1, 3]), seed=st.integers(0, 2**32 - 1))
def test_seeded_and_around_the_mean(count: int, power: float, seed: int) -> None:
    values = (np.random.default_rng(seed).random(count) ** power).tolist()
    interval = confidence_interval(values, resamples=400, seed=seed)
    assert interval == confidence_interval(values, resamples=400, seed=seed)
    assert interval is not None
    assert min(values) <= interval[0] <= np.mean(values) <= interval[1] <= max(values)


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
