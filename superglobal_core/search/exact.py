"""Exact search: one pass over the shards for the best k and the rank of every labelled image."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError
from superglobal_core.evaluation.ranks import RankCounter
from superglobal_core.features.store import FeatureStore
from superglobal_core.progress import Counter
from superglobal_core.search.topk import Everything, RunningTopK

# Rows multiplied at a time: the cast copy (4 MB at 2048-d) stays in cache, measured the fastest.
# Every product has exactly this many rows, at multiples of it, whatever the shards' sizes:
# that makes the scores, to the last bit, independent of how the database is cut.
BLOCK = 512
# Blocks after which the read pages are given back: a step holds little of the files it streams.
RELEASE_BLOCKS = 32
# Scores held at a time, at most: they are ranked piece by piece.
SLAB_SCORES = 8_000_000


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """The best k rows of each query: int64 indices and scores, both (Q, k), best first.

    `labelled_ranks`: int64 (L,), the ranks of the (query, row) pairs asked for, -1 for the row -1.
    """

    indices: np.ndarray
    scores: np.ndarray
    labelled_ranks: np.ndarray | None = None


class Scorer:
    """Cosine similarities of queries and a database, one slab of columns after the other.

    Descriptors are taken as they are (dot products). Computed in float32, or in float64 where
    either side is stored so; integer and half-precision storage is cast piece by piece.
    """

    def __init__(self, matrix: np.ndarray, database: FeatureStore, device: str = "auto") -> None:
        if matrix.shape[1] != database.shape[1]:
            raise UserError(
                f"the queries have {matrix.shape[1]} dimensions and the database {database.shape[1]}: "
                "extract both with the same network"
            )
        self.device = choose_device(device)
        double = np.float64 in (matrix.dtype, database.dtype)
        self.dtype = torch.float64 if double else torch.float32
        self.queries = torch.from_numpy(np.array(matrix)).to(self.device, self.dtype)
        if not torch.isfinite(self.queries).all():
            raise UserError("the queries hold NaN or infinite values: extract them again")
        self.database = database
        self.blocks = -(-len(database) // BLOCK)
        self._block = torch.empty((BLOCK, database.shape[1]), dtype=self.dtype)

    def block(self, number: int) -> Tensor:
        """Score one block of rows: (Q, n), n = BLOCK but for the last block."""
        filled = self.database.read_into(self._block, number * BLOCK)
        self._block[filled:] = 0
        scores = self.queries @ self._block.to(self.device, non_blocking=True).T
        return scores[:, :filled]

    def slabs(self) -> Iterator[tuple[int, Tensor]]:
        """Yield (first column, scores (Q, n)) until all columns were there, ascending."""
        width = max(1, SLAB_SCORES // (BLOCK * max(1, len(self.queries))))
        slab = torch.empty((len(self.queries), width * BLOCK), dtype=self.dtype, device=self.device)
        with Counter("search", len(self.database), "rows") as counter:
            for first in range(0, self.blocks, width):
                filled = 0
                for number in range(first, min(first + width, self.blocks)):
                    scores = self.block(number)
                    slab[:, filled : filled + scores.shape[1]] = scores
                    filled += scores.shape[1]
                    if number % RELEASE_BLOCKS == 0:
                        self.database.release()
                piece = slab[:, :filled]
                if not torch.isfinite(piece).all():
                    column = first * BLOCK + int(torch.nonzero(~torch.isfinite(piece).all(dim=0))[0])
                    raise UserError(
                        f"row {column} of {self.database.name} gives a score that is no finite number: extract it again"
                    )
                yield first * BLOCK, piece
                counter.advance(filled)

    def pairs(self, query: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Score chosen (query, row) pairs: the very numbers, to the last bit, that the slabs hold."""
        out = np.empty(len(query), np.float64 if self.dtype == torch.float64 else np.float32)
        order = np.argsort(row, kind="stable")
        cuts = np.searchsorted(row[order], np.arange(self.blocks + 1) * BLOCK)
        for number in np.flatnonzero(np.diff(cuts)).tolist():
            mine = order[cuts[number] : cuts[number + 1]]
            out[mine] = self.block(number).cpu().numpy()[query[mine], row[mine] - number * BLOCK]
        return out


def search(
    queries: np.ndarray,
    database: FeatureStore,
    k: int,
    *,
    labelled: tuple[np.ndarray, np.ndarray] | None = None,
    device: str = "auto",
) -> SearchResult:
    """Find the k best database rows of each query by dot product, exactly; ties by ascending row.

    queries: (Q, D); database: (N, D), read one block at a time. k beyond N gives N.
    labelled: (query, row) pairs, two int64 (L,), whose exact ranks among all N are counted in the
    same pass; a row of -1 is not in the database and gets the rank -1.

    Raises:
        UserError: when k is below 1, dimensions differ, or a value is not finite.
    Source: method: cosine similarity of unit descriptors, exhaustively (SuperGlobal, section 3).

    >>> store = FeatureStore.of_array(np.array([[1, 0], [0, 1], [1, 0]], np.float32))
    >>> search(np.array([[1, 0]], np.float32), store, k=2, device="cpu").indices
    array([[0, 2]])
    """
    if k < 1:
        raise UserError(f"k is {k}: ask for at least one result")
    scorer = Scorer(queries, database, device)
    counter, present = None, np.zeros(0, bool)
    if labelled is not None:
        query, row = labelled
        present = row >= 0
        counter = RankCounter(query[present], row[present], scorer.pairs(query[present], row[present]))
    # Keeping everything needs one sort at the end, not a merge at every piece.
    best = RunningTopK(k) if k < len(database) else Everything(len(database))
    for start, scores in scorer.slabs():
        best.add(scores, start)
        if counter is not None:
            counter.add(scores.cpu().numpy(), start)
    assert best.indices is not None
    assert best.scores is not None
    ranks = None
    if counter is not None:
        ranks = np.full(len(present), -1, np.int64)
        ranks[present] = counter.ranks
    return SearchResult(best.indices.cpu().numpy(), best.scores.cpu().numpy(), ranks)
