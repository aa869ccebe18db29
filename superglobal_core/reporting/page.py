"""The first page: everything a study says, rendered into one HTML file that needs no other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from superglobal_core.reporting import speed_texts
from superglobal_core.reporting.anchors import record_anchor
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.drawing import SERIES, Figure
from superglobal_core.reporting.gallery import CASES, PLACES, Exhibit
from superglobal_core.reporting.inline_svg import inline_svg
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.pictures import Album
from superglobal_core.reporting.provenance import (
    dataset_facts,
    gather_facts,
    gathered_sets,
    remarks,
)
from superglobal_core.reporting.record_views import record_views
from superglobal_core.reporting.speed_view import SpeedView
from superglobal_core.reporting.study import Group, agree_on_distractors
from superglobal_core.reporting.tables import CUTOFFS
from superglobal_core.reporting.unable import unable_methods, unable_of, unable_remarks

TEMPLATE = "report.html.j2"


def results_content(
    study: Study,
    groups: Sequence[Group],
    labels: Labels,
    figures: Sequence[Figure],
    speeds: Sequence[SpeedView],
    exhibits: Sequence[Exhibit],
    album: Album,
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
        "charts": [(figure, inline_svg(figure, f"chart{number}-")) for number, figure in enumerate(figures)],
        "speeds": speeds,
        "scopes": speed_texts.SCOPES,
        "words": speed_texts,
        "exhibits": exhibits,
        "cases": CASES,
        "places": PLACES,
        "pictures": album.pictures,
        "records": study.records,
        "described": record_views(study, groups, labels),
        "anchor": record_anchor,
        "gathered": gathered_sets(study),
        "downloads": downloads,
        "series": len(SERIES),
    }
