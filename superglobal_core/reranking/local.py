"""Reranking by local features: each query's shortlist scored pair by pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from superglobal_core.errors import UserError
from superglobal_core.progress import Counter
from superglobal_core.reranking.pairs import LocalFeatures, PairScorer

# Candidates made resident at a time: their features may take megabytes each.
AT_ONCE = 32


class PairReranker:
    """Put each query's shortlist into a new order by the scores of image pairs.

    scorer: scores a query's candidates by their local features; shortlist: M, how many candidates
    are scored. Pairs that were scored once are remembered, for shortlists of the same queries that overlap.
    query_features, database_features: return an image's stored features by its row.
    """

    def __init__(
        self,
        scorer: PairScorer,
        query_features: Callable[[int], LocalFeatures],
        database_features: Callable[[int], LocalFeatures],
        shortlist: int = 400,
    ) -> None:
        if not isinstance(shortlist, int) or shortlist < 1:
            raise UserError(f"shortlist is {shortlist!r}: it must be a whole number, at least 1")
        self.scorer, self.shortlist = scorer, shortlist
        self._query_features, self._database_features = query_features, database_features
        self._scores: list[dict[int, float]] = []

    @property
    def name(self) -> str:
        """The scorer's name."""
        return self.scorer.name

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, for records; after a reranking also what was missing for a meaningful score."""
        missing = {"missing": self.scorer.missing} if self.scorer.missing else {}
        return {"shortlist": self.shortlist, **self.scorer.parameters, **missing}

    def __call__(self, shortlist: np.ndarray, similarities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return order and scores, best first: shortlist (Q, M) rows of the database, -1 for empty places.

        similarities: (Q, M) float, the first stage's. Candidates of equal score stay in the first
        stage's order; empty places come last.

        Raises:
            UserError: when a score is no finite number.
        """
        while len(self._scores) < len(shortlist):
            self._scores.append({})
        order = np.full(shortlist.shape, -1, shortlist.dtype)
        scores = np.full(shortlist.shape, -np.inf, np.float32)
        with Counter(self.name, int(np.count_nonzero(shortlist >= 0)), "pairs") as counter:
            for query, row in enumerate(shortlist):
                taken = row >= 0
                candidates = row[taken]
                pair_scores = self._score(query, candidates.tolist(), counter)
                final = self.scorer.combine(similarities[query, taken], pair_scores)
                if not np.isfinite(final).all():
                    worst = candidates[np.flatnonzero(~np.isfinite(final))[0]]
                    raise UserError(
                        f"{self.name} scores query {query} and database row {worst} by no finite number: "
                        "extract their features again"
                    )
                places = np.argsort(-final, kind="stable")
                order[query, : len(candidates)] = candidates[places]
                scores[query, : len(candidates)] = final[places]
        return order, scores

    def _score(self, query: int, candidates: Sequence[int], counter: Counter) -> np.ndarray:
        known = self._scores[query]
        new = list(dict.fromkeys(candidate for candidate in candidates if candidate not in known))
        counter.advance(len(candidates) - len(new))
        if new:
            resident = self.scorer.resident(self._query_features(query))
            at = 0
            for piece in score_in_pieces(self.scorer, resident, new, self._database_features):
                known.update(zip(new[at : at + len(piece)], piece.tolist(), strict=True))
                at += len(piece)
                counter.advance(len(piece))
        return np.array([known[candidate] for candidate in candidates], np.float32)


def score_in_pieces(
    scorer: PairScorer, query: Any, rows: Sequence[int], features: Callable[[int], LocalFeatures]
) -> Iterator[np.ndarray]:
    """Yield the scores of a query's candidates, a few of which are resident at a time.

    query: resident; features: returns a candidate's stored features by its row.
    """
    for start in range(0, len(rows), AT_ONCE):
        piece = [scorer.resident(features(row)) for row in rows[start : start + AT_ONCE]]
        yield scorer.score(query, piece)
