"""The examples of docs/parameters.md work on small inputs, and its table is the reranker's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from superglobal_core.cli import app
from superglobal_core.data.landmarks import make_landmarks
from superglobal_core.parameter_results import Sweep, Tuning
from superglobal_core.protocol_switches import SWITCHES, reranking_values

PAGE = (Path(__file__).parents[1] / "docs" / "parameters.md").read_text()


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the examples name."""
    monkeypatch.chdir(tmp_path)
    make_landmarks(tmp_path / "pictures", size=128, landmarks=3, distractors=0, processes=1)
    for part, more in (("queries", ["--boxes", "pictures/gnd_landmarks.pkl"]), ("database", [])):
        images = ["--images", f"pictures/{part}", "--backbone", "mini", "--out", f"features/{part}"]
        call(["extract", *images, *more, "--device", "cpu"])


def call(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output


@pytest.mark.usefixtures("inputs")
def test_the_examples_work() -> None:
    commands = [shlex.split(block) for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)]
    assert [command[:2] for command in commands] == [
        ["superglobal", verb] for verb in ("rerank", "rerank", "sweep", "tune", "tune")
    ]
    for _, *arguments in commands:
        more = ["--groundtruth", "pictures/gnd_landmarks.pkl"] if arguments[0] == "rerank" else []
        call([*arguments, *more, "--device", "cpu"])
    sweep = Sweep.model_validate_json(Path("results/sweeps/mini/landmarks/plain.json").read_text())
    assert len(sweep.points) == 12
    for name, tried in (("halves", 13), ("exponents", 3)):  # the defaults besides
        tuning = Tuning.model_validate_json(Path(f"results/tuning/{name}.json").read_text())
        assert tuning.settings_tried == tried
        assert not set(tuning.tuned_on.queries) & set(tuning.reported_on.queries)


def test_the_table_has_every_switch_with_the_release_first() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|", PAGE, re.M))
    wanted = {
        switch.name: [str(value).lower() for value in (switch.official, *switch.others("official"))]
        for switch in SWITCHES
        if switch.name in reranking_values("official")
    }
    assert {name: re.findall(r"`(\w+)`", values) for name, values in rows.items()} == wanted
