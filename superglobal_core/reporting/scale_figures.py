"""The charts of growth: time and memory against the size of the database."""

from __future__ import annotations

from superglobal_core.reporting import texts
from superglobal_core.reporting.curves import Curve, Sizes, curves_chart, few
from superglobal_core.reporting.drawing import Figure
from superglobal_core.reporting.scale_view import SHORT_NAMES, ScaleView, summary
from superglobal_core.scale_record import Stage


def scale_figures(view: ScaleView) -> list[Figure]:
    """Return the charts of time and of memory, as far as there is anything to draw."""
    return [figure for figure in (time_figure(view), memory_figure(view)) if figure is not None]


def time_figure(view: ScaleView) -> Figure | None:
    """Draw each stage's median seconds against the size, with the fitted power laws."""
    if not view.growth:
        return None
    curves = []
    for each in view.growth:
        points = [
            (record.size, found.median, (found.lower_quartile, found.upper_quartile))
            for record in view.records
            if (found := summary(record, each.stage)) is not None
        ]
        line = [(size, each.whole.seconds_at_one * size**each.whole.exponent) for size in each.whole.sizes]
        name = SHORT_NAMES[each.stage]
        curves.append(
            Curve(f"{name}: {each.whole.exponent:.2f}".replace("-", texts.MINUS), name, points, line)
        )
    chart = curves_chart(
        curves,
        _sizes(view),
        "seconds",
        f"{view.records[0].queries} queries: time against the database",
        lambda seconds: f"{texts.significant(seconds)} s",
    )
    reading = (
        "Points are medians with their quartiles, lines the fitted power laws, their exponents in the legend: with an "
        "exponent of 1 ten times as many vectors take ten times as long, with 0 no longer."
    )
    return Figure("scale-time", "Time against the size of the database", reading, chart)


def memory_figure(view: ScaleView) -> Figure | None:
    """Draw each stage's peak memory against the size."""
    stages = [stage for stage in view.stages if any(_peak(view, stage))]
    if not stages or len(view.records) < 2:
        return None

    curves = []
    for stage in stages:
        points = [
            (record.size, peak / 1e6)
            for record, peak in zip(view.records, _peak(view, stage), strict=True)
            if peak
        ]
        name = SHORT_NAMES[stage]
        curves.append(Curve(name, name, [(*point, None) for point in points], points))
    arrays = [(record.size, record.array_bytes / 1e6) for record in view.records]
    curves.append(Curve("the shards on disk", "the shards on disk", [], arrays, dashed=True))
    chart = curves_chart(
        curves,
        _sizes(view),
        "MB",
        "Peak memory of each stage's process",
        lambda megabytes: f"{texts.significant(megabytes)} MB",
        grey_last=True,
    )
    reading = (
        "Each stage ran in a process of its own; Python and its libraries are counted, as are pages of the shards "
        "while they are read. The dashed line is the database on disk."
    )
    return Figure("scale-memory", "Memory against the size of the database", reading, chart)


def _peak(view: ScaleView, stage: Stage) -> list[int | None]:
    uses = [record.memory.get(stage) for record in view.records]
    return [use.process_peak_bytes if use else None for use in uses]


def _sizes(view: ScaleView) -> Sizes:
    sizes = [record.size for record in view.records]
    return Sizes("vectors in the database", (0.8 * sizes[0], 1.25 * sizes[-1]), few(sizes))
