"""The page `speed.html`: what was timed, with its tables and charts."""

from __future__ import annotations

from collections.abc import Sequence

from superglobal_core.availability import PLAIN
from superglobal_core.reporting import speed_texts
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.shell import Page, Part
from superglobal_core.reporting.speed import SpeedGroup, speed_groups
from superglobal_core.reporting.speed_figures import speed_figures
from superglobal_core.reporting.speed_tables import speed_csv, speed_latex, speed_markdown
from superglobal_core.reporting.speed_view import speed_views
from superglobal_core.reporting.stems import file_stem
from superglobal_core.reporting.study import Group

PAGE = Page("speed.html", "Speed")
TEMPLATE = "speed.html.j2"


def speed_part(study: Study, groups: Sequence[Group], labels: Labels) -> Part | None:
    """Return the page with `speedup.csv`, `.md`, `.tex` and its figures; None where nothing was timed."""
    speeds = speed_groups(study, groups)
    if not speeds:
        return None
    charts = speed_figures(speeds, labels, _stems(study, speeds))
    note = study.suite.note if study.suite else None
    content = {
        "speeds": speed_views(speeds, charts, labels, study.suite),
        "scopes": speed_texts.SCOPES,
        "words": speed_texts,
    }
    files = {
        "speedup.csv": (
            speed_csv(speeds, labels),
            "times, speedups, memory and gains of every method and scope, as CSV",
        ),
        "speedup.md": (speed_markdown(speeds, labels, note), "the same as Markdown"),
        "speedup.tex": (speed_latex(speeds, labels, note), "the same as LaTeX"),
    }
    return Part(PAGE, TEMPLATE, content, files, [figure for found in charts for figure in found])


def _stems(study: Study, speeds: Sequence[SpeedGroup]) -> list[str]:
    suite = study.suite
    stems = []
    for number, group in enumerate(speeds, 1):
        names = (
            file_stem(group.timed.descriptor, suite.descriptors if suite else (), number),
            file_stem(group.timed.dataset, suite.datasets if suite else (), number),
        )
        size = "" if group.timed.variant == PLAIN else f"-{group.timed.variant}"
        stems.append("-".join(names) + size)
    return stems
