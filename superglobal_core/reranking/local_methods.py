"""The rerankers by local features, by name: their scorers, and what extracts the features they need."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.features.local_extraction import LocalExtractor
from superglobal_core.features.modes import Precision
from superglobal_core.networks.shipped import MINI_CHECKPOINT
from superglobal_core.reranking.names import LOCAL_KINDS, LOCAL_PARAMETERS
from superglobal_core.reranking.pairs import ManyImages, PairScorer

KINDS = tuple(dict.fromkeys(LOCAL_KINDS.values()))
# Images that visual words are learnt from, evenly spaced: their features fit in memory.
TEACHERS = 2000


@dataclasses.dataclass(frozen=True)
class Means:
    """What local methods may need: networks, their weights, and where they run.

    backbone, checkpoint: the global network and its weights, of which CVNet-Rerank's maps are made;
    weights: a method's own file (`xfeat.onnx`, RRT's checkpoint; for CVNet-Rerank the checkpoint is
    it). Without its weights a method has random ones (seeded), which is enough to time it.
    """

    backbone: str = "resnet50"
    checkpoint: Path | None = None
    weights: Path | None = None
    device: str = "auto"
    precision: str = "float32"
    seed: int = 0

    @property
    def network_checkpoint(self) -> Path | None:
        """The global network's weights: given, or those that come with the package."""
        return self.checkpoint or (MINI_CHECKPOINT if self.backbone == "mini" else None)

    @property
    def fitting_precision(self) -> Precision:
        """The precision, but float32 in place of float16 on a CPU, where that is slow."""
        cpu = choose_device(self.device).type == "cpu"
        return cast(Precision, "float32" if cpu and self.precision == "float16" else self.precision)


def make_scorer(name: str, means: Means, images: ManyImages = (), **parameters: Any) -> PairScorer:
    """Build a scorer of image pairs by name; parameters of None keep their defaults.

    images: features that a method may learn from: ASMK's visual words come from a sample of them.

    Raises:
        UserError: for an unknown name, a parameter that it does not have, or unusable weights.
    """
    if name not in LOCAL_KINDS:
        raise unknown_name("method", name, LOCAL_KINDS)
    given = {key: value for key, value in parameters.items() if value is not None}
    for key in given:
        if key not in LOCAL_PARAMETERS[name]:
            listed = ", ".join(LOCAL_PARAMETERS[name]) or "none"
            raise UserError(f"the method '{name}' has no parameter '{key}': leave it out (it has {listed})")
    if name == "cvnet-rerank":
        return _cvnet(means, **given)
    if name == "rrt":
        from superglobal_core.reranking.rrt import RRTScorer

        return RRTScorer(means.weights, device=means.device, precision=means.fitting_precision, **given)
    if name.endswith("-asmk"):
        return _asmk(name, images, **given)
    from superglobal_core.reranking.spatial import RootSiftScorer, XFeatScorer

    return (RootSiftScorer if name == "rootsift-magsac" else XFeatScorer)(**given)


def make_extractor(kind: str, means: Means) -> LocalExtractor:
    """Build what extracts a kind of local features.

    Raises:
        UserError: for an unknown kind, or when the weights it cannot do without are missing.
    """
    if kind == "rootsift":
        from superglobal_core.features.rootsift import RootSift

        return RootSift()
    if kind == "xfeat":
        from superglobal_core.features.xfeat import XFeat

        if means.weights is None:
            raise UserError(
                "xfeat needs --weights, the file xfeat.onnx: get it with `superglobal download xfeat`"
            )
        return XFeat(means.weights)
    if kind == "cvnet-maps":
        return _maps(means)
    raise unknown_name("kind", kind, KINDS)


def _asmk(name: str, images: ManyImages, words: int = 4096, **parameters: Any) -> PairScorer:
    from superglobal_core.reranking.asmk import RootSiftAsmk, XFeatAsmk

    rows = np.unique(np.linspace(0, len(images) - 1, min(len(images), TEACHERS)).astype(np.int64))
    teachers = [images[int(row)] for row in rows] if len(images) else []
    return (RootSiftAsmk if name == "rootsift-asmk" else XFeatAsmk).train(teachers, words, **parameters)


def _cvnet(means: Means, **parameters: Any) -> PairScorer:
    from superglobal_core.networks.backbone import architecture
    from superglobal_core.networks.correlation import CorrelationNetwork
    from superglobal_core.networks.correlation_checkpoint import holds_correlation, load_correlation
    from superglobal_core.reranking.cvnet import CVNetScorer

    path = means.network_checkpoint
    if path is not None and holds_correlation(path):
        network = load_correlation(path, means.backbone)
    else:
        torch.manual_seed(means.seed)
        network = CorrelationNetwork(architecture(means.backbone).map_channels)
    return CVNetScorer(network, means.device, means.fitting_precision, **parameters)


def _maps(means: Means) -> LocalExtractor:
    from superglobal_core.networks.backbone import Backbone
    from superglobal_core.reranking.cvnet_maps import CVNetMaps

    precision = cast(Precision, means.precision)
    if means.network_checkpoint is not None:
        return CVNetMaps.load(means.network_checkpoint, means.backbone, means.device, precision)
    torch.manual_seed(means.seed)
    return CVNetMaps(Backbone(means.backbone), means.device, precision)
