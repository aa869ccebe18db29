"""The first page: what was run, on what, when; its verdict; and every mAP with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.drawing import SERIES, Figure
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.provenance import (
    dataset_facts,
    gather_facts,
    remarks,
)
from superglobal_core.reporting.study import Group, agree_on_distractors
from superglobal_core.reporting.tables import CUTOFFS
from superglobal_core.reporting.unable import unable_methods, unable_of, unable_remarks

TEMPLATE = "report.html.j2"


def results_content(
    study: Study,
    groups: Sequence[Group],
    labels: Labels,
    figures: Sequence[Figure],
    downloads: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Return what the first page's template shows.

    downloads: files beside the page and what they hold.
    """
    unable = unable_methods(study)
    return {
        "groups": groups,
        "unable_of": lambda group: unable_of(group, unable),
        "labels": labels,
        "datasets": {
            labels.dataset(name): dataset_facts(
                [result for result in study.results if result.dataset == name]
            )
            for name in dict.fromkeys(group.dataset for group in groups)
        },
        "facts": gather_facts(study),
        "remarks": [*remarks(study, groups, labels), *unable_remarks(unable, groups, labels)],
        "agree_on_distractors": agree_on_distractors,
        "cutoffs": CUTOFFS,
        "charts": figures,
        "records": study.records,
        "downloads": downloads,
        "series": len(SERIES),
    }
