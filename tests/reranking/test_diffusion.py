"""Diffusion: the graph written down, and conjugate gradients against a direct solution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from shortlists import ranked, shortlists

from superglobal_core.reranking.diffusion import Diffusion, conjugate_gradients, mutual_graph

TOLERANCE = 1e-8


def naive_graph(candidates: np.ndarray, neighbours: int, gamma: float) -> np.ndarray:
    """S, edge by edge."""
    count = len(candidates)
    cosines = candidates @ candidates.T
    near = [[j for j in ranked(cosines[i]) if j != i][:neighbours] for i in range(count)]
    affinities = np.zeros((count, count))
    for i in range(count):
        for j in near[i]:
            if i in near[j]:
                affinities[i, j] = max(0.0, cosines[i, j]) ** gamma
    degrees = affinities.sum(axis=1)
    for i in range(count):
        for j in range(count):
            if affinities[i, j] > 0:
                affinities[i, j] /= np.sqrt(degrees[i] * degrees[j])
    return affinities


def naive(query: np.ndarray, candidates: np.ndarray, given: Diffusion) -> np.ndarray:
    """f, solved directly."""
    to_query = candidates @ query
    y = np.zeros(len(candidates))
    for place in ranked(to_query)[: given.query_neighbours]:
        y[place] = max(0.0, to_query[place]) ** given.gamma
    S = naive_graph(candidates, given.neighbours, given.gamma)
    return np.linalg.solve(np.eye(len(candidates)) - given.alpha * S, y)


@settings(deadline=None, max_examples=60)
@given(
    # Among duplicates rounding decides who is whose neighbour, so there are none.
    data=shortlists(duplicates=False),
    neighbours=st.integers(1, 50),
    query_neighbours=st.integers(1, 20),
    alpha=st.sampled_from([0.0, 0.5, 0.99]),
    gamma=st.sampled_from([1.0, 3.0]),
    shortlist=st.integers(1, 50),
)
def test_equals_the_direct_solution(
    data: tuple[np.ndarray, np.ndarray],
    neighbours: int,
    query_neighbours: int,
    alpha: float,
    gamma: float,
    shortlist: int,
) -> None:
    queries, database = data
    reranker = Diffusion(shortlist, neighbours, query_neighbours, alpha, gamma, 500, 1e-12)
    first = np.stack([ranked(database @ query) for query in queries])[:, :shortlist]
    order, scores = reranker(queries, database, first)
    for query in range(len(queries)):
        expected = naive(queries[query], database[first[query]], reranker)
        by_image = dict(zip(first[query].tolist(), expected, strict=True))
        found = [by_image[image] for image in order[query]]
        assert scores[query] == pytest.approx(found, rel=TOLERANCE, abs=TOLERANCE)


def system(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((count, 16)) + 2 * rng.standard_normal((8, 16))[rng.integers(0, 8, count)]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), rng.random(count)


def test_more_steps_come_nearer_and_the_usual_ones_are_near() -> None:
    rows, y = system()
    S = mutual_graph(torch.from_numpy(rows @ rows.T)[None].clone(), 50, 3)
    assert np.abs(S[0].numpy() - naive_graph(rows, 50, 3)).max() < 1e-12
    exact = np.linalg.solve(np.eye(200) - 0.99 * S[0].numpy(), y)
    errors = [
        np.abs(conjugate_gradients(S, torch.from_numpy(y)[None], 0.99, steps, 0)[0].numpy() - exact).max()
        / np.abs(exact).max()
        for steps in (1, 5, 20, 200)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 1e-3
    assert errors[3] < 1e-12


def test_a_batch_that_is_done_waits_for_the_others() -> None:
    rows, y = system()
    S = mutual_graph(torch.from_numpy(rows @ rows.T)[None].clone(), 50, 3)
    easy = torch.zeros_like(S)
    sources = torch.from_numpy(np.stack([y, y, np.zeros_like(y)]))
    together = conjugate_gradients(torch.cat([S, easy, S]), sources, 0.99, 20, 1e-6)
    assert torch.allclose(together[:1], conjugate_gradients(S, sources[:1], 0.99, 20, 1e-6), atol=1e-12)
    assert torch.equal(together[1], sources[1])
    assert (together[2] == 0).all()


def test_what_nothing_reaches_scores_zero_and_keeps_its_order() -> None:
    rng = np.random.default_rng(1)
    near = np.abs(rng.standard_normal((6, 4))) @ np.eye(4, 8)
    far = np.abs(rng.standard_normal((9, 4))) @ np.eye(4, 8, 4)
    database = np.concatenate([near, far])
    database /= np.linalg.norm(database, axis=1, keepdims=True)
    order, scores = Diffusion(query_neighbours=3)(database[:1], database, np.arange(15)[None])
    assert sorted(order[0, :6]) == list(range(6))
    assert order[0, 6:].tolist() == list(range(6, 15))
    assert (scores[0, :6] > 0).all()
    assert (scores[0, 6:] == 0).all()
