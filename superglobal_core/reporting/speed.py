"""What was timed, in rows: each method in each scope beside its rivals, its accuracy and its memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from superglobal_core.availability import is_local
from superglobal_core.reporting.collect import Study, TimedData
from superglobal_core.reporting.speed_accuracy import Accuracies, Accuracy
from superglobal_core.reporting.study import Group
from superglobal_core.timing.record import MethodTiming, Scope, TimingRecord
from superglobal_core.timing.statistics import Speedup, Summary, deviation

# ROxford5k or RParis6k with R1M: what memory is reckoned for.
MILLION = 1_001_001
SEARCH = "none"


@dataclasses.dataclass(frozen=True)
class Rival:
    """A local baseline beside a method in the same scope: the speedup, or why none can be stated.

    none: empty where there is a speedup; otherwise what stands in its place.
    """

    baseline: MethodTiming
    speedup: Speedup | None
    none: str


@dataclasses.dataclass(frozen=True)
class Disk:
    """Bytes an image on disk: the first stage's descriptor, local features beside it; None = not known."""

    descriptor: float | None
    local: float | None

    @property
    def total(self) -> float | None:
        """Both together; None where one of them is not known."""
        return None if self.descriptor is None or self.local is None else self.descriptor + self.local

    @property
    def million_gb(self) -> float | None:
        """GB that 1,001,001 images take."""
        return None if self.total is None else self.total * MILLION / 1e9


@dataclasses.dataclass(frozen=True)
class SpeedRow:
    """One method in one scope on the main shortlist."""

    timing: MethodTiming
    summary: Summary | None
    throughput: Summary | None
    rivals: tuple[Rival, ...]
    accuracy: Accuracy
    disk: Disk
    notes: tuple[str, ...]

    @property
    def seconds_a_pair(self) -> float | None:
        """Median seconds a query through its candidates."""
        pairs = self.timing.pairs_a_query
        return None if self.summary is None or not pairs else self.summary.median / pairs

    @property
    def is_search(self) -> bool:
        """Whether this is the first stage, which is no reranking and has no rival."""
        return self.timing.method == SEARCH


@dataclasses.dataclass(frozen=True)
class SpeedGroup:
    """All that one run timed: rows by scope, in the order in which scopes and methods were timed."""

    timed: TimedData
    shortlist: int | None
    rows: dict[Scope, tuple[SpeedRow, ...]]

    @property
    def record(self) -> TimingRecord:
        return self.timed.timings

    @property
    def baselines(self) -> tuple[str, ...]:
        """The local baselines' labels, in the order of the methods."""
        labels = [row.timing.label for row in self.all_rows if is_local(row.timing.method)]
        return tuple(dict.fromkeys(labels))

    @property
    def all_rows(self) -> list[SpeedRow]:
        return [row for rows in self.rows.values() for row in rows]

    def as_evaluated(self, row: SpeedRow) -> MethodTiming:
        """Return the timing of scoring with the shortlist that a row's accuracy is of; the row's own without one."""
        same = (
            timing
            for timing in self.record.find(scope="scoring")
            if (timing.label, timing.shortlist) == (row.timing.label, row.accuracy.shortlist)
            and timing.samples_s
        )
        return next(same, row.timing)

    def growing(self) -> dict[str, list[MethodTiming]]:
        """Return the timings of scoring by label and size, where all of a shortlist's pairs were timed."""
        found: dict[str, dict[int, MethodTiming]] = {}
        for timing in self.record.find(scope="scoring"):
            whole = timing.pairs_a_query in (None, timing.shortlist) and timing.scaled_from_pairs is None
            if timing.samples_s and timing.shortlist is not None and whole and timing.method != SEARCH:
                found.setdefault(timing.label, {})[timing.shortlist] = timing
        return {label: [sizes[size] for size in sorted(sizes)] for label, sizes in found.items()}


def speed_groups(study: Study, groups: Sequence[Group]) -> list[SpeedGroup]:
    """Return everything that was timed, in the order of the suite's descriptors."""
    order = list(study.suite.descriptors) if study.suite else []
    timed = sorted(
        study.timed,
        key=lambda each: (
            order.index(each.descriptor) if each.descriptor in order else len(order),
            each.source,
        ),
    )
    return [_group(each, Accuracies(study, groups, each)) for each in timed if each.timings.timings]


def main_shortlist(timed: TimedData) -> int | None:
    """Return the shortlist on which all scopes were timed: the recorded one, else the likeliest."""
    timings = timed.timings.timings
    sizes = {timing.shortlist for timing in timings}
    recorded = timed.record.parameters.get("shortlist") if timed.record else None
    if recorded in sizes and isinstance(recorded, int):
        return recorded
    # Other sizes are timed for scoring only, and without their memory.
    telling = [timing for timing in timings if timing.scope != "scoring" or timing.memory is not None]
    return max((timing.shortlist for timing in telling or timings if timing.shortlist), default=None)


def _group(timed: TimedData, accuracies: Accuracies) -> SpeedGroup:
    record, shortlist = timed.timings, main_shortlist(timed)
    main = [timing for timing in record.timings if timing.shortlist == shortlist]
    descriptor = _descriptor_bytes(main)
    rows: dict[Scope, tuple[SpeedRow, ...]] = {}
    for scope in dict.fromkeys(timing.scope for timing in main):
        mine = _in_order([timing for timing in main if timing.scope == scope], main)
        rows[scope] = tuple(
            SpeedRow(
                timing,
                timing.summary(record.seed),
                timing.throughput(record.seed),
                () if timing.method == SEARCH else tuple(_rivals(record, timing, mine)),
                accuracy := accuracies.of(timing),
                _disk(timing, descriptor),
                tuple(dict.fromkeys([*timing.sentences, *accuracy.notes])),
            )
            for timing in mine
        )
    return SpeedGroup(timed, shortlist, rows)


def _in_order(mine: Sequence[MethodTiming], main: Sequence[MethodTiming]) -> list[MethodTiming]:
    """Those that could not run are stored last: put them in the place they have in the first scope."""
    places = {label: place for place, label in enumerate(dict.fromkeys(timing.label for timing in main))}
    return sorted(mine, key=lambda timing: places[timing.label])


def _rivals(record: TimingRecord, timing: MethodTiming, mine: Iterable[MethodTiming]) -> Iterable[Rival]:
    for baseline in mine:
        if not is_local(baseline.method):
            continue
        if baseline is timing:
            yield Rival(baseline, None, "itself")
        elif not timing.samples_s or not baseline.samples_s:
            yield Rival(baseline, None, "not timed")
        else:
            found = record.speedup(baseline, timing)
            assert found is not None
            yield Rival(baseline, found, why_none(found))


def why_none(found: Speedup) -> str:
    """Say why a ratio is no speedup; empty where it is one.

    >>> from superglobal_core.timing.statistics import speedup
    >>> why_none(speedup([1.0, 1.01], [1.0, 1.0], noise=0.05))
    'none (within the noise)'
    """
    if found.verdict is not None:
        return ""
    if found.interval is None:
        return "not known (one sample)"
    within = found.noise is not None and deviation(found.ratio) <= found.noise
    return "none (within the noise)" if within else "none (may be chance)"


def _descriptor_bytes(timings: Iterable[MethodTiming]) -> float | None:
    """Methods by global descriptors read the first stage's, all the same ones."""
    known = (timing.bytes_per_image for timing in timings if not is_local(timing.method))
    return next((size for size in known if size is not None), None)


def _disk(timing: MethodTiming, descriptor: float | None) -> Disk:
    if is_local(timing.method):
        return Disk(descriptor, timing.bytes_per_image)
    return Disk(timing.bytes_per_image, 0.0)
