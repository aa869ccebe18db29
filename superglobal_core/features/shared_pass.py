"""One pass over the images for several poolings: decoding, scaling and the backbone are paid for once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from superglobal_core.data.boxes import Box
from superglobal_core.data.images import ImageError, ImageFile
from superglobal_core.data.reading import Reading
from superglobal_core.devices import full_float32
from superglobal_core.errors import UserError, name_list
from superglobal_core.features.batching import MOST_PIXELS_GPU, batches
from superglobal_core.features.decoding import TooSmallError, load_image, load_images
from superglobal_core.features.gpu_decoding import gpu_decoder
from superglobal_core.features.memory_adapting import Adapting
from superglobal_core.features.modes import Mode, Precision
from superglobal_core.features.preprocessing import scaled_inputs
from superglobal_core.features.self_check import self_check
from superglobal_core.features.shard_run import Bad, OnError
from superglobal_core.features.shards import ShardPlan
from superglobal_core.networks.descriptor import GlobalDescriptor, Pooling
from superglobal_core.networks.folded import folded
from superglobal_core.progress import Counter

# Rounding to half precision moves a unit vector's length by less than this.
UNIT_TOLERANCE = 0.02


class Describer:
    """A network on its device, folded, at its precision, and the poolings of its feature maps.

    mode: `fast` may decode on the GPU, too; the rest of the speed is the precision's. The network given is
    left in float32, so that another describer can be made of it.
    """

    def __init__(
        self,
        network: GlobalDescriptor,
        poolings: Sequence[Pooling],
        device: torch.device,
        precision: Precision,
        reading: Reading,
        mode: Mode = "exact",
    ) -> None:
        self.device, self.reading = device, reading
        self.poolings = [pooling.to(device).eval() for pooling in poolings]
        self.stored = np.dtype(np.float32 if precision == "float32" else np.float16)
        half = precision == "bfloat16" or (precision == "float16" and device.type == "cuda")
        self.network = folded(network.to(device).eval(), getattr(torch, precision) if half else torch.float32)
        self.jpeg = gpu_decoder(device) if mode == "fast" else None
        self.most_pixels = MOST_PIXELS_GPU if device.type == "cuda" else None
        self.adapting = Adapting(self, "the GPU" if device.type == "cuda" else "this machine")

    @torch.inference_mode()
    def __call__(self, images: np.ndarray, wanted: Sequence[int]) -> list[np.ndarray]:
        """Describe (B, H, W, 3) uint8 images: one (B, dimension) array for each wanted pooling."""
        with full_float32():
            inputs = scaled_inputs(images, self.network.settings, self.device, self.reading.colour)
            described = self.network.describe(inputs, [self.poolings[index] for index in wanted])
            return [rows.cpu().numpy().astype(self.stored) for rows in described]

    def load(self, file: ImageFile, box: Box | None) -> np.ndarray:
        """Decode an image that every pooling can take (ImageError otherwise)."""
        smallest = max(pooling.settings.smallest_side() for pooling in self.poolings)
        return load_image(file, box, smallest, self.reading, self.jpeg)

    def describe_one(self, image: np.ndarray, name: str) -> list[np.ndarray]:
        """Describe an image (H, W, 3): one (dimension,) array for each pooling; name: for messages."""
        rows = self.adapting(image[None], range(len(self.poolings)), [name])
        return [array[0] for array in rows]


def make_describer(
    files: Sequence[ImageFile],
    boxes: Mapping[str, Box] | None,
    network: GlobalDescriptor,
    poolings: Sequence[Pooling],
    device: torch.device,
    mode: Mode,
    precision: Precision,
    reading: Reading,
) -> tuple[Describer, list[dict[str, Any] | None]]:
    """Make the describer of a run, and check it on the run's own images where the mode is `fast`.

    Returns:
        It, and for each pooling what `self_check` found; None in the mode `exact`.

    Raises:
        UserError: when `fast` is too far from `exact`.
    """
    describer = Describer(network, poolings, device, precision, reading, mode)
    if mode == "exact":
        return describer, [None] * len(poolings)
    exact = Describer(network, poolings, device, "float32", reading)
    return describer, list(self_check(files, boxes, exact, describer))


class SharedPass:
    """Makes the shards of several plans, one for each of a describer's poolings, from the same images."""

    def __init__(
        self,
        plans: Sequence[ShardPlan],
        describer: Describer,
        boxes: Mapping[str, Box] | None,
        on_error: OnError,
    ) -> None:
        self.plans, self.describer, self.boxes, self.on_error = plans, describer, boxes, on_error
        self.sides = [pooling.settings.smallest_side() for pooling in describer.poolings]

    def make(
        self, number: int, wanted: Sequence[int], counter: Counter, bads: Sequence[list[Bad]]
    ) -> list[int]:
        """Make a shard of the wanted plans; the arguments and the result are those of `run_plans`."""
        before = counter.done
        sides = sorted({self.sides[index] for index in wanted})
        try:
            return self._make(number, wanted, counter, bads, alone=len(sides) == 1)
        except _TooSmallForSomeError:
            # An image that only some of the poolings can take changes the batches, and with them the last
            # bits: each kind then goes its own way, as it would alone.
            made: dict[int, int] = {}
            for side in sides:
                kind = [index for index in wanted if self.sides[index] == side]
                made |= zip(kind, self._make(number, kind, None, bads, alone=True), strict=True)
            counter.advance(len(self.plans[0].files_of(number)) - (counter.done - before))
            return [made[index] for index in wanted]

    def _make(
        self,
        number: int,
        wanted: Sequence[int],
        counter: Counter | None,
        bads: Sequence[list[Bad]],
        alone: bool,
    ) -> list[int]:
        files = self.plans[0].files_of(number)
        ended = self.on_error == "stop" and any(bads)
        shape = (len(files), self.describer.network.dimension)
        arrays = [np.zeros(shape, self.describer.stored) for _ in wanted]
        usable: list[int] = []
        bad: list[Bad] = []
        smallest = max(self.sides[index] for index in wanted)
        seen = self._usable(files, smallest, usable, counter, bad, alone)
        for numbers, images in batches(seen, self.describer.most_pixels):
            # Once an image is bad the run will end; the rest is only looked at.
            if self.on_error == "skip" or not (bad or ended):
                names = [files[row].id for row in numbers]
                described = self.describer.adapting(images, wanted, names)
                for array, rows in zip(arrays, described, strict=True):
                    array[numbers] = rows
        for index in wanted:
            bads[index].extend(bad)
        if self.on_error == "stop" and (bad or ended):
            return [0] * len(wanted)
        kept = sorted(usable)
        digest = self.plans[0].images_digest(number)
        for index, array in zip(wanted, arrays, strict=True):
            self._check(files, kept, array, index)
            self.plans[index].write(number, [files[row].id for row in kept], array[kept], bad, digest)
        return [len(kept)] * len(wanted)

    def _check(self, files: Sequence[ImageFile], kept: list[int], array: np.ndarray, index: int) -> None:
        # Whatever overflowed on the way, the length tells: NaN, infinite or zero.
        lengths = np.linalg.norm(array[kept].astype(np.float32), axis=1)
        wrong = [files[kept[row]].id for row in np.flatnonzero(~(np.abs(lengths - 1) < UNIT_TOLERANCE))]
        if wrong:
            which = f" ({self.plans[index].folder.name})" if len(self.plans) > 1 else ""
            raise UserError(
                f"the network gives no descriptor of finite length for {name_list(wrong)}{which}: try --precision "
                "float32, or another checkpoint"
            )

    def _usable(
        self,
        files: Sequence[ImageFile],
        smallest: int,
        usable: list[int],
        counter: Counter | None,
        bad: list[Bad],
        alone: bool,
    ) -> Iterator[tuple[int, np.ndarray]]:
        given = load_images(files, self.boxes, smallest, self.describer.reading, self.describer.jpeg)
        for row, (file, image) in enumerate(given):
            if isinstance(image, TooSmallError) and not alone:
                raise _TooSmallForSomeError
            if isinstance(image, ImageError):
                bad.append({"id": file.id, "reason": str(image)})
            else:
                usable.append(row)
                yield row, image
            if counter is not None:
                counter.advance()


class _TooSmallForSomeError(Exception):
    """An image is too small for one of the poolings, and perhaps not for another."""
