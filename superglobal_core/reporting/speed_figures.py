"""The charts of what was timed: accuracy against latency, growth with the shortlist, memory on disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from superglobal_core.availability import is_local
from superglobal_core.reporting import chart_parts as parts
from superglobal_core.reporting import texts
from superglobal_core.reporting.curves import DASH, Curve, Sizes, curves_chart, few
from superglobal_core.reporting.drawing import MUTED, SERIES, WIDTH, Figure
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.pareto import front, front_steps
from superglobal_core.reporting.point_labels import Area, label_layers
from superglobal_core.reporting.speed import MILLION, SpeedGroup, SpeedRow
from superglobal_core.reporting.speed_tables import title
from superglobal_core.reporting.speed_texts import interval
from superglobal_core.timing.fit import Growth, fit_growth
from superglobal_core.timing.record import MethodTiming

# A median as far off its line as this makes the exponent doubtful, and is said.
MISFIT = 0.1
SMALLEST, LARGEST = 1_000, 10_000_000  # images of the databases in the chart of memory
LEFT = 58  # pixels beside the chart of accuracy, for its upright axis


@dataclasses.dataclass(frozen=True)
class Point:
    """A method's seconds a query and its mAP under Medium, a fraction; shortlist: that was timed, if any."""

    label: str
    seconds: float
    accuracy: float
    kind: str
    shortlist: int | None = None


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
    points, left_out, others = [], [], []
    for row in rows:
        timing, accuracy = group.as_evaluated(row), row.accuracy.medium
        found = timing.summary(group.record.seed)
        if accuracy is None or found is None:
            why = f"not timed: {row.timing.reason}" if found is None else row.accuracy.reason
            left_out.append(f"{row.timing.label} ({why or 'mAP not defined'})")
            continue
        if not row.is_search and row.accuracy.shortlist != timing.shortlist:
            of = "unknown" if row.accuracy.shortlist is None else row.accuracy.shortlist
            others.append(f"{timing.label} (mAP {of}, time {timing.shortlist})")
        seconds = found.median + (0.0 if row.is_search else search or 0.0)
        shortlist = None if row.is_search else timing.shortlist
        points.append(Point(timing.label + _scaled(timing), seconds, accuracy, _kind(row), shortlist))
    if not points:
        return None

    reading = (
        "Up is more accurate, left is faster; the line is the Pareto front: no method lies both above and left of "
        "it. Accuracy and time are of the same shortlist, each method's own. " + _search_sentence(search)
    )
    if others:
        reading += f" Not so, because no such time or no such shortlist is known: {', '.join(others)}."
    if left_out:
        reading += f" Not drawn: {'; '.join(left_out)}."
    where = _without_shortlists(group, labels)
    what = "ms a query: search and reranking, all in memory" if search else "ms a query: reranking"
    return Figure(name, f"Accuracy against latency: {where}", reading, _pareto_chart(points, what, where))


def _pareto_chart(points: Sequence[Point], what: str, heading: str) -> dict[str, Any]:
    import altair

    kinds = [kind for kind in KINDS if kind in {point.kind for point in points}]
    places = [(1000 * point.seconds, 100 * point.accuracy) for point in points]
    values = [accuracy for _, accuracy in places]
    room = max(1.0, 0.12 * (max(values) - min(values)))
    area = Area(
        WIDTH - LEFT,
        240 + 12 * len(points),
        parts.log_domain([ms for ms, _ in places]),
        (min(values) - room, max(values) + room),
    )
    steps = front_steps(places)
    looks = [*(KINDS[kind] for kind in kinds), (SERIES[3], DASH)]
    shown = parts.legend([*kinds, "Pareto front"])
    colour = parts.series([look[0] for look in looks], shown)
    x = parts.log_axis("x", "ms", what, area.across)
    y = parts.axis_y("mAP", "mAP, Medium (%)", area.up)
    line = [{"ms": ms, "mAP": value, "series": str(len(kinds))} for ms, value in steps]
    rows = [
        {"ms": ms, "mAP": value, "series": str(kinds.index(point.kind))}
        | {"method": point.label, "ms a query": texts.significant(ms), "mAP Medium": f"{value:.2f}"}
        | {"shortlist": "none" if point.shortlist is None else f"{point.shortlist:,}"}
        for point, (ms, value) in zip(points, places, strict=True)
    ]
    front = altair.Chart(parts.data(line)).mark_line(interpolate="linear")
    marks = altair.Chart(parts.data(rows)).mark_point(size=75)
    layers = [
        front.encode(x=x, y=y, color=colour, opacity=parts.unless_muted(), order=altair.value(0)),
        marks.encode(
            x=x,
            y=y,
            color=colour,
            shape=parts.shapes([look[1] for look in looks], shown),
            opacity=parts.unless_muted(),
            tooltip=parts.tooltip("method", "shortlist", "ms a query", "mAP Medium"),
        ),
        *label_layers(area, places, [point.label for point in points], ("ms", "mAP"), steps),
    ]
    panel = altair.layer(*layers).properties(height=area.height, title=parts.heading(heading))
    return parts.stacked([panel], left=LEFT, mutable=True)


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

    curves = []
    for label, timings in growing.items():
        fit = fits[label]
        found = [(timing.shortlist or 0, timing.summary(seed)) for timing in timings]
        points = [
            (size, 1000 * summary.median, (1000 * summary.lower_quartile, 1000 * summary.upper_quartile))
            for size, summary in found
            if summary is not None
        ]
        line = [(size, 1000 * fit.seconds_at_one * size**fit.exponent) for size in fit.sizes]
        curves.append(Curve(f"{label}: {exponent(fit)}", label, points, line))
    samples = [1000 * taken for timings in growing.values() for each in timings for taken in each.samples_s]
    sizes = sorted({size for fit in fits.values() for size in fit.sizes})
    ends = (0.85 * sizes[0], 1.18 * sizes[-1])
    chart = curves_chart(
        curves,
        Sizes("candidates in the shortlist, M", ends, few(sizes)),
        "ms a query, scoring",
        _without_shortlists(group, labels),
        lambda ms: f"{texts.significant(ms)} ms",
        least=samples,
    )
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
    return Figure(name, f"Latency against the shortlist: {title(group, labels)}", reading, chart)


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

    curves = []
    for total in sorted(sharing):
        gigabytes = total * MILLION / 1e9
        legend, who = (
            f"{texts.significant(gigabytes)} GB: {', '.join(sharing[total])}",
            ", ".join(sharing[total]),
        )
        line = [(images, total * images / 1e9) for images in (SMALLEST, LARGEST)]
        curves.append(Curve(legend, who, [(MILLION, gigabytes, None)], line))
    sizes = Sizes(
        "images in the database", (SMALLEST, LARGEST), [10**power for power in range(3, 8)], marked=MILLION
    )
    chart = curves_chart(
        curves,
        sizes,
        "GB on disk",
        _without_shortlists(group, labels),
        lambda gigabytes: f"{texts.significant(gigabytes)} GB",
    )
    reading = (
        f"What is stored of each image, descriptor and local features, times the images; the legend tells the GB of "
        f"{MILLION:,} images. Methods that store the same share a line."
    )
    if unknown:
        reading += f" Not recorded, and not drawn: {', '.join(unknown)}."
    return Figure(name, f"Memory on disk against the database: {title(group, labels)}", reading, chart)


def _without_shortlists(group: SpeedGroup, labels: Labels) -> str:
    return title(group, labels).rpartition(", shortlists of")[0] or title(group, labels)


# The colours and markers of kinds of methods.
KINDS = {
    "single stage (search alone)": (MUTED, "diamond"),
    "reranking by global descriptors": (SERIES[1], "circle"),
    "reranking by local features": (SERIES[2], "square"),
}


def _kind(row: SpeedRow) -> str:
    alone, by_global, by_local = KINDS
    return alone if row.is_search else by_local if is_local(row.timing.method) else by_global


def _scaled(timing: MethodTiming) -> str:
    return "" if timing.scaled_from_pairs is None else " (time scaled)"


def _search_sentence(search: float | None) -> str:
    if search is None:
        return "The search, which every system pays before, was not timed in memory, and is not counted in."
    return f"The search, which every system pays before, is counted in ({texts.milliseconds(search)} ms)."
