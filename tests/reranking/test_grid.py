"""A grid's points equal the reranker of each point, whatever they share."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from shortlists import shortlists

from superglobal_core.errors import UserError
from superglobal_core.reranking.grid import DEFAULTS, Grid, grid_orders, read_grid
from superglobal_core.reranking.superglobal import SuperGlobalReranker

TOLERANCE = {np.float64: 1e-12, np.float32: 2e-6}


def check_equal(queries: np.ndarray, database: np.ndarray, grid: Grid, tolerance: float) -> None:
    """Compare every point's order and scores with those of its own reranker."""
    first = np.argsort(-(queries @ database.T), axis=1, kind="stable")[:, : max(grid.shortlists)]
    candidates = torch.from_numpy(database[first])
    points = []
    for point, places, scores in grid_orders(torch.from_numpy(queries), candidates, grid):
        points.append(point)
        head = first[:, : point.shortlist]
        order, expected = SuperGlobalReranker(*point)(queries, database, head)
        # Products of other shapes round otherwise: what is nearer than that may change places.
        gaps = np.diff(-expected, axis=1, prepend=-np.inf, append=np.inf) > 2 * tolerance
        certain = gaps[:, 1:] & gaps[:, :-1]
        if queries.dtype == np.float64:
            certain[:] = True
        assert certain.mean() > 0.5
        found = np.take_along_axis(head, places.numpy(), axis=1)
        assert np.array_equal(found[certain], order[certain]), point
        assert np.abs(scores.numpy() - expected).max() < tolerance * max(1, np.abs(expected).max())
    assert points == grid.points()


@settings(deadline=None, max_examples=60)
@given(
    data=shortlists(duplicates=False),
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=3, unique=True),
    neighbours=st.lists(st.integers(0, 45), min_size=1, max_size=3, unique=True),
    betas=st.lists(st.sampled_from([0.0, 0.05, 0.15, 0.3]), min_size=1, max_size=3, unique=True),
)
def test_every_point_equals_its_reranker(
    data: tuple[np.ndarray, np.ndarray], sizes: list[int], neighbours: list[int], betas: list[float]
) -> None:
    queries, database = (np.abs(rows) for rows in data)  # the weights' sums stay away from zero
    check_equal(queries, database, Grid(tuple(sizes), tuple(neighbours), tuple(betas)), TOLERANCE[np.float64])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_grid_of_the_usual_size(dtype: type) -> None:
    rng = np.random.default_rng(0)
    rows = np.abs(rng.standard_normal((604, 96)))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(dtype)
    grid = Grid((50, 130, 400), (0, 1, 9, 15), (0.0, 0.15, 1.0))
    check_equal(rows[:4], rows[4:], grid, TOLERANCE[dtype])


def test_equal_candidates_keep_their_order() -> None:
    # A vector whose products are exact, so that equal images score equally to the last bit.
    rows = np.full((20, 4), 0.5)
    check_equal(rows[:1], rows, Grid((7, 30), (0, 3, 15), (0.0, 0.15)), TOLERANCE[np.float64])


def test_the_defaults_are_the_reranker_s() -> None:
    assert SuperGlobalReranker(*DEFAULTS).parameters == SuperGlobalReranker().parameters


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("", "9", "0.15"), "--shortlists is empty"),
        (("50,x", "9", "0.15"), "--shortlists 50,x: give whole numbers with commas"),
        (("50", "9.5", "0.15"), "--neighbours 9.5: give whole numbers"),
        (("50", "9", "0,5;1"), "--betas 0,5;1: give numbers"),
        (("50", "9,9", "0.15"), "--neighbours 9,9 names a value twice"),
        (("0", "9", "0.15"), "shortlist is 0"),
        (("50", "-1", "0.15"), "neighbours is -1"),
        (("50", "9", "nan"), "beta is nan"),
    ],
)
def test_wrong_grids(texts: tuple[str, str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_grid(*texts)
