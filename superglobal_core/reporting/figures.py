"""The charts of mAP with its intervals, and of what the reranking did to each query."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting import chart_parts as parts
from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Result
from superglobal_core.reporting.drawing import INK, MUTED, SERIES, TITLE_LETTERS, Figure
from superglobal_core.reporting.families import Comparison
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.study import Group, ap_changes

GAIN, LOSS = SERIES[1], SERIES[2]
BAR = 17  # pixels of a bar with its gap
ONE_COLUMN = 4  # panels at most; more stand in two columns


def map_figure(name: str, title: str, groups: Sequence[Group], labels: Labels) -> Figure:
    """Draw mAP under each protocol, one panel a group, methods side by side, with 95 % intervals."""
    import altair

    methods = _methods(groups, labels)  # label by name: the colours' order
    names, end = list(methods), _end(groups)
    colours = parts.series(
        [parts.series_colour(number) for number in range(len(names))], parts.legend([*methods.values()])
    )
    places = altair.YOffset(
        "series:N",
        scale=altair.Scale(domain=[str(number) for number in range(len(names))], paddingInner=0.12),
    )
    room = 0.7 / (len(names) + 0.7)

    def panel(group: Group, last: bool) -> Any:
        rows = [row for result in group.results for row in _bars(result, names.index(result.method), labels)]
        base = altair.Chart(parts.data(rows)).encode(
            y=altair.Y(
                "protocol:N",
                title=None,
                sort=None,
                scale=altair.Scale(
                    domain=[each.capitalize() for each in PROTOCOL_NAMES],
                    paddingInner=room,
                    paddingOuter=room / 2,
                ),
                axis=altair.Axis(labelColor=INK, grid=False),
            ),
            yOffset=places,
            opacity=parts.unless_muted(),
        )
        axis = parts.axis_x("value", "mAP (%)" if last else None, (0, end), axis=altair.Axis(tickCount=5))
        shown = parts.tooltip("method", "protocol", "mAP", "interval", "queries")
        numbers = base.mark_text(align="left", dx=5).encode(x="beside:Q", text="text:N")
        return altair.layer(
            base.mark_bar().encode(x=axis, color=colours, tooltip=shown),
            base.mark_rule(strokeWidth=1.2).encode(x="low:Q", x2="high:Q"),
            numbers.transform_filter("isValid(datum.value)"),
            numbers.transform_filter("!isValid(datum.value)").encode(color=altair.value(MUTED)),
        ).properties(
            height=BAR * len(PROTOCOL_NAMES) * (len(names) + 0.7),
            title=parts.heading(f"{labels.descriptor(group.descriptor)}, {labels.distractors_of(group)}"),
        )

    panels = [panel(group, group is groups[-1]) for group in groups]
    reading = (
        "Each bar is the mean AP over the queries and the thin line its 95 % interval; whether two "
        "methods differ is told better by the change in the table, which compares query by query."
    )
    return Figure(name, title, reading, parts.stacked(panels, left=84, mutable=True))


def change_figure(name: str, title: str, shown: Sequence[tuple[Group, Comparison]], labels: Labels) -> Figure:
    """Draw every query's change of Medium AP by the reranking, sorted, one panel a comparison."""
    import altair

    found = [_changes(comparison) for _, comparison in shown]
    columns: Literal[1, 2] = 1 if len(shown) <= ONE_COLUMN else 2
    letters = TITLE_LETTERS // columns
    largest = 1.08 * max([1.0, *(abs(row["change"]) for rows in found for row in rows)])

    def panel(group: Group, comparison: Comparison, rows: Sequence[dict[str, Any]], last: bool) -> Any:
        what = f"{labels.method(comparison.after)}: {labels.descriptor(group.descriptor)}, "
        base = altair.Chart(parts.data(rows))
        bars = base.mark_bar().encode(
            x=altair.X(
                "place:O",
                sort=None,
                title="queries, from the largest gain to the largest loss" if last and columns == 1 else None,
                scale=altair.Scale(paddingInner=0.14 if len(rows) < 200 else 0),
                axis=altair.Axis(labels=False),
            ),
            y=parts.axis_y("change", "points", (-largest, largest), axis=altair.Axis(tickCount=5)),
            color=altair.condition("datum.change > 0", altair.value(GAIN), altair.value(LOSS)),
            tooltip=[
                altair.Tooltip("query:Q"),
                altair.Tooltip("before:Q", format=".2f"),
                altair.Tooltip("after:Q", format=".2f"),
                altair.Tooltip("change:Q", format="+.2f"),
            ],
        )
        line = altair.Chart(parts.data([{}])).mark_rule(color=MUTED).encode(y=altair.datum(0))
        return altair.layer(bars, line).properties(
            height=110, title=parts.heading(what + labels.distractors(comparison.after), letters)
        )

    panels = [
        panel(group, comparison, rows, place == len(shown) - 1)
        for place, ((group, comparison), rows) in enumerate(zip(shown, found, strict=True))
    ]
    reading = (
        "Each bar is one query's change of Medium AP by the reranking, from the largest gain to the largest loss: "
        "above the line it gained, below it lost, and the two areas weigh against each other."
    )
    return Figure(name, title, reading, parts.stacked(panels, left=56, columns=columns))


def _bars(result: Result, number: int, labels: Labels) -> Iterator[dict[str, Any]]:
    for protocol in PROTOCOL_NAMES:
        figures = result.evaluation.figures(protocol)
        row: dict[str, Any] = {
            "protocol": protocol.capitalize(),
            "series": str(number),
            "method": labels.method(result),
        }
        if figures.map is None:
            yield row | {"beside": 0, "text": "no positives", "mAP": "not defined"}
            continue
        interval = figures.map_interval_95
        row |= {
            "value": 100 * figures.map,
            "text": texts.percent(figures.map),
            "mAP": texts.percent(figures.map),
        }
        row |= {
            "beside": 100 * max(figures.map, *(interval or (0.0,))),
            "queries": figures.queries_with_positives,
        }
        if interval is not None:
            row |= {"low": 100 * interval[0], "high": 100 * interval[1], "interval": texts.interval(interval)}
        yield row


def _changes(comparison: Comparison) -> list[dict[str, Any]]:
    """Return a row for each query that has an AP, from the largest gain to the largest loss."""
    before, after = (
        result.evaluation.medium.average_precision for result in (comparison.before, comparison.after)
    )
    changes = [
        (100 * change, query)
        for query, change in enumerate(ap_changes(comparison.before, comparison.after, "medium"))
        if change is not None
    ]
    return [
        {
            "place": place,
            "change": round(change, 4),
            "query": query,
            "before": round(100 * (before[query] or 0.0), 4),
            "after": round(100 * (after[query] or 0.0), 4),
        }
        for place, (change, query) in enumerate(sorted(changes, key=lambda each: (-each[0], each[1])))
    ]


def _end(groups: Sequence[Group]) -> float:
    """Return where the scale of mAP ends, the same for all panels: a multiple of 20 with room for numbers."""
    results = [result for group in groups for result in group.results]
    all_figures = [result.evaluation.figures(name) for result in results for name in PROTOCOL_NAMES]
    largest = max((figures.map_interval_95 or (0, figures.map or 0))[1] for figures in all_figures)
    return min(100.0, 20.0 * math.ceil((100 * largest + 4) / 20))


def _methods(groups: Sequence[Group], labels: Labels) -> dict[str, str]:
    return {result.method: labels.method(result) for group in groups for result in group.results}
