"""Matching two images' local descriptors: mutual nearest neighbours, the doubtful ones dropped."""

from __future__ import annotations

import numpy as np


def mutual_matches(
    query: np.ndarray, candidate: np.ndarray, least_cosine: float = -1.0, most_ratio: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows (i, j) of descriptors that are each other's nearest: int64 (m,) each, i ascending.

    query: (n, d) float32 rows of unit length; candidate: (m, d) likewise.
    least_cosine: a pair less alike is dropped.
    most_ratio: a pair is dropped unless its distance is less than this times the distance from the
        query's feature to its second nearest; None keeps it.

    Of equal neighbours the first counts, so that no row is matched twice.
    Source: the ratio test is Lowe's, IJCV 2004, section 7.1.

    >>> rows = np.eye(3, dtype=np.float32)
    >>> [found.tolist() for found in mutual_matches(rows, rows[[1, 0]])]
    [[0, 1], [1, 0]]
    """
    none = np.zeros(0, np.int64)
    if len(query) == 0 or len(candidate) == 0:
        return none, none
    similarities = query @ candidate.T
    nearest = similarities.argmax(axis=1)
    best = similarities[np.arange(len(query)), nearest]
    # A column's maximum is found much faster than its place, and says as much.
    rows = np.flatnonzero((best == similarities.max(axis=0)[nearest]) & (best >= least_cosine))
    if most_ratio is not None and len(rows):
        rows = rows[_distinct(similarities, rows, nearest, best, most_ratio)]
    _, first = np.unique(nearest[rows], return_index=True)
    rows = rows[np.sort(first)]
    return rows, nearest[rows]


def _distinct(
    similarities: np.ndarray, rows: np.ndarray, nearest: np.ndarray, best: np.ndarray, most_ratio: float
) -> np.ndarray:
    others = similarities[rows]
    others[np.arange(len(rows)), nearest[rows]] = -np.inf
    # Squared distances of unit vectors; without a second neighbour the distance is infinite.
    second = 2 - 2 * others.max(axis=1)
    return np.maximum(2 - 2 * best[rows], 0) < most_ratio**2 * second
