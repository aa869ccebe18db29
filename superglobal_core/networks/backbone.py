"""The ResNet family: ResNet-50, ResNet-101 and the narrow `mini`, with ReLU or ReLUP."""

from __future__ import annotations

import dataclasses
from typing import Literal

from torch import Tensor, nn

from superglobal_core.errors import unknown_name
from superglobal_core.networks.pooling import ReLUP
from superglobal_core.networks.settings import ReLUPMode

EXPANSION = 4  # a bottleneck's output channels over its width


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Sizes of one ResNet: blocks a stage, the first stage's width, and the descriptor's dimension.

    layout: how its checkpoints name their tensors. Those of torchvision hold a classifier in place of a
        learned pooling exponent and a projection: the descriptor is then the pooled vector itself.
    """

    blocks: tuple[int, int, int, int]
    width: int
    dimension: int
    layout: Literal["cvnet", "torchvision"] = "cvnet"

    @property
    def channels(self) -> int:
        """Channels of the last feature map."""
        return self.width * 8 * EXPANSION

    @property
    def map_channels(self) -> int:
        """Channels of the third stage's feature map."""
        return self.width * 4 * EXPANSION


ARCHITECTURES = {
    "resnet50": Architecture(blocks=(3, 4, 6, 3), width=64, dimension=2048),
    "resnet101": Architecture(blocks=(3, 4, 23, 3), width=64, dimension=2048),
    # Trained on ImageNet, by torchvision: SuperGlobal's modules on a network that knows no landmarks.
    "torchvision-resnet50": Architecture(blocks=(3, 4, 6, 3), width=64, dimension=2048, layout="torchvision"),
    # The same family, narrow enough to be shipped and to run anywhere.
    "mini": Architecture(blocks=(2, 2, 2, 2), width=16, dimension=256),
}


def architecture(name: str) -> Architecture:
    """Return the sizes of a backbone by name (UserError with the list of names otherwise)."""
    if name not in ARCHITECTURES:
        raise unknown_name("backbone", name, ARCHITECTURES)
    return ARCHITECTURES[name]


class Bottleneck(nn.Module):
    """A ResNet bottleneck: (B, C, H, W) -> (B, 4 * width, H / stride, W / stride).

    Parameter names are torchvision's, and so is its result with ReLU in both places. It is ours
    because the activations inside and after the residual sum differ here, and because importing
    torchvision costs each command more seconds than torch itself.

    Source: He et al., CVPR 2016, with the stride on the 3x3 convolution.

    >>> import torch
    >>> Bottleneck(64, 16).eval()(torch.zeros(1, 64, 6, 4)).shape
    torch.Size([1, 64, 6, 4])
    """

    def __init__(
        self, channels: int, width: int, stride: int = 1, downsample: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * EXPANSION, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * EXPANSION)
        self.downsample = downsample
        self.inner: nn.Module = nn.ReLU()
        self.outer: nn.Module = nn.ReLU()

    def residual(self, x: Tensor) -> Tensor:
        """Return the residual sum, before the activation."""
        out = self.inner(self.bn1(self.conv1(x)))
        out = self.inner(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        identity = x if self.downsample is None else self.downsample(x)
        return out + identity

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(self.residual(x))


class Backbone(nn.Module):
    """A ResNet without its classifier: (B, 3, H, W) normalised BGR -> (B, channels, H/32, W/32).

    Parameter names are torchvision's. `relup` says where ReLUP takes ReLU's place: in stage 1 in
    all three activations of a bottleneck, in stages 2 and 3 after the residual sum only, never in
    the stem and stage 4; `official-off` leaves stage 1's two inner ones in place.

    Source: He et al., CVPR 2016, with the stride on the 3x3 convolution; SuperGlobal, section 3.4.

    >>> import torch
    >>> Backbone("mini").eval()(torch.zeros(1, 3, 64, 96)).shape
    torch.Size([1, 512, 2, 3])
    """

    def __init__(self, name: str, relup: ReLUPMode = "off", relup_alpha: float = 0.014) -> None:
        super().__init__()
        sizes = architecture(name)
        self.name, self.channels, self.relup = name, sizes.channels, relup
        self.conv1 = nn.Conv2d(3, sizes.width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(sizes.width)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = sizes.width
        for stage in (1, 2, 3, 4):
            width = sizes.width * 2 ** (stage - 1)
            layer = _stage(channels, width, sizes.blocks[stage - 1], stride=1 if stage == 1 else 2)
            inner_relup = stage == 1 and relup in ("on", "official-off")
            outer_relup = stage <= 3 and relup == "on"
            for block in layer:
                block.inner = ReLUP(relup_alpha) if inner_relup else nn.ReLU()
                block.outer = ReLUP(relup_alpha) if outer_relup else nn.ReLU()
            self.add_module(f"layer{stage}", layer)
            channels = width * EXPANSION
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def stem(self, x: Tensor) -> Tensor:
        """Return what enters the first stage: (B, 3, H, W) -> (B, width, H/4, W/4)."""
        return self.maxpool(self.relu(self.bn1(self.conv1(x))))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in (1, 2, 3, 4):
            x = self.get_submodule(f"layer{stage}")(x)
        return x


def _stage(channels: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    shortcut = nn.Sequential(
        nn.Conv2d(channels, width * EXPANSION, 1, stride=stride, bias=False),
        nn.BatchNorm2d(width * EXPANSION),
    )
    first = Bottleneck(channels, width, stride, shortcut)
    rest = [Bottleneck(width * EXPANSION, width) for _ in range(blocks - 1)]
    return nn.Sequential(first, *rest)
