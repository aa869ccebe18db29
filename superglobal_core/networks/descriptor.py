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
    """What follows the feature map in a checkpoint: the learned GeM exponent and the projection.

    Without `learned` (ImageNet's networks) the exponent is 3 and there is no projection.
    """

    def __init__(self, channels: int, dimension: int, learned: bool = True) -> None:
        super().__init__()
        self.pool = GeM(p=3.0, eps=1e-6, learnable=learned)
        self.fc: nn.Module = nn.Linear(channels, dimension) if learned else nn.Identity()


class Pooling(nn.Module):
    """From feature maps to a descriptor: a network's last steps, without weights of their own.

    Several of them can describe the same maps, so that a comparison of poolings pays for one backbone.

    >>> Pooling(DescriptorSettings()).widen(torch.rand(2, 8, 5, 4)).shape
    torch.Size([2, 8, 5, 4])
    """

    def __init__(self, settings: DescriptorSettings) -> None:
        super().__init__()
        self.settings = settings
        self.gem_plus = GeM(settings.gem_plus_p, eps=1e-8)
        self.regional_gem = RegionalGeM(settings.regional_p)
        self.scale_gem = ScaleGeM()

    @property
    def regional_exponent(self) -> float | None:
        """Regional-GeM's exponent, None without it: poolings that agree in it share `widen`."""
        return self.settings.regional_p if self.settings.regional_gem else None

    def widen(self, maps: Tensor) -> Tensor:
        """Average each position with its neighbourhood, where asked for: (B, C, h, w) -> the same."""
        return self.regional_gem(maps) if self.settings.regional_gem else maps

    def describe_map(self, widened: Tensor, head: Head) -> Tensor:
        """Pool and project one scale's maps: (B, C, h, w) -> (B, dimension), not normalised."""
        pooled = self.gem_plus(widened) if self.settings.gem_plus else head.pool(widened)
        if self.settings.inner_normalisation:
            pooled = F.normalize(pooled, dim=-1)
        return head.fc(pooled)

    def join_scales(self, stack: Tensor) -> Tensor:
        """Make one L2-normalised descriptor of those at all scales: (S, B, dimension) -> (B, dimension)."""
        if self.settings.scale_pooling == "max":
            pooled = self.scale_gem(stack)
        elif self.settings.scale_pooling == "mean":
            pooled = stack.mean(dim=0)
        else:
            pooled = F.normalize(stack, dim=-1).mean(dim=0)
        return F.normalize(pooled, dim=-1)


class GlobalDescriptor(nn.Module):
    """Images at several scales -> one L2-normalised descriptor an image.

    The input is a list with one tensor (B, 3, H_s, W_s) a scale, normalised, in BGR order; the
    output is (B, dimension) in float32. The pooling runs in float32 whatever the backbone's
    precision: powers of 4.6 leave half precision's range. `dimension` counts a descriptor's numbers.

    Source: SuperGlobal, section 3 and its release; CVNet-Global with the preset `cvnet-global`.

    >>> network = GlobalDescriptor("mini").eval()
    >>> network([torch.rand(2, 3, 96, 128)]).shape
    torch.Size([2, 256])
    """

    def __init__(self, backbone: str, settings: DescriptorSettings | None = None) -> None:
        super().__init__()
        self.settings = settings = settings or DescriptorSettings()
        self.backbone = Backbone(backbone, settings.relup, settings.relup_alpha)
        sizes = architecture(backbone)
        self.dimension = sizes.dimension
        self.head = Head(self.backbone.channels, sizes.dimension, learned=sizes.layout == "cvnet")
        self.pooling = Pooling(settings)

    def feature_map(self, images: Tensor) -> Tensor:
        """Return the last feature map in float32: (B, 3, H, W) -> (B, C, H/32, W/32)."""
        return self.backbone(images.to(self.backbone.conv1.weight.dtype)).float()

    def describe_scale(self, images: Tensor) -> Tensor:
        """Describe images at one scale: (B, 3, H, W) -> (B, dimension), not normalised."""
        return self.pooling.describe_map(self.pooling.widen(self.feature_map(images)), self.head)

    def describe(self, scaled_images: Sequence[Tensor], poolings: Sequence[Pooling]) -> list[Tensor]:
        """Describe images once for each pooling, with one pass through the backbone.

        The poolings' own scales, resizing and ReLUP are not looked at: those of this network hold.

        >>> network = GlobalDescriptor("mini").eval()
        >>> plain = Pooling(DescriptorSettings(regional_gem=False))
        >>> [len(rows) for rows in network.describe([torch.rand(2, 3, 96, 96)], [network.pooling, plain])]
        [2, 2]
        """
        stacks: list[list[Tensor]] = [[] for _ in poolings]
        for images in scaled_images:
            maps = self.feature_map(images)
            widened: dict[float | None, Tensor] = {}
            for pooling, stack in zip(poolings, stacks, strict=True):
                exponent = pooling.regional_exponent
                if exponent not in widened:
                    widened[exponent] = pooling.widen(maps)
                stack.append(pooling.describe_map(widened[exponent], self.head))
        return [
            pooling.join_scales(torch.stack(stack)) for pooling, stack in zip(poolings, stacks, strict=True)
        ]

    def forward(self, scaled_images: Sequence[Tensor]) -> Tensor:
        return self.describe(scaled_images, [self.pooling])[0]
