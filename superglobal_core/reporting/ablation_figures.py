"""The changes of an ablation's table as dot plots with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from superglobal_core.reporting.ablation_changes import STAGE_NAMES, AblationTable, ChangedRow, Stage
from superglobal_core.reporting.drawing import (
    INK,
    PAPER,
    SERIES,
    Figure,
    add_legend,
    broken,
    name_rows,
    set_title,
    to_svg,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

READING = (
    "Each mark is mAP after one change minus mAP of the preset, in points, the line its 95 % interval: right of the "
    "upright line the change helps, left of it it costs. Filled marks are differences that can be shown after "
    "correction, hollow ones are not told from chance."
)
PROTOCOLS = {"medium": ("o", SERIES[1], -0.17), "hard": ("D", SERIES[2], 0.17)}


def change_name(row: ChangedRow) -> str:
    """Return what was changed, from which value to which."""
    return f"{row.row.name.replace('_', ' ')}: {row.row.preset_value} \N{RIGHTWARDS ARROW} {row.row.changed_value}"


def dot_plot(name: str, where: str, table: AblationTable, stage: Stage) -> Figure | None:
    """Draw a stage's changes under Medium and Hard, in the table's order; None where there are none.

    where: what the table is of, for the title.
    """
    rows = [row for row in table.rows if any(row.changes[stage][protocol] for protocol in PROTOCOLS)]
    if not rows:
        return None

    def draw(panels: Sequence[Axes]) -> None:
        axes = panels[0]
        axes.axvline(0, color=INK, linewidth=1.0)
        handles = [
            axes.plot([], [], marker, color=colour, markersize=6)[0]
            for marker, colour, _ in PROTOCOLS.values()
        ]
        for place, row in enumerate(rows):
            for protocol, (marker, colour, offset) in PROTOCOLS.items():
                change = row.changes[stage][protocol]
                if change is None:
                    continue
                height = place + offset
                if change.interval is not None:
                    axes.plot(change.interval, [height] * 2, color=colour, linewidth=1.3)
                axes.plot(
                    [change.points], [height], marker, color=colour, markersize=5.5,
                    markerfacecolor=colour if change.sure else PAPER,
                )  # fmt: skip
        set_title(axes, STAGE_NAMES[stage])
        name_rows(axes, [_label(row) for row in rows], above=0.6, below=0.6)
        axes.set_xlabel("Difference of mAP to the preset (points)")
        add_legend(axes, handles, [protocol.capitalize() for protocol in PROTOCOLS])

    title = f"{STAGE_NAMES[stage]}, {where}"
    return Figure(name, title, READING, to_svg(draw, 1, 1.25 + 0.42 * len(rows)))


def _label(row: ChangedRow) -> str:
    # The new value stays with its arrow.
    return broken(change_name(row).replace("\N{RIGHTWARDS ARROW} ", "\N{RIGHTWARDS ARROW}\N{NO-BREAK SPACE}"))
