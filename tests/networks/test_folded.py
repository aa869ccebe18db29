"""A folded network is the network: the golden descriptors come out, and nothing of the given one changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import picture

from superglobal_core.data.images import read_image
from superglobal_core.features.preprocessing import scaled_inputs
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.networks.folded import folded
from superglobal_core.networks.settings import preset

GOLDEN_TOLERANCE = 1e-5
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("backbone", "name", "settings"),
    [
        ("resnet50", "r50_full_antialias", preset("superglobal")),
        ("resnet50", "r50_full_relup_off_antialias", preset("superglobal", relup="official-off")),
        ("resnet101", "r101_full_antialias", preset("superglobal")),
        ("resnet50", "r50_cvnet_global", preset("cvnet-global")),
    ],
)
def test_golden_descriptors(
    shared: Path, standin: Callable[[str], Path], backbone: str, name: str, settings: object
) -> None:
    folder = shared / "golden" / "network"
    file = "cvnet.npz" if name.endswith("cvnet_global") else "superglobal_descriptors.npz"
    with np.load(folder / file) as archive, np.load(folder / "superglobal_descriptors.npz") as superglobal:
        expected, names = archive[name], superglobal["images"].tolist()
    network = folded(load_checkpoint(standin(backbone), backbone, settings))  # type: ignore[arg-type]
    with torch.inference_mode():
        images = [read_image(folder / image)[None] for image in names]
        found = [network(scaled_inputs(image, network.settings, CPU))[0].numpy() for image in images]
    assert np.abs(np.stack(found) - expected).max() < GOLDEN_TOLERANCE


@pytest.mark.parametrize("relup", ["on", "official-off", "off"])
@torch.inference_mode()
def test_trained_statistics_are_folded_and_the_network_stays_as_it_was(relup: str) -> None:
    torch.manual_seed(0)
    network = GlobalDescriptor("mini", preset("superglobal", relup=relup, relup_alpha=0.1)).eval()
    for name, value in network.backbone.named_buffers():  # as if trained: no mean of 0, no variance of 1
        if name.endswith(("running_mean", "running_var")):
            value.copy_(torch.rand(value.shape) + 0.5)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    inputs = scaled_inputs(picture(0, 140, 120)[None], network.settings, CPU)
    expected = network(inputs)
    made = folded(network)
    assert (made(inputs) - expected).abs().max() < 2e-6
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in made.modules())
    half = folded(network, torch.bfloat16)
    assert {value.dtype for value in half.backbone.parameters()} == {torch.bfloat16}
    assert torch.equal(network(inputs), expected)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
