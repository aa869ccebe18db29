"""Landmark retrieval with global features: SuperGlobal, its protocol, and its comparison.

The names below are imported when first used, so that `import superglobal_core` is immediate and
needs neither a GPU nor faiss nor Snakemake.

>>> from superglobal_core import SuperGlobalReranker
>>> SuperGlobalReranker(shortlist=400, neighbours=9, beta=0.15).parameters["shortlist"]
400
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth, parse_groundtruth
    from superglobal_core.errors import UserError
    from superglobal_core.evaluation.protocol import evaluate
    from superglobal_core.features.store import FeatureStore
    from superglobal_core.networks.checkpoints import load_checkpoint
    from superglobal_core.networks.descriptor import GlobalDescriptor
    from superglobal_core.networks.pooling import GeM, RegionalGeM, ReLUP, ScaleGeM
    from superglobal_core.reranking.superglobal import SuperGlobalReranker

# The one place of the version: pyproject.toml reads it here.
__version__ = "0.1.0"

# Threads that wait for each other must not spin: beside other work on the machine every meeting then
# costs milliseconds, tenfold in a reranking. OpenMP reads this when torch is loaded, if that is later.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# oneDNN keeps what it prepared for a thousand shapes, which images of many sizes fill with memory. These are enough for
# a ResNet at three scales of one image size, twice; more sizes than that come by too seldom to be waited for.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "176")

_HOMES = {
    "FeatureStore": "features.store",
    "GeM": "networks.pooling",
    "GlobalDescriptor": "networks.descriptor",
    "GroundTruth": "data.groundtruth",
    "ReLUP": "networks.pooling",
    "RegionalGeM": "networks.pooling",
    "ScaleGeM": "networks.pooling",
    "SuperGlobalReranker": "reranking.superglobal",
    "UserError": "errors",
    "evaluate": "evaluation.protocol",
    "load_checkpoint": "networks.checkpoints",
    "load_groundtruth": "data.groundtruth",
    "parse_groundtruth": "data.groundtruth",
}

__all__ = [
    "FeatureStore",
    "GeM",
    "GlobalDescriptor",
    "GroundTruth",
    "ReLUP",
    "RegionalGeM",
    "ScaleGeM",
    "SuperGlobalReranker",
    "UserError",
    "evaluate",
    "load_checkpoint",
    "load_groundtruth",
    "parse_groundtruth",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
