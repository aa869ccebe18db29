"""Stand-ins for what a timing was not given: drawn pictures and descriptors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from superglobal_core.comparison.inputs import Pictures
from superglobal_core.data.images import ImageFile, read_image
from superglobal_core.data.landmarks import make_landmarks
from superglobal_core.files import atomic_write, write_npy

# What the published code works on: most photographs of Oxford and Paris are 1024 x 768.
WIDTH, HEIGHT = 1024, 768


def draw_pictures(folder: str | Path, width: int = WIDTH, height: int = HEIGHT, seed: int = 0) -> Pictures:
    """Draw one landmark's pictures into a folder, all of one size: a query and twenty others."""
    folder = Path(folder)
    drawn = folder / "drawn"
    # One process: several would have to be spawned, which a program without a main guard cannot.
    make_landmarks(
        drawn, seed=seed, size=max(128, width, height), landmarks=1, distractors=0, processes=1, replace=True
    )
    queries = _resized(drawn / "queries", folder / "queries", width, height)
    database = _resized(drawn / "database", folder / "database", width, height)
    note = f"on {len(database)} drawn pictures of {width} x {height}, again and again"
    return Pictures(queries, database, note=note)


def _resized(source: Path, target: Path, width: int, height: int) -> list[ImageFile]:
    target.mkdir(parents=True, exist_ok=True)
    files = []
    for path in sorted(source.glob("*.jpg")):
        image = cv2.resize(read_image(path), (width, height), interpolation=cv2.INTER_AREA)
        done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])
        assert done
        with atomic_write(target / path.name) as stream:
            stream.write(data.tobytes())
        files.append(ImageFile(path.stem, target / path.name))
    return files


def draw_descriptors(
    folder: str | Path, queries: int, database: int, dimension: int, seed: int = 0
) -> dict[str, Any]:
    """Write random unit descriptors in clusters of 20, as those of landmarks are; return their paths.

    The names of the result are those a timing is given them by.
    """
    folder, rng = Path(folder), np.random.default_rng(seed)
    centres = rng.standard_normal((max(1, database // 20), dimension), dtype=np.float32)
    paths = {}
    for name, count in (("queries", queries), ("database", database)):
        noise = rng.standard_normal((count, dimension), dtype=np.float32)
        rows = centres[rng.integers(0, len(centres), count)] + 1.2 * noise
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        paths[name] = folder / f"{name}.npy"
        write_npy(paths[name], rows)
    return {"queries": paths["queries"], "databases": [paths["database"]]}
