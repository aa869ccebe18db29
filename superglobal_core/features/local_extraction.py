"""Extraction of local features: images to shards of ragged arrays, resumable, every bad image named."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from superglobal_core.data.boxes import Box
from superglobal_core.data.images import ImageError, ImageFile
from superglobal_core.data.reading import Reading
from superglobal_core.features.decoding import load_images
from superglobal_core.features.local_shards import LocalShardPlan
from superglobal_core.features.shard_run import (
    Bad,
    Extraction,
    OnError,
    boxes_digest,
    check_request,
    run_shards,
)
from superglobal_core.progress import Counter


class LocalExtractor(Protocol):
    """What computes one kind of local features.

    kind: its name, as pair scorers ask for it.
    settings: plain values; whatever changes the features.
    An attribute `smallest_side` (pixels), where there is one, says how small an image may be.
    """

    @property
    def kind(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """Describe an image, (H, W, 3) uint8 BGR: arrays by field name, the same fields for every image.

        A field has as many axes in every image; of two axes the second is always as long.

        Raises:
            ImageError: when the image cannot be described; it is then listed as unusable.
        """
        ...


def extract_local(
    files: Sequence[ImageFile],
    extractor: LocalExtractor,
    out: str | Path,
    *,
    made_with: Mapping[str, Any],
    boxes: Mapping[str, Box] | None = None,
    reading: Reading = Reading(),  # noqa: B008
    shard_size: int = 256,
    on_error: OnError = "stop",
    replace: bool = False,
) -> Extraction:
    """Extract the local features of images and write them as shards into a folder.

    Shards that are there and were made with the same settings from the same images are kept, so that
    an interrupted run goes on where it was and ends with the same bytes.

    made_with: plain values that identify weights and code, compared on going on.
    boxes: the part of each image to describe, by id; every image needs one then. Positions count from
        the box's corner.
    reading: how images are decoded and cropped; the colour order is always BGR, extractors expect it.
    on_error: with `stop`, an unusable image ends the run after all others were looked at; with
        `skip` it is left out and recorded.

    Raises:
        UserError: listing every image that cannot be used; for missing boxes, other settings in the
            folder, or nonsense in the arguments.
    """
    check_request(files, boxes, shard_size, on_error)
    reading = dataclasses.replace(reading, colour="bgr")
    about = {"kind": extractor.kind, **extractor.settings, **reading.as_dict()}
    plan = LocalShardPlan(
        Path(out), files, shard_size, about, {**made_with, "boxes_sha256": boxes_digest(files, boxes)}
    )

    def make(number: int, counter: Counter, bad: list[Bad]) -> int:
        bad_before = len(bad)
        ids: list[str] = []
        described = _described(plan.files_of(number), extractor, boxes, reading, counter, bad, ids, on_error)
        try:
            with plan.writing(number) as shard:
                for features in described:
                    shard.add(features)
                if bad and on_error == "stop":
                    raise _GiveUpError
        except _GiveUpError:
            return 0
        plan.finish(number, ids, shard, bad[bad_before:])
        return len(ids)

    return run_shards(plan, make, what=f"extract {extractor.kind}", on_error=on_error, replace=replace)


class _GiveUpError(Exception):
    """Leaves the block of open files, so that none of them takes its name."""


def _described(
    files: Sequence[ImageFile],
    extractor: LocalExtractor,
    boxes: Mapping[str, Box] | None,
    reading: Reading,
    counter: Counter,
    bad: list[Bad],
    ids: list[str],
    on_error: OnError,
) -> Iterator[dict[str, np.ndarray]]:
    smallest = int(getattr(extractor, "smallest_side", 1))
    for file, image in load_images(files, boxes, smallest, reading):
        if isinstance(image, ImageError):
            bad.append({"id": file.id, "reason": str(image)})
        elif on_error == "skip" or not bad:
            # Once an image is bad the run will end; the rest is only looked at.
            try:
                features = extractor(image)
            except ImageError as error:
                bad.append({"id": file.id, "reason": str(error)})
            else:
                ids.append(file.id)
                yield features
        counter.advance()
