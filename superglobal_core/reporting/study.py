"""What belongs together: results in groups that can be compared, in the suite's order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence

from superglobal_core.availability import (
    PLAIN,
    WITH_DISTRACTORS,
    accuracy_missing,
    descriptor_missing,
    has_distractors,
)
from superglobal_core.config import Suite
from superglobal_core.evaluation.bootstrap import confidence_interval
from superglobal_core.reporting.collect import PROTOCOL_NAMES, Result, Study, Unable


@dataclasses.dataclass(frozen=True)
class Change:
    """How a protocol's mAP changes by reranking, in points (hundredths), with the paired 95 % interval.

    gained, lost: queries whose AP rose and fell.
    """

    points: float
    interval: tuple[float, float] | None
    gained: int
    lost: int

    @property
    def sure(self) -> bool:
        """Whether the interval, as it is shown, lies on one side of zero."""
        if self.interval is None:
            return False
        low, high = (round(bound, 2) for bound in self.interval)
        return low > 0 or high < 0


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A reranked result and the single stage it started from; changes by protocol, None where undefined."""

    before: Result
    after: Result
    changes: dict[str, Change | None]


@dataclasses.dataclass(frozen=True)
class Group:
    """All results of one data set, descriptor and database: with or without distractors."""

    dataset: str
    descriptor: str
    variant: str
    results: tuple[Result, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def single_stage(self) -> Result | None:
        return next((result for result in self.results if result.is_single_stage), None)


def group_results(study: Study) -> list[Group]:
    """Put results that share data set, descriptor and database together, in the suite's order.

    Within a group the single stage comes first; names that the suite does not have come last.
    """
    suite = study.suite
    by_dataset = _places(suite.datasets if suite else ())
    by_descriptor = _places(suite.descriptors if suite else ())
    by_method = _places(suite.methods if suite else ())
    grouped: dict[tuple[str, str, str], list[Result]] = {}
    for result in study.results:
        grouped.setdefault((result.dataset, result.descriptor, result.variant), []).append(result)
    groups = []
    for (dataset, descriptor, variant), results in grouped.items():
        results.sort(key=lambda result: (not result.is_single_stage, by_method(result.method)))
        groups.append(Group(dataset, descriptor, variant, tuple(results), _comparisons(results)))
    return sorted(
        groups,
        key=lambda group: (
            by_dataset(group.dataset),
            by_descriptor(group.descriptor),
            group.variant != PLAIN,
        ),
    )


def missing_results(study: Study) -> list[str]:
    """List the results that the suite asks for and the folder lacks.

    As descriptor/dataset/variant/method, and timing/descriptor/dataset/plain. Methods without accuracy
    on a data set have no result there to lack.
    """
    suite = study.suite
    if suite is None:
        return []
    wanted = [
        f"{descriptor}/{dataset}/{variant}/{method}"
        for descriptor, dataset, variant, method in _asked_for(suite)
        if accuracy_missing(suite, descriptor, dataset, variant, method) is None
    ]
    if suite.timing is not None:
        first = next(iter(suite.datasets))
        wanted += [
            f"timing/{descriptor}/{first}/{PLAIN}"
            for descriptor in suite.descriptors
            if descriptor_missing(suite, descriptor, first) is None
        ]
    found = {
        f"{result.descriptor}/{result.dataset}/{result.variant}/{result.method}" for result in study.results
    }
    found |= {f"{each.descriptor}/{each.dataset}/{each.variant}/{each.method}" for each in study.unable}
    found |= {f"timing/{each.descriptor}/{each.dataset}/{each.variant}" for each in study.timed}
    return [name for name in wanted if name not in found]


def known_unable(study: Study) -> list[Unable]:
    """List the methods that the suite itself says have no figures on some data."""
    suite = study.suite
    if suite is None:
        return []
    return [
        Unable(dataset, descriptor, variant, method, reason)
        for descriptor, dataset, variant, method in _asked_for(suite)
        if (reason := accuracy_missing(suite, descriptor, dataset, variant, method)) is not None
    ]


def _asked_for(suite: Suite) -> Iterator[tuple[str, str, str, str]]:
    """Yield descriptor, data set, variant and method of everything that a suite asks for."""
    for descriptor in suite.descriptors:
        for dataset in suite.datasets:
            among = suite.distractors and has_distractors(suite, descriptor, dataset)
            for variant in (PLAIN, WITH_DISTRACTORS) if among else (PLAIN,):
                for method in suite.methods:
                    yield descriptor, dataset, variant, method


def foreign_results(study: Study) -> list[str]:
    """List the files whose names the suite does not have: left over from an earlier one."""
    suite = study.suite
    if suite is None:
        return []
    return [
        result.source
        for result in study.results
        if result.dataset not in suite.datasets
        or result.descriptor not in suite.descriptors
        or result.method not in suite.methods
    ]


def agree_on_distractors(group: Group) -> bool:
    """Tell whether all results of a group searched equally many distractors."""
    return len({result.record.distractors for result in group.results}) == 1


def mismatch(first: Result, second: Result) -> str | None:
    """Say why two results cannot be compared query by query, or None when they can."""
    one, two = first.record, second.record
    if first.queries != second.queries:
        return f"they have {first.queries} and {second.queries} queries"
    if one.distractors != two.distractors:
        return "their numbers of distractors differ"
    if one.protocol.get("groundtruth_sha256") != two.protocol.get("groundtruth_sha256"):
        return "their ground truths differ"
    if one.descriptor != two.descriptor:
        return "their descriptors differ"
    return None


def _comparisons(results: Sequence[Result]) -> tuple[Comparison, ...]:
    single = next((result for result in results if result.is_single_stage), None)
    if single is None:
        return ()
    return tuple(
        Comparison(single, result, {name: _change(single, result, name) for name in PROTOCOL_NAMES})
        for result in results
        if not result.is_single_stage and mismatch(single, result) is None
    )


def _change(before: Result, after: Result, protocol: str) -> Change | None:
    differences = [100 * value for value in ap_changes(before, after, protocol) if value is not None]
    old, new = (result.evaluation.figures(protocol).map for result in (before, after))
    if old is None or new is None:
        return None
    resamples = after.record.parameters.get("bootstrap")
    return Change(
        100 * (new - old),
        confidence_interval(
            differences, resamples if isinstance(resamples, int) else 0, seed=after.record.seed or 0
        ),
        sum(value > 0 for value in differences),
        sum(value < 0 for value in differences),
    )


def ap_changes(before: Result, after: Result, protocol: str) -> list[float | None]:
    """Return each query's AP after minus before, fractions; None where the query has no positives."""
    pairs = zip(
        before.evaluation.figures(protocol).average_precision,
        after.evaluation.figures(protocol).average_precision,
        strict=True,
    )
    return [None if old is None or new is None else new - old for old, new in pairs]


def _places(names: Iterable[str]) -> Callable[[str], tuple[int, str]]:
    """Return a sort key: the place in a list of names; unknown names come last, by name."""
    places = {name: place for place, name in enumerate(names)}
    return lambda name: (places.get(name, len(places)), name)
