"""CVNet-Rerank, one pair at a time, written straight from its definition: what the fast one is held against."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

SCALES = (0.25, 0.5, 1.0)
# Out channels do not matter here: the weights say them. (block, layer, kernel, stride)
LAYERS = (
    ("block1", 0, 5, 2),
    ("block2", 0, 3, 1),
    ("block2", 1, 3, 2),
    ("block3", 0, 3, 1),
    ("block3", 1, 3, 1),
    ("block3", 2, 3, 2),
    ("block4", 0, 3, 1),
    ("block4", 1, 3, 1),
    ("block4", 2, 3, 1),
)


def plain_score(weights: Mapping[str, Tensor], query: Tensor, key: Tensor) -> float:
    """Score one pair of maps (C, h, w) with weights named as in a checkpoint."""
    x = correlations(weights, query, key).relu()
    for block, layer, kernel, stride in LAYERS:
        name = f"cv_learner.{block}.{3 * layer}"
        x = centre_pivot(weights, name, x, kernel, stride)
        norm = f"cv_learner.{block}.{3 * layer + 1}"
        x = F.group_norm(x[None], 4, weights[norm + ".weight"], weights[norm + ".bias"])[0].relu()
    pooled = x.mean(dim=(1, 2, 3, 4))
    hidden = F.linear(pooled, weights["cv_learner.mlp.0.weight"], weights["cv_learner.mlp.0.bias"]).relu()
    logits = F.linear(hidden, weights["cv_learner.mlp.2.weight"], weights["cv_learner.mlp.2.bias"])
    return float(logits.softmax(dim=0)[1])


def pyramid(weights: Mapping[str, Tensor], image: Tensor) -> list[Tensor]:
    """Return a map (C, h, w) at the three scales, each convolved: (256, h_t, w_t)."""
    levels = []
    for number, scale in enumerate(SCALES):
        size = [round(side * math.sqrt(scale)) for side in image.shape[-2:]]
        resized = F.interpolate(image[None], size, mode="bilinear", align_corners=True)
        levels.append(F.conv2d(resized, weights[f"conv2ds.{number}.weight"], padding=1)[0])
    return levels


def correlations(weights: Mapping[str, Tensor], query: Tensor, key: Tensor) -> Tensor:
    """Return the nine correlations of two maps, each at full size: (9, hq, wq, hk, wk)."""
    (hq, wq), (hk, wk) = query.shape[-2:], key.shape[-2:]
    stack = []
    for a in pyramid(weights, query):
        for b in pyramid(weights, key):
            flat_a, flat_b = a.flatten(1), b.flatten(1)
            cosine = (flat_a.T @ flat_b) / (flat_a.norm(dim=0)[:, None] * flat_b.norm(dim=0) + 1e-8)
            # The query axes first: every key position is a channel of an image over the query axes.
            over_query = cosine.T.reshape(1, -1, *a.shape[-2:])
            over_query = F.interpolate(over_query, (hq, wq), mode="bilinear", align_corners=True)
            over_key = over_query.flatten(2)[0].T.reshape(1, hq * wq, *b.shape[-2:])
            over_key = F.interpolate(over_key, (hk, wk), mode="bilinear", align_corners=True)
            stack.append(over_key.view(hq, wq, hk, wk))
    return torch.stack(stack)


def centre_pivot(weights: Mapping[str, Tensor], name: str, x: Tensor, kernel: int, stride: int) -> Tensor:
    """Convolve (C, hq, wq, hk, wk) over the query axes and over the key axes, and add the two."""
    channels = len(x)
    over_query = x[:, :, :, ::stride, ::stride]
    hk, wk = over_query.shape[-2:]
    over_query = over_query.permute(3, 4, 0, 1, 2).reshape(hk * wk, channels, *x.shape[1:3])
    first = F.conv2d(
        over_query, weights[f"{name}.conv1.weight"], weights[f"{name}.conv1.bias"], stride, kernel // 2
    )
    over_key = x[:, ::stride, ::stride]
    hq, wq = over_key.shape[1:3]
    over_key = over_key.permute(1, 2, 0, 3, 4).reshape(hq * wq, channels, *x.shape[3:])
    second = F.conv2d(
        over_key, weights[f"{name}.conv2.weight"], weights[f"{name}.conv2.bias"], stride, kernel // 2
    )
    out = first.shape[1]
    first = first.view(hk, wk, out, hq, wq).permute(2, 3, 4, 0, 1)
    return first + second.view(hq, wq, out, hk, wk).permute(2, 0, 1, 3, 4)
