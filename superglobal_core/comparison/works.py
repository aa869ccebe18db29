"""What a method does between two readings of the clock, in each scope."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, get_args

from superglobal_core.reasons import CannotRunError, reason_of
from superglobal_core.timing.record import Scope

__all__ = ["CannotRunError", "Contestant", "FailedContestant", "Work", "reason_of"]

SCOPES: tuple[Scope, ...] = get_args(Scope)

OfQuery = Callable[[int], Any]
Reads = Callable[[int], Sequence[Path]]


@dataclasses.dataclass(frozen=True)
class Work:
    """The work of one query of a method in one scope, cut where it can be scaled.

    once: what is done once a query whatever the number of candidates, or None; pairs: what is done
    for `timed` candidates; both take the number of the query. A query's time is that of `once` plus
    that of `pairs` times `candidates / timed`. ready: what `pairs` builds upon, done outside the clock
    where `once` did not do it for that query. once_reads, reads: the files that `once` and `pairs`
    read for a query, whose pages are dropped before; release: lets go of them first.
    batch: all queries at once, for throughput.
    """

    pairs: OfQuery
    candidates: int
    timed: int
    once: OfQuery | None = None
    ready: OfQuery | None = None
    once_reads: Reads | None = None
    reads: Reads | None = None
    release: Callable[[], Any] | None = None
    batch: Callable[[], Any] | None = None
    batch_queries: int = 0
    notes: Sequence[str] = ()


class Contestant(abc.ABC):
    """A method that is timed, with everything it needs.

    bytes_per_image: what an image takes on disk for this method, beyond the first stage's
    descriptor for methods by local features; None where it is not known.
    notes: sentences that belong beside every figure of it.
    """

    #: whether its cost is proportional to the pairs, so that a part can stand for all
    by_pairs: ClassVar[bool] = False

    def __init__(self, method: str, label: str) -> None:
        self.method, self.label = method, label
        self.notes: list[str] = []
        self.bytes_per_image: float | None = None
        self.precision: str = "float32"

    @abc.abstractmethod
    def work(self, scope: Scope, shortlist: int, pairs: int | None = None) -> Work:
        """Return the work of a scope for shortlists of that many candidates.

        pairs: how many of them to time at most, for methods `by_pairs`; None for all.

        Raises:
            CannotRunError: when it cannot be timed, with the reason.
        """


class FailedContestant(Contestant):
    """A method that could not be made ready, and why."""

    def __init__(self, method: str, label: str, reason: str) -> None:
        super().__init__(method, label)
        self._reason = reason

    def work(self, scope: Scope, shortlist: int, pairs: int | None = None) -> Work:
        raise CannotRunError(self._reason)
