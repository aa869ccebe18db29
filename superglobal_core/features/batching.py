"""Batches of equally sized images, made in a way that depends on the images alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

# Images a batch, and pixels a batch: what an ordinary CPU does fastest, and a few hundred MB of
# activations in a ResNet-101.
MOST_IMAGES = 32
MOST_PIXELS = 4_000_000
# On a GPU: enough to fill it; one with less memory halves its batches (memory_adapting.py).
MOST_PIXELS_GPU = 26_000_000
# Pixels that may wait for company of their size before the largest group goes as it is.
MOST_WAITING = 64_000_000


def batches(
    images: Iterable[tuple[int, np.ndarray]], most_pixels: int | None = None
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Group numbered images (H, W, 3) of equal size into batches (B, H, W, 3).

    Every image comes out once, with its number. Memory is bounded: when too many pixels wait, the
    group with most pixels goes. The grouping is a function of the sequence of sizes, so that a
    repeated run makes the same batches and with them the same bytes.

    most_pixels: of a batch; None: as many as suit a CPU.

    >>> image = np.zeros((4, 4, 3), np.uint8)
    >>> [numbers for numbers, _ in batches([(0, image), (1, image[:2]), (2, image)])]
    [[0, 2], [1]]
    """
    most_pixels = MOST_PIXELS if most_pixels is None else most_pixels
    groups: dict[tuple[int, ...], list[tuple[int, np.ndarray]]] = {}
    waiting = 0
    for number, image in images:
        group = groups.setdefault(image.shape, [])
        group.append((number, image))
        pixels = image.shape[0] * image.shape[1]
        waiting += pixels
        if len(group) >= MOST_IMAGES or (len(group) + 1) * pixels > most_pixels:
            waiting -= len(group) * pixels
            yield _stack(groups.pop(image.shape))
        elif waiting > MOST_WAITING:
            largest = max(groups, key=lambda shape: len(groups[shape]) * shape[0] * shape[1])
            waiting -= len(groups[largest]) * largest[0] * largest[1]
            yield _stack(groups.pop(largest))
    for shape in list(groups):
        yield _stack(groups.pop(shape))


def _stack(group: list[tuple[int, np.ndarray]]) -> tuple[list[int], np.ndarray]:
    return [number for number, _ in group], np.stack([image for _, image in group])
