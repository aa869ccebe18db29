"""Global descriptors equal the official releases', setting by setting."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import picture

from superglobal_core.data.images import read_image
from superglobal_core.errors import UserError
from superglobal_core.features.preprocessing import scaled_inputs
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.networks.settings import DescriptorSettings, preset

# Descriptors of the stand-in weights lie close together: the modules' effects are 0.001 to 0.02, that of
# antialiasing down to 3e-5.
GOLDEN_TOLERANCE = 1e-5
SMALLEST_EFFECT = 2 * GOLDEN_TOLERANCE

CPU = torch.device("cpu")


def settings_of(name: str) -> DescriptorSettings:
    """The settings that made a golden array, from its name."""
    antialias = not name.endswith("no_antialias")
    variant = name.partition("_")[2].removesuffix("_no_antialias").removesuffix("_antialias")
    changes = {
        "full": {},
        "no_gemp": {"gem_plus": False},
        "no_rgem": {"regional_gem": False},
        "no_sgem": {"scale_pooling": "mean"},
        "single_scale": {"scales": (1.0,)},
        "five_scales": {"scales": (0.5, 0.7071, 1.0, 1.4142, 2.0)},
        "full_relup_off": {"relup": "official-off"},
    }[variant]
    return preset("superglobal", antialias=antialias, **changes)


def describe(checkpoint: Path, backbone: str, settings: DescriptorSettings, folder: Path) -> np.ndarray:
    """Descriptors of the golden pictures, in the golden files' order."""
    network = load_checkpoint(checkpoint, backbone, settings)
    with np.load(folder / "superglobal_descriptors.npz") as archive:
        names = archive["images"].tolist()
    with torch.inference_mode():
        images = [read_image(folder / name)[None] for name in names]
        return torch.cat([network(scaled_inputs(image, settings, CPU)) for image in images]).numpy()


@pytest.mark.parametrize("backbone", ["resnet50", "resnet101"])
def test_golden_superglobal(shared: Path, standin: Callable[[str], Path], backbone: str) -> None:
    folder = shared / "golden" / "network"
    with np.load(folder / "superglobal_descriptors.npz") as archive:
        golden = {name: archive[name] for name in archive if name.startswith(backbone.replace("resnet", "r"))}
    assert len(golden) == (13 if backbone == "resnet50" else 4)
    found = {name: describe(standin(backbone), backbone, settings_of(name), folder) for name in golden}
    for name, expected in golden.items():
        assert np.abs(found[name] - expected).max() < GOLDEN_TOLERANCE, name
        assert np.allclose(np.linalg.norm(found[name], axis=1), 1, atol=1e-6)
        # Were a switch without effect, some other setting's array would fit as well.
        others = [np.abs(found[name] - golden[other]).max() for other in golden if other != name]
        assert min(others) > SMALLEST_EFFECT, name


@pytest.mark.parametrize("backbone", ["resnet50", "resnet101"])
def test_golden_cvnet_global(shared: Path, standin: Callable[[str], Path], backbone: str) -> None:
    folder = shared / "golden" / "network"
    with np.load(folder / "cvnet.npz") as archive:
        expected = archive[f"{backbone.replace('resnet', 'r')}_cvnet_global"]
    found = describe(standin(backbone), backbone, preset("cvnet-global"), folder)
    assert np.abs(found - expected).max() < GOLDEN_TOLERANCE


def mini(**changes: object) -> GlobalDescriptor:
    torch.manual_seed(0)
    return GlobalDescriptor("mini", preset("superglobal", **changes)).eval()


@torch.inference_mode()
def test_every_switch_changes_the_descriptor() -> None:
    image = picture(0, 140, 120)[None]
    variants = [
        {},
        {"relup": "official-off"},
        {"relup": "off"},
        {"gem_plus": False},
        {"regional_gem": False},
        {"scale_pooling": "mean"},
        {"scale_pooling": "mean-of-normalised"},
        {"inner_normalisation": False},
        {"gem_plus_p": 6.0},
        {"regional_p": 4.0},
        {"relup_alpha": 0.1},
        {"resize": "8-bit-image"},
        {"antialias": False},
        {"scales": (1.0,)},
    ]
    found = []
    for changes in variants:
        network = mini(**changes)
        found.append(network(scaled_inputs(image, network.settings, CPU))[0])
    for one in range(len(found)):
        for other in range(one):
            assert (found[one] - found[other]).abs().max() > 1e-6, (variants[one], variants[other])


@torch.inference_mode()
def test_a_batch_is_its_images_one_by_one() -> None:
    images = np.stack([picture(seed, 110, 130) for seed in range(5)])
    for name in ("superglobal", "cvnet-global"):
        torch.manual_seed(0)
        network = GlobalDescriptor("mini", preset(name)).eval()
        together = network(scaled_inputs(images, network.settings, CPU))
        alone = torch.cat([network(scaled_inputs(image[None], network.settings, CPU)) for image in images])
        assert (together - alone).abs().max() < 1e-5
        assert together.shape == (5, network.dimension)
        assert together.dtype == torch.float32


@torch.inference_mode()
def test_the_smallest_side_is_the_smallest() -> None:
    for settings in (preset("superglobal"), preset("superglobal", scales=(1.0,)), preset("cvnet-global")):
        network = GlobalDescriptor("mini", settings).eval()
        side = settings.smallest_side()
        network(scaled_inputs(picture(0, side, side)[None], settings, CPU))
        if settings.regional_gem:
            small = scaled_inputs(picture(0, side - 1, side + 40)[None], settings, CPU)
            with pytest.raises(UserError, match="the image is too small"):
                network(small)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scales": ()}, "scales is empty"),
        ({"scales": (0.01,)}, "scale 0.01 is outside"),
        ({"scales": (1.0, math.nan)}, "scale nan is outside"),
        ({"scales": (9.0,)}, "scale 9 is outside"),
        ({"gem_plus_p": 0.99}, "gem_plus_p is 0.99: give an exponent from 1"),
        ({"gem_plus_p": math.inf}, "gem_plus_p is inf"),
        ({"regional_p": math.nan}, "regional_p is nan"),
        ({"relup_alpha": -0.1}, "relup_alpha is -0.1"),
        ({"relup_alpha": math.inf}, "relup_alpha is inf"),
        ({"relup": "maybe"}, "unknown relup 'maybe': choose from off, official-off, on"),
        ({"scale_pooling": "min"}, "unknown scale_pooling 'min'"),
        ({"resize": "nearest"}, "unknown resize 'nearest'"),
    ],
)
def test_wrong_settings(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        preset("superglobal", **changes)


def test_unknown_names() -> None:
    with pytest.raises(UserError, match="unknown preset 'superglobl'"):
        preset("superglobl")
    with pytest.raises(UserError, match="unknown backbone 'resnet18': choose from mini, resnet101, resnet50"):
        GlobalDescriptor("resnet18")
