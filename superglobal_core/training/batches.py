"""Batches of training images: cropped, resized and disturbed by dice that depend on the step alone."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from superglobal_core.training.renders import Renders

# BGR, as the releases normalise (method: preprocessing).
MEAN = np.array([0.406, 0.456, 0.485], np.float32) * 255
STD = np.array([0.225, 0.224, 0.229], np.float32) * 255

# Sides of the square training images, small ones first because they are cheap: from which share of the
# training on. The last are what a landmark measures at the test's three scales.
SIDES = ((0.0, (96, 112)), (0.4, (112, 128)), (0.75, (112, 144, 176)))


def sides_at(share: float) -> tuple[int, ...]:
    """Return the image sides to choose from at a share of the training.

    >>> sides_at(0.5)
    (112, 128)
    """
    return [sides for start, sides in SIDES if share >= start][-1]


def batch_of(
    renders: Renders, step: int, size: int, seed: int, sides: tuple[int, ...] = SIDES[-1][1]
) -> tuple[Tensor, Tensor]:
    """Return the images (B, 3, S, S), normalised BGR, and labels (B,) of a training step.

    Every image comes once in an epoch; the order is drawn anew for each epoch. A step's batch
    depends on (seed, step) alone, so that a resumed training sees what it would have seen.
    """
    total = len(renders.jpegs)
    per_epoch = max(1, total // size)
    epoch, at = divmod(step, per_epoch)
    order = np.random.default_rng([seed, 1, epoch]).permutation(total)
    chosen = order[at * size : (at + 1) * size]
    rng = np.random.default_rng([seed, 2, step])
    side = int(rng.choice(sides))
    images = np.empty((len(chosen), side, side, 3), np.float32)
    for row, index in enumerate(chosen):
        picture = cv2.imdecode(np.frombuffer(renders.jpegs[index], np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None  # encoded by ourselves
        images[row] = augment(picture, renders.boxes[index], side, rng)
    tensor = torch.from_numpy((images - MEAN) / STD).permute(0, 3, 1, 2)
    return tensor.contiguous(memory_format=torch.channels_last), torch.from_numpy(renders.labels[chosen])


def augment(picture: np.ndarray, box: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a nearly square piece around the landmark, resize it to side x side and vary its colours.

    Two cuts in five keep close to the landmark's box, as queries do; the others keep its surroundings.
    Never mirrored: a mirrored building is another building.
    """
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = (float(value) for value in box)
    wide, tall = x2 - x1, y2 - y1
    full = float(min(height, width))
    if rng.random() < 0.4:
        want = np.clip(max(wide, tall) * rng.uniform(1.0, 1.25), 0.4 * full, full)
    else:
        want = rng.uniform(0.75, 1.0) * full
    stretch = float(np.exp(rng.normal(0, 0.08)))
    columns, rows = min(float(width), want * stretch), min(float(height), want / stretch)
    left = _place(x1, x2, columns, width, rng)
    top = _place(y1, y2, rows, height, rng)
    piece = picture[int(top) : int(top + rows), int(left) : int(left + columns)]
    shrinks = piece.shape[0] > side
    piece = cv2.resize(piece, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    image = piece.astype(np.float32)
    gain = rng.normal(1, 0.1) * rng.normal(1, 0.03, 3)
    image = (image * gain.astype(np.float32) - 118) * np.float32(np.exp(rng.normal(0, 0.12))) + 118
    return np.clip(image, 0, 255)


def _place(low: float, high: float, length: float, limit: int, rng: np.random.Generator) -> float:
    # Around the landmark's middle, at random by a sixth of the piece, inside the picture.
    start = (low + high - length) / 2 + rng.normal(0, 0.06) * length
    return float(np.clip(start, 0, limit - length))
