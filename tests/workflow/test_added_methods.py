"""Methods added as the manual says, inside and outside the repository, found in tables, page and timing."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from runs import ROOT, Snakemake

from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.data.landmarks import make_landmarks
from superglobal_core.reporting.texts import ABSENT
from superglobal_core.steps.new_method import new_method_step
from superglobal_core.timing.record import read_timings

pytestmark = pytest.mark.workflow

MANUAL = ROOT / "docs/adding-a-method.md"
FAILING = {
    "method.yaml": "{label: my failing one, stage: reranker, runs: python, python: 'method.py:Fails'}",
    "method.py": "class Fails:\n    def rerank(self, queries, candidates):\n        raise RuntimeError('no luck')\n",
}


def examples() -> dict[str, dict[str, str]]:
    """The files of the manual's examples, by method."""
    found: dict[str, dict[str, str]] = {}
    pattern = r"^`workflow/methods/([\w-]+)/([\w.]+)`:\n\n```\w+\n(.*?)```"
    for method, file, text in re.findall(pattern, MANUAL.read_text(), re.M | re.S):
        found.setdefault(method, {})[file] = text
    return found


def write_method(above: Path, name: str, files: dict[str, str]) -> Path:
    folder = above / name
    folder.mkdir(parents=True)
    for file, text in files.items():
        # Two rules cannot have one name.
        rule = re.sub(r"\W", "_", name)
        (folder / file).write_text(re.sub(r"^rule \w+:", f"rule {rule}:", text, flags=re.M))
    return folder


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a checkout has for the workflow."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("superglobal_core", "workflow", "profiles"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "environment.yml"):
        shutil.copy2(ROOT / name, root / name)
    return root


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    make_landmarks(folder, seed=3, size=128, landmarks=2, distractors=0, processes=1)
    return folder


def perfect(truth: GroundTruth) -> np.ndarray:
    """Rankings with each query's positives in front."""
    rows = []
    for query in truth.queries:
        first = [*query.easy, *query.hard]
        rows.append([*first, *(image for image in range(len(truth.image_names)) if image not in first)])
    return np.array(rows)


def bring_results(ranking: Path, descriptors: Path, truth: GroundTruth) -> None:
    np.save(ranking / "ranking.npy", perfect(truth))
    rng = np.random.default_rng(0)
    for name, count in (("queries", len(truth.query_names)), ("database", len(truth.image_names))):
        rows = rng.standard_normal((count, 8), dtype=np.float32)
        np.save(descriptors / f"{name}.npy", rows / np.linalg.norm(rows, axis=1, keepdims=True))


def suite_of(drawn: Path, **more: Any) -> dict[str, Any]:
    images = {"query_images": str(drawn / "queries"), "database_images": str(drawn / "database")}
    return {
        "suite": "ours",
        "title": "Ours",
        "datasets": {"landmarks": {"groundtruth": str(drawn / "gnd_landmarks.pkl"), **images}},
        "bootstrap": 20,
        **more,
    }


@pytest.fixture(scope="module")
def run(checkout: Path, drawn: Path, tmp_path_factory: pytest.TempPathFactory, snakemake: Snakemake) -> Path:
    """A suite with every way to a ranking, inside and outside, on descriptors brought along."""
    folder, files = tmp_path_factory.mktemp("methods"), examples()
    inside, outside = checkout / "workflow/methods", folder / "our-methods"
    for name in ("mean-of-first", "by-norm", "from-elsewhere"):
        write_method(inside, name, files[name])
        if name != "by-norm":
            write_method(outside, f"{name}-outside", files[name])
    # The template of a program does what the manual's does.
    list(new_method_step("by-norm-outside", "program", outside))
    write_method(outside, "failing", FAILING)
    brought = write_method(outside, "their-descriptors", files["their-descriptors"])
    truth = load_groundtruth(drawn / "gnd_landmarks.pkl")
    bring_results(inside / "from-elsewhere", brought, truth)
    shutil.copy(inside / "from-elsewhere/ranking.npy", outside / "from-elsewhere-outside")
    methods = {
        "none": None,
        "mean-of-first": {},
        "mean-of-first-outside": {},
        "by-norm": {},
        "as-it-was": {"reranker": "by-norm-outside", "parameters": {"power": 0.0}},
        "from-elsewhere": {},
        "from-elsewhere-outside": {},
        "failing": {},
        "rrt": {},
        "their-descriptors": {},
    }
    timing = {"shortlist": 10, "sizes": [], "queries": 2, "repeats": 2, "budget": 0.2}
    # No descriptors beside those of a method.
    suite = suite_of(drawn, methods=methods, method_paths=["our-methods"], timing=timing)
    (folder / "suite.yaml").write_text(yaml.safe_dump(suite, sort_keys=False))
    done = snakemake(folder, folder / "suite.yaml", root=checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "reports/ours/map.csv").open(newline="") as stream:
        return {row["method"]: row for row in csv.DictReader(stream)}


def test_methods_of_every_way_have_figures(run: Path) -> None:
    rows = rows_of(run)
    figures = {name: row["medium_map_percent"] for name, row in rows.items()}
    for name in ("mean-of-first", "from-elsewhere"):
        assert figures[name] == figures[f"{name}-outside"] != ""
    assert float(figures["from-elsewhere"]) == 100
    # Components to the power of nothing are the query itself.
    assert figures["as-it-was"] == figures["none"] != figures["by-norm"]
    assert rows["mean-of-first"]["method_label"] == "mean of the first"
    assert rows["as-it-was"]["method_label"] == "as-it-was"
    assert {row["descriptor_label"] for row in rows.values()} == {"their descriptors"}


def test_methods_that_cannot_run_stand_there_with_their_reason(run: Path) -> None:
    rows = rows_of(run)
    assert rows["failing"]["cannot_run"] == "it failed with RuntimeError: no luck"
    assert rows["rrt"]["cannot_run"] == "weights missing"
    assert rows["failing"]["medium_map_percent"] == rows["rrt"]["medium_map_percent"] == ""
    page = (run / "reports/ours/index.html").read_text()
    results = page[page.index('id="results"') :]
    shown = " ".join(re.sub(r"<[^>]+>", " ", results[: results.index("</table>")]).split())
    for label in ("mean of the first", "by largest component", "from elsewhere", "as-it-was"):
        assert label in shown
    assert f"my failing one their descriptors {ABSENT} it failed with RuntimeError: no luck" in shown
    assert f"{ABSENT} weights missing" in shown
    for name in ("map.md", "map.tex"):
        table = (run / "reports/ours" / name).read_text()
        assert "my failing one (cannot run: it failed with RuntimeError: no luck)" in table


def test_methods_are_timed_or_say_why_not(run: Path) -> None:
    record = read_timings(run / "results/ours/timing/their-descriptors/landmarks/plain.json")
    scoring = {timing.label: timing for timing in record.find(scope="scoring")}
    assert scoring["mean of the first (mean-of-first)"].samples_s
    assert scoring["by largest component"].reason == "runs as a program: not timed inside one process"
    assert "brought along" in str(scoring["from elsewhere (from-elsewhere)"].reason)
    assert "no luck" in str(scoring["my failing one"].reason)
    assert "by largest component" in (run / "reports/ours/speedup.csv").read_text()


def test_an_edited_folder_reruns_that_method_alone(run: Path, checkout: Path, snakemake: Snakemake) -> None:
    program = checkout / "workflow/methods/by-norm/order.py"
    before = program.read_text()
    program.write_text(before + "# another\n")
    done = snakemake(run, run / "suite.yaml", "-n", "--quiet", "rules", root=checkout)
    program.write_text(before)
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.M))
    assert {name: jobs.get(name) for name in ("by_norm", "hand_over", "adopt", "evaluate")} == dict.fromkeys(
        ("by_norm", "hand_over", "adopt", "evaluate"), "1"
    )
    assert not {"rerank", "search", "as_it_was"} & set(jobs)


def test_a_program_s_descriptors_are_a_descriptor_of_the_suite(
    checkout: Path, drawn: Path, tmp_path: Path, snakemake: Snakemake
) -> None:
    write_method(checkout / "workflow/methods", "grey-grid", examples()["grey-grid"])
    broken = {**examples()["grey-grid"], "describe.py": "raise SystemExit('no images today')"}
    write_method(checkout / "workflow/methods", "broken", broken)
    methods = {
        "none": None,
        "coarse": {"reranker": "grey-grid", "parameters": {"side": 2}},
        "broken": None,
    }
    suite = suite_of(drawn, methods=methods)
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite, sort_keys=False))
    done = snakemake(tmp_path, tmp_path / "suite.yaml", root=checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "reports/ours/map.csv").open(newline="") as stream:
        found = {row["descriptor"]: row for row in csv.DictReader(stream)}
    assert list(found) == ["coarse", "broken"]
    assert float(found["coarse"]["medium_map_percent"]) > 0
    reason = "its program ended with the exit code 1: no images today"
    assert found["broken"]["cannot_run"] == reason
    page = (tmp_path / "reports/ours/index.html").read_text()
    assert f"nothing could run: {reason} (first stage alone)" in page
    record = json.loads((tmp_path / "results/ours/features/coarse/landmarks/queries/record.json").read_text())
    assert record["descriptor"]["parameters"] == {"side": 2}
    assert record["protocol"]["query_crop"] is True
    assert not (tmp_path / "results/ours/given-images/coarse/landmarks/queries").exists()
