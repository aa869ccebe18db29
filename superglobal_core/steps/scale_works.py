"""The stages that are measured at one size of a database, each as a callable."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.evaluation.alignment import rows_of
from superglobal_core.evaluation.protocol import ProtocolResult, evaluate
from superglobal_core.evaluation.ranks import LabelledRanks, labelled_pairs, move_to_front
from superglobal_core.features.store import FeatureStore, open_queries_and_database
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.search.exact import SearchResult, search
from superglobal_core.steps.search import query_rows

# Rows that the floor casts and multiplies at a time: 8 MB of 2048 float32 numbers, near the caches.
FLOOR_ROWS = 1024


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is measured: paths, and the parameters of search and reranking."""

    queries: Path
    databases: Sequence[Path]
    groundtruth: Path
    k: int = 400
    shortlist: int = 400
    neighbours: int = 9
    beta: float = 0.15
    device: str = "auto"


@dataclasses.dataclass(frozen=True)
class Opened:
    """Inputs that are open: the queries in the ground truth's order (Q, D), and the labelled pairs' rows."""

    matrix: np.ndarray
    database: FeatureStore
    truth: GroundTruth
    query: np.ndarray
    image: np.ndarray
    rows: np.ndarray


def open_inputs(asked: Asked) -> Opened:
    """Open descriptors and ground truth, and find the row of every labelled image."""
    store, database = open_queries_and_database(asked.queries, asked.databases)
    truth = load_groundtruth(asked.groundtruth)
    image_rows = rows_of(truth.image_names, database.ids, len(database), "database")
    query, image = labelled_pairs(truth.queries)
    return Opened(store[query_rows(store, truth)], database, truth, query, image, image_rows[image])


def search_plainly(asked: Asked, opened: Opened) -> SearchResult:
    """Search for the best k alone."""
    return search(opened.matrix, opened.database, asked.k, device=asked.device)


def search_ranked(asked: Asked, opened: Opened) -> SearchResult:
    """Search, and count the labelled images' ranks in the same pass."""
    labelled = (opened.query, opened.rows)
    return search(opened.matrix, opened.database, asked.k, labelled=labelled, device=asked.device)


def rerank(asked: Asked, opened: Opened, found: SearchResult) -> np.ndarray:
    """Rerank the shortlist: its rows in their new order."""
    reranker = SuperGlobalReranker(asked.shortlist, asked.neighbours, asked.beta)
    order, _ = reranker(
        opened.matrix, opened.database, found.indices[:, : asked.shortlist], device=asked.device
    )
    return np.asarray(order)


def evaluate_first(opened: Opened, found: SearchResult) -> dict[str, ProtocolResult]:
    """Evaluate the search."""
    return evaluate(opened.truth.queries, labelled_ranks=_ranks(opened, found))


def evaluate_order(opened: Opened, found: SearchResult, order: np.ndarray) -> dict[str, ProtocolResult]:
    """Evaluate the reranked shortlist with the search's order behind it."""
    moved = move_to_front(_ranks(opened, found), opened.rows, order)
    return evaluate(opened.truth.queries, labelled_ranks=moved)


def whole(asked: Asked) -> dict[str, ProtocolResult]:
    """From the files to the figures: open, search with ranks, rerank, evaluate."""
    opened = open_inputs(asked)
    found = search_ranked(asked, opened)
    return evaluate_order(opened, found, rerank(asked, opened, found))


def floor(asked: Asked) -> float:
    """Read every shard once and multiply it as float32 with the queries; keep nothing of the scores."""
    queries = torch.from_numpy(np.concatenate([np.load(path) for path in shard_files(asked.queries)])).float()
    piece = torch.empty((FLOOR_ROWS, queries.shape[1]))
    best = -math.inf
    for path in (path for folder in asked.databases for path in shard_files(folder)):
        array = np.load(path, mmap_mode="c")
        for start in range(0, len(array), FLOOR_ROWS):
            rows = torch.from_numpy(array[start : start + FLOOR_ROWS])
            product = queries @ piece[: len(rows)].copy_(rows).T
            best = max(best, float(product[0, 0]))  # something is looked at, so that nothing can be left out
    return best


def shard_files(folder: str | Path) -> list[Path]:
    """List the arrays of a folder of shards, or the one file itself."""
    folder = Path(folder)
    return sorted(folder.glob("shard-*.npy")) if folder.is_dir() else [folder]


def works(
    asked: Asked, opened: Opened, found: SearchResult, order: np.ndarray
) -> dict[str, Callable[[], Any]]:
    """Return the stages by name, as far as they are timed with the files in the page cache."""
    return {
        "floor": lambda: floor(asked),
        "open": lambda: open_inputs(asked),
        "search": lambda: search_plainly(asked, opened),
        "ranked": lambda: search_ranked(asked, opened),
        "rerank": lambda: rerank(asked, opened, found),
        "evaluate": lambda: evaluate_order(opened, found, order),
        "whole": lambda: whole(asked),
    }


def _ranks(opened: Opened, found: SearchResult) -> LabelledRanks:
    assert found.labelled_ranks is not None
    return LabelledRanks(opened.query, opened.image, found.labelled_ranks)
