"""Exact rewritings of a trained network: what training added is folded into the weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.networks.folded import affine_of


@torch.no_grad()
def fold_neck(network: GlobalDescriptor, neck: nn.BatchNorm1d) -> None:
    """Fold a batch normalisation without affine parameters, applied to descriptors, into `head.fc`."""
    scale, shift = affine_of(neck)
    fc = network.head.fc
    assert isinstance(fc, nn.Linear)
    fc.bias.copy_(fc.bias * scale + shift)
    fc.weight.copy_(fc.weight * scale[:, None])


@torch.no_grad()
def unit_length(network: GlobalDescriptor, batches: Sequence[Tensor]) -> float:
    """Scale stage 4 so that pooled vectors have length one on average, and fc to make up for it.

    The descriptors stay as they are. But the SuperGlobal preset normalises the pooled vector before
    fc, and only when that changes its length little does fc's bias keep its weight. Exact, as stage 4
    has plain ReLU: its residual stream is scaled where it is written (the last normalisations) and
    scaled back where it is read (the second block's first convolution, and fc).

    Returns:
        The mean length that was found.
    """
    lengths = [network.head.pool(network.backbone(images).float()).norm(dim=1) for images in batches]
    length = float(torch.cat(lengths).mean())
    stage = network.backbone.get_submodule("layer4")
    for index, block in enumerate(stage.children()):
        writers = [block.get_submodule("bn3")]
        if index == 0:
            writers.append(block.get_submodule("downsample.1"))
        else:
            conv = block.get_submodule("conv1")
            assert isinstance(conv, nn.Conv2d)
            conv.weight.mul_(length)
        for norm in writers:
            assert isinstance(norm, nn.BatchNorm2d)
            norm.weight.div_(length)
            norm.bias.div_(length)
    fc = network.head.fc
    assert isinstance(fc, nn.Linear)
    fc.weight.mul_(length)
    return length
