"""Every reranker: the same promises, kept by all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers import unit_rows

from superglobal_core.errors import UserError
from superglobal_core.reranking.methods import METHODS, make_reranker


@pytest.mark.parametrize("name", METHODS)
def test_what_every_method_promises(name: str) -> None:
    rng = np.random.default_rng(0)
    queries, database = unit_rows(rng, 5, 24), unit_rows(rng, 90, 24)
    first = np.argsort(-(queries @ database.T), axis=1, kind="stable")[:, :40]
    reranker = make_reranker(name, shortlist=30)
    before = queries.copy(), database.copy(), first.copy()
    order, scores = reranker(queries, database, first)
    assert (order.shape, order.dtype) == (first.shape, np.int64)
    assert scores.shape == first.shape
    assert np.isfinite(scores).all()
    assert (np.diff(scores[:, :30], axis=1) <= 0).all()
    assert np.array_equal(np.sort(order[:, :30], axis=1), np.sort(first[:, :30], axis=1))
    assert np.array_equal(order[:, 30:], first[:, 30:])
    again, again_scores = reranker(queries, database, first)
    assert np.array_equal(order, again)
    assert np.array_equal(scores, again_scores)
    as_tensors, _ = reranker(*(torch.from_numpy(array) for array in (queries, database, first)))
    assert np.array_equal(as_tensors, order)
    assert all(
        np.array_equal(one, other) for one, other in zip(before, (queries, database, first), strict=True)
    )
    assert reranker.parameters["shortlist"] == 30
    assert reranker.name == name


def test_none_keeps_the_order_exactly() -> None:
    rng = np.random.default_rng(1)
    queries, database = unit_rows(rng, 4, 16), unit_rows(rng, 60, 16)
    database[10:30] = database[5]
    given = np.stack([rng.permutation(60) for _ in queries])  # not even a sorted one is changed
    order, scores = make_reranker("none", shortlist=25)(queries, database, given)
    assert np.array_equal(order, given)
    assert (np.diff(scores[:, :25], axis=1) <= 0).all()
    first = np.argsort(-(queries @ database.T), axis=1, kind="stable")
    order, scores = make_reranker("none")(queries, database)
    assert np.array_equal(order, first)
    assert np.abs(scores - np.take_along_axis(queries @ database.T, first, axis=1)).max() < 1e-6


def test_unknown_names_and_parameters() -> None:
    with pytest.raises(UserError, match=r"unknown method 'superglobl': .*did you mean 'superglobal'"):
        make_reranker("superglobl")
    with pytest.raises(UserError, match="'none' has no parameter --beta"):
        make_reranker("none", beta=0.15)
    assert make_reranker("none", beta=None).parameters == {"shortlist": 400}
