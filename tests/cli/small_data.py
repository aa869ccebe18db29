"""What the tests of the command line share: a small data set, and readers of what verbs write."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np


class Data(NamedTuple):
    """Descriptors of a small data set, by name in shards and by order in `.npy` files."""

    groundtruth: Path
    queries: Path
    database: Path
    distractors: Path
    query_array: np.ndarray
    database_array: np.ndarray


LABELS = [([0, 3, 5], [7, 9], [11]), ([1], [2, 4, 6], []), ([], [8], [10, 12]), ([13, 14], [], [15, 16])]


IMAGES, DISTRACTORS, DIMENSION = 40, 25, 16


KIND = {"descriptor": {"backbone": "none"}, "shard": 0, "shards": 1, "skipped": []}


def load(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def ranking_of(data: Data, more: bool = False) -> np.ndarray:
    database = (
        np.concatenate([data.database_array, np.load(data.distractors)]) if more else data.database_array
    )
    return np.argsort(-(data.query_array @ database.T), axis=1, kind="stable")
