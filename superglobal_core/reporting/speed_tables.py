"""What was timed as tables for other programs: CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting import speed_texts, texts
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.speed import MILLION, SpeedGroup, SpeedRow
from superglobal_core.reporting.table_formats import latex, latex_comment, markdown, markdown_table, to_csv
from superglobal_core.timing.statistics import Interval

CAPTION = (
    "Time of a query's reranking by scope, with 95 % bootstrap intervals of the median (another level is named), "
    "and what it gains. Memory is the peak beyond what was in use before."
)
NO_BASELINE = "No method by local features was timed, so that no speedup can be stated."
# Those before and after the columns of the speedups.
FIRST = ("Scope", "Method", "ms a query", "Quartiles", "Interval", "ms a pair", "Queries/s in a batch")
LAST = (
    "Peak memory, host",
    "Peak memory, device",
    "Bytes an image",
    f"GB for {MILLION:,} images",
    "Candidates",
    "mAP gain in points: Easy / Medium / Hard",
    "Notes",
)


def speed_csv(groups: Sequence[SpeedGroup], labels: Labels) -> str:
    """Return one row a method and scope: times in ms, ratios, bytes, gains in points; all that is known."""
    baselines = list(dict.fromkeys(label for group in groups for label in group.baselines))
    return to_csv([_csv_row(group, row, labels, baselines) for group in groups for row in group.all_rows])


def speed_markdown(groups: Sequence[SpeedGroup], labels: Labels, note: str | None) -> str:
    """Return a Markdown table for each descriptor and data set that was timed."""
    parts = [f"Note: {markdown(note)}\n"] if note else []
    parts.append(f"{CAPTION}\n")
    for group in groups:
        headings = [markdown(text) for text in (*_headings(group), "Record")]
        record = markdown(group.timed.source)
        rows = [[*(markdown(cell) for cell in _cells(row, group)), record] for row in group.all_rows]
        parts.append(f"**{markdown(title(group, labels))}**\n")
        parts.append(markdown_table(headings, rows, [*_alignment(group), "left"]) + "\n")
        if not group.baselines:
            parts.append(NO_BASELINE + "\n")
    return "\n".join(parts)


def speed_latex(groups: Sequence[SpeedGroup], labels: Labels, note: str | None) -> str:
    r"""Return a LaTeX table for each descriptor and data set that was timed, for `booktabs` and `graphicx`."""
    lines = [r"% needs \usepackage{booktabs}, \usepackage{graphicx} and \usepackage[T1]{fontenc}"]
    for group in groups:
        missing = "" if group.baselines else NO_BASELINE
        caption = " ".join(
            latex(text) for text in (f"{title(group, labels)}.", CAPTION, missing, note) if text
        )
        columns = "".join(side[0] for side in _alignment(group)[:-2])
        lines += [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            r"\resizebox{\linewidth}{!}{%",
            rf"\begin{{tabular}}{{{columns}p{{5cm}}p{{8cm}}}}",
            r"\toprule",
            " & ".join(latex(text) for text in _headings(group)) + r" \\",
        ]
        for rows in group.rows.values():
            lines.append(r"\midrule")
            lines += [
                " & ".join(latex(cell) for cell in _cells(row, group))
                + rf" \\ {latex_comment(group.timed.source)}"
                for row in rows
            ]
        lines += [r"\bottomrule", r"\end{tabular}%", "}", r"\end{table}"]
    return "\n".join([*lines, ""])


def title(group: SpeedGroup, labels: Labels) -> str:
    """Return what was timed: data set, descriptor, shortlist."""
    parts = [labels.dataset(group.timed.dataset), labels.descriptor(group.timed.descriptor)]
    if group.shortlist is not None:
        parts.append(f"shortlists of {texts.count(group.shortlist)}")
    return ", ".join(parts)


def _headings(group: SpeedGroup) -> list[str]:
    return [*FIRST, *(f"Speedup over {label}" for label in group.baselines), *LAST]


def _alignment(group: SpeedGroup) -> list[str]:
    numbers = len(FIRST) - 2 + len(group.baselines) + len(LAST) - 2
    return ["left", "left", *["right"] * numbers, "left", "left"]


def _cells(row: SpeedRow, group: SpeedGroup) -> list[str]:
    timing = row.timing
    return [
        timing.scope,
        timing.label,
        speed_texts.median(row),
        speed_texts.quartiles(row),
        speed_texts.median_interval(row) or texts.ABSENT,
        speed_texts.pair(row),
        speed_texts.throughput(row),
        *speedup_cells(row, group),
        *speed_texts.memory(row),
        speed_texts.bytes_an_image(row.disk),
        speed_texts.gigabytes(row.disk),
        f"{timing.pairs_a_query:,}" if timing.pairs_a_query is not None else texts.ABSENT,
        speed_texts.gain(row),
        speed_texts.remarks(row),
    ]


def speedup_cells(row: SpeedRow, group: SpeedGroup) -> list[str]:
    """Return a row's speedups over each baseline with their intervals, or what stands in their place."""
    if row.is_search:
        return ["no reranking"] * len(group.baselines)
    by_label = {rival.baseline.label: rival for rival in row.rivals}
    cells = []
    for label in group.baselines:
        rival = by_label.get(label)
        if rival is None:
            cells.append("not timed")
            continue
        bounds = speed_texts.speedup_interval(rival)
        cells.append(f"{speed_texts.speedup(rival)} [{bounds}]" if bounds else speed_texts.speedup(rival))
    return cells


def _csv_row(group: SpeedGroup, row: SpeedRow, labels: Labels, baselines: Sequence[str]) -> dict[str, object]:
    timing, found, disk = row.timing, row.summary, row.disk
    cells: dict[str, object] = {
        "dataset": group.timed.dataset,
        "dataset_label": labels.dataset(group.timed.dataset),
        "descriptor": group.timed.descriptor,
        "descriptor_label": labels.descriptor(group.timed.descriptor),
        "scope": timing.scope,
        "method_label": timing.label,
        "reranker": timing.method,
        "could_not_run": timing.reason,
        "shortlist": timing.shortlist,
        "candidates": timing.pairs_a_query,
        "scaled_from_pairs": timing.scaled_from_pairs,
        "samples": len(timing.samples_s),
        "ms_a_query": _ms(found.median if found else None),
        "ms_lower_quartile": _ms(found.lower_quartile if found else None),
        "ms_upper_quartile": _ms(found.upper_quartile if found else None),
        **_bounds("ms", found.interval if found else None, 1000.0),
        "ms_a_pair": _ms(row.seconds_a_pair),
        "batch_queries_a_second": _rounded(row.throughput.median if row.throughput else None),
        "batch_queries": timing.batch_queries,
        "device": timing.device,
        "precision": timing.precision,
        "peak_host_bytes": timing.memory.host_bytes if timing.memory else None,
        "peak_device_bytes": timing.memory.device_bytes if timing.memory else None,
        "descriptor_bytes_an_image": disk.descriptor,
        "local_bytes_an_image": disk.local,
        "bytes_an_image": disk.total,
        "gb_for_1001001_images": _rounded(disk.million_gb),
    }
    rivals = {rival.baseline.label: rival for rival in row.rivals}
    for baseline in baselines:
        name, rival = f"speedup_over_{baseline}", rivals.get(baseline)
        speedup = rival.speedup if rival and not rival.none else None
        cells[name] = rival.none if rival and rival.none else _rounded(speedup.ratio if speedup else None)
        cells |= _bounds(name, speedup.interval if speedup else None, 1.0)
    for protocol in PROTOCOL_NAMES:
        result, change = row.accuracy.result, row.accuracy.changes.get(protocol)
        value = result.evaluation.figures(protocol).map if result else None
        low, high = (change.interval if change else None) or (None, None)
        cells |= {
            f"{protocol}_map_percent": None if value is None else _rounded(100 * value),
            f"{protocol}_gain_points": _rounded(change.points if change else None),
            f"{protocol}_gain_low": _rounded(low),
            f"{protocol}_gain_high": _rounded(high),
        }
    cells |= {"no_gain_because": row.accuracy.reason, "notes": "; ".join(row.notes)}
    return cells | {"record": group.timed.source}


def _bounds(name: str, bounds: Interval | None, factor: float) -> dict[str, object]:
    return {
        f"{name}_low": _rounded(factor * bounds.low if bounds else None),
        f"{name}_high": _rounded(factor * bounds.high if bounds else None),
        f"{name}_level": _rounded(bounds.level if bounds else None),
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else _rounded(1000 * seconds)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 10)
