"""Reranking by local features: each query's shortlist scored pair by pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    are scored. Pairs that were scored once are remembered, for shortlists that overlap.
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
        """The parameters, for records."""
        return {"shortlist": self.shortlist, **self.scorer.parameters}

    def __call__(self, shortlist: np.ndarray, similarities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return order and scores, best first: shortlist (Q, M) rows of the database, -1 for empty places.

        similarities: (Q, M) float, the first stage's. Candidates of equal score stay in the first
        stage's order.
        """
        while len(self._scores) < len(shortlist):
            self._scores.append({})
        order, scores = shortlist.copy(), np.full(shortlist.shape, -np.inf, np.float32)
        with Counter(self.name, int(np.count_nonzero(shortlist >= 0)), "pairs") as counter:
            for query, row in enumerate(shortlist):
                candidates = row[row >= 0]
                pair_scores = self._score(query, candidates.tolist(), counter)
                final = self.scorer.combine(similarities[query, : len(candidates)], pair_scores)
                places = np.argsort(-final, kind="stable")
                order[query, : len(candidates)] = candidates[places]
                scores[query, : len(candidates)] = final[places]
        return order, scores

    def _score(self, query: int, candidates: Sequence[int], counter: Counter) -> np.ndarray:
        known = self._scores[query]
        new = [candidate for candidate in candidates if candidate not in known]
        counter.advance(len(candidates) - len(new))
        resident = self.scorer.resident(self._query_features(query)) if new else None
        for start in range(0, len(new), AT_ONCE):
            batch = new[start : start + AT_ONCE]
            features = [self.scorer.resident(self._database_features(row)) for row in batch]
            known.update(zip(batch, self.scorer.score(resident, features).tolist(), strict=True))
            counter.advance(len(batch))
        return np.array([known[candidate] for candidate in candidates], np.float32)
