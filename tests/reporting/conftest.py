"""Results as the workflow leaves them, and their report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from made_up_results import DISTRACTORS, EVIL, NAMES, QUERY_NAMES, add_result, make_image, make_pickle, orders

from superglobal_core.config import parse_suite, save_suite
from superglobal_core.reporting.report import write_report


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite's whole results folder, as the workflow leaves it; only to be read."""
    root = tmp_path_factory.mktemp("whole") / "results"
    make_pickle(root / "data" / "toy" / "gnd_toy.pkl")
    for number, name in enumerate(QUERY_NAMES):
        make_image(root / "data" / "toy" / "queries" / f"{name}.jpg", 20 + number)
    for number, name in enumerate(NAMES):
        make_image(root / "data" / "toy" / "database" / f"{name}.jpg", 60 + 9 * number)
    distractors = [f"far_{number}" for number in range(DISTRACTORS)]
    for number, name in enumerate(distractors):
        make_image(root / "data" / "toy" / "distractors" / f"{name}.jpg", 200 + 9 * number)
    suite = {
        "suite": "tiny",
        "title": "Tiny <b>suite</b>",
        "note": "Drawn, not photographed: no figure of Oxford.",
        "datasets": {"toy": {"label": "Toy", "synthetic": {"distractors": DISTRACTORS}}},
        "descriptors": {"mini": {"label": "Mini", "extract": {"backbone": "mini"}}},
        "methods": {
            "single-stage": {"label": "single stage", "reranker": "none"},
            "better": {"label": EVIL, "reranker": "superglobal"},
        },
    }
    save_suite(parse_suite(suite, "suite"), root / "suite.json")
    for variant, ids in (("plain", list(NAMES)), ("distractors", [*NAMES, *distractors])):
        before, after = orders(len(ids))
        add_result(root, variant, "single-stage", "none", before, ids)
        add_result(root, variant, "better", "superglobal", after, ids)
    return root


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
