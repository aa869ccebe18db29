"""Snakemake's own report of a finished run: what it holds, and under which names."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from runs import Snakemake

pytestmark = pytest.mark.workflow

# A proxy that nothing listens at: whoever asked the network would fail.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def packed(
    tiny_run: Path, tiny_suite: Path, snakemake: Snakemake, tmp_path_factory: pytest.TempPathFactory
) -> zipfile.ZipFile:
    path = tmp_path_factory.mktemp("own") / "own.zip"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            patch.setenv(name, NOWHERE)
        done = snakemake(tiny_run, tiny_suite, "--report", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "downloading" not in done.stdout + done.stderr
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def page(packed: zipfile.ZipFile) -> str:
    return packed.read("own/report.html").decode()


def told(page: str, name: str) -> Any:
    """Return what the page's script says under a name."""
    found = re.search(rf'<script id="{name}">\s*var \w+ = (.*?);\s*</script>', page, re.DOTALL)
    assert found, name
    return json.loads(found[1])


def test_results_stand_in_their_categories(page: str, tiny_run: Path) -> None:
    categories = told(page, "categories")
    assert set(categories) == {"Pages", "Tables", "Figures", "Evaluations", "Measurements"}
    assert len(categories["Evaluations"]["landmarks"]) == 6
    assert set(categories["Measurements"]) == {
        *("Timings", "Ablations", "Sweeps", "Tunings", "Approximate search"),
    }
    [figures] = categories["Figures"].values()
    drawn = (tiny_run / "reports/tiny/figures").glob("*.svg")
    assert figures == sorted(f"reports/tiny/figures/{path.name}" for path in drawn)
    assert "reports/tiny/figures/workflow.svg" in figures


def test_every_result_has_labels_and_a_caption_and_is_packed(page: str, packed: zipfile.ZipFile) -> None:
    results = told(page, "results")
    packed_names = {Path(name).name for name in packed.namelist()}
    for path, result in results.items():
        assert result["labels"], path
        assert result["caption"], path
        assert Path(path).name in packed_names
    ranked = results["results/tiny/evaluation/mini/landmarks/plain/superglobal.json"]
    assert ranked["labels"] == {"descriptor": "mini", "method": "superglobal", "database": "plain"}
    assert "superglobal" in ranked["caption"]
    pages = {result["labels"]["page"] for result in results.values() if "page" in result["labels"]}
    assert pages == {
        *("Results", "Reproduced?", "Speed", "Ablations", "Parameters", "Approximate search", "Provenance"),
    }
    assert "A tiny suite" in told(page, "workflow-desc")
