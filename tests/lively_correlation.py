"""A small correlation network of weights like trained ones' in size, and maps to compare."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from superglobal_core.networks.correlation import CorrelationNetwork


def lively_correlation(in_channels: int = 8, seed: int = 0) -> CorrelationNetwork:
    """Make a network of normally distributed weights that keep activations of order one."""
    network = CorrelationNetwork(in_channels, seed)
    rng = torch.Generator().manual_seed(seed)
    for tensor in network.state_dict().values():
        fan_in = tensor[0].numel() if tensor.dim() > 1 else 8
        tensor.copy_(torch.randn(tensor.shape, generator=rng) * (2 / fan_in) ** 0.5)
    return network


def smooth_map(seed: int, height: int, width: int, channels: int = 8) -> Tensor:
    """Make a map (channels, height, width) of a few regions, as photographs have them."""
    coarse = torch.randn(1, channels, 3, 3, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, (height, width), mode="bilinear", align_corners=True)[0]
