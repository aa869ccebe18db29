"""The page `scale.html`: how time and memory grow with the database, and what larger ones will cost."""

from __future__ import annotations

from collections.abc import Sequence

from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.scale_figures import scale_figures
from superglobal_core.reporting.scale_plan import HEADINGS, PLANNED, cells, costs_of, limits, plan
from superglobal_core.reporting.scale_tables import (
    GROWTH_HEADINGS,
    growth_cells,
    map_rows,
    memory_rows,
    ratio_rows,
    scale_csv,
    scale_json,
    scale_markdown,
    time_rows,
)
from superglobal_core.reporting.scale_view import SHORT_NAMES, ScaleView, find_scale, times_floor
from superglobal_core.reporting.shell import Page, Part
from superglobal_core.reporting.study import Group

PAGE = Page("scale.html", "Growth with the database")
PLANTED = (
    "All descriptors are synthetic: landmarks planted among distractors, drawn from a seed. mAP tells that search "
    "and reranking find what was planted among ever more distractors; it is no result on ROxford or RParis."
)


def scale_part(study: Study, groups: Sequence[Group], labels: Labels) -> Part | None:
    """Return the page with its tables as files, or None where no size was measured."""
    view = find_scale(study)
    if view is None:
        return None
    figures = scale_figures(view)
    costs = costs_of(view.records)
    note = study.suite.note if study.suite else None
    return Part(
        PAGE,
        "scale.html.j2",
        {
            "planted": PLANTED,
            "facts": _facts(view),
            "headline": _headline(view),
            "stages": [SHORT_NAMES[stage] for stage in view.stages],
            "time_rows": time_rows(view),
            "memory_rows": memory_rows(view),
            "map_rows": map_rows(view),
            "ratio_rows": ratio_rows(view),
            "growth_headings": GROWTH_HEADINGS,
            "growth": [growth_cells(each) for each in view.growth],
            "slopes": _slopes(view),
            "charts": figures,
            "plan_headings": HEADINGS,
            "plan": [] if costs is None else [cells(plan(costs, vectors)) for vectors in PLANNED],
            "limits": [] if costs is None else limits(costs),
            "costs": costs,
            "sources": view.sources,
        },
        {
            "scale.csv": (scale_csv(view), "times, memory and mAP of every size and stage, as CSV"),
            "scale.md": (scale_markdown(view, note or PLANTED), "the same with exponents, as Markdown"),
            "scale.json": (scale_json(view), "every sample of every size, with its record, as JSON"),
        },
        figures,
        _headline(view),
    )


def _headline(view: ScaleView) -> str:
    last = view.records[-1]
    ratio = times_floor(last)
    against = (
        f", {texts.times(ratio.ratio)} the time of reading the shards once and multiplying them"
        if ratio
        else ""
    )
    peak = last.memory["whole"].process_peak_bytes if "whole" in last.memory else None
    memory = f", with a peak of {texts.size(peak)} of memory" if peak else ""
    return (
        f"{texts.count(last.queries)} queries among {texts.count(last.size)} vectors, searched exactly, ranked, "
        f"reranked and evaluated{against}{memory}."
    )


def _facts(view: ScaleView) -> list[str]:
    last = view.records[-1]
    hardware = (last.record or {}).get("hardware") or {}
    facts = [
        f"{texts.count(last.queries)} queries, {texts.count(last.dimension)} dimensions, {last.dtype} on disk; the "
        f"best {texts.count(last.k)} of each, {texts.count(last.labelled)} labelled images ranked, the best "
        f"{texts.count(last.shortlist)} reranked.",
        f"Medians of {last.repeats} samples, files in the page cache unless it says otherwise, nothing else timed "
        f"beside, on {hardware.get('cpu', 'a processor that was not recorded')}, {hardware.get('cores', '?')} cores.",
    ]
    if any(record.cache_dropped is False for record in view.records):
        facts.append(
            "The system did not drop all files from its page cache: times from storage are too short."
        )
    busy = [
        record for record in view.records if record.others is not None and record.others.sentence is not None
    ]
    if busy:
        sizes = ", ".join(texts.count(record.size) for record in busy)
        facts.append(
            f"Other processes kept the processor busy while {sizes} vectors were timed: unsure figures."
        )
    return facts


def _slopes(view: ScaleView) -> list[str]:
    found = [(SHORT_NAMES[stage], view.memory_slope(stage)) for stage in view.stages]
    return [f"{name} {value:,.0f}".replace("-", texts.MINUS) for name, value in found if value is not None]
