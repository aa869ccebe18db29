"""Exact search: one pass over the shards for the best k and the rank of every labelled image."""

from __future__ import annotations

import dataclasses

import numpy as np

from superglobal_core.errors import UserError
from superglobal_core.evaluation.ranks import RankCounter
from superglobal_core.features.store import FeatureStore
from superglobal_core.search.scoring import Scorer, scorer_for
from superglobal_core.search.topk import Everything, RunningTopK


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """The best k rows of each query: int64 indices and scores, both (Q, k), best first.

    `labelled_ranks`: int64 (L,), the ranks of the (query, row) pairs asked for, -1 for the row -1.
    """

    indices: np.ndarray
    scores: np.ndarray
    labelled_ranks: np.ndarray | None = None


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
    with scorer_for(queries, database, device) as scorer:
        return search_scored(scorer, k, labelled)


def search_scored(
    scorer: Scorer, k: int, labelled: tuple[np.ndarray, np.ndarray] | None = None
) -> SearchResult:
    """Find the best k and the labelled ranks by a scorer that is at hand: see `search`."""
    query, row = labelled if labelled is not None else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    present = row >= 0
    query, row = query[present], row[present]
    best, counted, own, seen = _one_pass(scorer, k, query, row)
    if not np.array_equal(seen, own):
        # Gathered rows scored otherwise than in their places: that should not be, and ranks would be wrong.
        best, counted, *_ = _one_pass(scorer, k, query, row, seen)
    assert best.indices is not None
    assert best.scores is not None
    ranks = None
    if labelled is not None:
        ranks = np.full(len(present), -1, np.int64)
        ranks[present] = counted
    return SearchResult(best.indices.cpu().numpy(), best.scores.cpu().numpy(), ranks)


def _one_pass(
    scorer: Scorer, k: int, query: np.ndarray, row: np.ndarray, own: np.ndarray | None = None
) -> tuple[RunningTopK | Everything, np.ndarray, np.ndarray, np.ndarray]:
    """Find the best k; of the pairs the ranks, the scores by which they were counted, and those in the slabs.

    The former, where not given, are read from the first slab if it has them all, and computed otherwise.
    """
    rows, counter = len(scorer.database), None
    order = np.argsort(row, kind="stable")
    ascending = row[order]
    seen = np.zeros(len(row))
    # Keeping everything needs one sort at the end, not a merge at every piece.
    best = RunningTopK(k) if k < rows else Everything(rows)
    for start, scores in scorer.slabs():
        best.add(scores, start)
        if len(row) == 0:
            continue
        piece = scores.cpu().numpy()
        stop = start + piece.shape[1]
        if own is None:
            own = piece[query, row] if ascending[-1] < stop else scorer.pairs(query, row)
        if counter is None:
            counter, seen = RankCounter(query, row, own), np.empty_like(own)
        counter.add(piece, start)
        mine = order[slice(*np.searchsorted(ascending, [start, stop]))]
        seen[mine] = piece[query[mine], row[mine] - start]
    return (
        best,
        np.zeros(0, np.int64) if counter is None else counter.ranks,
        seen if own is None else own,
        seen,
    )
