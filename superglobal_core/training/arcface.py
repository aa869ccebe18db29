"""ArcFace: classification by angle with a margin, the loss that global descriptors are trained with."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ArcFace(nn.Module):
    """Cross entropy over scaled cosines, the true class's angle enlarged by a margin.

    descriptors (B, D), labels (B,) -> the mean loss, a scalar. `margin` is in radians and may be
    changed between steps; where angle + margin would pass pi the cosine is lowered linearly
    instead, so that the loss stays monotonic.

    Source: Deng et al., CVPR 2019.

    >>> loss = ArcFace(dimension=4, classes=3, margin=0.2, scale=16.0)
    >>> loss(torch.eye(4)[:2], torch.tensor([0, 2])).ndim
    0
    """

    def __init__(self, dimension: int, classes: int, margin: float, scale: float) -> None:
        super().__init__()
        self.margin, self.scale = margin, scale
        self.weight = nn.Parameter(torch.empty(classes, dimension))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, descriptors: Tensor, labels: Tensor) -> Tensor:
        cosine = F.linear(F.normalize(descriptors), F.normalize(self.weight)).clamp(-1 + 1e-6, 1 - 1e-6)
        own = cosine.gather(1, labels[:, None]).squeeze(1)
        sine = (1 - own * own).sqrt()
        enlarged = own * math.cos(self.margin) - sine * math.sin(self.margin)
        lowered = own - self.margin * math.sin(self.margin)
        target = torch.where(own > -math.cos(self.margin), enlarged, lowered)
        return F.cross_entropy(self.scale * cosine.scatter(1, labels[:, None], target[:, None]), labels)
