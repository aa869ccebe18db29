"""How long the same steps and the same timed work took in several runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from superglobal_core.reporting.collect import TimedData
from superglobal_core.runs.differences import records_by_source, same_machine
from superglobal_core.runs.run import Run
from superglobal_core.timing.record import MethodTiming
from superglobal_core.timing.statistics import Speedup, speedup

# The evaluation's own time says nothing of a method.
STEPS = ("features", "local", "search", "rankings")


@dataclasses.dataclass(frozen=True)
class TimeRow:
    """One step or one timed work. what: `step`, or the scope that the clock enclosed.

    seconds: of each run that has it, by name: of the whole step, or the median of a query. ratios: of the
    others through the first run, above 1 where the first was faster. judged: for timed work, whether the ratio
    is more than chance and the clock's noise; None for a step, which was timed once.
    """

    what: str
    name: str
    shortlist: int | None
    seconds: Mapping[str, float]
    ratios: Mapping[str, float]
    judged: Mapping[str, Speedup] | None


@dataclasses.dataclass(frozen=True)
class Times:
    """All that several runs have a time for, and whether their machines are the same by their records."""

    rows: tuple[TimeRow, ...]
    same_machine: bool

    @property
    def sentence(self) -> str:
        """How far the ratios may be trusted."""
        if self.same_machine:
            return (
                "The records name the same processor, cores, memory and GPU; a ratio is still of one "
                "run of each, and other work on the machine would be in it."
            )
        return "The records name different machines: ratios of times say nothing of the methods or the code."


def compare_times(runs: Sequence[Run]) -> Times:
    """Set the times of steps and the timing records that the first run shares with others side by side."""
    return Times((*_timed(runs), *_steps(runs)), same_machine(runs))


def _steps(runs: Sequence[Run]) -> Iterator[TimeRow]:
    tables = [records_by_source(run) for run in runs]
    for source, record in tables[0].items():
        if source.partition("/")[0] not in STEPS or record.wall_time_s <= 0:
            continue
        seconds = {
            run.name: table[source].wall_time_s
            for run, table in zip(runs, tables, strict=True)
            if source in table
        }
        if len(seconds) > 1:
            yield TimeRow("step", _step_name(source), None, seconds, _ratios(runs, seconds), None)


def _step_name(source: str) -> str:
    return source.removesuffix("/record.json").removesuffix(".record.json").removesuffix(".json")


def _ratios(runs: Sequence[Run], seconds: Mapping[str, float]) -> dict[str, float]:
    first = runs[0].name
    return {name: value / seconds[first] for name, value in seconds.items() if name != first}


def _timed(runs: Sequence[Run]) -> Iterator[TimeRow]:
    tables = [_timings(run) for run in runs]
    for key, (data, timing) in tables[0].items():
        samples = {
            run.name: table[key][1].samples_s
            for run, table in zip(runs, tables, strict=True)
            if key in table and table[key][1].samples_s
        }
        if not timing.samples_s or len(samples) < 2:
            continue
        first = runs[0].name
        judged = {
            run.name: speedup(
                samples[run.name],
                timing.samples_s,
                noise=_noise(timing, data, table[key][0]),
                seed=data.timings.seed,
            )
            for run, table in zip(runs, tables, strict=True)
            if run.name in samples and run.name != first
        }
        seconds = {
            name: median.median
            for name, table in zip((run.name for run in runs), tables, strict=True)
            if name in samples and (median := table[key][1].summary()) is not None
        }
        name = f"{timing.label} ({data.descriptor}/{data.dataset}/{data.variant})"
        ratios = {name: each.ratio for name, each in judged.items()}
        yield TimeRow(timing.scope, name, timing.shortlist, seconds, ratios, judged)


def _timings(run: Run) -> dict[tuple[object, ...], tuple[TimedData, MethodTiming]]:
    return {
        (data.descriptor, data.dataset, data.variant, timing.label, timing.scope, timing.shortlist): (
            data,
            timing,
        )
        for data in run.study.timed
        for timing in data.timings.timings
    }


def _noise(timing: MethodTiming, *timed: TimedData) -> float | None:
    """The larger of what the runs measured of their clocks' noise."""
    known = [noise for data in timed if (noise := data.timings.noise_in(timing.scope)) is not None]
    return max(known, default=None)
