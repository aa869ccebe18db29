"""Blocks of descriptors on their way from disk to a device, the next while the last is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from superglobal_core.features.store import FeatureStore

# Blocks under way: one is read from disk, one is copied or worked on.
BUFFERS = 2


class Streamer:
    """Brings blocks of a database's rows to a device, in the dtype in which they are stored.

    A thread reads the next block from the shards into page-locked memory while the last one is copied and
    worked on; copies run on a stream of their own, so that they overlap with the work. On a CPU the same
    happens without page-locked memory, streams and copies.

    >>> import numpy as np
    >>> store = FeatureStore.of_array(np.arange(6, dtype=np.float16).reshape(3, 2))
    >>> [block.tolist() for block in Streamer(store, 2, torch.device("cpu")).blocks(0, 2)]
    [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0], [0.0, 0.0]]]
    """

    def __init__(self, database: FeatureStore, rows: int, device: torch.device) -> None:
        self.database, self.rows, self.device = database, rows, device
        self.dtype: torch.dtype = getattr(torch, str(database.dtype))
        self._cuda = device.type == "cuda"
        shape = (rows, database.shape[1])
        self._host = [torch.empty(shape, dtype=self.dtype, pin_memory=self._cuda) for _ in range(BUFFERS)]
        self._there, self._copied, self._used = self._host, [], []
        if self._cuda:
            self._there = [torch.empty(shape, dtype=self.dtype, device=device) for _ in range(BUFFERS)]
            self._stream = torch.cuda.Stream(device)
            self._copied = [torch.cuda.Event() for _ in range(BUFFERS)]
            self._used = [torch.cuda.Event() for _ in range(BUFFERS)]

    def blocks(self, first: int, last: int) -> Iterator[Tensor]:
        """Yield the blocks first ... last - 1, each (rows, D); rows beyond the last are zero.

        A block may be overwritten once the next one was asked for.
        """
        with ThreadPoolExecutor(1) as reader:
            waiting: Future[None] | None = reader.submit(self._read, first) if first < last else None
            for number in range(first, last):
                assert waiting is not None
                waiting.result()
                self._send(number)
                # The buffer of the next block was yielded before this one: its work has been asked for.
                waiting = reader.submit(self._read, number + 1) if number + 1 < last else None
                yield self._receive(number)
                if self._cuda:
                    self._used[number % BUFFERS].record(torch.cuda.current_stream(self.device))

    def _read(self, number: int) -> None:
        place, start = number % BUFFERS, number * self.rows
        if self._cuda:
            self._copied[place].synchronize()  # what was in the buffer is on its way until then
        buffer = self._host[place]
        self.database.will_read(start + self.rows, start + 2 * self.rows)
        buffer[self.database.read_into(buffer, start) :] = 0
        self.database.release(start, start + self.rows)

    def _send(self, number: int) -> None:
        if not self._cuda:
            return
        place = number % BUFFERS
        with torch.cuda.stream(self._stream):
            self._stream.wait_event(self._used[place])
            self._there[place].copy_(self._host[place], non_blocking=True)
            self._copied[place].record(self._stream)

    def _receive(self, number: int) -> Tensor:
        place = number % BUFFERS
        if self._cuda:
            torch.cuda.current_stream(self.device).wait_event(self._copied[place])
        return self._there[place]


class Resident:
    """A whole database on a device that has the memory, for many searches: blocks as a `Streamer`'s."""

    def __init__(self, streamer: Streamer) -> None:
        count = -(-len(streamer.database) // streamer.rows)
        self._blocks = [block.clone() for block in streamer.blocks(0, count)]

    def blocks(self, first: int, last: int) -> Iterator[Tensor]:
        """Yield the blocks first ... last - 1, each (rows, D); rows beyond the last are zero."""
        yield from self._blocks[first:last]
