"""The comparison itself: contestants timed in turn, scope by scope and size by size."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Callable, Sequence
from typing import Any

from superglobal_core.comparison.pairs_timed import affordable_work
from superglobal_core.comparison.runner import Failures, Runner, make_ready
from superglobal_core.comparison.works import SCOPES, Contestant, Work
from superglobal_core.progress import note, silent, time_text
from superglobal_core.timing.memory import MemoryUse, measure_memory
from superglobal_core.timing.noise import Noise, against_itself, noise_of
from superglobal_core.timing.part import Part
from superglobal_core.timing.record import MethodTiming, Scope
from superglobal_core.timing.stopwatch import garbage_kept, measure, synchronizer
from superglobal_core.timing.storage import cache_note

ONCE = " (once a query)"
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

    @property
    def sample_s(self) -> float:
        """Seconds that one sample may take if all are to fit the budget."""
        return self.budget_s / (self.repeats + self.warmup)

    def within(self, database: int) -> Plan:
        """Return the plan for a database of that many images, than which no shortlist is longer."""
        shortlist = min(self.shortlist, database)
        sizes = sorted({min(size, database) for size in self.sizes})
        return dataclasses.replace(self, shortlist=shortlist, sizes=sizes)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """All timings, in each scope the clock's noise, and from when to when was timed (UTC)."""

    timings: list[MethodTiming]
    noise: list[Noise]
    began: str
    ended: str


def compare(contestants: Sequence[Contestant], plan: Plan, queries: int) -> Outcome:
    """Time all contestants in turn in every scope, and for scoring at every size.

    queries: how many there are; sample number i of every method is of the same query. A contestant
    that fails keeps the reason, and the others go on.
    """
    timings: list[MethodTiming] = []
    noise: list[Noise] = []
    began = _now()
    with silent(), garbage_kept():
        for scope in plan.scopes:
            turn = _Round(contestants, plan, queries, scope, plan.shortlist)
            timings += turn.run()
            noise += turn.noise
            for size in sorted(set(plan.sizes) - {plan.shortlist}) if scope == "scoring" else ():
                if growing := turn.growing(size):
                    timings += _Round(growing, plan, queries, scope, size).run()
    return Outcome(timings, noise, began, _now())


class _Round:
    """One scope at one shortlist size."""

    def __init__(
        self, contestants: Sequence[Contestant], plan: Plan, queries: int, scope: Scope, shortlist: int
    ) -> None:
        self.plan, self.queries, self.scope, self.shortlist = plan, queries, scope, shortlist
        self.main = shortlist == plan.shortlist
        self.contestants = {contestant.label: contestant for contestant in contestants}
        self.failures, self.noise = Failures(), list[Noise]()
        self.works: dict[str, Work] = {}
        self._synchronize = synchronizer(plan.device)
        _say(f"{scope}, {shortlist} candidates: {len(contestants)} methods get ready")
        for label, contestant in self.contestants.items():
            make = functools.partial(
                affordable_work, contestant, scope, shortlist, plan.sample_s, self._synchronize
            )
            work = self.failures.attempt(label, make)
            # Another size tells nothing of what is scaled.
            if work is not None and (self.main or work.timed == work.candidates):
                self.works[label] = work

    def growing(self, size: int) -> list[Contestant]:
        """Return the contestants to be timed at another size: whole shortlists here, or perhaps shorter ones."""
        return [
            self.contestants[label]
            for label, work in self.works.items()
            if label not in self.failures.reasons
            and work.candidates == self.shortlist
            and (work.timed == work.candidates or size < self.shortlist)
        ]

    def run(self) -> list[MethodTiming]:
        """Time all works in turn."""
        samples = self._measured() if self.works else {}
        batches = self._batches() if self.main and self.scope == "scoring" else {}
        alive = [label for label in self.works if label not in self.failures.reasons]
        memory = {label: self._memory(label) for label in alive} if self.main else {}
        timings = [self._timing(label, samples, batches.get(label, []), memory.get(label)) for label in alive]
        # At other sizes a reason would only be said again.
        reasons = self.failures.reasons if self.main else {}
        return timings + [self._unable(label, reason) for label, reason in reasons.items()]

    def _measured(self) -> dict[str, list[float]]:
        self.runners: dict[str, Runner] = {}
        for label, work in self.works.items():
            if work.once is not None:
                self.runners[label + ONCE] = Runner(label, work, True, self.queries, self.failures)
            self.runners[label] = Runner(label, work, False, self.queries, self.failures)
        reference = self._reference()
        for name in against_itself(self.runners, reference):
            if name not in self.runners:
                again = Runner(reference, self.works[reference], False, self.queries, self.failures)
                self.runners[name] = again
        most = time_text(len(self.runners) * self.plan.budget_s)
        _say(
            f"{self.scope}, {self.shortlist} candidates: {self.plan.repeats} samples of each, {most} at most"
        )
        samples = measure(
            self.runners,
            repeats=self.plan.repeats,
            warmup=self.plan.warmup,
            synchronize=self._synchronize,
            budget_s=self.plan.budget_s,
            prepare={name: runner.prepare for name, runner in self.runners.items()},
        )
        noise, samples = noise_of(samples, reference, self.plan.seed)
        if self.main and reference not in self.failures.reasons:
            self.noise.append(noise.model_copy(update={"scope": self.scope}))
        return samples

    def _reference(self) -> str:
        """Choose what is timed against itself: SuperGlobal where it is there."""
        ready = [label for label in self.works if label not in self.failures.reasons]
        named = [label for label in ready if self.contestants[label].method == "superglobal"]
        return (named or ready)[0]

    def _batches(self) -> dict[str, list[float]]:
        failures = Failures()  # of a batch alone: a query's samples stay what they are
        works: dict[str, Callable[[], Any]] = {
            label: functools.partial(failures.attempt, label, work.batch)
            for label, work in self.works.items()
            if work.batch is not None and label not in self.failures.reasons
        }
        if not works:
            return {}
        samples = measure(
            works,
            repeats=min(BATCH_REPEATS, self.plan.repeats),
            synchronize=self._synchronize,
            budget_s=self.plan.budget_s,
        )
        return {label: taken for label, taken in samples.items() if label not in failures.reasons}

    def _memory(self, label: str) -> MemoryUse | None:
        work = self.works[label]

        def one_query() -> None:
            if work.once is not None:
                work.once(0)
            work.pairs(0)

        def measured() -> MemoryUse:
            make_ready(work, 0)  # pages that are mapped already would not be counted
            return measure_memory(one_query, self.plan.device)

        return Failures().attempt(label, measured)

    def _timing(
        self, label: str, samples: dict[str, list[float]], batch: list[float], memory: MemoryUse | None
    ) -> MethodTiming:
        contestant, work = self.contestants[label], self.works[label]
        part = Part(work.timed, work.candidates)
        once = samples.get(label + ONCE)
        seconds = part.whole(samples[label])
        if once is not None:
            # A budget may have left one of the two fewer samples.
            seconds = [first + rest for first, rest in zip(once, seconds, strict=False)]
        cold = [self.runners[name].cold for name in (label + ONCE, label) if name in self.runners]
        known = [dropped for dropped in cold if dropped is not None]
        notes = [*contestant.notes, *work.notes, *([cache_note(all(known))] if known else [])]
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
            note=list(dict.fromkeys(notes)),
            memory=memory,
            bytes_per_image=contestant.bytes_per_image,
            device=self.plan.device,
            precision=contestant.precision,
        )

    def _unable(self, label: str, reason: str) -> MethodTiming:
        contestant = self.contestants[label]
        return MethodTiming(
            method=contestant.method,
            label=label,
            scope=self.scope,
            shortlist=self.shortlist,
            reason=reason,
            bytes_per_image=contestant.bytes_per_image,
            device=self.plan.device,
        )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def _say(line: str) -> None:
    # Plain lines between what is timed: a display that is drawn by a thread would take part in it.
    note(f"time: {line}")
