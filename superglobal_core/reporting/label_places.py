"""Where the labels of points go so that none lies on another, on a point, or outside."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence

# Lengths are in the unit of the points, printer's points for charts.
GAP = 7.0  # from a point to its label
POINT = 5.0  # half the side of the square that a point keeps free
STEP = 5.0  # of the grid of places that are tried


@dataclasses.dataclass(frozen=True)
class Box:
    """A rectangle: its lower left corner, width and height."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: Box) -> bool:
        """Whether the rectangles have an area in common."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """Return the place in the rectangle that is nearest to a point."""
        return (
            min(max(x, self.x), self.x + self.width),
            min(max(y, self.y), self.y + self.height),
        )


def place_labels(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    width: float,
    height: float,
    taken: Sequence[Box] = (),
) -> list[Box | None]:
    """Return a box for each point's label in an area from (0, 0) to (width, height).

    sizes: the labels' widths and heights; taken: what else must be kept free. The nearest free place is
    taken, the right one first, and one whose line to the point crosses no other label where there is
    such. None where no place is free.

    >>> place_labels([(50, 50)], [(40, 10)], 200, 100)
    [Box(x=57.0, y=45.0, width=40, height=10)]
    """
    kept = [*taken, *(Box(x - POINT, y - POINT, 2 * POINT, 2 * POINT) for x, y in points)]
    placed: list[Box] = []
    found: list[Box | None] = []
    for point, size in zip(points, sizes, strict=True):
        box = _first_free(point, size, (width, height), kept, placed)
        found.append(box)
        if box is not None:
            placed.append(box)
    return found


def _first_free(
    point: tuple[float, float],
    size: tuple[float, float],
    area: tuple[float, float],
    kept: Sequence[Box],
    placed: Sequence[Box],
) -> Box | None:
    crossing = None
    for x, y in itertools.chain(_beside(point, size), _everywhere(point, size, area)):
        box = Box(x, y, *size)
        inside = 0 <= x <= area[0] - size[0] and 0 <= y <= area[1] - size[1]
        if not inside or any(box.overlaps(other) for other in (*kept, *placed)):
            continue
        if not any(_crosses(point, box.nearest(*point), other) for other in placed):
            return box
        crossing = crossing or box
    return crossing


def _beside(point: tuple[float, float], size: tuple[float, float]) -> Iterator[tuple[float, float]]:
    (x, y), (width, height) = point, size
    right, left, middle = x + GAP, x - GAP - width, y - height / 2
    above, below = y + GAP, y - GAP - height
    yield from ((right, middle), (left, middle), (x - width / 2, above), (x - width / 2, below))
    yield from ((x, above), (x, below), (x - width, above), (x - width, below))


def _everywhere(
    point: tuple[float, float], size: tuple[float, float], area: tuple[float, float]
) -> Iterator[tuple[float, float]]:
    """Yield a grid of places, the nearest to the point first."""
    columns = range(1 + max(0, math.floor((area[0] - size[0]) / STEP)))
    rows = range(1 + max(0, math.floor((area[1] - size[1]) / STEP)))
    places = [(STEP * column, STEP * row) for column in columns for row in rows]

    def distance(place: tuple[float, float]) -> float:
        x, y = Box(*place, *size).nearest(*point)
        return math.hypot(x - point[0], y - point[1])

    yield from sorted(places, key=distance)


def _crosses(start: tuple[float, float], end: tuple[float, float], box: Box) -> bool:
    """Whether a line runs through a box (Liang and Barsky's clipping)."""
    first, last = 0.0, 1.0
    for begin, delta, low, high in (
        (start[0], end[0] - start[0], box.x, box.x + box.width),
        (start[1], end[1] - start[1], box.y, box.y + box.height),
    ):
        if delta == 0:
            if not low < begin < high:
                return False
            continue
        one, other = sorted(((low - begin) / delta, (high - begin) / delta))
        first, last = max(first, one), min(last, other)
    return first < last
