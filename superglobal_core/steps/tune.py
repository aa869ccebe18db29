"""The step `tune`: parameters chosen on some queries, and reported on others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.evaluation.halves import halves
from superglobal_core.evaluation.paired import paired_difference
from superglobal_core.features.store import open_queries_and_database
from superglobal_core.files import check_writable, sha256_of, write_json
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.parameter_results import Accuracy, Difference, Protocol, Setting, Tuning, TuningSide
from superglobal_core.reranking.grid import DEFAULTS, Grid, Point, as_lists
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.results import Input, Stopwatch, file_input
from superglobal_core.steps.inputs import descriptor_inputs
from superglobal_core.steps.search import facts_of, rank
from superglobal_core.steps.sweep import sweep
from superglobal_core.steps.tuning_inputs import Source

# How a descriptor's record names what tuning calls p, p_r and alpha.
EXPONENTS = {"p": "gem_plus_p", "p_r": "regional_p", "alpha": "relup_alpha"}


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A data set to tune or report on: its ground truth, its descriptors by name, and what it is called."""

    groundtruth: Path
    source: Source
    name: str | None = None

    @property
    def label(self) -> str:
        return self.name or self.groundtruth.stem.removeprefix("gnd_")


def tune_step(
    data: DataSet,
    report: DataSet | None,
    grid: Grid,
    out: str | Path,
    *,
    half: bool = False,
    criterion: str = "medium",
    seed: int = 0,
    device: str = "auto",
    suite: str | None = None,
) -> Tuning:
    """Choose descriptors, M, K and beta by mAP, and write the figures of the choice and of the defaults,
    on the queries of the choice and on others, as JSON.

    report: the other data set; or, with `half`, one half of the queries is tuned on and the other reported.
    The defaults are always among the settings, whatever the grid: the choice is never worse than they are on the
    queries it is made by. Of equally good settings the one that changes fewest parameters is chosen, of these
    the first.

    Raises:
        UserError: when the same queries would be tuned and reported on, and for inputs that do not fit.
    """
    if criterion not in PROTOCOL_NAMES:
        raise unknown_name("protocol", criterion, get_args(Protocol))
    if seed < 0:
        raise UserError(f"--seed is {seed}: use zero or more")
    if half == (report is not None):
        raise UserError(
            "what is tuned must be reported on other queries: give either --half or another data set "
            "(--report-groundtruth with its descriptors or images)"
        )
    check_writable(out, [data.groundtruth, *([report.groundtruth] if report else [])])
    watch = Stopwatch()
    tuned_on = _Side(data, device)
    reported_on = tuned_on if report is None else _Side(report, device)
    if report is None:
        chosen_by, shown = halves(tuned_on.truth.queries, seed)
    else:
        _refuse_the_same(tuned_on, reported_on)
        chosen_by = list(range(len(tuned_on.truth.queries)))
        shown = list(range(len(reported_on.truth.queries)))
    protocol: Protocol = criterion
    untuned = (data.source.default, DEFAULTS)
    choices = _choices(data.source, grid, untuned)
    tuned = _best(tuned_on, grid, choices, chosen_by, protocol)
    part = f"half of the queries (seed {seed})" if half else "all queries"
    other = f"the other half (seed {seed})" if half else "all queries"
    content = Tuning(
        criterion=protocol,
        settings_tried=len(choices),
        tuned=tuned_on.setting(*tuned),
        untuned=tuned_on.setting(*untuned),
        # After a choice by these very queries an interval and a p-value of theirs would mean nothing.
        tuned_on=tuned_on.described(chosen_by, part, tuned, untuned, seed, tested=False),
        reported_on=reported_on.described(shown, other, tuned, untuned, seed, tested=True),
        record=watch.record(
            "tune",
            suite=suite,
            dataset=data.label,
            seed=seed,
            inputs=tuned_on.inputs("") + ([] if report is None else reported_on.inputs("report ")),
            **_facts(tuned_on, reported_on, data.source, grid, half, criterion),
        ),
    )
    write_json(out, content.model_dump())
    return content


Choice = tuple[str, Point]


class _Side:
    """One data set: what was measured on it, each setting once."""

    def __init__(self, data: DataSet, device: str) -> None:
        self._data, self._device = data, device
        self.truth: GroundTruth = load_groundtruth(data.groundtruth)
        self.groundtruth_sha256 = sha256_of(data.groundtruth)
        self._found: dict[Choice, Accuracy] = {}
        self._exponents: dict[str, dict[str, float] | None] = {}
        self._read: dict[str, list[Input]] = {}
        self.facts: dict[str, Any] = {}
        self.source = data.source

    def measure(self, name: str, grid: Grid) -> None:
        """Rerank and evaluate at every point of a grid with the descriptors of a name."""
        stored = self.source.get(name)
        query_store, database = open_queries_and_database(stored.queries, stored.databases)
        which = "" if name == self.source.default else f", {name}"
        self._read[name] = [
            *descriptor_inputs(f"queries{which}", [stored.queries], query_store),
            *descriptor_inputs(f"database{which}", stored.databases, database),
        ]
        first = rank(query_store, database, max(grid.shortlists), self._data.groundtruth, self._device)
        found = sweep(first, query_store, database, self.truth, grid, self._device)
        self._found |= {(name, point): accuracy for point, accuracy in found.items()}
        known = database.descriptor or {}
        exponents = {short: known[long] for short, long in EXPONENTS.items() if long in known}
        self._exponents[name] = exponents or None
        if name == self.source.default or not self.facts:
            self.facts = facts_of(first)

    def accuracy(self, choice: Choice) -> Accuracy:
        if choice not in self._found:
            name, point = choice
            self.measure(name, Grid((point.shortlist,), (point.neighbours,), (point.beta,)))
        return self._found[choice]

    def setting(self, name: str, point: Point) -> Setting:
        self.accuracy((name, point))
        return Setting(**point._asdict(), descriptor=name, exponents=self._exponents[name])

    def described(
        self, queries: Sequence[int], part: str, tuned: Choice, untuned: Choice, seed: int, tested: bool
    ) -> TuningSide:
        after, before = (self.accuracy(choice).only(queries) for choice in (tuned, untuned))
        return TuningSide(
            dataset=self._data.label,
            part=part,
            queries=[self.truth.query_names[query] for query in queries],
            distractors=self.facts.get("distractors"),
            groundtruth_sha256=self.groundtruth_sha256,
            tuned=after,
            untuned=before,
            difference={
                name: difference_of(
                    before.average_precision[name], after.average_precision[name], seed, tested
                )
                for name in PROTOCOL_NAMES
            },
        )

    def inputs(self, prefix: str) -> list[Input]:
        """Return what was read of this data set, for a record; prefix: before each role."""
        # The defaults first, whichever was measured first.
        in_order = sorted(self._read.items(), key=lambda item: item[0] != self.source.default)
        found = [one.model_copy(update={"role": prefix + one.role}) for _, given in in_order for one in given]
        truth = file_input(f"{prefix}ground truth", self._data.groundtruth, self.groundtruth_sha256)
        return [*found, truth]

    def queries_digest(self) -> str:
        stored = self.source.get(self.source.default)
        return open_queries_and_database(stored.queries, stored.databases)[0].digest()


def _choices(source: Source, grid: Grid, untuned: Choice) -> list[Choice]:
    """Return all settings to choose from: those of the grid, and the defaults, which may be outside it."""
    choices = [(name, point) for name in source.names for point in grid.points()]
    return choices if untuned in choices else [*choices, untuned]


def _best(
    side: _Side, grid: Grid, choices: Sequence[Choice], queries: Sequence[int], criterion: Protocol
) -> Choice:
    for name in side.source.names:
        side.measure(name, grid)
    ranked = []
    for place, (name, point) in enumerate(choices):
        value = side.accuracy((name, point)).only(queries).map[criterion]
        if value is None:
            raise UserError(
                f"none of the {len(queries)} queries to tune on has a positive under {criterion.capitalize()}: "
                "choose another --protocol"
            )
        changed = side.source.changes(name)
        changed += sum(mine != default for mine, default in zip(point, DEFAULTS, strict=True))
        ranked.append(((-value, changed, place), (name, point)))
    return min(ranked)[1]


def _refuse_the_same(one: _Side, other: _Side) -> None:
    if one.groundtruth_sha256 == other.groundtruth_sha256 or one.queries_digest() == other.queries_digest():
        raise UserError(
            "the queries to tune on and to report on are the same, and a figure that was tuned on its own queries "
            "says nothing: report on another data set, or tune on one half of the queries with --half"
        )
    missing = sorted({*one.source.names} ^ {*other.source.names})
    if missing:
        raise UserError(
            f"descriptors named {', '.join(missing)} are there for one of the two data sets alone: "
            "give each --candidate its --report-candidate"
        )


def difference_of(
    before: Sequence[float | None], after: Sequence[float | None], seed: int, tested: bool
) -> Difference | None:
    """Return what tuning changed, given every query's AP, fractions; None where no query has both.

    tested: whether the queries are others than those tuned on, so that an interval and a p-value mean something.
    """
    found = paired_difference(before, after, bootstrap=1000 if tested else 0, seed=seed)
    if found is None:
        return None
    if not tested:
        return Difference(points=100 * found.difference)
    interval = found.interval and (100 * found.interval[0], 100 * found.interval[1])
    return Difference(points=100 * found.difference, interval=interval, p_value=found.p_value)


def _facts(
    tuned_on: _Side, reported_on: _Side, source: Source, grid: Grid, half: bool, criterion: str
) -> dict[str, Any]:
    facts = tuned_on.facts | {"method": SuperGlobalReranker.name}
    facts["parameters"] |= as_lists(grid) | {
        "descriptors": list(source.names),
        "half": half,
        "criterion": criterion,
    }
    facts["protocol"] |= {
        "groundtruth_sha256": tuned_on.groundtruth_sha256,
        "report_groundtruth_sha256": reported_on.groundtruth_sha256,
    }
    return facts
