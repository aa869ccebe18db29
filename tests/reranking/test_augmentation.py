"""Database-side augmentation equals the method written down, with the augmented descriptors made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shortlists import ranked, shortlists

from superglobal_core.reranking.augmentation import DatabaseAugmentation

TOLERANCE = 1e-10


def naive(query: np.ndarray, candidates: np.ndarray, neighbours: int, alpha: float) -> np.ndarray:
    """Scores of the query with each augmented descriptor."""
    scores = []
    for own, candidate in enumerate(candidates):
        cosines = candidates @ candidate
        nearest = [place for place in ranked(cosines) if place != own][:neighbours]
        augmented = candidate.copy()
        for place in nearest:
            weight = cosines[place] ** alpha if cosines[place] > 0 else float(alpha == 0)
            augmented = augmented + weight * candidates[place]
        scores.append(augmented @ query / np.linalg.norm(augmented))
    return np.array(scores)


@settings(deadline=None, max_examples=80)
@given(
    # Sums of opposite directions have no direction to speak of: without duplicates none comes near.
    data=shortlists(),
    neighbours=st.integers(0, 50),
    alpha=st.sampled_from([1.0, 3.0]),
    shortlist=st.integers(1, 50),
)
def test_equals_the_method_written_down(
    data: tuple[np.ndarray, np.ndarray], neighbours: int, alpha: float, shortlist: int
) -> None:
    queries, database = data
    first = np.stack([ranked(database @ query) for query in queries])[:, :shortlist]
    order, scores = DatabaseAugmentation(shortlist, neighbours, alpha)(queries, database, first)
    for query in range(len(queries)):
        expected = naive(queries[query], database[first[query]], neighbours, alpha)
        by_image = dict(zip(first[query].tolist(), expected, strict=True))
        assert scores[query] == pytest.approx([by_image[image] for image in order[query]], abs=TOLERANCE)


def test_without_neighbours_it_is_the_search() -> None:
    rng = np.random.default_rng(0)
    database = rng.standard_normal((50, 8))
    database /= np.linalg.norm(database, axis=1, keepdims=True)
    order, scores = DatabaseAugmentation(neighbours=0)(database[:3], database)
    first = np.argsort(-(database[:3] @ database.T), axis=1, kind="stable")
    assert np.array_equal(order, first)
    assert scores == pytest.approx(np.take_along_axis(database[:3] @ database.T, first, axis=1))


def test_a_large_shortlist() -> None:
    rng = np.random.default_rng(1)
    database = rng.standard_normal((420, 24)) + 0.5
    database /= np.linalg.norm(database, axis=1, keepdims=True)
    order, scores = DatabaseAugmentation(420)(database[:1], database)
    assert scores[0] == pytest.approx(naive(database[0], database[order[0]], 20, 3.0), abs=TOLERANCE)
