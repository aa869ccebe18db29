"""Every figure of several runs, side by side, and how far the others are from the first run's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from superglobal_core.evaluation.paired import ROUNDING
from superglobal_core.measured_values import PROTOCOL_NAMES, Protocol
from superglobal_core.reporting.collect import Result
from superglobal_core.reporting.families import Change, corrected_changes, queries_mismatch
from superglobal_core.reporting.study import ap_changes, group_results
from superglobal_core.runs.agreement import ABSENT, DIFFERS, IDENTICAL, agreement
from superglobal_core.runs.run import Run

# Resamples of the intervals where no result says how many it was evaluated with.
BOOTSTRAP = 1000
QUERIES_SHOWN = 5


class Names(NamedTuple):
    """What a result goes by in every run."""

    dataset: str
    descriptor: str
    variant: str
    method: str


@dataclasses.dataclass(frozen=True)
class Against:
    """One figure of a run held against the first run's.

    difference: of the mAPs, a fraction, second minus first. agreement: how many of its digits agree.
    same_queries: every query's AP is the same, but for rounding. change: the paired comparison, None where
    there is none; why: why not. moved: the queries that changed most, by number, with the change of their
    AP, a fraction.
    """

    run: Run
    difference: float | None
    agreement: str
    same_queries: bool
    change: Change | None
    why: str
    moved: tuple[tuple[int, float], ...]

    @property
    def shared(self) -> bool:
        """Whether both runs have the figure."""
        return self.agreement != ABSENT

    @property
    def differs(self) -> bool:
        """Whether the figure differs in any digit, or any query's AP by more than rounding."""
        return self.shared and not (self.agreement == IDENTICAL and self.same_queries)

    @property
    def sure(self) -> bool:
        """Whether chance does not explain the difference."""
        return self.change is not None and self.change.sure

    @property
    def verdict(self) -> str:
        if not self.shared:
            return ABSENT
        if not self.differs:
            return IDENTICAL
        if self.change is not None:
            return self.change.verdict
        if self.why:
            return self.why
        if self.same_queries and abs(self.difference or 0.0) > ROUNDING:
            return "one contradicts its own APs, which are equal: superglobal verify says which"
        return "equal but for rounding" if self.same_queries else "not compared: no query counts in both"


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure: its names and protocol, each run's result (None where it has none), and the comparisons."""

    names: Names
    protocol: Protocol
    results: Mapping[str, Result | None]
    against: tuple[Against, ...]

    def value(self, run: str) -> float | None:
        """Return a run's mAP, a fraction; None where it has none."""
        result = self.results[run]
        return result.evaluation.figures(self.protocol).map if result else None


def compare_figures(runs: Sequence[Run]) -> list[Row]:
    """Set the figures of all runs side by side, in the order of the runs' suites.

    The p-values of all that is compared are corrected together. Figures whose queries all have the same AP
    are no comparisons: whatever the signs, there is no difference, and none could be found.
    """
    tables = {run.name: results_by_names(run) for run in runs}
    every = list(dict.fromkeys(names for table in tables.values() for names in table))
    first, *others = runs
    pairs: list[tuple[Result, Result, Protocol]] = []
    for names in every:
        for other in others:
            before, after = tables[first.name].get(names), tables[other.name].get(names)
            if before and after and queries_mismatch(before, after) is None:
                pairs += [
                    (before, after, protocol)
                    for protocol in PROTOCOL_NAMES
                    if not _same(before, after, protocol)
                ]
    changes = iter(_changes(pairs))
    compared = {(id(before), id(after), protocol): next(changes) for before, after, protocol in pairs}
    rows = []
    for names in every:
        results = {name: table.get(names) for name, table in tables.items()}
        for protocol in PROTOCOL_NAMES:
            against = tuple(
                _against(
                    other,
                    results[first.name],
                    results[other.name],
                    protocol,
                    compared.get((id(results[first.name]), id(results[other.name]), protocol)),
                )
                for other in others
            )
            rows.append(Row(names, protocol, results, against))
    return rows


def results_by_names(run: Run) -> dict[Names, Result]:
    """Return a run's results by their names, in the suite's order."""
    return {
        Names(result.dataset, result.descriptor, result.variant, result.method): result
        for group in group_results(run.study)
        for result in group.results
    }


def comparisons(rows: Sequence[Row]) -> Iterator[tuple[Row, Against]]:
    """Yield every figure that the first run shares with another."""
    for row in rows:
        for against in row.against:
            if against.shared:
                yield row, against


def _changes(pairs: Sequence[tuple[Result, Result, Protocol]]) -> list[Change | None]:
    resamples = [
        result.record.parameters.get("bootstrap") for before, after, _ in pairs for result in (before, after)
    ]
    known = [number for number in resamples if isinstance(number, int)]
    questions = [
        (
            before.evaluation.figures(protocol).average_precision,
            after.evaluation.figures(protocol).average_precision,
        )
        for before, after, protocol in pairs
    ]
    return corrected_changes(questions, bootstrap=max(known, default=BOOTSTRAP), seed=0)


def _against(
    run: Run, before: Result | None, after: Result | None, protocol: Protocol, change: Change | None
) -> Against:
    if before is None or after is None:
        return Against(run, None, ABSENT, False, None, "", ())
    old, new = before.evaluation.figures(protocol).map, after.evaluation.figures(protocol).map
    agrees = agreement(old, new)
    if agrees == ABSENT:
        agrees = DIFFERS  # both have the result, one of them without any query that counts
    difference = None if old is None or new is None else new - old
    why = queries_mismatch(before, after)
    if why is not None:
        return Against(run, difference, agrees, agrees == IDENTICAL, None, f"not compared: {why}", ())
    moved = [
        (number, found)
        for number, found in enumerate(ap_changes(before, after, protocol))
        if found is not None and abs(found) > ROUNDING
    ]
    moved.sort(key=lambda item: (-abs(item[1]), item[0]))
    same = _same(before, after, protocol)
    return Against(run, difference, agrees, same, change, "", tuple(moved[:QUERIES_SHOWN]))


def _same(before: Result, after: Result, protocol: Protocol) -> bool:
    """Tell whether every query has the same AP in both, but for rounding."""
    pairs = zip(
        before.evaluation.figures(protocol).average_precision,
        after.evaluation.figures(protocol).average_precision,
        strict=True,
    )
    return all(
        (old is None) == (new is None) and (old is None or new is None or abs(new - old) <= ROUNDING)
        for old, new in pairs
    )
