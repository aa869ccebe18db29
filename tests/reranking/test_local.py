"""Reranking pair by pair: what the reranker promises, and what every scorer of the list keeps to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from helpers import picture

from superglobal_core.comparison.stand_ins import StandInXFeat
from superglobal_core.errors import UserError
from superglobal_core.features.local_extraction import LocalExtractor
from superglobal_core.reranking import local
from superglobal_core.reranking.local import PairReranker, score_in_pieces
from superglobal_core.reranking.local_methods import KINDS, Means, make_extractor, make_scorer
from superglobal_core.reranking.names import LOCAL_KINDS, LOCAL_PARAMETERS
from superglobal_core.reranking.pairs import LocalFeatures, PairScorer

# Other partners in a batch round differently.
ROUNDING = 5e-6
MINI = Means(backbone="mini", device="cpu")

Features = Mapping[str, list[dict[str, np.ndarray]]]


class Stars(PairScorer):
    """Scores a candidate by the number that it is; remembers what it was asked."""

    name: ClassVar[str] = "stars"
    kind: ClassVar[str] = "numbers"

    def __init__(self, weight: float = 0.0) -> None:
        self.weight = weight
        self.asked: list[tuple[float, float]] = []
        self.resident_now = self.most_resident = 0

    @property
    def parameters(self) -> dict[str, Any]:
        return {"weight": self.weight}

    def resident(self, features: LocalFeatures) -> float:
        return float(features["number"])

    def score(self, query: float, candidates: Sequence[float]) -> np.ndarray:
        self.asked += [(query, candidate) for candidate in candidates]
        self.most_resident = max(self.most_resident, len(candidates))
        return np.array(candidates, np.float32)

    def combine(self, similarities: np.ndarray, scores: np.ndarray) -> np.ndarray:
        return self.weight * similarities + scores


def numbers(values: Sequence[float]) -> Callable[[int], LocalFeatures]:
    return lambda row: {"number": np.array(values[row])}


def falling(shortlist: np.ndarray) -> np.ndarray:
    """Similarities of a first stage's shortlist."""
    return np.broadcast_to(np.linspace(1, 0, shortlist.shape[1], dtype=np.float32), shortlist.shape)


def test_the_order_is_a_permutation_by_score() -> None:
    rng = np.random.default_rng(0)
    stars = rng.integers(0, 6, 200).astype(float)
    shortlist = np.stack([rng.permutation(200)[:70] for _ in range(4)])
    order, scores = PairReranker(Stars(), numbers(range(4)), numbers(stars), 70)(
        shortlist, falling(shortlist)
    )
    assert order.dtype == shortlist.dtype
    assert scores.dtype == np.float32
    for before, after, mine in zip(shortlist, order, scores, strict=True):
        # Of equal score the first stage's order: what a stable sort of the original gives.
        assert after.tolist() == sorted(before.tolist(), key=lambda row: -stars[row])
        assert np.array_equal(mine, stars[after])


def test_similarities_count_where_the_scorer_says_so() -> None:
    shortlist = np.array([[0, 1, 2]])
    similarities = np.array([[0.9, 0.5, 0.1]], np.float32)
    reranker = PairReranker(Stars(weight=10.0), numbers([0]), numbers([0, 3, 9]))
    order, scores = reranker(shortlist, similarities)
    assert order.tolist() == [[2, 0, 1]]
    assert scores[0] == pytest.approx([10, 9, 8])


def test_empty_places_stay_empty_and_last() -> None:
    shortlist = np.array([[3, -1, 1, -1], [-1, -1, -1, -1], [0, 1, 2, 3]])
    stars = [5.0, 2.0, 7.0, 1.0]
    scorer = Stars()
    order, scores = PairReranker(scorer, numbers(range(3)), numbers(stars))(shortlist, falling(shortlist))
    assert order.tolist() == [[1, 3, -1, -1], [-1, -1, -1, -1], [2, 0, 1, 3]]
    assert scores[0].tolist() == [2, 1, -np.inf, -np.inf]
    assert not [query for query, _ in scorer.asked if query == 1]


def test_a_pair_is_scored_once_over_overlapping_shortlists() -> None:
    scorer = Stars()
    reranker = PairReranker(scorer, numbers([10, 20]), numbers(np.arange(9.0)))
    first, second = np.array([[1, 2, 3], [4, 5, 6]]), np.array([[3, 2, 7], [4, 5, 6]])
    reranker(first, falling(first))
    order, _ = reranker(second, falling(second))
    assert order.tolist() == [[7, 3, 2], [6, 5, 4]]
    assert len(scorer.asked) == len(set(scorer.asked)) == 7
    fresh = PairReranker(Stars(), numbers([10, 20]), numbers(np.arange(9.0)))
    assert np.array_equal(fresh(second, falling(second))[0], order)


def test_one_query_is_ranked_as_among_many() -> None:
    rng = np.random.default_rng(1)
    stars, shortlist = rng.random(50), np.stack([rng.permutation(50)[:20] for _ in range(5)])
    many = PairReranker(Stars(), numbers(range(5)), numbers(stars))(shortlist, falling(shortlist))
    for query in range(5):
        row = shortlist[query : query + 1]
        one = PairReranker(Stars(), numbers([query]), numbers(stars))(row, falling(row))
        assert np.array_equal(one[0][0], many[0][query])
        assert np.array_equal(one[1][0], many[1][query])


def test_few_candidates_are_resident_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "AT_ONCE", 4)
    scorer = Stars()
    pieces = list(score_in_pieces(scorer, 0.0, range(10), numbers(np.arange(10.0))))
    assert np.array_equal(np.concatenate(pieces), np.arange(10))
    assert scorer.most_resident == 4


def test_what_is_wrong_is_one_sentence() -> None:
    shortlist = np.array([[0, 1]])
    reranker = PairReranker(Stars(), numbers([0]), numbers([1.0, np.nan]))
    with pytest.raises(UserError, match="query 0 and database row 1 by no finite number"):
        reranker(shortlist, falling(shortlist))
    for wrong in (0, -3, 2.5):
        with pytest.raises(UserError, match="it must be a whole number, at least 1"):
            PairReranker(Stars(), numbers([0]), numbers([0]), wrong)  # type: ignore[arg-type]


def test_records_name_the_parameters_and_what_is_missing() -> None:
    reranker = PairReranker(Stars(0.5), numbers([0]), numbers([0]), 7)
    assert (reranker.name, reranker.parameters) == ("stars", {"shortlist": 7, "weight": 0.5})
    untrained = PairReranker(make_scorer("cvnet-rerank", MINI), numbers([0]), numbers([0]))
    assert untrained.parameters["missing"] == "weights"


def test_unknown_names_are_one_sentence() -> None:
    with pytest.raises(UserError, match=r"unknown method 'rootsift-magsc': .*did you mean 'rootsift-magsac'"):
        make_scorer("rootsift-magsc", MINI)
    with pytest.raises(UserError, match=r"unknown kind 'rootsif': .*did you mean 'rootsift'"):
        make_extractor("rootsif", MINI)


@pytest.mark.parametrize("name", LOCAL_PARAMETERS)
def test_foreign_parameters_are_one_sentence(name: str) -> None:
    listed = ", ".join(LOCAL_PARAMETERS[name]) or "none"
    with pytest.raises(
        UserError, match=rf"'{name}' has no parameter 'beta': leave it out \(it has {listed}\)"
    ):
        make_scorer(name, MINI, beta=0.15)


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name, keys in LOCAL_PARAMETERS.items() for key in keys]
)
def test_text_where_a_number_belongs_is_one_sentence(name: str, key: str, features: Features) -> None:
    _skip_without_package(name)
    given: dict[str, Any] = ({"words": 8} if name.endswith("-asmk") else {}) | {key: "nonsense"}
    with pytest.raises(UserError, match="nonsense"):
        make_scorer(name, MINI, features[LOCAL_KINDS[name]], **given)


def test_weights_that_are_missing_or_absent_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"xfeat needs --weights.*superglobal download xfeat"):
        make_extractor("xfeat", MINI)
    absent = tmp_path / "absent.pt"
    for name, means in (
        ("rrt", Means("mini", weights=absent, device="cpu")),
        ("cvnet-rerank", Means("mini", absent, device="cpu")),
    ):
        with pytest.raises(UserError, match=r"absent\.pt"):
            make_scorer(name, means)
    with pytest.raises(UserError, match=r"absent\.pt"):
        make_extractor("cvnet-maps", Means("mini", absent, device="cpu"))


def test_random_weights_follow_from_the_seed() -> None:
    image = picture(3, 64, 64)

    def maps(seed: int) -> np.ndarray:
        # A checkpoint comes with mini; the next smallest has none.
        return make_extractor("cvnet-maps", Means("resnet50", device="cpu", seed=seed))(image)["map"]

    assert np.array_equal(maps(1), maps(1))
    assert not np.array_equal(maps(1), maps(2))


@pytest.fixture(scope="module")
def features() -> Features:
    """By kind, the features of three pictures of two places, and of one without texture."""
    shifted = np.roll(picture(5, 160, 192), (4, 7), axis=(0, 1))
    images = [picture(5, 160, 192), shifted, picture(6, 128, 160), np.full((96, 96, 3), 90, np.uint8)]
    # The network itself is tested elsewhere; its features' form is what a scorer sees.
    extractors: dict[str, LocalExtractor] = {
        kind: StandInXFeat() if kind == "xfeat" else make_extractor(kind, MINI) for kind in KINDS
    }
    return {kind: [extractor(image) for image in images] for kind, extractor in extractors.items()}


def _skip_without_package(name: str) -> None:
    if name.endswith("-asmk"):
        pytest.importorskip("asmk")


def _scorer(name: str, features: Features) -> PairScorer:
    more = {"words": 16} if name.endswith("-asmk") else {}
    return make_scorer(name, MINI, features[LOCAL_KINDS[name]], **more)


@pytest.mark.parametrize("name", LOCAL_PARAMETERS)
def test_what_every_scorer_promises(name: str, features: Features) -> None:
    _skip_without_package(name)
    stored = features[LOCAL_KINDS[name]]
    copies = [{field: array.copy() for field, array in image.items()} for image in stored]
    scorer = _scorer(name, features)
    assert (scorer.name, scorer.kind) == (name, LOCAL_KINDS[name])
    query, *others = images = [scorer.resident(image) for image in stored]
    scores = scorer.score(query, images)
    assert (scores.shape, scores.dtype) == ((4,), np.float32)
    assert np.isfinite(scores).all()
    assert np.array_equal(scorer.score(query, images), scores)
    again = _scorer(name, features)
    assert np.array_equal(again.score(*_resident(again, stored)), scores)
    reversed_ = scorer.score(query, images[::-1])[::-1]
    assert reversed_ == pytest.approx(scores, abs=ROUNDING)
    for place, image in enumerate(images):
        alone = scorer.score(query, [image])
        assert (alone.shape, alone.dtype) == ((1,), np.float32)
        assert alone[0] == pytest.approx(scores[place], abs=ROUNDING)
    none = scorer.score(query, [])
    assert (none.shape, none.dtype) == ((0,), np.float32)
    # The last picture has no texture: as query too it gives numbers.
    assert np.isfinite(scorer.score(others[-1], images)).all()
    similarities = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    assert scorer.combine(similarities, scores).shape == (4,)
    for image, copy in zip(stored, copies, strict=True):
        assert all(np.array_equal(image[field], copy[field]) for field in copy)
    if scorer.missing is None:
        assert scores[0] == scores.max()
        assert scores[1] > scores[2] >= scores[3]
    else:
        assert scorer.missing.startswith("weights")


def _resident(scorer: PairScorer, stored: Sequence[LocalFeatures]) -> tuple[Any, list[Any]]:
    images = [scorer.resident(image) for image in stored]
    return images[0], images


def test_visual_words_need_features() -> None:
    pytest.importorskip("asmk")
    with pytest.raises(UserError, match="0 features are too few for 4096 visual words"):
        make_scorer("rootsift-asmk", MINI)
    for name, value in (("words", 0), ("words", 2.5), ("alpha", -1), ("seed", -1)):
        given: dict[str, Any] = {"words": 8, name: value}
        with pytest.raises(UserError, match=f"{name} is {value}"):
            make_scorer("rootsift-asmk", MINI, [{"descriptors": np.ones((40, 128))}], **given)
