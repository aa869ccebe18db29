"""The graph of a shortlist: all similarities among its candidates, and each one's nearest others."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from superglobal_core.search.topk import best_columns

# On a CPU the product G G^T is made of its upper triangle in tiles of at least this many rows:
# a bit over half of the arithmetic, and tiles still large enough for the full speed.
TILE = 80


def gram(rows: Tensor) -> Tensor:
    """Return all dot products of each batch's rows: (B, M, D) -> (B, M, M).

    >>> gram(torch.tensor([[[1.0, 0.0], [0.6, 0.8]]]))[0, 0]
    tensor([1.0000, 0.6000])
    """
    count = rows.shape[1]
    tiles = min(5, count // TILE)
    if rows.device.type != "cpu" or tiles < 2:
        return torch.bmm(rows, rows.transpose(1, 2))
    out = rows.new_empty(len(rows), count, count)
    edges = [round(count * tile / tiles) for tile in range(tiles + 1)]
    for start, stop in itertools.pairwise(edges):
        strip = torch.bmm(rows[:, start:stop], rows[:, start:].transpose(1, 2))
        out[:, start:stop, start:] = strip
        out[:, stop:, start:stop] = strip[:, :, stop - start :].transpose(1, 2)
    return out


def nearest_others(similarities: Tensor, neighbours: int) -> tuple[Tensor, Tensor]:
    """Return each candidate's nearest other candidates and the similarities to them.

    similarities: (B, M, M), changed in place: the diagonal becomes -inf, so that none is its own
    neighbour, whatever rounding makes of 1. Returns two (B, M, K), int64 columns in no particular
    order and their similarities, K the lesser of `neighbours` and M - 1. Of equally near ones
    those earlier in the shortlist are taken.

    >>> nearest_others(torch.tensor([[[1.0, 0.6, 0.2], [0.6, 1.0, 0.9], [0.2, 0.9, 1.0]]]), 1)[0].flatten()
    tensor([1, 2, 1])
    """
    batch, count, _ = similarities.shape
    similarities.diagonal(dim1=1, dim2=2).fill_(-torch.inf)
    flat = similarities.view(batch * count, count)
    nearest = best_columns(flat, min(neighbours, count - 1))
    return nearest.view(batch, count, -1), flat.gather(1, nearest).view(batch, count, -1)


def power_weights(similarities: Tensor, exponent: float) -> Tensor:
    """Return similarities to the power of `exponent`; negative ones, which have no such power, become 0.

    >>> power_weights(torch.tensor([0.5, -0.5]), 2)
    tensor([0.2500, 0.0000])
    """
    return similarities.clamp(min=0).pow(exponent)
