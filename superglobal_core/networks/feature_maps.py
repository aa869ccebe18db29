"""The map of local features that CVNet-Rerank compares: the backbone's third stage."""

from __future__ import annotations

from torch import Tensor, nn

from superglobal_core.errors import UserError
from superglobal_core.networks.backbone import Backbone, Bottleneck


class FeatureMaps(nn.Module):
    """Stage 3 of a backbone after the last residual sum, before its activation.

    (B, 3, H, W) normalised BGR, one scale -> (B, channels, H/16, W/16), sides rounded up, in the
    backbone's dtype; channels are `Architecture.map_channels` (1024 for ResNet-50 and -101).

    Raises:
        UserError: for a backbone with ReLUP, which CVNet does not have.
    Source: CVNet (Lee et al., CVPR 2022), section 3.1, as released.

    >>> import torch
    >>> FeatureMaps(Backbone("mini").eval())(torch.zeros(1, 3, 64, 90)).shape
    torch.Size([1, 256, 4, 6])
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        if backbone.relup != "off":
            raise UserError(
                f"CVNet's feature maps need ReLU everywhere, and this backbone has ReLUP '{backbone.relup}': "
                "load the checkpoint with the preset cvnet-global"
            )
        self.backbone = backbone

    def forward(self, images: Tensor) -> Tensor:
        net = self.backbone
        x = net.stem(images.to(net.conv1.weight.dtype))
        *blocks, last = (
            block for stage in (1, 2, 3) for block in net.get_submodule(f"layer{stage}").children()
        )
        for block in blocks:
            x = block(x)
        assert isinstance(last, Bottleneck)
        return last.residual(x)
