"""Paired differences, their correction, and what they could show at all."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.errors import UserError
from superglobal_core.evaluation.holm import holm
from superglobal_core.evaluation.paired import EXACT_UP_TO, paired_difference, paired_differences
from superglobal_core.evaluation.power import smallest_detectable

# Coarse values, so that ties and equal queries occur.
VALUES = st.one_of(st.none(), st.integers(0, 8).map(lambda value: value / 8))


def by_scipy(values: np.ndarray, **options: object) -> float:
    result = scipy.stats.permutation_test(
        (values,), np.mean, permutation_type="samples", alternative="two-sided", **options
    )
    return float(result.pvalue)


def test_all_signs_of_few_queries() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.random(9), rng.random(9)
    found = paired_difference(before, after, bootstrap=0)
    assert found is not None
    assert found.p_value == pytest.approx(by_scipy(after - before, n_resamples=np.inf), abs=1e-12)
    assert found.difference == pytest.approx(after.mean() - before.mean(), abs=1e-15)
    assert found.deviation == pytest.approx(np.std(after - before, ddof=1), abs=1e-15)
    assert (found.gained, found.lost) == ((after > before).sum(), (after < before).sum())


def test_random_signs_of_many_queries() -> None:
    rng = np.random.default_rng(2)
    before = rng.random(70)
    for shift in (0.0, 0.02, 0.04):
        after = np.clip(before + shift + 0.1 * rng.standard_normal(70), 0, 1)
        found = paired_difference(before, after, bootstrap=0, resamples=20_000)
        assert found is not None
        expected = by_scipy(after - before, n_resamples=20_000, rng=np.random.default_rng(5))
        # Five standard errors of two estimates.
        assert abs(found.p_value - expected) < 5 * np.sqrt(2 * expected * (1 - expected) / 20_000) + 2e-4


def test_the_two_ways_agree_where_they_meet() -> None:
    rng = np.random.default_rng(3)
    values = rng.standard_normal(EXACT_UP_TO) * 0.1 + 0.05
    exact = paired_difference(np.zeros(EXACT_UP_TO), values, bootstrap=0)
    # Another query whose difference is next to nothing: too many for all signs.
    more = np.append(values, 1e-9)
    random = paired_difference(np.zeros(len(more)), more, bootstrap=0, resamples=50_000)
    assert exact is not None
    assert random is not None
    assert random.p_value == pytest.approx(exact.p_value, abs=0.01)


@settings(deadline=None, max_examples=60)
@given(pairs=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=30))
def test_symmetry_and_shared_queries(pairs: list[tuple[float | None, float | None]]) -> None:
    before, after = zip(*pairs, strict=True)
    forth = paired_difference(before, after, bootstrap=0, resamples=200)
    back = paired_difference(after, before, bootstrap=0, resamples=200)
    shared = [(a, b) for a, b in pairs if a is not None and b is not None]
    if not shared:
        assert forth is None
        assert back is None
        return
    assert forth is not None
    assert back is not None
    assert (forth.queries, forth.p_value) == (len(shared), back.p_value)
    assert forth.difference == -back.difference
    assert (forth.gained, forth.lost) == (back.lost, back.gained)
    assert 0 < forth.p_value <= 1
    if all(a == b for a, b in shared):
        assert forth.p_value == 1


def test_the_order_of_the_queries_does_not_matter() -> None:
    rng = np.random.default_rng(8)
    for queries in (EXACT_UP_TO, 60):
        before, after = rng.random((2, queries))
        order = rng.permutation(queries)
        one = paired_difference(before, after, bootstrap=0, resamples=20_000)
        other = paired_difference(before[order], after[order], bootstrap=0, resamples=20_000)
        assert one is not None
        assert other is not None
        # All signs of few queries; random signs meet other queries in another order.
        tolerance = 1e-12 if queries <= EXACT_UP_TO else 0.025
        assert one.p_value == pytest.approx(other.p_value, abs=tolerance)
        assert one.difference == pytest.approx(other.difference, abs=1e-15)
        assert (one.gained, one.lost) == (other.gained, other.lost)


def test_the_interval_of_a_difference_that_is_the_same_for_every_query() -> None:
    # Rounding alone makes these differences unequal.
    before = np.linspace(0.1, 0.7, 20)
    found = paired_difference(before, before + 0.1, bootstrap=200)
    assert found is not None
    assert found.interval == pytest.approx((0.1, 0.1), abs=1e-9)


def test_many_pairs_are_what_each_alone_is() -> None:
    rng = np.random.default_rng(4)
    results = rng.random((4, 40))
    pairs = [(results[i], results[j]) for i in range(4) for j in range(i)] + [
        (results[0][:5], results[1][:5])
    ]
    together = paired_differences(pairs, resamples=500, bootstrap=50, seed=7)
    for found, (before, after) in zip(together, pairs, strict=True):
        alone = paired_difference(before, after, resamples=500, bootstrap=50, seed=7)
        assert alone is not None
        assert found is not None
        assert found == alone
        assert found.interval is not None
        assert found.interval[0] <= found.difference <= found.interval[1]


def test_chance_alone_is_found_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(5)
    pairs = [(np.zeros(20), rng.standard_normal(20)) for _ in range(400)]
    p_values = [
        found.p_value for found in paired_differences(pairs, resamples=999, bootstrap=0) if found is not None
    ]
    # Binomial: 400 x 0.05 = 20, standard deviation 4.4.
    assert 5 <= sum(p <= 0.05 for p in p_values) <= 37
    assert scipy.stats.kstest(p_values, "uniform").pvalue > 1e-3


def test_results_of_other_queries_are_refused() -> None:
    with pytest.raises(UserError, match="2 and 3 queries cannot be compared"):
        paired_difference([0.1, 0.2], [0.1, 0.2, 0.3])


@given(p_values=st.lists(st.one_of(st.none(), st.floats(1e-6, 1)), max_size=20))
def test_holm_raises_and_keeps_the_order(p_values: list[float | None]) -> None:
    corrected = holm(p_values)
    known = [(p, q) for p, q in zip(p_values, corrected, strict=True) if p is not None]
    assert [p is None for p in p_values] == [q is None for q in corrected]
    for p, q in known:
        assert q is not None
        assert p <= q <= min(1.0, p * len(known)) + 1e-15
    by_p = [q for _, q in sorted(known)]
    assert by_p == sorted(by_p)  # type: ignore[type-var]
    if known:
        smallest = min(known)
        assert smallest[1] == min(1.0, smallest[0] * len(known))


def test_the_smallest_difference_is_found_as_often_as_promised() -> None:
    rng = np.random.default_rng(6)
    for comparisons in (1, 10):
        planted = smallest_detectable(0.1, 70, comparisons=comparisons)
        assert planted is not None
        samples = planted + 0.1 * rng.standard_normal((2000, 70))
        p_values = scipy.stats.ttest_1samp(samples, 0, axis=1).pvalue
        # Binomial with 2,000 trials: standard deviation 0.9 %.
        assert abs((p_values < 0.05 / comparisons).mean() - 0.8) < 0.045
        pairs = [(np.zeros(70), values) for values in samples]
        found = paired_differences(pairs, resamples=1999, bootstrap=0)
        shown = [each.p_value <= 0.05 / comparisons for each in found if each is not None]
        assert abs(np.mean(shown) - 0.8) < 0.045


def test_what_cannot_be_shown() -> None:
    assert smallest_detectable(0.1, 1) is None
    assert smallest_detectable(0.0, 70) == 0
    for wrong, message in (
        ({"deviation": -1.0, "queries": 70}, "deviation is -1"),
        ({"deviation": 0.1, "queries": 70, "comparisons": 0}, "comparisons is 0"),
        ({"deviation": 0.1, "queries": 70, "power": 1.0}, "power is 1"),
    ):
        with pytest.raises(UserError, match=message):
            smallest_detectable(**wrong)  # type: ignore[arg-type]
