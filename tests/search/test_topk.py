"""The best k of each row, as a stable sort has them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.search import topk
from superglobal_core.search.topk import Everything, RunningTopK, best_columns, top_k

tied_matrices = st.tuples(
    st.integers(1, 5), st.integers(1, 80), st.integers(1, 8), st.integers(0, 2**32 - 1)
).map(lambda shape: np.random.default_rng(shape[3]).integers(0, shape[2], shape[:2]).astype(np.float32))


@settings(deadline=None, max_examples=200)
@given(scores=tied_matrices, k=st.integers(1, 90), at_once=st.sampled_from([1, 50, 4_000_000]))
def test_top_k_is_the_head_of_a_stable_sort(scores: np.ndarray, k: int, at_once: int) -> None:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topk, "SORTED_AT_ONCE", at_once)
        values, columns = top_k(torch.from_numpy(scores), k)
        best = best_columns(torch.from_numpy(scores), min(k, scores.shape[1]))
    assert np.array_equal(columns, order)
    assert np.array_equal(values, np.take_along_axis(scores, order, axis=1))
    assert np.array_equal(np.sort(best, axis=1), np.sort(order, axis=1))


@settings(deadline=None, max_examples=100)
@given(scores=tied_matrices, k=st.integers(1, 90), seed=st.integers(0, 2**32 - 1))
def test_pieces_merge_to_the_same(scores: np.ndarray, k: int, seed: int) -> None:
    columns = scores.shape[1]
    order = np.argsort(-scores, axis=1, kind="stable")
    cuts = np.unique([0, columns, *np.random.default_rng(seed).integers(0, columns, 5)]).tolist()
    running, everything = RunningTopK(k), Everything(columns)
    for start, stop in pairwise(cuts):
        running.add(torch.from_numpy(scores[:, start:stop]), start)
        everything.add(torch.from_numpy(scores[:, start:stop]), start)
    assert running.indices is not None
    assert everything.indices is not None
    assert np.array_equal(running.indices, order[:, :k])
    assert np.array_equal(everything.indices, order)


# Around the numbers of columns at which the best are looked for in groups first.
grouped_matrices = st.tuples(
    st.integers(1, 4), st.integers(200, 700), st.sampled_from([2, 30, 1000, 10**6]), st.integers(0, 2**32 - 1)
).map(lambda shape: np.random.default_rng(shape[3]).integers(0, shape[2], shape[:2]).astype(np.float32))


@settings(deadline=None, max_examples=150)
@given(scores=grouped_matrices, k=st.integers(1, 20), lowest=st.integers(0, 5))
def test_the_best_of_groups_are_the_best_of_all(scores: np.ndarray, k: int, lowest: int) -> None:
    scores[:, :lowest] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found = best_columns(torch.from_numpy(scores), k)
    assert np.array_equal(np.sort(found, axis=1), np.sort(order, axis=1))


def test_no_columns_wanted() -> None:
    assert best_columns(torch.ones(2, 3), 0).shape == (2, 0)


@settings(deadline=None, max_examples=100)
@given(
    columns=st.integers(500, 3000),
    values=st.sampled_from([2, 50, 10**6]),
    k=st.integers(1, 80),
    seed=st.integers(0, 2**32 - 1),
)
def test_many_columns_are_looked_at_in_groups(columns: int, values: int, k: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, values, (3, columns)).astype(np.float32)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found, places = top_k(torch.from_numpy(scores), k)
    assert np.array_equal(places, order)
    assert np.array_equal(found, np.take_along_axis(scores, order, axis=1))
