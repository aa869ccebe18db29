"""What compare and leaderboard write: whole pages that ask for nothing, names that are text, the same bytes again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_results import EVIL, Page, read_csv
from made_up_runs import FIGURES, change_json, change_records, copy_run, evaluation, set_aps
from typer.testing import CliRunner

from superglobal_core.cli import app
from superglobal_core.steps.compare import compare_step
from superglobal_core.steps.leaderboard import leaderboard_step

Write = Callable[[list[Path], Path], list[str]]


def write_compare(runs: list[Path], out: Path) -> list[str]:
    return compare_step(runs, out)


def write_leaderboard(runs: list[Path], out: Path) -> list[str]:
    return leaderboard_step(runs, out)


@pytest.fixture
def runs(first: Path, second: Path, tmp_path: Path) -> list[Path]:
    """Three runs, one with other figures, and names that would run."""
    third = copy_run(first, tmp_path / "<b onclick=alert(3)>" / "tiny")
    set_aps(evaluation(third, "plain", "better"), [0.25, 0.5, 0.75, 0.5, 0.5])
    change_records(third, lambda record: record["hardware"].update(cpu=EVIL))
    change_json(second / "suite.json", lambda suite: suite["methods"]["better"].update(label=f"{EVIL}2"))
    return [first, second, third]


@pytest.mark.parametrize(("write", "name"), [(write_compare, "compare"), (write_leaderboard, "leaderboard")])
def test_pages(write: Write, name: str, runs: list[Path], tmp_path: Path) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    lines, others = write(runs, out), write(runs, again)
    assert lines[:-1] == others[:-1]
    files = sorted(path.name for path in out.iterdir())
    assert files == [f"{name}.csv", f"{name}.html", f"{name}.json", f"{name}.md"]
    assert all((out / file).read_bytes() == (again / file).read_bytes() for file in files)
    html = (out / f"{name}.html").read_text()
    page = Page(html)
    assert page.wrong == []
    assert page.open == []
    assert not {"img", "iframe", "link"} & {tag for tag, _ in page.elements}
    assert not page.attributes("onclick")
    assert not page.attributes("src")
    assert "<script>alert" not in html
    assert "<b onclick=alert(3)>/tiny" in page.text
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    for address in page.attributes("href"):
        assert address[1:] in ids if address.startswith("#") else (out / address).is_file()
    for reference in page.attributes("aria-labelledby"):
        assert reference in ids
    assert str(tmp_path) not in "".join((out / file).read_text() for file in files)


def test_the_tables_of_a_comparison_hold_the_same_figures(runs: list[Path], tmp_path: Path) -> None:
    for run in runs:
        change_records(run, lambda record: record.update(wall_time_s=1.5))
    lines = compare_step(runs, tmp_path / "out")
    rows = read_csv(tmp_path / "out" / "compare.csv")
    content = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert lines[0] == content["answer"]
    assert len(rows) == 2 * FIGURES
    assert len(content["figures"]) == FIGURES
    third = content["runs"][2]
    (changed,) = (
        each
        for each in content["figures"]
        if (each["variant"], each["method"], each["protocol"]) == ("plain", "better", "medium")
    )
    assert changed["map"][third] == 0.5
    assert changed["against_the_first"][third]["moved_most"][0]["name"].startswith("q")
    (row,) = (
        row
        for row in rows
        if (row["variant"], row["method"], row["protocol"], row["run"])
        == ("plain", "better", "medium", third)
    )
    assert float(row["difference"]) == changed["against_the_first"][third]["difference"]
    assert row["verdict"] == "no difference can be shown"
    markdown = (tmp_path / "out" / "compare.md").read_text()
    assert "| toy/mini/plain/better medium" in markdown
    assert "<script>" not in markdown.replace("\\<", "")
    text = Page((tmp_path / "out" / "compare.html").read_text()).text
    assert content["answer"] in text
    assert "different machines" in text


def test_the_tables_of_a_leaderboard_hold_the_same_figures(runs: list[Path], tmp_path: Path) -> None:
    leaderboard_step(runs, tmp_path / "out", "toy/distractors/hard")
    content = json.loads((tmp_path / "out" / "leaderboard.json").read_text())
    rows = read_csv(tmp_path / "out" / "leaderboard.csv")
    assert content["by"] == "toy/distractors/hard"
    for row, each in zip(rows, content["rows"], strict=True):
        assert row["method"] == each["method"]
        assert {name: float(row[name]) for name in each["map"]} == each["map"]
    single = next(each for each in content["rows"] if each["method"] == "single stage")
    assert len(single["runs"]) == 3


def test_the_verbs_answer_and_fail_in_sentences(first: Path, second: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["compare", str(first), str(second), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert done.output.startswith(
        f"All {FIGURES} figures of second/tiny are those of first/tiny to the last digit"
    )
    done = CliRunner().invoke(app, ["leaderboard", str(tmp_path / "first"), str(second)])
    assert done.exit_code == 0
    assert done.output.startswith("2 methods from 2 runs in 2 rows, sorted by toy/plain/medium.")
    evaluation(second, "plain", "better").write_text("{")
    failed = subprocess.run(
        [sys.executable, "-m", "superglobal_core", "compare", first, second, "--out", tmp_path / "not"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 2
    assert len(failed.stderr.splitlines()) == 1
    assert "is not valid JSON" in failed.stderr
    assert not (tmp_path / "not").exists()
