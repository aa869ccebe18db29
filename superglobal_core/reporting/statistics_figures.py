"""The ranking of results by mAP as a dot plot with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Result
from superglobal_core.reporting.drawing import INK, SERIES, Figure, broken, name_rows, set_whole_title, to_svg
from superglobal_core.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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

    def draw(panels: Sequence[Axes]) -> None:
        axes = panels[0]
        for place, (_, value, interval) in enumerate(known):
            if interval is not None:
                axes.plot([100 * bound for bound in interval], [place] * 2, color=INK, linewidth=1.1)
            axes.plot([100 * value], [place], "o", color=SERIES[1], markersize=6)
            axes.annotate(
                texts.percent(value), (100 * value, place), (0, 5), textcoords="offset points",
                ha="center", fontsize=8,
            )  # fmt: skip
        set_whole_title(axes, where)
        name_rows(axes, [broken(label) for label, _, _ in known], above=0.8, below=0.5)
        axes.set_xlabel("Medium mAP (%)")

    return Figure(name, f"Ranking on {where}", READING, to_svg(draw, 1, 0.9 + 0.34 * len(known)))
