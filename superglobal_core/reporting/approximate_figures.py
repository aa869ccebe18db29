"""What approximate indexes keep of the exact search against what they cost, with the Pareto front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from superglobal_core.reporting import chart_parts as parts
from superglobal_core.reporting import texts
from superglobal_core.reporting.approximate_view import ApproximateView, Row
from superglobal_core.reporting.curves import DASH
from superglobal_core.reporting.drawing import INK, MARKERS, SERIES, STAR, Figure
from superglobal_core.reporting.pareto import front_steps

FRONT = SERIES[3]
COLOURS = tuple(colour for colour in SERIES[1:] if colour != FRONT)
Cost = Callable[[Row], float]
Quality = Callable[[Row], float | None]


def approximate_figures(stem: str, view: ApproximateView) -> list[Figure]:
    """Return a comparison's charts: quality against time, and against bytes."""
    costs: dict[str, tuple[str, Cost, str]] = {
        "time": ("ms a query", lambda row: 1000 * row.summary.median, "left is faster"),
        "bytes": ("bytes a vector", lambda row: row.bytes_a_vector, "left is smaller"),
    }
    return [
        _figure(f"{stem}-{name}", view, label, cost, direction)
        for name, (label, cost, direction) in costs.items()
    ]


def _figure(name: str, view: ApproximateView, label: str, cost: Cost, direction: str) -> Figure:
    places = view.places[-1]
    qualities: dict[str, tuple[str, Quality]] = {
        f"Recall of the exact first {places}": (
            "recall (%)",
            lambda row: 100 * row.recall[places],
        ),
        "mAP Medium after reranking": (
            "points lost",
            lambda row: row.lost,
        ),
    }

    panels = [
        _panel(view.rows, (label, cost), (quality_label, quality), title)
        for title, (quality_label, quality) in qualities.items()
    ]
    reading = (
        f"Up is nearer to the exact search, {direction}. Marks joined by a line are one index, searched with more and "
        "more effort; the line of steps is the Pareto front: no search lies both above and left of it."
    )
    title = f"Approximate search against {label}: {view.title}"
    return Figure(name, title, reading, parts.stacked(panels, left=62, mutable=True))


def _panel(rows: Sequence[Row], cost: tuple[str, Cost], quality: tuple[str, Quality], title: str) -> Any:
    import altair

    cost_label, cost_of = cost
    quality_label, quality_of = quality
    lost = quality_label == "points lost"
    known = [(row, cost_of(row), value) for row in rows if (value := quality_of(row)) is not None]
    names = list(dict.fromkeys(row.name for row in rows))
    # The first row is the exact search.
    others = range(len(names) - 1)
    looks = [
        (INK, STAR),
        *((COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]) for place in others),
    ]
    shown = parts.legend([*names, "Pareto front"])
    colour = parts.series([*(look[0] for look in looks), FRONT], shown)
    shape = parts.shapes([*(look[1] for look in looks), DASH], shown)
    ends = _ends([value for _, _, value in known], lost)
    x = parts.log_axis("x", "cost", cost_label, parts.log_domain([cost_of(row) for row in rows]))
    y = parts.axis_y("quality", quality_label, ends)
    values = [
        {"series": str(names.index(row.name)), "cost": one, "quality": value, "place": place}
        | {
            "index": row.name,
            "search": row.effort,
            cost_label: texts.significant(one),
            quality_label: f"{value:.2f}",
        }
        for place, (row, one, value) in enumerate(known)
    ]
    sign = -1.0 if lost else 1.0
    steps = [
        {"series": str(len(names)), "cost": one, "quality": sign * value, "place": place}
        for place, (one, value) in enumerate(front_steps([(one, sign * value) for _, one, value in known]))
    ]
    both = {"x": x, "y": y, "color": colour, "order": "place:Q"}
    front = altair.Chart(parts.data(steps)).mark_line(strokeWidth=3.5)
    muted = altair.condition({"param": parts.MUTE, "empty": False}, altair.value(0.08), altair.value(0.55))
    base = altair.Chart(parts.data(values)).encode(opacity=parts.unless_muted(), **both)
    said = parts.tooltip("index", "search", cost_label, quality_label)
    marks = base.mark_point().encode(
        shape=shape,
        size=altair.condition("datum.series == '0'", altair.value(130), altair.value(60)),
        tooltip=said,
    )
    layers = [front.encode(opacity=muted, **both), base.mark_line(strokeWidth=1.3), marks]
    return altair.layer(*layers).properties(height=210, title=parts.heading(title))


def _ends(values: Sequence[float], lost: bool) -> tuple[float, float]:
    """Return the ends of the axis of quality, the worst first."""
    if not values:
        return (1.0, 0.0) if lost else (0.0, 100.0)
    room = max(0.05 if lost else 1.0, 0.08 * (max(values) - min(values)))
    low, high = min(values) - room, max(values) + room
    return (high, low) if lost else (low, high)
