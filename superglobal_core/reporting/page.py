"""The first page: what was run, on what, when; its verdict; and every mAP with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from superglobal_core.reporting import speed_texts
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.drawing import Figure
from superglobal_core.reporting.headline import headline_rows, headline_speeds
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.matrix import make_matrix
from superglobal_core.reporting.provenance import (
    dataset_facts,
    gather_facts,
    remarks,
)
from superglobal_core.reporting.shell import Part
from superglobal_core.reporting.speed import speed_groups
from superglobal_core.reporting.speed_claim import PAPER
from superglobal_core.reporting.speed_tables import title
from superglobal_core.reporting.study import Group
from superglobal_core.reporting.tables import CUTOFFS
from superglobal_core.reporting.unable import unable_methods, unable_remarks
from superglobal_core.reporting.verdict_page import PAGE as VERDICT

TEMPLATE = "report.html.j2"
# What figures depend on most; the page of provenance names the rest.
MAIN_SOFTWARE = ("python", "torch", "faiss-cpu", "faiss-gpu")


def results_content(
    study: Study,
    groups: Sequence[Group],
    labels: Labels,
    figures: Sequence[Figure],
    parts: Sequence[Part],
    downloads: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Return what the first page's template shows.

    parts: the other pages. downloads: files beside the page and what they hold.
    """
    unable = unable_methods(study)
    facts = gather_facts(study)
    matrix = make_matrix(groups, unable, labels)
    timed = speed_groups(study, groups)
    pages = {part.page.file for part in parts}
    return {
        "headlines": sorted(
            ((part.page, part.headline) for part in parts if part.headline),
            key=lambda entry: entry[0].file != VERDICT.file,
        ),
        "has_statistics": "statistics.html" in pages,
        "has_queries": "queries.html" in pages,
        "groups": groups,
        "labels": labels,
        "datasets": {
            labels.dataset(name): dataset_facts(
                [result for result in study.results if result.dataset == name]
            )
            for name in dict.fromkeys(group.dataset for group in groups)
        },
        "facts": facts,
        "main_software": [each for each in facts.software if each.split()[0] in MAIN_SOFTWARE],
        "steps": len(study.records),
        "remarks": [*remarks(study, groups, labels), *unable_remarks(unable, groups, labels)],
        "matrix": matrix,
        "top": headline_rows(matrix),
        "several_descriptors": len({row.descriptor for row in matrix.rows}) > 1,
        "timed": timed,
        "speeds": headline_speeds(timed, [title(group, labels) for group in timed]),
        "words": speed_texts,
        "paper_speed": PAPER,
        "cutoffs": CUTOFFS,
        "charts": figures,
        "downloads": downloads,
    }
