"""The chart of growth: curves over a size, both axes logarithmic, with points, quartiles and fitted lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from superglobal_core.reporting import chart_parts as parts
from superglobal_core.reporting.drawing import FONT_SIZE, MARKERS, MUTED

# The largest number of sizes that find room below a chart.
TICKS = 6
#: a dash, for what a legend has only a line of
DASH = "M-1,-.14L1,-.14L1,.14L-1,.14Z"


@dataclasses.dataclass(frozen=True)
class Curve:
    """One series: its name in the legend and in full, points (size, value, quartiles or None), and a line's corners."""

    legend: str
    name: str
    points: Sequence[tuple[float, float, tuple[float, float] | None]]
    line: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The level axis: its title, ends, ticks, and a size that is marked with a dashed line."""

    title: str
    ends: tuple[float, float]
    ticks: Sequence[float]
    marked: float | None = None


def few(sizes: Sequence[float]) -> list[float]:
    """Return the sizes whose ticks find room: all, or the ends and the middle.

    >>> few([1, 2, 3, 4, 5, 6, 7])
    [1, 4, 7]
    """
    return list(sizes) if len(sizes) <= TICKS else [sizes[0], sizes[len(sizes) // 2], sizes[-1]]


def curves_chart(
    curves: Sequence[Curve],
    sizes: Sizes,
    value_title: str,
    heading: str,
    exact: Callable[[float], str],
    least: Sequence[float] = (),
    grey_last: bool = False,
) -> dict[str, Any]:
    """Return the definition of a chart of curves.

    exact: a value in words, for who points at it; least: values that the upright axis must hold beside
    those of the curves; grey_last: whether the last curve is what the others are compared with.
    """
    import altair

    colours = [parts.series_colour(number + 1) for number in range(len(curves))]
    if grey_last:
        colours[-1] = MUTED
    shown = parts.legend([curve.legend for curve in curves])
    marks = [MARKERS[number % len(MARKERS)] if curve.points else DASH for number, curve in enumerate(curves)]
    domain = parts.log_domain([*least, *_values(curves)])
    x = altair.X(
        "size:Q",
        title=sizes.title,
        scale=altair.Scale(type="log", domain=list(sizes.ends), nice=False),
        # Long numbers would touch: 10k, 100k, 1M.
        axis=altair.Axis(values=list(sizes.ticks), format=".3~s" if max(sizes.ticks) >= 100_000 else ","),
    )
    y = parts.log_axis("y", "value", value_title, domain)
    base = altair.Chart(parts.data(list(_points(curves, exact)))).encode(
        x=x, color=parts.series(colours, shown), opacity=parts.unless_muted()
    )
    lines = altair.Chart(parts.data(list(_corners(curves)))).encode(
        x=x, y=y, color=parts.series(colours, shown), opacity=parts.unless_muted(), detail="series:N"
    )
    layers = [
        lines.mark_line().transform_filter("!datum.dashed"),
        lines.mark_line(strokeDash=[4, 3]).transform_filter("datum.dashed"),
        base.mark_rule(strokeWidth=1.2).encode(y="low:Q", y2="high:Q"),
        base.mark_point().encode(
            y=y,
            shape=parts.shapes(marks, shown),
            tooltip=parts.tooltip("name", at=sizes.title, exact=value_title, quartiles="quartiles"),
        ),
    ]
    if sizes.marked is not None:
        layers += _marked(sizes.marked, domain)
    return parts.alone(
        altair.layer(*layers).properties(title=parts.heading(heading)), height=250, mutable=True
    )


def _values(curves: Sequence[Curve]) -> Iterator[float]:
    for curve in curves:
        for _, value in curve.line:
            yield value
        for _, value, quartiles in curve.points:
            yield from (value, *(quartiles or ()))


def _points(curves: Sequence[Curve], exact: Callable[[float], str]) -> Iterator[dict[str, Any]]:
    for number, curve in enumerate(curves):
        for size, value, quartiles in curve.points:
            row: dict[str, Any] = {"series": str(number), "size": size, "value": value}
            row |= {"name": curve.name, "at": f"{size:,.0f}", "exact": exact(value)}
            if quartiles is not None:
                low, high = quartiles
                row |= {"low": low, "high": high, "quartiles": f"{exact(low)} to {exact(high)}"}
            yield row


def _corners(curves: Sequence[Curve]) -> Iterator[dict[str, Any]]:
    for number, curve in enumerate(curves):
        for size, value in curve.line:
            yield {"series": str(number), "size": size, "value": value, "dashed": curve.dashed}


def _marked(size: float, domain: Sequence[float]) -> list[Any]:
    import altair

    base = altair.Chart(
        parts.data([{"size": size, "value": domain[0], "text": f"{size:,.0f} images"}])
    ).encode(x="size:Q")
    words = base.mark_text(align="right", dx=-6, dy=-8, color=MUTED, fontSize=FONT_SIZE - 1)
    return [
        base.mark_rule(color=MUTED, strokeDash=[4, 3]),
        words.encode(y="value:Q", text="text:N"),
    ]
