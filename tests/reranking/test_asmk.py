"""ASMK: the scores are the asmk package's own; without it the message says what to do."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from helpers import unit_rows

from superglobal_core.errors import UserError
from superglobal_core.reranking.asmk import AsmkScorer, RootSiftAsmk, XFeatAsmk

WORDS = 32


def features(seed: int, count: int = 60) -> dict[str, np.ndarray]:
    return {"descriptors": unit_rows(np.random.default_rng(seed), count, 64).astype(np.float16)}


@pytest.fixture(scope="module")
def scorer() -> AsmkScorer:
    pytest.importorskip("asmk")
    return XFeatAsmk.train([features(seed) for seed in range(20)], words=WORDS, seed=3)


def test_without_the_package_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asmk", None)
    for attempt in (
        lambda: XFeatAsmk(np.zeros((4, 64), np.float32)),
        lambda: RootSiftAsmk.train([], words=4),
    ):
        with pytest.raises(UserError, match=r'pip install "superglobal\[asmk\]"'):
            attempt()


def test_the_scores_are_those_of_the_packages_inverted_file(scorer: AsmkScorer) -> None:
    from asmk import ASMKMethod
    from asmk.codebook import Codebook
    from asmk.index import initialize_index

    images = [features(seed, count) for seed, count in ((0, 60), (50, 40), (51, 9), (52, 120))]
    rows = [image["descriptors"].astype(np.float32) for image in images]
    owners = np.repeat(np.arange(4), [len(part) for part in rows])
    codebook = Codebook(initialize_index(gpu_id=None), size=WORDS)
    codebook.index(scorer.codebook)
    once = {"quantize": {"multiple_assignment": 1}, "aggregate": {}}
    parameters = {
        "index": {"gpu_id": None},
        "build_ivf": {"kernel": {"binary": True}, "ivf": {"use_idf": False}, **once},
        "query_ivf": {
            "search": {"topk": None},
            "similarity": {"similarity_threshold": 0.0, "alpha": 3.0},
            **once,
        },
    }
    method = ASMKMethod(parameters, {}, codebook=codebook).build_ivf(np.concatenate(rows), owners.copy())
    _, _, order, expected = method.query_ivf(np.concatenate(rows), owners)
    resident = [scorer.resident(image) for image in images]
    for query in range(4):
        scores = scorer.score(resident[query], resident)
        np.testing.assert_allclose(scores[order[query]], expected[query], rtol=1e-5)
        assert scores[query] == pytest.approx(1, abs=1e-6)
        assert scores.dtype == np.float32


def test_the_same_seed_gives_the_same_codebook(scorer: AsmkScorer) -> None:
    again, other = (
        XFeatAsmk.train([features(seed) for seed in range(20)], words=WORDS, seed=seed) for seed in (3, 4)
    )
    assert np.array_equal(again.codebook, scorer.codebook)
    assert not np.array_equal(other.codebook, scorer.codebook)
    assert scorer.parameters == {"words": WORDS, "alpha": 3.0, "least_similarity": 0.0}


def test_images_without_features_score_nothing(scorer: AsmkScorer) -> None:
    none, some = scorer.resident(features(0, 0)), scorer.resident(features(1))
    assert scorer.score(none, [none, some]).tolist() == [0, 0]
    assert scorer.score(some, [none]).tolist() == [0]


def test_what_does_not_fit_is_refused(scorer: AsmkScorer) -> None:
    with pytest.raises(UserError, match="60 features are too few for 100 visual words"):
        XFeatAsmk.train([features(0)], words=100)
    with pytest.raises(UserError, match="0 features are too few"):
        XFeatAsmk.train([], words=100)
    with pytest.raises(UserError, match="multiple of 32"):
        XFeatAsmk(np.zeros((4, 63), np.float32))
    with pytest.raises(UserError, match="the codebook is for 64 dimensions, the descriptors have 32"):
        scorer.resident({"descriptors": np.zeros((3, 32), np.float16)})
