"""The Pareto front: what no other choice beats in cost and quality at once."""

from __future__ import annotations

from collections.abc import Sequence

Place = tuple[float, float]


def front(places: Sequence[Place]) -> list[int]:
    """Return the numbers of the (cost, quality) places that no other one beats in both, the cheapest first.

    >>> front([(3.0, 0.9), (1.0, 0.5), (2.0, 0.4), (4.0, 0.9)])
    [1, 0]
    """
    found: list[int] = []
    for number in sorted(range(len(places)), key=lambda number: (places[number][0], -places[number][1])):
        if not found or places[number][1] > places[found[-1]][1]:
            found.append(number)
    return found


def front_steps(places: Sequence[Place]) -> list[Place]:
    """Return the corners of the front as a line: level until the next better one, then upright.

    >>> front_steps([(3.0, 0.9), (1.0, 0.5)])
    [(1.0, 0.5), (3.0, 0.5), (3.0, 0.9)]
    """
    steps: list[Place] = []
    for number in front(places):
        cost, quality = places[number]
        if steps:
            steps.append((cost, steps[-1][1]))
        steps.append((cost, quality))
    return steps
