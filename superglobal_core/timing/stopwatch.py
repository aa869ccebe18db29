"""The stopwatch: several works timed in turn, every sample kept."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from superglobal_core.errors import UserError, name_list

# Below this many samples nothing can be said of the spread: a budget never cuts deeper.
FEWEST_SAMPLES = 3


def measure(
    work: Mapping[str, Callable[[], Any]],
    *,
    repeats: int,
    warmup: int = 1,
    synchronize: Callable[[], Any] | None = None,
    budget_s: float | None = None,
    prepare: Mapping[str, Callable[[], Any]] | None = None,
    fewest: int = FEWEST_SAMPLES,
) -> dict[str, list[float]]:
    """Time named works in turn (A B C A B C ...) and return every sample of each, in seconds.

    In turn, because whatever slows the machine for a while then slows all of them alike. Nothing is
    ever left out of what was measured: a slow sample is a fact.

    repeats: samples of each work. warmup: rounds before, in the same order, not timed.
    synchronize: waits for the device (see `synchronizer`); called before both readings of the clock,
    so that work still queued belongs to whoever queued it. prepare: what is to happen before a run
    of a work, warm-up included, outside the clock (for example dropping its files from the page
    cache). Garbage is collected before each run, outside the clock, and not during it; freeing the
    result is outside too.

    budget_s: seconds that one work may take in all, its warm-up and preparation included; a work
    that has used them up takes no further sample, but never fewer than `fewest` (or `repeats`).
    Then its list is shorter than `repeats`, and `shortfall` puts that in words. The others go on.

    Raises:
        UserError: for counts that are too small, or a preparation of a work that is not there.
        Whatever a work raises: samples taken so far are then lost.

    >>> samples = measure({"a": lambda: sum(range(1000)), "b": lambda: None}, repeats=5)
    >>> {name: len(taken) for name, taken in samples.items()}
    {'a': 5, 'b': 5}
    """
    prepare = prepare or {}
    _check(work, prepare, repeats, warmup, budget_s, fewest)
    wait = synchronize or _nothing
    samples: dict[str, list[float]] = {name: [] for name in work}
    spent = dict.fromkeys(work, 0)

    def run(name: str) -> float:
        begin = time.perf_counter_ns()
        prepare.get(name, _nothing)()
        taken = _once(work[name], wait)
        spent[name] += time.perf_counter_ns() - begin
        return taken

    with garbage_kept():
        for _ in range(warmup):
            for name in work:
                run(name)
        for round_number in range(repeats):
            for name, taken in samples.items():
                over = budget_s is not None and spent[name] >= budget_s * 1e9
                if round_number < fewest or not over:
                    taken.append(run(name))
    return samples


def shortfall(samples: list[float], repeats: int, budget_s: float | None) -> str | None:
    """Say how many samples a budget left of those wanted; None where all were taken.

    >>> shortfall([2.0, 2.1, 2.2], 20, 5)
    '3 of 20 samples: the budget of 5 s was used up'
    """
    if len(samples) >= repeats:
        return None
    cause = "" if budget_s is None else f": the budget of {budget_s:g} s was used up"
    return f"{len(samples)} of {repeats} samples{cause}"


def synchronizer(device: object) -> Callable[[], Any] | None:
    """Return what waits for a torch device; None for the CPU, whose calls return when they are done.

    device: a name or a `torch.device`. Torch is imported only for another device than the CPU.

    >>> synchronizer("cpu") is None
    True
    """
    if str(device).partition(":")[0] == "cpu":
        return None
    import torch

    return lambda: torch.cuda.synchronize(str(device))


def _once(work: Callable[[], Any], wait: Callable[[], Any]) -> float:
    gc.collect()
    gc.disable()
    try:
        wait()
        start = time.perf_counter_ns()
        result = work()
        wait()
        stop = time.perf_counter_ns()
    finally:
        gc.enable()
    del result
    return (stop - start) / 1e9


@contextlib.contextmanager
def garbage_kept() -> Iterator[None]:
    """Leave what is in memory already out of every collection of garbage during the block."""
    # With torch loaded a collection walks a million objects, which takes longer than most works and
    # sweeps the processor's caches; those frozen here are passed over. Afterwards all is as it was.
    was_enabled, was_frozen = gc.isenabled(), gc.get_freeze_count() > 0
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        if not was_frozen:
            gc.unfreeze()
        if not was_enabled:
            gc.disable()


def _nothing() -> None:
    pass


def _check(
    work: Mapping[str, Any],
    prepare: Mapping[str, Any],
    repeats: int,
    warmup: int,
    budget_s: float | None,
    fewest: int,
) -> None:
    if repeats < 1 or warmup < 0 or fewest < 1:
        raise UserError(
            f"cannot time with {repeats} repeats, {warmup} warm-ups and at least {fewest} samples: "
            "take one repeat or more, zero warm-ups or more, one sample or more"
        )
    if budget_s is not None and not budget_s > 0:
        raise UserError(f"the time budget is {budget_s} s: give more than zero, or none for no limit")
    unknown = sorted(set(prepare) - set(work))
    if unknown:
        raise UserError(f"a preparation is given for {name_list(unknown)}, which is not timed")
