"""Ablations of a study: every change held against the preset query by query, corrected table by table."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from typing import Literal, get_args

from superglobal_core.ablation_record import AblationRecord, Measured, Row, read_ablation
from superglobal_core.files import finished_files
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.protocol_switches import PRESETS
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.families import Change, corrected_changes
from superglobal_core.reporting.study import suite_order

FOLDER = "ablation"
Stage = Literal["single_stage", "reranked"]
STAGES: tuple[Stage, ...] = get_args(Stage)
STAGE_NAMES: dict[Stage, str] = {"single_stage": "Single stage", "reranked": "Reranked"}
# For a file that does not say how often it resampled.
BOOTSTRAP = 1000


@dataclasses.dataclass(frozen=True)
class ChangedRow:
    """A row with its changes from the preset, by stage and protocol; None where there is nothing to compare."""

    row: Row
    changes: dict[Stage, dict[str, Change | None]]

    def measured(self, stage: Stage) -> Measured | None:
        return stage_of(self.row, stage)

    def missing(self, stage: Stage) -> str:
        """Say why a stage has no figures."""
        if stage == "single_stage" and self.row.touches in ("shortlist", "reranking"):
            return f"not touched: it acts on the {self.row.touches}"
        return "not run"


@dataclasses.dataclass(frozen=True)
class AblationTable:
    """The rows of one table, in its order; their p-values are corrected together."""

    kind: str
    rows: tuple[ChangedRow, ...]

    def changes(self, *protocols: str) -> list[Change]:
        """List the defined changes under these protocols, or under all."""
        return [
            change
            for row in self.rows
            for by_protocol in row.changes.values()
            for protocol, change in by_protocol.items()
            if change is not None and protocol in (protocols or PROTOCOL_NAMES)
        ]

    def detectable(self, protocol: str) -> tuple[float, float] | None:
        """Return what a typical change needs to be found, in points: corrected for the table, and alone.

        Medians over the changes with which some query's AP differs; None where there is none.
        """
        changes = self.changes(protocol)
        corrected = [value for change in changes if (value := change.detectable) is not None]
        alone = [value for change in changes if (value := change.detectable_alone) is not None]
        return (statistics.median(corrected), statistics.median(alone)) if corrected and alone else None


@dataclasses.dataclass(frozen=True)
class Ablation:
    """One file with its tables, those without rows left out. source: relative to the results folder."""

    source: str
    record: AblationRecord
    tables: tuple[AblationTable, ...]


def stage_of(where: Row | AblationRecord, stage: Stage) -> Measured | None:
    """Return what was measured of a stage."""
    return where.single_stage if stage == "single_stage" else where.reranked


def find_ablations(study: Study) -> list[Ablation]:
    """Read a study's ablations, in the suite's order; other backbones follow the descriptor they belong to.

    Raises:
        UserError: when a file is damaged.
    """
    paths = [
        path
        for path in finished_files(study.root / FOLDER, "**/*.json")
        if not path.name.endswith("record.json")
    ]
    found = [(path.relative_to(study.root).as_posix(), read_ablation(path)) for path in paths]
    by_dataset = suite_order(study.suite.datasets if study.suite else ())
    by_descriptor = suite_order(study.suite.descriptors if study.suite else ())
    found.sort(
        key=lambda each: (
            by_dataset(each[1].dataset),
            by_descriptor(each[1].descriptor),
            each[1].distractors,
            PRESETS.index(each[1].preset),
            each[1].backbone or "",
            each[0],
        )
    )
    return [Ablation(source, record, _tables(record)) for source, record in found]


def _tables(record: AblationRecord) -> tuple[AblationTable, ...]:
    by_kind = {kind: [row for row in record.rows if row.table == kind] for kind in ("switches", "modules")}
    return tuple(AblationTable(kind, _compared(record, rows)) for kind, rows in by_kind.items() if rows)


def _compared(record: AblationRecord, rows: Sequence[Row]) -> tuple[ChangedRow, ...]:
    pairs = [
        (before.figures(protocol).average_precision, after.figures(protocol).average_precision)
        for row in rows
        for stage in STAGES
        for protocol in PROTOCOL_NAMES
        if (after := stage_of(row, stage)) is not None and (before := stage_of(record, stage)) is not None
    ]
    known = record.record or {}
    parameters = known.get("parameters")
    bootstrap = parameters.get("bootstrap") if isinstance(parameters, dict) else None
    seed = known.get("seed")
    changes = iter(
        corrected_changes(
            pairs,
            bootstrap=bootstrap if isinstance(bootstrap, int) and bootstrap >= 0 else BOOTSTRAP,
            seed=seed if isinstance(seed, int) and seed >= 0 else 0,
        )
    )
    return tuple(
        ChangedRow(
            row,
            {
                stage: {
                    protocol: None if stage_of(row, stage) is None else next(changes)
                    for protocol in PROTOCOL_NAMES
                }
                for stage in STAGES
            },
        )
        for row in rows
    )
