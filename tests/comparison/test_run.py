"""The comparison of contestants whose work is known: what is charged to whom, and what becomes of failures."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from superglobal_core.comparison.run import Plan, compare
from superglobal_core.comparison.works import CannotRunError, Contestant, Work
from superglobal_core.data.images import ImageError
from superglobal_core.errors import UserError
from superglobal_core.timing.record import MethodTiming, Scope

QUERIES = 4


class Known(Contestant):
    """Does what it is told, and notes every query it worked on, part by part."""

    def __init__(
        self,
        label: str,
        pairs: Callable[[int], Any] = lambda query: None,
        once: Callable[[int], Any] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(facts.pop("method", label), label)
        self._pairs, self._once, self._facts = pairs, once, facts
        self.queries: list[int] = []
        self.once_queries: list[int] = []
        self.ready: list[int] = []

    def work(self, scope: Scope, shortlist: int, pairs: int | None = None) -> Work:
        def counted(query: int) -> Any:
            self.queries.append(query)
            return self._pairs(query)

        def once(query: int) -> Any:
            self.once_queries.append(query)
            assert self._once is not None
            return self._once(query)

        return Work(
            counted,
            self._facts.get("candidates", shortlist),
            self._facts.get("candidates", shortlist),
            once=once if self._once else None,
            ready=self.ready.append,
            **{key: value for key, value in self._facts.items() if key != "candidates"},
        )


def by_label(timings: list[MethodTiming]) -> dict[str, MethodTiming]:
    return {timing.label: timing for timing in timings}


def test_every_method_is_timed_on_the_same_queries_and_so_is_the_noise() -> None:
    contestants = [Known("a"), Known("superglobal"), Known("c", once=lambda query: None)]
    plan = Plan(["end to end"], shortlist=9, repeats=6, warmup=1)
    outcome = compare(contestants, plan, QUERIES)
    turns = [0, 1, 2, 3, 0, 1, 2]
    # The last is that of the measured memory.
    assert contestants[0].queries == [*turns, 0]
    assert contestants[2].queries == contestants[2].once_queries == [*turns, 0]
    # Timed against itself: the same queries again, in every round.
    assert contestants[1].queries == [*(query for turn in turns for query in (turn, turn)), 0]
    assert [noise.work for noise in outcome.noise] == ["superglobal"]
    assert [len(timing.samples_s) for timing in outcome.timings] == [6, 6, 6]
    assert outcome.began <= outcome.ended


def test_noise_is_measured_in_each_scope_and_judges_that_scope() -> None:
    plan = Plan(["scoring", "from storage", "end to end"], shortlist=5, sizes=(2, 5, 3), repeats=3)
    outcome = compare([Known("first"), Known("second")], plan, QUERIES)
    assert [noise.scope for noise in outcome.noise] == list(plan.scopes)
    assert {noise.work for noise in outcome.noise} == {"first"}
    rounds = [(timing.scope, timing.shortlist) for timing in outcome.timings[::2]]
    assert rounds == [("scoring", 5), ("scoring", 2), ("scoring", 3), ("from storage", 5), ("end to end", 5)]
    assert [timing.memory is not None for timing in outcome.timings[::2]] == [True, False, False, True, True]


def test_what_is_done_once_is_added_to_the_pairs() -> None:
    slow = Known("slow", lambda query: time.sleep(0.01), lambda query: time.sleep(0.03))
    (timing,) = compare([slow], Plan(["end to end"], 5, repeats=3), QUERIES).timings
    assert all(0.04 <= sample < 0.08 for sample in timing.samples_s)


def test_a_slow_part_leaves_no_query_without_what_it_builds_upon() -> None:
    # The budget is used up by `once` alone: `pairs` goes on to queries that `once` never came to.
    made: set[int] = set()

    def once(query: int) -> None:
        time.sleep(0.05)
        made.add(query)

    contestant = Known("slow", lambda query: None if query in made else 1 / 0, once)
    contestant.ready = type("Ready", (list,), {"append": lambda self, query: made.add(query)})()
    plan = Plan(["end to end"], 5, repeats=9, budget_s=0.1)
    (timing,) = compare([contestant], plan, QUERIES).timings
    assert timing.reason is None
    assert len(timing.samples_s) == 3
    assert "3 of 9 samples" in timing.sentences


class Impossible(Known):
    def work(self, scope: Scope, shortlist: int, pairs: int | None = None) -> Work:
        if scope == "end to end":
            raise CannotRunError("no pictures")
        return super().work(scope, shortlist, pairs)


def fail(error: Exception, from_query: int = 0) -> Callable[[int], Any]:
    def work(query: int) -> None:
        if query >= from_query:
            raise error

    return work


def test_what_fails_keeps_its_reason_and_the_others_go_on() -> None:
    contestants = [
        Known("superglobal", fail(RuntimeError("out of\nmemory"), from_query=3)),
        Known("at once", fail(ZeroDivisionError())),
        Known("pictures", once=fail(ImageError("is too small"), from_query=2)),
        Known("sentence", fail(UserError("extract again"))),
        Known("memory", fail(MemoryError())),
        Impossible("none"),
        Known("well"),
    ]
    plan = Plan(["scoring", "end to end"], 5, sizes=(3,), repeats=5)
    outcome = compare(contestants, plan, QUERIES)
    scoring = by_label(list(filter(lambda timing: timing.scope == "scoring", outcome.timings)))
    assert {label: timing.reason for label, timing in scoring.items() if timing.reason} == {
        "superglobal": "it failed with RuntimeError: out of memory",
        "at once": "it failed with ZeroDivisionError",
        "pictures": "a picture is too small",
        "sentence": "extract again",
        "memory": "it failed with MemoryError",
    }
    storage = by_label(list(filter(lambda timing: timing.scope == "end to end", outcome.timings)))
    assert storage["none"].reason == "no pictures"
    assert len(storage["well"].samples_s) == len(scoring["well"].samples_s) == 5
    assert len(scoring["none"].samples_s) == 5
    # Of the failed there is neither a sample nor a second try at another size.
    other_size = [timing.label for timing in outcome.timings if timing.shortlist == 3]
    assert other_size == ["none", "well"]
    # The work that was to be timed against itself failed: the noise is not known, and not made up.
    assert outcome.noise == []


def test_nothing_that_can_be_timed_gives_reasons_alone() -> None:
    outcome = compare([Impossible("none")], Plan(["end to end"], 5, repeats=3), QUERIES)
    assert [timing.reason for timing in outcome.timings] == ["no pictures"]
    assert outcome.noise == []


def test_a_batch_that_fails_leaves_the_samples_of_a_query() -> None:
    def batch() -> None:
        raise RuntimeError("too many")

    contestants = [Known("a", batch=batch, batch_queries=4), Known("b", batch=lambda: None, batch_queries=4)]
    first, second = compare(contestants, Plan(["scoring"], 5, repeats=3), QUERIES).timings
    assert (len(first.samples_s), first.batch_samples_s, first.batch_queries) == (3, [], None)
    assert (len(second.batch_samples_s), second.batch_queries) == (3, 4)


def test_a_work_that_does_not_depend_on_the_shortlist_is_timed_at_one_size() -> None:
    contestants = [Known("search", candidates=1000), Known("reranking")]
    outcome = compare(contestants, Plan(["scoring"], 10, sizes=(5,), repeats=3), QUERIES)
    assert [(timing.label, timing.shortlist) for timing in outcome.timings] == [
        ("search", 10),
        ("reranking", 10),
        ("reranking", 5),
    ]
    assert outcome.timings[0].pairs_a_query == 1000


def test_nothing_is_drawn_on_a_terminal_while_the_clock_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    from superglobal_core.progress import Counter

    shown = []

    def work(query: int) -> None:
        with Counter("search", 10) as counter:
            shown.append(counter._bar)

    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    compare([Known("a", work)], Plan(["scoring"], 5, repeats=3), QUERIES)
    assert set(shown) == {None}
    with Counter("search", 10) as counter:
        assert counter._bar is not None


class Paced(Contestant):
    """Sleeps for every pair that it times."""

    by_pairs: ClassVar[bool] = True

    def __init__(self, pair_s: float, once_s: float | None = None) -> None:
        super().__init__("paced", "paced")
        self.pair_s, self.once_s = pair_s, once_s
        self.timed: list[int] = []

    def work(self, scope: Scope, shortlist: int, pairs: int | None = None) -> Work:
        timed = min(pairs or shortlist, shortlist)

        def score(query: int) -> None:
            self.timed.append(timed)
            time.sleep(timed * self.pair_s)

        once = None if self.once_s is None else (lambda query: time.sleep(self.once_s))
        return Work(score, shortlist, timed, once=once)


@pytest.mark.parametrize(("pair_s", "budget", "pairs"), [(0.004, 0.5, (15, 32)), (0.08, 0.5, (2, 2))])
def test_slow_pairs_are_timed_in_part_and_scaled_to_all(
    pair_s: float, budget: float, pairs: tuple[int, int]
) -> None:
    contestant = Paced(pair_s, once_s=0.03)
    plan = Plan(["from storage"], 400, repeats=3, warmup=1, budget_s=budget)
    (timing,) = compare([contestant], plan, QUERIES).timings
    assert timing.scaled_from_pairs is not None
    assert pairs[0] <= timing.scaled_from_pairs <= pairs[1]
    assert f"scaled from {timing.scaled_from_pairs} pairs" in timing.sentences
    summary = timing.summary()
    assert summary is not None
    # All 400 pairs, and what is done once a query once: scaled too, it would make 6 s of 0.03 s.
    expected = 400 * pair_s + 0.03
    assert expected <= summary.median < 1.25 * expected


def test_a_scaled_method_is_timed_whole_at_a_shortlist_that_it_can_afford() -> None:
    plan = Plan(["scoring"], 400, sizes=(10, 300, 800), repeats=3, warmup=1, budget_s=0.5)
    first, second = compare([Paced(0.002)], plan, QUERIES).timings
    assert first.shortlist == 400
    assert first.scaled_from_pairs is not None
    assert (second.shortlist, second.pairs_a_query, second.scaled_from_pairs) == (10, 10, None)


def test_fast_pairs_are_all_timed() -> None:
    contestant = Paced(0.0001)
    (timing,) = compare([contestant], Plan(["scoring"], 60, repeats=3, budget_s=5), QUERIES).timings
    assert timing.scaled_from_pairs is None
    assert timing.part is None
    # The trial grew up to the whole, and everything after it was the whole.
    assert contestant.timed[:2] == [2, 2]
    assert set(contestant.timed[-8:]) == {60}
