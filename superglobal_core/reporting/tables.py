"""The figures as tables for other programs: CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from superglobal_core.data.groundtruth import GroundTruth
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Result, Unable
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.study import Group
from superglobal_core.reporting.table_formats import latex, latex_comment, markdown, markdown_table, to_csv
from superglobal_core.reporting.unable import unable_csv_rows, unable_rows

CUTOFFS = ("1", "5", "10")
HEADINGS = ("Data set", "Distractors", "Descriptor", "Method", "Easy", "Medium", "Hard", "Record")
CAPTION = "mAP in percent under Easy, Medium and Hard, with 95 % bootstrap intervals over queries."


def map_csv(groups: Sequence[Group], labels: Labels, unable: Sequence[Unable] = ()) -> str:
    """Return one row a result: names, counts, and for each protocol mAP, interval and mP@k in percent.

    `record` is the file with the result and its record, relative to the folder of results.
    Values are not rounded further than 10 digits; an empty cell is a value that is not known.
    Methods that could not run come last, with the reason in `cannot_run`.
    """
    rows = [_csv_row(group, result, labels) for group in groups for result in group.results]
    return to_csv(rows + unable_csv_rows(unable, labels))


def per_query_csv(groups: Sequence[Group], labels: Labels, truths: dict[str, GroundTruth]) -> str:
    """Return one row a query and result: its AP in percent, empty where it has no positives.

    truths: ground truths by data set, where they are at hand, for the queries' names.
    """
    rows = []
    for group in groups:
        truth = truths.get(group.dataset)
        for result in group.results:
            for number in range(result.queries):
                row = _names(group, result, labels)
                row["query"] = number
                row["query_name"] = truth.query_names[number] if truth else ""
                for protocol in PROTOCOL_NAMES:
                    value = result.evaluation.figures(protocol).average_precision[number]
                    row[f"{protocol}_ap_percent"] = _percent(value)
                rows.append(row | {"record": result.source})
    return to_csv(rows)


def map_markdown(
    groups: Sequence[Group], labels: Labels, note: str | None, unable: Sequence[Unable] = ()
) -> str:
    """Return mAP in percent with its 95 % intervals as a Markdown table."""
    rows = []
    for names, values, record in _rows(groups, labels):
        rows.append(
            [markdown(name) for name in names]
            + [f"{value} ({bounds})" if bounds else value for value, bounds in values]
            + [markdown(record)]
        )
    rows += [[*map(markdown, cells), ""] for cells in unable_rows(unable, labels)]
    alignment = ["left", "right", "left", "left", "right", "right", "right", "left"]
    table = markdown_table(HEADINGS, rows, alignment)
    remark = f"Note: {markdown(note)}\n\n" if note else ""
    return f"{remark}{CAPTION}\n\n{table}\n"


def map_latex(
    groups: Sequence[Group], labels: Labels, note: str | None, unable: Sequence[Unable] = ()
) -> str:
    r"""Return mAP in percent with its 95 % intervals as a LaTeX table for `booktabs`; records as comments."""
    caption = " ".join(latex(text) for text in (CAPTION, note) if text)
    lines = [
        r"% needs \usepackage{booktabs} and \usepackage[T1]{fontenc}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{caption}}}",
        r"\begin{tabular}{lrllrrr}",
        r"\toprule",
        " & ".join(HEADINGS[:-1]) + r" \\",
    ]
    for group in groups:
        lines.append(r"\midrule")
        for names, values, record in _rows([group], labels):
            cells = [latex(name) for name in names]
            for value, bounds in values:
                dashed = bounds.replace(" to ", "--")
                cells.append(rf"{latex(value)} {{\scriptsize {dashed}}}" if bounds else latex(value))
            lines.append(" & ".join(cells) + rf" \\ {latex_comment(record)}")
    if unable:
        lines.append(r"\midrule")
        lines += [" & ".join(map(latex, cells)) + r" \\" for cells in unable_rows(unable, labels)]
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}", ""]
    return "\n".join(lines)


def _rows(groups: Sequence[Group], labels: Labels) -> Iterator[tuple[list[str], list[tuple[str, str]], str]]:
    """Yield each result's names, for each protocol mAP and interval as texts, and its file."""
    for group in groups:
        for result in group.results:
            names = [
                labels.dataset(group.dataset),
                texts.count(result.record.distractors),
                labels.descriptor(group.descriptor),
                labels.method(result),
            ]
            figures = [result.evaluation.figures(protocol) for protocol in PROTOCOL_NAMES]
            values = [(texts.percent(each.map), texts.interval(each.map_interval_95)) for each in figures]
            yield names, values, result.source


def _csv_row(group: Group, result: Result, labels: Labels) -> dict[str, object]:
    record = result.record
    row = _names(group, result, labels)
    row |= {"queries": result.queries, "database": record.protocol.get("database")}
    for protocol in PROTOCOL_NAMES:
        figures = result.evaluation.figures(protocol)
        low, high = figures.map_interval_95 or (None, None)
        row[f"{protocol}_map_percent"] = _percent(figures.map)
        row[f"{protocol}_map_low_percent"] = _percent(low)
        row[f"{protocol}_map_high_percent"] = _percent(high)
        for cutoff in CUTOFFS:
            row[f"{protocol}_mp{cutoff}_percent"] = _percent(figures.mean_precision.get(cutoff))
        row[f"{protocol}_queries_with_positives"] = figures.queries_with_positives
    row |= {"commit": record.code.get("commit"), "dirty": record.code.get("dirty"), "date": record.date}
    return row | {"record": result.source}


def _names(group: Group, result: Result, labels: Labels) -> dict[str, object]:
    return {
        "suite": result.record.suite,
        "dataset": group.dataset,
        "dataset_label": labels.dataset(group.dataset),
        "distractors": result.record.distractors,
        "descriptor": group.descriptor,
        "descriptor_label": labels.descriptor(group.descriptor),
        "method": result.method,
        "method_label": labels.method(result),
        "reranker": result.record.method,
    }


def _percent(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 10)
