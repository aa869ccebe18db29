"""A fast extraction checks itself: some of its images described both ways, and how far apart they come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from superglobal_core.data.boxes import Box
from superglobal_core.data.images import ImageError, ImageFile
from superglobal_core.errors import UserError

# Cosine distance between the two descriptors of an image. Different images are a hundred times as far apart.
BOUND = 1e-3
SAMPLE = 16
SEED = 0


class Way(Protocol):
    """One way to describe: images are loaded, then described by each of several poolings."""

    @property
    def poolings(self) -> Sequence[object]: ...
    def load(self, file: ImageFile, box: Box | None) -> np.ndarray: ...
    def describe_one(self, image: np.ndarray, name: str) -> list[np.ndarray]: ...


def self_check(
    files: Sequence[ImageFile], boxes: Mapping[str, Box] | None, exact: Way, fast: Way
) -> list[dict[str, Any]]:
    """Describe a seeded sample of images both ways, one image at a time; images that cannot be used do not count.

    Returns:
        For each pooling `images`, `bound`, the `largest` and the `mean` cosine distance and the image that is
        furthest apart, for records; distances are None where no image can be used.

    Raises:
        UserError: when an image's descriptors are further apart than `BOUND`, or one is no number.
    """
    names: list[str] = []
    distances: list[list[float]] = []
    for index in np.random.default_rng(SEED).permutation(len(files)).tolist():
        file = files[index]
        box = boxes[file.id] if boxes is not None else None
        try:
            images = [way.load(file, box) for way in (exact, fast)]
        except ImageError:
            continue
        pair = [way.describe_one(image, file.id) for way, image in zip((exact, fast), images, strict=True)]
        names.append(file.id)
        distances.append([cosine_distance(one, other) for one, other in zip(*pair, strict=True)])
        if len(names) == SAMPLE:
            break
    if not names:
        return [_summary([], []) for _ in exact.poolings]
    return [_summary(names, list(column)) for column in zip(*distances, strict=True)]


def cosine_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return 1 - cos of two vectors, in float64; NaN where one has no finite length.

    >>> cosine_distance(np.array([1.0, 0]), np.array([0, 2.0]))
    1.0
    """
    a, b = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(all="ignore"):
        return float(1 - (a @ b) / (np.linalg.norm(a) * np.linalg.norm(b)))


def _summary(names: Sequence[str], distances: Sequence[float]) -> dict[str, Any]:
    if not names:
        return {"images": 0, "bound": BOUND, "largest": None, "mean": None, "furthest": None}
    furthest = int(np.argmax(distances))  # NaN counts as the largest
    largest = distances[furthest]
    if not largest <= BOUND:
        raise UserError(
            f"--mode fast moves the descriptor of {names[furthest]} by a cosine distance of {largest:.2g} from that "
            f"of --mode exact (at most {BOUND:g} is allowed; {len(names)} images were tried): extract with "
            "--mode exact, or give the fast mode another --precision"
        )
    return {
        "images": len(names),
        "bound": BOUND,
        # Equal vectors come out at rounding's mercy, a little below nothing.
        "largest": max(largest, 0.0),
        "mean": max(float(np.mean(distances)), 0.0),
        "furthest": names[furthest],
    }
