"""What approximate indexes keep of the exact search against what they cost, with the Pareto front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from superglobal_core.reporting.approximate_view import ApproximateView, Row
from superglobal_core.reporting.drawing import (
    INK,
    MARKERS,
    SERIES,
    Figure,
    add_legend,
    log_limits,
    plain_grid,
    set_title,
    to_svg,
)
from superglobal_core.reporting.pareto import front_steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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

    def draw(panels: Sequence[Axes]) -> None:
        for axes, (title, (quality_label, quality)) in zip(panels, qualities.items(), strict=True):
            lost = quality_label == "points lost"
            handles, names = _panel(axes, view.rows, cost, quality, lost)
            log_limits(axes, "x", [cost(row) for row in view.rows])
            axes.set_xlabel(label)
            axes.set_ylabel(quality_label)
            plain_grid(axes)
            set_title(axes, title)
        add_legend(panels[0], handles, names)

    reading = (
        f"Up is nearer to the exact search, {direction}. Marks joined by a line are one index, searched with more and "
        "more effort; the line of steps is the Pareto front: no search lies both above and left of it."
    )
    lines = (len(view.found.indexes) + 3) // 2
    title = f"Approximate search against {label}: {view.title}"
    return Figure(name, title, reading, to_svg(draw, 2, 5.6 + 0.2 * lines))


def _panel(axes: Axes, rows: Sequence[Row], cost: Cost, quality: Quality, lost: bool) -> tuple[list, list]:
    sign = -1.0 if lost else 1.0
    known = [(row, cost(row), value) for row in rows if (value := quality(row)) is not None]
    steps = front_steps([(one, sign * value) for _, one, value in known])
    handles, names = [], []
    for number, name in enumerate(dict.fromkeys(row.name for row in rows)):
        mine = [(one, value) for row, one, value in known if row.name == name]
        # The first row is the exact search.
        colour = INK if number == 0 else COLOURS[(number - 1) % len(COLOURS)]
        marker = "*" if number == 0 else MARKERS[(number - 1) % len(MARKERS)]
        handles += axes.plot(
            *zip(*mine, strict=True) if mine else ([], []),
            marker=marker,
            color=colour,
            linewidth=1.1,
            markersize=10 if number == 0 else 6,
            zorder=3,
        )
        names.append(name)
    if steps:
        line = axes.plot(
            [x for x, _ in steps],
            [sign * y for _, y in steps],
            color=FRONT,
            linewidth=3.0,
            alpha=0.55,
            zorder=2,
        )
        handles += line
        names.append("Pareto front")
    values = [value for _, _, value in known]
    if values:
        room = max(0.05 if lost else 1.0, 0.08 * (max(values) - min(values)))
        low, high = min(values) - room, max(values) + room
        axes.set_ylim(*((high, low) if lost else (low, high)))
    return handles, names
