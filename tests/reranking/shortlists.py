"""Shortlists to rerank, as hypothesis draws them: rows around a few centres, with duplicates."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st


def _rows(rng: np.random.Generator, count: int, dimension: int, centres: np.ndarray) -> np.ndarray:
    rows = centres[rng.integers(0, len(centres), count)] + rng.standard_normal((count, dimension))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@st.composite
def shortlists(draw: st.DrawFn, duplicates: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Queries (2, D) and a database (N, D), float64 of unit length."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, dimension = draw(st.integers(1, 40)), draw(st.integers(2, 12))
    centres = 2 * rng.standard_normal((draw(st.integers(1, 4)), dimension))
    database = _rows(rng, rows, dimension, centres)
    if duplicates:
        copies = draw(st.integers(0, 10))
        database[rng.integers(0, rows, copies)] = database[rng.integers(0, rows, copies)]
    return _rows(rng, 2, dimension, centres), database


def ranked(values: np.ndarray) -> list[int]:
    """Places by descending value, equal ones in their order."""
    return [int(place) for place in np.argsort(-values, kind="stable")]
