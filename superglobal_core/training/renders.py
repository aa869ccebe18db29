"""The training images: many buildings, each seen in many ways, rendered once and kept as JPEG."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from superglobal_core.data.landmarks.buildings import build
from superglobal_core.data.landmarks.genome import Genome, draw_genome, relative
from superglobal_core.data.landmarks.labels import label
from superglobal_core.data.landmarks.photograph import Measurement, photograph
from superglobal_core.data.landmarks.plan import dice
from superglobal_core.data.landmarks.scenery import Stock, make_site
from superglobal_core.data.landmarks.views import draw_view
from superglobal_core.data.landmarks.worker import encode, single_threaded
from superglobal_core.files import write_npz
from superglobal_core.pools import spawned_pool
from superglobal_core.progress import track

# Test sets have small seeds (the default is 0); training draws from seeds that no test set uses.
FIRST_TRAINING_SEED = 1_000_000
# Buildings that share one stock of trees, people and neighbours.
BUILDINGS_A_STOCK = 100


@dataclass(frozen=True)
class RenderPlan:
    """How many buildings with how many views of how many pixels, and from which seed."""

    seed: int
    buildings: int
    views: int
    size: int


@dataclass(frozen=True)
class Renders:
    """All training images: JPEG bytes, the landmark's box in each (x1, y1, x2, y2), its building."""

    jpegs: list[bytes]
    boxes: np.ndarray
    labels: np.ndarray


def training_genome(seed: int, index: int) -> Genome:
    """Return a training building's genome: each odd one is a relative of the one before it.

    Telling relatives apart is what the distractors of a test set ask for.
    """
    genome = draw_genome(dice(seed, "landmark", index - index % 2))
    return genome if index % 2 == 0 else relative(genome, dice(seed, "landmark", index))


@lru_cache(maxsize=1)
def _stock(seed: int) -> Stock:
    return Stock(seed)


def render_building(plan: RenderPlan, index: int, folder: Path) -> Path:
    """Render one building's views into `folder` unless they are there; returns the file.

    Views that a test set would call junk are drawn again: nobody could learn from them.
    """
    path = folder / f"building_{index:05d}.npz"
    if path.exists():
        return path
    seed = FIRST_TRAINING_SEED + plan.seed
    genome = training_genome(seed, index)
    building = build(genome)
    stock = _stock(seed + index // BUILDINGS_A_STOCK)
    site = make_site(building, stock, np.random.default_rng([seed, genome.shape_seed]))
    around = float(dice(seed, "landmark", index, 1).uniform(-0.5, 0.5))
    ahead = (float(np.sin(around)), float(-np.cos(around)))
    jpegs, boxes = [], []
    for serial in range(plan.views):
        for attempt in range(12):
            rng = dice(seed, "landmark", index, serial + 2, attempt)
            role = ("query", "easy", "hard", "hard", "hard")[int(rng.integers(5))]
            view = draw_view(rng, plan.size, role, around)
            picture, seen = photograph(building, site, stock, view)
            if _useful(seen, ahead):
                break
        jpegs.append(np.frombuffer(encode(picture, max(70, view.quality)), np.uint8))
        boxes.append(seen.box)
    ends = np.cumsum([len(data) for data in jpegs])
    write_npz(path, {"data": np.concatenate(jpegs), "ends": ends, "boxes": np.array(boxes, np.float32)})
    return path


def _useful(seen: Measurement, ahead: tuple[float, float]) -> bool:
    return label(seen, ahead) != "junk"


def render_all(plan: RenderPlan, folder: Path, processes: int | None = None) -> Renders:
    """Render what is missing in `folder`, by several processes, and load everything."""
    processes = min(processes or len(os.sched_getaffinity(0)), plan.buildings)
    paths = list(
        track(_render(plan, folder, processes), "render training images", plan.buildings, "buildings")
    )
    jpegs: list[bytes] = []
    boxes, labels = [], []
    for building, path in enumerate(paths):
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        start = 0
        for end in arrays["ends"]:
            jpegs.append(arrays["data"][start:end].tobytes())
            start = int(end)
        boxes.append(arrays["boxes"])
        labels += [building] * len(arrays["ends"])
    return Renders(jpegs, np.concatenate(boxes), np.array(labels, np.int64))


def _render(plan: RenderPlan, folder: Path, processes: int) -> Iterator[Path]:
    if processes == 1:
        yield from (render_building(plan, index, folder) for index in range(plan.buildings))
        return
    pool = spawned_pool(processes, single_threaded)
    try:
        futures = [pool.submit(render_building, plan, index, folder) for index in range(plan.buildings)]
        for future in futures:
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
