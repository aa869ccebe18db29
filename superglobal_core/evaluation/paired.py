"""The difference of two results on the same queries: its interval, and whether chance explains it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from superglobal_core.errors import UserError
from superglobal_core.evaluation.bootstrap import confidence_interval

RESAMPLES = 10_000
# Up to so many queries with a difference all their signs are tried: 2^13 = 8,192.
EXACT_UP_TO = 13
# Sums that differ by rounding alone count as equal; APs are fractions.
ROUNDING = 1e-12
# Resamples summed at a time: with a few hundred queries under 3 MB.
_PIECE = 1000

Values = Sequence[float | None]


@dataclasses.dataclass(frozen=True)
class PairedDifference:
    """How the mean AP differs between two results, second minus first, over the queries that both have.

    difference: of the means, a fraction; interval: its 95 % interval (BCa), None where there is
    none to give. p_value: of the two-sided sign-flip test. deviation: of the queries' differences
    (n - 1), None for fewer than two. gained, lost: queries whose AP rose and fell.
    """

    difference: float
    interval: tuple[float, float] | None
    p_value: float
    queries: int
    deviation: float | None
    gained: int
    lost: int


def paired_difference(
    before: Values, after: Values, *, resamples: int = RESAMPLES, bootstrap: int = 1000, seed: int = 0
) -> PairedDifference | None:
    """Compare two results query by query.

    before, after: every query's AP, fractions; None where a query has no positives. resamples: of the
    test; bootstrap: of the interval, 0 for none. None where no query has both.

    The test asks how often the mean difference would be as large in size if each query's difference
    had a random sign. Up to 13 queries that differ, all signs are tried; otherwise `resamples`
    random ones, the given signs counted among them, so that no p-value is 0.

    Raises:
        UserError: when the numbers of queries differ.
    Source: Smucker et al., "A comparison of statistical significance tests for information retrieval
    evaluation", CIKM 2007; Phipson and Smyth, "Permutation p-values should never be zero", 2010.

    >>> result = paired_difference([0.1, 0.2, 0.3, None], [0.2, 0.4, 0.6, None], bootstrap=0)
    >>> round(result.difference, 3), result.p_value, result.queries
    (0.2, 0.25, 3)
    """
    return paired_differences([(before, after)], resamples=resamples, bootstrap=bootstrap, seed=seed)[0]


def paired_differences(
    pairs: Sequence[tuple[Values, Values]],
    *,
    resamples: int = RESAMPLES,
    bootstrap: int = 1000,
    seed: int = 0,
) -> list[PairedDifference | None]:
    """Compare many pairs of results, each as `paired_difference` would: the random signs are shared."""
    differences = [_differences(before, after) for before, after in pairs]
    p_values = _p_values(differences, resamples, seed)
    return [
        _summary(values, p_value, bootstrap, seed) if len(values) else None
        for values, p_value in zip(differences, p_values, strict=True)
    ]


def _differences(before: Values, after: Values) -> np.ndarray:
    if len(before) != len(after):
        raise UserError(
            f"{len(before)} and {len(after)} queries cannot be compared one by one: evaluate both on the same"
        )
    return np.array(
        [new - old for old, new in zip(before, after, strict=True) if old is not None and new is not None],
        np.float64,
    )


def _summary(values: np.ndarray, p_value: float, bootstrap: int, seed: int) -> PairedDifference:
    return PairedDifference(
        float(values.mean()),
        confidence_interval(values.tolist(), bootstrap, seed=seed),
        p_value,
        len(values),
        float(values.std(ddof=1)) if len(values) > 1 else None,
        int((values > 0).sum()),
        int((values < 0).sum()),
    )


def _p_values(differences: Sequence[np.ndarray], resamples: int, seed: int) -> list[float]:
    # Queries without a difference add nothing, whatever their sign.
    differing = [values[np.abs(values) > ROUNDING] for values in differences]
    found = [_exact(values) if len(values) <= EXACT_UP_TO else 0.0 for values in differing]
    long = [place for place, values in enumerate(differing) if len(values) > EXACT_UP_TO]
    if not long:
        return found
    width = max(len(differing[place]) for place in long)
    matrix = np.zeros((width, len(long)))
    for column, place in enumerate(long):
        matrix[: len(differing[place]), column] = differing[place]
    wanted = np.abs(matrix.sum(axis=0)) - ROUNDING * width
    reached = np.ones(len(long), np.int64)  # the signs as they are
    # One row a query: a pair of fewer queries meets the same signs as it would alone.
    signs = np.random.default_rng(seed).integers(0, 2, (width, resamples), dtype=np.int8)
    for start in range(0, resamples, _PIECE):
        piece = signs[:, start : start + _PIECE] * 2.0 - 1.0
        reached += (np.abs(piece.T @ matrix) >= wanted).sum(axis=0)
    for column, place in enumerate(long):
        found[place] = float(reached[column] / (resamples + 1))
    return found


def _exact(values: np.ndarray) -> float:
    numbers = np.arange(2 ** len(values))[:, None]
    signs = (numbers >> np.arange(len(values)) & 1) * 2.0 - 1.0
    sums = np.abs(signs @ values)
    return float((sums >= abs(values.sum()) - ROUNDING * max(1, len(values))).mean())
