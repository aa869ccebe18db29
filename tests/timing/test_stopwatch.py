"""The stopwatch: what it times, in which order, and what it leaves outside the clock."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import weakref
from collections.abc import Callable

import pytest

from superglobal_core.errors import UserError
from superglobal_core.timing.part import Part
from superglobal_core.timing.stopwatch import measure, shortfall, synchronizer


class Cycle:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


class Log:
    """Notes what is called, in which order."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, name: str) -> Callable[[], None]:
        return lambda: self.calls.append(name)


def test_works_are_run_in_turn_after_the_warm_up() -> None:
    log = Log()
    samples = measure({"a": log("A"), "b": log("B"), "c": log("C")}, repeats=3, warmup=2)
    assert log.calls == ["A", "B", "C"] * 5
    assert {name: len(taken) for name, taken in samples.items()} == {"a": 3, "b": 3, "c": 3}
    assert all(0 < sample < 1 for taken in samples.values() for sample in taken)


def test_the_device_is_waited_for_before_both_readings_and_after_the_preparation() -> None:
    log = Log()
    measure(
        {"a": log("A"), "b": log("B")},
        repeats=2,
        warmup=0,
        synchronize=log("wait"),
        prepare={"a": log("prepare")},
    )
    assert log.calls == ["prepare", "wait", "A", "wait", "wait", "B", "wait"] * 2


def test_work_still_queued_belongs_to_whoever_queued_it() -> None:
    queue: list[float] = []

    def wait() -> None:
        while queue:
            time.sleep(queue.pop())

    samples = measure(
        {"queues": lambda: queue.append(0.02), "none": lambda: None}, repeats=3, synchronize=wait
    )
    assert min(samples["queues"]) >= 0.02
    assert min(samples["none"]) < 0.01


def test_a_preparation_is_not_timed() -> None:
    samples = measure({"a": lambda: None}, repeats=3, prepare={"a": lambda: time.sleep(0.03)})
    assert min(samples["a"]) < 0.01


def test_a_sample_is_the_time_the_work_took_in_seconds() -> None:
    taken = measure({"a": lambda: time.sleep(0.02)}, repeats=5)["a"]
    assert min(taken) >= 0.02
    assert min(taken) < 0.1


def test_an_outlier_is_kept() -> None:
    delays = iter([0.0, 0.0, 0.05, 0.0])
    taken = measure({"a": lambda: time.sleep(next(delays))}, repeats=3)["a"]
    assert len(taken) == 3
    assert taken[1] >= 0.05


def test_a_slow_work_takes_fewer_repeats_and_it_is_said() -> None:
    samples = measure(
        {"slow": lambda: time.sleep(0.02), "fast": lambda: None}, repeats=12, warmup=1, budget_s=0.09
    )
    assert 3 <= len(samples["slow"]) <= 4
    assert len(samples["fast"]) == 12
    assert shortfall(samples["slow"], 12, 0.09) == (
        f"{len(samples['slow'])} of 12 samples: the budget of 0.09 s was used up"
    )
    assert shortfall(samples["fast"], 12, 0.09) is None


@pytest.mark.parametrize(("fewest", "repeats", "taken"), [(3, 9, 3), (5, 9, 5), (5, 2, 2)])
def test_a_budget_never_leaves_fewer_than_the_fewest(fewest: int, repeats: int, taken: int) -> None:
    work = {"a": lambda: time.sleep(0.002)}
    assert len(measure(work, repeats=repeats, budget_s=1e-6, fewest=fewest)["a"]) == taken


def test_a_slow_preparation_uses_up_the_budget_too() -> None:
    samples = measure({"a": lambda: None}, repeats=9, budget_s=0.05, prepare={"a": lambda: time.sleep(0.02)})
    assert len(samples["a"]) == 3


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_is_collected_outside_the_clock_and_the_collector_is_left_as_it_was(enabled: bool) -> None:
    during: list[bool] = []
    collections = [0]

    def count(phase: str, _: object) -> None:
        collections[0] += phase == "start"

    def work() -> None:
        during.append(gc.isenabled())
        before = collections[0]
        # Enough cycles to start a collection, were it on.
        for _ in range(5000):
            Cycle()
        assert collections[0] == before

    was = gc.isenabled()
    gc.callbacks.append(count)
    try:
        (gc.enable if enabled else gc.disable)()
        measure({"a": work}, repeats=3, warmup=1)
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()
        gc.callbacks.remove(count)
    assert during == [False] * 4
    assert collections[0] >= 4
    assert gc.get_freeze_count() == 0


def test_no_work_runs_beside_the_garbage_of_another() -> None:
    left: list[weakref.ref[Cycle]] = []
    alive: list[int] = []

    def work() -> None:
        alive.append(sum(earlier() is not None for earlier in left))
        left.append(weakref.ref(Cycle()))  # a single one starts no collection by itself

    measure({"a": work, "b": work}, repeats=3)
    assert alive == [0] * 8


def test_what_a_work_raises_comes_through_and_the_collector_is_on_again() -> None:
    def fail() -> None:
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        measure({"a": fail}, repeats=3)
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"repeats": 0}, "0 repeats"),
        ({"repeats": 1, "warmup": -1}, "-1 warm-ups"),
        ({"repeats": 1, "fewest": 0}, "at least 0 samples"),
        ({"repeats": 1, "budget_s": 0.0}, "budget is 0.0 s"),
        ({"repeats": 1, "budget_s": float("nan")}, "budget is nan s"),
        ({"repeats": 1, "prepare": {"b": print}}, "preparation is given for b"),
    ],
)
def test_bad_options_are_named(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        measure({"a": lambda: None}, **options)


def test_the_library_of_timing_needs_neither_torch_nor_the_rest_of_the_library() -> None:
    names = "alone clocks fit machine memory noise others part record statistics stopwatch storage"
    script = f"import sys; from superglobal_core.timing import {', '.join(names.split())}"
    script += "; stopwatch.synchronizer('cpu'); memory.measure_memory(list); clocks.describe_clocks()"
    script += "; assert 'torch' not in sys.modules; assert 'scipy.stats' not in sys.modules"
    script += "; homes = {name.split('.')[1] for name in sys.modules if name.startswith('superglobal_core.')}"
    # `progress`, which says on stderr who is waited for, needs the standard library alone.
    allowed = "code_sources code_version errors files invocation progress results timing"
    script += f"; assert homes == set({allowed!r}.split()), homes"
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.gpu
def test_the_gpu_is_waited_for() -> None:
    import torch

    matrix = torch.rand(4096, 4096, device="cuda")

    def work() -> torch.Tensor:
        product = matrix
        for _ in range(20):
            product = product @ matrix
        return product

    waited = measure({"a": work}, repeats=5, synchronize=synchronizer("cuda"))["a"]
    queued = measure({"a": work}, repeats=1, synchronize=None, warmup=0)["a"]
    torch.cuda.synchronize()
    assert min(waited) > 5 * queued[0]


def test_a_part_says_what_it_is() -> None:
    part = Part(pairs=30, of=400)
    assert part.whole([3.0]) == [pytest.approx(40.0)]
    assert part.sentence == "scaled from 30 pairs"
    assert Part(pairs=1, of=2).sentence == "scaled from 1 pair"
    assert Part(pairs=7, of=7).sentence is None
    assert Part(pairs=7, of=7).whole([1.5, 2.5]) == [1.5, 2.5]


@pytest.mark.parametrize(("pairs", "of"), [(0, 4), (5, 4), (1, 0)])
def test_a_part_is_no_more_than_the_whole(pairs: int, of: int) -> None:
    with pytest.raises(UserError, match=f"{pairs} of {of} pairs"):
        Part(pairs, of)
