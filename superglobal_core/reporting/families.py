"""Results compared query by query, and the families whose p-values are corrected together."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from superglobal_core.evaluation.holm import holm
from superglobal_core.evaluation.paired import RESAMPLES, PairedDifference, Values, paired_differences
from superglobal_core.evaluation.power import LEVEL, smallest_detectable
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting.collect import Result

# Random signs for each comparison of a family: with fewer, the correction alone would
# lift even the smallest possible p-value over the level. The upper bound keeps memory small.
RESAMPLES_EACH, RESAMPLES_AT_MOST = 200, 100_000


@dataclasses.dataclass(frozen=True)
class Change:
    """How a protocol's mAP differs between two results, after minus before, in points (hundredths).

    found: as fractions; corrected: its p-value after Holm's correction for `comparisons` of them.
    """

    found: PairedDifference
    corrected: float
    comparisons: int = 1

    @property
    def points(self) -> float:
        return 100 * self.found.difference

    @property
    def interval(self) -> tuple[float, float] | None:
        """The paired 95 % interval in points."""
        bounds = self.found.interval
        return None if bounds is None else (100 * bounds[0], 100 * bounds[1])

    @property
    def gained(self) -> int:
        return self.found.gained

    @property
    def lost(self) -> int:
        return self.found.lost

    @property
    def sure(self) -> bool:
        """Whether chance is no explanation: the corrected p-value is at most 0.05."""
        return self.corrected <= LEVEL

    @property
    def verdict(self) -> str:
        if not self.sure:
            return "no difference can be shown"
        return "better" if self.points > 0 else "worse"

    @property
    def detectable(self) -> float | None:
        """The smallest true difference that this comparison finds in 80 % of cases, in points.

        The level is divided by the number of comparisons: what Holm's correction asks of the smallest
        p-value, its strictest. None for one query, or where no query's AP differs.
        """
        if not self.found.deviation:
            return None
        return smallest_detectable(
            100 * self.found.deviation, self.found.queries, comparisons=self.comparisons
        )

    @property
    def detectable_alone(self) -> float | None:
        """The same for this comparison alone, without any correction."""
        if not self.found.deviation:
            return None
        return smallest_detectable(100 * self.found.deviation, self.found.queries)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two results on the same queries; changes from the first to the second by protocol, None where undefined."""

    before: Result
    after: Result
    changes: dict[str, Change | None]


@dataclasses.dataclass(frozen=True)
class Block:
    """Results compared each with each: all of one descriptor, or the single stages of several (None).

    left_out: pairs that cannot be compared, and why.
    """

    descriptor: str | None
    results: tuple[Result, ...]
    comparisons: tuple[Comparison, ...]
    left_out: tuple[tuple[Result, Result, str], ...]


@dataclasses.dataclass(frozen=True)
class Family:
    """All comparisons on one data set and database, under all protocols: their p-values are corrected together."""

    dataset: str
    variant: str
    blocks: tuple[Block, ...]

    def changes(self, *protocols: str) -> list[Change]:
        """List the defined changes under these protocols, or under all."""
        return [
            change
            for block in self.blocks
            for comparison in block.comparisons
            for protocol, change in comparison.changes.items()
            if change is not None and protocol in (protocols or PROTOCOL_NAMES)
        ]


def make_family(results: Sequence[Result]) -> Family:
    """Compare results of one data set and database.

    Each with each within a descriptor, and the descriptors' single stages. Other methods are not
    compared across descriptors: every comparison more makes all of them harder to show.
    """
    descriptors = dict.fromkeys(result.descriptor for result in results)
    blocks: list[tuple[str | None, list[Result]]] = [
        (name, [result for result in results if result.descriptor == name]) for name in descriptors
    ]
    firsts = [next((each for each in mine if each.is_single_stage), None) for _, mine in blocks]
    singles = [first for first in firsts if first is not None]
    if len(singles) > 1:
        blocks.append((None, singles))
    sorted_pairs = [
        [(before, after, _why(before, after, name)) for before, after in itertools.combinations(mine, 2)]
        for name, mine in blocks
    ]
    wanted = [(before, after) for pairs in sorted_pairs for before, after, why in pairs if why is None]
    compared = iter(_compare(wanted))
    return Family(
        results[0].dataset,
        results[0].variant,
        tuple(
            Block(
                name,
                tuple(mine),
                tuple(next(compared) for _, _, why in pairs if why is None),
                tuple((before, after, why) for before, after, why in pairs if why is not None),
            )
            for (name, mine), pairs in zip(blocks, sorted_pairs, strict=True)
        ),
    )


def mismatch(first: Result, second: Result) -> str | None:
    """Say why two results of one descriptor cannot be compared query by query, or None when they can."""
    why = queries_mismatch(first, second)
    if why is None and first.record.descriptor != second.record.descriptor:
        return "their descriptors differ"
    return why


def queries_mismatch(first: Result, second: Result) -> str | None:
    """Say why two results, of whatever descriptors, are not on the same queries and database."""
    one, two = first.record, second.record
    if first.queries != second.queries:
        return f"they have {first.queries} and {second.queries} queries"
    if one.distractors != two.distractors:
        return "their numbers of distractors differ"
    if one.protocol.get("groundtruth_sha256") != two.protocol.get("groundtruth_sha256"):
        return "their ground truths differ"
    return None


def _why(before: Result, after: Result, descriptor: str | None) -> str | None:
    return queries_mismatch(before, after) if descriptor is None else mismatch(before, after)


def _compare(pairs: Sequence[tuple[Result, Result]]) -> list[Comparison]:
    results = [result for pair in pairs for result in pair]
    questions = [
        (
            before.evaluation.figures(protocol).average_precision,
            after.evaluation.figures(protocol).average_precision,
        )
        for before, after in pairs
        for protocol in PROTOCOL_NAMES
    ]
    changes = iter(
        corrected_changes(
            questions,
            bootstrap=max(map(_bootstrap, results), default=0),
            seed=next((result.record.seed for result in results if result.record.seed is not None), 0),
        )
    )
    return [
        Comparison(before, after, {protocol: next(changes) for protocol in PROTOCOL_NAMES})
        for before, after in pairs
    ]


def corrected_changes(
    pairs: Sequence[tuple[Values, Values]], *, bootstrap: int, seed: int
) -> list[Change | None]:
    """Compare pairs of APs, before and after, and correct their p-values together; None where undefined.

    bootstrap: resamples of each interval, 0 for none.

    >>> (change,) = corrected_changes([([0.1, 0.2], [0.2, 0.4])], bootstrap=0, seed=0)
    >>> round(change.points, 1), change.verdict
    (15.0, 'no difference can be shown')
    """
    found = paired_differences(
        pairs,
        resamples=min(max(RESAMPLES, RESAMPLES_EACH * len(pairs)), RESAMPLES_AT_MOST),
        bootstrap=bootstrap,
        seed=seed,
    )
    p_values = holm([None if each is None else each.p_value for each in found])
    comparisons = sum(each is not None for each in found)
    return [
        None if each is None or corrected is None else Change(each, corrected, comparisons)
        for each, corrected in zip(found, p_values, strict=True)
    ]


def _bootstrap(result: Result) -> int:
    resamples = result.record.parameters.get("bootstrap")
    return resamples if isinstance(resamples, int) else 0
