"""The accuracy beside a time: what the same method gains over the single stage, or why that is not known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from superglobal_core.availability import accuracy_missing
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting.collect import Result, Study, TimedData
from superglobal_core.reporting.families import Change, Comparison, mismatch
from superglobal_core.reporting.study import Group
from superglobal_core.timing.record import MethodTiming

NOT_AVAILABLE = "accuracy not available"


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """A method's result on what was timed, its change over the single stage, or a reason for none.

    changes: by protocol, None where undefined; empty where there is nothing to compare. reason: what
    stands in place of a gain; empty where there is one. notes: what a reader must know of both.
    shortlist: how many candidates were reranked for it; None for the single stage, and where that is not known.
    """

    result: Result | None = None
    shortlist: int | None = None
    changes: dict[str, Change | None] = dataclasses.field(default_factory=dict)
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def medium(self) -> float | None:
        """mAP under Medium, a fraction; None where it is not known."""
        return None if self.result is None else self.result.evaluation.medium.map


class Accuracies:
    """Finds the evaluation of a timed method: same descriptor, data set and database."""

    def __init__(self, study: Study, groups: Sequence[Group], timed: TimedData) -> None:
        self._suite, self._timed, self._unable = study.suite, timed, study.unable
        key = (timed.dataset, timed.descriptor, timed.variant)
        self._group = next(
            (group for group in groups if (group.dataset, group.descriptor, group.variant) == key), None
        )
        self._names = _names(study, timed)

    def of(self, timing: MethodTiming) -> Accuracy:
        """Return a timed method's accuracy."""
        result = self._result(timing)
        if result is None or self._group is None:
            return Accuracy(reason=f"{NOT_AVAILABLE}: {self._why(timing)}")
        if result.is_single_stage:
            return Accuracy(result, reason="the single stage itself")
        shortlist = self._shortlist(result)
        other = shortlist is not None and shortlist != timing.shortlist
        notes = (f"accuracy with a shortlist of {shortlist}, time with {timing.shortlist}",) if other else ()
        comparison = self._comparison(result)
        if comparison is not None:
            return Accuracy(result, shortlist, comparison.changes, notes=notes)
        single = self._group.single_stage
        why = mismatch(single, result) if single else "there is no result of it"
        return Accuracy(
            result, shortlist, reason=f"not compared with the single stage, because {why}", notes=notes
        )

    def _result(self, timing: MethodTiming) -> Result | None:
        results = self._group.results if self._group else ()
        name = self._names.get(timing.label, timing.label)
        named = [result for result in results if result.method == name]
        if named or timing.label in self._names:
            return named[0] if named else None
        # Files made by hand have names of their own: the method's own name tells where it is the only one.
        same = [result for result in results if result.record.method == timing.method]
        return same[0] if len(same) == 1 else None

    def _comparison(self, result: Result) -> Comparison | None:
        comparisons = self._group.comparisons if self._group else ()
        return next((each for each in comparisons if each.after is result), None)

    def _why(self, timing: MethodTiming) -> str:
        suite, timed = self._suite, self._timed
        name = self._names.get(timing.label, timing.label)
        known = suite and name in suite.methods and timed.descriptor in suite.descriptors
        if suite and known and timed.dataset in suite.datasets:
            why = accuracy_missing(suite, timed.descriptor, timed.dataset, timed.variant, name)
            if why is not None:
                return why
        for each in self._unable:
            if (each.descriptor, each.dataset, each.variant, each.method) == (
                timed.descriptor,
                timed.dataset,
                timed.variant,
                name,
            ):
                return f"it could not run ({each.reason})"
        for sentence in timing.note:
            if sentence.startswith(f"{NOT_AVAILABLE}: "):
                return sentence.removeprefix(f"{NOT_AVAILABLE}: ").partition(";")[0]
        return "not evaluated"

    def _shortlist(self, result: Result) -> int | None:
        chosen = self._suite.methods.get(result.method) if self._suite else None
        recorded = result.record.parameters.get("shortlist")
        return recorded if isinstance(recorded, int) else chosen.shortlist if chosen else None


def _names(study: Study, timed: TimedData) -> dict[str, str]:
    """Return the methods' names by the labels that timings have."""
    if study.suite is not None:
        return {method.label or name: name for name, method in reversed(study.suite.methods.items())}
    recorded = timed.record.parameters.get("methods") if timed.record else None
    if not isinstance(recorded, dict):
        return {}
    labels = {name: chosen.get("label") for name, chosen in recorded.items() if isinstance(chosen, dict)}
    # Names that were given no label are the known methods' own, not those of files.
    return {label: name for name, label in labels.items() if label}


def protocol_changes(accuracy: Accuracy) -> list[tuple[str, Change | None]]:
    """List a method's changes under Easy, Medium and Hard; empty where a reason stands instead."""
    return [(name, accuracy.changes[name]) for name in PROTOCOL_NAMES if name in accuracy.changes]
