"""What the tests of timing share: a lock of their own, small descriptors and the pictures behind them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import unit_rows, write_pictures
from timed_inputs import DIMENSION, IMAGES, QUERIES

from superglobal_core.timing.alone import VARIABLE


@pytest.fixture(autouse=True)
def lock(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Never wait for a timing that someone else does on this machine."""
    path = tmp_path_factory.mktemp("lock") / "timing.lock"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


@pytest.fixture(scope="session")
def descriptors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with queries.npy and database.npy, the latter with duplicates."""
    folder, rng = tmp_path_factory.mktemp("descriptors"), np.random.default_rng(0)
    database = unit_rows(rng, IMAGES, DIMENSION)
    database[5:8] = database[4]
    np.save(folder / "queries.npy", unit_rows(rng, QUERIES, DIMENSION))
    np.save(folder / "database.npy", database)
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with queries/ and database/: a picture for every row."""
    folder = tmp_path_factory.mktemp("pictures")
    write_pictures(folder / "queries", [f"query_{n}" for n in range(QUERIES)], height=130, width=160)
    write_pictures(folder / "database", [f"image_{n:02}" for n in range(IMAGES)], height=130, width=160)
    return folder
