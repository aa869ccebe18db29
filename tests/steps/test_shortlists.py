"""Shortlists with the junk left out, protocol by protocol, against the protocol done by hand."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers import groundtruth_content, unit_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.errors import UserError
from superglobal_core.evaluation.protocol import PROTOCOLS
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.steps.evaluate import evaluate_step
from superglobal_core.steps.rerank import rerank_step
from superglobal_core.steps.search import search_step

IMAGES, QUERIES, DIMENSION = 40, 4, 8


def inputs(folder: Path, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors and a ground truth with many labels, as files in `folder`."""
    rng = np.random.default_rng(seed)
    queries, database = unit_rows(rng, QUERIES, DIMENSION), unit_rows(rng, IMAGES, DIMENSION)
    np.save(folder / "queries.npy", queries)
    np.save(folder / "database.npy", database)
    labels = []
    for _ in range(QUERIES):
        easy, hard, junk = np.split(rng.permutation(IMAGES)[:18], (5, 11))
        labels.append((easy.tolist(), hard.tolist(), junk.tolist()))
    (folder / "gnd_small.pkl").write_bytes(pickle.dumps(groundtruth_content(IMAGES, labels)))
    return queries, database


def by_hand(
    folder: Path, queries: np.ndarray, database: np.ndarray, protocol: str, m: int
) -> Sequence[float]:
    """The APs when each query's ignored images are taken out before anything else."""
    truth = load_groundtruth(folder / "gnd_small.pkl")
    positives, ignored = PROTOCOLS[protocol]
    found = []
    for number, query in enumerate(truth.queries):
        out = {image for label in ignored for image in getattr(query, label)}
        kept = np.array([image for image in range(IMAGES) if image not in out])
        first = kept[np.argsort(-(database[kept] @ queries[number]), kind="stable")]
        order, _ = SuperGlobalReranker(m, neighbours=3)(
            queries[number : number + 1], database, first[None, :m]
        )
        ranking = [*order[0].tolist(), *first[m:].tolist()]
        good = {image for label in positives for image in getattr(query, label)}
        ranks = [place for place, image in enumerate(ranking) if image in good]
        area = sum(
            (1 if rank == 0 else number / rank) + (number + 1) / (rank + 1)
            for number, rank in enumerate(ranks)
        )
        found.append(area / 2 / len(good))
    return found


@given(seed=st.integers(0, 10_000), m=st.integers(1, 45), through_search=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_without_junk_as_by_hand(tmp_path: Path, seed: int, m: int, through_search: bool) -> None:
    queries, database = inputs(tmp_path, seed)
    paths = (tmp_path / "queries.npy", [tmp_path / "database.npy"])
    truth = tmp_path / "gnd_small.pkl"
    search = None
    if through_search:
        search = tmp_path / "search.npz"
        search_step(*paths, m, search, truth, "cpu", spare=True)
    out = tmp_path / "reranked.npz"
    rerank_step(
        *paths,
        SuperGlobalReranker(m, neighbours=3),
        out,
        search=search,
        groundtruth=truth,
        junk="remove",
        device="cpu",
    )
    content = evaluate_step(truth, tmp_path / "map.json", ranks=out, bootstrap=0)
    for protocol in PROTOCOLS:
        expected = by_hand(tmp_path, queries, database, protocol, m)
        assert content[protocol]["average_precision"] == pytest.approx(expected, abs=1e-12)
    assert content["record"]["protocol"]["shortlist"] == "junk removed"


def test_every_image_stays_in_the_ranking_once(tmp_path: Path) -> None:
    inputs(tmp_path, 3)
    out = tmp_path / "reranked.npz"
    paths = (tmp_path / "queries.npy", [tmp_path / "database.npy"])
    truth = tmp_path / "gnd_small.pkl"
    ranking = rerank_step(
        *paths, SuperGlobalReranker(10), out, groundtruth=truth, junk="remove", device="cpu"
    )
    assert (np.sort(ranking.indices, axis=1) == np.arange(IMAGES)).all()


def test_the_two_protocols_differ(tmp_path: Path) -> None:
    inputs(tmp_path, 3)
    paths = (tmp_path / "queries.npy", [tmp_path / "database.npy"])
    truth = tmp_path / "gnd_small.pkl"
    maps = []
    for junk in ("keep", "remove"):
        out = tmp_path / f"{junk}.npz"
        rerank_step(*paths, SuperGlobalReranker(10), out, groundtruth=truth, junk=junk, device="cpu")
        content = evaluate_step(truth, tmp_path / "map.json", ranks=out, bootstrap=0)
        maps.append([content[protocol]["map"] for protocol in PROTOCOLS])
    assert maps[0] != maps[1]


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    inputs(tmp_path, 0)
    paths = (tmp_path / "queries.npy", [tmp_path / "database.npy"])
    truth, out = tmp_path / "gnd_small.pkl", tmp_path / "out.npz"
    with pytest.raises(UserError, match="--junk remove needs the --groundtruth"):
        rerank_step(*paths, SuperGlobalReranker(10), out, junk="remove")
    with pytest.raises(UserError, match="--spare needs the --groundtruth"):
        search_step(*paths, 10, out, spare=True)
    search_step(*paths, 20, tmp_path / "search.npz", truth, "cpu")
    with pytest.raises(UserError, match="search again with a larger --k, or with --spare"):
        rerank_step(
            *paths,
            SuperGlobalReranker(20),
            out,
            search=tmp_path / "search.npz",
            groundtruth=truth,
            junk="remove",
        )
    assert not out.exists()
