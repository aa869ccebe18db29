"""The page `provenance.html`: how to make it again, what every figure was made of and on, step by step."""

from __future__ import annotations

from collections.abc import Sequence

from superglobal_core.files import json_text
from superglobal_core.reporting.anchors import record_anchor
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.data_read import data_read
from superglobal_core.reporting.drawing import svg_pdf
from superglobal_core.reporting.graph_svg import TITLE, graph_svg
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.provenance import gathered_sets
from superglobal_core.reporting.record_views import record_views
from superglobal_core.reporting.remaking import SETTINGS, SETTINGS_MEANING, remaking
from superglobal_core.reporting.shell import PROVENANCE, Part
from superglobal_core.reporting.step_graph import step_graph
from superglobal_core.reporting.study import Group
from superglobal_core.reporting.surroundings import absent, machines, states, totals, versions

TEMPLATE = "provenance.html.j2"
PICTURE = "figures/workflow"


def provenance_part(study: Study, groups: Sequence[Group], labels: Labels) -> Part | None:
    """Return the page, with the suite's settings and the picture of its graph as files; None without records."""
    records = [record for _, record in study.records]
    if not records:
        return None
    data, code = data_read(study), states(records)
    outside = [file for file in data if file.made_by is None]
    graph = step_graph(study, labels, outside)
    picture = str(graph_svg(graph))
    content = {
        "labels": labels,
        "records": study.records,
        "described": record_views(study, groups, labels),
        "anchor": record_anchor,
        "gathered": gathered_sets(study),
        "remaking": remaking(study, code),
        "settings_file": SETTINGS,
        "states": code,
        "machines": machines(records),
        "versions": versions(records),
        "absent": absent(records),
        "outside": outside,
        "made": [file for file in data if file.made_by is not None],
        "totals": totals(records),
        "graph": graph,
        "picture": graph_svg(graph, inline=True),
        "picture_stem": PICTURE,
    }
    files: dict[str, tuple[str | bytes, str]] = {
        f"{PICTURE}.svg": (f"{picture}\n", TITLE),
        f"{PICTURE}.pdf": (svg_pdf(picture), f"{TITLE}, as PDF"),
    }
    if study.suite is not None:
        files[SETTINGS] = (json_text(study.suite.model_dump(mode="json")), SETTINGS_MEANING)
    return Part(PROVENANCE, TEMPLATE, content, files)
