"""Exact search equals a stable sort of all similarities, however the database is cut and stored."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import faiss
import numpy as np
import pytest
import torch
from helpers import unit_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.errors import UserError
from superglobal_core.features.store import FeatureStore, Segment
from superglobal_core.search import scoring
from superglobal_core.search.exact import search

DTYPES = [np.float16, np.float32, np.float64, np.int8, np.uint8, np.int64]
# Scores that two libraries sum in different orders.
SCORE_TOLERANCE = 1e-5


def cut(array: np.ndarray, cuts: list[int]) -> FeatureStore:
    """The rows of an array as segments of one store."""
    edges = sorted({0, len(array), *(number for number in cuts if 0 < number < len(array))})
    pieces = pairwise(edges)
    return FeatureStore([Segment(array[start:stop], Path(f"{start}")) for start, stop in pieces], "cut")


@settings(deadline=None, max_examples=120)
@given(
    rows=st.integers(1, 90),
    queries=st.integers(1, 4),
    dimension=st.integers(1, 9),
    k=st.integers(1, 100),
    block=st.sampled_from([1, 3, 16, 512]),
    slab=st.sampled_from([1, 100, 8_000_000]),
    cuts=st.lists(st.integers(1, 89), max_size=5),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_a_stable_sort(
    rows: int,
    queries: int,
    dimension: int,
    k: int,
    block: int,
    slab: int,
    cuts: list[int],
    dtype: type,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    database = rng.integers(0, 3, (rows, dimension)).astype(dtype)
    wanted = rng.integers(-2, 3, (queries, dimension)).astype(np.float32)
    scores = wanted.astype(np.float64) @ database.T.astype(np.float64)
    order = np.argsort(-scores, axis=1, kind="stable")
    places = np.argsort(order, axis=1)
    query, row = rng.integers(0, queries, 20), rng.integers(-1, rows, 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "BLOCK", block)
        patch.setattr(scoring, "SLAB_SCORES", slab)
        found = search(wanted, cut(database, cuts), k, labelled=(query, row), device="cpu")
    assert np.array_equal(found.indices, order[:, :k])
    assert np.array_equal(found.scores, np.take_along_axis(scores, order, axis=1)[:, :k])
    assert found.labelled_ranks is not None
    assert np.array_equal(found.labelled_ranks, np.where(row < 0, -1, places[query, row]))


@settings(deadline=None, max_examples=15)
@given(
    rows=st.integers(600, 2500),
    cuts=st.lists(st.integers(1, 2400), max_size=6),
    half=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_cuts_change_no_bit(rows: int, cuts: list[int], half: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    database = unit_rows(rng, rows, 96, np.float16 if half else np.float32)
    queries = unit_rows(rng, 3, 96)
    whole, pieces = (search(queries, cut(database, where), 50, device="cpu") for where in ([], cuts))
    assert np.array_equal(whole.indices, pieces.indices)
    assert whole.scores.tobytes() == pieces.scores.tobytes()


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_labelled_ranks_are_places_in_the_full_ranking(seed: int) -> None:
    rng = np.random.default_rng(seed)
    database, queries = unit_rows(rng, 1300, 64), unit_rows(rng, 4, 64)
    database[rng.integers(0, 1300, 300)] = database[7]  # equal descriptors tie to the last bit
    query, row = np.repeat(np.arange(4), 1300), np.tile(np.arange(1300), 4)
    found = search(queries, cut(database, [700]), 2000, labelled=(query, row), device="cpu")
    assert found.labelled_ranks is not None
    assert np.array_equal(found.labelled_ranks, np.argsort(found.indices, axis=1).reshape(-1))


def test_faiss_finds_the_same() -> None:
    rng = np.random.default_rng(3)
    database, queries = unit_rows(rng, 5000, 128), unit_rows(rng, 17, 128)
    index = faiss.IndexFlatIP(128)
    index.add(database)
    scores, indices = index.search(queries, 100)
    found = search(queries, cut(database, [1234, 1235, 4000]), 100, device="cpu")
    assert np.abs(found.scores - scores).max() < SCORE_TOLERANCE
    clear = np.abs(np.diff(scores, axis=1)) > SCORE_TOLERANCE
    certain = np.pad(clear, ((0, 0), (1, 0)), constant_values=True) & np.pad(clear, ((0, 0), (0, 1)))
    assert certain.mean() > 0.9
    assert np.array_equal(found.indices[certain], indices[certain])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 511, 512, 1400])
def test_a_row_that_is_no_number_is_named(bad: float, row: int) -> None:
    rng = np.random.default_rng(0)
    database, queries = unit_rows(rng, 1401, 8), unit_rows(rng, 2, 8)
    database[row, 3] = bad
    for k in (3, 2000):
        with pytest.raises(UserError, match=f"row {row} of cut gives a score that is no finite number"):
            search(queries, cut(database, [600]), k, device="cpu")


def test_wrong_arguments() -> None:
    store = cut(np.eye(4, dtype=np.float32), [])
    for k in (0, -3):
        with pytest.raises(UserError, match=f"k is {k}"):
            search(np.eye(4, dtype=np.float32), store, k)
    with pytest.raises(UserError, match="queries have 3 dimensions and the database 4"):
        search(np.eye(3, dtype=np.float32), store, 1)
    with pytest.raises(UserError, match="queries hold NaN"):
        search(np.full((1, 4), np.nan, np.float32), store, 1)


def test_arrays_may_be_read_only_reversed_or_transposed(recwarn: pytest.WarningsRecorder) -> None:
    rng = np.random.default_rng(1)
    database, queries = unit_rows(rng, 40, 8), unit_rows(rng, 3, 8)
    expected = search(queries, FeatureStore.of_array(database), 40, device="cpu").indices
    for change in (
        lambda array: array[::-1].copy()[::-1],
        np.asfortranarray,
        lambda array: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape),
    ):
        found = search(change(queries), FeatureStore.of_array(change(database)), 40, device="cpu")
        assert np.array_equal(found.indices, expected)
    assert not recwarn.list


def test_only_a_block_of_the_database_is_held(tmp_path: Path) -> None:
    """The rows are read in blocks: no array of the database's size is made on the way."""
    database = unit_rows(np.random.default_rng(0), 3000, 16)
    largest = 0

    class Watched(FeatureStore):
        def read_into(self, buffer: torch.Tensor, start: int) -> int:
            nonlocal largest
            largest = max(largest, len(buffer))
            return super().read_into(buffer, start)

    search(database[:2], Watched([Segment(database, tmp_path)], "watched"), 5, device="cpu")
    assert 0 < largest <= scoring.BLOCK


@pytest.mark.gpu
def test_a_gpu_finds_the_same() -> None:
    rng = np.random.default_rng(4)
    database = rng.integers(-2, 3, (3000, 64)).astype(np.float16)
    queries = rng.integers(-2, 3, (9, 64)).astype(np.float32)
    labelled = (np.repeat(np.arange(9), 50), rng.integers(0, 3000, 450))
    one, other = (
        search(queries, cut(database, [100]), 200, labelled=labelled, device=d) for d in ("cpu", "cuda")
    )
    assert np.array_equal(one.indices, other.indices)
    assert np.array_equal(one.scores, other.scores)
    assert np.array_equal(one.labelled_ranks, other.labelled_ranks)
