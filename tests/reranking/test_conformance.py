"""What every registered method keeps to, whatever it computes."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch
from helpers import unit_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from shortlists import shortlists

from superglobal_core.errors import UserError
from superglobal_core.reranking.base import Reranker
from superglobal_core.reranking.methods import METHODS, make_reranker, parse_settings
from superglobal_core.reranking.names import GLOBAL_PARAMETERS, METHOD_PARAMETERS

# Scores of one query alone and among others, beside the largest: products of other shapes round otherwise.
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-10}

every_method = pytest.mark.parametrize("name", METHODS)


def problem(dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Queries of three landmarks, a database with duplicates, and the search's order."""
    rng = np.random.default_rng(3)
    centres = 2 * unit_rows(rng, 3, 32, np.float64)
    database = centres[rng.integers(0, 3, 150)] + 0.3 * rng.standard_normal((150, 32))
    database[40:60] = database[:20]
    queries = centres[[0, 1, 2, 0, 1]] + 0.3 * rng.standard_normal((5, 32))
    rows = [a / np.linalg.norm(a, axis=1, keepdims=True) for a in (queries, database)]
    first = np.argsort(-(rows[0] @ rows[1].T), axis=1, kind="stable")
    return rows[0].astype(dtype), rows[1].astype(dtype), first


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
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_query_as_many(name: str, dtype: type) -> None:
    queries, database, first = problem(dtype)
    reranker = make_reranker(name, shortlist=90)
    order, scores = reranker(queries, database, first)
    again = reranker(queries, database, first)
    assert np.array_equal(order, again[0])
    assert np.array_equal(scores, again[1])
    assert scores.dtype == dtype
    for query in range(len(queries)):
        _, alone = reranker(queries[query : query + 1], database, first[query : query + 1])
        assert np.abs(alone[0] - scores[query]).max() < TOLERANCE[dtype] * np.abs(scores).max()


@every_method
def test_single_and_double_precision_agree(name: str) -> None:
    queries, database, first = problem(np.float64)
    _, double = make_reranker(name, shortlist=90)(queries, database, first)
    _, single = make_reranker(name, shortlist=90)(*problem(np.float32))
    assert np.abs(double - single).max() < 1e-3 * np.abs(double).max()


@every_method
def test_equal_scores_keep_their_order(name: str) -> None:
    # A vector whose products are exact, so that equal images score equally to the last bit.
    database = np.tile(np.array([[0.5, 0.5, 0.5, 0.5]], np.float32), (30, 1))
    given_order = np.random.default_rng(0).permutation(30)[None]
    order, scores = make_reranker(name)(database[:1], database, given_order)
    places = np.argsort(given_order[0])[order[0]]
    assert (np.diff(places)[np.diff(scores[0]) == 0] > 0).all()
    # Whose neighbours are limited in number, copies of one image are not all alike in the graph.
    if name not in ("k-reciprocal", "diffusion"):
        assert np.array_equal(order, given_order)
        assert np.ptp(scores) == 0


@every_method
@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_candidates_than_any_method_asks_for(name: str, count: int) -> None:
    queries, database, first = problem()
    order, scores = make_reranker(name)(queries, database, first[:, :count])
    assert np.array_equal(np.sort(order), np.sort(first[:, :count]))
    assert np.isfinite(scores).all()


@every_method
def test_empty_places_stay_at_the_end(name: str) -> None:
    queries, database, first = problem()
    first = first[:, :70].copy()
    for row, length in zip(first, [70, 0, 1, 33, 70], strict=True):
        row[length:] = -1
    order, scores = make_reranker(name, shortlist=60)(queries, database, first)
    assert np.array_equal(order < 0, first < 0)
    assert np.array_equal(np.isneginf(scores), first < 0)
    for query in range(len(queries)):
        full = first[query : query + 1, : int((first[query] >= 0).sum())]
        if full.size:
            _, alone = make_reranker(name, shortlist=60)(queries[query : query + 1], database, full)
            found = scores[query, : full.size]
            assert np.abs(alone[0] - found).max() < TOLERANCE[np.float32] * np.abs(found).max()


@every_method
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(name: str, bad: float) -> None:
    queries, database, first = problem()
    database[first[2, 30], 5] = bad
    with pytest.raises(UserError, match="holds NaN or infinite values"):
        make_reranker(name, shortlist=50)(queries, database, first)


@every_method
def test_a_query_beside_its_copy_finds_it(name: str) -> None:
    queries, database, _ = problem()
    database[7] = queries[1]
    order, _ = make_reranker(
        name, shortlist=20, **dict.fromkeys({"neighbours"} & {*METHOD_PARAMETERS[name]}, 1)
    )(queries, database)
    assert 7 in order[1, :3]


@pytest.mark.gpu
@every_method
def test_a_gpu_scores_the_same(name: str) -> None:
    queries, database, first = problem(np.float64)
    reranker = make_reranker(name, shortlist=90)
    _, scores = reranker(queries, database, first)
    found = reranker(queries, database, first, device="cuda")
    again = reranker(queries, database, first, device="cuda")
    assert np.array_equal(found[0], again[0])
    assert np.abs(found[1] - scores).max() < TOLERANCE[np.float64] * np.abs(scores).max()


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("average-qe", {"neighbours": -1}, "neighbours is -1: it must be a whole number, at least 0"),
    ("average-qe", {"neighbours": 2.5}, "neighbours is 2.5"),
    ("average-qe", {"neighbours": True}, "neighbours is True"),
    (
        "average-qe",
        {"alpha": 3},
        r"'average-qe' has no parameter 'alpha': .*\(it has shortlist, neighbours\)",
    ),
    ("alpha-qe", {"alpha": "three"}, "alpha is three: it must be a number from 0 on"),
    ("alpha-qe", {"beta": 0.1}, "'alpha-qe' has no parameter --beta"),
    ("dba", {"alpha": float("nan")}, "alpha is nan"),
    ("k-reciprocal", {"k1": 0}, "k1 is 0"),
    ("k-reciprocal", {"k2": 0}, "k2 is 0"),
    ("k-reciprocal", {"lambda_value": 1.5}, "lambda_value is 1.5: it must be a number from 0 to 1"),
    ("diffusion", {"alpha": 1}, "alpha is 1: it must be a number from 0 to below 1"),
    ("diffusion", {"iterations": 0}, "iterations is 0"),
    ("diffusion", {"shortlist": 0}, "shortlist is 0"),
]


@pytest.mark.parametrize(("name", "parameters", "message"), WRONG)
def test_wrong_parameters(name: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_reranker(name, **parameters)


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
