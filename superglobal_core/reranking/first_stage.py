"""No reranking: the first stage's order, for comparison in the same tables."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from superglobal_core.reranking.base import Reranker, similarity


class FirstStage(Reranker):
    """Keep the shortlist as the search ordered it; scores are the similarities to the query."""

    name: ClassVar[str] = "none"

    def rerank(self, queries: Tensor, candidates: Tensor) -> Tensor:
        # Computed here the similarities may differ from the search's in the last bit; they must
        # not change its order for that.
        return similarity(queries, candidates).cummin(dim=1).values
