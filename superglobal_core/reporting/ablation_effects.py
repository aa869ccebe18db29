"""What turning a protocol switch changed in a study, for those who ask why two figures differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from superglobal_core.ablation_record import AblationRecord
from superglobal_core.protocol_switches import SWITCHES, preset_values, shown
from superglobal_core.reporting.ablation_changes import ChangedRow, Stage, find_ablations
from superglobal_core.reporting.collect import Study
from superglobal_core.verdict import reported
from superglobal_core.verdict.effects import JUNK, Base, Effect

# Switches that records have under other values.
RECORDED: Mapping[str, Mapping[Any, str]] = {
    "exif": {True: "applied", False: "ignored"},
    JUNK: {"keep": "raw", "remove": "junk removed"},
}
STAGES: Mapping[Stage, reported.Stage] = {"single_stage": "single", "reranked": "reranked"}


def measured_effects(study: Study) -> list[Effect]:
    """Return what turning each switch changed under `medium` and `hard`, with all that it was turned from.

    In the ablations' order; an ablation that does not record what it was made of has none, nor has a row
    whose values are not those of its preset and its settings.
    """
    found = []
    for ablation in find_ablations(study):
        base = None if ablation.record.backbone is not None else _base(ablation.record)
        if base is None:
            continue
        rows = [row for table in ablation.tables if table.kind == "switches" for row in table.rows]
        effects = (_effect(row, ablation.record, base) for row in rows)
        found += [effect for effect in effects if effect is not None]
    return found


def _base(record: AblationRecord) -> Base | None:
    known = record.record or {}
    descriptor, protocol, parameters = (known.get(key) for key in ("descriptor", "protocol", "parameters"))
    if not all(isinstance(each, dict) for each in (descriptor, protocol, parameters)):
        return None
    assert isinstance(descriptor, dict)
    assert isinstance(protocol, dict)
    assert isinstance(parameters, dict)
    digest = protocol.get("groundtruth_sha256")
    if not isinstance(digest, str):
        return None
    return Base(
        digest,
        record.distractors,
        {**descriptor, **protocol},
        # The record is of the search, which has all images; the reranking takes the preset's.
        RECORDED[JUNK][preset_values(record.preset)[JUNK]],
        {**parameters, "method": known.get("method")},
    )


def _effect(row: ChangedRow, record: AblationRecord, base: Base) -> Effect | None:
    name = row.row.name
    switch = next((switch for switch in SWITCHES if switch.name == name), None)
    if switch is None or name not in row.row.settings:
        return None
    start, changed = switch.of(record.preset), row.row.settings[name]
    if changed not in switch.values or changed == start:
        return None
    if (row.row.preset_value, row.row.changed_value) != (shown(start), shown(changed)):
        return None
    words = RECORDED.get(name, {})
    start, changed = words.get(start, start), words.get(changed, changed)
    # What the record says of the base goes before the preset's name.
    own = base.candidates if name == JUNK else base.settings.get(name, base.reranker.get(name))
    return Effect(base, name, start, changed, _points(row)) if own == start else None


def _points(row: ChangedRow) -> dict[tuple[reported.Stage, str], float]:
    return {
        (STAGES[stage], protocol): change.points
        for stage, by_protocol in row.changes.items()
        for protocol in ("medium", "hard")
        if (change := by_protocol[protocol]) is not None
    }
