"""What every reranker is: a callable from queries, a database and a shortlist to a new order."""

from __future__ import annotations

import abc
import math
import warnings
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError
from superglobal_core.features.store import FeatureStore
from superglobal_core.progress import Counter
from superglobal_core.search.exact import search
from superglobal_core.search.topk import RunningTopK

Array = np.ndarray | Tensor
Database = np.ndarray | Tensor | FeatureStore

# Rounding to half precision moves a unit vector's length by less than this.
UNIT_TOLERANCE = 0.02
# Database rows scored at a time when the database is a tensor.
ROWS = 65536


class Reranker(abc.ABC):
    """Put each query's shortlist into a new order.

    Call it with queries (Q, D), database (N, D) and shortlist_indices (Q, M), best first: it
    returns the order (Q, M), int64 database rows, and the scores (Q, M), best first. Arrays may be
    NumPy (also memory-mapped), torch tensors on any device, or, for the database, a
    `FeatureStore`; the results are of the queries' kind. Tensors are computed where the database
    is, arrays on `device` (`cpu`, `cuda` or `auto`). Descriptors have unit length. Without
    `shortlist_indices` the exact search makes them. Only the first `shortlist` places are put
    into a new order, later ones keep their place (and their similarity as score); -1 at the end
    of a row marks empty places, which stay where they are with the score -inf.

    Subclasses implement `rerank` for one batch of queries whose shortlists have one length.

    Raises:
        UserError: when shapes do not fit or an index is outside the database.
    """

    name: ClassVar[str]

    def __init__(self, shortlist: int = 400) -> None:
        if not isinstance(shortlist, int) or shortlist < 1:
            raise UserError(f"shortlist is {shortlist!r}: it must be a whole number, at least 1")
        self.shortlist = shortlist

    @abc.abstractmethod
    def rerank(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Score candidates: queries (B, D), candidates (B, M, D) -> scores (B, M), higher is better."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, for records."""
        return {"shortlist": self.shortlist}

    def queries_at_once(self, device: torch.device, candidates: int, dimension: int) -> int:
        """Return how many queries to hold at once.

        A CPU wants few, whose candidates stay in cache (8 of 400 x 2048: 26 MB), but not one: every
        operation makes the threads meet. A GPU wants many.
        """
        most, numbers = (8, 2**23) if device.type == "cpu" else (64, 2**28)
        return max(1, min(most, numbers // max(1, candidates * (dimension + candidates))))

    @torch.no_grad()
    def __call__(
        self,
        queries: Array,
        database: Database,
        shortlist_indices: Array | None = None,
        *,
        device: str = "cpu",
    ) -> tuple[Any, Any]:
        queries, database = _as_array(queries, "queries"), _as_array(database, "database")
        _check_shapes(queries, database)
        rows = Rows(queries, database, device)
        if shortlist_indices is None:
            shortlist = search_rows(rows.queries, database, self.shortlist, device)
        else:
            shortlist = _as_tensor(shortlist_indices).to(rows.device)
            _check_shortlist(shortlist, len(queries), len(database))
            shortlist = shortlist.to(torch.int64)
        order = shortlist.clone()
        scores = torch.full(shortlist.shape, -torch.inf, dtype=rows.dtype, device=rows.device)
        filled = (shortlist >= 0).sum(dim=1)
        with Counter("rerank", len(shortlist), "queries") as counter:
            for length in torch.unique(filled).tolist():
                group = torch.nonzero(filled == length).flatten()
                at_once = self.queries_at_once(rows.device, length, rows.queries.shape[1])
                for batch in group.split(at_once) if length else ():
                    self._rerank_batch(rows, batch, shortlist[batch, :length], order, scores)
                    counter.advance(len(batch))
        if isinstance(queries, Tensor):
            return order.to(queries.device), scores.to(queries.device)
        return order.cpu().numpy(), scores.cpu().numpy()

    def _rerank_batch(
        self, rows: Rows, batch: Tensor, shortlist: Tensor, order: Tensor, scores: Tensor
    ) -> None:
        length, head = shortlist.shape[1], min(self.shortlist, shortlist.shape[1])
        queries = rows.queries[batch]
        new = self.rerank(queries, rows.gather(shortlist[:, :head]))
        if not torch.isfinite(new).all():
            query = int(batch[torch.nonzero(~torch.isfinite(new).all(dim=1))[0]])
            raise UserError(
                f"query {query} or one of its candidates holds NaN or infinite values: extract it again"
            )
        # Stable: candidates of equal score stay in the order of the first stage.
        new, places = torch.sort(new, dim=1, descending=True, stable=True)
        order[batch, :head] = shortlist[:, :head].gather(1, places)
        scores[batch, :head] = new
        for start in range(head, length, self.shortlist):
            part = shortlist[:, start : start + self.shortlist]
            scores[batch, start : start + part.shape[1]] = similarity(queries, rows.gather(part))


def _as_array(value: Any, name: str) -> Any:
    """Return tensors, arrays and stores as they are, and lists of numbers as an array."""
    if isinstance(value, Tensor | np.ndarray | FeatureStore):
        return value
    try:
        return np.asarray(value, np.float32)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{name} are a {type(value).__name__}: rows x dimensions of numbers are needed"
        ) from error


def _as_tensor(array: Array) -> Tensor:
    if isinstance(array, Tensor):
        return array
    # Copied, because torch takes no read-only, reversed or foreign-endian array as it is.
    copy = np.array(array)
    if copy.dtype.kind == "u" and copy.dtype.itemsize > 1:
        copy = copy.astype(np.int64)
    return torch.from_numpy(copy.astype(copy.dtype.newbyteorder("="), copy=False))


def similarity(queries: Tensor, candidates: Tensor) -> Tensor:
    """Return the dot products of each query with its own candidates: (B, D), (B, M, D) -> (B, M)."""
    return torch.bmm(candidates, queries.unsqueeze(2)).squeeze(2)


class Rows:
    """Queries and database rows as tensors of one dtype on one device."""

    def __init__(self, queries: Array, database: Database, device: str) -> None:
        self.device = database.device if isinstance(database, Tensor) else choose_device(device)
        as_tensor = _as_tensor(queries)
        kinds = [str(as_tensor.dtype).removeprefix("torch."), str(database.dtype).removeprefix("torch.")]
        self.dtype = torch.float64 if "float64" in kinds else torch.float32
        self.queries = as_tensor.to(self.device, self.dtype)
        self._database = database
        self._warned = False

    def gather(self, indices: Tensor) -> Tensor:
        """Return database rows: (B, M) indices -> (B, M, D)."""
        flat = indices.reshape(-1)
        if isinstance(self._database, Tensor):
            rows = self._database.index_select(0, flat)
        else:
            rows = torch.from_numpy(np.ascontiguousarray(self._database[flat.cpu().numpy()]))
        rows = rows.to(self.device, self.dtype).reshape(*indices.shape, -1)
        self._check(rows)
        return rows

    def _check(self, rows: Tensor) -> None:
        # One row a batch is enough: descriptors are normalised all or none.
        length = float(torch.linalg.vector_norm(rows[0, 0]))
        if math.isfinite(length) and abs(length - 1) > UNIT_TOLERANCE and not self._warned:
            self._warned = True
            warnings.warn(
                f"descriptors are not of unit length (one has {length:.4g}): similarities are taken as they are, "
                "normalise the rows if they should be cosines",
                stacklevel=5,
            )


def search_rows(queries: Tensor, database: Database, k: int, device: str = "cpu") -> Tensor:
    """Return the k best rows of each query, int64 (Q, k), best first; a tensor is searched where it is."""
    if not isinstance(database, Tensor):
        store = database if isinstance(database, FeatureStore) else FeatureStore.of_array(database)
        return torch.from_numpy(search(queries.cpu().numpy(), store, k, device=device).indices).to(
            queries.device
        )
    best = RunningTopK(k)
    for start in range(0, len(database), ROWS):
        best.add(queries @ database[start : start + ROWS].to(queries.dtype).T, start)
    assert best.indices is not None
    return best.indices


def _check_shapes(queries: Array, database: Database) -> None:
    for array, name in ((queries, "queries"), (database, "database")):
        if len(array.shape) != 2:
            raise UserError(f"{name} have the shape {tuple(array.shape)}: rows x dimensions are needed")
    if queries.shape[1] != database.shape[1]:
        raise UserError(
            f"the queries have {queries.shape[1]} dimensions and the database {database.shape[1]}: "
            "extract both with the same network"
        )
    if len(database) == 0:
        raise UserError("the database is empty: there is nothing to rerank")


def _check_shortlist(shortlist: Tensor, queries: int, database: int) -> None:
    if shortlist.dim() != 2 or len(shortlist) != queries:
        raise UserError(
            f"the shortlist has the shape {tuple(shortlist.shape)}: one row for each of {queries} queries"
        )
    if shortlist.is_floating_point() or shortlist.dtype == torch.bool:
        raise UserError(
            f"the shortlist holds {shortlist.dtype} values: it must hold database indices (integers)"
        )
    if shortlist.numel() and (shortlist.min() < -1 or shortlist.max() >= database):
        raise UserError(
            f"the shortlist holds indices from {int(shortlist.min())} to {int(shortlist.max())}, "
            f"but the database has the rows 0 to {database - 1}"
        )
    if ((shortlist[:, :-1] < 0) & (shortlist[:, 1:] >= 0)).any():
        raise UserError("the shortlist has an empty place (-1) before a candidate: empty places come last")
