"""The first page of a suite that evaluates nothing: what its other pages say, and where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.provenance import gather_facts
from superglobal_core.reporting.shell import Page, Part

PAGE = Page("index.html", "Overview")
TEMPLATE = "overview.html.j2"


def overview_content(study: Study, parts: Sequence[Part], files: Mapping[str, str]) -> dict[str, Any]:
    """Return what the template shows; files: names of what lies beside the page, and what they hold."""
    return {
        "headlines": [(part.page, part.headline) for part in parts],
        "facts": gather_facts(study) if study.records else None,
        "downloads": list(files.items()),
    }
