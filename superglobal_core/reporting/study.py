"""What belongs together: results in groups that can be compared, in the suite's order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator

from superglobal_core.ablation_plan import ablation_files
from superglobal_core.approximate_plan import approximate_files
from superglobal_core.availability import (
    PLAIN,
    WITH_DISTRACTORS,
    accuracy_missing,
    descriptor_missing,
    has_distractors,
)
from superglobal_core.config import Suite
from superglobal_core.reporting.collect import Result, Study, Unable
from superglobal_core.reporting.families import Comparison, Family, make_family


@dataclasses.dataclass(frozen=True)
class Group:
    """All results of one data set, descriptor and database: with or without distractors.

    comparisons: of each reranked result with the single stage; family: of all on this data set and database.
    """

    dataset: str
    descriptor: str
    variant: str
    results: tuple[Result, ...]
    comparisons: tuple[Comparison, ...]
    family: Family

    @property
    def single_stage(self) -> Result | None:
        return next((result for result in self.results if result.is_single_stage), None)


def group_results(study: Study) -> list[Group]:
    """Put results that share data set, descriptor and database together, in the suite's order.

    Within a group the single stage comes first; names that the suite does not have come last.
    """
    suite = study.suite
    by_dataset = suite_order(suite.datasets if suite else ())
    by_descriptor = suite_order(suite.descriptors if suite else ())
    by_method = suite_order(suite.methods if suite else ())
    grouped: dict[tuple[str, str, str], list[Result]] = {}
    for result in study.results:
        grouped.setdefault((result.dataset, result.descriptor, result.variant), []).append(result)
    for results in grouped.values():
        results.sort(key=lambda result: (not result.is_single_stage, by_method(result.method)))
    keys = sorted(grouped, key=lambda key: (by_dataset(key[0]), by_descriptor(key[1]), key[2] != PLAIN))
    together: dict[tuple[str, str], list[Result]] = {}
    for key in keys:
        together.setdefault((key[0], key[2]), []).extend(grouped[key])
    families = {names: make_family(results) for names, results in together.items()}
    return [
        Group(
            *key,
            tuple(grouped[key]),
            _over_single_stage(families[key[0], key[2]], key[1]),
            families[key[0], key[2]],
        )
        for key in keys
    ]


def missing_results(study: Study) -> list[str]:
    """List the results that the suite asks for and the folder lacks.

    As descriptor/dataset/variant/method, timing/descriptor/dataset/plain, and the files of its ablation,
    approximate searches and sizes without `.json`. Methods without accuracy on a data set have no result there to lack.
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
    sizes = suite.scale.files() if suite.scale else []
    files = [*ablation_files(suite), *approximate_files(suite), *sizes]
    lacking = [name for name in files if not (study.root / name).is_file()]
    return [name for name in wanted if name not in found] + [name.removesuffix(".json") for name in lacking]


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
    """List the results shown whose names the suite does not have: evaluated by hand."""
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


def _over_single_stage(family: Family, descriptor: str) -> tuple[Comparison, ...]:
    (block,) = (block for block in family.blocks if block.descriptor == descriptor)
    single = next((result for result in block.results if result.is_single_stage), None)
    return tuple(
        comparison
        for comparison in block.comparisons
        if comparison.before is single and not comparison.after.is_single_stage
    )


def ap_changes(before: Result, after: Result, protocol: str) -> list[float | None]:
    """Return each query's AP after minus before, fractions; None where the query has no positives."""
    pairs = zip(
        before.evaluation.figures(protocol).average_precision,
        after.evaluation.figures(protocol).average_precision,
        strict=True,
    )
    return [None if old is None or new is None else new - old for old, new in pairs]


def suite_order(names: Iterable[str]) -> Callable[[str], tuple[int, str]]:
    """Return a sort key: the place in a list of names; unknown names come last, by name."""
    places = {name: place for place, name in enumerate(names)}
    return lambda name: (places.get(name, len(places)), name)
