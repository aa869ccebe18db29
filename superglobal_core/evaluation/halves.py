"""Two halves of a data set's queries that share no landmark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superglobal_core.errors import UserError
from superglobal_core.evaluation.ranks import LabelledQuery


def halves(queries: Sequence[LabelledQuery], seed: int = 0) -> tuple[list[int], list[int]]:
    """Split queries at random into two parts of about the same size, as ascending indices.

    Queries that have a positive in common show one landmark and stay together: otherwise what is tuned
    on one half would have seen the other half's images.

    Raises:
        UserError: when all queries belong together.

    >>> from superglobal_core.data.groundtruth import Query
    >>> def query(*easy): return Query((0, 0, 9, 9), easy, (), ())
    >>> halves([query(0, 1), query(2), query(1, 3), query(4)])
    ([1, 3], [0, 2])
    """
    groups = _landmarks(queries)
    if len(groups) < 2:
        raise UserError(
            f"the {len(queries)} queries all have positives in common: they cannot be halved without tuning on what "
            "is reported; report on another data set"
        )
    parts: tuple[list[int], list[int]] = ([], [])
    for number in np.random.default_rng(seed).permutation(len(groups)):
        smaller = parts[0] if len(parts[0]) <= len(parts[1]) else parts[1]
        smaller += groups[number]
    return sorted(parts[0]), sorted(parts[1])


def _landmarks(queries: Sequence[LabelledQuery]) -> list[list[int]]:
    """Return the groups of queries that are joined by common positives."""
    group_of: dict[int, list[int]] = {}  # by positive
    groups: list[list[int]] = []
    for number, query in enumerate(queries):
        positives = [*query.easy, *query.hard]
        joined = {id(group_of[image]): group_of[image] for image in positives if image in group_of}
        mine = [number, *(other for group in joined.values() for other in group)]
        groups = [group for group in groups if id(group) not in joined] + [mine]
        for other in mine:
            for image in (*queries[other].easy, *queries[other].hard):
                group_of[image] = mine
    return sorted((sorted(group) for group in groups), key=lambda group: group[0])
