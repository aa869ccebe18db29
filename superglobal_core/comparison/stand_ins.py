"""Pictures for methods that need some where none were given: drawn landmarks of a photograph's size."""

from __future__ import annotations

from pathlib import Path

import cv2

from superglobal_core.comparison.inputs import Pictures
from superglobal_core.data.images import ImageFile, read_image
from superglobal_core.data.landmarks import make_landmarks
from superglobal_core.files import atomic_write

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
