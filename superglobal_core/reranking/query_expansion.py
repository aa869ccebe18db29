"""Query expansion: the query joined by its best candidates, and the shortlist scored anew."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from superglobal_core.reranking.base import Reranker, similarity
from superglobal_core.reranking.parameters import number, whole_number
from superglobal_core.reranking.shortlist_graph import power_weights


class AverageQueryExpansion(Reranker):
    """Rerank by the similarity to the mean of the query and its best candidates, L2-normalised.

    neighbours: n, how many of the first candidates join the query. Shapes, dtypes and errors: see
    `Reranker`. The classical method searches the whole database anew with the expanded query;
    here, like every method, it puts the shortlist into a new order.

    Source: Chum, Philbin, Sivic, Isard and Zisserman, Total Recall, ICCV 2007 (average query
    expansion, there of spatially verified results). n = 10 is customary for global descriptors.

    >>> import numpy as np
    >>> database = np.eye(3, dtype=np.float32)
    >>> order, scores = AverageQueryExpansion(neighbours=1)(database[:1], database)
    >>> order
    array([[0, 1, 2]])
    """

    name: ClassVar[str] = "average-qe"

    def __init__(self, shortlist: int = 400, neighbours: int = 10) -> None:
        super().__init__(shortlist)
        self.neighbours = whole_number("neighbours", neighbours, least=0)

    @property
    def parameters(self) -> dict[str, Any]:
        return {"shortlist": self.shortlist, "neighbours": self.neighbours}

    def rerank(self, queries: Tensor, candidates: Tensor) -> Tensor:
        # The direction of the sum is that of the mean.
        expanded = normalize(queries + candidates[:, : self.neighbours].sum(dim=1), dim=1)
        return similarity(expanded, candidates)


class AlphaQueryExpansion(Reranker):
    """Rerank by the similarity to the query plus its best candidates, each weighted by its
    similarity to the power of alpha, L2-normalised.

    neighbours: n, how many of the first candidates join the query; alpha: the exponent (0 gives
    the average query expansion). A candidate of negative similarity has no weight. Shapes, dtypes
    and errors: see `Reranker`; restricted to the shortlist like `AverageQueryExpansion`.

    Source: Radenovic, Tolias and Chum, Fine-tuning CNN image retrieval with no human annotation,
    TPAMI 2018, alpha-weighted query expansion; its alpha = 3 and n = 50.

    >>> AlphaQueryExpansion().parameters
    {'shortlist': 400, 'neighbours': 50, 'alpha': 3.0}
    """

    name: ClassVar[str] = "alpha-qe"

    def __init__(self, shortlist: int = 400, neighbours: int = 50, alpha: float = 3.0) -> None:
        super().__init__(shortlist)
        self.neighbours = whole_number("neighbours", neighbours, least=0)
        self.alpha = number("alpha", alpha, least=0)

    @property
    def parameters(self) -> dict[str, Any]:
        return {"shortlist": self.shortlist, "neighbours": self.neighbours, "alpha": self.alpha}

    def rerank(self, queries: Tensor, candidates: Tensor) -> Tensor:
        best = candidates[:, : self.neighbours]
        weights = power_weights(similarity(queries, best), self.alpha)
        added = torch.bmm(weights.unsqueeze(1), best).squeeze(1)
        return similarity(normalize(queries + added, dim=1), candidates)
