"""Ablations as tables for other programs: CSV, Markdown and LaTeX."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from superglobal_core.ablation_record import AblationRecord, MeasuredProtocol
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting import texts
from superglobal_core.reporting.ablation_changes import (
    STAGE_NAMES,
    STAGES,
    Ablation,
    ChangedRow,
    Stage,
    stage_of,
)
from superglobal_core.reporting.ablation_figures import change_name
from superglobal_core.reporting.families import Change
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.table_formats import latex, markdown, markdown_table, to_csv

CAPTION = (
    "One switch or module changed at a time: difference of mAP to the preset in points, with paired 95 % bootstrap "
    "intervals and p-values of two-sided paired permutation tests after Holm's correction for all comparisons of a "
    "table; mAP in percent. The preset's own rows have the interval of its mAP."
)
HEADINGS = (
    *("Ablation", "Change", "Stage", "Protocol"),
    *("mAP", "Difference", "95 % interval", "p (Holm)", "Verdict"),
)
ALIGNMENT = (*["left"] * 4, *["right"] * 4, "left")

# One line: its place, the change or None for the preset itself, stage, protocol.
Line = tuple[Ablation, ChangedRow | None, Stage, str, MeasuredProtocol, Change | None]


def ablation_title(record: AblationRecord, labels: Labels) -> str:
    """Name an ablation: data set, descriptor, other backbone if any, preset and database."""
    parts = [labels.dataset(record.dataset), labels.descriptor(record.descriptor)]
    if record.backbone is not None:
        parts.append(f"modules on {record.backbone}")
    return " · ".join((*parts, f"preset {record.preset}", labels.searched(record.distractors)))


def ablation_csv(ablations: Sequence[Ablation], labels: Labels) -> str:
    """Return one row a change, stage and protocol; the preset's own rows have no change.

    p-values have all their digits, other values 10 after the point; an empty cell is a value that is not defined.
    """
    return to_csv([_csv_row(line, labels) for line in _lines(ablations)])


def ablation_markdown(ablations: Sequence[Ablation], labels: Labels, note: str | None) -> str:
    """Return the changes as a Markdown table, and what was left out as lists."""
    rows = [[markdown(cell) for cell in _cells(line, labels)] for line in _lines(ablations)]
    remark = f"Note: {markdown(note)}\n\n" if note else ""
    text = f"{remark}{CAPTION}\n\n{markdown_table(HEADINGS, rows, ALIGNMENT)}\n"
    for ablation in ablations:
        record = ablation.record
        lists = {
            "Not measured": [
                (" ".join(filter(None, (each.name, each.changed_value))), each.reason)
                for each in record.left_out
            ],
            "Not to be switched": [(each.name, each.reason) for each in record.fixed],
        }
        for heading, entries in lists.items():
            if entries:
                text += f"\n{heading}, {markdown(ablation_title(record, labels))}:\n\n"
                text += "".join(f"- {markdown(name)}: {markdown(reason)}\n" for name, reason in entries)
    return text


def ablation_latex(ablations: Sequence[Ablation], labels: Labels, note: str | None) -> str:
    r"""Return the changes as a LaTeX table for `booktabs` and `longtable`."""
    caption = " ".join(latex(text) for text in (CAPTION, note) if text)
    # T1 fonts have no arrow.
    cells = [
        [latex(cell).replace("\N{RIGHTWARDS ARROW}", r"$\rightarrow$") for cell in _cells(line, labels)]
        for line in _lines(ablations)
    ]
    lines = [
        r"% needs \usepackage{booktabs}, \usepackage{longtable} and \usepackage[T1]{fontenc}",
        rf"\begin{{longtable}}{{{''.join(name[0] for name in ALIGNMENT)}}}",
        rf"\caption{{{caption}}} \\",
        r"\toprule",
        " & ".join(latex(heading) for heading in HEADINGS) + r" \\",
        r"\midrule",
        r"\endhead",
        *(" & ".join(row) + r" \\" for row in cells),
        *(r"\bottomrule", r"\end{longtable}", ""),
    ]
    return "\n".join(lines)


def _lines(ablations: Sequence[Ablation]) -> Iterator[Line]:
    for ablation in ablations:
        rows = [None, *(row for table in ablation.tables for row in table.rows)]
        for row in rows:
            for stage in STAGES:
                measured = stage_of(ablation.record if row is None else row.row, stage)
                if measured is not None:
                    for protocol in PROTOCOL_NAMES:
                        change = None if row is None else row.changes[stage][protocol]
                        yield ablation, row, stage, protocol, measured.figures(protocol), change


def _cells(line: Line, labels: Labels) -> list[str]:
    ablation, row, stage, protocol, figures, change = line
    bounds = texts.interval(figures.map_interval_95) if row is None else ""
    return [
        ablation_title(ablation.record, labels),
        "nothing" if row is None else change_name(row),
        STAGE_NAMES[stage],
        protocol.capitalize(),
        texts.percent(figures.map),
        texts.ABSENT if change is None else texts.points(change.points),
        bounds or (texts.point_interval(change.interval) if change else "") or texts.ABSENT,
        texts.ABSENT if change is None else texts.p_value(change.corrected),
        texts.ABSENT if change is None else change.verdict,
    ]


def _csv_row(line: Line, labels: Labels) -> dict[str, object]:
    ablation, changed, stage, protocol, figures, change = line
    record, row = ablation.record, changed.row if changed else None
    known = (record.record or {}).get("suite")
    map_low, map_high = figures.map_interval_95 or (None, None)
    low, high = (change.interval if change else None) or (None, None)
    found = change.found if change else None
    return {
        "suite": known if isinstance(known, str) else None,
        "dataset": record.dataset,
        "dataset_label": labels.dataset(record.dataset),
        "distractors": record.distractors,
        "descriptor": record.descriptor,
        "descriptor_label": labels.descriptor(record.descriptor),
        "backbone": record.backbone,
        "preset": record.preset,
        "table": row.table if row else None,
        "name": row.name if row else None,
        "preset_value": row.preset_value if row else None,
        "changed_value": row.changed_value if row else None,
        "touches": row.touches if row else None,
        "who": row.who if row else None,
        "stage": stage,
        "protocol": protocol,
        "map_percent": _rounded(figures.map, 100),
        "map_low_percent": _rounded(map_low, 100),
        "map_high_percent": _rounded(map_high, 100),
        "queries": found.queries if found else figures.queries_with_positives,
        "difference_points": _rounded(change.points if change else None),
        "low_points": _rounded(low),
        "high_points": _rounded(high),
        "p": found.p_value if found else None,
        "p_holm": change.corrected if change else None,
        "comparisons": change.comparisons if change else None,
        "gained": change.gained if change else None,
        "lost": change.lost if change else None,
        "deviation_points": _rounded(found.deviation if found else None, 100),
        "detectable_points": _rounded(change.detectable if change else None),
        "verdict": change.verdict if change else None,
        "settings": json.dumps(row.settings, sort_keys=True, ensure_ascii=False) if row else None,
        "source": ablation.source,
    }


def _rounded(value: float | None, factor: float = 1) -> float | None:
    return None if value is None else round(factor * value, 10)
