"""The command line: its help, its small verbs, and its processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from helpers import Run, write_pictures
from small_data import Data

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.features.store import FeatureStore


def test_lists_follow_the_ground_truth(
    tmp_path: Path, run: Run, write_groundtruth: Callable[..., Path], checkpoint: Path
) -> None:
    groundtruth = write_groundtruth(3, [([0], [], []), ([1], [], [])])
    write_pictures(tmp_path / "q", ["query_1", "query_0"])
    write_pictures(tmp_path / "db", ["image_2", "image_0", "image_1", "extra"])
    folders = ("--query-images", tmp_path / "q", "--database-images", tmp_path / "db")
    assert run("lists", "--groundtruth", groundtruth, *folders, "--out", tmp_path / "lists").code == 0
    done = run(
        *("extract", "--images", tmp_path / "lists" / "database.txt", "--backbone", "mini"),
        *("--checkpoint", checkpoint, "--device", "cpu", "--out", tmp_path / "out"),
    )
    assert done.code == 0
    truth = load_groundtruth(groundtruth)
    assert FeatureStore.open(tmp_path / "out").ids == list(truth.image_names)
    (tmp_path / "db" / "image_2.png").unlink()
    done = run("lists", "--groundtruth", groundtruth, *folders, "--out", tmp_path / "lists")
    assert done.code == 2
    assert "lacks 1 of the 3 images of the ground truth: image_2" in done.err


def test_landmarks(tmp_path: Path, run: Run) -> None:
    small = ("--seed", 3, "--size", 128, "--landmarks", 1, "--distractors", 1, "--processes", 1)
    done = run("landmarks", *small, "--out", tmp_path / "set")
    assert done.code == 0
    assert list((tmp_path / "set").rglob("gnd_*.pkl"))


def test_help_names_every_verb(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    verbs = ("landmarks", "extract", "search", "rerank", "evaluate", "sweep", "tune", "report", "doctor")
    for verb in (*verbs, "check-fast", "check-method", "new-method", "index", "approximate"):
        assert f" {verb} " in done.out
    assert run() == done


def test_in_real_processes(tmp_path: Path, data: Data) -> None:
    def process(*arguments: object) -> subprocess.CompletedProcess[str]:
        base = [sys.executable, "-m", "superglobal_core", *map(str, arguments)]
        return subprocess.run(base, capture_output=True, text=True)

    stores = ("--queries", data.queries, "--database", data.database)
    done = process("rerank", *stores, "--out", tmp_path / "r.npz")
    assert (done.returncode, done.stderr) == (0, "")
    done = process("evaluate", "--groundtruth", data.groundtruth, "--out", tmp_path / "e.json")
    assert done.returncode == 2
    assert done.stderr == "superglobal: give either --ranks or --scores, one of them\n"
    assert done.stdout == ""
