"""k-reciprocal encoding equals the paper's equations written down with sets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shortlists import ranked, shortlists

from superglobal_core.reranking.k_reciprocal import KReciprocal

TOLERANCE = 1e-10


def naive(query: np.ndarray, candidates: np.ndarray, k1: int, k2: int, lambda_value: float) -> list[float]:
    """Negative final distances, equation by equation of Zhong et al."""
    nodes = np.concatenate([query[None], candidates])
    everything = range(len(nodes))
    cosines = nodes @ nodes.T
    np.fill_diagonal(cosines, 1)
    lists = []
    for p in everything:
        others = cosines[p].copy()
        others[p] = np.inf
        lists.append(ranked(others))

    def near(p: int, k: int) -> set[int]:
        return set(lists[p][: k + 1])

    def reciprocal(p: int, k: int) -> set[int]:  # equation 3
        return {g for g in near(p, k) if p in near(g, k)}

    def expanded(p: int) -> set[int]:  # equation 4
        core = reciprocal(p, k1)
        result = set(core)
        for q in core:
            theirs = reciprocal(q, round(k1 / 2))
            if len(core & theirs) * 3 >= 2 * len(theirs):
                result |= theirs
        return result

    encodings = []
    for p in everything:  # equation 7
        members = expanded(p)
        encodings.append([math.exp(-max(0, 2 - 2 * cosines[p, g])) * (g in members) for g in everything])
    v = np.array(encodings)
    if k2 > 1:  # equation 11
        v = np.array([np.mean([v[g] for g in lists[p][:k2]], axis=0) for p in everything])
    scores = []
    for g in list(everything)[1:]:  # equations 10 and 12
        lesser = sum(min(a, b) for a, b in zip(v[0], v[g], strict=True))
        greater = sum(max(a, b) for a, b in zip(v[0], v[g], strict=True))
        jaccard = 1 - lesser / greater
        scores.append(-((1 - lambda_value) * jaccard + lambda_value * max(0, 2 - 2 * cosines[0, g])))
    return scores


@settings(deadline=None, max_examples=60)
@given(
    # Among duplicates rounding decides who is whose neighbour, so there are none.
    data=shortlists(duplicates=False),
    k1=st.integers(1, 30),
    k2=st.integers(1, 8),
    lambda_value=st.sampled_from([0.0, 0.3, 1.0]),
    shortlist=st.integers(1, 50),
)
def test_equals_the_paper_with_sets(
    data: tuple[np.ndarray, np.ndarray], k1: int, k2: int, lambda_value: float, shortlist: int
) -> None:
    queries, database = data
    first = np.stack([ranked(database @ query) for query in queries])[:, :shortlist]
    order, scores = KReciprocal(shortlist, k1, k2, lambda_value)(queries, database, first)
    for query in range(len(queries)):
        expected = naive(queries[query], database[first[query]], k1, k2, lambda_value)
        by_image = dict(zip(first[query].tolist(), expected, strict=True))
        assert scores[query] == pytest.approx([by_image[image] for image in order[query]], abs=TOLERANCE)


def test_the_defaults_on_a_larger_shortlist() -> None:
    rng = np.random.default_rng(1)
    database = rng.standard_normal((170, 16)) + rng.standard_normal((5, 16))[rng.integers(0, 5, 170)]
    database /= np.linalg.norm(database, axis=1, keepdims=True)
    query = database[3] + 0.1
    query /= np.linalg.norm(query)
    first = np.array([ranked(database @ query)])
    order, scores = KReciprocal(170)(query[None], database, first)
    by_image = dict(zip(first[0].tolist(), naive(query, database[first[0]], 20, 6, 0.3), strict=True))
    assert scores[0] == pytest.approx([by_image[image] for image in order[0]], abs=TOLERANCE)


def test_the_original_distance_alone_is_the_search() -> None:
    rng = np.random.default_rng(2)
    database = rng.standard_normal((60, 8))
    database /= np.linalg.norm(database, axis=1, keepdims=True)
    order, scores = KReciprocal(lambda_value=1)(database[:2], database)
    assert np.array_equal(order, np.argsort(-(database[:2] @ database.T), axis=1, kind="stable"))
    assert (scores <= 0).all()
    assert (scores >= -4).all()
