"""Pages that stand alone, in the style of the reports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.shell import Page, Shell


def render(page: Page, template: str, content: Mapping[str, Any]) -> str:
    """Render a page that belongs to no suite and no report."""
    return Shell(Study(Path(), None, (), ()), [page]).render(page, template, content)
