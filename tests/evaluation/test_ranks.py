"""Ranks counted while streaming are the places in a stable descending sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.errors import UserError
from superglobal_core.evaluation import ranks as ranks_module
from superglobal_core.evaluation.average_precision import NOT_RETRIEVED
from superglobal_core.evaluation.ranks import LabelledRanks, RankCounter, move_to_front


@settings(deadline=None, max_examples=200)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 60)),
    levels=st.integers(1, 6),
    dtype=st.sampled_from([np.float32, np.float64, np.float16, np.int32]),
    columns=st.integers(1, 20),
    seed=st.integers(0, 2**32 - 1),
)
def test_counted_ranks_are_places_in_a_stable_sort(
    shape: tuple[int, int], levels: int, dtype: type, columns: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, shape).astype(dtype)
    query, item = rng.integers(0, shape[0], 25), rng.integers(0, shape[1], 25)
    places = np.empty(shape, np.int64)
    order = np.argsort(-scores.astype(np.float64), axis=1, kind="stable")
    np.put_along_axis(places, order, np.arange(shape[1])[None], axis=1)
    cuts = np.unique(np.concatenate([[0, shape[1]], rng.integers(0, shape[1], 4)]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks_module, "COLUMNS", columns)
        counter = RankCounter(query, item, scores[query, item])
        for piece in rng.permutation(len(cuts) - 1):
            counter.add(scores[:, cuts[piece] : cuts[piece + 1]], int(cuts[piece]))
    assert np.array_equal(counter.ranks, places[query, item])


def test_nothing_to_count() -> None:
    none = np.zeros(0, np.int64)
    counter = RankCounter(none, none, np.zeros(0))
    counter.add(np.ones((3, 4)), 0)
    assert counter.ranks.shape == (0,)


def test_nan_is_refused_with_its_columns() -> None:
    counter = RankCounter(np.array([1]), np.array([0]), np.array([0.5]))
    with pytest.raises(UserError, match=r"query 1 is NaN \(columns 10 to 12\)"):
        counter.add(np.array([[1, 2, 3], [0.5, np.nan, 1]]), 10)


@settings(deadline=None, max_examples=100)
@given(rows=st.integers(2, 30), head=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_ranks_follow_a_new_order_of_the_first_places(rows: int, head: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = np.stack([rng.permutation(rows) for _ in range(2)])
    head = min(head, rows)
    new = first.copy()
    for row in new:
        row[:head] = rng.permutation(row[:head])
    images = rng.permutation(rows)[: rows // 2 + 1]
    query = np.repeat([0, 1], len(images))
    row = np.tile(images, 2)
    row[0] = -1  # an image that the database lacks keeps its rank
    before = np.array(
        [
            np.flatnonzero(first[q] == r)[0] if r >= 0 else NOT_RETRIEVED
            for q, r in zip(query, row, strict=True)
        ]
    )
    after = np.array(
        [np.flatnonzero(new[q] == r)[0] if r >= 0 else NOT_RETRIEVED for q, r in zip(query, row, strict=True)]
    )
    moved = move_to_front(LabelledRanks(query, row, before), row, new[:, :head])
    assert np.array_equal(moved.rank, after)
