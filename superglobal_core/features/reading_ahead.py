"""Telling the system which rows of a memory-mapped file are about to be read, and which were read."""

from __future__ import annotations

import contextlib
import mmap

import numpy as np

# Beyond this nearly all of a file is read, in its order, for which the system reads ahead by itself.
MOST_BYTES = 1 << 28
# Rows no farther apart are asked for at once: a request costs as much as so many bytes more.
GAP_BYTES = 1 << 16


def read_ahead(array: np.ndarray, rows: np.ndarray, count: int = 1) -> None:
    """Ask the system to bring rows of a memory-mapped array into memory; does nothing for other arrays.

    rows: ascending; count: how many rows from each on. Without it every row is waited for alone, and
    its surroundings are read with it: 400 rows of a large file take a hundred times longer.

    >>> read_ahead(np.zeros((3, 2)), np.array([0, 2]))
    """
    mapped = getattr(array, "_mmap", None)
    if mapped is None or not hasattr(mmap, "MADV_WILLNEED") or len(rows) == 0 or count == 0:
        return
    length = array.strides[0]
    if not array.flags.c_contiguous or len(rows) * count * length > MOST_BYTES:
        return
    first = array.__array_interface__["data"][0] - _address(mapped)
    starts = first + rows.astype(np.int64) * length
    begin = starts // mmap.PAGESIZE * mmap.PAGESIZE
    end = starts + count * length
    cuts = np.flatnonzero(begin[1:] > end[:-1] + GAP_BYTES) + 1
    for start, stop in zip(begin[np.r_[0, cuts]].tolist(), end[np.r_[cuts - 1, -1]].tolist(), strict=True):
        # Only a hint: where the system does not take it, reading is slow and right.
        with contextlib.suppress(OSError, ValueError):
            mapped.madvise(mmap.MADV_WILLNEED, start, stop - start)


def let_go(array: np.ndarray, start: int, stop: int) -> None:
    """Take the pages of rows start ... stop - 1 of a memory-mapped array out of this process's memory.

    They stay in the system's cache, and are taken in again when they are read; does nothing for other arrays.
    """
    mapped = getattr(array, "_mmap", None)
    if mapped is None or not hasattr(mmap, "MADV_DONTNEED") or start >= stop:
        return
    if not array.flags.c_contiguous:  # a row lies all over the file
        mapped.madvise(mmap.MADV_DONTNEED)
        return
    first = array.__array_interface__["data"][0] - _address(mapped)
    begin = (first + start * array.strides[0]) // mmap.PAGESIZE * mmap.PAGESIZE
    with contextlib.suppress(OSError, ValueError):
        mapped.madvise(mmap.MADV_DONTNEED, begin, first + stop * array.strides[0] - begin)


class _Seen:
    """An array's memory, said to be writable: NumPy makes an array of it without a copy."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array  # keeps the memory
        facts = array.__array_interface__
        self.__array_interface__ = facts | {"data": (facts["data"][0], False)}


def for_torch(array: np.ndarray) -> np.ndarray:
    """Return an array that torch takes without a warning or a copy, to be read only, although nothing says so.

    Writing into what was mapped for reading ends the process: give the tensor to nothing that writes.

    >>> array = np.zeros(3)
    >>> array.flags.writeable = False
    >>> for_torch(array).flags.writeable
    True
    """
    return np.asarray(_Seen(array))


def _address(mapped: mmap.mmap) -> int:
    return np.frombuffer(mapped, np.uint8).__array_interface__["data"][0]
