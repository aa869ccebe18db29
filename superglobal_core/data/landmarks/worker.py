"""Take the photographs of one building: what a process of the pool does."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from superglobal_core.data.landmarks.buildings import build
from superglobal_core.data.landmarks.labels import QUERY, label, passes
from superglobal_core.data.landmarks.photograph import Measurement, photograph
from superglobal_core.data.landmarks.plan import Job, Parameters, Shot, dice
from superglobal_core.data.landmarks.scenery import Stock, make_site
from superglobal_core.data.landmarks.views import View, draw_view
from superglobal_core.errors import UserError
from superglobal_core.files import atomic_write

# A photographer who wants an easy view tries again until it is one; this often at most.
ATTEMPTS = 24

Record = dict[str, Any]


@lru_cache(maxsize=2)
def stock_of(seed: int) -> Stock:
    """Return the shared props of a data set; drawn once a process."""
    return Stock(seed)


def single_threaded() -> None:
    """Keep OpenCV to one thread: the pool's processes are the parallelism."""
    cv2.setNumThreads(1)


def encode(picture: np.ndarray, quality: int) -> bytes:
    """Return a picture as a JPEG file's bytes."""
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise UserError("OpenCV could not encode a JPEG: its build lacks the codec")
    return data.tobytes()


def work(job: Job, parameters: Parameters, out: Path) -> Record:
    """Photograph one building; write the images that are missing and return what each shows.

    The same job gives the same bytes whoever does it and whatever is there already.
    """
    stock = stock_of(parameters.seed)
    building = build(job.genome)
    site = make_site(building, stock, np.random.default_rng([parameters.seed, job.genome.shape_seed]))
    directions: list[tuple[float, float]] = []
    images = []
    for shot in job.shots:
        for attempt in range(ATTEMPTS):
            rng = dice(parameters.seed, job.kind, job.index, shot.serial, attempt)
            view = draw_view(rng, parameters.size, shot.role, shot.around)
            picture, seen = photograph(building, site, stock, view)
            if _wanted(shot, seen, directions):
                break
        if shot.role == "query":
            directions.append(seen.direction)
        path = out / shot.folder / f"{shot.name}.jpg"
        if not path.exists():
            with atomic_write(path) as stream:
                stream.write(encode(picture, view.quality))
        images.append(_record(shot, view, seen))
    return {"job": job.key, "style": job.genome.style, "relative_of": job.relative_of, "images": images}


def _wanted(shot: Shot, seen: Measurement, queries: list[tuple[float, float]]) -> bool:
    if shot.role == "query":
        return passes(seen, QUERY)
    if shot.role in ("easy", "hard", "junk") and shot.query is not None:
        return label(seen, queries[shot.query]) == shot.role
    # Buildings of no query: any view with something to see.
    return seen.visible > 0.1 and seen.extent > 0.1


def _record(shot: Shot, view: View, seen: Measurement) -> Record:
    return {
        "folder": shot.folder,
        "name": shot.name,
        "width": view.width,
        "height": view.height,
        "visible": round(seen.visible, 4),
        "extent": round(seen.extent, 4),
        "box": [round(value, 2) for value in seen.box],
        "direction": [round(value, 6) for value in seen.direction],
        "weather": view.weather,
    }
