"""A small data set, by order and by name."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from helpers import groundtruth_content, unit_rows
from small_data import DIMENSION, DISTRACTORS, IMAGES, KIND, LABELS, Data

from superglobal_core.features.shards import write_shard


@pytest.fixture
def data(tmp_path: Path) -> Data:
    rng = np.random.default_rng(0)
    content = groundtruth_content(IMAGES, LABELS)
    groundtruth = tmp_path / "gnd_small.pkl"
    groundtruth.write_bytes(pickle.dumps(content))
    queries, database = unit_rows(rng, len(LABELS), DIMENSION), unit_rows(rng, IMAGES, DIMENSION)
    for name, array in (("q", queries), ("db", database), ("more", unit_rows(rng, DISTRACTORS, DIMENSION))):
        np.save(tmp_path / f"{name}.npy", array)
    return Data(
        groundtruth, tmp_path / "q.npy", tmp_path / "db.npy", tmp_path / "more.npy", queries, database
    )


@pytest.fixture
def shuffled(tmp_path: Path, data: Data) -> tuple[Path, Path]:
    """The same descriptors in folders of shards, with names, in other orders."""
    rng = np.random.default_rng(1)
    folders = []
    for name, kind, array in (
        ("queries", "query", data.query_array),
        ("database", "image", data.database_array),
    ):
        order = np.roll(rng.permutation(len(array)), 1)
        folder = tmp_path / name
        folder.mkdir()
        cuts = np.array_split(order, 3)
        for number, rows in enumerate(cuts):
            ids = [f"{kind}_{row}" for row in rows]
            write_shard(
                folder / f"shard-{number:05d}", ids, array[rows], KIND | {"shard": number, "shards": 3}
            )
        folders.append(folder)
    return folders[0], folders[1]
