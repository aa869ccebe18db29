"""Decoding ahead of the network: a few threads read, decode and crop images in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from superglobal_core.data.boxes import Box
from superglobal_core.data.images import ImageError, ImageFile, crop, read_image
from superglobal_core.data.reading import Reading

# Decodes the bytes of a JPEG (and whether to turn it as its EXIF says) in OpenCV's place, or leaves it: None.
Jpeg = Callable[[bytes, bool], np.ndarray | None]

# Decoding releases the interpreter's lock; more threads than this outrun any network.
THREADS = min(8, os.cpu_count() or 1)
# Images decoded ahead: enough to hide the decoding, few enough for memory (2 MB a photograph).
AHEAD = 4 * THREADS


class TooSmallError(ImageError):
    """What is left of an image is too small for the network at the wanted scales."""


def load_image(
    file: ImageFile,
    box: Box | None,
    smallest_side: int,
    reading: Reading = Reading(),  # noqa: B008
    jpeg: Jpeg | None = None,
) -> np.ndarray:
    """Decode one image and cut its query box out: (H, W, 3) uint8, in the order of `reading.colour`.

    Raises:
        ImageError: when it cannot be decoded; TooSmallError when what is left has a side under
            `smallest_side` px.
    """
    image = read_image(file.path, exif=reading.exif == "applied", jpeg=jpeg)
    if box is not None:
        image = crop(image, box, reading.crop_rounding)
    if reading.colour == "rgb":
        image = image[:, :, ::-1]
    height, width = image.shape[:2]
    if min(height, width) < smallest_side:
        part = "in its box " if box is not None else ""
        raise TooSmallError(
            f"is {part}{width} x {height} px, too small: {smallest_side} px a side are needed at these scales"
        )
    return np.ascontiguousarray(image)


def load_images(
    files: Sequence[ImageFile],
    boxes: Mapping[str, Box] | None,
    smallest_side: int,
    reading: Reading = Reading(),  # noqa: B008
    jpeg: Jpeg | None = None,
) -> Iterator[tuple[ImageFile, np.ndarray | ImageError]]:
    """Yield each file with its pixels, or with the reason why there are none, in the files' order."""

    def attempt(file: ImageFile) -> np.ndarray | ImageError:
        try:
            box = boxes[file.id] if boxes is not None else None
            return load_image(file, box, smallest_side, reading, jpeg)
        except ImageError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[tuple[ImageFile, Future[np.ndarray | ImageError]]] = deque()
        upcoming = iter(files)
        try:
            while True:
                while len(waiting) < AHEAD and (file := next(upcoming, None)) is not None:
                    waiting.append((file, pool.submit(attempt, file)))
                if not waiting:
                    return
                file, future = waiting.popleft()
                yield file, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
