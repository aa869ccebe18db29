"""Extraction: images to shards of global descriptors, resumable, with every bad image named."""

from __future__ import annotations

import dataclasses
import hashlib
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
from superglobal_core.features.shards import ShardPlan
from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.progress import Counter

Precision = Literal["float32", "bfloat16", "float16"]
OnError = Literal["stop", "skip"]

# Rounding to half precision moves a unit vector's length by less than this.
UNIT_TOLERANCE = 0.02


@dataclasses.dataclass(frozen=True)
class Extraction:
    """What an extraction did: shards in all, those found done, images described, images left out."""

    shards: int
    found_done: int
    described: int
    skipped: list[dict[str, str]]


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
    for value, allowed, what in ((precision, Precision, "precision"), (on_error, OnError, "on-error")):
        if value not in get_args(allowed):
            raise unknown_name(what, value, get_args(allowed))
    if shard_size < 1:
        raise UserError(f"shard-size is {shard_size}: put at least one image into a shard")
    if boxes is not None and (without := [file.id for file in files if file.id not in boxes]):
        raise UserError(f"{len(without)} of {len(files)} images have no box: {name_list(without)}")
    describer = _Describer(network, choose_device(device), precision, reading)
    descriptor = {"backbone": network.backbone.name, "precision": precision, **network.settings.as_dict()}
    descriptor |= reading.as_dict()
    descriptor["checkpoint_sha256"] = made_with.get("checkpoint_sha256")
    plan = ShardPlan(
        Path(out), files, shard_size, descriptor, {**made_with, "boxes_sha256": _digest(files, boxes)}
    )
    plan.clean(replace)
    done = [plan.done(number, replace) for number in range(plan.count)]
    if on_error == "stop":
        # A shard that an earlier run with `skip` left images out of is looked at again.
        done = [None if sidecar is None or sidecar["skipped"] else sidecar for sidecar in done]
    run = _Run(plan, describer, boxes, on_error)
    with Counter("extract", len(files)) as counter:
        for number, sidecar in enumerate(done):
            if sidecar is None:
                run.make(number, counter)
            else:
                run.bad += sidecar["skipped"]
                counter.advance(len(plan.files_of(number)))
    if run.bad and on_error == "stop":
        listed = "; ".join(f"{entry['id']} {entry['reason']}" for entry in run.bad)
        raise UserError(
            f"{len(run.bad)} of {len(files)} images cannot be used: {listed}. "
            "Mend or remove them, or leave them out with --on-error skip"
        )
    if len(run.bad) == len(files):
        plan.remove()
        raise UserError(
            f"none of the {len(files)} images can be used; the first: {run.bad[0]['id']} {run.bad[0]['reason']}"
        )
    return Extraction(plan.count, sum(sidecar is not None for sidecar in done), run.described, run.bad)


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
        self.bad: list[dict[str, str]] = []
        self.described = 0

    def make(self, number: int, counter: Counter) -> None:
        files = self.plan.files_of(number)
        bad_before = len(self.bad)
        rows = np.zeros((len(files), self.describer.network.dimension), self.describer.stored)
        usable: list[int] = []
        for numbers, images in batches(self._usable(files, usable, counter)):
            # Once an image is bad the run will end; the rest is only looked at.
            if self.on_error == "skip" or not self.bad:
                rows[numbers] = self.describer(images)
        if self.bad and self.on_error == "stop":
            return
        kept = sorted(usable)
        # Whatever overflowed on the way, the length tells: NaN, infinite or zero.
        lengths = np.linalg.norm(rows[kept].astype(np.float32), axis=1)
        if not (np.abs(lengths - 1) < UNIT_TOLERANCE).all():
            wrong = [files[kept[row]].id for row in np.flatnonzero(~(np.abs(lengths - 1) < UNIT_TOLERANCE))]
            raise UserError(
                f"the network gives no descriptor of finite length for {name_list(wrong)}: try --precision float32, "
                "or another checkpoint"
            )
        self.described += len(kept)
        self.plan.write(number, [files[row].id for row in kept], rows[kept], self.bad[bad_before:])

    def _usable(
        self, files: Sequence[ImageFile], usable: list[int], counter: Counter
    ) -> Iterator[tuple[int, np.ndarray]]:
        smallest = self.describer.network.settings.smallest_side()
        for row, (file, image) in enumerate(load_images(files, self.boxes, smallest, self.describer.reading)):
            if isinstance(image, ImageError):
                self.bad.append({"id": file.id, "reason": str(image)})
            else:
                usable.append(row)
                yield row, image
            counter.advance()


def _digest(files: Sequence[ImageFile], boxes: Mapping[str, Box] | None) -> str | None:
    if boxes is None:
        return None
    return hashlib.sha256(repr([boxes[file.id] for file in files]).encode()).hexdigest()
