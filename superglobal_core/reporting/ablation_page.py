"""The page `ablation.html`: what each protocol switch and each module of the method is worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from superglobal_core.ablation_record import Fixed, LeftOut, Touches
from superglobal_core.evaluation.power import LEVEL
from superglobal_core.reporting import texts
from superglobal_core.reporting.ablation_changes import (
    STAGE_NAMES,
    STAGES,
    Ablation,
    AblationTable,
    find_ablations,
    stage_of,
)
from superglobal_core.reporting.ablation_figures import change_name, dot_plot
from superglobal_core.reporting.ablation_tables import (
    ablation_csv,
    ablation_latex,
    ablation_markdown,
    ablation_title,
)
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.drawing import Figure
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.shell import Page, Part
from superglobal_core.reporting.study import Group

PAGE = Page("ablation.html", "Ablations")
TITLES = {
    "switches": "One switch changed at a time from the preset",
    "modules": "One module changed at a time",
}
# Where a change begins to matter, as the table says it.
TOUCHES: dict[Touches, str] = {
    "queries": "from the query images on",
    "images": "from all images on",
    "network": "from the network on",
    "pooling": "from the pooling on",
    "shortlist": "from the shortlist on",
    "reranking": "in the reranking",
}


@dataclasses.dataclass(frozen=True)
class TableView:
    """One table with its sentences, its dot plots and what it leaves out."""

    title: str
    sentences: tuple[str, ...]
    table: AblationTable | None
    charts: tuple[Figure, ...]
    left_out: tuple[LeftOut, ...]


@dataclasses.dataclass(frozen=True)
class AblationView:
    """What the page shows of one file; backbones: other ones that were left out."""

    title: str
    ablation: Ablation
    tables: tuple[TableView, ...]
    backbones: tuple[LeftOut, ...]
    fixed: tuple[Fixed, ...]


def ablation_part(study: Study, groups: Sequence[Group], labels: Labels) -> Part | None:
    """Return the page with its tables as files, or None where the study has no ablation."""
    ablations = find_ablations(study)
    if not ablations:
        return None
    note = study.suite.note if study.suite else None
    views = [_view(number, ablation, labels) for number, ablation in enumerate(ablations, 1)]
    what = "what each switch and module changes, with intervals and p-values, as"
    return Part(
        PAGE,
        "ablation.html.j2",
        {
            "views": views,
            "stages": STAGE_NAMES,
            "stage_of": stage_of,
            "touches": TOUCHES,
            "change_name": change_name,
        },
        {
            "ablation.csv": (ablation_csv(ablations, labels), f"{what} CSV, with full digits"),
            "ablation.md": (ablation_markdown(ablations, labels, note), f"{what} Markdown"),
            "ablation.tex": (ablation_latex(ablations, labels, note), f"{what} LaTeX"),
        },
        [figure for view in views for table in view.tables for figure in table.charts],
        _headline(ablations),
    )


def _view(number: int, ablation: Ablation, labels: Labels) -> AblationView:
    record, title = ablation.record, ablation_title(ablation.record, labels)
    by_kind = {table.kind: table for table in ablation.tables}
    tables = []
    for kind, heading in TITLES.items():
        left_out = tuple(each for each in record.left_out if each.table == kind)
        if kind in by_kind or left_out:
            tables.append(_table_view(f"{number}-{kind}", heading, title, by_kind.get(kind), left_out))
    return AblationView(
        title,
        ablation,
        tuple(tables),
        tuple(each for each in record.left_out if each.table == "backbones"),
        tuple(record.fixed),
    )


def _table_view(
    name: str, heading: str, where: str, table: AblationTable | None, left_out: tuple[LeftOut, ...]
) -> TableView:
    if table is None:
        return TableView(heading, ("None of these changes was measured.",), None, (), left_out)
    drawn = [
        figure
        for stage in STAGES
        if (figure := dot_plot(f"ablation-{name}-{stage.replace('_', '-')}", where, table, stage)) is not None
    ]
    return TableView(heading, tuple(_sentences(table)), table, tuple(drawn), left_out)


def _sentences(table: AblationTable) -> list[str]:
    changes = table.changes()
    if not changes:
        return ["No query has positives in both results, so that nothing can be compared."]
    shown = sum(change.sure for change in changes)
    alone = sum(change.found.p_value <= LEVEL for change in changes)
    rows = f"{_counted(len(table.rows), 'change')}, {_counted(len(changes), 'comparison')} with the preset over stages"
    sentences = [
        f"{rows} and protocols, their p-values corrected together (Holm). {_counted(shown, 'difference')} can be "
        f"shown; {alone} would have passed without the correction, about {texts.significant(LEVEL * len(changes), 2)} "
        "by chance alone if no change did anything.",
    ]
    largest = _largest(table)
    if largest:
        sentences.append(largest)
    needs = [
        f"{needed[0]:.2f} points under {protocol.capitalize()} ({needed[1]:.2f} if it alone had been tried)"
        for protocol in ("medium", "hard")
        if (needed := table.detectable(protocol)) is not None
    ]
    queries = max(change.found.queries for change in changes)
    if needs:
        sentences.append(
            f"How small a difference {_counted(queries, 'query', 'queries')} can show: the true difference of a "
            f"typical change must be {' and '.join(needs)} to be found in four of five such studies. Where no "
            "difference can be shown, none is ruled out: the interval says how large it may be."
        )
    return sentences


def _headline(ablations: Sequence[Ablation]) -> str:
    tables = [table for ablation in ablations for table in ablation.tables]
    tried = sum(len(table.rows) for table in tables)
    found = sum(
        any(
            change is not None and change.sure
            for changes in row.changes.values()
            for change in changes.values()
        )
        for table in tables
        for row in table.rows
    )
    return f"{_counted(tried, 'change')} of one protocol switch or module: {found} of them can be told from chance."


def _largest(table: AblationTable) -> str:
    found = [
        (abs(change.points), -place, stage, row, change)
        for place, row in enumerate(table.rows)
        for stage in STAGES
        if (change := row.changes[stage]["hard"]) is not None and change.sure
    ]
    if not found:
        return ""
    _, _, stage, row, change = max(found, key=lambda each: each[:2])
    return (
        f"The largest difference shown under Hard is that of {change_name(row)}: {texts.points(change.points)} points "
        f"({STAGE_NAMES[stage].lower()})."
    )


def _counted(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
