"""One part of a contestant's work, ready to be timed query after query."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from superglobal_core.comparison.works import Work, reason_of
from superglobal_core.timing.storage import drop_from_page_cache


class Failures:
    """Why methods stopped, by label; the first reason counts."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def attempt(self, label: str, work: Callable[[], Any]) -> Any:
        """Do a method's work unless it failed before; an error becomes its reason."""
        if label in self.reasons:
            return None
        try:
            return work()
        except (Exception, SystemExit) as error:  # somebody's class may call sys.exit
            self.reasons[label] = reason_of(error)
        return None


class Runner:
    """`once` or `pairs` of a work: `prepare` turns to the next query, and calling it does that query's work.

    Every runner counts the queries by itself, so that sample number i of every one is of the same query.
    cold: whether the system forgot the files before every run; None where none is read.
    """

    def __init__(self, label: str, work: Work, once: bool, queries: int, failures: Failures) -> None:
        self._label, self._work, self._failures = label, work, failures
        self._turns = itertools.cycle(range(queries))
        self._query = 0
        chosen = work.once if once else work.pairs
        assert chosen is not None
        self._part, self._once = chosen, once
        self.cold: bool | None = None

    def prepare(self) -> None:
        """Turn to the next query and do what is outside the clock."""
        self._query = next(self._turns)
        dropped = self._failures.attempt(self._label, self._make_ready)
        if dropped is not None:
            self.cold = dropped and self.cold is not False

    def __call__(self) -> Any:
        """Do the work of the query."""
        return self._failures.attempt(self._label, self._do)

    def _do(self) -> Any:
        return self._part(self._query)

    def _make_ready(self) -> bool | None:
        return make_ready(self._work, self._query, self._once)


def make_ready(work: Work, query: int, once: bool = False) -> bool | None:
    """Do what comes before a query's `once` or `pairs`, and return whether the files it reads are forgotten.

    None where it reads none.
    """
    if not once and work.ready is not None:
        work.ready(query)
    if work.release is not None:
        work.release()
    reads = work.once_reads if once else work.reads
    files = list(reads(query)) if reads is not None else []
    return drop_from_page_cache(files) if files else None
