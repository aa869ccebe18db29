"""A leaderboard as text, CSV, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from superglobal_core.reporting import texts
from superglobal_core.reporting.table_formats import markdown, markdown_table, to_csv
from superglobal_core.runs.columns import Column
from superglobal_core.runs.marks import Mark
from superglobal_core.runs.standings import Leaderboard, Standing

Marks = Mapping[tuple[int, str], Mark]
SIGNS: dict[Mark | None, str] = {"best": "*", "second": "+", None: ""}
LEGEND = (
    "mAP in percent. * best and + second best: above the next of the column beyond chance "
    "(paired permutation test over the same queries, corrected by Holm for all columns); others are not marked."
)


def headline(board: Leaderboard) -> str:
    """Say in one sentence what is in the table."""
    methods = len({(each.descriptor, each.method) for each in board.standings})
    rows = _number(len(board.standings), "row")
    return f"{_number(methods, 'method')} from {_number(board.runs, 'run')} in {rows}, sorted by {board.by}."


def leaderboard_text(board: Leaderboard, marks: Marks) -> list[str]:
    """Return the table and its remarks as lines for a terminal."""
    headings = ["method", "descriptor", *(column.id.replace("/", "\n") for column in board.columns)]
    headings += ["run", "machine", "date", "commit"]
    rows = [
        [
            _short(each.method),
            _short(each.descriptor),
            *(_cell(each, place, column, marks) for column in board.columns),
            _runs(each),
            _short(each.machine, 24),
            each.date[:10],
            _short(each.commit, 24),
        ]
        for place, each in enumerate(board.standings)
    ]
    alignment = ["left", "left", *["right"] * len(board.columns), *["left"] * 4]
    table = tabulate(rows, headings, tablefmt="simple", disable_numparse=True, colalign=alignment)
    remarks = [*board.disagreeing, *board.left_out]
    return [headline(board), "", *table.splitlines(), "", LEGEND, *remarks]


def leaderboard_csv(board: Leaderboard, marks: Marks) -> str:
    """Return one row a method: names, every column's mAP as a fraction with all digits and its mark, and the source."""
    rows: list[dict[str, object]] = []
    for place, each in enumerate(board.standings):
        row: dict[str, object] = {"method": each.method, "descriptor": each.descriptor}
        for column in board.columns:
            row[column.id] = each.value(column)
            row[f"{column.id}/mark"] = marks.get((place, column.id))
        row |= {"runs": each.names, "number_of_runs": len(each.runs)}
        rows.append(row | {"machine": each.machine, "date": each.date, "commit": each.commit})
    return to_csv(rows)


def leaderboard_markdown(board: Leaderboard, marks: Marks) -> str:
    """Return the table in Markdown, the best in bold, the second best in italics."""
    headings = ["Method", "Descriptor", *(markdown(heading(column)) for column in board.columns)]
    headings += ["Run", "Machine", "Date", "Commit"]
    rows = []
    for place, each in enumerate(board.standings):
        cells = [markdown(each.method), markdown(each.descriptor)]
        for column in board.columns:
            around = {"best": "**", "second": "*", None: ""}[marks.get((place, column.id))]
            cells.append(f"{around}{texts.percent(each.value(column))}{around}")
        rows.append(
            [*cells, *(markdown(text) for text in (_runs(each), each.machine, each.date[:10], each.commit))]
        )
    alignment = ["left", "left", *["right"] * len(board.columns), *["left"] * 4]
    legend = markdown(LEGEND.replace("* best and + second best", "Bold: best, italic: second best"))
    parts = [markdown(headline(board)), markdown_table(headings, rows, alignment), legend]
    remarks = [*board.disagreeing, *board.left_out]
    return (
        "\n\n".join(parts + (["\n".join(f"- {markdown(each)}" for each in remarks)] if remarks else []))
        + "\n"
    )


def leaderboard_json(board: Leaderboard, marks: Marks) -> dict[str, Any]:
    """Return everything as plain values."""
    return {
        "by": board.by,
        "columns": [
            {
                "id": column.id,
                "label": heading(column),
                "dataset": column.database.dataset,
                "variant": column.database.variant,
                "distractors": column.database.distractors,
                "groundtruth_sha256": column.database.groundtruth,
                "protocol": column.protocol,
            }
            for column in board.columns
        ],
        "rows": [
            {
                "method": each.method,
                "descriptor": each.descriptor,
                "map": {column.id: each.value(column) for column in board.columns},
                "marks": {
                    column.id: marks[place, column.id]
                    for column in board.columns
                    if (place, column.id) in marks
                },
                "runs": [run.name for run in each.runs],
                "machine": each.machine,
                "date": each.date,
                "commit": each.commit,
            }
            for place, each in enumerate(board.standings)
        ],
        "disagreeing": list(board.disagreeing),
        "left_out": list(board.left_out),
    }


def heading(column: Column) -> str:
    """Return a column's name for people."""
    return f"{column.label} {column.protocol.capitalize()}"


def _cell(each: Standing, place: int, column: Column, marks: Marks) -> str:
    # A space holds the sign's place, so that digits stand below digits.
    return f"{texts.percent(each.value(column))}{SIGNS[marks.get((place, column.id))] or ' '}"


def _runs(each: Standing) -> str:
    return each.names if len(each.runs) == 1 else f"{each.names} ({len(each.runs)} runs)"


def _number(number: int, noun: str) -> str:
    return f"{texts.count(number)} {noun}{'' if number == 1 else 's'}"


def _short(text: str, longest: int = 32) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
