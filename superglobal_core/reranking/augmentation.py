"""Database-side augmentation: each candidate joined by its neighbours."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from superglobal_core.reranking.base import Reranker, similarity
from superglobal_core.reranking.parameters import number, whole_number
from superglobal_core.reranking.shortlist_graph import gram, nearest_others, power_weights


class DatabaseAugmentation(Reranker):
    """Rerank by the similarity to augmented candidates: each replaced by the sum of itself and its
    nearest other candidates, weighted by their similarity to the power of alpha, L2-normalised.

    neighbours: how many others join a candidate; alpha: the exponent (0 weights all alike).
    Neighbours of negative similarity have no weight. Shapes, dtypes and errors: see `Reranker`.

    The classical method augments the whole database once, offline, and searches that; here the
    neighbours are sought among the shortlist when the query comes, as SuperGlobal does. The
    augmented descriptors are never made: with r_i = sum_j w_ij g_j both q . r_i and |r_i|^2 =
    sum_jk w_ij w_ik s_jk need only the similarities.

    Source: Turcot and Lowe, 2009, and Arandjelovic and Zisserman, CVPR 2012 (augmentation by
    neighbours); Gordo, Almazan, Revaud and Larlus, IJCV 2017, section 5 (weighted, on global
    descriptors; 20 neighbours); the weights s^alpha with alpha = 3 are those of Radenovic,
    Tolias and Chum, TPAMI 2018.

    >>> import numpy as np
    >>> database = np.eye(3, dtype=np.float32)
    >>> order, scores = DatabaseAugmentation()(database[:1], database)
    >>> order
    array([[0, 1, 2]])
    """

    name: ClassVar[str] = "dba"

    def __init__(self, shortlist: int = 400, neighbours: int = 20, alpha: float = 3.0) -> None:
        super().__init__(shortlist)
        self.neighbours = whole_number("neighbours", neighbours, least=0)
        self.alpha = number("alpha", alpha, least=0)

    @property
    def parameters(self) -> dict[str, Any]:
        return {"shortlist": self.shortlist, "neighbours": self.neighbours, "alpha": self.alpha}

    def rerank(self, queries: Tensor, candidates: Tensor) -> Tensor:
        batch, count, _ = candidates.shape
        similarities = gram(candidates)
        own = similarities.diagonal(dim1=1, dim2=2).clone()
        nearest, near = nearest_others(similarities, self.neighbours)
        similarities.diagonal(dim1=1, dim2=2).copy_(own)
        itself = torch.arange(count, device=queries.device).view(1, count, 1).expand(batch, -1, -1)
        members = torch.cat([itself, nearest], dim=2)
        weights = torch.cat([near.new_ones(batch, count, 1), power_weights(near, self.alpha)], dim=2)
        flat = similarities.view(batch, count * count)
        norms = near.new_zeros(batch, count)
        for member in range(members.shape[2]):
            # One member after the other: all pairs at once would be (K + 1)^2 numbers a candidate.
            pairs = (members[:, :, member : member + 1] * count + members).view(batch, -1)
            products = flat.gather(1, pairs).view(members.shape)
            norms += weights[:, :, member] * (weights * products).sum(dim=2)
        to_query = similarity(queries, candidates).gather(1, members.view(batch, -1)).view(members.shape)
        return (weights * to_query).sum(dim=2) / norms.clamp(min=1e-24).sqrt()
