"""What the section on speed shows of each run that was timed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from superglobal_core.config import Suite
from superglobal_core.reporting.drawing import Figure
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.speed import Rival, SpeedGroup, SpeedRow
from superglobal_core.reporting.speed_claim import PAPER, Claim, claims, explanations
from superglobal_core.reporting.speed_tables import NO_BASELINE, title
from superglobal_core.reporting.speed_texts import machine_facts, noise_sentences


@dataclasses.dataclass(frozen=True)
class SpeedView:
    """One run: its rows with all that stands around them."""

    title: str
    group: SpeedGroup
    others: str | None
    noise: list[tuple[str, str]]
    machine: list[tuple[str, str]]
    claims: list[Claim]
    explanations: list[str]
    charts: Sequence[Figure]
    paper: str = PAPER
    no_baseline: str = NO_BASELINE

    def rival(self, row: SpeedRow, baseline: str) -> Rival | None:
        """Return a row's rival by its label; None where it is not in the row's scope."""
        return next((rival for rival in row.rivals if rival.baseline.label == baseline), None)


def speed_views(
    groups: Sequence[SpeedGroup],
    figures: Sequence[Sequence[Figure]],
    labels: Labels,
    suite: Suite | None,
) -> list[SpeedView]:
    """Return the views of all runs; figures: each run's charts."""
    return [
        SpeedView(
            title(group, labels),
            group,
            group.record.others.sentence if group.record.others else None,
            noise_sentences(group),
            machine_facts(group),
            claims(group),
            explanations(group, suite),
            charts,
        )
        for group, charts in zip(groups, figures, strict=True)
    ]
