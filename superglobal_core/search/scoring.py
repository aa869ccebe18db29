"""Scores of queries against a database, block by block: the same bits however its rows are stored."""

from __future__ import annotations

import abc
import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
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
# Blocks that a thread takes at a time: 19 MB of 2048-d float16, enough for a disk to read in one go. Fewer where
# few are left, so that no thread works on alone at the end.
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
        """Score one block: (Q, block), the last one's columns beyond the database included; lasts until the next."""

    @abc.abstractmethod
    def _score_rows(self, rows: np.ndarray) -> Tensor:
        """Score chosen rows, ascending and no more than a block, in a product of a block's size: like `_score`."""

    @abc.abstractmethod
    def _do(self, work: Callable[[int], None], numbers: Sequence[int]) -> None:
        """Do some work for each number, where `_score` and `_score_rows` may be called."""

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
        """Score chosen (query, row) pairs: the numbers that the slabs hold.

        The rows are gathered and multiplied together, whatever lies between them. They are elsewhere in a block
        then than in the slabs, on which no bit should depend (see `BLOCK`); `search_scored` looks whether one
        does. Where they lie so close that it saves nothing, the blocks that hold them are multiplied once more.
        """
        out = np.empty(len(query), np.float64 if self.dtype == torch.float64 else np.float32)
        rows, place = np.unique(row, return_inverse=True)
        group, column = np.divmod(rows, self.block)
        close = -(-len(rows) // self.block) >= len(np.unique(group))
        if not close:
            group, column = np.divmod(np.arange(len(rows)), self.block)
        order = np.argsort(place, kind="stable")
        numbers, cuts = np.unique(group[place[order]], return_index=True)
        edges = itertools.pairwise([*cuts.tolist(), len(order)])
        parts = {number: order[slice(*edge)] for number, edge in zip(numbers.tolist(), edges, strict=True)}

        def score(number: int) -> None:
            mine, start = parts[number], number * self.block
            scores = self._score(number) if close else self._score_rows(rows[start : start + self.block])
            out[mine] = scores.cpu().numpy()[query[mine], column[place[mine]]]

        self._do(score, list(parts))
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

    def _do(self, work: Callable[[int], None], numbers: Sequence[int]) -> None:
        for _ in self._pool.map(work, numbers):
            pass

    def _fill(self, slab: Tensor, first: int, last: int) -> int:
        found = self._pool.map(
            lambda chunk: self._chunk(slab, first, *chunk), chunks(first, last, self._threads)
        )
        return next((column for column in [*found] if column >= 0), -1)

    def _chunk(self, slab: Tensor, first: int, start: int, stop: int) -> int:
        ahead, wrong = AHEAD * CHUNK, -1
        self.database.will_read((start + ahead) * BLOCK, (stop + ahead) * BLOCK)
        for number in range(start, stop):
            scores, at = self._score(number), (number - first) * BLOCK
            if wrong < 0 and not (finite := torch.isfinite(scores)).all():
                wrong = at + int(torch.nonzero(~finite.all(dim=0))[0])
            slab[:, at : at + BLOCK] = scores
        self.database.release(start * BLOCK, stop * BLOCK)
        return wrong

    def _score(self, number: int) -> Tensor:
        block = self._block()
        return self._product(self.database.read_into(block, number * BLOCK))

    def _score_rows(self, rows: np.ndarray) -> Tensor:
        self._block()[: len(rows)] = torch.from_numpy(self.database[rows])
        return self._product(len(rows))

    def _block(self) -> Tensor:
        """Return this thread's buffer of a block's rows."""
        if not hasattr(self._own, "block"):
            self._own.block = torch.empty((BLOCK, self.database.shape[1]), dtype=self.dtype)
            self._own.scores = torch.empty((len(self.queries), BLOCK), dtype=self.dtype)
        block: Tensor = self._own.block
        return block

    def _product(self, rows: int) -> Tensor:
        """Multiply the first rows of this thread's buffer; the others count as zero."""
        block: Tensor = self._own.block
        block[rows:] = 0
        return torch.mm(self.queries, block.T, out=self._own.scores)


def chunks(first: int, last: int, threads: int) -> list[tuple[int, int]]:
    """Cut the blocks first ... last - 1 into chunks for threads, smaller ones towards the end.

    >>> chunks(0, 18, 2)
    [(0, 5), (5, 9), (9, 12), (12, 14), (14, 15), (15, 16), (16, 17), (17, 18)]
    """
    found = []
    while first < last:
        stop = first + min(CHUNK, -(-(last - first) // (2 * threads)))
        found.append((first, stop))
        first = stop
    return found


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

    def _do(self, work: Callable[[int], None], numbers: Sequence[int]) -> None:
        for number in numbers:
            work(number)

    def _score(self, number: int) -> Tensor:
        out = torch.empty((len(self.queries), self.block), dtype=self.dtype, device=self.device)
        self._fill(out, number, number + 1)
        return out

    def _score_rows(self, rows: np.ndarray) -> Tensor:
        stored = torch.from_numpy(self.database[rows])
        block = torch.zeros((self.block, stored.shape[1]), dtype=stored.dtype, device=self.device)
        block[: len(rows)] = stored.to(self.device)
        out = torch.empty((len(self.queries), self.block), dtype=self.dtype, device=self.device)
        self._multiply(block, out)
        return out

    def _fill(self, slab: Tensor, first: int, last: int) -> int:
        for place, block in enumerate(self._source.blocks(first, last)):
            self._multiply(block, slab[:, place * self.block : (place + 1) * self.block])
        piece = slab[:, : (last - first) * self.block]
        least, most = torch.aminmax(piece)  # NaN where there is one
        if torch.isfinite(torch.stack([least, most])).all():
            return -1
        return int(torch.nonzero(~torch.isfinite(piece).all(dim=0))[0])

    def _multiply(self, block: Tensor, out: Tensor) -> None:
        if self._parts is not None:
            self._parts.times(block, out)
        else:
            with full_float32():
                out.copy_(self.queries @ block.to(self.dtype).T)


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
