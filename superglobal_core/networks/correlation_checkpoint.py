"""CVNet-Rerank's weights, from the checkpoint that holds the global network too."""

from __future__ import annotations

import re
from pathlib import Path

from superglobal_core.errors import UserError, name_list
from superglobal_core.networks.backbone import architecture
from superglobal_core.networks.checkpoints import fill_network, read_tensors
from superglobal_core.networks.correlation import CorrelationNetwork

_MARK = "conv2ds.0.weight"


def load_correlation(path: str | Path, backbone: str) -> CorrelationNetwork:
    """Build CVNet-Rerank's network for a backbone's maps and fill it from a checkpoint, for inference.

    Its tensors are `conv2ds.*` and `cv_learner.*`, bare or under one prefix; every one must be there
    with its shape and finite values, and none may be left over.

    Raises:
        UserError: as `read_tensors`; when there is no CVNet-Rerank in the checkpoint; naming the
            tensors that are missing, of another shape, not finite or left over.
    Source: CVNet (Lee et al., CVPR 2022), as released.
    """
    network = CorrelationNetwork(architecture(backbone).map_channels)
    found = read_tensors(path)
    pattern = re.compile(r"(|.*\.)" + re.escape(_MARK))
    prefixes = [match[1] for match in map(pattern.fullmatch, found) if match]
    if not prefixes:
        raise UserError(
            f"{path} holds no CVNet-Rerank: no tensor '{_MARK}', with or without a prefix (it begins with "
            f"{name_list(sorted(found), 3) or 'no tensor'}); name a checkpoint of CVNet with its reranker"
        )
    prefix = min(prefixes, key=len)
    names = {name: prefix + name for name in network.state_dict()}
    own = re.compile(re.escape(prefix) + r"(conv2ds|cv_learner)\.")
    fill_network(network, names, found, own, path, backbone)
    network.trained = True
    return network


def holds_correlation(path: str | Path) -> bool:
    """Tell whether a checkpoint holds a CVNet-Rerank beside the global network.

    Raises:
        UserError: as `read_tensors`.
    """
    return any(name == _MARK or name.endswith(f".{_MARK}") for name in read_tensors(path))
