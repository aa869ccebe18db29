"""`--quiet` and `--json`, before the verb or after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import Run, write_pictures
from small_data import Data

from superglobal_core import progress


def test_a_verb_prints_one_object(tmp_path: Path, data: Data, run: Run) -> None:
    stores = ("--queries", data.queries, "--database", data.database)
    out = tmp_path / "r.npz"
    after = run("search", *stores, "--k", 5, "--out", out, "--json")
    before = run("--json", "search", *stores, "--k", 5, "--out", out)
    assert after == before
    assert (after.code, after.err) == (0, "")
    assert json.loads(after.out) == {"verb": "search", "queries": 4, "places": 5, "out": str(out)}
    done = run(
        "evaluate", "--groundtruth", data.groundtruth, "--ranks", out, "--out", tmp_path / "e.json", "--json"
    )
    told, written = json.loads(done.out), json.loads((tmp_path / "e.json").read_text())
    assert told["map"] == {name: written[name]["map"] for name in ("easy", "medium", "hard")}
    # The next command prints text again.
    assert run("search", *stores, "--k", 5, "--out", out).out == f"4 queries, 5 places each: {out}\n"


def test_lists_are_objects(run: Run) -> None:
    entries = json.loads(run("download", "--list", "--json").out)["entries"]
    kinds = {entry["name"]: entry["kind"] for entry in entries}
    assert (kinds["roxford5k"], kinds["cvnet-r50"]) == ("dataset", "checkpoint")


def test_a_verb_that_finds_fault_keeps_its_code(run: Run, tmp_path: Path) -> None:
    assert run("new-method", "mine", "--kind", "reranker", "--folder", tmp_path, "--json").code == 0
    source = next((tmp_path / "mine").glob("*.py"))
    source.write_text("raise ValueError('broken')\n")
    done = run("check-method", tmp_path / "mine", "--json")
    assert done.code == 1
    checks = json.loads(done.out)["checks"]
    assert {one["method"] for one in checks} == {"mine"}
    assert "failed" in {one["state"] for one in checks}


def test_quiet_leaves_errors_and_results(
    tmp_path: Path, checkpoint: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LOG_INTERVAL_S", 0.0)
    write_pictures(tmp_path / "images", ["a", "b"])
    (tmp_path / "images" / "c.png").write_text("no picture")
    command = ("extract", "--images", tmp_path / "images", "--backbone", "mini", "--checkpoint", checkpoint,
               "--device", "cpu", "--on-error", "skip", "--replace")  # fmt: skip
    loud = run(*command, "--out", tmp_path / "loud")
    assert "left out: c" in loud.err
    assert "s left" in loud.err
    for place, arguments in {
        "after": (*command, "--out", tmp_path / "after", "--quiet"),
        "before": ("--quiet", *command, "--out", tmp_path / "before"),
    }.items():
        quiet = run(*arguments)
        assert (quiet.code, quiet.err) == (0, ""), place
        assert "2 images described" in quiet.out
    failed = run(
        "--quiet", "extract", "--images", tmp_path / "absent", "--backbone", "mini", "--out", tmp_path / "o"
    )
    assert failed.code == 2
    assert "no folder or list of images" in failed.err
    # It ends with its command.
    assert "left out: c" in run(*command, "--out", tmp_path / "again").err
