"""The page `queries.html`: what the reranking changed, query by query, with pictures."""

from __future__ import annotations

from collections.abc import Sequence

from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.gallery import CASES, PLACES, make_exhibit
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.pictures import Album
from superglobal_core.reporting.shell import Page, Part
from superglobal_core.reporting.sources import find_datasets
from superglobal_core.reporting.study import Group

PAGE = Page("queries.html", "Queries")
TEMPLATE = "queries.html.j2"


def queries_part(study: Study, groups: Sequence[Group], labels: Labels) -> Part | None:
    """Return the page; None where nothing was reranked."""
    files = find_datasets(study)
    album = Album()
    exhibits = [
        make_exhibit(study, group, comparison, files[group.dataset], album)
        for group in groups
        for comparison in group.comparisons
    ]
    if not exhibits:
        return None
    content = {
        "exhibits": exhibits,
        "labels": labels,
        "cases": CASES,
        "places": PLACES,
        "pictures": album.pictures,
    }
    return Part(PAGE, TEMPLATE, content)
