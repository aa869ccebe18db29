"""The commands that records show make the same files again."""

from __future__ import annotations

import html
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers import Run

from superglobal_core.files import sha256_of
from superglobal_core.invocation import command
from superglobal_core.reporting.collect import Study, read_study
from superglobal_core.reporting.lineage import steps_before, steps_by_output
from superglobal_core.reporting.report import write_report

# As people name folders.
ROOT = Path("the results")
FEATURES = ROOT / "features/mini/toy"
SEARCH = ROOT / "search/mini/toy/plain/topk.npz"
RANKING = ROOT / "rankings/mini/toy/plain/superglobal.npz"
EVALUATION = ROOT / "evaluation/mini/toy/plain/superglobal.json"
TRUTH = ROOT / "data/toy/gnd_landmarks.pkl"


def chain(run: Run, checkpoint: Path) -> None:
    """Draw, extract, search, rerank, evaluate; some paths are absolute, below the working directory."""
    data = ROOT / "data/toy"
    drawn = ("--landmarks", 2, "--size", 128, "--distractors", 0, "--processes", 1)
    steps: list[tuple[Any, ...]] = [("landmarks", *drawn, "--out", data)]
    for split, boxes in (("queries", ("--boxes", TRUTH)), ("database", ())):
        out = Path.cwd() / FEATURES / split
        images = ("--images", data / split, "--backbone", "mini", "--checkpoint", checkpoint, "--scales", "1")
        steps.append(("extract", *images, *boxes, "--out", out))
    descriptors = ("--queries", FEATURES / "queries", "--database", FEATURES / "database")
    steps += [
        ("search", *descriptors, "--k", 20, "--groundtruth", TRUTH, f"--out={SEARCH.absolute()}"),
        ("rerank", *descriptors, "--search", SEARCH, "--groundtruth", TRUTH, "--shortlist", 10, "--out", RANKING),
        ("evaluate", "--groundtruth", TRUTH, "--ranks", RANKING, "--bootstrap", 50, "--dataset", "toy",
         "--out", EVALUATION),
    ]  # fmt: skip
    for step in steps:
        done = run(*step)
        assert done.code == 0, done.err


def commands(study: Study) -> list[str]:
    record = study.results[0].record
    made = [one for _, one in steps_before(record, steps_by_output(study.records))]
    found = [one.command for one in [*made, record]]
    return [text for text in found if text is not None]


def figures() -> dict[str, Any]:
    content = json.loads(EVALUATION.read_text())
    return {name: content[name] for name in ("easy", "medium", "hard")}


def test_the_recorded_commands_make_everything_again(
    tmp_path: Path, checkpoint: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(checkpoint, "weights.safetensors")
    chain(run, Path("weights.safetensors"))
    study = read_study(ROOT)
    found = commands(study)
    assert [shlex.split(text)[:2] for text in found] == [
        ["superglobal", step] for step in ("extract", "extract", "search", "rerank", "evaluate")
    ]
    assert str(tmp_path) not in "".join(found)
    # What was read, by what it was.
    files = {
        (one.role, one.path, one.sha256) for _, record in study.records for one in record.inputs if one.sha256
    }
    assert files == {
        ("ground truth", str(TRUTH), sha256_of(TRUTH)),
        ("boxes", str(TRUTH), sha256_of(TRUTH)),
        ("manifest of the images", str(ROOT / "data/toy/MANIFEST.json"), sha256_of(ROOT / "data/toy/MANIFEST.json")),
        ("checkpoint", "weights.safetensors", sha256_of("weights.safetensors")),
        ("search", str(SEARCH), sha256_of(SEARCH)),
        ("ranking", str(RANKING), sha256_of(RANKING)),
    }  # fmt: skip
    digests = {(one.role, one.path) for _, record in study.records for one in record.inputs if one.digest}
    assert digests == {
        ("images", str(ROOT / "data/toy/queries")),
        ("images", str(ROOT / "data/toy/database")),
        ("queries", str(FEATURES / "queries")),
        ("database", str(FEATURES / "database")),
    }
    # The page shows just these commands, one a line, beside the record of the evaluation.
    page = write_report(ROOT, tmp_path / "report").with_name("provenance.html").read_text()
    shown = re.findall(r'<pre class="commands" aria-label="Commands">(.*?)</pre>', page, re.S)
    assert found in [html.unescape(text).split("\n") for text in shown]

    before, rankings = figures(), [SEARCH.read_bytes(), RANKING.read_bytes()]
    inputs = [record.inputs for _, record in sorted(study.records)]
    for made in ("features", "search", "rankings", "evaluation"):
        shutil.rmtree(ROOT / made)
    for text in found:
        done = run(*shlex.split(text)[1:])
        assert done.code == 0, done.err
    assert figures() == before
    assert [SEARCH.read_bytes(), RANKING.read_bytes()] == rankings
    again = read_study(ROOT)
    assert [record.inputs for _, record in sorted(again.records)] == inputs
    assert commands(again) == found
    assert run("verify", ROOT).code == 0


def test_a_step_called_from_python_has_no_command(run: Run) -> None:
    assert run("download", "--list").code == 0
    assert command() is None
