"""What contestants really do: which files they read, which candidates they count, which pictures are whose."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import unit_rows
from timed_inputs import DIMENSION, IMAGES, QUERIES

from superglobal_core.comparison.entries import parse_local
from superglobal_core.comparison.global_contestants import (
    FirstStageContestant,
    RerankerContestant,
    bytes_per_row,
)
from superglobal_core.comparison.inputs import Inputs, Pictures, open_inputs, pictures_of
from superglobal_core.comparison.local_contestant import LocalContestant
from superglobal_core.comparison.local_data import LocalData, extracted_data, stored_data
from superglobal_core.comparison.run import Plan, compare
from superglobal_core.comparison.runner import make_ready
from superglobal_core.comparison.works import CannotRunError
from superglobal_core.data.images import list_images
from superglobal_core.errors import UserError
from superglobal_core.features.local_extraction import extract_local
from superglobal_core.reranking.methods import make_reranker
from superglobal_core.reranking.pairs import LocalFeatures, PairScorer
from superglobal_core.timing.storage import cached_share

PAIR_S = 0.003


class Sleeper(PairScorer):
    """Takes a known time a pair, and the feature of an image as its score."""

    name, kind = "sleeper", "numbers"

    def __init__(self, pair_s: float = 0.0) -> None:
        self.pair_s = pair_s
        self.scored = 0

    def resident(self, features: LocalFeatures) -> float:
        return float(features["value"][0])

    def score(self, query: float, candidates: Sequence[float]) -> np.ndarray:
        time.sleep(self.pair_s * len(candidates))
        self.scored += len(candidates)
        return np.array(candidates, np.float32)


class Numbers:
    """Features of an image: megabytes of its mean."""

    kind = "numbers"
    settings: Mapping[str, Any] = {}

    def __init__(self, size: int = 4096) -> None:
        self.size = size

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        return {"value": np.full((self.size,), image.mean(), np.float32)}


@pytest.fixture(scope="module")
def inputs(descriptors: Path) -> Inputs:
    return open_inputs(descriptors / "queries.npy", [descriptors / "database.npy"], 30, 10, "cpu")


@pytest.fixture(scope="module")
def shown(inputs: Inputs, pictures: Path) -> Pictures:
    return pictures_of(inputs, list_images(pictures / "queries"), list_images(pictures / "database"), None)


@pytest.fixture(scope="module")
def data(inputs: Inputs, shown: Pictures, tmp_path_factory: pytest.TempPathFactory) -> LocalData:
    return extracted_data(inputs, shown, Numbers(), tmp_path_factory.mktemp("features"), pool=9)


def on_a_disk(path: Path) -> None:
    """Skip where the system keeps files in memory whatever one asks."""
    path.write_bytes(bytes(1 << 16))
    from superglobal_core.timing.storage import drop_from_page_cache

    if not drop_from_page_cache([path]):
        pytest.skip("files of this folder cannot be dropped from the page cache")


def test_a_fake_scorer_comes_out_at_its_time_for_all_pairs(inputs: Inputs, data: LocalData) -> None:
    scorer = Sleeper(PAIR_S)
    contestant = LocalContestant("sleeper", scorer, inputs, data)
    plan = Plan(["scoring", "from storage"], 30, repeats=3, budget_s=0.2)
    for timing in compare([contestant], plan, inputs.count).timings:
        summary = timing.summary()
        assert summary is not None
        assert 30 * PAIR_S <= summary.median < 1.5 * 30 * PAIR_S
        assert timing.scaled_from_pairs is not None
        assert timing.pairs_a_query == 30
        # As many as fit 50 ms a sample, and from storage no more than there are different images.
        assert 4 <= timing.scaled_from_pairs <= (16 if timing.scope == "scoring" else 9)


def test_end_to_end_adds_the_query_once(inputs: Inputs, data: LocalData, shown: Pictures) -> None:
    class Slow(Numbers):
        def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
            time.sleep(0.01)
            return super().__call__(image)

    class Describer:
        pictures, notes, note = shown, (), None

        def __call__(self, query: int) -> None:
            time.sleep(0.05)

    contestant = LocalContestant(
        "sleeper",
        Sleeper(),
        inputs,
        data,
        extractor=Slow(),
        pictures=shown,
        describe=Describer(),  # type: ignore[arg-type]
    )
    plan = Plan(["end to end"], 30, repeats=3, budget_s=0.2)
    (timing,) = compare([contestant], plan, inputs.count).timings
    summary, pairs = timing.summary(), timing.scaled_from_pairs
    assert summary is not None
    assert pairs is not None
    assert 2 <= pairs <= 5
    # 30 candidates and the query are extracted, the query described once: scaled it were 0.5 s and more.
    assert 0.36 <= summary.median < 0.36 + 30 * 0.006


def test_all_candidates_are_scored(inputs: Inputs, data: LocalData) -> None:
    scorer = Sleeper()
    contestant = LocalContestant("sleeper", scorer, inputs, data)
    for scope, pairs, expected in (
        ("scoring", None, 30),
        ("scoring", 7, 7),
        ("from storage", None, 9),  # more would be read from memory
        ("from storage", 4, 4),
    ):
        work = contestant.work(scope, 30, pairs)  # type: ignore[arg-type]
        make_ready(work, 0)
        scorer.scored = 0
        order = work.pairs(0)
        assert (work.timed, work.candidates, scorer.scored) == (expected, 30, expected)
        assert sorted(order) == list(range(expected))
    assert contestant.work("scoring", 1000).candidates == 30


def test_the_pool_gives_each_query_its_own_candidates_first(
    inputs: Inputs, shown: Pictures, data: LocalData
) -> None:
    assert data.distinct == len(data.database) <= 9
    for query in range(QUERIES):
        rows = [data.candidate_row(query, place) for place in range(30)]
        own = [shown.row(int(row)).id for row in inputs.shortlist[query, :3]]
        assert [data.database.ids[row] for row in rows[:3]] == own
        assert len(set(rows[: data.distinct])) == data.distinct
        assert rows[data.distinct :] == rows[: 30 - data.distinct]


def test_from_storage_reads_files_that_the_system_has_forgotten(
    inputs: Inputs, data: LocalData, tmp_path: Path
) -> None:
    on_a_disk(tmp_path / "probe")
    reranker = RerankerContestant("superglobal", make_reranker("superglobal"), inputs, None)
    first = FirstStageContestant("none", inputs, None)
    local = LocalContestant("sleeper", Sleeper(), inputs, data)
    for contestant in (reranker, first, local):
        work = contestant.work("from storage", 30)
        for query in range(2):
            assert make_ready(work, query) is True
            assert work.reads is not None
            files = work.reads(query)
            assert files
            # Though they were read, by a map, in the round before.
            assert [cached_share(path) for path in files] == [0] * len(files)
            work.pairs(query)
            shares = [cached_share(path) for path in files]
            assert all(share is not None and share > 0 for share in shares)
    assert make_ready(local.work("from storage", 30), 0, once=True) is True


def test_scoring_reads_no_file(inputs: Inputs, data: LocalData, tmp_path: Path) -> None:
    on_a_disk(tmp_path / "probe")
    contestants = [
        RerankerContestant("superglobal", make_reranker("superglobal"), inputs, None),
        FirstStageContestant("none", inputs, None),
        LocalContestant("sleeper", Sleeper(), inputs, data),
    ]
    for contestant in contestants:
        work, cold = contestant.work("scoring", 30), contestant.work("from storage", 30)
        make_ready(cold, 0)
        assert cold.reads is not None
        work.pairs(1)
        assert [cached_share(path) for path in cold.reads(0)] == [0] * len(cold.reads(0))
        assert work.reads is None


def test_all_scopes_find_the_same(inputs: Inputs, data: LocalData) -> None:
    from superglobal_core.search.exact import SearchResult

    for name in ("superglobal", "alpha-qe", "k-reciprocal"):
        contestant = RerankerContestant(name, make_reranker(name), inputs, None)
        rows, places = np.unique(inputs.shortlist), inputs.resident[2]
        for query in range(QUERIES):
            order, _ = contestant.work("from storage", 20).pairs(query)
            resident, _ = contestant.work("scoring", 20).pairs(query)
            assert np.array_equal(rows[resident.numpy()], order)
            assert np.array_equal(rows[places[query, :20].numpy()], inputs.shortlist[query, :20])
        batch = contestant.work("scoring", 20).batch
        assert batch is not None
        assert len(batch()[0]) == QUERIES
    first = FirstStageContestant("none", inputs, None)
    found = first.work("from storage", 20).pairs(1)
    assert isinstance(found, SearchResult)
    assert np.array_equal(found.indices, inputs.shortlist[1:2, :20])
    assert np.array_equal(first.work("scoring", 20).pairs(1).numpy(), inputs.shortlist[1:2, :20])
    local = LocalContestant("sleeper", Sleeper(), inputs, data)
    for query in range(QUERIES):
        work = local.work("from storage", 30)
        make_ready(work, query)
        assert np.array_equal(work.pairs(query), local.work("scoring", 9).pairs(query))


def test_a_database_too_large_for_memory_is_timed_from_storage_only(
    inputs: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superglobal_core.comparison.global_contestants.LARGEST_RESIDENT", 1000)
    contestant = FirstStageContestant("none", inputs, None)
    with pytest.raises(CannotRunError, match="GB in memory: timed from storage only"):
        contestant.work("scoring", 10)
    assert contestant.work("from storage", 10).candidates == IMAGES
    assert contestant.bytes_per_image == bytes_per_row(inputs.database) == 4 * DIMENSION


def test_without_pictures_there_is_no_end_to_end(inputs: Inputs, data: LocalData, shown: Pictures) -> None:
    for contestant in (
        RerankerContestant("superglobal", make_reranker("superglobal"), inputs, None),
        FirstStageContestant("none", inputs, None),
        LocalContestant("sleeper", Sleeper(), inputs, data, extractor=Numbers(), pictures=shown),
    ):
        with pytest.raises(CannotRunError, match="give --backbone"):
            contestant.work("end to end", 10)
    with pytest.raises(CannotRunError, match="weights missing"):
        LocalContestant("sleeper", Sleeper(), inputs, data).work("end to end", 10)


def test_residents_are_bounded_and_said_to_be(
    inputs: Inputs, data: LocalData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superglobal_core.comparison.local_contestant.MOST_RESIDENT", 65)
    work = LocalContestant("sleeper", Sleeper(), inputs, data).work("scoring", 30)
    assert f"on 2 of the {QUERIES} queries, again and again" in work.notes
    assert np.array_equal(work.pairs(2), work.pairs(0))


@pytest.fixture
def seven(tmp_path: Path, descriptors: Path) -> tuple[Path, Inputs]:
    """Seven queries without names, of which three are timed: the first, the middle one, the last."""
    np.save(tmp_path / "queries.npy", unit_rows(np.random.default_rng(1), 7, DIMENSION))
    found = open_inputs(tmp_path / "queries.npy", [descriptors / "database.npy"], 5, 3, "cpu")
    assert found.query_rows == [0, 3, 6]
    return tmp_path, found


def test_timed_queries_keep_their_pictures_and_features(seven: tuple[Path, Inputs], pictures: Path) -> None:
    folder, inputs = seven
    database = list_images(pictures / "database")
    queries = [dataclasses.replace(file, id=f"q{n}") for n, file in enumerate(database[:7])]
    found = pictures_of(inputs, queries, database, {"q3": (1, 2, 3, 4)})
    assert [file.id for file in found.queries] == ["q0", "q3", "q6"]
    assert [found.box(query) for query in range(3)] == [None, (1, 2, 3, 4), None]
    for split, files in (("q", queries), ("d", database)):
        extract_local(files, Numbers(8), folder / split, made_with={})
    stored = stored_data(inputs, "numbers", [folder / "q"], [folder / "d"])
    assert [stored.query_row(query) for query in range(3)] == [0, 3, 6]
    assert stored.candidate_row(1, 2) == inputs.shortlist[1, 2]
    assert stored.distinct is None
    with pytest.raises(UserError, match="holds numbers features where rootsift was named"):
        stored_data(inputs, "rootsift", [folder / "q"], [folder / "d"])
    with pytest.raises(UserError, match="there are 6 images for the 7 rows of the queries"):
        pictures_of(inputs, queries[:6], database, None)


def test_folders_of_stored_features_as_they_are_named() -> None:
    assert parse_local(["rootsift=a,b,c", "xfeat=d,e"]) == {"rootsift": ["a", "b", "c"], "xfeat": ["d", "e"]}
    for wrong in ("rootsift", "rootsift=a", "surf=a,b", "=a,b"):
        with pytest.raises(UserError, match="write KIND=QUERIES,DATABASE"):
            parse_local([wrong])
    with pytest.raises(UserError, match="given twice"):
        parse_local(["rootsift=a,b", "rootsift=c,d"])
