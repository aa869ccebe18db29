"""Easy, hard or junk: decided by what a photograph shows, as people decided it for the real data sets.

Revisited Oxford calls an image *easy* when the landmark is clearly visible from a common viewpoint, *hard*
when it is only partly visible or seen under difficult conditions, and *junk* when it can hardly be
recognised. Here the same three words follow from three measured numbers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from superglobal_core.data.landmarks.photograph import Measurement


class Threshold(NamedTuple):
    """The least share of the landmark visible, the least extent in the picture, the widest angle."""

    visible: float
    extent: float
    angle_deg: float


EASY = Threshold(visible=0.70, extent=0.32, angle_deg=32.0)
HARD = Threshold(visible=0.28, extent=0.14, angle_deg=75.0)
# A query shows its landmark well.
QUERY = Threshold(visible=0.75, extent=0.45, angle_deg=180.0)


def angle_between(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the angle between two viewing directions on the ground, in degrees.

    >>> round(angle_between((1.0, 0.0), (0.0, 1.0)))
    90
    """
    cosine = (a[0] * b[0] + a[1] * b[1]) / (math.hypot(*a) * math.hypot(*b))
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def passes(seen: Measurement, threshold: Threshold, angle_deg: float = 0.0) -> bool:
    """Say whether a photograph is at least as good as a threshold asks."""
    enough = seen.visible >= threshold.visible and seen.extent >= threshold.extent
    return enough and angle_deg <= threshold.angle_deg


def label(seen: Measurement, query_direction: tuple[float, float]) -> str:
    """Return easy, hard or junk for a photograph of the query's landmark."""
    angle = angle_between(seen.direction, query_direction)
    if passes(seen, EASY, angle):
        return "easy"
    return "hard" if passes(seen, HARD, angle) else "junk"


def query_box(seen: Measurement, width: int, height: int, least: float) -> list[float]:
    """Return the query's box: the visible landmark and a margin, at least `least` pixels a side."""
    x1, y1, x2, y2 = seen.box
    margin = 0.03 * max(x2 - x1, y2 - y1)
    sides = []
    for low, high, limit in ((x1 - margin, x2 + margin, width), (y1 - margin, y2 + margin, height)):
        grow = max(0.0, min(least, limit) - (min(high, limit) - max(low, 0.0))) / 2
        low, high = low - grow, high + grow
        # Grown out of the picture on one side: move it back before cutting it off.
        move = max(0.0, -low) - max(0.0, high - limit)
        low, high = max(0.0, low + move), min(float(limit), high + move)
        sides.append((round(low, 2), round(high, 2)))
    return [sides[0][0], sides[1][0], sides[0][1], sides[1][1]]
