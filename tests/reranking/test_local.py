"""Reranking by local features: the reranker around a scorer, and what every scorer keeps to."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import picture
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.errors import MissingPackageError, UserError
from superglobal_core.reranking.local import AT_ONCE, PairReranker, score_in_pieces
from superglobal_core.reranking.local_methods import KINDS, Means, make_extractor, make_scorer
from superglobal_core.reranking.names import LOCAL_KINDS, LOCAL_PARAMETERS
from superglobal_core.reranking.pairs import LocalFeatures, PairScorer

# Scores of one candidate alone and among others: products of other shapes round otherwise.
TOLERANCE = 1e-4
MINI = Means("mini", device="cpu")

every_method = pytest.mark.parametrize("name", LOCAL_KINDS)


class TableScorer(PairScorer):
    """Looks scores up in a table (queries x images), and remembers which pairs it was asked for."""

    name, kind = "table", "none"

    def __init__(self, table: np.ndarray) -> None:
        self.table, self.asked = table, list[tuple[int, int]]()
        self.most_at_once = 0

    def resident(self, features: LocalFeatures) -> int:
        return int(features["row"])

    def score(self, query: int, candidates: Sequence[int]) -> np.ndarray:
        self.asked += [(query, candidate) for candidate in candidates]
        self.most_at_once = max(self.most_at_once, len(candidates))
        return self.table[query, list(candidates)].astype(np.float32)


def row(number: int) -> LocalFeatures:
    return {"row": np.array(number)}


def rerank(scorer: TableScorer, shortlist: Any, similarities: Any = None) -> tuple[np.ndarray, np.ndarray]:
    shortlist = np.asarray(shortlist)
    similarities = np.zeros(shortlist.shape) if similarities is None else np.asarray(similarities)
    return PairReranker(scorer, row, row)(shortlist, similarities)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 80))
def test_a_stable_permutation_with_empty_places_at_the_end(seed: int, queries: int, places: int) -> None:
    rng = np.random.default_rng(seed)
    scorer = TableScorer(rng.integers(0, 4, (queries, 100)))
    shortlist = np.stack([rng.permutation(100)[:places] for _ in range(queries)])
    for line in shortlist:
        line[rng.integers(0, places + 1) :] = -1
    order, scores = rerank(scorer, shortlist)
    assert np.array_equal(order < 0, shortlist < 0)
    assert np.array_equal(np.isneginf(scores), shortlist < 0)
    for query, (old, new) in enumerate(zip(shortlist, order, strict=True)):
        candidates = [int(image) for image in old if image >= 0]
        # A stable sort of the pairs by themselves.
        expected = sorted(candidates, key=lambda image: -scorer.table[query, image])
        assert new[: len(candidates)].tolist() == expected
        assert scores[query, : len(candidates)].tolist() == [scorer.table[query, image] for image in expected]
    assert scorer.most_at_once <= AT_ONCE


def test_empty_places_between_candidates_do_not_shift_their_similarities() -> None:
    class Sum(TableScorer):
        def combine(self, similarities: np.ndarray, scores: np.ndarray) -> np.ndarray:
            return similarities + scores

    order, scores = rerank(Sum(np.zeros((1, 5))), [[3, -1, 2, 4]], [[0.1, 9.0, 0.3, 0.2]])
    assert order.tolist() == [[2, 4, 3, -1]]
    assert scores[0, :3] == pytest.approx([0.3, 0.2, 0.1])


def test_a_pair_is_scored_once_over_overlapping_shortlists() -> None:
    scorer = TableScorer(np.random.default_rng(0).random((2, 50)))
    reranker = PairReranker(scorer, row, row)
    shortlists = [
        np.array([[1, 2, 3], [4, 5, 6]]),
        np.array([[3, 2, 9], [6, 4, 1]]),
        np.array([[9, 1, 2], [1, 5, -1]]),
    ]
    for shortlist in shortlists:
        found = reranker(shortlist, np.zeros(shortlist.shape))
        fresh = rerank(TableScorer(scorer.table), shortlist)
        assert np.array_equal(found[0], fresh[0])
        assert np.array_equal(found[1], fresh[1])
    assert len(scorer.asked) == len(set(scorer.asked)) == 8


def test_an_image_twice_in_a_shortlist_is_scored_once_and_kept_twice() -> None:
    scorer = TableScorer(np.arange(10.0)[None])
    order, _ = rerank(scorer, [[3, 5, 3]])
    assert order.tolist() == [[5, 3, 3]]
    assert len(scorer.asked) == 2


def test_one_query_as_for_many() -> None:
    rng = np.random.default_rng(1)
    scorer = TableScorer(rng.random((4, 60)))
    shortlist = np.stack([rng.permutation(60)[:40] for _ in range(4)])
    order, scores = rerank(scorer, shortlist)
    for query in range(4):
        alone = TableScorer(scorer.table[query : query + 1])
        found = rerank(alone, shortlist[query : query + 1])
        assert np.array_equal(found[0][0], order[query])
        assert np.array_equal(found[1][0], scores[query])


def test_scores_that_are_no_numbers_are_refused() -> None:
    table = np.zeros((2, 9))
    table[1, 4] = np.nan
    with pytest.raises(UserError, match="table scores query 1 and database row 4 by no finite number"):
        rerank(TableScorer(table), [[1, 2], [3, 4]])


def test_parameters_name_what_is_missing_for_a_meaningful_score() -> None:
    scorer = make_scorer("cvnet-rerank", MINI)
    assert PairReranker(scorer, row, row, 7).parameters == {
        "shortlist": 7,
        "weight": 0.5,
        "precision": "float32",
        "missing": "weights",
    }
    assert "missing" not in PairReranker(TableScorer(np.zeros((1, 1))), row, row).parameters


@pytest.mark.parametrize("shortlist", [0, -1, 2.5])
def test_nonsense_for_a_shortlist(shortlist: Any) -> None:
    with pytest.raises(UserError, match=f"shortlist is {shortlist}"):
        PairReranker(TableScorer(np.zeros((1, 1))), row, row, shortlist)


@pytest.fixture(scope="module")
def features(shared: Path) -> dict[str, list[LocalFeatures]]:
    """Features of every kind: a query, three different pictures, and one without any texture."""
    images = [picture(seed, 160, 200) for seed in (0, 0, 1, 2)]
    images[1] = np.ascontiguousarray(images[1][4:, 6:])  # the query's landmark, moved
    images.append(np.full((160, 200, 3), 128, np.uint8))
    means = Means("mini", weights=shared / "data/weights/xfeat.onnx", device="cpu")
    found = {}
    for kind in KINDS:
        extractor = make_extractor(kind, means)
        assert extractor.kind == kind
        found[kind] = [extractor(image) for image in images]
    return found


def scorer_of(name: str, features: dict[str, list[LocalFeatures]]) -> PairScorer:
    given = {"words": 8} if name.endswith("-asmk") else {}
    try:
        return make_scorer(name, MINI, features[LOCAL_KINDS[name]], **given)
    except MissingPackageError as error:
        pytest.skip(str(error))


@every_method
def test_every_local_method(name: str, features: dict[str, list[LocalFeatures]]) -> None:
    scorer = scorer_of(name, features)
    assert (scorer.name, scorer.kind) == (name, LOCAL_KINDS[name])
    query, *candidates = (scorer.resident(found) for found in features[scorer.kind])
    scores = scorer.score(query, candidates)
    assert (scores.shape, scores.dtype) == ((len(candidates),), np.float32)
    assert np.isfinite(scores).all()
    assert np.array_equal(scores, scorer.score(query, candidates))
    backwards = scorer.score(query, candidates[::-1])[::-1]
    assert np.abs(backwards - scores).max() <= TOLERANCE * max(1, np.abs(scores).max())
    for candidate, score in zip(candidates, scores, strict=True):
        (alone,) = scorer.score(query, [candidate])
        assert abs(alone - score) <= TOLERANCE * max(1, abs(score))
    assert scorer.score(query, []).shape == (0,)
    # A query without any feature is a query too.
    assert np.isfinite(scorer.score(candidates[-1], [query, candidates[-1]])).all()
    final = scorer.combine(np.zeros(len(scores)), scores)
    assert np.array_equal(np.argsort(-final, kind="stable"), np.argsort(-scores, kind="stable"))
    if scorer.missing is None:
        assert scores.argmax() == 0


@every_method
def test_a_scorer_made_again_scores_the_same(name: str, features: dict[str, list[LocalFeatures]]) -> None:
    found = []
    for scorer in (scorer_of(name, features), scorer_of(name, features)):
        query, *candidates = (scorer.resident(one) for one in features[scorer.kind])
        found.append(scorer.score(query, candidates))
    assert np.array_equal(*found)


@every_method
def test_in_pieces_as_in_one(name: str, features: dict[str, list[LocalFeatures]]) -> None:
    scorer = scorer_of(name, features)
    stored = features[scorer.kind]
    query = scorer.resident(stored[0])
    places = [1 + number % 4 for number in range(AT_ONCE + 3)]
    found = np.concatenate(list(score_in_pieces(scorer, query, places, lambda place: stored[place])))
    expected = scorer.score(query, [scorer.resident(stored[place]) for place in places])
    assert np.abs(found - expected).max() <= TOLERANCE * max(1, np.abs(expected).max())


@every_method
def test_the_names_known_without_loading_are_the_methods(
    name: str, features: dict[str, list[LocalFeatures]]
) -> None:
    scorer = scorer_of(name, features)
    known = set(LOCAL_PARAMETERS[name])
    # What records say besides are choices that no suite makes.
    assert known - {"seed"} <= set(scorer.parameters) | {"seed"}
    settable = set(inspect.signature(type(scorer)).parameters) - {"network", "weights", "device", "precision"}
    if not name.endswith("-asmk"):
        assert known == settable - {"kind"}
    with pytest.raises(UserError, match=f"the method '{name}' has no parameter 'colour': leave it out"):
        make_scorer(name, MINI, colour="red")


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("superglobal", {}, "unknown method 'superglobal': choose from cvnet-rerank"),
    ("rootsift-magsac", {"neighbours": 9}, r"has no parameter 'neighbours': leave it out \(it has model"),
    ("rrt", {"seed": 1}, r"has no parameter 'seed': leave it out \(it has none\)"),
    ("rootsift-magsac", {"model": "rigid"}, "unknown model 'rigid'"),
    ("xfeat-magsac", {"threshold": 0}, "threshold is 0"),
    ("xfeat-magsac", {"iterations": 0}, "iterations is 0"),
    ("cvnet-rerank", {"weight": float("nan")}, "weight is nan"),
]


@pytest.mark.parametrize(("name", "parameters", "message"), WRONG)
def test_wrong_parameters(name: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_scorer(name, MINI, **parameters)


def test_parameters_of_none_keep_their_defaults() -> None:
    assert make_scorer("cvnet-rerank", MINI, weight=None).parameters["weight"] == 0.5


def test_an_extractor_of_an_unknown_kind_or_without_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown kind 'surf': choose from cvnet-maps, rootsift, xfeat"):
        make_extractor("surf", MINI)
    with pytest.raises(UserError, match="xfeat needs --weights"):
        make_extractor("xfeat", MINI)
    for name, kind in (("cvnet-rerank", None), ("rrt", None), (None, "cvnet-maps"), (None, "xfeat")):
        means = Means("mini", tmp_path / "absent", tmp_path / "absent", "cpu")
        with pytest.raises(UserError, match="absent"):
            make_scorer(name, means) if name else make_extractor(str(kind), means)


def test_half_precision_is_for_gpus() -> None:
    assert Means(device="cpu", precision="float16").fitting_precision == "float32"
    assert Means(device="cpu", precision="bfloat16").fitting_precision == "bfloat16"
