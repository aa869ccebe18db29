"""The revisited protocol: the golden values, a plain reimplementation, and wrong inputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.data.groundtruth import GroundTruth, Query, load_groundtruth
from superglobal_core.errors import UserError
from superglobal_core.evaluation.protocol import CUTOFFS, PROTOCOLS, ProtocolResult, evaluate
from superglobal_core.evaluation.ranks import LabelledRanks, RankCounter, labelled_pairs

GOLDEN_TOLERANCE = 1e-9
NAIVE_TOLERANCE = 1e-12

Labels = tuple[Query, ...]


def golden_scores(truth: GroundTruth, case: dict[str, Any]) -> np.ndarray:
    """The golden file's recipe."""
    shape = (len(truth.queries), len(truth.image_names) + case["distractors"])
    scores = np.random.default_rng(case["seed"]).standard_normal(shape).astype(np.float32)
    for row, query in zip(scores, truth.queries, strict=True):
        row[list(query.easy)] += np.float32(case["boost"])
        row[list(query.hard)] += np.float32(case["boost"] / 2)
        row[list(query.junk)] += np.float32(case["boost"] / 2)
    return scores


def streamed(scores: np.ndarray, queries: Labels, rng: np.random.Generator) -> LabelledRanks:
    """Count ranks from pieces of random widths in a random order."""
    query, image = labelled_pairs(queries)
    counter = RankCounter(query, image, scores[query, image])
    cuts = np.unique(np.concatenate([[0, scores.shape[1]], rng.integers(0, scores.shape[1], 9)]))
    for piece in rng.permutation(len(cuts) - 1):
        counter.add(scores[:, cuts[piece] : cuts[piece + 1]], int(cuts[piece]))
    return LabelledRanks(query, image, counter.ranks)


def test_golden_values_in_three_ways(shared: Path) -> None:
    cases = json.loads((shared / "golden" / "evaluation.json").read_text())["cases"]
    assert cases
    rng = np.random.default_rng(0)
    for case in cases:
        truth = load_groundtruth(shared / "data" / "groundtruth" / f"gnd_{case['dataset']}.pkl")
        scores = golden_scores(truth, case)
        for way in (
            {"scores": scores},
            {"ranking": np.argsort(-scores, axis=1, kind="stable")},
            {"labelled_ranks": streamed(scores, truth.queries, rng)},
        ):
            results = evaluate(truth.queries, **way)  # type: ignore[arg-type]
            for name, expected in case["expected"].items():
                found = results[name]
                assert found.map == pytest.approx(expected["map"], abs=GOLDEN_TOLERANCE)
                means = expected["mean_precision_at_1_5_10"]
                assert list(found.mean_precision.values()) == pytest.approx(means, abs=GOLDEN_TOLERANCE)
                assert found.average_precision == pytest.approx(
                    expected["average_precision"], abs=GOLDEN_TOLERANCE
                )


def naive(queries: Labels, rankings: list[list[int]], name: str) -> dict[str, Any]:
    """The protocol as one would write it down: lists, a loop a query, nothing clever."""
    aps: list[float | None] = []
    precisions = []
    for query, ranking in zip(queries, rankings, strict=True):
        positives = {image for label in PROTOCOLS[name][0] for image in getattr(query, label)}
        ignored = {image for label in PROTOCOLS[name][1] for image in getattr(query, label)}
        if not positives:
            aps.append(None)
            continue
        cleaned = [image for image in ranking if image not in ignored]
        places = [place for place, image in enumerate(cleaned) if image in positives]
        area = 0.0
        for found, place in enumerate(places):
            before = 1.0 if place == 0 else found / place
            after = (found + 1) / (place + 1)
            area += (before + after) / 2 / len(positives)
        aps.append(area)
        last = places[-1] + 1 if len(places) == len(positives) else float("inf")
        row = []
        for cutoff in CUTOFFS:
            k = min(last, cutoff)
            row.append(sum(place < k for place in places) / k)
        precisions.append(row)
    known = [ap for ap in aps if ap is not None]
    return {
        "map": sum(known) / len(known) if known else None,
        "average_precision": aps,
        "mean_precision": np.mean(precisions, axis=0).tolist() if precisions else [None] * len(CUTOFFS),
    }


def assert_same(found: ProtocolResult, expected: dict[str, Any]) -> None:
    assert found.map == pytest.approx(expected["map"], abs=NAIVE_TOLERANCE)
    assert found.average_precision == pytest.approx(expected["average_precision"], abs=NAIVE_TOLERANCE)
    assert list(found.mean_precision.values()) == pytest.approx(
        expected["mean_precision"], abs=NAIVE_TOLERANCE
    )


@st.composite
def labelled_scores(draw: st.DrawFn) -> tuple[Labels, np.ndarray]:
    """A small ground truth and scores with many ties."""
    images = draw(st.integers(3, 30))
    queries = []
    for _ in range(draw(st.integers(1, 4))):
        kinds = draw(
            st.lists(st.sampled_from(["easy", "hard", "junk", ""]), min_size=images, max_size=images)
        )
        labels = {
            kind: tuple(index for index, own in enumerate(kinds) if own == kind)
            for kind in ("easy", "hard", "junk")
        }
        queries.append(Query(box=(0, 0, 9, 9), **labels))
    columns = images + draw(st.integers(0, 20))
    values = draw(
        st.lists(st.integers(-3, 3), min_size=len(queries) * columns, max_size=len(queries) * columns)
    )
    return tuple(queries), np.array(values, np.float32).reshape(len(queries), columns)


@settings(deadline=None, max_examples=200)
@given(problem=labelled_scores(), seed=st.integers(0, 2**32 - 1))
def test_equals_a_plain_reimplementation_in_three_ways(problem: tuple[Labels, np.ndarray], seed: int) -> None:
    queries, scores = problem
    ranking = np.argsort(-scores, axis=1, kind="stable")
    for way in (
        {"scores": scores},
        {"ranking": ranking.astype(np.int32)},
        {"labelled_ranks": streamed(scores, queries, np.random.default_rng(seed))},
    ):
        results = evaluate(queries, **way)  # type: ignore[arg-type]
        for name in PROTOCOLS:
            assert_same(results[name], naive(queries, ranking.tolist(), name))


@settings(deadline=None, max_examples=200)
@given(problem=labelled_scores(), data=st.data())
def test_a_ranking_cut_off_equals_the_full_one_within_it(
    problem: tuple[Labels, np.ndarray], data: st.DataObject
) -> None:
    queries, scores = problem
    full = np.argsort(-scores, axis=1, kind="stable")
    k = data.draw(st.integers(1, full.shape[1]))
    padded = np.full((len(full), k + 3), -1)
    padded[:, :k] = full[:, :k]
    for cut in (full[:, :k], padded):
        results = evaluate(queries, ranking=cut)
        for name in PROTOCOLS:
            # Its list ends at k and the positives beyond still count in the denominator.
            assert_same(results[name], naive(queries, full[:, :k].tolist(), name))
    whole = evaluate(queries, ranking=full)
    for name, result in evaluate(queries, ranking=full[:, :k]).items():
        for number, query in enumerate(queries):
            positives = {image for label in PROTOCOLS[name][0] for image in getattr(query, label)}
            if positives and positives <= set(full[number, :k].tolist()):
                assert result.average_precision[number] == whole[name].average_precision[number]


def test_queries_without_positives_are_left_out() -> None:
    queries = (Query((0, 0, 9, 9), (0,), (), ()), Query((0, 0, 9, 9), (), (), (1,)))
    results = evaluate(queries, scores=np.array([[1.0, 0.0], [1.0, 0.0]]), bootstrap=50)
    assert results["easy"].average_precision == [1.0, None]
    assert results["easy"].map == 1.0
    assert results["easy"].interval is None  # of one value there is none
    assert results["hard"] == ProtocolResult(None, None, {1: None, 5: None, 10: None}, [None, None])
    assert results["hard"].as_dict()["queries_with_positives"] == 0


ONE = (Query((0, 0, 9, 9), (0,), (2,), (1,)),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "exactly one"),
        ({"scores": np.zeros((1, 3)), "ranking": np.zeros((1, 3), int)}, "exactly one"),
        ({"scores": np.zeros((2, 3))}, "shape 2 x 3, but the ground truth has 1 queries"),
        ({"scores": np.zeros((3, 1))}, "transpose it"),
        ({"scores": np.zeros(3)}, "one row a query"),
        ({"scores": np.zeros((1, 2))}, "2 columns, but image 2 is labelled"),
        ({"scores": np.array([[0, np.nan, 1]])}, "a score of query 0 is NaN"),
        ({"scores": np.array([["a", "b", "c"]])}, "hold <U1 values"),
        ({"scores": np.array([[1j, 2j, 3j]])}, "hold complex128 values"),
        ({"ranking": np.array([[0.0, 1.0, 2.0]])}, "holds float64 values"),
        ({"ranking": np.array([[True, False, True]])}, "holds bool values"),
        ({"ranking": np.array([[0, 1, 1]])}, "row 0 of the ranking names an image twice: 1"),
        ({"ranking": np.array([[0, 1, -2]])}, "row 0 of the ranking holds -2"),
        ({"ranking": np.array([[0, 1], [1, 0]])}, "shape 2 x 2"),
        ({"labelled_ranks": LabelledRanks(*(np.array([0]),) * 3)}, "counted for another ground truth"),
    ],
)
def test_wrong_inputs(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        evaluate(ONE, **given)


def test_infinite_scores_have_their_place() -> None:
    results = evaluate(ONE, scores=np.array([[np.inf, 0.0, -np.inf]]))
    assert results["medium"].map == 1.0
