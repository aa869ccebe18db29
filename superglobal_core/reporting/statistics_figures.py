"""The ranking of results by mAP as a dot plot with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from superglobal_core.reporting import chart_parts as parts
from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Result
from superglobal_core.reporting.drawing import FONT_SIZE, SERIES, Figure, broken
from superglobal_core.reporting.labels import Labels

READING = (
    "Best first: the dot is the mAP, the line its 95 % interval. Overlapping lines do not mean that no difference can "
    "be shown, as each line holds what all methods share, how hard the queries are; the comparisons tell."
)


Interval = tuple[float, float] | None


def ranked(results: Sequence[Result], labels: Labels) -> list[tuple[str, float, Interval]]:
    """Return name, Medium mAP and its interval of the results that have one, best first."""
    several = len({result.descriptor for result in results}) > 1
    known = []
    for result in results:
        method, figures = labels.method(result), result.evaluation.medium
        name = f"{labels.descriptor(result.descriptor)}, {method}" if several else method
        if figures.map is not None:
            known.append((name, figures.map, figures.map_interval_95))
    return sorted(known, key=lambda each: -each[1])  # equal ones keep the suite's order


def ranking_figure(name: str, where: str, known: Sequence[tuple[str, float, Interval]]) -> Figure | None:
    """Draw a ranking, see `ranked`; None where it is empty.

    where: the data set and database, for the title.
    """
    if not known:
        return None
    import altair

    rows: list[dict[str, Any]] = []
    for place, (label, value, interval) in enumerate(known):
        row = {"row": str(place), "value": 100 * value, "text": texts.percent(value), "result": label}
        if interval is not None:
            row |= {"low": 100 * interval[0], "high": 100 * interval[1], "interval": texts.interval(interval)}
        rows.append(row | {"Medium mAP": texts.percent(value)})
    base = altair.Chart(parts.data(rows)).encode(y=parts.row_axis([broken(label) for label, _, _ in known]))
    held = [row[name] for row in rows for name in ("value", "low", "high") if name in row]
    room = 0.06 * (max(held) - min(held)) or 1.0
    x = parts.axis_x("value", "Medium mAP (%)", (min(held) - room, max(held) + room))
    layers = [
        base.mark_rule(strokeWidth=1.2).encode(x="low:Q", x2="high:Q"),
        base.mark_point(color=SERIES[1]).encode(
            x=x, tooltip=parts.tooltip("result", "Medium mAP", "interval")
        ),
        base.mark_text(dy=-10, fontSize=FONT_SIZE - 1).encode(x=x, text="text:N"),
    ]
    chart = altair.layer(*layers).properties(title=parts.heading(where))
    return Figure(name, f"Ranking on {where}", READING, parts.alone(chart, 34 * len(known)))
