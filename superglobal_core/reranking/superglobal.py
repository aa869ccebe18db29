"""SuperGlobal's reranking by descriptor refinement, in its sparse form."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from superglobal_core.reranking.base import Reranker, similarity
from superglobal_core.reranking.parameters import number, whole_number
from superglobal_core.reranking.shortlist_graph import gram, nearest_others
from superglobal_core.search.topk import best_columns


class SuperGlobalReranker(Reranker):
    """Rerank a shortlist with global descriptors alone: refine each candidate by its neighbours,
    expand the query by the best refined ones, and average the similarities to both.

    shortlist: M, how many candidates are reranked; neighbours: K, how many others refine a
    candidate and expand the query with its best; beta: the weight of a neighbour of similarity 1.
    Shapes, dtypes and errors: see `Reranker`. Computed in float32 (float64 for float64 inputs).

    With the row-normalised sparse matrix A (M x M, K + 1 entries a row) of neighbour weights, the
    refined descriptors are R = A G and enter only linearly but for K + 1 of them: s1 = A (G q),
    s2 = A (G e). So R is never made, and one product G G^T a query is nearly all the work.

    Source: SuperGlobal, ICCV 2023, section 3.5, as released (M = 400, K = 9, beta = 0.15): the
    query is not among the candidates' neighbours and refined descriptors are not normalised.

    >>> import numpy as np
    >>> database = np.eye(4, dtype=np.float32)
    >>> order, scores = SuperGlobalReranker(shortlist=3)(database[:1], database)
    >>> order
    array([[0, 1, 2]])
    """

    name: ClassVar[str] = "superglobal"

    def __init__(self, shortlist: int = 400, neighbours: int = 9, beta: float = 0.15) -> None:
        super().__init__(shortlist)
        self.neighbours = whole_number("neighbours", neighbours, least=0)
        self.beta = number("beta", beta, least=0)

    @property
    def parameters(self) -> dict[str, Any]:
        return {"shortlist": self.shortlist, "neighbours": self.neighbours, "beta": self.beta}

    def rerank(self, queries: Tensor, candidates: Tensor) -> Tensor:
        refinement = Refinement(candidates, self.neighbours, self.beta)
        first = refinement.apply(similarity(queries, candidates))
        best = best_columns(first, min(self.neighbours + 1, first.shape[1]))
        expanded = refinement.refined(candidates, best).amax(dim=1)
        second = refinement.apply(similarity(expanded, candidates))
        return (first + second) / 2


class Refinement:
    """The sparse matrix A that refines candidates: row i holds 1 for i itself and beta * s_ij for
    its K nearest other candidates, divided by the row's sum.

    candidates: (B, M, D) of unit length. Of equally near candidates those earlier in the shortlist count.
    Source: SuperGlobal, section 3.5, equations of the refined descriptor.
    """

    def __init__(self, candidates: Tensor, neighbours: int, beta: float) -> None:
        batch, count, _ = candidates.shape
        nearest, similarities = nearest_others(gram(candidates), neighbours)
        weights = similarities * beta
        own = 1 / (1 + weights.sum(dim=2, keepdim=True))
        self.own = own.view(batch, count)
        self.neighbours = nearest
        self.weights = weights * own

    def apply(self, values: Tensor) -> Tensor:
        """Return A v for v (B, M)."""
        batch, count, nearest = self.neighbours.shape
        around = values.gather(1, self.neighbours.view(batch, count * nearest)).view(batch, count, nearest)
        return self.own * values + (self.weights * around).sum(dim=2)

    def refined(self, candidates: Tensor, rows: Tensor) -> Tensor:
        """Return chosen rows of A G: candidates (B, M, D), rows (B, T) -> (B, T, D)."""
        batch = torch.arange(len(rows), device=rows.device).unsqueeze(1)
        neighbours, weights = self.neighbours[batch, rows], self.weights[batch, rows]
        around = candidates[batch.unsqueeze(2), neighbours]
        own = self.own[batch, rows].unsqueeze(2) * candidates[batch, rows]
        return own + torch.einsum("btk,btkd->btd", weights, around)
