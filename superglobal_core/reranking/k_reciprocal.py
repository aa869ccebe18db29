"""Reranking by k-reciprocal encoding: images are alike that have the same mutual neighbours."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from superglobal_core.reranking.base import Reranker
from superglobal_core.reranking.parameters import number, whole_number
from superglobal_core.reranking.shortlist_graph import gram
from superglobal_core.search.topk import top_k


class KReciprocal(Reranker):
    """Rerank by the Jaccard distance of k-reciprocal neighbourhoods, mixed with the original distance.

    k1: how many neighbours are asked for reciprocity; k2: how many nearest encodings are averaged
    (local query expansion; 1 for none); lambda_value: the weight of the original distance. The
    graph has the query and its shortlist as nodes. Shapes, dtypes and errors: see `Reranker`;
    a score is the negative distance.

    With N(p, k) the node itself and its k nearest others, and R(p, k) those q of N(p, k) with p in
    N(q, k): R*(p, k1) joins to R(p, k1) every R(q, k1 / 2) of a member q that lies in it by two
    thirds; an encoding has exp(-d) at its members, d = 2 - 2 cos the squared Euclidean distance.
    The authors' program also divides d by the largest of each row and each encoding by its sum,
    and lets only more than two thirds join; here the paper's equations hold.

    Source: Zhong, Zheng, Cao and Li, Re-ranking person re-identification with k-reciprocal
    encoding, CVPR 2017, equations 2 to 12; k1 = 20, k2 = 6 and lambda = 0.3 are its section 4.

    >>> import numpy as np
    >>> database = np.eye(3, dtype=np.float32)
    >>> order, scores = KReciprocal()(database[:1], database)
    >>> order
    array([[0, 1, 2]])
    """

    name: ClassVar[str] = "k-reciprocal"

    def __init__(self, shortlist: int = 400, k1: int = 20, k2: int = 6, lambda_value: float = 0.3) -> None:
        super().__init__(shortlist)
        self.k1 = whole_number("k1", k1, least=1)
        self.k2 = whole_number("k2", k2, least=1)
        self.lambda_value = number("lambda_value", lambda_value, least=0, most=1)

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "shortlist": self.shortlist,
            "k1": self.k1,
            "k2": self.k2,
            "lambda_value": self.lambda_value,
        }

    def rerank(self, queries: Tensor, candidates: Tensor) -> Tensor:
        similarities = gram(torch.cat([queries.unsqueeze(1), candidates], dim=1))
        batch, count, _ = similarities.shape
        # Each node is its own first neighbour, whatever rounding makes of 1.
        similarities.diagonal(dim1=1, dim2=2).fill_(torch.inf)
        places = max(self.k1 + 1, self.k2)
        ranked = top_k(similarities.view(batch * count, count), places)[1].view(batch, count, -1)
        similarities.diagonal(dim1=1, dim2=2).fill_(1)
        distances = (2 - 2 * similarities).clamp_(min=0)
        members = _expanded(ranked[:, :, : self.k1 + 1], ranked[:, :, : round(self.k1 / 2) + 1])
        encodings = torch.exp(-distances).masked_fill_(~members, 0)
        if self.k2 > 1:
            encodings = _averaged(encodings, ranked[:, :, : self.k2])
        shared = torch.minimum(encodings[:, :1], encodings[:, 1:]).sum(dim=2)
        sums = encodings.sum(dim=2)
        jaccard = 1 - shared / (sums[:, :1] + sums[:, 1:] - shared)
        return -((1 - self.lambda_value) * jaccard + self.lambda_value * distances[:, 0, 1:])


def _averaged(encodings: Tensor, nearest: Tensor) -> Tensor:
    """Return each node's mean of its nearest nodes' encodings: (B, N, N), (B, N, k2) -> (B, N, N)."""
    batch, count, places = nearest.shape
    starts = torch.arange(batch, device=nearest.device).view(-1, 1, 1) * count
    rows = (nearest + starts).view(batch * count, places)
    return embedding_bag(rows, encodings.view(batch * count, count), mode="mean").view(encodings.shape)


def _reciprocal(ranked: Tensor) -> Tensor:
    """Return which of each node's k neighbours have it among their own: (B, N, k) -> bool (B, N, k)."""
    near = _marked(ranked, torch.ones_like(ranked, dtype=torch.bool))
    return near.transpose(1, 2).gather(2, ranked)


def _marked(columns: Tensor, valid: Tensor) -> Tensor:
    """Return (B, N, N): true at the valid columns, and at each node itself, whose columns are a row."""
    batch, count, _ = columns.shape
    marks = torch.zeros(batch, count, count, dtype=torch.bool, device=columns.device)
    return marks.scatter_(2, _or_itself(columns, valid), True)


def _or_itself(columns: Tensor, valid: Tensor) -> Tensor:
    # A node is in all its own sets, so it stands in for what is not in them.
    itself = torch.arange(columns.shape[1], device=columns.device).view(1, -1, 1)
    return torch.where(valid, columns, itself)


def _expanded(ranked: Tensor, ranked_half: Tensor) -> Tensor:
    """Return the membership of R*: the k1 and k1 / 2 nearest, (B, N, k + 1) each -> bool (B, N, N)."""
    batch, count, _ = ranked.shape
    valid, valid_half = _reciprocal(ranked), _reciprocal(ranked_half)
    members = _marked(ranked, valid)
    expanded = members.clone()
    sizes = valid_half.sum(dim=2)
    for place in range(ranked.shape[2]):
        # The member q at this place of every node's list, and R(q, k1 / 2).
        q = ranked[:, :, place].view(batch, count, 1).expand(-1, -1, ranked_half.shape[2])
        theirs, valid_theirs = ranked_half.gather(1, q), valid_half.gather(1, q)
        inside = (members.gather(2, theirs) & valid_theirs).sum(dim=2)
        joins = valid[:, :, place] & (3 * inside >= 2 * sizes.gather(1, q[:, :, 0]))
        expanded.scatter_(2, _or_itself(theirs, valid_theirs & joins.unsqueeze(2)), True)
    return expanded
