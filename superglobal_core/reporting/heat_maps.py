"""Heat maps of mAP over two of M, K and beta, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from superglobal_core.parameter_results import GridPoint, Protocol, RerankingParameters, Sweep
from superglobal_core.reporting import chart_parts as parts
from superglobal_core.reporting import texts
from superglobal_core.reporting.drawing import FONT_SIZE, HEAT, INK, MUTED, PAPER, STAR, WIDTH, Figure

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
CELL = 30  # pixels of a cell's height
LEFT = 52  # pixels beside a map, for its rows' values
#: a hollow square
FRAME = "M-1,-1L1,-1L1,1L-1,1ZM-.72,-.72L-.72,.72L.72,.72L.72,-.72Z"
Points = Mapping[tuple[float, float], GridPoint]


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

    panels = []
    for protocol in SHOWN:
        cells = list(_cells(rows, columns, points, protocol, sweep.defaults, (down, across)))
        title = f"mAP {protocol.capitalize()} (%), {LETTERS[held]} = {fixed:g}"
        panels.append(
            _panel(cells, (rows, columns), (LETTERS[down], LETTERS[across])).properties(
                title=parts.heading(title)
            )
        )
    reading = (
        f"mAP at every combination of {LETTERS[down]} and {LETTERS[across]}, {LETTERS[held]} held at {fixed:g}: the "
        "further a cell stands out from the page, the higher its mAP within this map."
    )
    return Figure(name, title, reading, parts.stacked(panels, left=LEFT))


def _cells(
    rows: Sequence[float],
    columns: Sequence[float],
    points: Points,
    protocol: Protocol,
    defaults: RerankingParameters,
    parameters: tuple[str, str],
) -> Iterator[dict[str, Any]]:
    """Yield each known cell: its place, number, colour, the colour read on it, and whether it is marked."""
    values = {place: point.map[protocol] for place, point in points.items()}
    inner = [(row, column) for row in rows for column in columns]
    known = {place: value for place in inner if (value := values[place]) is not None}
    if not known:
        return
    low, high = min(known.values()), max(known.values())
    default = getattr(defaults, parameters[0]), getattr(defaults, parameters[1])
    # The first of equally good ones, in the order of the rows.
    best = max(known, key=lambda place: (known[place], -rows.index(place[0]), -columns.index(place[1])))
    for place, value in known.items():
        level = round((value - low) / (high - low) * (len(HEAT) - 1)) if high > low else 0
        names = {LETTERS[name]: f"{at:g}" for name, at in zip(parameters, place, strict=True)}
        marks = {"default": place == default, "best": place == best, "series": "1"}
        colours = {"colour": HEAT[level], "on it": INK if level < 4 else PAPER}
        yield (
            {"down": f"{place[0]:g}", "across": f"{place[1]:g}", "mAP": texts.percent(value)}
            | names
            | colours
            | marks
        )


def _panel(
    cells: Sequence[dict[str, Any]], values: tuple[Sequence[float], Sequence[float]], letters: tuple[str, str]
) -> Any:
    import altair

    down, across = ([f"{value:g}" for value in each] for each in values)
    height = CELL * len(down)
    axis = altair.Axis(grid=False, labelAngle=0)
    base = altair.Chart(parts.data(cells)).encode(
        y=altair.Y("down:O", title=letters[0], sort=None, scale=altair.Scale(domain=down), axis=axis),
        x=altair.X("across:O", title=letters[1], sort=None, scale=altair.Scale(domain=across), axis=axis),
    )
    said = parts.tooltip(*letters, "mAP")
    on_it = altair.Color("on it:N", scale=None)
    layers = [
        base.mark_rect(stroke=PAPER, strokeWidth=1.5).encode(
            color=altair.Color("colour:N", scale=None), tooltip=said
        )
    ]
    if not cells:
        words = altair.Chart(parts.data([{}])).mark_text(color=MUTED, text="no query has positives")
        layers.append(words.encode(x=altair.value((WIDTH - LEFT) / 2), y=altair.value(height / 2)))
    if len(across) <= MOST_NUMBERS:
        layers.append(base.mark_text(fontSize=FONT_SIZE - 1).encode(text="mAP:N", color=on_it))
    frame = base.transform_filter("datum.default").mark_rect(
        filled=False,
        strokeWidth=1.5,
        width=altair.RelativeBandSize(0.88),
        height=altair.RelativeBandSize(0.8),
    )
    corner = (WIDTH - LEFT) / len(across) / 2
    star = base.transform_filter("datum.best").mark_point(
        shape=STAR, size=90, xOffset=min(corner - 8, 24), yOffset=-7
    )
    key = parts.legend(["the release's values", "best of this map"], symbolFillColor=INK, symbolStrokeWidth=0)
    star = star.encode(color=on_it, shape=parts.shapes([FRAME, STAR], key))
    layers += [frame.encode(stroke=altair.Stroke("on it:N", scale=None)), star]
    return altair.layer(*layers).properties(height=height)
