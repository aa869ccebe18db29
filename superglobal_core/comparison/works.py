"""What a method does between two readings of the clock, in each scope."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from superglobal_core.timing.record import Scope

SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclasses.dataclass(frozen=True)
class Work:
    """The work of one query of a method in one scope, cut where it can be scaled.

    once: what is done once a query whatever the number of candidates, or None; pairs: what is done
    for `timed` candidates; both take the number of the query. A query's time is that of `once` plus
    that of `pairs` times `candidates / timed`. files: what it reads from storage, whose pages are
    dropped before; release: lets go of them first. batch: all queries at once, for throughput.
    """

    pairs: Callable[[int], Any]
    candidates: int
    timed: int
    once: Callable[[int], Any] | None = None
    files: Sequence[Path] = ()
    release: Callable[[], Any] | None = None
    batch: Callable[[], Any] | None = None
    batch_queries: int = 0
    notes: Sequence[str] = ()


class Contestant(abc.ABC):
    """A method that is timed, with everything it needs.

    bytes_per_image: what an image takes on disk for this method, beyond the first stage's
    descriptor for methods by local features; None where it is not known.
    notes: sentences that belong beside every figure of it; end_to_end_notes: beside those from
    pictures. timed: pairs a query that are really
    timed, at most; None for all.
    """

    def __init__(self, method: str, label: str) -> None:
        self.method, self.label = method, label
        self.notes: list[str] = []
        self.end_to_end_notes: list[str] = []
        self.bytes_per_image: float | None = None
        self.precision: str = "float32"
        self.timed: int | None = None

    @abc.abstractmethod
    def work(self, scope: Scope, shortlist: int) -> Work:
        """Return the work of a scope for shortlists of that many candidates.

        Raises:
            CannotRunError: when it cannot be timed, with the reason.
        """

    def pair_seconds(self) -> float | None:
        """Return about how long a pair takes, measured once; None for methods that are never cut."""
        return None


class CannotRunError(Exception):
    """Why a method cannot be timed in a scope: a result like any other."""


class AbsentContestant(Contestant):
    """A method that cannot be timed at all here, with the reason."""

    def __init__(self, method: str, label: str, reason: str) -> None:
        super().__init__(method, label)
        self._reason = reason

    def work(self, scope: Scope, shortlist: int) -> Work:
        raise CannotRunError(self._reason)
