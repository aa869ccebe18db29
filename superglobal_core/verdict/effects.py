"""Measured effects of switches, and whether they hold for a result at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from superglobal_core.verdict.measured import Measured, unlike
from superglobal_core.verdict.reported import Stage

# In records of results and ablations, but no choice that changes what a figure is of.
NO_SETTINGS = ("groundtruth_sha256", "images_left_out", "database", "preset", "shortlist")
NO_PARAMETERS = ("method", "precision", "missing", "bootstrap", "k", "queries", "database")
# The switch whose value is the kind of the shortlist.
JUNK = "junk"


@dataclasses.dataclass(frozen=True)
class Base:
    """What an ablation turned its switches from: all that a result must share for an effect to hold for it.

    settings: of descriptor, reading and protocol; reranker: the method with its parameters; both by their
    names in records. candidates: `raw` or `junk removed`. distractors: how many.
    """

    groundtruth_sha256: str
    distractors: int
    settings: Mapping[str, Any]
    candidates: str
    reranker: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Effect:
    """What turning one switch from the base's value changed. points: by stage and protocol.

    preset, changed: its values as records have them.
    """

    base: Base
    switch: str
    preset: Any
    changed: Any
    points: Mapping[tuple[Stage, str], float]


@dataclasses.dataclass(frozen=True)
class Turn:
    """A switch turned away from a result's own value; points: what that adds to a figure of the result."""

    switch: str
    to: Any
    points: float


#: of every switch that a run's ablations turned
Effects = Sequence[Effect]


def turns(measured: Measured, stage: Stage, protocol: str, effects: Effects) -> list[Turn]:
    """List what turning a switch adds to a result's mAP, where an ablation measured just that.

    An effect holds where ground truth, distractors, descriptor with its checkpoint, protocol, stage and,
    after reranking, every parameter are the base's, but for the switch itself. A result with the changed
    value is turned back to the base's: the sign turns too. With any other value nothing is known.
    """
    found: dict[tuple[str, str], Turn] = {}
    for effect in effects:
        points = effect.points.get((stage, protocol))
        if points is None or not _holds(effect, measured, stage):
            continue
        own = value_here(effect.switch, measured)
        for start, to, sign in ((effect.preset, effect.changed, 1), (effect.changed, effect.preset, -1)):
            if _alike(own, start):
                # Of several ablations that hold the first counts.
                found.setdefault((effect.switch, repr(to)), Turn(effect.switch, to, sign * points))
    return list(found.values())


def value_here(switch: str, measured: Measured) -> Any:
    """Return a switch's value of a result, None where it is not recorded."""
    if switch == JUNK:
        return measured.candidates
    own = measured.switches.get(switch)
    return measured.reranker.get(switch) if own is None else own


def _holds(effect: Effect, measured: Measured, stage: Stage) -> bool:
    base, switch = effect.base, effect.switch
    if measured.groundtruth_sha256 != base.groundtruth_sha256 or measured.distractors != base.distractors:
        return False
    if measured.images_left_out or not base.settings.get("checkpoint_sha256"):
        return False
    if not _same_but(measured.switches, base.settings, (*NO_SETTINGS, switch)):
        return False
    if stage == "single":
        return True
    if measured.reranker.get("method") != base.reranker.get("method"):
        return False
    if switch != JUNK and measured.candidates != base.candidates:
        return False
    return _same_but(measured.reranker, base.reranker, (*NO_PARAMETERS, switch))


def _same_but(one: Mapping[str, Any], other: Mapping[str, Any], left_out: Sequence[str]) -> bool:
    mine, theirs = (
        {key: value for key, value in each.items() if key not in left_out and value is not None}
        for each in (one, other)
    )
    return not unlike(mine, theirs) and not unlike(theirs, mine)


def _alike(one: Any, other: Any) -> bool:
    return one is not None and not unlike({"value": one}, {"value": other})
