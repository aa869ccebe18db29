"""One size measured for real, small."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import Run

from superglobal_core.errors import UserError
from superglobal_core.features.planted import Planted
from superglobal_core.features.planted_shards import write_planted_queries, write_planted_rows
from superglobal_core.features.store import FeatureStore
from superglobal_core.scale_record import REMEMBERED, STAGES, read_scale
from superglobal_core.steps.evaluate import evaluate_step
from superglobal_core.steps.planted import parse_rows
from superglobal_core.steps.rerank import rerank_step
from superglobal_core.steps.scale import scale_step
from superglobal_core.steps.scale_memory import memory_of
from superglobal_core.steps.scale_works import Asked, floor
from superglobal_core.timing.alone import VARIABLE

WORLD = Planted(dimension=64, landmarks=3, easy=6, hard=6, junk=2, within=500, queries=6)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    folder = tmp_path_factory.mktemp("planted")
    write_planted_queries(WORLD, folder)
    write_planted_rows(WORLD, folder / "a", 0, 500, 300)
    write_planted_rows(WORLD, folder / "b", 500, 900, 300)
    databases = [folder / "a", folder / "b"]
    return Asked(folder / "queries", databases, folder / "gnd_planted.pkl", k=50, shortlist=50, device="cpu")


def test_a_size_is_measured_and_says_what_the_steps_say(
    asked: Asked, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path_factory.mktemp("lock") / "timing.lock"))
    lines = list(scale_step(asked, tmp_path / "900.json", repeats=2, suite="mine"))
    assert lines[0] == "900 vectors"
    record = read_scale(tmp_path / "900.json")
    assert (record.size, record.queries, record.labelled) == (900, 6, 6 * 14)
    assert set(record.samples_s) == set(STAGES)
    assert all(len(taken) == 2 for taken in record.samples_s.values())
    assert set(record.memory) == set(REMEMBERED)
    assert all((use.process_peak_bytes or 1) > 0 for use in record.memory.values())
    assert record.record is not None
    assert (record.record["suite"], record.record["distractors"]) == ("mine", 400)
    digests = {one["path"]: one["digest"] for one in record.record["inputs"] if one["role"] != "ground truth"}
    assert digests == {
        str(path): FeatureStore.open(path).digest() for path in (asked.queries, *asked.databases)
    }
    assert [path.name for path in tmp_path.iterdir()] == ["900.json"]

    from superglobal_core.reranking.superglobal import SuperGlobalReranker

    rerank_step(
        asked.queries,
        asked.databases,
        SuperGlobalReranker(50),
        tmp_path / "r.npz",
        groundtruth=asked.groundtruth,
        top=50,
        device="cpu",
    )
    evaluated = evaluate_step(asked.groundtruth, tmp_path / "e.json", ranks=tmp_path / "r.npz", bootstrap=0)
    assert evaluated["hard"]["map"] == pytest.approx(record.reranked.hard)
    assert evaluated["easy"]["map"] == pytest.approx(record.reranked.easy)


def test_the_floor_reads_every_row(asked: Asked) -> None:
    queries = WORLD.query_rows().astype(np.float32)
    firsts = [WORLD.rows(start, start + 1) for start in (0, 300, 500, 800)]
    best = max(float(queries[0] @ row[0].astype(np.float32)) for row in firsts)
    assert floor(asked) == pytest.approx(best, abs=1e-5)


def test_a_process_that_fails_is_told(asked: Asked, tmp_path: Path) -> None:
    lacking = dataclasses.replace(asked, databases=[tmp_path / "none"])
    with pytest.raises(UserError, match=r"'whole' could not be measured: .*does not exist"):
        memory_of("whole", lacking, tmp_path / "found.npz")


@pytest.mark.parametrize(
    ("changes", "repeats", "message"),
    [
        ({"shortlist": 60}, 2, "more than the 50 places"),
        ({}, 0, "--repeats is 0"),
        ({"k": 0}, 2, "--k is 0"),
        ({"shortlist": 0}, 2, "shortlist is 0"),
        ({"neighbours": -1}, 2, "neighbours"),
        ({"device": "abacus"}, 2, "abacus"),
        ({"queries": Path("absent")}, 2, "absent"),
        ({"groundtruth": Path("absent.pkl")}, 2, "absent.pkl"),
        ({"databases": [Path("absent")]}, 2, "absent"),
    ],
)
def test_nonsense_is_refused_without_waiting_for_other_timings(
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    repeats: int,
    message: str,
) -> None:
    def wait() -> None:
        raise AssertionError("waited for the lock")

    monkeypatch.setattr("superglobal_core.steps.scale.alone", wait)
    with pytest.raises(UserError, match=message):
        list(scale_step(dataclasses.replace(asked, **changes), tmp_path / "x.json", repeats))


@pytest.mark.parametrize("text", ["5", "5..5", "7..3", "a..b", "-1..3"])
def test_rows_that_are_no_range_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="--rows is"):
        parse_rows(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--queries", 10**12], "1,000,000,000,000 queries of 2,048 numbers.* TB of memory"),
        (["--within", 10**13], "10,000,000,000,000 rows, would take .* of memory"),
        (["--dimension", 10**13, "--rows", "0..5"], "of memory, and .* are free"),
        (
            ["--rows", "0..1000000000000000"],
            "1,000,000,000,000,000 rows of 2,048 numbers would take .* TB in .*--out",
        ),
        (["--rows", "0..999999999999", "--shard-size", 10**12], "in a shard, would take .* of memory"),
    ],
)
def test_more_than_there_is_room_for_is_refused_at_once(
    tmp_path: Path, run: Run, options: list[Any], message: str
) -> None:
    done = run("planted-descriptors", "--out", tmp_path / "out", *options)
    assert done.code == 2
    assert re.search(message, " ".join(done.err.split())), done.err
    assert not (tmp_path / "out").exists()
