"""The names of points written into a chart, each where it is free, with a line where that is far."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from superglobal_core.reporting.drawing import INK, MUTED
from superglobal_core.reporting.label_places import Box, place_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST_LINE = 24  # characters
FONT_SIZE = 8.5
# A page's own font may be a little wider than the one that is measured.
SPARE = 1.06
FAR = 12.0  # printer's points from which on a line leads to the point


Place = tuple[float, float]
# Another point so many times as far from a name could be taken for its own: a line tells.
NEIGHBOUR = 2.0
LINE_WIDTH = 3.0  # what is kept free around a line


def write_labels(
    axes: Axes, places: Sequence[Place], names: Sequence[str], corners: Sequence[Place] = ()
) -> None:
    """Write the names of points without overlaps; all else of the chart must be drawn already.

    places: the points in the axes' data coordinates; corners: of a line of upright and level pieces that
    no name may lie on, in the same.
    """
    canvas = axes.get_figure(root=True)
    assert canvas is not None
    wrapped = [textwrap.fill(name, LONGEST_LINE) for name in names]
    measured = [
        axes.text(0, 0, text, fontsize=FONT_SIZE, parse_math=False, in_layout=False) for text in wrapped
    ]
    canvas.draw_without_rendering()
    to_points = 72 / canvas.dpi
    area, sizes = axes.get_window_extent(), []
    for text in measured:
        extent = text.get_window_extent()
        sizes.append((SPARE * extent.width * to_points, extent.height * to_points))
        text.remove()

    def to_area(place: Place) -> Place:
        x, y = (axes.transData.transform(place) - area.p0) * to_points
        return float(x), float(y)

    centres = [to_area(place) for place in places]
    pieces = [_around(to_area(one), to_area(other)) for one, other in itertools.pairwise(corners)]
    boxes = place_labels(centres, sizes, area.width * to_points, area.height * to_points, pieces)
    for name, centre, box in zip(wrapped, centres, boxes, strict=True):
        if box is None:
            continue
        end = box.nearest(*centre)
        axes.annotate(
            name,
            (box.x + box.width / 2, box.y + box.height / 2),
            xycoords="axes points",
            ha="center",
            va="center",
            fontsize=FONT_SIZE,
            color=INK,
            parse_math=False,
            in_layout=False,
        )
        own = math.dist(end, centre)
        others = (math.dist(box.nearest(*other), other) for other in centres if other != centre)
        if own > FAR or any(distance < NEIGHBOUR * own for distance in others):
            axes.annotate(
                "",
                centre,
                end,
                xycoords="axes points",
                textcoords="axes points",
                arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0},
                in_layout=False,
            )


def _around(one: Place, other: Place) -> Box:
    (left, right), (low, high) = (sorted(pair) for pair in zip(one, other, strict=True))
    half = LINE_WIDTH / 2
    return Box(left - half, low - half, right - left + LINE_WIDTH, high - low + LINE_WIDTH)
