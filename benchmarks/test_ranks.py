"""Exact ranks of labelled images among 1,006,322 scores, against sorting them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from superglobal_core.evaluation.ranks import RankCounter

QUERIES, IMAGES = 70, 1_006_322
# About what RParis has: 24,377 labels over 70 queries, all among the first 6,322 images.
LABELS, LABELLED = 348, 6322
SHARD = 65536


def make_inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((QUERIES, IMAGES), dtype=np.float32)
    query = np.repeat(np.arange(QUERIES), LABELS)
    image = np.concatenate([rng.choice(LABELLED, LABELS, replace=False) for _ in range(QUERIES)])
    scores[query, image] += 2
    return scores, query, image


def count(scores: np.ndarray, query: np.ndarray, image: np.ndarray) -> np.ndarray:
    counter = RankCounter(query, image, scores[query, image])
    for start in range(0, scores.shape[1], SHARD):
        counter.add(scores[:, start : start + SHARD], start)
    return counter.ranks


def test_counting_ranks_beats_sorting(
    tmp_path: Path,
    against: Callable[..., float],
    figure: Callable[..., None],
    peak_of: Callable[[str], float],
) -> None:
    scores, query, image = make_inputs()
    expected = np.empty_like(scores, dtype=np.int64)
    order = np.argsort(-scores, axis=1, kind="stable")
    np.put_along_axis(expected, order, np.arange(IMAGES)[None], axis=1)
    assert (count(scores, query, image) == expected[query, image]).all()
    del expected, order

    ratio = against(
        lambda: count(scores, query, image),
        {
            "unstable argsort": lambda: np.argsort(scores, axis=1),
            "stable argsort": lambda: np.argsort(scores, axis=1, kind="stable"),
        },
        rounds=3,
    )
    figure("speed against the fastest sort of indices", 1 / ratio, 3, "times faster", at_most=False)

    for number, start in enumerate(range(0, IMAGES, SHARD)):
        np.save(tmp_path / f"{number:05d}.npy", scores[:, start : start + SHARD])
    np.savez(tmp_path / "labels.npz", query=query, image=image, own=scores[query, image])
    script = f"""
import numpy as np
from pathlib import Path
from superglobal_core.evaluation.ranks import RankCounter
folder = Path({str(tmp_path)!r})
def inputs():
    global labels, shard
    labels = dict(np.load(folder / "labels.npz"))
    shard = np.load(folder / "00000.npy")
def work():
    global shard
    counter = RankCounter(labels["query"], labels["image"], labels["own"])
    for number, path in enumerate(sorted(folder.glob("0*.npy"))):
        shard = None
        shard = np.load(path)
        counter.add(shard, number * {SHARD})
"""
    figure("memory beyond one shard", peak_of(script), 200, "MB")
