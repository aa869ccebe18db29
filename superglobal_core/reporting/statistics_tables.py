"""The comparisons as tables for other programs: CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Result
from superglobal_core.reporting.families import Block, Change, Comparison, Family
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.table_formats import latex, markdown, markdown_table, to_csv

CAPTION = (
    "Differences of mAP in points, the first minus the second, with paired 95 % bootstrap intervals, p-values of "
    "two-sided paired permutation tests, and the same after Holm's correction for all comparisons on one data set "
    "and database."
)
HEADINGS = (
    *("Data set", "Distractors", "Result", "Against", "Protocol"),
    *("Difference", "95 % interval", "p", "p (Holm)", "Gained / lost", "Verdict"),
)
ALIGNMENT = ("left", "right", *["left"] * 3, *["right"] * 5, "left")


def statistics_csv(families: Sequence[Family], labels: Labels) -> str:
    """Return one row a comparison and protocol, differences in points.

    p-values have all their digits, other values 10 after the point; an empty cell is a value that is not defined.
    """
    return to_csv([_csv_row(*each, labels) for each in _all(families)])


def statistics_markdown(families: Sequence[Family], labels: Labels, note: str | None) -> str:
    """Return the comparisons as a Markdown table."""
    rows = [[markdown(cell) for cell in _cells(*each, labels)] for each in _all(families)]
    remark = f"Note: {markdown(note)}\n\n" if note else ""
    return f"{remark}{CAPTION}\n\n{markdown_table(HEADINGS, rows, ALIGNMENT)}\n"


def statistics_latex(families: Sequence[Family], labels: Labels, note: str | None) -> str:
    r"""Return the comparisons as a LaTeX table for `booktabs` and `longtable`."""
    caption = " ".join(latex(text) for text in (CAPTION, note) if text)
    headings = " & ".join(latex(heading) for heading in HEADINGS) + r" \\"
    lines = [
        r"% needs \usepackage{booktabs}, \usepackage{longtable} and \usepackage[T1]{fontenc}",
        rf"\begin{{longtable}}{{{''.join(name[0] for name in ALIGNMENT)}}}",
        rf"\caption{{{caption}}} \\",
        r"\toprule",
        headings,
        r"\midrule",
        r"\endhead",
        *(" & ".join(latex(cell) for cell in _cells(*each, labels)) + r" \\" for each in _all(families)),
        *(r"\bottomrule", r"\end{longtable}", ""),
    ]
    return "\n".join(lines)


def full_name(result: Result, block: Block, labels: Labels) -> str:
    """Return a result's name where its table does not say which descriptor it is of."""
    descriptor = labels.descriptor(result.descriptor)
    return f"{descriptor}, {labels.method(result)}" if block.descriptor is not None else descriptor


def _all(families: Sequence[Family]) -> Iterator[tuple[Block, Comparison, str, Change]]:
    for family in families:
        for block in family.blocks:
            for comparison in block.comparisons:
                for protocol, change in comparison.changes.items():
                    if change is not None:
                        yield block, comparison, protocol, change


def _cells(block: Block, comparison: Comparison, protocol: str, change: Change, labels: Labels) -> list[str]:
    before, after = comparison.before, comparison.after
    return [
        labels.dataset(after.dataset),
        texts.count(after.record.distractors),
        f"{labels.descriptor(after.descriptor)}, {labels.method(after)}",
        f"{labels.descriptor(before.descriptor)}, {labels.method(before)}",
        protocol.capitalize(),
        texts.points(change.points),
        texts.point_interval(change.interval) or texts.ABSENT,
        texts.p_value(change.found.p_value),
        texts.p_value(change.corrected),
        f"{change.gained} / {change.lost}",
        change.verdict,
    ]


def _csv_row(
    block: Block, comparison: Comparison, protocol: str, change: Change, labels: Labels
) -> dict[str, object]:
    before, after = comparison.before, comparison.after
    low, high = change.interval or (None, None)
    return {
        "suite": after.record.suite,
        "dataset": after.dataset,
        "dataset_label": labels.dataset(after.dataset),
        "distractors": after.record.distractors,
        "descriptor": after.descriptor,
        "descriptor_label": labels.descriptor(after.descriptor),
        "method": after.method,
        "method_label": labels.method(after),
        "against_descriptor": before.descriptor,
        "against_descriptor_label": labels.descriptor(before.descriptor),
        "against_method": before.method,
        "against_method_label": labels.method(before),
        "protocol": protocol,
        "queries": change.found.queries,
        "difference_points": _rounded(change.points),
        "low_points": _rounded(low),
        "high_points": _rounded(high),
        "p": change.found.p_value,
        "p_holm": change.corrected,
        "comparisons": change.comparisons,
        "gained": change.gained,
        "lost": change.lost,
        "deviation_points": _rounded(
            None if change.found.deviation is None else 100 * change.found.deviation
        ),
        "detectable_points": _rounded(change.detectable),
        "verdict": change.verdict,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 10)
