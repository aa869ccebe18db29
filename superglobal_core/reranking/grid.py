"""SuperGlobal's reranking at every point of a grid of M, K and beta, with the work shared."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from superglobal_core.errors import UserError
from superglobal_core.reranking.base import similarity
from superglobal_core.reranking.shortlist_graph import gram
from superglobal_core.reranking.superglobal import Refinement, SuperGlobalReranker
from superglobal_core.search.topk import best_columns, top_k


class Point(NamedTuple):
    """Parameters of SuperGlobal's reranking: M, K and beta."""

    shortlist: int
    neighbours: int
    beta: float


DEFAULTS = Point(**{name: SuperGlobalReranker().parameters[name] for name in Point._fields})


@dataclasses.dataclass(frozen=True)
class Grid:
    """Values of M, K and beta; the grid is all their combinations.

    Raises:
        UserError: when a list is empty, or a value is none that the reranking takes.

    >>> len(Grid((50, 100), (0, 9), (0.15,)).points())
    4
    """

    shortlists: tuple[int, ...]
    neighbours: tuple[int, ...]
    betas: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("shortlists", "neighbours", "betas"):
            values = getattr(self, name)
            if not values:
                raise UserError(f"--{name} is empty: give at least one value")
            if len(set(values)) < len(values):
                raise UserError(f"--{name} {','.join(map(str, values))} names a value twice: give each once")
        for point in self.points():
            SuperGlobalReranker(*point)

    def points(self) -> list[Point]:
        """Return all combinations, beta changing fastest."""
        return [Point(*values) for values in itertools.product(self.shortlists, self.neighbours, self.betas)]


def grid_orders(queries: Tensor, candidates: Tensor, grid: Grid) -> Iterator[tuple[Point, Tensor, Tensor]]:
    """Rerank one batch of queries at every point of a grid.

    queries: (B, D); candidates: (B, P, D), best first. Yields each point with the places of its
    first min(M, P) candidates in their new order, int64 (B, min(M, P)), and their scores, as
    `SuperGlobalReranker` of that point orders and scores them.

    The similarities of all candidates are computed once, and smaller shortlists are blocks of them; the
    neighbours are sorted once for each M, and fewer are the first of them; the expanded queries of one M
    are compared in one product.
    """
    similarities, first_stage = gram(candidates), similarity(queries, candidates)
    for shortlist in grid.shortlists:
        count = min(shortlist, candidates.shape[1])
        head, to_query = candidates[:, :count], first_stage[:, :count]
        nearest, near = _sorted_neighbours(similarities[:, :count, :count], max(grid.neighbours))
        parameters = list(itertools.product(grid.neighbours, grid.betas))
        firsts, expanded, refinements = [], [], []
        for neighbours, beta in parameters:
            refinement = Refinement.of(nearest[:, :, :neighbours], near[:, :, :neighbours], beta)
            first = refinement.apply(to_query)
            best = best_columns(first, min(neighbours + 1, count))
            expanded.append(refinement.refined(head, best).amax(dim=1))
            refinements.append(refinement)
            firsts.append(first)
        seconds = torch.bmm(torch.stack(expanded, dim=1), head.transpose(1, 2))
        for number, (neighbours, beta) in enumerate(parameters):
            scores = (firsts[number] + refinements[number].apply(seconds[:, number])) / 2
            scores, places = torch.sort(scores, dim=1, descending=True, stable=True)
            yield Point(shortlist, neighbours, beta), places, scores


def _sorted_neighbours(similarities: Tensor, neighbours: int) -> tuple[Tensor, Tensor]:
    """Return each candidate's nearest others, nearest first, and the similarities to them: (B, M, K)."""
    similarities = similarities.clone()
    batch, count, _ = similarities.shape
    similarities.diagonal(dim1=1, dim2=2).fill_(-torch.inf)
    values, columns = top_k(similarities.view(batch * count, count), min(neighbours, count - 1))
    return columns.view(batch, count, -1), values.view(batch, count, -1)


def read_grid(shortlists: str, neighbours: str, betas: str) -> Grid:
    """Read a grid from texts with commas between the values.

    Raises:
        UserError: for what is no number, and as `Grid` does.

    >>> read_grid("50,100", "9", "0,0.15").betas
    (0.0, 0.15)
    """
    return Grid(
        _values(shortlists, "--shortlists", int, "50,100,400"),
        _values(neighbours, "--neighbours", int, "0,3,9"),
        _values(betas, "--betas", float, "0,0.15,1"),
    )


def read_numbers(text: str, option: str) -> tuple[float, ...]:
    """Read numbers with commas between them, each once.

    >>> read_numbers("3,4.6", "--p")
    (3.0, 4.6)
    """
    values = _values(text, option, float, "3,4.6")
    if not values or len(set(values)) < len(values):
        raise UserError(f"{option} {text}: give at least one number, and each once")
    return values


Number = TypeVar("Number", int, float)


def _values(text: str, option: str, kind: type[Number], example: str) -> tuple[Number, ...]:
    try:
        return tuple(kind(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        what = "whole numbers" if kind is int else "numbers"
        raise UserError(
            f"{option} {text}: give {what} with commas between them, for example {example}"
        ) from error


def as_lists(grid: Grid) -> dict[str, Sequence[float]]:
    """Return a grid's axes as plain values, for records."""
    return {name: list(values) for name, values in dataclasses.asdict(grid).items()}
