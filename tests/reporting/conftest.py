"""Results as the workflow leaves them, and their report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from made_up_results import make_results

from superglobal_core.reporting.report import write_report


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite's whole results folder, as the workflow leaves it; only to be read."""
    return make_results(tmp_path_factory.mktemp("whole") / "results")


@pytest.fixture
def results(whole: Path, tmp_path: Path) -> Path:
    """A copy of the results to be changed."""
    return Path(shutil.copytree(whole, tmp_path / "results"))


@pytest.fixture(scope="module")
def report(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the report of the whole results."""
    page = write_report(whole, tmp_path_factory.mktemp("report") / "out")
    assert page.name == "index.html"
    return page.parent
