"""Retrieval among a million descriptors: the suite's way, the plain way, and the least that has to be done.

As a program it runs one way in a process of its own: `python million.py ours FOLDER` prints the seconds it took,
the process's largest resident memory, and what was found.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from superglobal_core.data.groundtruth import Query
from superglobal_core.evaluation.protocol import evaluate
from superglobal_core.evaluation.ranks import LabelledRanks, labelled_pairs, move_to_front
from superglobal_core.features.store import FeatureStore, shard_name
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.search.exact import search

DIMENSION, SHARD, SHORTLIST, NEIGHBOURS = 2048, 50_000, 400, 9
# As RParis: 70 queries, 5 of each of 14 places; about 350 labels each, all among the first 6,322 images.
QUERIES, PLACES, OWN = 70, 14, 6322
EASY, HARD, JUNK = 100, 150, 100
# Rows at a time of the reader that is written plainly: 8 MB of float32, which stay in cache.
PIECE = 1024
# Mean AP under Easy, Medium and Hard, before and after reranking.
Results = list[float | None]


def make_queries() -> tuple[np.ndarray, list[Query]]:
    """The queries, near their places' directions, and which of the first images show these."""
    rng = np.random.default_rng(1)
    queries, truth = [], []
    for query in range(QUERIES):
        mine = np.arange(query % PLACES, OWN, PLACES)
        labels = rng.permutation(mine)[: EASY + HARD + JUNK].tolist()
        easy, hard, junk = labels[:EASY], labels[EASY : EASY + HARD], labels[EASY + HARD :]
        truth.append(Query(box=(0, 0, 9, 9), easy=easy, hard=hard, junk=junk))
        queries.append(_places()[query % PLACES] + rng.standard_normal(DIMENSION) / DIMENSION**0.5)
    return _unit(np.array(queries)).astype(np.float32), truth


def write_database(folder: Path, rows: int) -> None:
    """Write shards of float16 unit rows: images of places among distractors, which are one shard's in other columns."""
    rng = np.random.default_rng(0)
    noise = _unit(rng.standard_normal((min(SHARD, rows), DIMENSION), dtype=np.float32))
    for number, start in enumerate(range(0, rows, SHARD)):
        shard = np.roll(noise[: min(SHARD, rows - start)], number * 37, axis=1)
        if number == 0:
            own = np.arange(min(OWN, rows))
            shard[own] = _unit(shard[own] + _places()[own % PLACES] * rng.uniform(0, 0.6, (len(own), 1)))
        np.save(folder / f"{shard_name(number)}.npy", shard.astype(np.float16))


def _places() -> np.ndarray:
    return _unit(np.random.default_rng(2).standard_normal((PLACES, DIMENSION)))


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def ours(folder: Path) -> Results:
    """Search and labelled ranks in one pass over the shards, reranking, evaluation."""
    queries, truth = make_queries()
    store = FeatureStore.open(folder)
    query, row = labelled_pairs(truth)
    found = search(queries, store, SHORTLIST, labelled=(query, row), device="cpu")
    reranker = SuperGlobalReranker(SHORTLIST, NEIGHBOURS)
    order, _ = reranker(queries, store, found.indices, device="cpu")
    assert found.labelled_ranks is not None
    before = LabelledRanks(query, row, found.labelled_ranks)
    after = move_to_front(before, row, order)
    return [
        result.map for ranks in (before, after) for result in evaluate(truth, labelled_ranks=ranks).values()
    ]


def plain(folder: Path) -> Results:
    """Load all, multiply as float32, sort all, evaluate the sorted lists."""
    queries, truth = make_queries()
    stored = np.concatenate([np.load(path) for path in sorted(folder.glob("*.npy"))])
    database = torch.from_numpy(stored).float()
    ranking = torch.argsort(torch.from_numpy(queries) @ database.T, dim=1, descending=True, stable=True)
    order, _ = SuperGlobalReranker(SHORTLIST, NEIGHBOURS)(
        torch.from_numpy(queries), database, ranking[:, :SHORTLIST]
    )
    reranked = torch.cat([order, ranking[:, SHORTLIST:]], dim=1)
    return [
        result.map
        for places in (ranking, reranked)
        for result in evaluate(truth, ranking=places.numpy()).values()
    ]


def reading(folder: Path) -> None:
    """Read the shards once and multiply them as float32, in pieces."""
    queries = torch.from_numpy(make_queries()[0])
    for path in sorted(folder.glob("*.npy")):
        shard = np.load(path, mmap_mode="c")
        for start in range(0, len(shard), PIECE):
            queries @ torch.from_numpy(shard[start : start + PIECE]).float().T


def kilobytes(file: str, key: str) -> int:
    """A number that Linux tells of this process (status) or of the machine (meminfo)."""
    found = re.search(rf"^{key}:\s+(\d+) kB", Path("/proc", file).read_text(), re.MULTILINE)
    assert found, key
    return int(found[1])


WAYS: dict[str, Callable[[Path], Results | None]] = {"ours": ours, "plain": plain, "reading": reading}

if __name__ == "__main__":
    begin = time.perf_counter()
    results = WAYS[sys.argv[1]](Path(sys.argv[2]))
    seconds = time.perf_counter() - begin
    # Not the peak that getrusage tells: a child process begins with its parent's.
    peak = kilobytes("self/status", "VmHWM") * 1024
    print(json.dumps({"seconds": seconds, "bytes": peak, "results": results}))
