"""Planted descriptors: any rows of a world are the same rows, and the labels are where they say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.errors import UserError
from superglobal_core.features.planted import BLOCK, Planted, image_name
from superglobal_core.features.planted_shards import write_planted_queries, write_planted_rows
from superglobal_core.features.store import FeatureStore
from superglobal_core.steps.planted import planted_step

WORLD = Planted(seed=3, dimension=16, landmarks=3, easy=4, hard=3, junk=2, within=1200, queries=5)
ROWS = WORLD.rows(0, 3 * BLOCK)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 3 * BLOCK - 1), st.integers(1, 3 * BLOCK))
def test_any_range_holds_the_rows_of_the_whole(first: int, count: int) -> None:
    last = min(first + count, 3 * BLOCK)
    assert np.array_equal(WORLD.rows(first, last), ROWS[first:last])


def test_rows_have_unit_length_and_follow_from_the_seed() -> None:
    assert ROWS.dtype == np.float16
    assert np.linalg.norm(ROWS.astype(np.float64), axis=1) == pytest.approx(1, abs=2e-3)
    other = Planted(**{**dataclasses.asdict(WORLD), "seed": 4})
    assert not np.array_equal(other.rows(0, 5), ROWS[:5])
    assert np.array_equal(WORLD.query_rows(), WORLD.query_rows())


def test_labels_change_no_other_row() -> None:
    places = WORLD.places()
    labelled = np.concatenate([rows.ravel() for rows in places.values()])
    assert len(set(labelled.tolist())) == WORLD.labelled
    assert labelled.max() < WORLD.within
    bare = Planted(**{**dataclasses.asdict(WORLD), "landmarks": 1, "easy": 1, "hard": 0, "junk": 0})
    same = (bare.rows(0, WORLD.within) == ROWS[: WORLD.within]).all(axis=1)
    # The first landmark's first image is the same in both worlds.
    changed = set(labelled.tolist()) - set(bare.places()["easy"].ravel().tolist())
    assert set(np.flatnonzero(~same).tolist()) == changed


def test_queries_are_nearer_to_their_landmarks_than_to_distractors() -> None:
    world = Planted(dimension=512, landmarks=4, within=1000, queries=8)
    scores = world.query_rows().astype(np.float32) @ world.rows(0, 1000).astype(np.float32).T
    truth = world.groundtruth()
    for query, row in zip(truth.queries, scores, strict=True):
        others = np.delete(row, [*query.easy, *query.hard, *query.junk])
        assert row[list(query.easy)].mean() > row[list(query.hard)].mean() > others.mean() + 0.1
        # Neither trivial nor hopeless.
        assert row[list(query.hard)].min() < others.max() < row[list(query.easy)].max()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"within": 10}, "more than the first 10 rows"),
        ({"easy": 0, "hard": 0}, "easy and hard are both 0"),
        ({"dimension": 1}, "dimension is 1: it must be at least 2"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_impossible_worlds_are_refused(values: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Planted(**{**dataclasses.asdict(WORLD), **values})


def test_shards_hold_the_rows_and_the_labels_load(tmp_path: Path) -> None:
    write_planted_rows(WORLD, tmp_path / "a", 0, 1200, 500)
    write_planted_rows(WORLD, tmp_path / "b", 1200, 2000, 500)
    write_planted_queries(WORLD, tmp_path)
    store = FeatureStore.open(tmp_path / "a", tmp_path / "b")
    assert np.array_equal(store.all_rows(), ROWS[:2000])
    assert store.ids == [image_name(row) for row in range(2000)]
    assert [len(segment.array) for segment in store.segments] == [500, 500, 200, 500, 300]
    truth = load_groundtruth(tmp_path / "gnd_planted.pkl")
    assert truth == WORLD.groundtruth()
    queries = FeatureStore.open(tmp_path / "queries")
    assert queries.descriptor == store.descriptor
    assert queries.ids == list(truth.query_names)


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    write_planted_rows(WORLD, tmp_path, 0, 1500, 500)
    whole = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = (tmp_path / "shard-00000.npy").stat().st_mtime_ns
    (tmp_path / "shard-00001.npy").unlink()
    (tmp_path / "shard-00002.npy").write_bytes(whole["shard-00002.npy"][:-2])
    (tmp_path / ".partial-x").write_bytes(b"half")
    done = write_planted_rows(WORLD, tmp_path, 0, 1500, 500)
    assert (done.shards, done.found_done) == (3, 1)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == whole
    assert (tmp_path / "shard-00000.npy").stat().st_mtime_ns == kept


def test_other_descriptors_are_refused_or_replaced(tmp_path: Path) -> None:
    write_planted_rows(WORLD, tmp_path, 0, 1500, 500)
    other = Planted(**{**dataclasses.asdict(WORLD), "seed": 9})
    with pytest.raises(UserError, match="--replace"):
        write_planted_rows(other, tmp_path, 0, 1000, 500)
    write_planted_rows(other, tmp_path, 0, 1000, 500, replace=True)
    assert np.array_equal(FeatureStore.open(tmp_path).all_rows(), other.rows(0, 1000))


def test_a_refused_command_leaves_the_folder_and_its_record(tmp_path: Path) -> None:
    for rows in ("0..1500", None):
        out = tmp_path / str(rows)
        planted_step(WORLD, out, rows, 500)
        before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        with pytest.raises(UserError, match="--replace"):
            planted_step(dataclasses.replace(WORLD, seed=9), out, rows, 500)
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_folder_that_is_not_finished_has_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted_step(WORLD, tmp_path, "0..1500", 500)
    (tmp_path / "shard-00001.npy").unlink()

    def full(*_: object) -> None:
        raise UserError("cannot write")

    monkeypatch.setattr("superglobal_core.features.planted_shards.write_shard", full)
    with pytest.raises(UserError, match="cannot write"):
        planted_step(WORLD, tmp_path, "0..1500", 500)
    assert not (tmp_path / "record.json").exists()
