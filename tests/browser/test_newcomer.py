"""A newcomer's way: clone, run, open the report, find the worst query, add a method, compare the two runs.

The suite is the default one with fewer and smaller pictures, three methods, and nothing timed or swept.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from browser_pages import ROOT, OpenPage

SMALL = {"seed": 0, "size": 128, "landmarks": 3, "distractors": 0}
METHODS = ("single-stage", "superglobal", "average-qe")
LEFT_OUT = ("timing", "ablation", "approximate")
SUITE = "config/small.yaml"

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in an empty folder, with packages that are installed already."""
    folder = tmp_path_factory.mktemp("newcomer") / "superglobal"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    venv = folder / ".venv"
    venv.mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.name != ".installed":
            (venv / path.name).symlink_to(path)
    (venv / ".installed").touch()
    content = yaml.safe_load((folder / "config/mini.yaml").read_text())
    content |= {"suite": "small", "datasets": {"landmarks": {"label": "Landmarks", "synthetic": SMALL}}}
    content["methods"] = {name: content["methods"][name] for name in METHODS}
    kept = {name: value for name, value in content.items() if name not in LEFT_OUT}
    (folder / SUITE).write_text(yaml.safe_dump(kept, sort_keys=False))
    return folder


def call(clone: Path, *words: str) -> str:
    """Run a command as one types it in the clone, and return what it printed."""
    # Below a `make test`, make would tell of itself as a part of that.
    outside = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    environment = outside | {"PYTHONPATH": str(clone), "PATH": f"{clone}/.venv/bin:{os.environ['PATH']}"}
    done = subprocess.run(words, cwd=clone, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def report(clone: Path) -> Path:
    """The page that the first run names."""
    said = call(clone, "make", "run", f"SUITE={SUITE}")
    return clone / said.strip().splitlines()[-1].removeprefix("The report is ")


def test_the_worst_query_is_two_clicks_away(report: Path, open_page: OpenPage) -> None:
    values = {
        row["query_name"]: float(row["medium_ap_percent"])
        for row in rows_of(report.parent / "per_query.csv")
        if row["method"] == "superglobal" and row["medium_ap_percent"]
    }
    page = open_page(report)
    page.get_by_role("link", name="Queries", exact=True).click()
    first = page.locator("table[data-tools] tbody tr:visible").first.locator("a").first
    assert values[first.inner_text()] == min(values.values())
    worst = first.inner_text()
    first.click()
    page.wait_for_url(re.compile(r"queries-2\.html#"))
    card = page.locator("article:has(:target)")
    assert worst in card.inner_text()
    assert card.locator("svg:visible").count() > 10


def test_a_method_is_added_and_the_runs_compared(clone: Path, report: Path, open_page: OpenPage) -> None:
    call(clone, "cp", "-r", "results/small", "before")
    arrays = {path: path.stat().st_mtime_ns for path in (clone / "results/small").rglob("*.np[yz]")}
    assert len(arrays) > len(METHODS)
    call(clone, "superglobal", "new-method", "my-method", "--kind", "reranker")
    call(clone, "superglobal", "check-method", "workflow/methods/my-method")
    content = yaml.safe_load((clone / SUITE).read_text())
    content["methods"]["my-method"] = {}
    (clone / SUITE).write_text(yaml.safe_dump(content, sort_keys=False))
    call(clone, "make", "run", f"SUITE={SUITE}")
    # What was there is not made again.
    assert {path: path.stat().st_mtime_ns for path in arrays} == arrays
    assert {row["method"] for row in rows_of(report.parent / "map.csv")} == {*METHODS, "my-method"}

    said = call(clone, "superglobal", "compare", "before", "results/small", "--out", "comparison")
    shared = len(METHODS) * 3  # Easy, Medium and Hard of each
    assert said.startswith(f"All {shared} figures")
    by_method: dict[str, set[str]] = {}
    for row in rows_of(clone / "comparison/compare.csv"):
        by_method.setdefault(row["method"], set()).add(row["agreement"])
    assert by_method.pop("my-method") != {"identical"}
    assert by_method == {name: {"identical"} for name in METHODS}
    assert open_page(clone / "comparison/compare.html").get_by_text("my-method").first.is_visible()
