"""The global descriptor: backbone, pooling and head over several scales of an image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from superglobal_core.networks.backbone import Backbone, architecture
from superglobal_core.networks.pooling import GeM, RegionalGeM, ScaleGeM
from superglobal_core.networks.settings import DescriptorSettings


class Head(nn.Module):
    """What follows the feature map in a checkpoint: the learned GeM exponent and the projection."""

    def __init__(self, channels: int, dimension: int) -> None:
        super().__init__()
        self.pool = GeM(p=3.0, eps=1e-6, learnable=True)
        self.fc = nn.Linear(channels, dimension)


class GlobalDescriptor(nn.Module):
    """Images at several scales -> one L2-normalised descriptor an image.

    The input is a list with one tensor (B, 3, H_s, W_s) a scale, normalised, in BGR order; the
    output is (B, dimension) in float32. The pooling runs in float32 whatever the backbone's
    precision: powers of 4.6 leave half precision's range.

    Source: SuperGlobal, section 3 and its release; CVNet-Global with the preset `cvnet-global`.

    >>> network = GlobalDescriptor("mini").eval()
    >>> network([torch.rand(2, 3, 96, 128)]).shape
    torch.Size([2, 256])
    """

    def __init__(self, backbone: str, settings: DescriptorSettings | None = None) -> None:
        super().__init__()
        self.settings = settings = settings or DescriptorSettings()
        self.backbone = Backbone(backbone, settings.relup, settings.relup_alpha)
        self.head = Head(self.backbone.channels, architecture(backbone).dimension)
        self.gem_plus = GeM(settings.gem_plus_p, eps=1e-8)
        self.regional_gem = RegionalGeM(settings.regional_p)
        self.scale_gem = ScaleGeM()

    @property
    def dimension(self) -> int:
        """Numbers in a descriptor."""
        return self.head.fc.out_features

    def describe_scale(self, images: Tensor) -> Tensor:
        """Describe images at one scale: (B, 3, H, W) -> (B, dimension), not normalised."""
        weight = self.backbone.conv1.weight
        maps = self.backbone(images.to(weight.dtype)).float()
        if self.settings.regional_gem:
            maps = self.regional_gem(maps)
        pooled = self.gem_plus(maps) if self.settings.gem_plus else self.head.pool(maps)
        if self.settings.inner_normalisation:
            pooled = F.normalize(pooled, dim=-1)
        return self.head.fc(pooled)

    def forward(self, scaled_images: Sequence[Tensor]) -> Tensor:
        stack = torch.stack([self.describe_scale(images) for images in scaled_images])
        if self.settings.scale_pooling == "max":
            pooled = self.scale_gem(stack)
        elif self.settings.scale_pooling == "mean":
            pooled = stack.mean(dim=0)
        else:
            pooled = F.normalize(stack, dim=-1).mean(dim=0)
        return F.normalize(pooled, dim=-1)
