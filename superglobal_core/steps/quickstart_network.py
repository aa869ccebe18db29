"""Which network describes somebody's photographs: the one that was named, or the best whose weights are there."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from superglobal_core.data.catalogue import load_catalogue
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.files import cache_home
from superglobal_core.networks.shipped import MINI_CHECKPOINT
from superglobal_core.steps.items import checkpoint_path

#: `superglobal download` puts weights there, seen from the current folder
ROOT = Path("data")
# Backbones with the catalogue's entry of their weights, the best for photographs of buildings first.
ENTRIES = {
    "resnet101": "cvnet-r101",
    "resnet50": "cvnet-r50",
    "torchvision-resnet50": "torchvision-resnet50",
}


@dataclasses.dataclass(frozen=True)
class Network:
    """A backbone with its weights, what it is called, and what a reader should know of it."""

    backbone: str
    checkpoint: Path
    title: str
    warning: str | None = None


def choose_network(
    backbone: str | None = None, checkpoint: str | Path | None = None, root: str | Path = ROOT
) -> Network:
    """Return the network that was asked for, or the best whose weights are there.

    Weights are looked for where `superglobal download` puts them below `root`, torchvision's also in torch's own
    cache. Without any the shipped `mini` is taken.

    Raises:
        UserError: for an unknown backbone, weights that are absent, or weights without their backbone.

    >>> choose_network("mini").title
    "the package's own small network, mini"
    """
    if backbone is not None and backbone not in (*ENTRIES, "mini"):
        raise unknown_name("backbone", backbone, [*ENTRIES, "mini"])
    if checkpoint is not None:
        return _given(backbone, Path(checkpoint))
    if backbone is None:
        found = next((name for name in ENTRIES if _weights(name, root) is not None), "mini")
        return choose_network(found, root=root)
    if backbone == "mini":
        return _network("mini", MINI_CHECKPOINT)
    weights = _weights(backbone, root)
    if weights is None:
        wanted = checkpoint_path(load_catalogue()[ENTRIES[backbone]], root)
        raise UserError(
            f"there are no weights of {backbone} in {wanted}: get them (superglobal download {ENTRIES[backbone]}), "
            "name them with --checkpoint, or leave --backbone out"
        )
    return _network(backbone, weights)


def _given(backbone: str | None, checkpoint: Path) -> Network:
    if not checkpoint.is_file():
        raise UserError(f"there is no checkpoint {checkpoint}: correct the path or download it first")
    if backbone is None:
        catalogue = load_catalogue()
        known = {catalogue[entry].files[0].name: name for name, entry in ENTRIES.items()}
        backbone = known.get(checkpoint.name)
        if backbone is None:
            raise UserError(
                f"{checkpoint} does not say which network it is of: add --backbone ({', '.join((*ENTRIES, 'mini'))})"
            )
    return _network(backbone, checkpoint)


def _weights(backbone: str, root: str | Path) -> Path | None:
    entry = load_catalogue()[ENTRIES[backbone]]
    places = [checkpoint_path(entry, root)]
    if backbone.startswith("torchvision"):
        home = os.environ.get("TORCH_HOME") or (cache_home() or Path()) / "torch"
        places.append(Path(home) / "hub" / "checkpoints" / entry.files[0].name)
    return next((place for place in places if place.is_file()), None)


def _network(backbone: str, checkpoint: Path) -> Network:
    if backbone == "mini" and checkpoint == MINI_CHECKPOINT:
        return Network(
            backbone,
            checkpoint,
            "the package's own small network, mini",
            "The descriptors come from a small network that was trained on drawn buildings, not on photographs: "
            "expect weak results. For good ones get CVNet's weights (superglobal download cvnet-r50, or cvnet-r101 "
            "by hand) and run the same command again.",
        )
    if backbone.startswith("torchvision"):
        return Network(
            backbone,
            checkpoint,
            "ResNet-50 with torchvision's weights",
            "The network was trained on ImageNet to tell kinds of objects apart, not to recognise one building: "
            "expect look-alikes. CVNet's weights were trained for it (superglobal download cvnet-r50).",
        )
    titles = {"resnet50": "ResNet-50", "resnet101": "ResNet-101"}
    return Network(
        backbone, checkpoint, f"{titles.get(backbone, backbone)} with the weights {checkpoint.name}"
    )
