"""The step `local`: images to local features, as rerankers by pairs need them."""

from __future__ import annotations

from pathlib import Path

from superglobal_core.code_version import fingerprint
from superglobal_core.data.boxes import load_boxes
from superglobal_core.data.images import list_images
from superglobal_core.data.reading import Reading
from superglobal_core.errors import UserError
from superglobal_core.features.local_extraction import extract_local
from superglobal_core.features.shard_run import Extraction, OnError
from superglobal_core.files import sha256_of
from superglobal_core.networks.shipped import shown
from superglobal_core.reranking.local_methods import Means, make_extractor
from superglobal_core.results import file_input, recorded
from superglobal_core.steps.inputs import given_files, image_input, manifest_inputs

MODULES = {
    "rootsift": "superglobal_core.features.rootsift",
    "xfeat": "superglobal_core.features.xfeat",
    "cvnet-maps": "superglobal_core.reranking.cvnet_maps",
}


def local_step(
    images: str | Path,
    out: str | Path,
    kind: str,
    means: Means,
    *,
    boxes: str | Path | None = None,
    reading: Reading = Reading(),  # noqa: B008
    shard_size: int = 256,
    on_error: OnError = "stop",
    replace: bool = False,
) -> Extraction:
    """Extract local features of a kind into the folder `out`, with a `record.json` beside the shards.

    Raises:
        UserError: for an unknown kind, images or weights that are absent or unusable.
    """
    if kind == "cvnet-maps" and means.network_checkpoint is None:
        raise UserError(
            f"cvnet-maps of {means.backbone} need a --checkpoint (only mini's weights come with the package)"
        )
    files = list_images(images)
    extractor = make_extractor(kind, means)
    weights = {"cvnet-maps": means.network_checkpoint, "xfeat": means.weights}.get(kind)
    made_with = {
        "weights_sha256": sha256_of(weights) if weights is not None else None,
        "code": fingerprint("superglobal_core.features.local_extraction", MODULES[kind]),
    }
    with recorded("local", out) as facts:
        done = extract_local(
            files,
            extractor,
            out,
            made_with=made_with,
            boxes=load_boxes(boxes, [file.id for file in files]) if boxes is not None else None,
            reading=reading,
            shard_size=shard_size,
            on_error=on_error,
            replace=replace,
        )
        facts["descriptor"] = {"kind": kind, **extractor.settings, **made_with}
        facts["parameters"] = {
            "images": len(files),
            "shard_size": shard_size,
            "on_error": on_error,
            "skipped": done.skipped,
        }
        facts["protocol"] = {"query_crop": boxes is not None, **reading.as_dict()}
        facts["inputs"] = [
            image_input(images, out),
            *manifest_inputs(images),
            *([file_input("weights", shown(weights), made_with["weights_sha256"])] if weights else []),
            *given_files(boxes=boxes),
        ]
    return done
