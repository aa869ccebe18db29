"""Spatial verification: real photographs of one place agree; a score depends on its pair alone."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers import unit_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.data.images import read_image
from superglobal_core.errors import UserError
from superglobal_core.evaluation.average_precision import average_precision
from superglobal_core.features.rootsift import RootSift
from superglobal_core.features.xfeat import XFeat
from superglobal_core.reranking.matching import mutual_matches
from superglobal_core.reranking.spatial import (
    Keypoints,
    Model,
    RootSiftScorer,
    SpatialScorer,
    XFeatScorer,
    count_inliers,
)

MODELS: tuple[Model, ...] = ("affine", "homography")
LANDMARKS, NUMBERS = ("all_souls", "hertford", "keble", "radcliffe_camera"), (1, 2, 3)
# What leave-one-out over these twelve crops has to reach, below what was measured (0.94 and 1).
LEAST_MAP = {"rootsift": 0.85, "xfeat": 0.97}


@pytest.fixture(scope="module", params=[RootSiftScorer, XFeatScorer], ids=lambda scorer: scorer.name)
def crops(request: pytest.FixtureRequest, shared: Path) -> tuple[type[SpatialScorer], list[Any]]:
    """A scorer's class and the features of twelve crops, three a landmark."""
    extractor: Any = RootSift()
    if request.param is XFeatScorer:
        pytest.importorskip("onnxruntime")
        extractor = XFeat(shared / "data/weights/xfeat.onnx")
    folder = shared / "data/photos/query_crops"
    paths = [folder / f"{name}_{number}.jpg" for name in LANDMARKS for number in NUMBERS]
    return request.param, [extractor(read_image(path)) for path in paths]


@pytest.mark.parametrize("model", MODELS)
def test_crops_of_a_landmark_find_each_other(
    crops: tuple[type[SpatialScorer], list[Any]], model: Model
) -> None:
    scorer = crops[0](model)
    images = [scorer.resident(features) for features in crops[1]]
    scores = np.stack([scorer.score(image, images) for image in images])
    assert scores.dtype == np.float32
    landmark = np.repeat(np.arange(len(LANDMARKS)), len(NUMBERS))
    same, itself = landmark[:, None] == landmark, np.eye(len(landmark), dtype=bool)
    assert np.median(scores[same & ~itself]) > 2 * scores[~same].max()
    assert (np.diag(scores) > 50).all()
    precisions = []
    for row, others in zip(scores, ~itself, strict=True):
        order = np.argsort(-row[others], kind="stable")
        precisions.append(average_precision(np.flatnonzero(same[len(precisions)][others][order])))
    assert np.mean(precisions) > LEAST_MAP[scorer.kind]


@pytest.mark.parametrize("model", MODELS)
def test_a_score_depends_on_its_pair_alone(
    crops: tuple[type[SpatialScorer], list[Any]], model: Model
) -> None:
    scorer = crops[0](model)
    query, *images = [scorer.resident(features) for features in crops[1][:8]]
    scores = scorer.score(query, images)
    cv2.setRNGSeed(17)
    assert np.array_equal(scorer.score(query, images[::-1])[::-1], scores)
    assert np.array_equal(crops[0](model).score(query, images), scores)
    with ThreadPoolExecutor(4) as pool:
        assert np.array_equal(list(pool.map(lambda image: scorer.score(query, [image])[0], images)), scores)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        assert np.array_equal(scorer.score(query, images), scores)
    finally:
        cv2.setNumThreads(threads)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("seed", range(3))
def test_inliers_of_a_known_transformation_are_counted(model: Model, seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = rng.uniform(0, 600, (120, 2)).astype(np.float32)
    target = source @ np.array([[0.9, 0.3], [-0.2, 1.1]], np.float32) + (30, -10)
    target[80:] = rng.uniform(0, 600, (40, 2))
    found = count_inliers(source, target.astype(np.float32), model, threshold=2.0, seed=seed)
    assert 80 <= found <= 83


EVERYWHERE = {
    "none": np.zeros((0, 2)),
    "two": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "one place": np.full((50, 2), 7.0),
    "two places": np.repeat([[1.0, 2.0], [30.0, 4.0]], 25, axis=0),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", EVERYWHERE)
def test_points_that_tell_nothing_score_nothing(model: Model, name: str) -> None:
    points = EVERYWHERE[name].astype(np.float32)
    spread = np.random.default_rng(0).uniform(0, 500, points.shape).astype(np.float32)
    assert count_inliers(points, spread, model) == 0
    assert count_inliers(spread, points, model) == 0
    assert count_inliers(points, points, model) == 0


@pytest.mark.parametrize("model", MODELS)
def test_points_on_a_line_end_quickly(model: Model) -> None:
    line = np.stack([np.arange(200.0), np.arange(200.0)], axis=1).astype(np.float32)
    start = time.perf_counter()
    assert 0 <= count_inliers(line, line * 2, model) <= 200
    assert 0 <= count_inliers(line, line[::-1].copy(), model, iterations=100_000) <= 200
    assert time.perf_counter() - start < 5


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(st.tuples(*[st.integers(-3, 3)] * 4), max_size=12),
    model=st.sampled_from(MODELS),
    factor=st.sampled_from([1e-3, 1.0, 1e6]),
)
def test_no_points_make_it_fail(points: list[tuple[int, int, int, int]], model: Model, factor: float) -> None:
    pairs = np.array(points, np.float32).reshape(-1, 4) * np.float32(factor)
    found = count_inliers(pairs[:, :2].copy(), pairs[:, 2:].copy(), model)
    assert found == 0 or (3 if model == "affine" else 4) <= found <= len(points)
    assert found == count_inliers(pairs[:, :2].copy(), pairs[:, 2:].copy(), model)


def test_inliers_at_one_place_count_once() -> None:
    grid = np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0)), -1).reshape(-1, 2) * 20
    assert count_inliers(np.tile(grid, (3, 1)), np.tile(grid, (3, 1))) == 16


@pytest.mark.parametrize("scorer", [RootSiftScorer(), XFeatScorer("homography")])
def test_images_without_features_score_nothing(scorer: SpatialScorer) -> None:
    none = scorer.resident({"keypoints": np.zeros((0, 2), np.float32), "descriptors": np.zeros((0, 64))})
    some = Keypoints(np.zeros((5, 2), np.float32), unit_rows(np.random.default_rng(0), 5, 64))
    assert scorer.score(none, [none, some]).tolist() == [0, 0]
    assert scorer.score(some, [none]).tolist() == [0]
    empty = scorer.score(some, [])
    assert (empty.shape, empty.dtype) == ((0,), np.float32)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    seed=st.integers(0, 99),
    least=st.sampled_from([-1.0, 0.0, 0.5]),
    ratio=st.sampled_from([None, 0.8, 1.0]),
)
def test_matches_are_what_the_words_say(
    sizes: tuple[int, int], seed: int, least: float, ratio: float | None
) -> None:
    rng = np.random.default_rng(seed)
    query, candidate = unit_rows(rng, sizes[0], 4), unit_rows(rng, sizes[1], 4)
    query[: len(query) // 3] = query[-1]  # some alike, for ties
    table = query @ candidate.T
    expected = []
    for i, row in enumerate(table):
        j = int(row.argmax())
        distances = np.sqrt(np.maximum(2 - 2 * np.delete(row, j), 0))
        distinct = ratio is None or len(distances) == 0 or np.sqrt(2 - 2 * row[j]) < ratio * distances.min()
        if table[:, j].max() == row[j] and row[j] >= least and distinct and j not in {b for _, b in expected}:
            expected.append((i, j))
    i, j = mutual_matches(query, candidate, least, ratio)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == expected


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"model": "afine"}, "did you mean 'affine'"),
        ({"threshold": 0.0}, "positive number of pixels"),
        ({"threshold": float("nan")}, "a number from 0 on"),
        ({"threshold": "wide"}, "a number from 0 on"),
        ({"iterations": 0}, "a whole number, at least 1"),
        ({"iterations": 2.5}, "a whole number, at least 1"),
        ({"model": 3}, "unknown model '3'"),
        ({"seed": -1}, "a whole number, at least 0"),
        ({"seed": 10**12}, "at most 2147483647"),
        ({"least_cosine": "much"}, "a number from -1 on"),
        ({"most_ratio": "much"}, "a number from 0 on"),
    ],
)
def test_nonsense_is_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        RootSiftScorer(**parameters)


def test_the_parameters_are_recorded() -> None:
    assert XFeatScorer("homography", most_ratio=0.9).parameters == {
        "model": "homography",
        "threshold": 8.0,
        "iterations": 2000,
        "least_cosine": 0.82,
        "most_ratio": 0.9,
        "seed": 0,
    }
