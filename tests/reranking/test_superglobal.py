"""SuperGlobal's reranking equals the release and the method written down plainly."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import unit_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.errors import UserError
from superglobal_core.features.store import FeatureStore, Segment
from superglobal_core.reranking.shortlist_graph import TILE, gram
from superglobal_core.reranking.superglobal import Refinement, SuperGlobalReranker

# Golden ranks are compared where neighbouring scores are further apart than this.
CLEAR = 1e-6
GOLDEN_TOLERANCE = 1e-5
NAIVE_TOLERANCE = 1e-12
FLOAT32_TOLERANCE = 2e-6
# Unit vectors rounded to 11 and 8 significant bits: errors of a sum of refined similarities.
HALF_TOLERANCE = {torch.float16: 2e-3, torch.bfloat16: 1.5e-2}


def naive(
    query: np.ndarray, candidates: np.ndarray, neighbours: int, beta: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The method for one query, step by step and dense, in float64: refined descriptors, s1, final scores."""
    query, candidates = query.astype(np.float64), candidates.astype(np.float64)
    similarities = candidates @ candidates.T
    refined = []
    for own, row in enumerate(similarities):
        others = [index for index in np.argsort(-row, kind="stable") if index != own][:neighbours]
        weights = np.array([1.0] + [beta * row[index] for index in others])
        refined.append(weights @ candidates[[own, *others]] / weights.sum())
    r = np.array(refined)
    s1 = r @ query
    expanded = r[np.argsort(-s1, kind="stable")[: neighbours + 1]].max(axis=0)
    return r, s1, (s1 + r @ expanded) / 2


SETTING = re.compile(r"M(\d+)_K(\d+)_beta([\d.]+)_ranks")


def golden(shared: Path) -> tuple[dict[str, np.ndarray], list[tuple[int, int, float, str]]]:
    with np.load(shared / "golden" / "rerank.npz") as archive:
        arrays = dict(archive)
    found = [(name, match) for name in arrays if (match := SETTING.fullmatch(name))]
    cases = [(int(match[1]), int(match[2]), float(match[3]), name) for name, match in found]
    assert len(cases) == 3
    return arrays, cases


def clear_places(scores: np.ndarray) -> np.ndarray:
    """Places whose score is further than CLEAR from both neighbours'."""
    gaps = np.abs(np.diff(scores, axis=1)) > CLEAR
    yes = np.ones((len(scores), 1), bool)
    return np.concatenate([yes, gaps], axis=1) & np.concatenate([gaps, yes], axis=1)


def test_golden_ranks(shared: Path) -> None:
    arrays, cases = golden(shared)
    queries, database, first = arrays["queries"], arrays["database"], arrays["first_stage_ranks"]
    for shortlist, neighbours, beta, name in cases:
        reranker = SuperGlobalReranker(shortlist, neighbours, beta)
        expected = arrays[name]
        for indices in (first.astype(np.int64), None):
            order, scores = reranker(queries, database, indices)
            assert np.array_equal(np.sort(order[:, :shortlist]), np.sort(expected[:, :shortlist]))
            certain = clear_places(scores[:, :shortlist])
            assert certain.mean() > 0.98
            assert np.array_equal(order[:, :shortlist][certain], expected[:, :shortlist][certain])
            if indices is not None:
                assert np.array_equal(order[:, shortlist:], expected[:, shortlist:])


def test_golden_refined_descriptors_and_first_scores(shared: Path) -> None:
    arrays, _ = golden(shared)
    name = "M400_K9_beta0.15"
    first = arrays["first_stage_ranks"][:, :400]
    candidates = torch.from_numpy(arrays["database"][first])
    queries = torch.from_numpy(arrays["queries"])
    refinement = Refinement(candidates, neighbours=9, beta=0.15)
    s1 = refinement.apply(torch.einsum("bmd,bd->bm", candidates, queries))
    assert np.abs(s1.numpy() - arrays[f"{name}_s1"]).max() < GOLDEN_TOLERANCE
    every = torch.arange(400).expand(20, 400)
    refined = refinement.refined(candidates, every)[0].numpy()
    assert np.abs(refined - arrays[f"{name}_refined_of_query0"]).max() < GOLDEN_TOLERANCE


@settings(deadline=None, max_examples=150)
@given(
    rows=st.integers(1, 40),
    dimension=st.integers(1, 12),
    shortlist=st.integers(1, 60),
    neighbours=st.integers(0, 45),
    beta=st.sampled_from([0.0, 0.15, 1.0, 3.0]),
    duplicates=st.integers(0, 20),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_the_method_written_down(
    rows: int, dimension: int, shortlist: int, neighbours: int, beta: float, duplicates: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    # Around one direction, as images of one place are: the weights' sums stay away from zero.
    database = np.abs(rng.standard_normal((rows, dimension)) * 0.5 + 1)
    database[rng.integers(0, rows, duplicates)] = database[rng.integers(0, rows, duplicates)]
    database /= np.linalg.norm(database, axis=1, keepdims=True)
    queries = unit_rows(rng, 3, dimension, np.float64)
    order, scores = SuperGlobalReranker(shortlist, neighbours, beta)(queries, database)
    similarities = queries @ database.T
    first = np.argsort(-similarities, axis=1, kind="stable")[:, :shortlist]
    assert order.shape == scores.shape == first.shape
    for query in range(3):
        assert sorted(order[query].tolist()) == sorted(set(order[query].tolist()))
        assert np.allclose(
            np.sort(similarities[query, order[query]]),
            np.sort(similarities[query, first[query]]),
            atol=NAIVE_TOLERANCE,
        )
        candidates = database[order[query]]
        # Of equally near duplicates either may be the neighbour: their vectors are the same.
        _, _, expected = naive(queries[query], candidates, neighbours, beta)
        assert np.allclose(scores[query], expected, rtol=0, atol=1e-9)
        assert (np.diff(scores[query]) <= 0).all()


@pytest.mark.parametrize("count", [1, 2 * TILE - 1, 2 * TILE, 5 * TILE + 3, 700])
def test_the_product_in_tiles_is_the_product(count: int) -> None:
    rows = torch.from_numpy(unit_rows(np.random.default_rng(0), 2 * count, 16, np.float64)).view(2, count, 16)
    assert torch.allclose(gram(rows), rows @ rows.transpose(1, 2), rtol=0, atol=NAIVE_TOLERANCE)


@pytest.mark.parametrize("count", [1, 30, 400])
def test_a_large_shortlist_equals_the_method_written_down(count: int) -> None:
    rng = np.random.default_rng(1)
    database, query = unit_rows(rng, count, 32, np.float64), unit_rows(rng, 1, 32, np.float64)
    order, scores = SuperGlobalReranker(count)(query, database)
    _, _, expected = naive(query[0], database[order[0]], 9, 0.15)
    assert np.allclose(scores[0], expected, rtol=0, atol=1e-9)


def problem(seed: int = 0, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return unit_rows(rng, 7, 64, dtype), unit_rows(rng, 500, 64, dtype)


def test_torch_and_numpy_agree() -> None:
    queries, database = problem()
    reranker = SuperGlobalReranker(shortlist=100)
    order, scores = reranker(queries, database)
    assert isinstance(order, np.ndarray)
    assert (order.dtype, scores.dtype) == (np.int64, np.float32)
    store = FeatureStore([Segment(part, Path("part")) for part in np.array_split(database, 3)], "store")
    for other_queries, other in (
        (torch.from_numpy(queries), torch.from_numpy(database)),
        (torch.from_numpy(queries), database),
        (queries, torch.from_numpy(database)),
        (queries, store),
        (queries, np.asfortranarray(database)),
        (queries[::-1].copy()[::-1], database),
    ):
        found, found_scores = reranker(other_queries, other)
        assert isinstance(found, type(queries) if isinstance(other_queries, np.ndarray) else torch.Tensor)
        assert np.array_equal(np.asarray(found), order)
        assert np.abs(np.asarray(found_scores) - scores).max() < FLOAT32_TOLERANCE


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype: torch.dtype) -> None:
    queries, database = (torch.from_numpy(array) for array in problem(dtype=np.float64))
    first = torch.argsort(queries @ database.T, dim=1, descending=True)[:, :100]
    reranker = SuperGlobalReranker(shortlist=100)
    order, scores = reranker(queries.to(dtype), database.to(dtype), first)
    assert scores.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    for query in range(len(queries)):
        rows = order[query].numpy()
        _, _, expected = naive(queries[query].numpy(), database[rows].numpy(), 9, 0.15)
        tolerance = HALF_TOLERANCE.get(dtype, NAIVE_TOLERANCE)
        assert np.abs(scores[query].numpy() - expected).max() < tolerance


def test_numpy_half_precision_is_computed_in_float32() -> None:
    queries, database = problem()
    order, scores = SuperGlobalReranker(shortlist=50)(queries.astype(np.float16), database.astype(np.float16))
    wide, wide_scores = SuperGlobalReranker(shortlist=50)(
        queries.astype(np.float16).astype(np.float32), database.astype(np.float16).astype(np.float32)
    )
    assert scores.dtype == np.float32
    assert np.array_equal(order, wide)
    assert np.array_equal(scores, wide_scores)


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_one_query_at_a_time_or_many(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    queries, database = problem()
    reranker = SuperGlobalReranker(shortlist=120)
    monkeypatch.setattr(SuperGlobalReranker, "queries_at_once", lambda *_: at_once)
    together, scores = reranker(queries, database)
    for query in range(len(queries)):
        alone, alone_scores = reranker(queries[query : query + 1], database)
        assert np.array_equal(alone[0], together[query])
        assert np.abs(alone_scores[0] - scores[query]).max() < FLOAT32_TOLERANCE


def test_places_beyond_the_shortlist_stay() -> None:
    queries, database = problem()
    first = np.argsort(-(queries @ database.T), axis=1, kind="stable")
    order, scores = SuperGlobalReranker(shortlist=30)(queries, database, first)
    head, head_scores = SuperGlobalReranker(shortlist=30)(queries, database, first[:, :30])
    assert np.array_equal(order[:, :30], head)
    assert np.array_equal(scores[:, :30], head_scores)
    assert np.array_equal(order[:, 30:], first[:, 30:])
    similarities = np.take_along_axis(queries @ database.T, first[:, 30:], axis=1)
    assert np.abs(scores[:, 30:] - similarities).max() < FLOAT32_TOLERANCE


def test_empty_places_stay_empty() -> None:
    queries, database = problem()
    first = np.argsort(-(queries @ database.T), axis=1, kind="stable")[:, :60]
    lengths = [60, 0, 1, 25, 60, 59, 2]
    padded = first.copy()
    for row, length in zip(padded, lengths, strict=True):
        row[length:] = -1
    order, scores = SuperGlobalReranker(shortlist=40)(queries, database, padded)
    for query, length in enumerate(lengths):
        assert (order[query, length:] == -1).all()
        assert np.isneginf(scores[query, length:]).all()
        if length:
            alone, alone_scores = SuperGlobalReranker(shortlist=40)(
                queries[query : query + 1], database, first[query : query + 1, :length]
            )
            assert np.array_equal(order[query, :length], alone[0])
            assert np.abs(scores[query, :length] - alone_scores[0]).max() < FLOAT32_TOLERANCE


def test_the_order_given_decides_between_equals() -> None:
    database = np.ones((6, 1), np.float32)
    given_order = np.array([[3, 1, 5, 0]])
    order, scores = SuperGlobalReranker()(np.ones((1, 1), np.float32), database, given_order)
    assert np.array_equal(order, given_order)
    assert np.allclose(scores, 1)


def test_a_warning_when_lengths_are_not_one() -> None:
    queries, database = problem()
    with pytest.warns(UserWarning, match="not of unit length") as caught:
        SuperGlobalReranker(shortlist=20)(queries, database * 3)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SuperGlobalReranker(shortlist=20)(queries.astype(np.float16), database.astype(np.float16))


def test_read_only_arrays_neither_warn_nor_change() -> None:
    queries, database = (np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape) for a in problem())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, _ = SuperGlobalReranker(shortlist=20)(queries, database)
    assert np.array_equal(found, SuperGlobalReranker(shortlist=20)(*problem())[0])
    first = np.frombuffer(found.tobytes(), np.int64).reshape(found.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SuperGlobalReranker(shortlist=20)(queries, database, first)


Q, DB = problem()
FIRST = np.zeros((7, 1), np.int64)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SuperGlobalReranker(shortlist=0), "shortlist is 0"),
        (lambda: SuperGlobalReranker(neighbours=-1), "neighbours is -1"),
        (lambda: SuperGlobalReranker(beta=-0.1), "beta is -0.1"),
        (lambda: SuperGlobalReranker(beta=float("nan")), "beta is nan"),
        (lambda: SuperGlobalReranker()(Q[:, :3], DB), "queries have 3 dimensions and the database 64"),
        (lambda: SuperGlobalReranker()(Q[0], DB), r"queries have the shape \(64,\)"),
        (lambda: SuperGlobalReranker()(Q, DB[0]), r"database have the shape \(64,\)"),
        (lambda: SuperGlobalReranker()(Q, DB[:0]), "the database is empty"),
        (lambda: SuperGlobalReranker()(Q, DB, FIRST[:3]), r"shape \(3, 1\): one row for each of 7 queries"),
        (lambda: SuperGlobalReranker()(Q, DB, FIRST[:, 0]), r"shape \(7,\)"),
        (lambda: SuperGlobalReranker()(Q, DB, FIRST + 0.5), "float64 values"),
        (lambda: SuperGlobalReranker()(Q, DB, FIRST > 0), "bool values"),
        (
            lambda: SuperGlobalReranker()(Q, DB, FIRST + 500),
            "indices from 500 to 500, but the database has the rows 0 to 499",
        ),
        (lambda: SuperGlobalReranker()(Q, DB, FIRST - 2), "indices from -2 to -2"),
        (lambda: SuperGlobalReranker()(Q, DB, np.tile([-1, 3], (7, 1))), "empty place"),
        (lambda: SuperGlobalReranker()(np.where(FIRST == 0, np.nan, Q), DB), "NaN"),
        (
            lambda: SuperGlobalReranker()(Q, np.where(DB[3, 0] == DB, np.nan, DB), FIRST + 3),
            "query 0 or one of its candidates",
        ),
    ],
)
def test_wrong_arguments(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        call()


@pytest.mark.gpu
def test_a_gpu_gives_the_same_order() -> None:
    queries, database = problem(dtype=np.float64)
    order, scores = SuperGlobalReranker(shortlist=200)(queries, database)
    for found, found_scores in (
        SuperGlobalReranker(shortlist=200)(
            torch.from_numpy(queries).cuda(), torch.from_numpy(database).cuda()
        ),
        SuperGlobalReranker(shortlist=200)(queries, database, device="cuda"),
    ):
        assert np.array_equal(torch.as_tensor(found).cpu(), order)
        assert np.abs(torch.as_tensor(found_scores).cpu().numpy() - scores).max() < NAIVE_TOLERANCE
