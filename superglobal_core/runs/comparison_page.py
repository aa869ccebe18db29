"""The page of a comparison, and its writing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from superglobal_core.files import check_writable, write_json, write_text
from superglobal_core.reporting.provenance import Facts, gather_facts
from superglobal_core.reporting.shell import Page
from superglobal_core.runs.comparison import Comparison
from superglobal_core.runs.comparison_tables import compare_csv, compare_json, compare_markdown
from superglobal_core.runs.comparison_words import exact_points, figure, moved_words, order_of, time_cells
from superglobal_core.runs.differences import KINDS
from superglobal_core.runs.figures import Row
from superglobal_core.runs.page import render

FILES = {
    "compare.csv": "every figure of every run beside the first run's, with all digits, as CSV",
    "compare.md": "all tables as Markdown",
    "compare.json": "everything, for programs",
}


def write_comparison(comparison: Comparison, out: Path) -> list[Path]:
    """Write `compare.html`, `compare.csv`, `compare.md` and `compare.json`; the same runs give the same bytes.

    Returns:
        Their paths, the page first.

    Raises:
        UserError: when they cannot be written.
    """
    page = out / "compare.html"
    check_writable(page)
    write_text(out / "compare.csv", compare_csv(comparison))
    write_text(out / "compare.md", compare_markdown(comparison))
    write_json(out / "compare.json", compare_json(comparison))
    title = " against ".join((comparison.runs[-1].name, comparison.runs[0].name))
    if len(comparison.runs) > 2:
        title = f"{len(comparison.runs) - 1} runs against {comparison.runs[0].name}"
    write_text(page, render(Page(page.name, title), "compare.html.j2", _content(comparison)))
    return [page, *(out / name for name in FILES)]


def _content(comparison: Comparison) -> dict[str, Any]:
    groups: dict[str, list[Row]] = {}
    for row in comparison.rows:
        names = row.names
        groups.setdefault(f"{names.dataset} / {names.descriptor} / {names.variant}", []).append(row)
    kinds = [(kind, [each for each in comparison.differences if each.kind == kind]) for kind in KINDS]
    return {
        "comparison": comparison,
        "names": [run.name for run in comparison.runs],
        "about": [(run, _facts(run.study)) for run in comparison.runs],
        "groups": groups,
        "kinds": [(kind, found) for kind, found in kinds if found],
        "moved": [(row, each) for row in comparison.rows for each in row.against if each.moved],
        "time_cells": list(time_cells(comparison)),
        "order": lambda row, each: order_of(comparison, row, each),
        "figure": figure,
        "moved_words": lambda row, each: moved_words(comparison, row, each),
        "exact_points": exact_points,
        "downloads": FILES,
    }


def _facts(study: Any) -> Facts | None:
    return gather_facts(study) if study.records else None
