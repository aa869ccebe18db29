"""The charts of growth: time and memory against the size of the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from superglobal_core.reporting import texts
from superglobal_core.reporting.drawing import (
    MARKERS,
    MUTED,
    SERIES,
    Figure,
    add_legend,
    log_limits,
    plain_grid,
    set_title,
    to_svg,
)
from superglobal_core.reporting.scale_view import SHORT_NAMES, ScaleView, summary
from superglobal_core.scale_record import Stage

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The largest number of ticks whose words find room below a chart.
TICKS = 6


def scale_figures(view: ScaleView) -> list[Figure]:
    """Return the charts of time and of memory, as far as there is anything to draw."""
    return [figure for figure in (time_figure(view), memory_figure(view)) if figure is not None]


def time_figure(view: ScaleView) -> Figure | None:
    """Draw each stage's median seconds against the size, with the fitted power laws."""
    if not view.growth:
        return None
    names = [
        f"{SHORT_NAMES[each.stage]}: {each.whole.exponent:.2f}".replace("-", texts.MINUS)
        for each in view.growth
    ]

    def draw(panels: Sequence[Axes]) -> None:
        (axes,) = panels
        handles: list[Any] = []
        values: list[float] = []
        for number, each in enumerate(view.growth):
            colour, marker = _look(number)
            points = [
                (record.size, found)
                for record in view.records
                if (found := summary(record, each.stage)) is not None
            ]
            for size, found in points:
                axes.plot([size] * 2, [found.lower_quartile, found.upper_quartile], color=colour, linewidth=1)
            medians = [found.median for _, found in points]
            values += medians
            handles += axes.plot([size for size, _ in points], medians, marker, color=colour, markersize=5.5)
            line = [each.whole.seconds_at_one * size**each.whole.exponent for size in each.whole.sizes]
            axes.plot(each.whole.sizes, line, color=colour, linewidth=1.2)
            values += line
        _finish(
            axes, view, values, "seconds", f"{view.records[0].queries} queries: time against the database"
        )
        add_legend(axes, handles, names)

    reading = (
        "Points are medians with their quartiles, lines the fitted power laws, their exponents in the legend: with an "
        "exponent of 1 ten times as many vectors take ten times as long, with 0 no longer."
    )
    height = 3.6 + 0.1 * len(names)
    return Figure("scale-time", "Time against the size of the database", reading, to_svg(draw, 1, height))


def memory_figure(view: ScaleView) -> Figure | None:
    """Draw each stage's peak memory against the size."""
    stages = [stage for stage in view.stages if any(_peak(view, stage))]
    if not stages or len(view.records) < 2:
        return None

    def draw(panels: Sequence[Axes]) -> None:
        (axes,) = panels
        handles: list[Any] = []
        values: list[float] = []
        for number, stage in enumerate(stages):
            colour, marker = _look(number)
            points = [
                (record.size, peak / 1e6)
                for record, peak in zip(view.records, _peak(view, stage), strict=True)
                if peak
            ]
            values += [megabytes for _, megabytes in points]
            handles += axes.plot(*zip(*points, strict=True), marker=marker, color=colour, linewidth=1.2)
        arrays = [record.array_bytes / 1e6 for record in view.records]
        dashes = (0, (4, 3))
        handles += axes.plot(
            [record.size for record in view.records], arrays, color=MUTED, linewidth=0.9, linestyle=dashes
        )
        _finish(axes, view, [*values, *arrays], "MB", "Peak memory of each stage's process")
        add_legend(axes, handles, [*(SHORT_NAMES[stage] for stage in stages), "the shards on disk"])

    reading = (
        "Each stage ran in a process of its own; Python and its libraries are counted, as are pages of the shards "
        "while they are read. The dashed line is the database on disk."
    )
    return Figure("scale-memory", "Memory against the size of the database", reading, to_svg(draw, 1, 4.6))


def _peak(view: ScaleView, stage: Stage) -> list[int | None]:
    uses = [record.memory.get(stage) for record in view.records]
    return [use.process_peak_bytes if use else None for use in uses]


def _look(number: int) -> tuple[str, str]:
    return SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]


def _finish(axes: Axes, view: ScaleView, values: Sequence[float], unit: str, title: str) -> None:
    sizes = [record.size for record in view.records]
    axes.set_xscale("log")
    axes.set_xlim(0.8 * sizes[0], 1.25 * sizes[-1])
    ticks = sizes if len(sizes) <= TICKS else [sizes[0], sizes[len(sizes) // 2], sizes[-1]]
    axes.set_xticks(ticks, [f"{size:,}" for size in ticks])
    axes.xaxis.minorticks_off()
    log_limits(axes, "y", values)
    axes.set_xlabel("vectors in the database")
    axes.set_ylabel(unit)
    plain_grid(axes)
    set_title(axes, title)
