"""The comparison itself: contestants timed in turn, scope by scope and size by size."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from superglobal_core.comparison.works import SCOPES, CannotRunError, Contestant, Work
from superglobal_core.progress import Counter
from superglobal_core.timing.memory import MemoryUse, measure_memory
from superglobal_core.timing.noise import Noise, against_itself, noise_of
from superglobal_core.timing.part import Part
from superglobal_core.timing.record import MethodTiming, Scope
from superglobal_core.timing.stopwatch import measure, synchronizer
from superglobal_core.timing.storage import cache_note, drop_from_page_cache

# A local method is timed on no fewer pairs, however slow they are.
FEWEST_PAIRS = 2
ONCE, BATCH = " (once a query)", " (batch)"
# Samples of a batch of all queries: it holds many queries already.
BATCH_REPEATS = 5


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a comparison is timed.

    scopes: which, in order; shortlist: candidates a query; sizes: other sizes, timed for scoring
    only; repeats: samples of each method and scope, one query each; budget_s: seconds that a method
    may take in a scope, which bounds the pairs of local methods and the samples of all.
    """

    scopes: Sequence[Scope] = SCOPES
    shortlist: int = 400
    sizes: Sequence[int] = ()
    repeats: int = 20
    warmup: int = 1
    budget_s: float = 30.0
    device: str = "cpu"
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Outcome:
    """All timings, and in each scope the clock's noise."""

    timings: list[MethodTiming]
    noise: list[Noise]


def compare(contestants: Sequence[Contestant], plan: Plan, queries: int) -> Outcome:
    """Time all contestants in turn in every scope, and for scoring at every size.

    queries: how many there are; sample number i of every method is of the same query.
    """
    for contestant in contestants:
        choose_pairs(contestant, plan)
    rounds: list[tuple[Scope, int]] = [(scope, plan.shortlist) for scope in plan.scopes]
    if "scoring" in plan.scopes:
        rounds += [("scoring", size) for size in sorted(set(plan.sizes)) if size != plan.shortlist]
    timings: list[MethodTiming] = []
    noise: list[Noise] = []
    with Counter("time", len(rounds), "rounds") as counter:
        for scope, shortlist in rounds:
            found = _Round(contestants, plan, queries, scope, shortlist).run()
            timings += found.timings
            noise += found.noise
            counter.advance()
    return Outcome(timings, noise)


def choose_pairs(contestant: Contestant, plan: Plan) -> None:
    """Bound the pairs a query of a slow contestant, so that all its samples fit the budget."""
    seconds = contestant.pair_seconds()
    if seconds is None:
        return
    affordable = int(plan.budget_s / (plan.repeats + plan.warmup) / max(seconds, 1e-9))
    contestant.timed = max(FEWEST_PAIRS, min(plan.shortlist, affordable))


class _Round:
    """One scope at one shortlist size."""

    def __init__(
        self, contestants: Sequence[Contestant], plan: Plan, queries: int, scope: Scope, shortlist: int
    ) -> None:
        self.plan, self.queries, self.scope, self.shortlist = plan, queries, scope, shortlist
        self.works: dict[str, Work] = {}
        self.contestants = {contestant.label: contestant for contestant in contestants}
        self.reasons: dict[str, str] = {}
        for label, contestant in self.contestants.items():
            try:
                work = contestant.work(scope, shortlist)
            except CannotRunError as reason:
                self.reasons[label] = str(reason)
                continue
            if shortlist != plan.shortlist and (work.timed < work.candidates or work.candidates > shortlist):
                continue  # another size tells nothing of what is scaled, or does not depend on it
            self.works[label] = work

    def run(self) -> Outcome:
        timed, prepare = self._timed()
        if not timed:
            return Outcome([self._unable(label) for label in self.reasons], [])
        reference = next(
            (label for label in self.works if self.contestants[label].method == "superglobal"), None
        )
        reference = reference or next(iter(self.works))
        twice = against_itself(timed, reference)
        preparations = {name: prepare[name.removesuffix(" (again)")] for name in twice}
        samples = measure(
            twice,
            repeats=self.plan.repeats,
            warmup=self.plan.warmup,
            synchronize=synchronizer(self.plan.device),
            budget_s=self.plan.budget_s,
            prepare=preparations,
        )
        noise, samples = noise_of(samples, reference, self.plan.seed)
        main = self.shortlist == self.plan.shortlist
        batches = self._batches() if main and self.scope == "scoring" else {}
        timings = [
            self._timing(label, work, samples, batches.get(label, []), main)
            for label, work in self.works.items()
        ]
        return Outcome(timings + [self._unable(label) for label in self.reasons], [noise] if main else [])

    def _timed(self) -> tuple[dict[str, Callable[[], Any]], dict[str, Callable[[], Any]]]:
        timed: dict[str, Callable[[], Any]] = {}
        prepare: dict[str, Callable[[], Any]] = {}
        self.cold = dict.fromkeys(self.works, True)
        for label, work in self.works.items():
            if work.once is not None:
                timed[label + ONCE] = self._each_query(work.once)
                prepare[label + ONCE] = _nothing
            timed[label] = self._each_query(work.pairs)
            prepare[label] = functools.partial(self._drop, label, work) if work.files else _nothing
        return timed, prepare

    def _each_query(self, work: Callable[[int], Any]) -> Callable[[], Any]:
        numbers = itertools.cycle(range(self.queries))
        return lambda: work(next(numbers))

    def _drop(self, label: str, work: Work) -> None:
        if work.release is not None:
            work.release()
        self.cold[label] &= drop_from_page_cache(work.files)

    def _batches(self) -> dict[str, list[float]]:
        works = {label: work.batch for label, work in self.works.items() if work.batch is not None}
        if not works:
            return {}
        return measure(
            works,
            repeats=min(BATCH_REPEATS, self.plan.repeats),
            synchronize=synchronizer(self.plan.device),
            budget_s=self.plan.budget_s,
        )

    def _timing(
        self, label: str, work: Work, samples: dict[str, list[float]], batch: list[float], main: bool
    ) -> MethodTiming:
        contestant, part = self.contestants[label], Part(work.timed, work.candidates)
        once = samples.get(label + ONCE)
        seconds = part.whole(samples[label])
        if once is not None:
            seconds = [first + rest for first, rest in zip(once, seconds, strict=False)]
        notes = [*contestant.notes, *work.notes]
        if self.scope == "end to end":
            notes += contestant.end_to_end_notes
        if work.files:
            notes.append(cache_note(self.cold[label]))
        return MethodTiming(
            method=contestant.method,
            label=label,
            scope=self.scope,
            samples_s=seconds,
            samples_wanted=self.plan.repeats,
            batch_samples_s=batch,
            batch_queries=work.batch_queries if batch else None,
            shortlist=self.shortlist,
            pairs_a_query=work.candidates,
            scaled_from_pairs=work.timed if work.timed < work.candidates else None,
            note=notes,
            memory=self._memory(work) if main else None,
            bytes_per_image=contestant.bytes_per_image,
            device=self.plan.device,
            precision=contestant.precision,
        )

    def _memory(self, work: Work) -> MemoryUse:
        def one_query() -> None:
            if work.once is not None:
                work.once(0)
            work.pairs(0)

        return measure_memory(one_query, self.plan.device)

    def _unable(self, label: str) -> MethodTiming:
        contestant = self.contestants[label]
        return MethodTiming(
            method=contestant.method,
            label=label,
            scope=self.scope,
            shortlist=self.shortlist,
            reason=self.reasons[label],
            bytes_per_image=contestant.bytes_per_image,
            device=self.plan.device,
        )


def _nothing() -> None:
    pass
