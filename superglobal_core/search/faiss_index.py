"""Approximate indexes through faiss: built shard by shard, searched, and vectors rebuilt from them."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from superglobal_core.errors import MissingPackageError, UserError
from superglobal_core.evaluation.average_precision import NOT_RETRIEVED
from superglobal_core.evaluation.ranks import LabelledRanks, move_to_front
from superglobal_core.features.store import FeatureStore
from superglobal_core.progress import Counter
from superglobal_core.search.exact import SearchResult
from superglobal_core.search.index_kinds import IndexPlan, sample_rows

# Rows added at a time. The same whatever the shards' sizes: a graph depends on it.
BLOCK = 16384
BLOCK_BYTES = 2**27
# Rows whose length is looked at where nothing is trained.
LOOKED_AT = 256
# From here on rounding to half precision gives infinity.
HALF_LIMIT = 65520.0
# Unit vectors differ from 1 by less than this, half precision included.
UNIT_TOLERANCE = 0.02


def faiss_package() -> Any:
    """Return the module faiss.

    Raises:
        MissingPackageError: when it is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise MissingPackageError(
            'approximate search needs the package faiss: pip install "superglobal[faiss]" (see `superglobal doctor`)'
        ) from error
    return faiss


@dataclasses.dataclass(frozen=True)
class BuiltIndex:
    """An index in memory, and how long its two parts took, in seconds.

    unit_length: the database's vectors have length one, so that rebuilt ones are brought to it.
    """

    index: Any
    plan: IndexPlan
    train_s: float
    add_s: float
    unit_length: bool


def build_index(database: FeatureStore, plan: IndexPlan, seed: int = 0) -> BuiltIndex:
    """Train an index on a bounded sample of a database and add all of its rows, block by block.

    The same database, plan and seed give the same index: the sample and k-means are seeded, blocks do not
    depend on the shards, and a graph is built by one thread, since its edges depend on the order of arrivals.
    Memory is that of the index, of the sample (at most 256 MiB, and as much again while codes are trained) and of
    one block (at most 128 MiB).

    Raises:
        UserError: when a vector is not finite, or too large for an index in half precision, or faiss refuses the
            parameters.
        MissingPackageError: when faiss is not installed.

    >>> from superglobal_core.search.index_kinds import parse_index, plan_index
    >>> rows = np.eye(8, dtype=np.float32)
    >>> built = build_index(FeatureStore.of_array(rows), plan_index(parse_index("flat-fp16"), 8, 8))
    >>> search_index(built.index, built.plan, rows[:1], 2).indices
    array([[0, 1]])
    """
    faiss = faiss_package()
    rows, dimension = database.shape
    with _refusals(plan):
        index = _empty(faiss, plan, dimension, seed)
        start = time.perf_counter()
        sample = _sample(database, seed, rows if not index.is_trained else LOOKED_AT)
        lengths = np.linalg.norm(sample, axis=1)
        if not index.is_trained:
            index.train(sample)
        del sample
        trained = time.perf_counter()
        _reserve(faiss, index, rows)
        with _threads(faiss, 1 if plan.kind == "hnsw" else None):
            for block in _blocks(database, f"index {plan.kind}"):
                _refuse_too_large(block, plan, database)
                index.add(block)
    unit = bool((np.abs(lengths - 1) <= UNIT_TOLERANCE).all())
    return BuiltIndex(index, plan, trained - start, time.perf_counter() - trained, unit)


def search_index(
    index: Any,
    plan: IndexPlan,
    queries: np.ndarray,
    k: int,
    *,
    effort: int | None = None,
    labelled: tuple[np.ndarray, np.ndarray] | None = None,
) -> SearchResult:
    """Return the best k rows of each query that an index finds; -1 and -inf where it finds fewer.

    queries: (Q, D). effort: nprobe or efSearch, by default the plan's. Equal scores by ascending row.
    labelled: (query, row) pairs, two int64 (L,); their ranks are places among the k, `NOT_RETRIEVED` beyond,
    and -1 for the row -1.

    Raises:
        UserError: when dimensions differ or a query is not finite.
    """
    faiss = faiss_package()
    if queries.shape[1] != index.d:
        raise UserError(
            f"the queries have {queries.shape[1]} dimensions and the index {index.d}: "
            "extract both with the same network"
        )
    matrix = np.ascontiguousarray(queries, np.float32)
    if not np.isfinite(matrix).all():
        raise UserError("the queries hold NaN or infinite values: extract them again")
    k = min(k, index.ntotal)
    effort = plan.effort if effort is None else effort
    parameters = None
    if plan.kind == "ivfpq":
        parameters = faiss.SearchParametersIVF(nprobe=min(int(effort or 1), index.nlist))
    elif plan.kind == "hnsw":
        parameters = faiss.SearchParametersHNSW(efSearch=min(max(int(effort or 1), k), index.ntotal))
    scores, rows = index.search(matrix, k, params=parameters)
    scores = np.where(rows < 0, -np.inf, scores)
    # faiss leaves the order of equal scores open. Empty places come last: nothing is below -inf.
    order = np.lexsort((np.where(rows < 0, index.ntotal, rows), -scores), axis=1)
    rows = np.take_along_axis(rows, order, axis=1)
    scores = np.take_along_axis(scores, order, axis=1).astype(np.float32)
    ranks = None
    if labelled is not None:
        query, row = labelled
        ranks = np.where(row < 0, -1, places_among(query, row, rows).rank)
    return SearchResult(rows, scores, ranks)


def places_among(query: np.ndarray, row: np.ndarray, rows: np.ndarray) -> LabelledRanks:
    """Return the places of labelled (query, row) pairs in a ranking (Q, k) that has -1 for empty places.

    >>> places_among(np.array([0, 0]), np.array([7, 3]), np.array([[5, 7, -1]])).rank[0]
    np.int64(1)
    """
    absent = LabelledRanks(query, row, np.full(len(row), NOT_RETRIEVED, np.int64))
    return move_to_front(absent, row, [ranking[ranking >= 0] for ranking in rows])


def _empty(faiss: Any, plan: IndexPlan, dimension: int, seed: int) -> Any:
    metric, types = faiss.METRIC_INNER_PRODUCT, faiss.ScalarQuantizer
    quantizers = {"fp16": types.QT_fp16, "sq8": types.QT_8bit}
    values: dict[str, Any] = plan.parameters
    if plan.kind == "hnsw":
        index = faiss.IndexHNSWSQ(dimension, quantizers[values["storage"]], values["M"], metric)
        index.hnsw.efConstruction = values["efConstruction"]
        return index
    if plan.kind == "ivfpq":
        centres = faiss.IndexFlatIP(dimension)
        index = faiss.IndexIVFPQ(centres, dimension, values["nlist"], values["m"], values["nbits"], metric)
        for clustering in (index.cp, index.pq.cp):
            # The least is not enforced: faiss only warns, on a small database.
            clustering.seed, clustering.min_points_per_centroid = seed, 1
        index.cp.spherical = True  # the centres are compared by inner product
        return index
    return faiss.IndexScalarQuantizer(dimension, quantizers[plan.kind.removeprefix("flat-")], metric)


def _reserve(faiss: Any, index: Any, rows: int) -> None:
    """Make room for all codes at once: growing step by step takes twice the memory for a moment."""
    flat = faiss.downcast_index(index.storage) if hasattr(index, "storage") else index
    if hasattr(flat, "codes") and flat.ntotal == 0:
        flat.codes.resize(rows * flat.code_size)
        flat.codes.resize(0)


def _sample(database: FeatureStore, seed: int, most: int) -> np.ndarray:
    rows, dimension = database.shape
    count = min(most, sample_rows(rows, dimension))
    chosen = np.arange(rows)
    if count < rows:
        chosen = np.sort(np.random.default_rng(seed).choice(rows, count, replace=False))
    out = np.empty((count, dimension), np.float32)
    for start in range(0, count, BLOCK):
        out[start : start + BLOCK] = database[chosen[start : start + BLOCK]]
        database.release()
    _refuse_not_finite(out, database)
    return out


def _blocks(database: FeatureStore, title: str) -> Iterator[np.ndarray]:
    import torch

    rows, dimension = database.shape
    buffer = torch.empty((min(rows, BLOCK, max(1, BLOCK_BYTES // (4 * dimension))), dimension))
    with Counter(title, rows, "rows") as counter:
        for start in range(0, rows, len(buffer)):
            filled = database.read_into(buffer, start)
            database.release()
            block = buffer[:filled].numpy()
            _refuse_not_finite(block, database)
            yield block
            counter.advance(filled)


def _refuse_not_finite(block: np.ndarray, database: FeatureStore) -> None:
    if not np.isfinite(block).all():
        raise UserError(f"{database.name} holds NaN or infinite values: extract it again")


def _refuse_too_large(block: np.ndarray, plan: IndexPlan, database: FeatureStore) -> None:
    """Refuse what half precision would turn into infinity."""
    if plan.kind == "flat-fp16" or plan.parameters.get("storage") == "fp16":
        most = float(np.abs(block).max(initial=0))
        if most >= HALF_LIMIT:
            raise UserError(
                f"{database.name} holds values up to {most:.3g}, beyond half precision's 65504: "
                "bring the vectors to unit length, or build an index of another kind or storage"
            )


@contextlib.contextmanager
def _threads(faiss: Any, count: int | None) -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count or before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


@contextlib.contextmanager
def _refusals(plan: IndexPlan) -> Iterator[None]:
    """Make a sentence of what faiss refuses."""
    try:
        yield
    except RuntimeError as error:
        said = str(error).rpartition(" failed: ")[2] or str(error)
        values = ", ".join(f"{name} {value}" for name, value in plan.parameters.items())
        raise UserError(
            f"faiss cannot build the index {plan.kind} ({values}): {' '.join(said.split())[:200]}"
        ) from error
