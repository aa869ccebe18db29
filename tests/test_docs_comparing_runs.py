"""The examples of docs/comparing-runs.md work, and answer what the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from made_up_results import read_csv
from made_up_runs import change_json, change_records, copy_run, evaluation, make_run, set_aps
from typer.testing import CliRunner

from superglobal_core.cli import app

PAGE = (Path(__file__).parents[1] / "docs" / "comparing-runs.md").read_text()


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders that the examples name."""
    monkeypatch.chdir(tmp_path)
    run = make_run(tmp_path / "results" / "tiny")
    laptop, stronger = (copy_run(run, tmp_path / name / "tiny") for name in ("laptop", "stronger"))
    change_records(laptop, lambda record: record["software"].update(torch="1.0"))
    change_records(laptop, lambda record: record["code"].update(commit="c" * 40))
    path = evaluation(stronger, "plain", "better")
    change_json(path, lambda content: content["record"]["parameters"].update(beta=0.3))
    set_aps(path, [0.5, 0.25, 0.5, 0.75, 0.5], "medium")


@pytest.mark.usefixtures("runs")
def test_the_examples_work() -> None:
    commands = [shlex.split(block) for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)]
    answers = re.findall(r"^```text\n(.*?)\n```", PAGE, re.M | re.S)
    assert [command[:2] for command in commands] == [
        ["superglobal", verb] for verb in ("compare", "compare", "leaderboard")
    ]
    outputs = []
    for _, *arguments in commands:
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        outputs.append(done.output.splitlines()[0])
    assert outputs[:2] == answers
    assert outputs[2].endswith("from 3 runs in 3 rows, sorted by toy/plain/hard.")
    assert Path("leaderboard/leaderboard.html").is_file()
    columns = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", PAGE, re.M)))
    assert columns
    assert set(columns) <= set(read_csv(Path("comparison/compare.csv"))[0])
