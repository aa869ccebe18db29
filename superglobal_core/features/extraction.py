"""Extraction: images to shards of global descriptors, resumable, with every bad image named."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from superglobal_core.data.boxes import Box
from superglobal_core.data.images import ImageFile
from superglobal_core.data.reading import Reading
from superglobal_core.devices import choose_device
from superglobal_core.features.modes import Mode, Precision, chosen_precision
from superglobal_core.features.shard_run import (
    Extraction,
    OnError,
    boxes_digest,
    check_request,
    run_plans,
    shards_found,
)
from superglobal_core.features.shards import ShardPlan
from superglobal_core.features.shared_pass import SharedPass, make_describer
from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.networks.settings import DescriptorSettings
from superglobal_core.progress import Counter


def extract(
    files: Sequence[ImageFile],
    network: GlobalDescriptor,
    out: str | Path,
    *,
    made_with: Mapping[str, Any],
    boxes: Mapping[str, Box] | None = None,
    reading: Reading = Reading(),  # noqa: B008
    mode: Mode = "exact",
    precision: Precision | None = None,
    device: str = "auto",
    shard_size: int = 4096,
    on_error: OnError = "stop",
    replace: bool = False,
) -> Extraction:
    """Describe images and write the descriptors as shards into a folder.

    Shards that are there and were made with the same settings are kept, so that an interrupted
    run goes on where it was and ends with the same bytes. A shard's descriptors depend on its own
    images alone.

    made_with: plain values that identify the checkpoint and the code, compared on resuming.
    boxes: the part of each image to describe, by id; every image needs one then.
    reading: how images are decoded and cropped.
    mode: `exact` or `fast`; a `fast` run checks itself against `exact` before it makes a shard.
    precision: `float32` computes and stores float32; `bfloat16` and `float16` run the backbone so
        (float16 on a GPU only, float32 otherwise) and store float16. None: float32 in `exact`, bfloat16 in `fast`.
    on_error: with `stop`, an unusable image ends the run after all others were looked at; with
        `skip` it is left out and recorded.

    Raises:
        UserError: listing every image that cannot be used; for missing boxes, other settings in
            the folder, nonsense in the arguments, a `fast` run too far from `exact`, or an image that does not
            fit into memory.
    """
    precision = chosen_precision(mode, precision)
    check_request(files, boxes, shard_size, on_error)
    where = choose_device(device)
    plan = shard_plan(
        files,
        out,
        network.backbone.name,
        network.settings,
        made_with=made_with,
        boxes=boxes,
        reading=reading,
        mode=mode,
        precision=precision,
        shard_size=shard_size,
    )
    found = shards_found(plan, on_error, replace)
    poolings = [network.pooling]
    describer, checks = make_describer(files, boxes, network, poolings, where, mode, precision, reading)
    make = SharedPass([plan], describer, boxes, on_error).make
    with Counter("extract", len(files)) as counter:
        [done] = run_plans([plan], [found], make, counter, on_error)
    return dataclasses.replace(done, self_check=checks[0], memory=describer.adapting.as_dict())


def shard_plan(
    files: Sequence[ImageFile],
    out: str | Path,
    backbone: str,
    settings: DescriptorSettings,
    *,
    made_with: Mapping[str, Any],
    boxes: Mapping[str, Box] | None,
    reading: Reading,
    mode: Mode,
    precision: Precision,
    shard_size: int,
) -> ShardPlan:
    """Return the plan of an extraction: what its shards hold, and what they say of themselves."""
    computed = {"backbone": backbone, "mode": mode, "precision": precision}
    switches = {**computed, **settings.as_dict(), **reading.as_dict()}
    descriptor = {**switches, "checkpoint_sha256": made_with.get("checkpoint_sha256")}
    made = {**made_with, "boxes_sha256": boxes_digest(files, boxes)}
    return ShardPlan(Path(out), files, shard_size, descriptor, made)
