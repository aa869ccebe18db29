"""SuperGlobal's protocol switches equal the variants written down plainly, step by step and dense."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from helpers import unit_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from shortlists import ranked

from superglobal_core.errors import UserError
from superglobal_core.reranking.methods import make_reranker, parse_settings
from superglobal_core.reranking.superglobal import Refinement, SuperGlobalReranker

NAMES = ("query_neighbour", "normalise_refined", "expand_against")
EVERY = [
    dict(zip(NAMES, values, strict=True))
    for values in itertools.product((False, True), (False, True), ("refined", "original"))
]
DOUBLE_TOLERANCE = 1e-9
SINGLE_TOLERANCE = 5e-6

every_combination = pytest.mark.parametrize(
    "switches", EVERY, ids=lambda value: "-".join(map(str, value.values()))
)


def plain(
    query: np.ndarray,
    candidates: np.ndarray,
    neighbours: int,
    beta: float,
    query_neighbour: bool,
    normalise_refined: bool,
    expand_against: str,
) -> np.ndarray:
    """The scores of one query's candidates, in float64."""
    refined = []
    for own, candidate in enumerate(candidates):
        others = [other for index, other in enumerate(candidates) if index != own]
        if query_neighbour:
            others.append(query)  # last: of equally near ones the candidates come first
        near = [candidate @ other for other in others]
        chosen = ranked(np.array(near))[:neighbours]
        total = candidate + sum(beta * near[index] * others[index] for index in chosen)
        refined.append(total / (1 + sum(beta * near[index] for index in chosen)))
    rows = np.array(refined)
    if normalise_refined:
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    first = rows @ query
    expanded = rows[ranked(first)[: neighbours + 1]].max(axis=0)
    return (first + (candidates if expand_against == "original" else rows) @ expanded) / 2


def around_one_direction(seed: int, rows: int, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Queries (3, D) and a database (N, D) as images of one place are: no refined descriptor vanishes."""
    rng = np.random.default_rng(seed)
    both = np.abs(rng.standard_normal((rows + 3, dimension)) * 0.5 + 1)
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    return both[:3], both[3:]


@every_combination
@settings(deadline=None, max_examples=40)
@given(
    rows=st.integers(1, 30),
    dimension=st.integers(2, 12),
    shortlist=st.integers(1, 40),
    neighbours=st.integers(0, 35),
    beta=st.sampled_from([0.0, 0.15, 1.0, 3.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_the_variant_written_down(
    switches: dict[str, Any],
    rows: int,
    dimension: int,
    shortlist: int,
    neighbours: int,
    beta: float,
    seed: int,
) -> None:
    queries, database = around_one_direction(seed, rows, dimension)
    first = np.argsort(-(queries @ database.T), axis=1, kind="stable")
    head = min(shortlist, rows)
    order, scores = SuperGlobalReranker(shortlist, neighbours, beta, **switches)(queries, database, first)
    assert np.array_equal(np.sort(order[:, :head]), np.sort(first[:, :head]))
    assert np.array_equal(order[:, head:], first[:, head:])
    assert (np.diff(scores[:, :head]) <= 0).all()
    for number, candidates in enumerate(first[:, :head]):
        expected = plain(queries[number], database[candidates], neighbours, beta, **switches)
        found = dict(zip(order[number].tolist(), scores[number].tolist(), strict=True))
        mine = [found[row] for row in candidates.tolist()]
        assert np.allclose(mine, expected, rtol=0, atol=DOUBLE_TOLERANCE)


@every_combination
def test_single_precision_and_one_query_as_many(switches: dict[str, Any]) -> None:
    queries, database = around_one_direction(0, 300, 48)
    single = [array.astype(np.float32) for array in (queries, database)]
    reranker = SuperGlobalReranker(shortlist=200, **switches)
    _, double = reranker(queries, database)
    order, scores = reranker(*single)
    assert scores.dtype == np.float32
    assert np.abs(scores - double).max() < SINGLE_TOLERANCE
    for query in range(len(queries)):
        (alone,), (alone_scores,) = reranker(single[0][query : query + 1], single[1])
        # A matrix product rounds by its shape, differently on every kind of CPU: rows that are all but tied may
        # change places, and no others.
        assert np.abs(alone_scores - scores[query]).max() < SINGLE_TOLERANCE
        apart = np.flatnonzero(-np.diff(scores[query]) > 2 * SINGLE_TOLERANCE) + 1
        assert len(apart) > len(alone) / 4
        for mine, theirs in zip(np.split(alone, apart), np.split(order[query], apart), strict=True):
            assert sorted(mine) == sorted(theirs)


@every_combination
def test_equal_candidates_keep_their_order(switches: dict[str, Any]) -> None:
    # A vector whose products are exact, so that equal images score equally to the last bit.
    database = np.tile(np.array([[0.5, 0.5, 0.5, 0.5]], np.float32), (30, 1))
    given_order = np.random.default_rng(0).permutation(30)[None]
    order, scores = SuperGlobalReranker(**switches)(database[:1], database, given_order)
    assert np.array_equal(order, given_order)
    assert np.allclose(scores, 1)


def test_of_equally_near_ones_the_query_comes_last() -> None:
    # The second candidate is the query's copy: to the first both are as near as can be told.
    query = torch.tensor([[1.0, 0.0]])
    candidates = torch.tensor([[[0.6, 0.8], [1.0, 0.0]]])
    pool = torch.cat([candidates, query[None]], dim=1)
    assert Refinement(pool, 1, 0.15, count=2).neighbours.tolist() == [[[1], [2]]]
    assert sorted(Refinement(pool, 2, 0.15, count=2).neighbours[0, 0].tolist()) == [1, 2]


def test_a_single_candidate_has_the_query_for_a_neighbour() -> None:
    query, candidate = np.array([[1.0, 0.0]]), np.array([[0.6, 0.8]])
    _, scores = SuperGlobalReranker(query_neighbour=True, beta=1.0)(query, candidate)
    refined = (candidate[0] + 0.6 * query[0]) / 1.6
    assert np.allclose(scores, (refined @ query[0] + refined @ refined) / 2)


def test_normalised_rows_have_unit_length() -> None:
    queries, database = around_one_direction(1, 60, 16)
    pool = torch.from_numpy(np.concatenate([database, queries[:1]])[None])
    for neighbours in (0, 3, 59, 60):
        refinement = Refinement(pool, neighbours, 0.4, count=60, normalise=True)
        rows = refinement.refined(pool, torch.arange(60)[None])
        assert torch.allclose(rows.norm(dim=2), torch.ones(1, 60, dtype=rows.dtype), rtol=0, atol=1e-12)


def test_a_refined_descriptor_that_vanishes_is_left_as_it_is() -> None:
    # With this weight a candidate and its opposite cancel.
    pool = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]], dtype=torch.float64)
    refinement = Refinement(pool, 1, -1.0, normalise=True)
    rows = refinement.refined(pool, torch.arange(2)[None])
    assert torch.equal(rows, torch.zeros_like(rows))


def test_each_switch_changes_the_scores_and_the_default_is_the_release() -> None:
    queries, database = around_one_direction(2, 80, 24)
    release = SuperGlobalReranker(60, 9, 0.15)
    _, expected = release(queries, database)
    assert release.parameters == {
        "shortlist": 60,
        "neighbours": 9,
        "beta": 0.15,
        "query_neighbour": False,
        "normalise_refined": False,
        "expand_against": "refined",
    }
    for changed in EVERY[1:]:
        _, scores = SuperGlobalReranker(60, 9, 0.15, **changed)(queries, database)
        assert np.abs(scores - expected).max() > 1e-4


def test_given_by_name() -> None:
    given_settings = parse_settings(["query_neighbour=true", "expand_against=original"])
    parameters = make_reranker("superglobal", **given_settings).parameters
    assert (parameters["query_neighbour"], parameters["expand_against"]) == (True, "original")
    for name, value, message in (
        ("query_neighbour", 1, "query_neighbour is 1: it must be true or false"),
        ("normalise_refined", "yes", "normalise_refined is 'yes': it must be true or false"),
        ("expand_against", "orignal", r"choose from original, refined \(did you mean 'original'"),
    ):
        with pytest.raises(UserError, match=message):
            make_reranker("superglobal", **{name: value})


@pytest.mark.gpu
@every_combination
def test_a_gpu_scores_the_same(switches: dict[str, Any]) -> None:
    queries, database = (
        unit_rows(np.random.default_rng(0), 5, 64, np.float64),
        around_one_direction(3, 400, 64)[1],
    )
    reranker = SuperGlobalReranker(shortlist=200, **switches)
    order, scores = reranker(queries, database)
    found, found_scores = reranker(queries, database, device="cuda")
    assert np.array_equal(found, order)
    assert np.abs(found_scores - scores).max() < DOUBLE_TOLERANCE
