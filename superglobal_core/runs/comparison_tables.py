"""A comparison of runs as text, CSV, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

from superglobal_core.reporting import texts
from superglobal_core.reporting.table_formats import markdown, markdown_table, to_csv
from superglobal_core.runs.agreement import ABSENT
from superglobal_core.runs.comparison import Comparison
from superglobal_core.runs.comparison_words import exact_points, figure, moved_words, order_of, time_cells
from superglobal_core.runs.figures import Against, Row

# Lines of the terminal: all of them are in compare.csv.
SHOWN = 20
COMPARED = ("Difference, points", "Digits", "95 % interval", "p, Holm", "Verdict", "Rankings")


def compare_text(comparison: Comparison) -> list[str]:
    """Return the answer, the figures that differ and what else does, as lines for a terminal."""
    lines = [comparison.answer]
    differing = [(row, each) for row in comparison.rows for each in row.against if each.differs]
    if differing:
        headings = ["figure", "mAP", "was", "difference", "digits", "verdict"]
        table = [_text_cells(comparison, row, each) for row, each in differing[:SHOWN]]
        aligned = ("left", "right", "right", "right", "left", "left")
        lines += ["", *_table(table, headings, aligned)]
        if len(differing) > SHOWN:
            lines.append(f"and {len(differing) - SHOWN} more, in compare.csv")
    if comparison.differences:
        names = [run.name for run in comparison.runs]
        rows = [
            [f"{each.kind}: {each.key}", *(_short(each.values[name]) for name in names), each.where]
            for each in comparison.differences[:SHOWN]
        ]
        lines += ["", *_table(rows, ["what differs", *names, ""], ["left"] * (len(names) + 2))]
        if len(comparison.differences) > SHOWN:
            lines.append(f"and {len(comparison.differences) - SHOWN} more, in compare.md")
    if comparison.only:
        lines += ["", *(f"{name}: {where}" for name, where in comparison.only[:SHOWN])]
        if len(comparison.only) > SHOWN:
            lines.append(f"and {len(comparison.only) - SHOWN} more, in compare.md")
    return lines


def compare_csv(comparison: Comparison) -> str:
    """Return one row a figure and run beside the first: both mAPs, and how they compare. No digit is rounded off."""
    first = comparison.runs[0].name
    rows: list[dict[str, object]] = []
    for row in comparison.rows:
        for each in row.against:
            change = each.change
            low, high = (change and change.interval) or (None, None)
            rows.append(
                {
                    **row.names._asdict(),
                    "protocol": row.protocol,
                    "reference": first,
                    "run": each.run.name,
                    "map_reference": row.value(first),
                    "map": row.value(each.run.name),
                    "difference": each.difference,
                    "agreement": each.agreement,
                    "low_points": low,
                    "high_points": high,
                    "p": change and change.found.p_value,
                    "p_holm": change and change.corrected,
                    "queries_up": change and change.gained,
                    "queries_down": change and change.lost,
                    "verdict": each.verdict,
                    "rankings": order_of(comparison, row, each).words,
                }
            )
    return to_csv(rows)


def compare_markdown(comparison: Comparison) -> str:
    """Return the answer and all tables as Markdown."""
    names = [run.name for run in comparison.runs]
    parts = [markdown(comparison.answer), "## Figures", _markdown_figures(comparison)]
    moved = [
        [markdown(figure(row)), markdown(each.run.name), markdown(moved_words(comparison, row, each))]
        for row in comparison.rows
        for each in row.against
        if each.moved
    ]
    if moved:
        headings = ["Figure", "Run", "Change of AP in points"]
        parts += ["## Queries that changed most", markdown_table(headings, moved, ["left"] * 3)]
    parts.append("## What differs between the runs")
    if comparison.differences:
        cells = [
            [
                markdown(text)
                for text in (each.kind, each.key, *(each.values[name] for name in names), each.where)
            ]
            for each in comparison.differences
        ]
        headings = ["Kind", "What", *map(markdown, names), "Where"]
        parts.append(markdown_table(headings, cells, ["left"] * len(headings)))
    else:
        parts.append("Nothing that the records tell.")
    if comparison.only:
        parts += ["## Not in all runs"]
        parts.append("\n".join(f"- {markdown(name)}: {markdown(where)}" for name, where in comparison.only))
    if comparison.times.rows:
        headings = ["What", "Of", "Shortlist", *(markdown(f"{name}, s") for name in names)]
        headings += [markdown(f"{name} / {names[0]}") for name in names[1:]]
        alignment = ["left", "left"] + ["right"] * (2 * len(names))
        cells = [[markdown(text) for text in each] for each in time_cells(comparison)]
        parts += ["## Times", markdown(comparison.times.sentence), markdown_table(headings, cells, alignment)]
    return "\n\n".join(parts) + "\n"


def compare_json(comparison: Comparison) -> dict[str, Any]:
    """Return everything as plain values."""
    names = [run.name for run in comparison.runs]
    return {
        "answer": comparison.answer,
        "runs": names,
        "figures": [
            {
                **row.names._asdict(),
                "protocol": row.protocol,
                "map": {name: row.value(name) for name in names},
                "against_the_first": {
                    each.run.name: _against_json(comparison, row, each) for each in row.against
                },
            }
            for row in comparison.rows
        ],
        "differences": [
            {"kind": each.kind, "key": each.key, "values": dict(each.values), "where": each.where}
            for each in comparison.differences
        ],
        "not_in_all": [{"result": name, "where": where} for name, where in comparison.only],
        "times": {
            "same_machine": comparison.times.same_machine,
            "rows": [
                {
                    "what": row.what,
                    "of": row.name,
                    "shortlist": row.shortlist,
                    "seconds": dict(row.seconds),
                    "ratios": dict(row.ratios),
                    "judged": row.judged and {name: each.reason for name, each in row.judged.items()},
                }
                for row in comparison.times.rows
            ],
        },
    }


def _text_cells(comparison: Comparison, row: Row, each: Against) -> list[str]:
    named = f"{figure(row)}, {each.run.name}" if len(comparison.runs) > 2 else figure(row)
    first = comparison.runs[0].name
    values = [texts.percent(row.value(name)) for name in (each.run.name, first)]
    return [named, *values, exact_points(each.difference), each.agreement, _verdict(each)]


def _verdict(each: Against) -> str:
    corrected = f" (p {texts.p_value(each.change.corrected)})" if each.change else ""
    return f"{each.verdict}{corrected}"


def _table(rows: Sequence[Sequence[str]], headings: Sequence[str], alignment: Sequence[str]) -> list[str]:
    return str(
        tabulate(rows, headings, tablefmt="simple", disable_numparse=True, colalign=alignment)
    ).splitlines()


def _short(text: str, longest: int = 40) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _markdown_figures(comparison: Comparison) -> str:
    first = comparison.runs[0].name
    headings = ["Figure", markdown(first)]
    alignment = ["left", "right"]
    for run in comparison.runs[1:]:
        headings += [
            markdown(run.name),
            "Difference, points",
            "Digits",
            "95 % interval",
            "p, Holm",
            "Verdict",
            "Rankings",
        ]
        alignment += ["right", "right", "left", "right", "right", "left", "left"]
    cells = []
    for row in comparison.rows:
        line = [markdown(figure(row)), texts.percent(row.value(first))]
        for each in row.against:
            change = each.change
            line += [
                texts.percent(row.value(each.run.name)),
                exact_points(each.difference),
                each.agreement,
                texts.point_interval(change.interval) if change else "",
                markdown(texts.p_value(change.corrected)) if change else "",
                "" if each.agreement == ABSENT else each.verdict,
                order_of(comparison, row, each).words,
            ]
        cells.append(line)
    return markdown_table(headings, cells, alignment)


def _against_json(comparison: Comparison, row: Row, each: Against) -> dict[str, Any]:
    change, order = each.change, order_of(comparison, row, each)
    return {
        "difference": each.difference,
        "agreement": each.agreement,
        "verdict": each.verdict,
        "why_not_compared": each.why or None,
        "interval_95_points": list(change.interval) if change and change.interval else None,
        "p": change and change.found.p_value,
        "p_holm": change and change.corrected,
        "comparisons": change and change.comparisons,
        "queries": change and change.found.queries,
        "queries_up": change and change.gained,
        "queries_down": change and change.lost,
        "moved_most": [
            {"query": number, "name": comparison.query(row.names.dataset, number), "ap_change": found}
            for number, found in each.moved
        ],
        "rankings_identical": order.identical,
        "rankings": order.words,
    }
