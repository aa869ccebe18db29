"""AP and precision at k of one query, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from superglobal_core.evaluation.average_precision import (
    NOT_RETRIEVED,
    average_precision,
    precision_at,
    without_ignored,
)


def test_trapezoids_by_hand() -> None:
    # ranks 0, 2, 5: (1 + 1)/2, (1/2 + 2/3)/2, (2/5 + 3/6)/2
    assert average_precision(np.array([0, 2, 5])) == pytest.approx((1 + 7 / 12 + 9 / 20) / 3, abs=1e-15)
    assert average_precision(np.array([0, 1, 2])) == 1
    assert average_precision(np.array([3])) == pytest.approx((0 + 1 / 4) / 2)


def test_what_is_not_retrieved_adds_nothing() -> None:
    found = average_precision(np.array([0, 2]))
    assert average_precision(np.array([0, 2, NOT_RETRIEVED, NOT_RETRIEVED])) == pytest.approx(found / 2)
    assert average_precision(np.array([NOT_RETRIEVED])) == 0


def test_no_positives_have_no_average_precision() -> None:
    with pytest.raises(ValueError, match="without positives"):
        average_precision(np.array([], np.int64))


def test_ignored_images_leave_the_ranking() -> None:
    ranks = without_ignored(np.array([7, 1, NOT_RETRIEVED]), np.array([0, 6, 8, NOT_RETRIEVED]))
    assert ranks.tolist() == [0, 5, NOT_RETRIEVED]


def test_the_cutoff_shrinks_to_the_last_positive() -> None:
    assert precision_at(np.array([0, 1]), [1, 5, 10]) == [1, 1, 1]
    assert precision_at(np.array([1, 3]), [1, 5]) == [0, 2 / 4]
    assert precision_at(np.array([1, 3, 30]), [1, 5, 10]) == [0, 2 / 5, 2 / 10]
    assert precision_at(np.array([0, NOT_RETRIEVED]), [1, 5]) == [1, 1 / 5]
