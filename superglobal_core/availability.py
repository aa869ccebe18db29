"""Which methods of a suite have figures on which data, and why others have none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from superglobal_core.config import Method, Suite
from superglobal_core.reranking.names import LOCAL_KINDS

PLAIN, WITH_DISTRACTORS = "plain", "distractors"
WEIGHTS_MISSING = "weights missing"


def accuracy_missing(suite: Suite, descriptor: str, dataset: str, size: str, method: str) -> str | None:
    """Say why a method has no accuracy on a data set; None where it has.

    size: `plain` or `distractors`. A method without accuracy may still be timed.
    """
    described = descriptor_missing(suite, descriptor, dataset)
    if described is not None:
        return described
    chosen, how = suite.methods[method], suite.descriptors[descriptor]
    kind = local_kind(chosen)
    if how.found is not None and how.existing is not None and size != PLAIN:
        absent = _absent([how.existing[dataset].distractors])
        if absent is not None:
            return absent
    if chosen.runs == "results":
        brought = chosen.results.get(dataset, {})
        if size not in brought:
            return f"no results brought for {dataset}" + (" with distractors" if size != PLAIN else "")
        absent = _absent([brought[size]])
        if absent is not None:
            return absent
    if chosen.reranker == "rrt":
        return WEIGHTS_MISSING if chosen.weights is None else "the descriptors it was trained on are missing"
    needs_weights = chosen.found is not None and chosen.found.description.needs.weights
    if (kind == "xfeat" or needs_weights) and chosen.weights is None and chosen.download is None:
        return WEIGHTS_MISSING
    if kind is None:
        return None
    if kind == "cvnet-maps" and (how.extract is None or how.extract.backbone == "mini"):
        return WEIGHTS_MISSING
    if not has_images(suite, dataset):
        return "images missing"
    if size == WITH_DISTRACTORS and suite.distractor_set is not None:
        return "the images of the distractors are not kept"
    return None


def descriptor_missing(suite: Suite, descriptor: str, dataset: str) -> str | None:
    """Say why a data set has no descriptors of a kind; None where it has."""
    how = suite.descriptors[descriptor]
    if how.existing is not None:
        if dataset not in how.existing:
            return f"no results brought for {dataset}"
        given = how.existing[dataset]
        return None if how.found is None else _absent([given.queries, given.database])
    if how.found is None:
        return None
    if how.found.runs == "results":
        return f"no results brought for {dataset}"
    if how.found.description.needs.weights and how.weights is None:
        return WEIGHTS_MISSING
    return None if has_images(suite, dataset) else "images missing"


def _absent(files: Iterable[Path | None]) -> str | None:
    missing = next((file for file in files if file is not None and not file.exists()), None)
    return None if missing is None else f"there is no file {missing}"


def has_distractors(suite: Suite, descriptor: str, dataset: str) -> bool:
    """Tell whether a descriptor can be searched among a data set's distractors, wanted or not."""
    how, data = suite.descriptors[descriptor], suite.datasets[dataset]
    if how.existing is not None:
        return dataset in how.existing and how.existing[dataset].distractors is not None
    own = data.distractor_images is not None or bool(data.synthetic and data.synthetic.distractors)
    # The set's archives are described by the network as they come; a program would come too late.
    return own or (suite.distractor_set is not None and how.extract is not None)


def has_images(suite: Suite, dataset: str) -> bool:
    """Tell whether a data set's images are at hand."""
    data = suite.datasets[dataset]
    return data.groundtruth is None or bool(data.query_images and data.database_images)


def is_local(reranker: str) -> bool:
    """Tell whether a built-in reranker works on local features."""
    return reranker in LOCAL_KINDS


def local_kind(chosen: Method) -> str | None:
    """Return the local features that a method works on; None for methods without."""
    if chosen.runs == "builtin":
        return LOCAL_KINDS.get(chosen.reranker)
    return chosen.found.description.needs.local if chosen.found else None


def features_name(suite: Suite, descriptor: str, method: str) -> str | None:
    """Return the folder of the local features that a method needs; None for methods without.

    Maps depend on the network alone: the first descriptor that has it names them. Other kinds depend
    on nothing but the images.
    """
    kind = local_kind(suite.methods[method])
    how = suite.descriptors[descriptor].extract
    if kind != "cvnet-maps" or how is None:
        return kind
    network = (how.backbone, how.checkpoint, how.download)
    for name, other in suite.descriptors.items():
        given = other.extract
        if given is not None and (given.backbone, given.checkpoint, given.download) == network:
            return f"{kind}-{name}"
    return f"{kind}-{descriptor}"
