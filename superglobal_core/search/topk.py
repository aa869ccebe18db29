"""The best k of each row, ties by ascending index."""

from __future__ import annotations

import torch
from torch import Tensor

# Elements sorted at a time where ties must be resolved: bounds the memory (12 bytes each).
SORTED_AT_ONCE = 4_000_000


# Where few of some hundred columns are wanted, a CPU first finds the groups of columns that they are in.
GROUPED_COLUMNS = range(256, 640)
GROUPS, WANTED_AT_MOST = 50, 16


def best_columns(scores: Tensor, k: int) -> Tensor:
    """Return which k columns of each row score highest; of equal scores the first columns are taken.

    scores: (Q, n) with n >= k; returns int64 (Q, k) in no particular order.

    >>> best_columns(torch.tensor([[1.0, 3.0, 1.0, 1.0]]), 2).sort().values
    tensor([[0, 1]])
    """
    values, columns = _some_best(scores, k)
    if k == scores.shape[1] or k == 0:
        return columns
    # Where more columns reach the k-th score than there are places, topk chose among them freely.
    border = values.amin(dim=1, keepdim=True)
    ambiguous = torch.nonzero((scores >= border).sum(dim=1) > k).flatten()
    for rows in ambiguous.split(max(1, SORTED_AT_ONCE // scores.shape[1])):
        columns[rows] = torch.sort(scores[rows], dim=1, descending=True, stable=True).indices[:, :k]
    return columns


def _some_best(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return k highest scores of each row and their columns; of equal scores any."""
    count = scores.shape[1]
    if scores.device.type != "cpu" or count not in GROUPED_COLUMNS or not 0 < k <= WANTED_AT_MOST:
        return torch.topk(scores, k, dim=1, sorted=False)
    # Columns g, g + GROUPS, ... are a group. The k best lie in the k groups of highest maxima, or
    # behind the last whole group: few enough that choosing among them costs half of choosing among all.
    size = count // GROUPS
    whole = scores[:, : size * GROUPS].unflatten(1, (size, GROUPS))
    groups = torch.topk(whole.amax(dim=1), k, dim=1, sorted=False).indices
    members = torch.arange(size, device=scores.device) * GROUPS
    columns = (groups.unsqueeze(2) + members).flatten(1)
    rest = torch.arange(size * GROUPS, count, device=scores.device)
    columns = torch.cat([columns, rest.expand(len(scores), -1)], dim=1)
    values, places = torch.topk(scores.gather(1, columns), k, dim=1, sorted=False)
    return values, columns.gather(1, places)


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
    columns = best_columns(scores, k).sort(dim=1).values
    values, order = torch.sort(scores.gather(1, columns), dim=1, descending=True, stable=True)
    return values, columns.gather(1, order)


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
        values, columns = top_k(scores, self.k)
        columns += start
        if self.scores is not None and self.indices is not None:
            # What is held has smaller indices: before the new ones, a stable sort keeps it first.
            values = torch.cat([self.scores, values], dim=1)
            columns = torch.cat([self.indices, columns], dim=1)
            values, order = torch.sort(values, dim=1, descending=True, stable=True)
            values, columns = values[:, : self.k], columns.gather(1, order[:, : self.k])
        self.scores, self.indices = values, columns


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
