"""Scores of queries against a database, block by block: the same bits however its rows are stored."""

from __future__ import annotations

import abc
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from superglobal_core.devices import choose_device, full_float32
from superglobal_core.errors import UserError
from superglobal_core.features.store import FeatureStore
from superglobal_core.progress import Counter
from superglobal_core.search.halves import HalfParts
from superglobal_core.search.streaming import Resident, Streamer

# Rows multiplied at a time on a CPU: the cast copy (4.7 MB at 2048-d) stays in cache, measured the fastest.
# Every product has exactly this many rows, at multiples of it, whatever the shards' sizes: that makes the
# scores, to the last bit, independent of how the database is cut. It is a multiple of 16, 24, 32, 48, 64 and
# 96, the widths that BLAS kernels work in: columns that were left over would be summed in another way, and a
# row's score would depend on its place in the block.
BLOCK = 576
# Blocks that a thread takes at a time: 19 MB of 2048-d float16, enough for a disk to read in one go.
CHUNK = 8
# Chunks that are read ahead, across the borders of shards.
AHEAD = 4
# Rows multiplied at a time on a GPU, which wants much work at once.
DEVICE_BLOCK = 32 * BLOCK
# Scores held at a time, at most, on a CPU and on a GPU: they are ranked piece by piece.
SLAB_SCORES, DEVICE_SLAB_SCORES = 8_000_000, 2**27


class Scorer(abc.ABC):
    """Similarities (dot products) of queries (Q, D) and a database (N, D), one slab of columns after the other.

    Descriptors are taken as they are. Computed in float32, or in float64 where either side is stored so;
    integer and half-precision storage is cast block by block.
    """

    def __init__(
        self, queries: np.ndarray, database: FeatureStore, device: torch.device, block: int, slab: int
    ) -> None:
        if queries.shape[1] != database.shape[1]:
            raise UserError(
                f"the queries have {queries.shape[1]} dimensions and the database {database.shape[1]}: "
                "extract both with the same network"
            )
        double = np.float64 in (queries.dtype, database.dtype)
        self.device, self.block, self._slab = device, block, slab
        self.dtype = torch.float64 if double else torch.float32
        self.queries = torch.from_numpy(np.array(queries)).to(self.device, self.dtype)
        if not torch.isfinite(self.queries).all():
            raise UserError("the queries hold NaN or infinite values: extract them again")
        self.database = database
        self.blocks = -(-len(database) // block)

    @abc.abstractmethod
    def _fill(self, slab: Tensor, first: int, last: int) -> int:
        """Score the blocks first ... last - 1 into a slab; return the first column that is not finite, or -1."""

    @abc.abstractmethod
    def _score(self, number: int) -> Tensor:
        """Score one block: (Q, block), the last one's columns beyond the database included."""

    def slabs(self) -> Iterator[tuple[int, Tensor]]:
        """Yield (first column, scores (Q, n)) until all columns were there, ascending; a slab lasts until the next.

        Raises:
            UserError: when a score is not finite, with the row's number.
        """
        width = max(1, self._slab // (self.block * max(1, len(self.queries))))
        columns = min(width, self.blocks) * self.block
        slab = torch.empty((len(self.queries), columns), dtype=self.dtype, device=self.device)
        with Counter("search", len(self.database), "rows") as counter:
            for first in range(0, self.blocks, width):
                last, start = min(first + width, self.blocks), first * self.block
                wrong = self._fill(slab, first, last)
                if wrong >= 0:
                    raise UserError(
                        f"row {start + wrong} of {self.database.name} gives a score that is no finite number: "
                        "extract it again"
                    )
                piece = slab[:, : min(last * self.block, len(self.database)) - start]
                yield start, piece
                counter.advance(piece.shape[1])

    def pairs(self, query: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Score chosen (query, row) pairs: the very numbers, to the last bit, that the slabs hold.

        The blocks with such rows are multiplied once more: few, where labelled rows lie together.
        """
        out = np.empty(len(query), np.float64 if self.dtype == torch.float64 else np.float32)
        order = np.argsort(row, kind="stable")
        cuts = np.searchsorted(row[order], np.arange(self.blocks + 1) * self.block)
        for number in np.flatnonzero(np.diff(cuts)).tolist():
            mine = order[cuts[number] : cuts[number + 1]]
            out[mine] = self._score(number).cpu().numpy()[query[mine], row[mine] - number * self.block]
        return out

    def close(self) -> None:  # noqa: B027  most hold nothing
        """Give back what the work held."""


class ThreadScorer(Scorer):
    """On a CPU: threads take chunks of blocks; each reads, casts and multiplies its own, with one thread's BLAS.

    So no thread waits for another within a product, one waits for the disk while others compute, and a product's
    bits do not depend on the number of threads.
    """

    def __init__(self, queries: np.ndarray, database: FeatureStore) -> None:
        super().__init__(queries, database, torch.device("cpu"), BLOCK, SLAB_SCORES)
        self._own = threading.local()
        self._threads = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(self._threads, initializer=torch.set_num_threads, initargs=(1,))

    def close(self) -> None:
        self._pool.shutdown()
        # The threads' setting is also what torch gives to threads that are made later.
        torch.set_num_threads(self._threads)

    def _score(self, number: int) -> Tensor:
        return self._pool.submit(lambda: self._product(number).clone()).result()

    def _fill(self, slab: Tensor, first: int, last: int) -> int:
        starts = range(first, last, CHUNK)
        found = self._pool.map(
            lambda start: self._chunk(slab, first, start, min(start + CHUNK, last)), starts
        )
        return next((column for column in [*found] if column >= 0), -1)

    def _chunk(self, slab: Tensor, first: int, start: int, stop: int) -> int:
        rows, wrong = CHUNK * BLOCK, -1
        self.database.will_read(start * BLOCK + AHEAD * rows, start * BLOCK + (AHEAD + 1) * rows)
        for number in range(start, stop):
            scores, at = self._product(number), (number - first) * BLOCK
            if wrong < 0 and not (finite := torch.isfinite(scores)).all():
                wrong = at + int(torch.nonzero(~finite.all(dim=0))[0])
            slab[:, at : at + BLOCK] = scores
        self.database.release(start * BLOCK, stop * BLOCK)
        return wrong

    def _product(self, number: int) -> Tensor:
        if not hasattr(self._own, "block"):
            self._own.block = torch.empty((BLOCK, self.database.shape[1]), dtype=self.dtype)
            self._own.scores = torch.empty((len(self.queries), BLOCK), dtype=self.dtype)
        block: Tensor = self._own.block
        block[self.database.read_into(block, number * BLOCK) :] = 0
        return torch.mm(self.queries, block.T, out=self._own.scores)


class DeviceScorer(Scorer):
    """On a GPU: blocks travel as they are stored, while the one before is multiplied (see `Streamer`).

    float16 storage is multiplied as it is by the queries' exact parts (see `HalfParts`); everything else is cast
    on the device and multiplied in full precision.
    """

    def __init__(
        self,
        queries: np.ndarray,
        database: FeatureStore,
        device: torch.device,
        source: Resident | None = None,
    ) -> None:
        super().__init__(queries, database, device, DEVICE_BLOCK, DEVICE_SLAB_SCORES)
        self._source = source or Streamer(database, DEVICE_BLOCK, device)
        half = database.dtype == np.float16 and self.dtype == torch.float32
        self._parts = HalfParts(self.queries) if half else None

    def _score(self, number: int) -> Tensor:
        out = torch.empty((len(self.queries), self.block), dtype=self.dtype, device=self.device)
        self._fill(out, number, number + 1)
        return out

    def _fill(self, slab: Tensor, first: int, last: int) -> int:
        for place, block in enumerate(self._source.blocks(first, last)):
            out = slab[:, place * self.block : (place + 1) * self.block]
            if self._parts is not None:
                self._parts.times(block, out)
            else:
                with full_float32():
                    out.copy_(self.queries @ block.to(self.dtype).T)
        piece = slab[:, : (last - first) * self.block]
        least, most = torch.aminmax(piece)  # NaN where there is one
        if torch.isfinite(torch.stack([least, most])).all():
            return -1
        return int(torch.nonzero(~torch.isfinite(piece).all(dim=0))[0])


@contextlib.contextmanager
def scorer_for(queries: np.ndarray, database: FeatureStore, device: str = "auto") -> Iterator[Scorer]:
    """Make the scorer for a device (`auto`, `cpu` or `cuda`), and give back its threads and buffers afterwards."""
    chosen = choose_device(device)
    scorer: Scorer
    scorer = (
        ThreadScorer(queries, database) if chosen.type == "cpu" else DeviceScorer(queries, database, chosen)
    )
    try:
        yield scorer
    finally:
        scorer.close()
