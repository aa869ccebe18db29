"""A suite of sizes alone, run for real on tiny databases."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from runs import Snakemake
from test_workflow import planned_rules

from superglobal_core.approximate_record import read_approximate
from superglobal_core.reporting.anchors import record_anchor
from superglobal_core.scale_record import read_scale, read_scale_study
from superglobal_core.steps.verify_results import verify_results

pytestmark = pytest.mark.workflow

GROWN = {
    "suite": "grown",
    "title": "Grown",
    "scale": {
        "sizes": [500, 1000],
        "dimension": 64,
        "queries": 4,
        "landmarks": 2,
        "k": 50,
        "shortlist": 50,
        "repeats": 2,
        "shard_size": 300,
        "approximate": {
            "kinds": ["flat-fp16", "flat-sq8", "ivfpq:nlist=4:nprobe=1/4", "hnsw:M=4"],
            "sizes": [500],
            "repeats": 1,
        },
    },
}


def test_sizes_are_measured_and_reported(tmp_path: Path, snakemake: Snakemake) -> None:
    suite = tmp_path / "grown.yaml"
    suite.write_text(yaml.safe_dump(GROWN))
    done: subprocess.CompletedProcess[str] = snakemake(tmp_path, suite)
    assert done.returncode == 0, done.stdout + done.stderr
    results, report = tmp_path / "results/grown", tmp_path / "reports/grown"
    small, large = (read_scale(results / f"scale/{size}.json") for size in (500, 1000))
    assert (small.size, large.size) == (500, 1000)
    # The larger database is the smaller one and the rest: nothing lies on the disk twice.
    assert sorted(path.name for path in (results / "planted").glob("rows-*")) == [
        "rows-0-500",
        "rows-500-1000",
    ]
    assert small.single_stage.medium is not None
    assert large.single_stage.medium is not None
    assert large.single_stage.medium <= small.single_stage.medium
    assert 'href="scale.html"' in (report / "index.html").read_text()
    assert [each.size for each in read_scale_study(report / "scale.json").sizes] == [500, 1000]
    # Indexes stand beside the exact search, whose figures are the size's.
    source = "approximate/planted/500.json"
    found = read_approximate(results / source)
    assert [index.kind for index in found.indexes] == ["flat-fp16", "flat-sq8", "ivfpq", "hnsw"]
    assert (found.database, found.k, found.dataset) == (500, 50, "planted")
    assert found.exact.single_stage_whole.map["medium"] == pytest.approx(small.single_stage.medium)
    assert found.exact.reranked_whole.map["medium"] == pytest.approx(small.reranked.medium)
    page = (report / "approximate.html").read_text()
    assert "Planted landmarks · 500 vectors of 64 dimensions" in page
    assert 'href="approximate.html"' in (report / "index.html").read_text()
    # Each size leads to its record, and the graph begins with what was drawn.
    provenance = (report / "provenance.html").read_text()
    for name in (source, "scale/500.json"):
        anchor = record_anchor(name)
        assert provenance.count(f'id="{anchor}"') == 1
        assert f'href="provenance.html#{anchor}"' in page + (report / "scale.html").read_text()
    drawn = (report / "figures/workflow.svg").read_text()
    assert {"planted-descriptors", "scale", "approximate"} <= set(
        re.findall(r'"w-name"[^>]*>([^<]*)<', drawn)
    )
    # All of it can be verified, without an evaluation by a method.
    done = verify_results(results, report)
    assert done.agrees, list(done.lines())
    states = {one.source for one in done.checked}
    assert states == {source, "scale/500.json", "scale/1000.json", str(report / "scale.json")}
    # One more size draws the new rows alone, and measures that size alone.
    more = {**GROWN, "scale": {**GROWN["scale"], "sizes": [500, 1000, 1500]}}  # type: ignore[dict-item]
    suite.write_text(yaml.safe_dump(more))
    planned = planned_rules(snakemake(tmp_path, suite, "--dry-run").stdout)
    assert planned == {"planted_rows", "scale", "report"}
