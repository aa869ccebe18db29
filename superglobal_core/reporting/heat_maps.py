"""Heat maps of mAP over two of M, K and beta, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from superglobal_core.parameter_results import GridPoint, Protocol, RerankingParameters, Sweep
from superglobal_core.reporting import texts
from superglobal_core.reporting.drawing import HEAT, INK, MUTED, PAPER, Figure, add_legend, set_title, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN: tuple[Protocol, ...] = ("medium", "hard")
# parameter: its letter
LETTERS = {"shortlist": "M", "neighbours": "K", "beta": "beta"}
#: which parameters go down and across, and which is held
MAPS = (
    ("shortlist", "neighbours", "beta"),
    ("shortlist", "beta", "neighbours"),
    ("neighbours", "beta", "shortlist"),
)
# Wider maps are coloured only: their numbers would touch.
MOST_NUMBERS = 10


def axis_values(sweep: Sweep, parameter: str) -> list[float]:
    """Return a parameter's values, ascending."""
    return sorted({getattr(point, parameter) for point in sweep.points})


def held_value(sweep: Sweep, parameter: str) -> float:
    """Return where a parameter is held: at the default, or at the nearest value of the grid."""
    default = getattr(sweep.defaults, parameter)
    return min(axis_values(sweep, parameter), key=lambda value: (abs(value - default), value))


def heat_map(name: str, title: str, sweep: Sweep, down: str, across: str, held: str) -> Figure | None:
    """Draw Medium and Hard mAP over two parameters, the third held; None where neither of the two varies."""
    rows, columns, fixed = (
        axis_values(sweep, down),
        axis_values(sweep, across),
        held_value(sweep, held),
    )
    if len(rows) == len(columns) == 1:
        return None
    points = {
        (getattr(point, down), getattr(point, across)): point
        for point in sweep.points
        if getattr(point, held) == fixed
    }

    def draw(panels: Sequence[Axes]) -> None:
        for axes, protocol in zip(panels, SHOWN, strict=True):
            set_title(axes, f"mAP {protocol.capitalize()} (%), {LETTERS[held]} = {fixed:g}")
            values = [[points[row, column].map[protocol] for column in columns] for row in rows]
            _cells(axes, values)
            _mark(axes, rows, columns, points, protocol, sweep.defaults, (down, across))
            axes.set_xticks(range(len(columns)), [f"{value:g}" for value in columns])
            axes.set_yticks(range(len(rows)), [f"{value:g}" for value in rows])
            axes.set_xlim(-0.5, len(columns) - 0.5)
            axes.set_ylim(len(rows) - 0.5, -0.5)
            axes.set_xlabel(LETTERS[across])
            axes.set_ylabel(LETTERS[down])
            axes.tick_params(length=0)
            for side in ("left", "bottom"):
                axes.spines[side].set_visible(False)
        _legend(panels[0])

    reading = (
        f"mAP at every combination of {LETTERS[down]} and {LETTERS[across]}, {LETTERS[held]} held at {fixed:g}: the "
        "further a cell stands out from the page, the higher its mAP within this map."
    )
    return Figure(
        name, title, reading, to_svg(draw, len(SHOWN), 0.45 + len(SHOWN) * (0.75 + 0.34 * len(rows)))
    )


def _cells(axes: Axes, values: Sequence[Sequence[float | None]]) -> None:
    from matplotlib.patches import Rectangle

    known = [value for row in values for value in row if value is not None]
    if not known:
        middle = (len(values[0]) - 1) / 2, (len(values) - 1) / 2
        axes.text(*middle, "no query has positives", ha="center", va="center", color=MUTED)
        return
    low, high = min(known), max(known)
    for y, row in enumerate(values):
        for x, value in enumerate(row):
            if value is None:
                continue
            level = round((value - low) / (high - low) * (len(HEAT) - 1)) if high > low else 0
            cell = Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=HEAT[level], edgecolor=PAPER, linewidth=1.5)
            axes.add_patch(cell)
            if len(row) <= MOST_NUMBERS:
                axes.text(
                    x, y, texts.percent(value), ha="center", va="center", fontsize=8.5, color=_on(level)
                )


def _on(level: int) -> str:
    return INK if level < 4 else PAPER


def _mark(
    axes: Axes,
    rows: Sequence[float],
    columns: Sequence[float],
    points: dict[tuple[float, float], GridPoint],
    protocol: Protocol,
    defaults: RerankingParameters,
    parameters: tuple[str, str],
) -> None:
    values = {place: point.map[protocol] for place, point in points.items()}
    known = {place: value for place, value in values.items() if value is not None}
    if not known:
        return
    low, high = min(known.values()), max(known.values())

    def colour(place: tuple[float, float]) -> str:
        level = round((known[place] - low) / (high - low) * (len(HEAT) - 1)) if high > low else 0
        return _on(level)

    from matplotlib.patches import Rectangle

    default = getattr(defaults, parameters[0]), getattr(defaults, parameters[1])
    if default in known:
        x, y = columns.index(default[1]), rows.index(default[0])
        axes.add_patch(
            Rectangle((x - 0.44, y - 0.4), 0.88, 0.8, fill=False, edgecolor=colour(default), linewidth=1.4)
        )
    # The first of equally good ones, in the order of the rows.
    best = max(known, key=lambda place: (known[place], -rows.index(place[0]), -columns.index(place[1])))
    x, y = columns.index(best[1]), rows.index(best[0])
    axes.plot([x + 0.34], [y - 0.22], marker="*", markersize=7, color=colour(best), markeredgewidth=0)


def _legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D

    square: dict[str, Any] = {"marker": "s", "markerfacecolor": "none", "markersize": 9}
    star: dict[str, Any] = {"marker": "*", "markersize": 8, "markeredgewidth": 0}
    handles = [Line2D([], [], linestyle="none", color=INK, **style) for style in (square, star)]
    add_legend(axes, handles, ["the release's values", "best of this map"])
