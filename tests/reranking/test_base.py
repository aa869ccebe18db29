"""Reranking takes the shortlist's vectors alone: what it reads and holds does not grow with the database."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import unit_rows

from superglobal_core.features.store import FeatureStore
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.timing.memory import measure_memory

DIMENSION, QUERIES, SHORTLIST, SHARD = 1024, 8, 100, 10_000
SMALL, LARGE = 20_000, 200_000  # 41 MB and 410 MB
WRITTEN = 1000  # rows with content, spread over the first shards and the last


def sparse_store(folder: Path, rows: int) -> tuple[FeatureStore, np.ndarray]:
    """A store of zeros, which take no place on the disk, with the same few descriptors in it; and where they are."""
    content = unit_rows(np.random.default_rng(0), WRITTEN, DIMENSION, np.float16)
    places = np.unique(np.linspace(0, rows - 1, WRITTEN).astype(np.int64))
    folder.mkdir()
    for number, start in enumerate(range(0, rows, SHARD)):
        shape = (min(SHARD, rows - start), DIMENSION)
        path = folder / f"shard-{number:05d}.npy"
        shard = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
        mine = (places >= start) & (places < start + SHARD)
        shard[places[mine] - start] = content[mine]
        shard.flush()
        del shard
    return FeatureStore.open(folder), places


@pytest.mark.parametrize("chosen", ["spread over all shards", "together"])
def test_the_size_of_the_database_does_not_matter(
    tmp_path: Path, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    queries = unit_rows(rng, QUERIES, DIMENSION)
    shortlists = np.array([rng.permutation(WRITTEN)[:SHORTLIST] for _ in range(QUERIES)])
    if chosen == "together":
        shortlists = np.array([rng.permutation(WRITTEN // 10)[:SHORTLIST] for _ in range(QUERIES)])
    read: list[int] = []
    take = FeatureStore.__getitem__
    monkeypatch.setattr(
        FeatureStore, "__getitem__", lambda store, rows: read.append(np.size(rows)) or take(store, rows)
    )
    monkeypatch.setattr(FeatureStore, "read_into", lambda *_: pytest.fail("blocks of the database were read"))

    found, taken = [], []
    reranker = SuperGlobalReranker(shortlist=SHORTLIST)
    for rows in (SMALL, LARGE):
        store, places = sparse_store(tmp_path / str(rows), rows)
        reranker(queries, store, places[shortlists])  # buffers that stay are made
        read.clear()
        use = measure_memory(
            lambda store=store, at=places: found.append(reranker(queries, store, at[shortlists]))
        )
        assert sum(read) == QUERIES * SHORTLIST
        taken.append(use.host_bytes)
        order, _ = found[-1]
        found[-1] = (np.searchsorted(places, order), found[-1][1])
    for one, other in zip(*found, strict=True):
        assert np.array_equal(one, other)
    if None not in taken:
        assert max(taken) < 40e6
