"""Extraction: images to shards of global descriptors, resumable, with every bad image named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from superglobal_core.data.boxes import Box
from superglobal_core.data.images import ImageError, ImageFile
from superglobal_core.data.reading import Reading
from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError, name_list, unknown_name
from superglobal_core.features.batching import batches
from superglobal_core.features.decoding import load_images
from superglobal_core.features.preprocessing import scaled_inputs
from superglobal_core.features.shard_run import (
    Bad,
    Extraction,
    OnError,
    boxes_digest,
    check_request,
    run_shards,
)
from superglobal_core.features.shards import ShardPlan
from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.progress import Counter

Precision = Literal["float32", "bfloat16", "float16"]

# Rounding to half precision moves a unit vector's length by less than this.
UNIT_TOLERANCE = 0.02


def extract(
    files: Sequence[ImageFile],
    network: GlobalDescriptor,
    out: str | Path,
    *,
    made_with: Mapping[str, Any],
    boxes: Mapping[str, Box] | None = None,
    reading: Reading = Reading(),  # noqa: B008
    precision: Precision = "float32",
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
    precision: `float32` computes and stores float32; `bfloat16` and `float16` run the backbone so
        (float16 on a GPU only, float32 otherwise) and store float16.
    on_error: with `stop`, an unusable image ends the run after all others were looked at; with
        `skip` it is left out and recorded.

    Raises:
        UserError: listing every image that cannot be used; for missing boxes, other settings in
            the folder, or nonsense in the arguments.
    """
    if precision not in get_args(Precision):
        raise unknown_name("precision", precision, get_args(Precision))
    check_request(files, boxes, shard_size, on_error)
    describer = _Describer(network, choose_device(device), precision, reading)
    descriptor = {"backbone": network.backbone.name, "precision": precision, **network.settings.as_dict()}
    descriptor |= reading.as_dict()
    descriptor["checkpoint_sha256"] = made_with.get("checkpoint_sha256")
    plan = ShardPlan(
        Path(out), files, shard_size, descriptor, {**made_with, "boxes_sha256": boxes_digest(files, boxes)}
    )
    run = _Run(plan, describer, boxes, on_error)
    return run_shards(plan, run.make, what="extract", on_error=on_error, replace=replace)


class _Describer:
    """The network on its device, at its precision."""

    def __init__(
        self, network: GlobalDescriptor, device: torch.device, precision: Precision, reading: Reading
    ) -> None:
        self.device, self.reading = device, reading
        self.network = network.to(device).eval()
        self.stored = np.dtype(np.float32 if precision == "float32" else np.float16)
        if precision == "bfloat16" or (precision == "float16" and device.type == "cuda"):
            self.network.backbone.to(getattr(torch, precision))

    @torch.inference_mode()
    def __call__(self, images: np.ndarray) -> np.ndarray:
        inputs = scaled_inputs(images, self.network.settings, self.device, self.reading.colour)
        return self.network(inputs).cpu().numpy().astype(self.stored)


class _Run:
    """The shards of one run, one after the other."""

    def __init__(
        self, plan: ShardPlan, describer: _Describer, boxes: Mapping[str, Box] | None, on_error: OnError
    ) -> None:
        self.plan, self.describer, self.boxes, self.on_error = plan, describer, boxes, on_error

    def make(self, number: int, counter: Counter, bad: list[Bad]) -> int:
        files = self.plan.files_of(number)
        bad_before = len(bad)
        rows = np.zeros((len(files), self.describer.network.dimension), self.describer.stored)
        usable: list[int] = []
        for numbers, images in batches(self._usable(files, usable, counter, bad)):
            # Once an image is bad the run will end; the rest is only looked at.
            if self.on_error == "skip" or not bad:
                rows[numbers] = self.describer(images)
        if bad and self.on_error == "stop":
            return 0
        kept = sorted(usable)
        # Whatever overflowed on the way, the length tells: NaN, infinite or zero.
        lengths = np.linalg.norm(rows[kept].astype(np.float32), axis=1)
        if not (np.abs(lengths - 1) < UNIT_TOLERANCE).all():
            wrong = [files[kept[row]].id for row in np.flatnonzero(~(np.abs(lengths - 1) < UNIT_TOLERANCE))]
            raise UserError(
                f"the network gives no descriptor of finite length for {name_list(wrong)}: try --precision float32, "
                "or another checkpoint"
            )
        self.plan.write(number, [files[row].id for row in kept], rows[kept], bad[bad_before:])
        return len(kept)

    def _usable(
        self, files: Sequence[ImageFile], usable: list[int], counter: Counter, bad: list[Bad]
    ) -> Iterator[tuple[int, np.ndarray]]:
        smallest = self.describer.network.settings.smallest_side()
        for row, (file, image) in enumerate(load_images(files, self.boxes, smallest, self.describer.reading)):
            if isinstance(image, ImageError):
                bad.append({"id": file.id, "reason": str(image)})
            else:
                usable.append(row)
                yield row, image
            counter.advance()
