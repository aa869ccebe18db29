"""The charts, as SVG: mAP with its intervals, and what the reranking did to each query."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Result
from superglobal_core.reporting.drawing import INK, MUTED, SERIES, Figure, add_legend, set_title, to_svg
from superglobal_core.reporting.families import Comparison
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.study import Group, ap_changes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAIN, LOSS = SERIES[1], SERIES[2]


def map_figure(name: str, title: str, groups: Sequence[Group], labels: Labels) -> Figure:
    """Draw mAP under each protocol, one panel a group, methods side by side, with 95 % intervals."""
    methods = _methods(groups, labels)  # label by name: the colours' order
    names = list(methods)
    step, end = 1.0 / (len(methods) + 0.7), _end(groups)
    height = 0.65 + len(groups) * (0.5 + 0.6 * (len(methods) + 0.7))

    def draw(panels: Sequence[Axes]) -> None:
        for axes, group in zip(panels, groups, strict=True):
            for result in group.results:
                number = names.index(result.method)
                _bars(
                    axes, result, SERIES[number % len(SERIES)], (number - (len(methods) - 1) / 2) * step, step
                )
            set_title(axes, f"{labels.descriptor(group.descriptor)}, {labels.distractors_of(group)}")
            axes.set_yticks(range(3), [protocol.capitalize() for protocol in PROTOCOL_NAMES])
            axes.set_ylim(2.55, -0.55)
            axes.set_xlim(0, end)
            axes.tick_params(length=0)
            axes.grid(axis="x")
            axes.spines["bottom"].set_visible(False)
        panels[-1].set_xlabel("mAP (%)")
        _legend(panels[0], list(methods.values()))

    reading = (
        "Each bar is the mean AP over the queries and the thin line its 95 % interval; whether two "
        "methods differ is told better by the change in the table, which compares query by query."
    )
    return Figure(name, title, reading, to_svg(draw, len(groups), height))


def change_figure(name: str, title: str, shown: Sequence[tuple[Group, Comparison]], labels: Labels) -> Figure:
    """Draw every query's change of Medium AP by the reranking, sorted, one panel a comparison."""

    def draw(panels: Sequence[Axes]) -> None:
        largest = 1.0
        for axes, (group, comparison) in zip(panels, shown, strict=True):
            changes = ap_changes(comparison.before, comparison.after, "medium")
            values = sorted((100 * value for value in changes if value is not None), reverse=True)
            largest = max(largest, *(abs(value) for value in values)) if values else largest
            colours = [GAIN if value > 0 else LOSS for value in values]
            axes.bar(range(len(values)), values, width=0.86, color=colours)
            axes.axhline(0, color=MUTED, linewidth=0.8)
            what = f"{labels.method(comparison.after)}: {labels.descriptor(group.descriptor)}, "
            set_title(axes, what + labels.distractors(comparison.after))
            axes.set_xlim(-0.8, max(len(values), 1) - 0.2)
            axes.set_xticks([])
            axes.tick_params(length=0)
            axes.tick_params(axis="y", labelcolor=MUTED)
            axes.grid(axis="y")
            axes.set_ylabel("points")
            for side in ("left", "bottom"):
                axes.spines[side].set_visible(False)
        for axes in panels:
            axes.set_ylim(-1.08 * largest, 1.08 * largest)
        panels[-1].set_xlabel("queries, from the largest gain to the largest loss")

    reading = (
        "Each bar is one query's change of Medium AP by the reranking: above the line it gained, "
        "below it lost, and the two areas weigh against each other."
    )
    return Figure(name, title, reading, to_svg(draw, len(shown), 0.45 + 1.65 * len(shown)))


def _bars(axes: Axes, result: Result, colour: str, offset: float, step: float) -> None:
    for place, protocol in enumerate(PROTOCOL_NAMES):
        figures = result.evaluation.figures(protocol)
        if figures.map is None:
            axes.text(0, place + offset, " no positives", va="center", color=MUTED, fontsize=8)
            continue
        value = 100 * figures.map
        low, high = (100 * bound for bound in figures.map_interval_95 or (figures.map, figures.map))
        axes.barh(place + offset, value, height=0.88 * step, color=colour)
        if figures.map_interval_95 is not None:
            axes.plot(
                [low, high],
                [place + offset] * 2,
                color=INK,
                linewidth=1.1,
                solid_capstyle="butt",
                clip_on=False,
            )
        axes.text(
            max(high, value) + 1.2, place + offset, texts.percent(figures.map), va="center", fontsize=8.5
        )


def _end(groups: Sequence[Group]) -> float:
    """Return where the scale of mAP ends, the same for all panels: a multiple of 20 with room for numbers."""
    results = [result for group in groups for result in group.results]
    all_figures = [result.evaluation.figures(name) for result in results for name in PROTOCOL_NAMES]
    largest = max((figures.map_interval_95 or (0, figures.map or 0))[1] for figures in all_figures)
    return min(100.0, 20.0 * math.ceil((100 * largest + 4) / 20))


def _legend(axes: Axes, methods: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    colours = [SERIES[number % len(SERIES)] for number in range(len(methods))]
    add_legend(axes, [Patch(color=colour) for colour in colours], methods)


def _methods(groups: Sequence[Group], labels: Labels) -> dict[str, str]:
    return {result.method: labels.method(result) for group in groups for result in group.results}
