"""CVNet's feature maps: stage 3 before its activation. The release's maps: test_correlation.py."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from superglobal_core.errors import UserError
from superglobal_core.networks.backbone import ARCHITECTURES, Backbone, architecture
from superglobal_core.networks.feature_maps import FeatureMaps


@torch.inference_mode()
def test_maps_are_what_the_last_activation_of_stage_3_gets() -> None:
    torch.manual_seed(0)
    backbone = Backbone("mini").eval()
    images = torch.randn(2, 3, 70, 100)
    found = FeatureMaps(backbone)(images)
    seen: list[Tensor] = []
    backbone.get_submodule("layer3")[-1].outer.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0])
    )
    backbone(images)
    assert found.shape == (2, architecture("mini").map_channels, 5, 7)
    assert (found < 0).any()
    assert torch.equal(found, seen[0])


def test_channels() -> None:
    assert {name: sizes.map_channels for name, sizes in ARCHITECTURES.items()} == {
        "resnet50": 1024,
        "resnet101": 1024,
        "torchvision-resnet50": 1024,
        "mini": 256,
    }


@pytest.mark.parametrize("relup", ["on", "official-off"])
def test_relup_is_refused(relup: str) -> None:
    with pytest.raises(UserError, match=f"ReLUP '{relup}'"):
        FeatureMaps(Backbone("mini", relup=relup))
