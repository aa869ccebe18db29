"""A suite's approximate indexes, run by Snakemake: on the largest database, on a page of their own, verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from superglobal_core.approximate_record import read_approximate
from superglobal_core.steps.checked import OK
from superglobal_core.steps.verify_results import verify_results

pytestmark = pytest.mark.workflow


def test_indexes_are_compared_shown_and_verified(tiny_run: Path) -> None:
    results, report = tiny_run / "results/tiny", tiny_run / "reports/tiny"
    source = "approximate/mini/landmarks/distractors.json"
    assert [path.relative_to(results).as_posix() for path in results.glob("approximate/**/*.json")] == [
        source
    ]
    found = read_approximate(results / source)
    assert found.distractors == 24
    assert [index.name for index in found.indexes] == ["flat-sq8", "ivfpq:nlist=4:nprobe=1/4"]
    assert [point.effort for point in found.indexes[1].points] == [1, 4]
    assert (found.record["suite"], found.record["dataset"]) == ("tiny", "landmarks")
    page = (report / "approximate.html").read_text()
    assert "ivfpq:nlist=4" in page
    assert source in page
    assert (report / "approximate.csv").is_file()
    checked = {one.source: one.state for one in verify_results(results).checked}
    assert checked[source] == OK
