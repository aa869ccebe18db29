"""The figures of approximate indexes as CSV and Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting import texts
from superglobal_core.reporting.approximate_view import STAGES, ApproximateView, Row, whole
from superglobal_core.reporting.table_formats import markdown, markdown_table, to_csv


def approximate_csv(views: Sequence[ApproximateView]) -> str:
    """Return every search of every comparison as CSV, with all digits."""
    return to_csv([_csv_row(view, row) for view in views for row in view.rows])


def approximate_markdown(views: Sequence[ApproximateView]) -> str:
    """Return a table for each comparison as Markdown."""
    parts = []
    for view in views:
        headings = ["search", "effort", "bytes a vector", "build", "ms a query"]
        headings += [f"recall@{place} (%)" for place in view.places]
        headings += [f"{name}, mAP Medium" for name in STAGES.values()]
        rows = [
            [
                markdown(row.name),
                row.effort or texts.ABSENT,
                whole(row.bytes_a_vector),
                texts.ABSENT if row.build_s is None else texts.duration(row.build_s),
                texts.milliseconds(row.summary.median),
                *(texts.percent(row.recall[place]) for place in view.places),
                *(_cell(row, stage) for stage in STAGES),
            ]
            for row in view.rows
        ]
        alignment = ["left", "left", *["right"] * (len(headings) - 2)]
        note = "mAP of the exact search in percent; of the others the difference to it, in points."
        parts.append(f"## {markdown(view.title)}\n\n{markdown_table(headings, rows, alignment)}\n\n{note}\n")
    return "\n".join(parts)


def _cell(row: Row, stage: str) -> str:
    if row.is_exact:
        return texts.percent(row.accuracies[stage].map["medium"]) if stage in row.accuracies else texts.ABSENT
    return texts.points(row.changes[stage]["medium"])


def _csv_row(view: ApproximateView, row: Row) -> dict[str, object]:
    found, interval = view.found, row.summary.interval
    cells: dict[str, object] = {
        "source": view.source,
        "dataset": found.dataset,
        "database": found.database,
        "dimension": found.dimension,
        "distractors": found.distractors,
        "queries": found.queries,
        "k": found.k,
        "shortlist": found.shortlist,
        "index": row.name,
        "parameters": row.parameters,
        "effort": row.effort,
        "bytes_a_vector": row.bytes_a_vector,
        "build_s": row.build_s,
        "samples": row.summary.count,
        "ms_a_query": 1000 * row.summary.median,
        "ms_low": interval and 1000 * interval.low,
        "ms_high": interval and 1000 * interval.high,
        "ms_level": interval and interval.level,
        **{f"recall_at_{place}": value for place, value in row.recall.items()},
    }
    for stage in STAGES:
        accuracy = row.accuracies.get(stage)
        for protocol in PROTOCOL_NAMES:
            value = accuracy.map.get(protocol) if accuracy else None
            cells[f"{stage}_{protocol}_map_percent"] = None if value is None else 100 * value
            cells[f"{stage}_{protocol}_change_points"] = row.changes.get(stage, {}).get(protocol)
    return {name: round(value, 10) if isinstance(value, float) else value for name, value in cells.items()}
