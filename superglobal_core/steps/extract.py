"""The step `extract`: images and a checkpoint to shards of global descriptors."""

from __future__ import annotations

from pathlib import Path

from superglobal_core.code_version import fingerprint
from superglobal_core.data.boxes import load_boxes
from superglobal_core.data.images import list_images
from superglobal_core.errors import UserError
from superglobal_core.features.extraction import Extraction, OnError, Precision, extract
from superglobal_core.files import sha256_of
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.networks.settings import DescriptorSettings
from superglobal_core.networks.shipped import MINI_CHECKPOINT
from superglobal_core.results import recorded


def extract_step(
    images: str | Path,
    out: str | Path,
    *,
    backbone: str,
    settings: DescriptorSettings,
    checkpoint: str | Path | None = None,
    boxes: str | Path | None = None,
    precision: Precision = "float32",
    device: str = "auto",
    shard_size: int = 4096,
    on_error: OnError = "stop",
    replace: bool = False,
) -> Extraction:
    """Extract into the folder `out`, with a `record.json` beside the shards.

    The checkpoint may be left out for `mini`, whose weights come with the package.
    """
    files = list_images(images)
    if checkpoint is None:
        if backbone != "mini":
            raise UserError(
                f"--backbone {backbone} needs a --checkpoint (only mini's weights come with the package)"
            )
        checkpoint = MINI_CHECKPOINT
    network = load_checkpoint(checkpoint, backbone, settings)
    made_with = {
        "checkpoint_sha256": sha256_of(checkpoint),
        "code": fingerprint("superglobal_core.features.extraction", "superglobal_core.networks.checkpoints"),
    }
    with recorded("extract", out) as facts:
        done = extract(
            files,
            network,
            out,
            made_with=made_with,
            boxes=load_boxes(boxes, [file.id for file in files]) if boxes is not None else None,
            precision=precision,
            device=device,
            shard_size=shard_size,
            on_error=on_error,
            replace=replace,
        )
        facts["descriptor"] = {
            "backbone": backbone,
            "precision": precision,
            **settings.as_dict(),
            **made_with,
        }
        facts["parameters"] = {
            "images": len(files),
            "shard_size": shard_size,
            "on_error": on_error,
            "skipped": done.skipped,
        }
        facts["protocol"] = {
            "query_crop": boxes is not None,
            "crop_rounding": "truncate",
            "colour": "BGR",
            "exif": "applied",
        }
    return done
