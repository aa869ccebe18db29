"""The pieces that charts are made of: panels, axes, legends, rows; with altair, which is imported on use."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Literal

from superglobal_core.reporting.drawing import (
    FONT,
    FONT_SIZE,
    INK,
    LEGEND_LETTERS,
    LINE,
    MUTE,
    MUTED,
    PAPER,
    SERIES,
    TITLE_LETTERS,
    WIDTH,
    wrapped,
)

CONFIG: dict[str, Any] = {
    "aria": False,  # the page names the whole chart; its numbers stand in tables
    "font": FONT,
    "background": PAPER,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": FONT_SIZE,
        "titleFontSize": FONT_SIZE,
        "titleFontWeight": "normal",
        "labelColor": MUTED,
        "titleColor": MUTED,
        "gridColor": LINE,
        "domain": False,
        "ticks": False,
        "labelPadding": 5,
        "labelLimit": 0,
        "titleLimit": 0,
    },
    "title": {
        "fontSize": FONT_SIZE + 0.5,
        "fontWeight": "bold",
        "color": INK,
        "anchor": "start",
        "frame": "bounds",
        "limit": 0,
        "lineHeight": 16,
    },
    "legend": {
        "orient": "top",
        "labelFontSize": FONT_SIZE,
        "labelColor": INK,
        "labelLimit": 0,
        "symbolSize": 90,
        "rowPadding": 4,
        "columnPadding": 32,
        "symbolOpacity": 1,
    },
    "text": {"fontSize": FONT_SIZE - 0.5, "color": INK},
    "rule": {"color": INK},
    "line": {"strokeWidth": 1.6},
    "point": {"filled": True, "opacity": 1, "size": 60},
    "bar": {"opacity": 1},
}


def data(rows: Sequence[dict[str, Any]]) -> Any:
    """Return rows as data of a chart."""
    import altair

    return altair.Data(values=list(rows))


def tooltip(*fields: str, **named: str) -> Any:
    """Return what a mark says when it is pointed at: fields that hold text or whole numbers.

    named: more fields, by what each is called there.
    """
    import altair

    titles = dict(zip(fields, fields, strict=True)) | named
    return [altair.Tooltip(f"{field}:N", title=title) for field, title in titles.items()]


def muting() -> Any:
    """Return the parameter by which a click on a series' name in the legend mutes the series."""
    import altair

    return altair.selection_point(name=MUTE, fields=["series"], bind="legend", toggle="true", empty=False)


def unless_muted() -> Any:
    """Return the opacity of what belongs to a series, see `muting`."""
    import altair

    return altair.condition({"param": MUTE, "empty": False}, altair.value(0.08), altair.value(1))


def legend(names: Sequence[str], **more: Any) -> Any:
    """Return the legend of series numbered "0", "1" ..: in two columns where names are short, else in lines.

    more: of altair's properties of legends.
    """
    import altair

    lines = [wrapped(name, LEGEND_LETTERS) for name in names]
    return altair.Legend(
        title=None,
        labelExpr=f"{json.dumps(lines)}[toNumber(datum.value)]",
        columns=2 if max(map(len, names)) < 25 else 1,
        **more,
    )


def series(colours: Sequence[str], shown: Any) -> Any:
    """Return the colour of series numbered "0", "1" .., with their legend or None."""
    import altair

    domain = [str(number) for number in range(len(colours))]
    return altair.Color("series:N", scale=altair.Scale(domain=domain, range=list(colours)), legend=shown)


def shapes(markers: Sequence[str], shown: Any) -> Any:
    """Return the shape of series numbered "0", "1" .., with their legend or None."""
    import altair

    domain = [str(number) for number in range(len(markers))]
    return altair.Shape("series:N", scale=altair.Scale(domain=domain, range=list(markers)), legend=shown)


def series_colour(number: int) -> str:
    """Return the colour of a series, anew from the first where there are too many."""
    return SERIES[number % len(SERIES)]


def axis_x(field: str, title: str | None, domain: Sequence[float], **more: Any) -> Any:
    """Return a level axis from one end to the other, exactly."""
    import altair

    scale = altair.Scale(domain=list(domain), nice=False, zero=False)
    return altair.X(f"{field}:Q", title=title, scale=scale, **more)


def axis_y(field: str, title: str | None, domain: Sequence[float], **more: Any) -> Any:
    """Return an upright axis from one end to the other, exactly."""
    import altair

    reverse = domain[0] > domain[1]
    scale = altair.Scale(domain=sorted(domain), nice=False, zero=False, reverse=reverse)
    return altair.Y(f"{field}:Q", title=title, scale=scale, **more)


def log_domain(values: Sequence[float]) -> tuple[float, float]:
    """Return where a logarithmic axis of values begins and ends: a decade long at least.

    >>> [round(end, 3) for end in log_domain([1.0, 1.0])]
    [0.316, 3.162]
    """
    low, high = math.log10(min(values)) - 0.15, math.log10(max(values)) + 0.15
    middle, half = (low + high) / 2, max(0.5, (high - low) / 2)
    return 10 ** (middle - half), 10 ** (middle + half)


def log_ticks(domain: Sequence[float]) -> list[float]:
    """Return the ticks of a logarithmic axis: powers of ten, with 2 and 5 between where there are few.

    >>> log_ticks((0.9, 12.0))
    [1.0, 2.0, 5.0, 10.0]
    """
    low, high = (math.log10(end) for end in domain)
    steps = (1, 2, 5) if high - low < 2.2 else (1,)
    powers = range(math.floor(low), math.ceil(high) + 1)
    # As text, so that 0.1 is 0.1.
    ticks = [float(f"{step}e{power}") for power in powers for step in steps]
    return [tick for tick in ticks if domain[0] <= tick <= domain[1]]


def log_axis(channel: str, field: str, title: str, domain: Sequence[float], **more: Any) -> Any:
    """Return a logarithmic axis, channel "x" or "y", with plain numbers at its ticks."""
    import altair

    kind = altair.X if channel == "x" else altair.Y
    axis = {"values": log_ticks(domain), "format": ",.9~r", **more}
    scale = altair.Scale(type="log", domain=list(domain), nice=False)
    return kind(f"{field}:Q", title=title, scale=scale, axis=altair.Axis(**axis))


def row_axis(names: Sequence[list[str]]) -> Any:
    """Return the upright axis of rows numbered "0", "1" .. in field `row`: names in lines, the first on top."""
    import altair

    domain = [str(number) for number in range(len(names))]
    return altair.Y(
        "row:N",
        title=None,
        sort=None,
        scale=altair.Scale(domain=domain),
        axis=altair.Axis(
            labelExpr=f"{json.dumps(list(names))}[toNumber(datum.value)]",
            labelColor=INK,
            grid=False,
            labelLineHeight=13,
        ),
    )


def heading(text: str, letters: int = TITLE_LETTERS) -> Any:
    """Return a title, broken into lines."""
    import altair

    return altair.TitleParams(wrapped(text, letters))


def alone(chart: Any, height: float, mutable: bool = False) -> dict[str, Any]:
    """Return the definition of a chart of one panel, as wide as all are.

    Names at the left take their room from the panel. height: of the panel, in pixels; mutable: whether
    series can be muted, see `muting`.
    """
    import altair

    fitted = altair.AutoSizeParams(type="fit-x", contains="padding")
    chart = chart.add_params(muting()) if mutable else chart
    return _finished(chart.properties(width=WIDTH, height=height, autosize=fitted))


def stacked(
    panels: Sequence[Any], left: float, mutable: bool = False, columns: Literal[1, 2] = 1
) -> dict[str, Any]:
    """Return the definition of panels one below the other, with one legend; left: room for the rows' names.

    columns: two share the width.
    """
    import altair

    gap = 18
    width = (WIDTH - (columns - 1) * gap) / columns - left
    parts = [panel.properties(width=width) for panel in panels]
    if mutable:
        parts[0] = parts[0].add_params(muting())  # it is known to the others
    if columns == 1:
        return _finished(altair.vconcat(*parts, spacing=gap))
    return _finished(altair.concat(*parts, columns=columns, spacing=gap))


def _finished(chart: Any) -> dict[str, Any]:
    import altair

    # The drawing is laid out by the letters of one font and read in another, often wider by a seventh.
    room = {"left": 18, "right": 12, "top": 4, "bottom": 4}
    with altair.data_transformers.enable(consolidate_datasets=False):
        found: dict[str, Any] = chart.properties(padding=room, config=CONFIG).to_dict(validate=False)
    return found
