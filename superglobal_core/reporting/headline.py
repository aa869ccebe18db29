"""The two tables of the first screen: the main accuracies, and the main speedups."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from superglobal_core.reporting.matrix import Matrix, Row
from superglobal_core.reporting.speed import Rival, SpeedGroup, SpeedRow
from superglobal_core.reporting.speed_claim import CLAIMANT, claims

# Rows of a descriptor beside its single stage: SuperGlobal's, and the best other one.
OTHERS = 1


@dataclasses.dataclass(frozen=True)
class HeadlineSpeed:
    """SuperGlobal's reranking in one scope of one timing: its time, and its slowest local opponent."""

    title: str
    scope: str
    row: SpeedRow
    slowest: Rival | None
    source: str
    recorded: bool


def headline_rows(matrix: Matrix) -> Matrix:
    """Keep of each descriptor the single stage, SuperGlobal's reranking and the best of the others.

    The best is the one with the highest mean of its mAPs, among the rows that have them all.
    """
    kept: list[Row] = []
    for descriptor in dict.fromkeys(row.descriptor for row in matrix.rows):
        mine = [row for row in matrix.rows if row.descriptor == descriptor and not row.reason]
        main = [row for row in mine if row.is_single_stage or row.reranker == CLAIMANT]
        others = sorted((row for row in mine if row not in main), key=lambda row: -_mean(row))[:OTHERS]
        kept += [row for row in mine if row in main or row in others]
    return matrix.only(kept)


def headline_speeds(groups: Sequence[SpeedGroup], titles: Sequence[str]) -> list[HeadlineSpeed]:
    """List SuperGlobal's times with the slowest local baseline of their scope."""
    found = []
    for group, title in zip(groups, titles, strict=True):
        for claim in claims(group):
            row = next(row for row in group.rows[claim.scope] if row.timing.label == claim.label)
            if row.summary:
                recorded = group.timed.record is not None
                found.append(
                    HeadlineSpeed(title, claim.scope, row, claim.slowest, group.timed.source, recorded)
                )
    return found


def _mean(row: Row) -> float:
    values = [cell.figures.map for cell in row.cells if cell.figures and cell.figures.map is not None]
    # A row without some of its figures is not the best one.
    return sum(values) / len(values) if len(values) == len(row.cells) else -1.0
