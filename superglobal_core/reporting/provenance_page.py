"""The page `provenance.html`: what every figure was made of, step by step, and how to make it again."""

from __future__ import annotations

from collections.abc import Sequence

from superglobal_core.reporting.anchors import record_anchor
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.provenance import gathered_sets
from superglobal_core.reporting.record_views import record_views
from superglobal_core.reporting.shell import PROVENANCE, Part
from superglobal_core.reporting.study import Group

TEMPLATE = "provenance.html.j2"


def provenance_part(study: Study, groups: Sequence[Group], labels: Labels) -> Part:
    """Return the page."""
    content = {
        "labels": labels,
        "records": study.records,
        "described": record_views(study, groups, labels),
        "anchor": record_anchor,
        "gathered": gathered_sets(study),
    }
    return Part(PROVENANCE, TEMPLATE, content)
