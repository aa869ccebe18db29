"""A database whose vectors come from an index instead of its shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from superglobal_core.errors import UserError
from superglobal_core.features.store import FeatureStore

if TYPE_CHECKING:
    from torch import Tensor


class RebuiltStore(FeatureStore):
    """A database whose rows are rebuilt from an index instead of read from its shards.

    Rows come as float32, of unit length where the database's have it. What names the rows is the database's.
    """

    def __init__(self, built_from: FeatureStore, index: Any, unit_length: bool) -> None:
        super().__init__(built_from.segments, f"{built_from.name}, rebuilt from an index")
        if (index.ntotal, index.d) != self.shape:
            raise UserError(
                f"the index holds {index.ntotal} rows of {index.d} dimensions, the database {self.shape[0]} of "
                f"{self.shape[1]}: build the index of this database"
            )
        self.dtype = np.dtype(np.float32)
        self._index, self._unit_length = index, unit_length
        if hasattr(index, "make_direct_map"):
            index.make_direct_map()

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows, np.int64)
        out = self._index.reconstruct_batch(np.ascontiguousarray(rows.reshape(-1)))
        if self._unit_length:
            lengths = np.linalg.norm(out, axis=1, keepdims=True)
            out /= np.where(lengths > 0, lengths, 1)
        return out.reshape(*rows.shape, self.shape[1])

    def read_into(self, buffer: Tensor, start: int) -> int:
        """Fill `buffer` (n, D) with the rebuilt rows from `start` on; return how many there were."""
        import torch

        stop = min(start + len(buffer), len(self))
        buffer[: stop - start].copy_(torch.from_numpy(self[np.arange(start, stop)]))
        return stop - start

    def cosines(self, database: FeatureStore, count: int = 256) -> np.ndarray:
        """Return the cosines of up to `count` rebuilt rows, evenly spaced, with the stored ones: float64."""
        rows = np.unique(np.linspace(0, len(self) - 1, count).astype(np.int64))
        stored, rebuilt = database[rows].astype(np.float64), self[rows].astype(np.float64)
        lengths = np.linalg.norm(stored, axis=1) * np.linalg.norm(rebuilt, axis=1)
        return (stored * rebuilt).sum(axis=1) / np.where(lengths > 0, lengths, 1)
