"""A reranker on its bench: small problems, and how the method at hand is made and run on them."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from superglobal_core.methods.folder import MethodFolder, Value

#: (Q,) rows of the queries, (Q, M) shortlists -> order (Q, M) and scores (Q, M), best first
Ranked = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Problem:
    """Queries and images as a method takes them, by row: descriptors (n, D), or local features.

    first: (Q, N) the first stage's order of all images; similarities: (Q, N), by image.
    """

    queries: Any
    images: Any
    first: np.ndarray
    similarities: np.ndarray


@dataclasses.dataclass(frozen=True)
class Ranker:
    """A method made: `call(problem, query rows, shortlists)` reranks the first `head` places.

    places: whether its scores are but the places of its order.
    """

    call: Callable[[Problem, Sequence[int], np.ndarray], Ranked]
    head: int
    places: bool = False

    def __call__(
        self, problem: Problem, queries: Sequence[int] | None = None, first: np.ndarray | None = None
    ) -> Ranked:
        rows = range(len(problem.first)) if queries is None else queries
        shortlist = problem.first[list(rows)] if first is None else first
        return self.call(problem, list(rows), shortlist)


class Bench(abc.ABC):
    """What the checks need of a kind of method.

    usual: images that all differ, the last of which has least in it; with_copies: a query's exact
    copy and twins among the images; equal: one image many times. tolerance: of one query's scores
    beside others, relative to the largest: products of other shapes round otherwise. small: values of
    parameters whose defaults ask for more data than there is.
    """

    usual: Problem
    with_copies: Problem
    equal: Problem
    tolerance: float

    def __init__(self, method: MethodFolder) -> None:
        self.method = method
        self.small: dict[str, Value] = {}
        #: why its scores mean nothing here, so that no copy need be found by them
        self.meaningless: str | None = None

    @abc.abstractmethod
    def make(self, shortlist: int = 400, **parameters: Any) -> Ranker:
        """Make the method (UserError for parameters that are wrong)."""

    @abc.abstractmethod
    def make_unguarded(self, **parameters: Any) -> Any:
        """Make the method past its description, which guards the ranges; None where that cannot be."""

    @abc.abstractmethod
    def spoiled(self, query: int, row: int, value: float) -> Problem:
        """Return the usual problem with a value in an image's features (LeftOutError where none can be)."""

    @abc.abstractmethod
    def copies_of(self) -> dict[int, int]:
        """Return the queries that have an exact copy among the images of `with_copies`, and its row."""

    @abc.abstractmethod
    def touched(self) -> list[str]:
        """Run the method on its bare inputs and return the names of those that it changed."""

    def once(self) -> None:
        """Make the method and run it, with everything that it needs."""
        self.make()(self.usual)

    def alone(self) -> None:  # noqa: B027
        """Check that a candidate's score is its own, where a kind of method promises it."""

    def needs(self) -> None:  # noqa: B027
        """Check that weights and local features are those which the description names."""
