"""A backbone for inference: each BatchNorm folded into its convolution, activations in place, channels last."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

from superglobal_core.networks.backbone import Backbone, Bottleneck
from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.networks.pooling import ReLUP

M = TypeVar("M", bound=nn.Module)


@torch.no_grad()
def affine_of(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return what a trained normalisation does to a channel, x * scale + shift: two (C,) in float64."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.double()
    shift = -norm.running_mean.double() * scale
    if norm.bias is not None:
        shift = shift + norm.bias.double()
    return scale, shift


@torch.no_grad()
def fold_norm(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """Return one convolution that does what a convolution without bias and its normalisation do, channels last.

    The product is rounded once, from float64 to the convolution's dtype.

    >>> conv, norm = nn.Conv2d(2, 3, 1, bias=False), nn.BatchNorm2d(3).eval()
    >>> x = torch.rand(1, 2, 4, 4)
    >>> torch.allclose(fold_norm(conv, norm)(x), norm(conv(x)), atol=1e-6)
    True
    """
    assert conv.bias is None
    scale, shift = affine_of(norm)
    folded = copy.copy(conv)
    folded._parameters = {}  # the copy's own: the convolution keeps its weights
    weight = (conv.weight.double() * scale[:, None, None, None]).to(conv.weight.dtype)
    folded.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last), requires_grad=False)
    folded.bias = nn.Parameter(shift.to(conv.weight.dtype), requires_grad=False)
    return folded


class FoldedBlock(nn.Module):
    """A bottleneck without its normalisations; the same result but for rounding, its activations in place.

    New memory costs a CPU more than the activation itself. Only for inference: nothing is kept for gradients.
    """

    def __init__(self, block: Bottleneck) -> None:
        super().__init__()
        self.conv1 = fold_norm(block.conv1, block.bn1)
        self.conv2 = fold_norm(block.conv2, block.bn2)
        self.conv3 = fold_norm(block.conv3, block.bn3)
        self.downsample: nn.Module | None = None
        if block.downsample is not None:
            conv, norm = block.downsample.children()
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            self.downsample = fold_norm(conv, norm)
        self.inner, self.outer = _floor(block.inner), _floor(block.outer)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(x).clamp_(min=self.inner)
        out = self.conv2(out).clamp_(min=self.inner)
        out = self.conv3(out)
        out += x if self.downsample is None else self.downsample(x)
        return out.clamp_(min=self.outer)


def folded(network: GlobalDescriptor, dtype: torch.dtype = torch.float32) -> GlobalDescriptor:
    """Return a network with a folded backbone of a dtype; head and settings are shared, the given one is left alone.

    Source: the normalisation of inference is affine, x * scale + shift, hence part of the convolution before it.

    >>> network = GlobalDescriptor("mini").eval()
    >>> images = [torch.rand(1, 3, 96, 96)]
    >>> with torch.inference_mode():
    ...     torch.allclose(folded(network)(images), network(images), atol=1e-5)
    True
    """
    made = _with_modules(network)
    made.backbone = _folded_backbone(network.backbone).to(dtype)
    return made.eval()


def _folded_backbone(backbone: Backbone) -> Backbone:
    made = _with_modules(backbone)
    made.conv1 = fold_norm(backbone.conv1, backbone.bn1)
    made.bn1 = nn.Identity()  # type: ignore[assignment]
    made.relu = nn.ReLU(inplace=True)
    for stage in (1, 2, 3, 4):
        blocks = backbone.get_submodule(f"layer{stage}").children()
        layer = nn.Sequential(*(FoldedBlock(block) for block in blocks if isinstance(block, Bottleneck)))
        made.add_module(f"layer{stage}", layer)
    return made


def _with_modules(module: M) -> M:
    """A shallow copy, whose submodules can be replaced without touching the module's own."""
    made = copy.copy(module)
    made._modules = dict(module._modules)
    return made


def _floor(activation: nn.Module) -> float:
    return activation.alpha if isinstance(activation, ReLUP) else 0.0
