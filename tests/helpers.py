"""Small inputs that many tests make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np


def picture(seed: int, height: int = 100, width: int = 120) -> np.ndarray:
    """A smooth random picture, (H, W, 3) uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(image: np.ndarray, suffix: str = ".png") -> bytes:
    """The bytes of an image file."""
    done, data = cv2.imencode(suffix, image)
    assert done
    return data.tobytes()


def write_pictures(folder: Path, names: Sequence[str], **size: int) -> list[Path]:
    """Write one picture a name, each another."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png" for name in names]
    for seed, path in enumerate(paths):
        path.write_bytes(encoded(picture(seed, **size)))
    return paths


def unit_rows(rng: np.random.Generator, rows: int, dimension: int, dtype: type = np.float32) -> np.ndarray:
    """Random rows of length one."""
    array = rng.standard_normal((rows, dimension))
    return (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(dtype)


Label = Sequence[int]


def groundtruth_content(images: int, labels: Sequence[tuple[Label, Label, Label]]) -> dict[str, object]:
    """A ground truth of the revisited layout: labels are (easy, hard, junk) for each query."""
    return {
        "imlist": [f"image_{number}" for number in range(images)],
        "qimlist": [f"query_{number}" for number in range(len(labels))],
        "gnd": [
            {"bbx": [1.5, 2.5, 90.0, 80.0], "easy": list(easy), "hard": list(hard), "junk": list(junk)}
            for easy, hard, junk in labels
        ],
    }


class Done(NamedTuple):
    """What a command left on the terminal."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]
