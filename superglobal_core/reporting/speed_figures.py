"""The charts of what was timed: accuracy against latency, growth with the shortlist, memory on disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from superglobal_core.availability import is_local
from superglobal_core.reporting import texts
from superglobal_core.reporting.drawing import (
    LEGEND_LETTERS,
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
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.pareto import front, front_steps
from superglobal_core.reporting.point_labels import write_labels
from superglobal_core.reporting.speed import MILLION, SpeedGroup, SpeedRow
from superglobal_core.reporting.speed_tables import title
from superglobal_core.reporting.speed_texts import interval
from superglobal_core.timing.fit import Growth, fit_growth

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# A median as far off its line as this makes the exponent doubtful, and is said.
MISFIT = 0.1
SMALLEST, LARGEST = 1_000, 10_000_000  # images of the databases in the chart of memory


@dataclasses.dataclass(frozen=True)
class Point:
    """A method's seconds a query and its mAP under Medium, a fraction."""

    label: str
    seconds: float
    accuracy: float
    kind: str


def speed_figures(groups: Sequence[SpeedGroup], labels: Labels, stems: Sequence[str]) -> list[list[Figure]]:
    """Return each group's charts, as far as it has anything to draw; stems: ends of their files' names."""
    found = []
    for group, stem in zip(groups, stems, strict=True):
        charts = (
            pareto_figure(f"speed-map-{stem}", group, labels),
            growth_figure(f"speed-shortlist-{stem}", group, labels),
            disk_figure(f"speed-disk-{stem}", group, labels),
        )
        found.append([chart for chart in charts if chart is not None])
    return found


def pareto(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other one beats in both, the fastest first."""
    return [points[place] for place in front([(point.seconds, point.accuracy) for point in points])]


def pareto_figure(name: str, group: SpeedGroup, labels: Labels) -> Figure | None:
    """Draw mAP (Medium) against search and reranking in memory, with the Pareto front."""
    rows = group.rows.get("scoring", ())
    search = next((row.summary.median for row in rows if row.is_search and row.summary), None)
    points, left_out = [], []
    for row in rows:
        accuracy, found = row.accuracy.medium, row.summary
        if accuracy is None or found is None:
            why = f"not timed: {row.timing.reason}" if found is None else row.accuracy.reason
            left_out.append(f"{row.timing.label} ({why or 'mAP not defined'})")
            continue
        seconds = found.median + (0.0 if row.is_search else search or 0.0)
        points.append(Point(row.timing.label + _scaled(row), seconds, accuracy, _kind(row)))
    if not points:
        return None

    def draw(panels: Sequence[Axes]) -> None:
        (axes,) = panels
        steps = front_steps([(1000 * point.seconds, 100 * point.accuracy) for point in points])
        axes.plot([x for x, _ in steps], [y for _, y in steps], color=SERIES[3], linewidth=1.6)
        for point in points:
            colour, marker = KINDS[point.kind]
            axes.plot([1000 * point.seconds], [100 * point.accuracy], marker, color=colour, markersize=7)
        log_limits(axes, "x", [1000 * point.seconds for point in points])
        values = [100 * point.accuracy for point in points]
        room = max(1.0, 0.12 * (max(values) - min(values)))
        axes.set_ylim(min(values) - room, max(values) + room)
        axes.set_xlabel(
            "ms a query: search and reranking, all in memory" if search else "ms a query: reranking"
        )
        axes.set_ylabel("mAP, Medium (%)")
        plain_grid(axes)
        set_title(axes, title(group, labels))
        _kinds_legend(axes, [point.kind for point in points])
        places = [(1000 * point.seconds, 100 * point.accuracy) for point in points]
        write_labels(axes, places, [point.label for point in points], steps)

    reading = (
        "Up is more accurate, left is faster; the line is the Pareto front: no method lies both above and left of "
        "it. " + _search_sentence(search)
    )
    shortlists = {
        note for row in rows for note in row.accuracy.notes if row.accuracy.medium is not None and row.summary
    }
    if shortlists:
        reading += (
            " Accuracy and time of some methods are of different shortlists: see the notes in the table."
        )
    if left_out:
        reading += f" Not drawn: {'; '.join(left_out)}."
    height = 3.6 + 0.16 * len(points)
    return Figure(name, f"Accuracy against latency: {title(group, labels)}", reading, to_svg(draw, 1, height))


def growth_figure(name: str, group: SpeedGroup, labels: Labels) -> Figure | None:
    """Draw latency against the size of the shortlist, with the fitted exponent of each method."""
    growing = {label: timings for label, timings in group.growing().items() if len(timings) > 1}
    if not growing:
        return None
    seed = group.record.seed
    fits = {
        label: fit_growth({timing.shortlist or 0: timing.samples_s for timing in timings}, seed)
        for label, timings in growing.items()
    }

    names = [f"{label}: {exponent(fit)}" for label, fit in fits.items()]

    def draw(panels: Sequence[Axes]) -> None:
        (axes,) = panels
        handles: list[Any] = []
        for number, (label, timings) in enumerate(growing.items()):
            found = [(timing.shortlist or 0, timing.summary(seed)) for timing in timings]
            colour, marker = SERIES[(number + 1) % len(SERIES)], MARKERS[number % len(MARKERS)]
            for size, summary in found:
                if summary is not None:
                    ends = [1000 * summary.lower_quartile, 1000 * summary.upper_quartile]
                    axes.plot([size, size], ends, color=colour, linewidth=1.0)
            medians = [1000 * summary.median for _, summary in found if summary is not None]
            sizes = fits[label].sizes
            handles += axes.plot(sizes, medians, marker, color=colour, markersize=5.5)
            ends = [1000 * fits[label].seconds_at_one * size ** fits[label].exponent for size in sizes]
            axes.plot(sizes, ends, color=colour, linewidth=1.2)
        sizes = sorted({size for fit in fits.values() for size in fit.sizes})
        samples = [
            1000 * taken for timings in growing.values() for each in timings for taken in each.samples_s
        ]
        axes.set_xscale("log")
        axes.set_xlim(0.85 * sizes[0], 1.18 * sizes[-1])
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.xaxis.minorticks_off()
        log_limits(axes, "y", samples)
        axes.set_xlabel("candidates in the shortlist, M")
        axes.set_ylabel("ms a query, scoring")
        plain_grid(axes)
        set_title(axes, title(group, labels).rpartition(", shortlists of")[0] or title(group, labels))
        add_legend(axes, handles, names)

    absent = [
        row.timing.label
        for row in group.rows.get("scoring", ())
        if row.timing.label not in growing and not row.is_search
    ]
    reading = (
        "Points are medians with their quartiles, lines the fitted power laws: with an exponent of 1 a shortlist "
        "twice as long takes twice the time, with 2 four times."
    )
    if absent:
        reading += (
            f" Not drawn, because not timed at several sizes, or not on all candidates: {', '.join(absent)}."
        )
    lines = sum(1 + len(name) // (LEGEND_LETTERS - 9) for name in names)
    heading = f"Latency against the shortlist: {title(group, labels)}"
    return Figure(name, heading, reading, to_svg(draw, 1, 3.6 + 0.2 * lines))


def exponent(fit: Growth) -> str:
    """Return a fitted exponent in words, with its interval.

    >>> exponent(fit_growth({100: [0.1, 0.1], 200: [0.4, 0.4], 400: [1.6, 1.6]}))
    'exponent 2.00 (2.00 to 2.00; 50 %)'
    """
    bounds = interval(fit.interval, lambda end: f"{end:.2f}".replace("-", texts.MINUS))
    bounds = f" ({bounds.replace(' (', '; ').rstrip(')')})" if bounds else ""
    off = f", medians off by up to {100 * fit.misfit:.0f} %" if fit.misfit >= MISFIT else ""
    return f"exponent {fit.exponent:.2f}".replace("-", texts.MINUS) + bounds + off


def disk_figure(name: str, group: SpeedGroup, labels: Labels) -> Figure | None:
    """Draw what a database takes on disk against its number of images, one line a method."""
    totals = {row.timing.label: row.disk.total for row in group.all_rows}
    sharing: dict[float, list[str]] = {}
    for label, total in totals.items():
        if total:
            sharing.setdefault(total, []).append(label)
    if not sharing:
        return None
    unknown = [label for label, total in totals.items() if not total]

    def draw(panels: Sequence[Axes]) -> None:
        (axes,) = panels
        handles, names = [], []
        for number, total in enumerate(sorted(sharing)):
            colour = SERIES[(number + 1) % len(SERIES)]
            ends = [SMALLEST, LARGEST]
            axes.plot(ends, [total * images / 1e9 for images in ends], color=colour, linewidth=1.8)
            marker = MARKERS[number % len(MARKERS)]
            handles += axes.plot([MILLION], [total * MILLION / 1e9], marker, color=colour, markersize=6.5)
            gigabytes = texts.significant(total * MILLION / 1e9)
            names.append(f"{gigabytes} GB: {', '.join(sharing[total])}")
        axes.axvline(MILLION, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.annotate(
            f"{MILLION:,} images ",
            (MILLION, 0.02),
            xycoords=("data", "axes fraction"),
            ha="right",
            color=MUTED,
            fontsize=8.5,
        )
        axes.set_xscale("log")
        axes.set_xlim(SMALLEST, LARGEST)
        axes.set_xticks(
            [10**power for power in range(3, 8)], ["1,000", "10,000", "100,000", "1 million", "10 million"]
        )
        axes.xaxis.minorticks_off()
        log_limits(axes, "y", [total * images / 1e9 for total in sharing for images in (SMALLEST, LARGEST)])
        axes.set_xlabel("images in the database")
        axes.set_ylabel("GB on disk")
        plain_grid(axes)
        set_title(axes, title(group, labels).rpartition(", shortlists of")[0] or title(group, labels))
        add_legend(axes, handles, names)

    reading = (
        f"What is stored of each image, descriptor and local features, times the images; the legend tells the GB of "
        f"{MILLION:,} images. Methods that store the same share a line."
    )
    if unknown:
        reading += f" Not recorded, and not drawn: {', '.join(unknown)}."
    lines = sum(1 + len(", ".join(names)) // (LEGEND_LETTERS - 9) for names in sharing.values())
    heading = f"Memory on disk against the database: {title(group, labels)}"
    return Figure(name, heading, reading, to_svg(draw, 1, 3.3 + 0.2 * lines))


# The colours and markers of kinds of methods.
KINDS = {
    "single stage (search alone)": (MUTED, "D"),
    "reranking by global descriptors": (SERIES[1], "o"),
    "reranking by local features": (SERIES[2], "s"),
}


def _kind(row: SpeedRow) -> str:
    alone, by_global, by_local = KINDS
    return alone if row.is_search else by_local if is_local(row.timing.method) else by_global


def _scaled(row: SpeedRow) -> str:
    return "" if row.timing.scaled_from_pairs is None else " (time scaled)"


def _search_sentence(search: float | None) -> str:
    if search is None:
        return "The search, which every system pays before, was not timed in memory, and is not counted in."
    return f"The search, which every system pays before, is counted in ({texts.milliseconds(search)} ms)."


def _kinds_legend(axes: Axes, kinds: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    shown = [kind for kind in KINDS if kind in kinds]
    handles = [
        Line2D([], [], color=KINDS[kind][0], marker=KINDS[kind][1], linestyle="none", markersize=7)
        for kind in shown
    ]
    handles.append(Line2D([], [], color=SERIES[3], linewidth=1.6))
    add_legend(axes, handles, [*shown, "Pareto front"])
