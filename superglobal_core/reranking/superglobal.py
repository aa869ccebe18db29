"""SuperGlobal's reranking by descriptor refinement, in its sparse form."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor

from superglobal_core.reranking.base import Reranker, similarity
from superglobal_core.reranking.parameters import choice, number, switch, whole_number
from superglobal_core.reranking.shortlist_graph import gram, nearest_others
from superglobal_core.search.topk import best_columns

ExpandAgainst = Literal["refined", "original"]


class SuperGlobalReranker(Reranker):
    """Rerank a shortlist with global descriptors alone: refine each candidate by its neighbours,
    expand the query by the best refined ones, and average the similarities to both.

    shortlist: M, how many candidates are reranked; neighbours: K, how many others refine a
    candidate and expand the query with its best; beta: the weight of a neighbour of similarity 1.
    Shapes, dtypes and errors: see `Reranker`. Computed in float32 (float64 for float64 inputs).

    Protocol switches, by default as released:
    query_neighbour: the paper's figure 4. The query joins the other candidates from which each
        candidate's K nearest are taken, and counts like them: with the weight beta times its
        similarity to the candidate. So each candidate still has K neighbours; among equally near
        ones the query comes last. The query is not refined, and the expanded query is made of
        refined candidates alone, as without the switch.
    normalise_refined: refined descriptors are brought to unit length again before they are compared
        with the query and with the expanded query, and before the expanded query is made of them.
    expand_against: what the expanded query is compared with, `refined` or `original` candidates.

    With the row-normalised sparse matrix A (M x M, K + 1 entries a row) of neighbour weights, the
    refined descriptors are R = A G and enter only linearly but for K + 1 of them: s1 = A (G q),
    s2 = A (G e). So R is never made, and one product G G^T a query is nearly all the work. As a
    neighbour the query is one more row of G; the length of a refined descriptor is found in
    S = G G^T, as |r_i|^2 = a_i S a_i^T.

    Source: SuperGlobal, ICCV 2023, section 3.5, as released (M = 400, K = 9, beta = 0.15): the
    query is not among the candidates' neighbours and refined descriptors are not normalised.

    >>> import numpy as np
    >>> database = np.eye(4, dtype=np.float32)
    >>> order, scores = SuperGlobalReranker(shortlist=3)(database[:1], database)
    >>> order
    array([[0, 1, 2]])
    """

    name: ClassVar[str] = "superglobal"

    def __init__(
        self,
        shortlist: int = 400,
        neighbours: int = 9,
        beta: float = 0.15,
        query_neighbour: bool = False,
        normalise_refined: bool = False,
        expand_against: ExpandAgainst = "refined",
    ) -> None:
        super().__init__(shortlist)
        self.neighbours = whole_number("neighbours", neighbours, least=0)
        self.beta = number("beta", beta, least=0)
        self.query_neighbour = switch("query_neighbour", query_neighbour)
        self.normalise_refined = switch("normalise_refined", normalise_refined)
        self.expand_against = choice("expand_against", expand_against, get_args(ExpandAgainst))

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "shortlist": self.shortlist,
            "neighbours": self.neighbours,
            "beta": self.beta,
            "query_neighbour": self.query_neighbour,
            "normalise_refined": self.normalise_refined,
            "expand_against": self.expand_against,
        }

    def rerank(self, queries: Tensor, candidates: Tensor) -> Tensor:
        count = candidates.shape[1]
        pool = torch.cat([candidates, queries.unsqueeze(1)], dim=1) if self.query_neighbour else candidates
        refinement = Refinement(pool, self.neighbours, self.beta, count, self.normalise_refined)
        first = refinement.apply(similarity(queries, pool))
        best = best_columns(first, min(self.neighbours + 1, count))
        expanded = refinement.refined(pool, best).amax(dim=1)
        if self.expand_against == "original":
            return (first + similarity(expanded, candidates)) / 2
        second = refinement.apply(similarity(expanded, pool))
        return (first + second) / 2


class Refinement:
    """The sparse matrix A that refines candidates: row i holds 1 for i itself and beta * s_ij for
    its K nearest others, divided by the row's sum.

    pool: (B, P, D) of unit length, the candidates and whatever else may be a neighbour. count: M, how
    many of them, the first ones, are candidates, all by default. normalise: divide each row by its refined
    descriptor's length too (one that vanishes is left as it is). Of equally near ones those earlier
    in the pool count.
    Source: SuperGlobal, section 3.5, equations of the refined descriptor.
    """

    def __init__(
        self, pool: Tensor, neighbours: int, beta: float, count: int | None = None, normalise: bool = False
    ) -> None:
        all_similarities = gram(pool)
        squares = all_similarities.diagonal(dim1=1, dim2=2).clone() if normalise else None
        nearest, similarities = nearest_others(all_similarities, neighbours)
        self._weigh(nearest[:, :count], similarities[:, :count], beta)
        if squares is not None:
            all_similarities.diagonal(dim1=1, dim2=2).copy_(squares)
            self._normalise(all_similarities)

    @classmethod
    def of(cls, neighbours: Tensor, similarities: Tensor, beta: float) -> Refinement:
        """Return the matrix of neighbours that are known: (B, M, K) rows of the pool and the similarities to them."""
        made = cls.__new__(cls)
        made._weigh(neighbours, similarities, beta)
        return made

    def _weigh(self, neighbours: Tensor, similarities: Tensor, beta: float) -> None:
        weights = similarities * beta
        own = 1 / (1 + weights.sum(dim=2, keepdim=True))
        self.neighbours = neighbours
        self.own = own.squeeze(2)
        self.weights = weights * own

    def _normalise(self, similarities: Tensor) -> None:
        batch, count, nearest = self.neighbours.shape
        rows = torch.arange(count, device=similarities.device).view(1, count, 1)
        # Row i's own entry and its neighbours': |r_i|^2 is the sum of w_ij w_ik s_jk over all pairs of them.
        columns = torch.cat([rows.expand(batch, -1, -1), self.neighbours], dim=2)
        weights = torch.cat([self.own.unsqueeze(2), self.weights], dim=2)
        which = torch.arange(batch, device=similarities.device).view(batch, 1, 1)
        squares = torch.zeros_like(self.own)
        for place in range(nearest + 1):  # one at a time: all pairs of many neighbours take much memory
            to_all = similarities[which, columns[:, :, place : place + 1], columns]
            squares += weights[:, :, place] * (weights * to_all).sum(dim=2)
        # What is nothing but rounding has no direction to be kept.
        length = torch.where(squares > torch.finfo(squares.dtype).eps, squares, 1.0).sqrt()
        self.own = self.own / length
        self.weights = self.weights / length.unsqueeze(2)

    def apply(self, values: Tensor) -> Tensor:
        """Return A v for v (B, P): (B, M)."""
        batch, count, nearest = self.neighbours.shape
        around = values.gather(1, self.neighbours.reshape(batch, count * nearest)).view(batch, count, nearest)
        return self.own * values[:, :count] + (self.weights * around).sum(dim=2)

    def refined(self, pool: Tensor, rows: Tensor) -> Tensor:
        """Return chosen rows of A G: the pool (B, P, D), rows (B, T) -> (B, T, D)."""
        batch = torch.arange(len(rows), device=rows.device).unsqueeze(1)
        neighbours, weights = self.neighbours[batch, rows], self.weights[batch, rows]
        around = pool[batch.unsqueeze(2), neighbours]
        own = self.own[batch, rows].unsqueeze(2) * pool[batch, rows]
        return own + torch.einsum("btk,btkd->btd", weights, around)
