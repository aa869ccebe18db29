"""Times, memory and accuracy against the size of the database: CSV, Markdown, JSON."""

from __future__ import annotations

import json

from superglobal_core.reporting import texts
from superglobal_core.reporting.scale_plan import plan_markdown
from superglobal_core.reporting.scale_view import (
    SHORT_NAMES,
    STAGE_NAMES,
    ScaleView,
    StageGrowth,
    added_by_ranks,
    summary,
    times_floor,
)
from superglobal_core.reporting.speed_figures import exponent
from superglobal_core.reporting.table_formats import markdown, markdown_table, to_csv
from superglobal_core.scale_record import ScaleStudy


def scale_csv(view: ScaleView) -> str:
    """Return one row a size and stage, with full digits; an empty cell is a value that is not known."""
    rows: list[dict[str, object]] = []
    for record in view.records:
        for stage in view.stages:
            found, use = summary(record, stage), record.memory.get(stage)
            accuracy = {"search": record.single_stage, "rerank": record.reranked}.get(stage)
            rows.append(
                {
                    "vectors": record.size,
                    "stage": stage,
                    "median_s": found.median if found else None,
                    "lower_quartile_s": found.lower_quartile if found else None,
                    "upper_quartile_s": found.upper_quartile if found else None,
                    "samples": found.count if found else 0,
                    "memory_bytes": use.host_bytes if use else None,
                    "process_peak_bytes": use.process_peak_bytes if use else None,
                    **{
                        f"map_{name}": getattr(accuracy, name) if accuracy else None
                        for name in ("easy", "medium", "hard")
                    },
                }
            )
    return to_csv(rows)


def scale_markdown(view: ScaleView, note: str | None) -> str:
    """Return times, memory, accuracy, exponents and the plan as Markdown tables."""
    parts = [f"Note: {markdown(note)}"] if note else []
    headings = ["Vectors", *(SHORT_NAMES[stage] for stage in view.stages)]
    right = ["right"] * len(headings)
    parts += ["Median seconds", markdown_table(headings, time_rows(view), right)]
    parts += [
        "Memory beyond the inputs, and of the whole process (MB)",
        markdown_table(headings, memory_rows(view), right),
    ]
    maps = ["Vectors", *(f"{what} {name}" for what in ("Search", "Reranked") for name in ("E", "M", "H"))]
    parts += ["mAP (%)", markdown_table(maps, map_rows(view), ["right"] * 7)]
    if view.growth:
        rows = [list(map(markdown, growth_cells(each))) for each in view.growth]
        parts.append(markdown_table(GROWTH_HEADINGS, rows, ["left"] * len(GROWTH_HEADINGS)))
    planned = plan_markdown(view.records)
    if planned is not None:
        parts += ["Larger databases, from the costs a vector above", planned]
    return "\n\n".join(parts) + "\n"


def scale_json(view: ScaleView) -> str:
    """Return all records in one file, as they are kept in reports/published."""
    study = ScaleStudy(sizes=list(view.records))
    return json.dumps(study.model_dump(mode="json"), indent=1) + "\n"


GROWTH_HEADINGS = ("Stage", "All sizes", "Largest three", "Expected", "Within 0.05")


def growth_cells(growth: StageGrowth) -> list[str]:
    """Return a stage's exponents as texts."""
    met = growth.as_expected
    return [
        STAGE_NAMES[growth.stage],
        exponent(growth.whole),
        exponent(growth.largest) if growth.largest else "",
        "" if growth.expected is None else f"{growth.expected:g}",
        "" if met is None else "yes" if met else "no",
    ]


def time_rows(view: ScaleView) -> list[list[str]]:
    """Return the median seconds of each size and stage."""
    return [
        [
            texts.count(record.size),
            *(
                texts.significant(found.median) if (found := summary(record, stage)) else texts.ABSENT
                for stage in view.stages
            ),
        ]
        for record in view.records
    ]


def memory_rows(view: ScaleView) -> list[list[str]]:
    """Return the memory of each size and stage in MB: beyond the inputs, and of the process."""
    return [
        [texts.count(record.size), *(_memory(record.memory.get(stage)) for stage in view.stages)]
        for record in view.records
    ]


def map_rows(view: ScaleView) -> list[list[str]]:
    """Return the mAP of each size, in percent: of the search, then reranked."""
    return [
        [
            texts.count(record.size),
            *(
                texts.percent(getattr(maps, name))
                for maps in (record.single_stage, record.reranked)
                for name in ("easy", "medium", "hard")
            ),
        ]
        for record in view.records
    ]


def ratio_rows(view: ScaleView) -> list[list[str]]:
    """Return what all takes against the floor, and what the ranks add, for each size."""
    rows = []
    for record in view.records:
        ratio, added = times_floor(record), added_by_ranks(record)
        bounds = ratio.interval if ratio else None
        rows.append(
            [
                texts.count(record.size),
                texts.times(ratio.ratio) if ratio else texts.ABSENT,
                f"{texts.significant(bounds.low)} to {texts.significant(bounds.high)}" if bounds else "",
                texts.ABSENT if added is None else f"{added:+.3f}".replace("-", texts.MINUS),
            ]
        )
    return rows


def _memory(use: object) -> str:
    taken, peak = getattr(use, "host_bytes", None), getattr(use, "process_peak_bytes", None)
    if taken is None and peak is None:
        return texts.ABSENT
    return " / ".join(texts.ABSENT if each is None else f"{each / 1e6:,.0f}" for each in (taken, peak))
