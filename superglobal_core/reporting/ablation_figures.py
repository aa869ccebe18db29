"""The changes of an ablation's table as dot plots with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from superglobal_core.reporting import chart_parts as parts
from superglobal_core.reporting import texts
from superglobal_core.reporting.ablation_changes import STAGE_NAMES, AblationTable, ChangedRow, Stage
from superglobal_core.reporting.drawing import PAPER, SERIES, Figure, broken

READING = (
    "Each mark is mAP after one change minus mAP of the preset, in points, the line its 95 % interval: right of the "
    "upright line the change helps, left of it it costs. Filled marks are differences that can be shown after "
    "correction, hollow ones are not told from chance."
)
PROTOCOLS = {"medium": ("circle", SERIES[1]), "hard": ("diamond", SERIES[2])}


def change_name(row: ChangedRow) -> str:
    """Return what was changed, from which value to which."""
    return f"{row.row.name.replace('_', ' ')}: {row.row.preset_value} \N{RIGHTWARDS ARROW} {row.row.changed_value}"


def dot_plot(name: str, where: str, table: AblationTable, stage: Stage) -> Figure | None:
    """Draw a stage's changes under Medium and Hard, in the table's order; None where there are none.

    where: what the table is of, for the title.
    """
    import altair

    rows = [row for row in table.rows if any(row.changes[stage][protocol] for protocol in PROTOCOLS)]
    if not rows:
        return None
    shown = parts.legend([protocol.capitalize() for protocol in PROTOCOLS])
    colour = parts.series([look[1] for look in PROTOCOLS.values()], shown)
    shape = parts.shapes([look[0] for look in PROTOCOLS.values()], shown)
    values = list(_marks(rows, stage))
    base = altair.Chart(parts.data(values)).encode(
        y=parts.row_axis([_label(row) for row in rows]),
        yOffset=altair.YOffset("series:N", scale=altair.Scale(domain=["0", "1"], paddingOuter=0.6)),
        color=colour,
        opacity=parts.unless_muted(),
    )
    x = parts.axis_x("points", "Difference of mAP to the preset (points)", _ends(values))
    marks = base.encode(
        x=x, shape=shape, tooltip=parts.tooltip("change", "protocol", "difference", "interval", "mAP differs")
    )
    layers = [
        altair.Chart(parts.data([{}])).mark_rule().encode(x=altair.datum(0)),
        base.mark_rule(strokeWidth=1.4).encode(x="low:Q", x2="high:Q"),
        marks.mark_point(size=52).transform_filter("datum.sure"),
        marks.mark_point(size=46, filled=False, fill=PAPER, strokeWidth=1.5).transform_filter("!datum.sure"),
    ]
    chart = altair.layer(*layers).properties(title=parts.heading(STAGE_NAMES[stage]))
    return Figure(
        name, f"{STAGE_NAMES[stage]}, {where}", READING, parts.alone(chart, 40 * len(rows), mutable=True)
    )


def _marks(rows: Sequence[ChangedRow], stage: Stage) -> Iterator[dict[str, Any]]:
    for place, row in enumerate(rows):
        for number, protocol in enumerate(PROTOCOLS):
            change = row.changes[stage][protocol]
            if change is None:
                continue
            found = {
                "row": str(place),
                "series": str(number),
                "points": change.points,
                "sure": change.sure,
                "change": change_name(row),
                "protocol": protocol.capitalize(),
                "difference": texts.points(change.points),
                "mAP differs": change.verdict if change.sure else "not shown",
            }
            if change.interval is not None:
                low, high = change.interval
                found |= {"low": low, "high": high, "interval": texts.point_interval(change.interval)}
            yield found


def _ends(marks: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Return the ends of the axis: all marks and intervals, and no difference, are on it."""
    held = [0.0, *(mark[name] for mark in marks for name in ("points", "low", "high") if name in mark)]
    room = 0.05 * (max(held) - min(held)) or 1.0
    return min(held) - room, max(held) + room


def _label(row: ChangedRow) -> list[str]:
    # The new value stays with its arrow.
    return broken(change_name(row).replace("\N{RIGHTWARDS ARROW} ", "\N{RIGHTWARDS ARROW}\N{NO-BREAK SPACE}"))
