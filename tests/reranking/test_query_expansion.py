"""Query expansion equals the method written down, candidate by candidate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shortlists import ranked, shortlists

from superglobal_core.reranking.query_expansion import AlphaQueryExpansion, AverageQueryExpansion

TOLERANCE = 1e-12


def naive(query: np.ndarray, candidates: np.ndarray, neighbours: int, alpha: float | None) -> np.ndarray:
    """Scores of the mean (alpha None) or of the weighted sum."""
    expanded = query.copy()
    for candidate in candidates[:neighbours]:
        cosine = float(candidate @ query)
        weight = 1.0 if alpha is None else cosine**alpha if cosine > 0 else float(alpha == 0)
        expanded = expanded + weight * candidate
    expanded /= np.linalg.norm(expanded)
    return np.array([expanded @ candidate for candidate in candidates])


@settings(deadline=None, max_examples=80)
@given(
    data=shortlists(),
    neighbours=st.integers(0, 50),
    alpha=st.sampled_from([None, 0.0, 0.5, 1.0, 3.0]),
    shortlist=st.integers(1, 50),
)
def test_equals_the_method_written_down(
    data: tuple[np.ndarray, np.ndarray], neighbours: int, alpha: float | None, shortlist: int
) -> None:
    queries, database = data
    reranker = (
        AverageQueryExpansion(shortlist, neighbours)
        if alpha is None
        else AlphaQueryExpansion(shortlist, neighbours, alpha)
    )
    first = np.stack([ranked(database @ query) for query in queries])[:, :shortlist]
    order, scores = reranker(queries, database, first)
    for query in range(len(queries)):
        expected = naive(queries[query], database[first[query]], neighbours, alpha)
        by_image = dict(zip(first[query].tolist(), expected, strict=True))
        assert scores[query] == pytest.approx([by_image[image] for image in order[query]], abs=TOLERANCE)


def test_without_neighbours_it_is_the_search() -> None:
    rng = np.random.default_rng(0)
    database = rng.standard_normal((50, 8))
    database /= np.linalg.norm(database, axis=1, keepdims=True)
    order, scores = AverageQueryExpansion(neighbours=0)(database[:3], database)
    assert np.array_equal(order, np.argsort(-(database[:3] @ database.T), axis=1, kind="stable"))
    assert scores[:, 0] == pytest.approx(1)


def test_the_expanded_query_goes_where_its_neighbours_are() -> None:
    # Two candidates equally far from the query; the best ones lie on one of the two sides.
    angles = np.radians([10, 12, 14, 40, -40])
    database = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    query = np.array([[1.0, 0.0]])
    for reranker in (AverageQueryExpansion(neighbours=3), AlphaQueryExpansion(neighbours=3)):
        order, _ = reranker(query, database, np.array([[0, 1, 2, 4, 3]]))
        assert order[0, 3:].tolist() == [3, 4]
