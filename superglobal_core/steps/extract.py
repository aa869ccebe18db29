"""The step `extract`: images and a checkpoint to shards of global descriptors."""

from __future__ import annotations

from pathlib import Path

from superglobal_core.code_version import fingerprint
from superglobal_core.data.boxes import load_boxes
from superglobal_core.data.images import list_images
from superglobal_core.data.reading import Reading
from superglobal_core.errors import UserError
from superglobal_core.features.extraction import Extraction, OnError, extract
from superglobal_core.features.modes import Mode, Precision, chosen_precision
from superglobal_core.files import read_json, sha256_of
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.networks.settings import DescriptorSettings
from superglobal_core.networks.shipped import MINI_CHECKPOINT, shown
from superglobal_core.results import Input, file_input, recorded
from superglobal_core.steps.inputs import given_files, image_input, manifest_inputs


def extract_step(
    images: str | Path,
    out: str | Path,
    *,
    backbone: str,
    settings: DescriptorSettings,
    checkpoint: str | Path | None = None,
    boxes: str | Path | None = None,
    reading: Reading = Reading(),  # noqa: B008
    mode: Mode = "exact",
    precision: Precision | None = None,
    device: str = "auto",
    shard_size: int = 4096,
    on_error: OnError = "stop",
    replace: bool = False,
) -> Extraction:
    """Extract into the folder `out`, with a `record.json` beside the shards.

    The checkpoint may be left out for `mini`, whose weights come with the package.
    """
    files = list_images(images)
    checkpoint = weights_of(backbone, checkpoint)
    network = load_checkpoint(checkpoint, backbone, settings)
    with recorded("extract", out) as facts:
        done = extract(
            files,
            network,
            out,
            made_with=made_with(checkpoint),
            boxes=load_boxes(boxes, [file.id for file in files]) if boxes is not None else None,
            reading=reading,
            mode=mode,
            precision=precision,
            device=device,
            shard_size=shard_size,
            on_error=on_error,
            replace=replace,
        )
        facts["descriptor"] = descriptor_of(backbone, settings, reading, checkpoint, mode, precision)
        facts["parameters"] = {
            "images": len(files),
            "shard_size": shard_size,
            "on_error": on_error,
            "skipped": done.skipped,
            **run_facts(done),
        }
        facts["protocol"] = protocol_of(settings, reading, query_crop=boxes is not None)
        facts["inputs"] = inputs_of(images, out, checkpoint, boxes)
    return done


def is_extracted(
    out: str | Path,
    backbone: str,
    settings: DescriptorSettings,
    reading: Reading,
    checkpoint: str | Path | None,
    mode: Mode,
    precision: Precision | None,
) -> bool:
    """Tell whether an extraction into `out` was finished with just these switches, weights and code."""
    path = Path(out) / "record.json"
    if not path.is_file():
        return False
    wanted = descriptor_of(backbone, settings, reading, checkpoint or MINI_CHECKPOINT, mode, precision)
    return bool(read_json(path).get("descriptor") == wanted)


def inputs_of(
    images: str | Path, out: str | Path, checkpoint: str | Path, boxes: str | Path | None
) -> list[Input]:
    """Return what an extraction into `out` read, for its record."""
    return [
        image_input(images, out),
        *manifest_inputs(images),
        file_input("checkpoint", shown(checkpoint), sha256_of(checkpoint)),
        *given_files(boxes=boxes),
    ]


def weights_of(backbone: str, checkpoint: str | Path | None) -> str | Path:
    """Return the checkpoint, or that of `mini`, which comes with the package (UserError for others)."""
    if checkpoint is None and backbone != "mini":
        raise UserError(
            f"--backbone {backbone} needs a --checkpoint (only mini's weights come with the package)"
        )
    return MINI_CHECKPOINT if checkpoint is None else checkpoint


def made_with(checkpoint: str | Path) -> dict[str, str]:
    """Return what identifies the weights and the code of an extraction."""
    modules = ("superglobal_core.features.extraction", "superglobal_core.networks.checkpoints")
    return {"checkpoint_sha256": sha256_of(checkpoint), "code": fingerprint(*modules)}


def descriptor_of(
    backbone: str,
    settings: DescriptorSettings,
    reading: Reading,
    checkpoint: str | Path,
    mode: Mode,
    precision: Precision | None,
) -> dict[str, object]:
    """Return what a record says of its descriptors: every switch, the weights and the code."""
    computed = {"backbone": backbone, "mode": mode, "precision": chosen_precision(mode, precision)}
    switches = {**computed, **settings.as_dict(), **reading.as_dict()}
    return {**switches, **made_with(checkpoint)}


def run_facts(done: Extraction) -> dict[str, object]:
    """Return what a record's parameters say of the run itself: its batches, and how `fast` checked itself."""
    check = {} if done.self_check is None else {"self_check": done.self_check}
    return {"memory": done.memory, **check}


def protocol_of(settings: DescriptorSettings, reading: Reading, query_crop: bool) -> dict[str, object]:
    """Return the protocol's switches of an extraction, for its record."""
    return {"query_crop": query_crop, **reading.as_dict(), "resize": settings.resize}
