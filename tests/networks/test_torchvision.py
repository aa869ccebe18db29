"""torchvision's ResNet-50 as a backbone: its own feature map, in its own colour order, and nothing learned after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torchvision
from helpers import picture
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torchvision.transforms import functional

from superglobal_core.data.images import list_images, read_image
from superglobal_core.errors import UserError
from superglobal_core.features.extraction import extract
from superglobal_core.features.preprocessing import scaled_inputs
from superglobal_core.features.store import FeatureStore
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.networks.settings import DescriptorSettings, preset

NAME = "torchvision-resnet50"
CPU = torch.device("cpu")
# Relative to the largest value: the first convolution adds its inputs up in another order.
TOLERANCE = 1e-5
PLAIN = preset("superglobal", relup="off", scales=(1.0,), gem_plus=False, regional_gem=False)


@pytest.fixture(scope="module")
def theirs() -> torchvision.models.ResNet:
    """Random weights, statistics of the normalisations included."""
    torch.manual_seed(0)
    network = torchvision.models.resnet50(weights=None).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.7, 1.4)
    return network


@pytest.fixture(scope="module")
def weights(theirs: torchvision.models.ResNet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("torchvision") / "resnet50.pth"
    torch.save(theirs.state_dict(), path)
    yield path
    path.unlink()  # a hundred megabytes


def their_map(network: torchvision.models.ResNet, path: Path) -> Tensor:
    """The last feature map of an image file, read and normalised as torchvision's weights expect."""
    image = functional.to_tensor(Image.open(path).convert("RGB"))
    image = functional.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    layers = torch.nn.Sequential(*list(network.children())[:-2])
    with torch.inference_mode():
        return layers(image[None])


@pytest.fixture
def photograph(shared: Path, tmp_path: Path) -> Path:
    """A real photograph, small, in a format that all readers decode to the same pixels."""
    first = min((shared / "data/photos/query_crops").glob("*.jpg"))
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / "photograph.png"
    cv2.imwrite(str(path), cv2.resize(cv2.imread(str(first)), (230, 170), interpolation=cv2.INTER_AREA))
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_feature_map_is_theirs(
    theirs: torchvision.models.ResNet, weights: Path, photograph: Path, tmp_path: Path, suffix: str
) -> None:
    if suffix == ".safetensors":
        save_file(theirs.state_dict(), tmp_path / "a.safetensors")
        weights = tmp_path / "a.safetensors"
    network = load_checkpoint(weights, NAME, PLAIN)
    expected = their_map(theirs, photograph)
    with torch.inference_mode():
        image = read_image(photograph)[None]
        found = network.feature_map(scaled_inputs(image, PLAIN, CPU)[0])
        other = network.feature_map(scaled_inputs(image[..., ::-1].copy(), PLAIN, CPU, "rgb")[0])
    assert found.shape == (1, 2048, 6, 8)
    assert (found - expected).abs().max() < TOLERANCE * expected.abs().max()
    # The photograph has colours: in the other order the map is another.
    assert (other - expected).abs().max() > 100 * TOLERANCE * expected.abs().max()


def test_the_descriptor_is_the_pooled_map(
    theirs: torchvision.models.ResNet, weights: Path, photograph: Path, tmp_path: Path
) -> None:
    """Through extraction, with the defaults of reading: GeM of exponent 3, or GeM+, and a length of one."""
    values = their_map(theirs, photograph)[0].double().clamp(min=1e-8)
    for settings, p in (
        (PLAIN, 3.0),
        (preset("superglobal", relup="off", scales=(1.0,), regional_gem=False), 4.6),
    ):
        network = load_checkpoint(weights, NAME, settings)
        out = tmp_path / f"p{p}"
        extract(list_images(photograph.parent), network, out, made_with={}, device="cpu")
        expected = values.pow(p).mean(dim=(1, 2)).pow(1 / p).numpy()
        row = FeatureStore.open(out).all_rows()[0]
        assert row.shape == (2048,)
        assert np.abs(row - expected / np.linalg.norm(expected)).max() < TOLERANCE


def test_every_module_works_on_it(weights: Path) -> None:
    image = picture(0, 100, 120)[None]
    found = []
    for settings in (
        DescriptorSettings(),
        preset("superglobal", regional_gem=False),
        preset("superglobal", scale_pooling="mean"),
        preset("superglobal", relup="off"),
    ):
        network = load_checkpoint(weights, NAME, settings)
        with torch.inference_mode():
            found.append(network(scaled_inputs(image, settings, CPU))[0])
        assert not any(parameter.requires_grad for parameter in network.parameters())
    for one in range(len(found)):
        assert abs(float(found[one].norm()) - 1) < 1e-5
        for other in range(one):
            assert (found[one] - found[other]).abs().max() > 1e-6


def test_what_does_not_fit_is_named(
    theirs: torchvision.models.ResNet, weights: Path, checkpoint: Path, tmp_path: Path
) -> None:
    state = theirs.state_dict()
    wrong = {
        "lacks 1 tensor: layer2.0.conv2.weight": {
            k: v for k, v in state.items() if k != "layer2.0.conv2.weight"
        },
        r"has, beyond that network, 1 tensor: layer3\.6\.conv1\.weight": state
        | {"layer3.6.conv1.weight": torch.zeros(1)},
        r"bn1\.bias \(3 where 64 is expected\)": state | {"bn1.bias": torch.zeros(3)},
        r"conv1\.weight \(64 where 64 x 3 x 7 x 7 is expected\)": state | {"conv1.weight": torch.zeros(64)},
        "NaN or infinite values 1 tensor: bn1.weight": state | {"bn1.weight": torch.full((64,), torch.nan)},
    }
    for message, tensors in wrong.items():
        torch.save(tensors, tmp_path / "a.pth")
        with pytest.raises(UserError, match=message):
            load_checkpoint(tmp_path / "a.pth", NAME)
    with pytest.raises(UserError, match=r"no checkpoint of torchvision's ResNet: no tensor 'conv1\.weight'"):
        load_checkpoint(checkpoint, NAME)
    with pytest.raises(UserError, match=r"no CVNet-style checkpoint.*begins with bn1"):
        load_checkpoint(weights, "resnet50")
