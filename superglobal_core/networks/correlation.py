"""CVNet-Rerank's network: from two feature maps to how likely they show the same landmark."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from superglobal_core.errors import UserError
from superglobal_core.networks.centre_pivot import CentrePivotConv, CorrelationConv, Pyramids

SCALES = (0.25, 0.5, 1.0)
CHANNELS = 256
GROUPS = 4

# Each layer's out channels, kernel and stride.
BLOCKS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "block1": ((16, 5, 2),),
    "block2": ((16, 3, 1), (32, 3, 2)),
    "block3": ((32, 3, 1), (32, 3, 1), (64, 3, 2)),
    "block4": ((64, 3, 1), (64, 3, 1), (128, 3, 1)),
}


class CorrelationNetwork(nn.Module):
    """Score pairs of stage-3 maps (see `FeatureMaps`) between 0 and 1; for inference only.

    `prepare` does what depends on one image alone; calling the network scores one prepared query
    against B prepared keys of one map size. Parameter names are CVNet's. A new network has random
    weights drawn from `seed`, and `trained` is False until `load_correlation` has filled it.

    A cosine is the product of unit descriptors here, where the release adds 1e-8 to the product of
    the lengths: the same but for descriptors of no length.

    Source: CVNet (Lee et al., CVPR 2022), section 3, as released.

    >>> network = CorrelationNetwork(in_channels=8)
    >>> query, key = network.prepare(torch.rand(8, 6, 5)), network.prepare(torch.rand(8, 4, 7))
    >>> network(query, Pyramids.stack([key, key])).shape
    torch.Size([2])
    """

    def __init__(self, in_channels: int = 1024, seed: int = 0) -> None:
        super().__init__()
        self.in_channels, self.trained = in_channels, False
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.conv2ds = nn.ModuleList(
                nn.Conv2d(in_channels, CHANNELS, 3, padding=1, bias=False) for _ in SCALES
            )
            self.cv_learner = Learner()
        self.to(memory_format=torch.channels_last)
        self.eval().requires_grad_(False)

    @property
    def dtype(self) -> torch.dtype:
        """The precision it computes in: that of its weights."""
        return self.cv_learner.dtype

    @torch.no_grad()
    def prepare(self, image: Tensor) -> Pyramids:
        """Make a map's descriptors at each scale: (in_channels, h, w) -> Pyramids of one image.

        Sides are rounded to at least 1 position. Normalised in float32 at least, kept in the network's dtype.

        Raises:
            UserError: when the map has another shape or no position.
        """
        if image.dim() != 3 or len(image) != self.in_channels or image.numel() == 0:
            raise UserError(
                f"a feature map for this correlation network is {self.in_channels} x height x width, not "
                f"{' x '.join(map(str, image.shape))}: extract the maps with the same backbone"
            )
        h, w = image.shape[1:]
        whole = image[None].to(self.dtype).contiguous(memory_format=torch.channels_last)
        levels, points = [], []
        for scale, conv in zip(SCALES, self.conv2ds, strict=True):
            size = [max(1, round(side * math.sqrt(scale))) for side in (h, w)]
            unit = F.normalize(_at_least_float32(conv(_resize(whole, size))), dim=1)
            levels.append(unit.permute(0, 2, 3, 1).to(self.dtype).contiguous())
            every_second = _resize(unit, [h, w])[:, :, ::2, ::2]
            points.append(every_second.flatten(2).transpose(1, 2).to(self.dtype))
        return Pyramids((h, w), tuple(levels), torch.stack(points, dim=2))

    @torch.no_grad()
    def forward(self, query: Pyramids, keys: Pyramids) -> Tensor:
        """Score a query (N = 1) against B keys: (B,), float32 (float64 for a network of float64)."""
        return _at_least_float32(self.cv_learner(query, keys)).softmax(dim=1)[:, 1]


class Learner(nn.Module):
    """The 4-D part: blocks of centre-pivot convolutions, GroupNorm and ReLU, the mean, two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        channels = 0
        for name, layers in BLOCKS.items():
            block: list[nn.Module] = []
            for out_channels, kernel, stride in layers:
                if channels:
                    conv = CentrePivotConv(channels, out_channels, kernel, stride)
                else:
                    conv = CorrelationConv(len(SCALES), out_channels, kernel)
                block += [conv, ChannelsLastGroupNorm(GROUPS, out_channels), nn.ReLU(inplace=True)]
                channels = out_channels
            self.add_module(name, nn.Sequential(*block))
        self.mlp = nn.Sequential(nn.Linear(channels, 128), nn.ReLU(), nn.Linear(128, 2))

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the weights."""
        return next(self.parameters()).dtype

    def forward(self, query: Pyramids, keys: Pyramids) -> Tensor:
        """Return the two classes' logits of a query (N = 1) with B keys: (B, 2)."""
        first, *rest = (layer for name in BLOCKS for layer in self.get_submodule(name).children())
        assert isinstance(first, CorrelationConv)
        x = first.correlate(query, keys)
        for layer in rest:
            x = layer(x)
        # Summed in float32 at least: half precision loses the sum of thousands of positions.
        mean = x.mean(dim=(1, 2, 3, 4), dtype=torch.promote_types(x.dtype, torch.float32))
        return self.mlp(mean.to(x.dtype))


class ChannelsLastGroupNorm(nn.GroupNorm):
    """GroupNorm of tensors whose channels come last: (B, hk, wk, hq, wq, C), same shape out."""

    def forward(self, x: Tensor) -> Tensor:
        folded = x.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)
        return super().forward(folded).permute(0, 2, 3, 1).contiguous().view(x.shape)


def _at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _resize(maps: Tensor, size: list[int]) -> Tensor:
    if list(maps.shape[-2:]) == size:
        return maps
    return F.interpolate(maps, size, mode="bilinear", align_corners=True)
