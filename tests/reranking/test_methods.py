"""The rerankers by name: what `check-method` does not see of them. What every method keeps to, it checks."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from helpers import unit_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from shortlists import shortlists

from superglobal_core.errors import UserError
from superglobal_core.methods.conformance.descriptors_bench import descriptors_problem
from superglobal_core.reranking.base import Reranker
from superglobal_core.reranking.methods import METHODS, make_reranker, parse_settings
from superglobal_core.reranking.names import GLOBAL_PARAMETERS, METHOD_PARAMETERS

# Scores of one query alone and among others, beside the largest: products of other shapes round otherwise.
DOUBLE_TOLERANCE = 1e-10

every_method = pytest.mark.parametrize("name", METHODS)


def problem(dtype: type) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Queries, a database with duplicates, and the search's order."""
    drawn = descriptors_problem(dtype, copies=True)
    return drawn.queries, drawn.images, drawn.first


def test_the_names_known_without_loading_are_the_methods() -> None:
    assert tuple(METHODS) == tuple(GLOBAL_PARAMETERS)
    for name, method in METHODS.items():
        assert tuple(inspect.signature(method).parameters) == ("shortlist", *METHOD_PARAMETERS[name])
        assert tuple(method().parameters) == ("shortlist", *METHOD_PARAMETERS[name])
        assert make_reranker(name, **method().parameters).parameters == method().parameters


@every_method
@settings(deadline=None, max_examples=25)
@given(data=shortlists(), shortlist=st.integers(1, 50), single=st.booleans())
def test_a_permutation_of_the_shortlist_best_first(
    name: str, data: tuple[np.ndarray, np.ndarray], shortlist: int, single: bool
) -> None:
    queries, database = (rows.astype(np.float32) if single else rows for rows in data)
    first = np.argsort(-(queries @ database.T), axis=1, kind="stable")
    order, scores = make_reranker(name, shortlist=shortlist)(queries, database, first)
    head = min(shortlist, len(database))
    assert (order.shape, order.dtype, scores.dtype) == (first.shape, np.int64, queries.dtype)
    assert np.array_equal(np.sort(order[:, :head]), np.sort(first[:, :head]))
    assert np.array_equal(order[:, head:], first[:, head:])
    assert np.isfinite(scores).all()
    assert (np.diff(scores[:, :head]) <= 0).all()


@every_method
def test_one_query_as_many_in_double_precision(name: str) -> None:
    queries, database, first = problem(np.float64)
    reranker = make_reranker(name, shortlist=90)
    _, scores = reranker(queries, database, first)
    assert scores.dtype == np.float64
    for query in range(len(queries)):
        _, alone = reranker(queries[query : query + 1], database, first[query : query + 1])
        assert np.abs(alone[0] - scores[query]).max() < DOUBLE_TOLERANCE * np.abs(scores).max()


@every_method
def test_single_and_double_precision_agree(name: str) -> None:
    queries, database, first = problem(np.float64)
    _, double = make_reranker(name, shortlist=90)(queries, database, first)
    _, single = make_reranker(name, shortlist=90)(*problem(np.float32))
    assert np.abs(double - single).max() < 1e-3 * np.abs(double).max()


@every_method
def test_tensors_as_arrays(name: str) -> None:
    given = problem(np.float32)
    reranker = make_reranker(name, shortlist=90)
    order, scores = reranker(*given)
    found = reranker(*(torch.from_numpy(array) for array in given))
    assert np.array_equal(found[0], order)
    assert np.array_equal(found[1], scores)
    assert (reranker.name, reranker.parameters["shortlist"]) == (name, 90)


@every_method
def test_equal_images_score_equally(name: str) -> None:
    # A vector whose products are exact, so that equal images score equally to the last bit.
    database = np.tile(np.array([[0.5, 0.5, 0.5, 0.5]], np.float32), (30, 1))
    given_order = np.random.default_rng(0).permutation(30)[None]
    order, scores = make_reranker(name)(database[:1], database, given_order)
    # Whose neighbours are limited in number, copies of one image are not all alike in the graph.
    if name not in ("k-reciprocal", "diffusion"):
        assert np.array_equal(order, given_order)
        assert np.ptp(scores) == 0


@pytest.mark.gpu
@every_method
def test_a_gpu_scores_the_same(name: str) -> None:
    queries, database, first = problem(np.float64)
    reranker = make_reranker(name, shortlist=90)
    _, scores = reranker(queries, database, first)
    found = reranker(queries, database, first, device="cuda")
    again = reranker(queries, database, first, device="cuda")
    assert np.array_equal(found[0], again[0])
    assert np.abs(found[1] - scores).max() < DOUBLE_TOLERANCE * np.abs(scores).max()


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
    with pytest.raises(
        UserError, match=r"'average-qe' has no parameter 'alpha': .*\(it has shortlist, neighbours\)"
    ):
        make_reranker("average-qe", alpha=3)
    with pytest.raises(UserError, match=r"neighbours is 2\.5: it must be a whole number, at least 0"):
        make_reranker("average-qe", neighbours=2.5)
    with pytest.raises(UserError, match="alpha is 1: it must be a number from 0 to below 1"):
        make_reranker("diffusion", alpha=1)
    with pytest.raises(UserError, match="shortlist is 0"):
        make_reranker("diffusion", shortlist=0)


def test_settings_of_the_command_line() -> None:
    found = parse_settings(["a=1", "b = 0.5", "c=true", "d=text", "e=1e-6"])
    assert found == {"a": 1, "b": 0.5, "c": True, "d": "text", "e": 1e-6}
    assert [type(value) for value in found.values()] == [int, float, bool, str, float]
    for wrong in ("alpha", "=3", "alpha="):
        with pytest.raises(UserError, match="write NAME=VALUE"):
            parse_settings([wrong])
    with pytest.raises(UserError, match="--set a=2: a is given already, as 1"):
        parse_settings(["a=1", "a=2"])


def test_every_method_has_its_source_in_its_manual() -> None:
    for method in METHODS.values():
        if method.name != "none":
            assert "Source:" in (inspect.getdoc(method) or "")
        assert issubclass(method, Reranker)
        assert isinstance(method.rerank(method(), torch.eye(3)[:1], torch.eye(3)[None]), torch.Tensor)
