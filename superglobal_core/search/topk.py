"""The best k of each row, ties by ascending index."""

from __future__ import annotations

import torch
from torch import Tensor

# Columns in a group, of which only the highest score is looked at first: as many as leave so many groups for each
# place that is wanted. With fewer groups too many scores are as high as the last group taken.
GROUPS, LEAST_GROUPS = (64, 32, 16), 1.5
# Elements sorted at a time where ties must be resolved: bounds the memory (12 bytes each).
SORTED_AT_ONCE = 4_000_000


def best_columns(scores: Tensor, k: int) -> Tensor:
    """Return which k columns of each row score highest; of equal scores the first columns are taken.

    scores: (Q, n) with n >= k; returns int64 (Q, k) in no particular order.

    >>> best_columns(torch.tensor([[1.0, 3.0, 1.0, 1.0]]), 2).sort().values
    tensor([[0, 1]])
    """
    if k == scores.shape[1] or k == 0:
        return torch.topk(scores, k, dim=1, sorted=False).indices
    # One more than wanted: where its score is the k-th's too, topk chose among equals freely.
    values, columns = torch.topk(scores, k + 1, dim=1)
    columns = columns[:, :k].contiguous()
    ambiguous = torch.nonzero(values[:, k - 1] == values[:, k]).flatten()
    for rows in ambiguous.split(max(1, SORTED_AT_ONCE // scores.shape[1])):
        columns[rows] = torch.sort(scores[rows], dim=1, descending=True, stable=True).indices[:, :k]
    return columns


def top_k(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k highest scores of each row and their columns, ordered as a stable sort orders them.

    scores: (Q, n); returns (Q, min(k, n)) values and int64 columns: descending, equal scores by
    ascending column. torch's own topk leaves ties open, both at the border and in the order.

    >>> top_k(torch.tensor([[1.0, 3.0, 3.0, 1.0]]), 3)[1]
    tensor([[1, 2, 0]])
    """
    k = min(k, scores.shape[1])
    if k * 4 >= scores.shape[1]:
        values, columns = torch.sort(scores, dim=1, descending=True, stable=True)
        return values[:, :k].contiguous(), columns[:, :k].contiguous()
    size = next((size for size in GROUPS if k * size * LEAST_GROUPS <= scores.shape[1]), 0) if k else 0
    if size and (found := _by_groups(scores, k, size)) is not None:
        return found
    columns = best_columns(scores, k).sort(dim=1).values
    values, order = torch.sort(scores.gather(1, columns), dim=1, descending=True, stable=True)
    return values, columns.gather(1, order)


def _by_groups(scores: Tensor, k: int, size: int) -> tuple[Tensor, Tensor] | None:
    """Find the k highest scores among those no lower than the k-th highest group's highest; a group has `size`.

    They read the scores twice and sort little. None where too many scores are that high.
    """
    whole = scores.shape[1] // size * size
    highest = scores[:, :whole].unflatten(1, (-1, size)).amax(dim=2)
    floor = torch.topk(highest, k, dim=1, sorted=False).values.amin(dim=1, keepdim=True)
    found = _compact(scores, scores >= floor, most=4 * k)
    if found is None:
        return None
    values, order = torch.sort(found[0], dim=1, descending=True, stable=True)
    return values[:, :k].contiguous(), found[1].gather(1, order[:, :k])


def _compact(scores: Tensor, wanted: Tensor, most: int) -> tuple[Tensor, Tensor] | None:
    """Return the scores wanted (Q, n) and their columns, ascending, (Q, m) with m the most that a row has.

    Rows with fewer are filled up with the lowest value. None where a row has more than `most`.
    """
    query, column = torch.nonzero(wanted, as_tuple=True)
    counts = torch.bincount(query, minlength=len(scores))
    width = int(counts.max()) if len(counts) else 0
    if width > most:
        return None
    # Each row's one after the other from the left.
    place = torch.arange(len(query), device=query.device) - (counts.cumsum(0) - counts)[query]
    values = scores.new_full((len(scores), width), -torch.inf)
    columns = query.new_zeros((len(scores), width))
    values[query, place], columns[query, place] = scores[query, column], column
    return values, columns


class RunningTopK:
    """The best k of rows that arrive in pieces, columns in ascending order.

    >>> best = RunningTopK(k=2)
    >>> best.add(torch.tensor([[0.5, 0.9]]), start=0)
    >>> best.add(torch.tensor([[0.9, 0.1]]), start=2)
    >>> best.indices
    tensor([[1, 2]])
    """

    def __init__(self, k: int) -> None:
        self.k = k
        self.scores: Tensor | None = None
        self.indices: Tensor | None = None

    def add(self, scores: Tensor, start: int) -> None:
        """Merge the columns start ... of a piece (Q, n)."""
        if self.scores is None or self.indices is None:
            self.scores, self.indices = top_k(scores, self.k)
            self.indices += start
            return
        values, columns = self._candidates(scores)
        if values.shape[1] == 0:
            return
        # What is held has smaller indices: before the new ones, a stable sort keeps it first.
        values = torch.cat([self.scores, values], dim=1)
        columns = torch.cat([self.indices, columns + start], dim=1)
        values, order = torch.sort(values, dim=1, descending=True, stable=True)
        self.scores, self.indices = values[:, : self.k], columns.gather(1, order[:, : self.k])

    def _candidates(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Return what of a piece can be among the best, with its columns, ascending where scores are equal.

        After a few pieces that is little: only what beats the k-th score held. Rows with less of it
        than others are filled up with the lowest value.
        """
        assert self.scores is not None
        if self.scores.shape[1] < self.k:
            return top_k(scores, self.k)
        # Not what equals the k-th score: it comes after it, by its larger index.
        found = _compact(scores, scores > self.scores[:, -1:], most=self.k)
        return top_k(scores, self.k) if found is None else found


class Everything:
    """All columns in order, for rankings of a whole database: like `RunningTopK` with k = n."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._scores: Tensor | None = None
        self._sorted: tuple[Tensor, Tensor] | None = None

    def add(self, scores: Tensor, start: int) -> None:
        """Take the columns start ... of a piece (Q, n)."""
        if self._scores is None:
            self._scores = scores.new_empty(len(scores), self.columns)
        self._scores[:, start : start + scores.shape[1]] = scores

    @property
    def scores(self) -> Tensor | None:
        """Scores, descending."""
        return self._sort()[0]

    @property
    def indices(self) -> Tensor | None:
        """Columns by descending score, ties by ascending column."""
        return self._sort()[1]

    def _sort(self) -> tuple[Tensor, Tensor]:
        if self._sorted is None:
            assert self._scores is not None
            rows = max(1, SORTED_AT_ONCE // self.columns)
            parts = [
                torch.sort(part, dim=1, descending=True, stable=True) for part in self._scores.split(rows)
            ]
            self._scores = None
            self._sorted = (
                torch.cat([part.values for part in parts]),
                torch.cat([part.indices for part in parts]),
            )
        return self._sorted
