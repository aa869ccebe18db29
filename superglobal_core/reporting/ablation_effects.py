"""What turning a protocol switch changed in a study, for those who ask why two figures differ."""

from __future__ import annotations

from superglobal_core.reporting.ablation_changes import STAGES, ChangedRow, find_ablations
from superglobal_core.reporting.collect import Study
from superglobal_core.verdict.judging import Effects

EffectsOfChanges = dict[str, dict[tuple[str, str], dict[str, float]]]


def effects_of_changes(study: Study) -> EffectsOfChanges:
    """Return points under `medium` and `hard` by data set, switch and changed value.

    A data set with distractors has `+1m` behind its name, as in the columns of published tables. The
    single stage counts where the switch touches it, else the reranked result. Of several descriptors
    and presets the first counts: the suite's order, then official, paper, cvnet.
    """
    found: EffectsOfChanges = {}
    for ablation in find_ablations(study):
        record = ablation.record
        if record.backbone is not None:
            continue
        mine = found.setdefault(record.dataset + ("+1m" if record.distractors else ""), {})
        for table in ablation.tables:
            if table.kind == "switches":
                for row in table.rows:
                    mine.setdefault((row.row.name, row.row.changed_value), _points(row))
    return {name: effects for name, effects in found.items() if effects}


def measured_effects(study: Study) -> Effects:
    """Return the points that turning a switch adds, by column (`roxford5k+1m_hard`) and switch.

    From `effects_of_changes`; of a switch with several other values the first one in its table.
    """
    columns: dict[str, dict[str, float]] = {}
    for name, effects in effects_of_changes(study).items():
        for (switch, _), by_protocol in effects.items():
            for protocol, points in by_protocol.items():
                columns.setdefault(f"{name}_{protocol}", {}).setdefault(switch, points)
    return columns


def _points(row: ChangedRow) -> dict[str, float]:
    stage = next(stage for stage in STAGES if row.measured(stage) is not None)
    return {
        protocol: change.points
        for protocol in ("medium", "hard")
        if (change := row.changes[stage][protocol]) is not None
    }
