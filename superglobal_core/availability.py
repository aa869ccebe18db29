"""Which methods of a suite have figures on which data, and why others have none."""

from __future__ import annotations

from superglobal_core.config import Suite
from superglobal_core.reranking.names import LOCAL_KINDS

PLAIN, WITH_DISTRACTORS = "plain", "distractors"
WEIGHTS_MISSING = "weights missing"


def accuracy_missing(suite: Suite, descriptor: str, dataset: str, size: str, method: str) -> str | None:
    """Say why a method has no accuracy on a data set; None where it has.

    size: `plain` or `distractors`. A method without accuracy may still be timed.
    """
    chosen, how, data = suite.methods[method], suite.descriptors[descriptor], suite.datasets[dataset]
    kind = LOCAL_KINDS.get(chosen.reranker)
    if kind is None:
        return None
    if chosen.reranker == "rrt":
        return WEIGHTS_MISSING if chosen.weights is None else "the descriptors it was trained on are missing"
    if kind == "xfeat" and chosen.weights is None and chosen.download is None:
        return WEIGHTS_MISSING
    if kind == "cvnet-maps" and (how.extract is None or how.extract.backbone == "mini"):
        return WEIGHTS_MISSING
    if data.groundtruth is not None and not (data.query_images and data.database_images):
        return "images missing"
    if size == WITH_DISTRACTORS and suite.distractor_set is not None:
        return "the images of the distractors are not kept"
    return None


def is_local(reranker: str) -> bool:
    """Tell whether a reranker works on local features."""
    return reranker in LOCAL_KINDS


def features_name(suite: Suite, descriptor: str, method: str) -> str | None:
    """Return the folder of the local features that a method needs; None for methods without.

    Maps depend on the network alone: the first descriptor that has it names them. Other kinds depend
    on nothing but the images.
    """
    kind = LOCAL_KINDS.get(suite.methods[method].reranker)
    how = suite.descriptors[descriptor].extract
    if kind != "cvnet-maps" or how is None:
        return kind
    network = (how.backbone, how.checkpoint, how.download)
    for name, other in suite.descriptors.items():
        given = other.extract
        if given is not None and (given.backbone, given.checkpoint, given.download) == network:
            return f"{kind}-{name}"
    return f"{kind}-{descriptor}"
