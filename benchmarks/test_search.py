"""Exact search of 200,000 descriptors in float16 shards on disk, against the plain product in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from superglobal_core.features.store import FeatureStore
from superglobal_core.search.exact import search

QUERIES, IMAGES, DIMENSION, PLACES, SHARD = 70, 200_000, 2048, 400, 20_000


def test_search_from_disk_keeps_up_with_the_plain_product(
    tmp_path: Path, against: Callable[..., float], figure: Callable[..., None]
) -> None:
    rng = torch.Generator().manual_seed(0)
    database = torch.empty(IMAGES, DIMENSION)
    for number in range(IMAGES // SHARD):
        rows = torch.nn.functional.normalize(torch.randn(SHARD, DIMENSION, generator=rng), dim=1).half()
        np.save(tmp_path / f"shard-{number:05d}.npy", rows.numpy())
        database[number * SHARD : (number + 1) * SHARD] = rows
    queries = torch.nn.functional.normalize(torch.randn(QUERIES, DIMENSION, generator=rng), dim=1)
    store = FeatureStore.open(tmp_path)
    found = search(queries.numpy(), store, PLACES, device="cpu")
    best = torch.topk(queries @ database.T, PLACES).values.numpy()
    assert np.allclose(found.scores, best, atol=1e-6)

    ratio = against(
        lambda: search(queries.numpy(), store, PLACES, device="cpu"),
        {"product and top-k in memory": lambda: torch.topk(queries @ database.T, PLACES)},
    )
    figure("time against the plain float32 product and top-k", ratio, 1.5, "times")
