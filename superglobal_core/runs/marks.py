"""Which figures of a column may be called best and second best."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Literal

from superglobal_core.reporting.families import Change, corrected_changes
from superglobal_core.runs.columns import Column
from superglobal_core.runs.standings import Leaderboard, Standing

Mark = Literal["best", "second"]
BOOTSTRAP = 0  # the marks need p-values alone


def mark_best(board: Leaderboard) -> Mapping[tuple[int, str], Mark]:
    """Return marks by the row's place in the table and the column's id.

    The highest mAP is best where it is above the next method's beyond chance; the next is second where there is a
    best, and it is above the third beyond chance. The queries of a column are the same where the ground truth is
    recorded; where it is not, nothing is marked. The p-values of all columns are corrected together.
    """
    steps: list[tuple[Column, int, int, int]] = []
    questions: list[tuple[list[float | None], list[float | None]]] = []
    for column in board.columns:
        ranked = _ranked(board, column) if column.database.groundtruth is not None else []
        for place, (high, low) in enumerate(itertools.pairwise(ranked[:3])):
            pair = _aps(board.standings[low], column), _aps(board.standings[high], column)
            if len(pair[0]) == len(pair[1]):
                steps.append((column, place, low, high))
                questions.append(pair)
    found: dict[tuple[str, int], tuple[int, Change | None]] = {
        (column.id, place): (high, change)
        for (column, place, _, high), change in zip(
            steps, corrected_changes(questions, bootstrap=BOOTSTRAP, seed=0), strict=True
        )
    }
    marks: dict[tuple[int, str], Mark] = {}
    names: tuple[Mark, ...] = ("best", "second")
    for column in board.columns:
        for place, mark in enumerate(names):
            row, change = found.get((column.id, place), (0, None))
            if change is None or not change.sure:
                break
            marks[row, column.id] = mark
    return marks


def _ranked(board: Leaderboard, column: Column) -> list[int]:
    """Return the rows that have a figure, the highest first, of each method its highest alone."""
    values = [(place, standing.value(column)) for place, standing in enumerate(board.standings)]
    known = [(place, value) for place, value in values if value is not None]
    highest: dict[tuple[str, str], int] = {}
    for place, _ in sorted(known, key=lambda item: (-item[1], item[0])):
        standing = board.standings[place]
        highest.setdefault((standing.descriptor, standing.method), place)
    return list(highest.values())


def _aps(standing: Standing, column: Column) -> list[float | None]:
    return standing.results[column.database].evaluation.figures(column.protocol).average_precision
