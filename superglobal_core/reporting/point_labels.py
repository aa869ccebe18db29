"""The names of points written into a chart, each where it is free, with a line where that is far."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

from superglobal_core.reporting import chart_parts as parts
from superglobal_core.reporting.drawing import FONT_SIZE, MUTED, wrapped
from superglobal_core.reporting.label_places import Box, place_labels

LONGEST_LINE = 24  # characters
LABEL_SIZE = FONT_SIZE - 0.5
LINE_HEIGHT = 13.0
# Of a letter's height: what a wide font takes for a letter, as a page has its own font.
LETTER_WIDTH = 0.58
FAR = 14.0  # pixels from which on a line leads to the point
# Another point so many times as far from a name could be taken for its own: a line tells.
NEIGHBOUR = 2.0
LINE_WIDTH = 3.0  # what is kept free around a line

Place = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Area:
    """A panel of some pixels: a logarithmic level axis and a plain upright one, each from end to end."""

    width: float
    height: float
    across: tuple[float, float]
    up: tuple[float, float]

    def pixels(self, place: Place) -> Place:
        """Return where values lie, from the lower left corner.

        >>> Area(200, 100, (1.0, 100.0), (0.0, 50.0)).pixels((10.0, 25.0))
        (100.0, 50.0)
        """
        low, high = (math.log10(end) for end in self.across)
        x = (math.log10(place[0]) - low) / (high - low)
        return x * self.width, (place[1] - self.up[0]) / (self.up[1] - self.up[0]) * self.height

    def values(self, place: Place) -> Place:
        """Return the values at a place in pixels.

        >>> Area(200, 100, (1.0, 100.0), (0.0, 50.0)).values((100.0, 50.0))
        (10.0, 25.0)
        """
        low, high = (math.log10(end) for end in self.across)
        x = 10 ** (low + place[0] / self.width * (high - low))
        return x, self.up[0] + place[1] / self.height * (self.up[1] - self.up[0])


def label_layers(
    area: Area,
    places: Sequence[Place],
    names: Sequence[str],
    fields: tuple[str, str],
    corners: Sequence[Place] = (),
) -> list[Any]:
    """Return layers that write the names of points without overlaps.

    places: the points' values; fields: what the layers' values are called, across and up, as in the other
    layers; corners: of a line of upright and level pieces that no name may lie on.
    """
    import altair

    lines = [wrapped(name, LONGEST_LINE) for name in names]
    sizes = [(LETTER_WIDTH * LABEL_SIZE * max(map(len, each)), LINE_HEIGHT * len(each)) for each in lines]
    centres = [area.pixels(place) for place in places]
    pieces = [_around(area.pixels(one), area.pixels(other)) for one, other in itertools.pairwise(corners)]
    boxes = place_labels(centres, sizes, area.width, area.height, pieces)
    words, leads = [], []
    for each, centre, box in zip(lines, centres, boxes, strict=True):
        if box is None:
            continue
        # A text of several lines hangs from the middle of its first.
        top = box.x + box.width / 2, box.y + box.height - LINE_HEIGHT / 2
        words.append(dict(zip(fields, area.values(top), strict=True)) | {"lines": each})
        end = box.nearest(*centre)
        own = math.dist(end, centre)
        others = (math.dist(box.nearest(*other), other) for other in centres if other != centre)
        if own > FAR or any(distance < NEIGHBOUR * own for distance in others):
            start = dict(zip(fields, area.values(centre), strict=True))
            leads.append(start | dict(zip(("to x", "to y"), area.values(end), strict=True)))
    x, y = (f"{field}:Q" for field in fields)
    text: dict[str, Any] = {
        "baseline": "middle",
        "align": "center",
        "lineHeight": LINE_HEIGHT,
        "fontSize": LABEL_SIZE,
    }
    return [
        altair.Chart(parts.data(leads)).mark_rule(color=MUTED).encode(x=x, y=y, x2="to x:Q", y2="to y:Q"),
        altair.Chart(parts.data(words)).mark_text(**text).encode(x=x, y=y, text="lines:N"),
    ]


def _around(one: Place, other: Place) -> Box:
    (left, right), (low, high) = (sorted(pair) for pair in zip(one, other, strict=True))
    half = LINE_WIDTH / 2
    return Box(left - half, low - half, right - left + LINE_WIDTH, high - low + LINE_WIDTH)
