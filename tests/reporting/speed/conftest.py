"""Results with evaluations of some methods and a timing of all, and their report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from made_up_results import DISTRACTORS, NAMES, add_result, make_pickle, orders
from made_up_timings import METHODS, M, all_kinds, record

from superglobal_core.config import parse_suite, save_suite
from superglobal_core.reporting.report import write_report
from superglobal_core.timing.record import write_timings


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results with evaluations of some methods, and a timing of all."""
    root = tmp_path_factory.mktemp("speed") / "results"
    make_pickle(root / "data" / "toy" / "gnd_toy.pkl")
    suite = {
        "suite": "tiny",
        "title": "Tiny",
        "note": "Drawn.",
        "datasets": {"toy": {"label": "Toy", "synthetic": {"distractors": DISTRACTORS}}},
        "distractors": False,
        "descriptors": {"mini": {"label": "Mini", "extract": {"backbone": "mini"}}},
        "methods": METHODS,
        "timing": {"shortlist": M},
    }
    save_suite(parse_suite(suite, "suite"), root / "suite.json")
    before, after = orders(len(NAMES))
    for name, order in (("single-stage", before), ("better", after), ("rootsift", after)):
        shortlist = {"parameters": {"shortlist": METHODS[name].get("shortlist", 400), "bootstrap": 50}}
        add_result(root, "plain", name, str(METHODS[name]["reranker"]), order, list(NAMES), **shortlist)
    write_timings(root / "timing" / "mini" / "toy" / "plain.json", record(all_kinds()))
    return root


@pytest.fixture
def results(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "results"))


@pytest.fixture(scope="module")
def report(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(whole, tmp_path_factory.mktemp("report") / "out").parent
