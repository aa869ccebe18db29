"""Diffusion: similarity spread along the shortlist's graph of mutual neighbours."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from superglobal_core.reranking.base import Reranker, similarity
from superglobal_core.reranking.parameters import number, whole_number
from superglobal_core.reranking.shortlist_graph import gram, nearest_others, power_weights
from superglobal_core.search.topk import best_columns


class Diffusion(Reranker):
    """Rerank by diffusion: solve (I - alpha S) f = y on the graph of the shortlist.

    neighbours: k of the mutual nearest neighbours that are joined; query_neighbours: k_q, how many
    candidates the query excites; gamma: the exponent of similarities as affinities; alpha: how far
    the excitement spreads, below 1; iterations: the most steps of the conjugate gradients, which
    end when the residual is `tolerance` times |y|. Shapes, dtypes and errors: see `Reranker`.

    A_ij = s_ij^gamma for mutual neighbours and 0 elsewhere, S = D^-1/2 A D^-1/2, y_i = s_qi^gamma
    for the query's nearest. Candidates that nothing reaches score exactly 0 and keep their order.
    The authors' graph is that of the whole database, made offline; here it is made of the
    shortlist when the query comes (their truncated diffusion).

    Source: Iscen, Tolias, Avrithis, Furon and Chum, Efficient diffusion on region manifolds, CVPR
    2017, sections 3 and 4; gamma = 3, alpha = 0.99, k = 50, k_q = 10 and 20 steps are theirs.

    >>> import numpy as np
    >>> database = np.eye(3, dtype=np.float32)
    >>> order, scores = Diffusion()(database[:1], database)
    >>> scores
    array([[1., 0., 0.]], dtype=float32)
    """

    name: ClassVar[str] = "diffusion"

    def __init__(
        self,
        shortlist: int = 400,
        neighbours: int = 50,
        query_neighbours: int = 10,
        alpha: float = 0.99,
        gamma: float = 3.0,
        iterations: int = 20,
        tolerance: float = 1e-6,
    ) -> None:
        super().__init__(shortlist)
        self.neighbours = whole_number("neighbours", neighbours, least=1)
        self.query_neighbours = whole_number("query_neighbours", query_neighbours, least=1)
        self.alpha = number("alpha", alpha, least=0, most=1, open_end=True)
        self.gamma = number("gamma", gamma, least=0)
        self.iterations = whole_number("iterations", iterations, least=1)
        self.tolerance = number("tolerance", tolerance, least=0)

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "shortlist": self.shortlist,
            "neighbours": self.neighbours,
            "query_neighbours": self.query_neighbours,
            "alpha": self.alpha,
            "gamma": self.gamma,
            "iterations": self.iterations,
            "tolerance": self.tolerance,
        }

    def rerank(self, queries: Tensor, candidates: Tensor) -> Tensor:
        transitions = mutual_graph(gram(candidates), self.neighbours, self.gamma)
        to_query = similarity(queries, candidates)
        excited = best_columns(to_query, min(self.query_neighbours, to_query.shape[1]))
        weights = power_weights(to_query.gather(1, excited), self.gamma)
        source = torch.zeros_like(to_query).scatter_(1, excited, weights)
        return conjugate_gradients(transitions, source, self.alpha, self.iterations, self.tolerance)


def mutual_graph(similarities: Tensor, neighbours: int, gamma: float) -> Tensor:
    """Return S, the normalised affinities of mutual nearest neighbours: (B, M, M) -> (B, M, M).

    similarities is changed in place. A candidate without mutual neighbours has a row of zeros.

    >>> mutual_graph(torch.tensor([[[1.0, 0.5], [0.5, 1.0]]]), neighbours=1, gamma=2)
    tensor([[[0., 1.],
             [1., 0.]]])
    """
    nearest, near = nearest_others(similarities, neighbours)
    directed = torch.zeros_like(similarities).scatter_(2, nearest, power_weights(near, gamma))
    # Where only one of two is the other's neighbour, the minimum is 0.
    affinities = torch.minimum(directed, directed.transpose(1, 2))
    scale = affinities.sum(dim=2).rsqrt()
    scale.masked_fill_(torch.isinf(scale), 0)
    return affinities.mul_(scale.unsqueeze(1)).mul_(scale.unsqueeze(2))


def conjugate_gradients(
    transitions: Tensor, source: Tensor, alpha: float, iterations: int, tolerance: float
) -> Tensor:
    """Solve (I - alpha S) f = y for each batch: S (B, M, M), symmetric, y (B, M) -> f (B, M).

    Each batch ends when its residual is at most tolerance * |y|, whatever the others do.

    Source: Hestenes and Stiefel, 1952.

    >>> conjugate_gradients(torch.tensor([[[0.0, 1.0], [1.0, 0.0]]]), torch.ones(1, 2), 0.5, 20, 1e-6)
    tensor([[2., 2.]])
    """
    solution = torch.zeros_like(source)
    residual, direction = source.clone(), source.clone()
    square = (residual * residual).sum(dim=1, keepdim=True)
    enough = square * tolerance**2
    for _ in range(iterations):
        # Written so that NaN goes on, and is seen in the result.
        going = ~(square <= enough)
        if not bool(going.any()):
            break
        image = direction - alpha * torch.bmm(transitions, direction.unsqueeze(2)).squeeze(2)
        step = torch.where(going, square / (direction * image).sum(dim=1, keepdim=True), 0)
        solution = solution + step * direction
        residual = residual - step * image
        new = (residual * residual).sum(dim=1, keepdim=True)
        direction = torch.where(going, residual + new / square * direction, direction)
        square = torch.where(going, new, square)
    return solution
