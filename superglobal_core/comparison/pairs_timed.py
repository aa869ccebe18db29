"""How many pairs of a slow method are timed, so that all its samples fit the budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from superglobal_core.comparison.runner import make_ready
from superglobal_core.comparison.works import Contestant, Work
from superglobal_core.timing.record import Scope

# A method is timed on no fewer pairs, however slow they are.
FEWEST_PAIRS = 2
# Few pairs on a large device tell little of many: the trial grows by this factor until it fits.
GROWTH = 8


def affordable_work(
    contestant: Contestant,
    scope: Scope,
    shortlist: int,
    sample_s: float,
    synchronize: Callable[[], Any] | None = None,
) -> Work:
    """Return the work of a scope, of as many pairs as take no longer than `sample_s` seconds a query.

    Raises:
        Exception: whatever the work raises.
    """
    if not contestant.by_pairs:
        return contestant.work(scope, shortlist)
    pairs = min(FEWEST_PAIRS, shortlist)
    _seconds(contestant.work(scope, shortlist, pairs), synchronize)  # the first call of anything is slow
    while True:
        work = contestant.work(scope, shortlist, pairs)
        if work.timed < pairs or work.timed == work.candidates:
            return work
        affordable = int(sample_s / _seconds(work, synchronize) * work.timed)
        if affordable <= 2 * pairs:
            return contestant.work(scope, shortlist, min(shortlist, max(FEWEST_PAIRS, affordable)))
        pairs = min(affordable, GROWTH * pairs, shortlist)


def _seconds(work: Work, synchronize: Callable[[], Any] | None) -> float:
    make_ready(work, 0)
    if synchronize is not None:
        synchronize()
    start = time.perf_counter()
    work.pairs(0)
    if synchronize is not None:
        synchronize()
    return max(time.perf_counter() - start, 1e-9)
