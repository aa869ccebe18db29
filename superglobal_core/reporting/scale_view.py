"""The sizes of a database that were measured, with what they say together: exponents, ratios, memory a vector."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from superglobal_core.files import finished_files
from superglobal_core.reporting.collect import Study
from superglobal_core.scale_record import STAGES, ScaleRecord, Stage, read_scale
from superglobal_core.timing.fit import Growth, fit_growth
from superglobal_core.timing.statistics import Speedup, Summary, speedup, summarize

FOLDER = "scale"
STAGE_NAMES: dict[Stage, str] = {
    "floor": "Floor: shards read once, multiplied as float32",
    "open": "Opening shards, finding labelled rows",
    "search": "Search: the best k",
    "ranked": "Search with labelled ranks",
    "rerank": "Reranking",
    "evaluate": "Evaluation",
    "whole": "All of it, from files to figures",
    "cold": "All of it, files not in memory before",
}
SHORT_NAMES: dict[Stage, str] = {
    "floor": "floor",
    "open": "opening",
    "search": "search",
    "ranked": "search with ranks",
    "rerank": "reranking",
    "evaluate": "evaluation",
    "whole": "all",
    "cold": "all, from storage",
}
# What the algorithms promise: one pass over the database, or the shortlist alone.
EXPECTED: dict[Stage, float] = {
    "floor": 1.0,
    "search": 1.0,
    "ranked": 1.0,
    "rerank": 0.0,
    "evaluate": 0.0,
}
TOLERANCE = 0.05
# The sizes whose growth is fitted apart, because costs that do not grow bend the line at small ones.
LARGEST = 3


@dataclasses.dataclass(frozen=True)
class StageGrowth:
    """The growth of a stage's time: over all sizes, and over the largest three where there are more."""

    stage: Stage
    whole: Growth
    largest: Growth | None
    expected: float | None

    @property
    def as_expected(self) -> bool | None:
        """Whether the exponent is the expected one, give or take 0.05; None where nothing is expected."""
        return None if self.expected is None else abs(self.whole.exponent - self.expected) <= TOLERANCE


@dataclasses.dataclass(frozen=True)
class ScaleView:
    """The sizes in ascending order with their files, and the growth of each stage (none for one size)."""

    sources: tuple[str, ...]
    records: tuple[ScaleRecord, ...]
    growth: tuple[StageGrowth, ...]

    @property
    def stages(self) -> list[Stage]:
        """The stages that were timed, in the pages' order."""
        return [stage for stage in STAGES if any(stage in record.samples_s for record in self.records)]

    def memory_slope(self, stage: Stage) -> float | None:
        """Return by how many bytes a stage's memory grows with each vector; None for fewer than two sizes."""
        return slope(self.records, stage)


def find_scale(study: Study) -> ScaleView | None:
    """Read what was measured of a study's suite; None where nothing was (UserError for a damaged file)."""
    paths = finished_files(study.root / FOLDER, "*.json")
    wanted = study.suite.scale.sizes if study.suite and study.suite.scale else None
    found = [(read_scale(path), path.relative_to(study.root).as_posix()) for path in paths]
    # Sizes of an earlier run of the suite are another database's beginning.
    kept = [each for each in found if wanted is None or each[0].size in wanted]
    kept.sort(key=lambda each: (each[0].size, each[1]))
    if not kept:
        return None
    return view_of([record for record, _ in kept], [source for _, source in kept])


def view_of(records: Sequence[ScaleRecord], sources: Sequence[str] = ()) -> ScaleView:
    """Return what sizes say together; records: in ascending order of their sizes."""
    growth = []
    for stage in STAGES:
        samples = {record.size: record.samples_s[stage] for record in records if stage in record.samples_s}
        if len(samples) > 1:
            last = dict(sorted(samples.items())[-LARGEST:])
            growth.append(
                StageGrowth(
                    stage,
                    fit_growth(samples),
                    fit_growth(last) if len(samples) > LARGEST else None,
                    EXPECTED.get(stage),
                )
            )
    return ScaleView(tuple(sources), tuple(records), tuple(growth))


def slope(records: Sequence[ScaleRecord], stage: Stage) -> float | None:
    """Return the least-squares slope of a stage's memory against the size, in bytes a vector."""
    known = [
        (record.size, use.host_bytes)
        for record in records
        if (use := record.memory.get(stage)) is not None and use.host_bytes is not None
    ]
    if len(known) < 2:
        return None
    return float(np.polyfit([size for size, _ in known], [taken for _, taken in known], 1)[0])


def summary(record: ScaleRecord, stage: Stage) -> Summary | None:
    """Return a stage's samples in figures."""
    taken = record.samples_s.get(stage)
    return summarize(taken) if taken else None


def times_floor(record: ScaleRecord) -> Speedup | None:
    """Return how many times the floor everything takes; None where one of them was not timed."""
    whole, floor = record.samples_s.get("whole"), record.samples_s.get("floor")
    return speedup(whole, floor) if whole and floor else None


def added_by_ranks(record: ScaleRecord) -> float | None:
    """Return the seconds that counting the labelled images' ranks adds to the search, medians' difference."""
    ranked, search = summary(record, "ranked"), summary(record, "search")
    return ranked.median - search.median if ranked and search else None
