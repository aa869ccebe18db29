"""The page of approximate search: what indexes cost, and what they keep of the exact search."""

from __future__ import annotations

import re
from collections.abc import Sequence

from superglobal_core.reporting.approximate_figures import approximate_figures
from superglobal_core.reporting.approximate_tables import approximate_csv, approximate_markdown
from superglobal_core.reporting.approximate_view import STAGES, approximate_views, whole
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.shell import Page, Part
from superglobal_core.reporting.study import Group
from superglobal_core.reporting.texts import milliseconds

PAGE = Page("approximate.html", "Approximate search")


def approximate_part(study: Study, groups: Sequence[Group], labels: Labels) -> Part | None:
    """Return the page of a study's `approximate/`, None where there is nothing.

    Raises:
        UserError: when a file of it is damaged.
    """
    views, unable = approximate_views(study, labels)
    if not views and not unable:
        return None
    shown, figures = [], []
    for number, view in enumerate(views, 1):
        name = re.sub(r"[^A-Za-z0-9]+", "-", view.source.removesuffix(".json")).strip("-")[:60]
        charts = approximate_figures(f"{number}-{name}", view)
        figures += charts
        shown.append(
            (
                view,
                charts,
            )
        )
    files = {}
    if views:
        files = {
            "approximate.csv": (approximate_csv(views), "every search of approximate indexes, as CSV"),
            "approximate.md": (approximate_markdown(views), "the same, in short, as Markdown"),
        }
    content = {
        "views": shown,
        "unable": unable,
        "stages": STAGES,
        "milliseconds": milliseconds,
        "whole": whole,
        "downloads": [(name, meaning) for name, (_, meaning) in files.items()],
    }
    return Part(PAGE, "approximate.html.j2", content, files, figures)
