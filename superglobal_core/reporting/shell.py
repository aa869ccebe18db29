"""What all pages of a report share: their list, their frame, and how they are rendered."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting import texts
from superglobal_core.reporting.anchors import record_anchor
from superglobal_core.reporting.charts import Charts
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.drawing import Figure


@dataclasses.dataclass(frozen=True)
class Page:
    """A page of the report: its file and its title."""

    file: str
    title: str


@dataclasses.dataclass(frozen=True)
class Part:
    """A page beside the first one, with the files that belong to it.

    template: extends `base.html.j2`; content: its variables. files: contents by name with, for each,
    what it holds; figures are written below `figures/`. headline: what the first page says of it, in a line.
    more: further pages that this one leads to, each with its template and variables; the list of pages lacks them.
    """

    page: Page
    template: str
    content: Mapping[str, Any]
    files: Mapping[str, tuple[str | bytes, str]] = dataclasses.field(default_factory=dict)
    figures: Sequence[Figure] = ()
    headline: str | None = None
    more: Sequence[tuple[Page, str, Mapping[str, Any]]] = ()

    @property
    def pages(self) -> list[tuple[Page, str, Mapping[str, Any]]]:
        """All pages of the part with their templates and variables."""
        return [(self.page, self.template, self.content), *self.more]


RESULTS = Page("index.html", "Results")
#: every figure leads to its record there
PROVENANCE = Page("provenance.html", "Provenance")


class Shell:
    """Renders the pages of one report into HTML files that need no other file and no network."""

    def __init__(self, study: Study, pages: Sequence[Page], small: bool = False) -> None:
        self._suite, self._pages, self._small = study.suite, list(pages), small
        self._recorded = {source for source, _ in study.records} if PROVENANCE in self._pages else set()
        self._environment = Environment(
            loader=PackageLoader("superglobal_core.reporting"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters |= {
            "percent": texts.percent,
            "interval": texts.interval,
            "points": texts.points,
            "point_interval": texts.point_interval,
            "p_value": texts.p_value,
            "count": texts.count,
            "duration": texts.duration,
            "size": texts.size,
            "speedup": texts.times,
            "moment": texts.moment,
            "short": texts.short_commit,
            "with_code": texts.with_code,
        }

    def render(self, page: Page, template: str, content: Mapping[str, Any]) -> str:
        """Render one page."""
        loader, suite = self._environment.loader, self._suite
        style, paper, script = (
            loader.get_source(self._environment, name)[0] if loader else ""
            for name in ("report.css", "print.css", "tables.js")
        )
        return self._environment.get_template(template).render(
            style=Markup(f"{style}\n{paper}"),
            chart=Charts(self._small),
            script=Markup(script),
            script_hash=_hash(f"\n{script}\n"),
            page=page,
            pages=self._pages,
            heading=suite.title if suite else "Retrieval results",
            suite=suite,
            synthetic=suite is not None
            and bool(suite.datasets)
            and all(data.synthetic for data in suite.datasets.values()),
            protocols=PROTOCOL_NAMES,
            record_address=self._record_address,
            **content,
        )

    def _record_address(self, source: str) -> str | None:
        """Return where a file's record stands, seen from another page; None where it stands nowhere."""
        return f"{PROVENANCE.file}#{record_anchor(source)}" if source in self._recorded else None


def _hash(script: str) -> str:
    """Return what a page's policy names a script by, so that it runs no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
