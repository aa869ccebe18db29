"""Copying rows of a file that are in the system's cache, one call a row.

A memory map costs much more for rows far apart: each is asked for ahead, taken into this process's memory
together with its surroundings, and let go again.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

# A call for each shorter row costs more than the pages that they share.
LEAST_BYTES = 512
# Of rows that lie closer a page map takes in several at once.
LEAST_GAP = 2
# So many rows away from the cache, and the file is taken for one that still has to be read.
MOST_MISSED = 3

#: device and number of a file: they tell whether a path still leads to it, as long as it is mapped
FileKey = tuple[int, int]


def file_key(path: Path) -> FileKey | None:
    """Return what tells a file from one that takes its place; None where it cannot be asked."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def copy_cached(
    array: np.ndarray, key: FileKey | None, rows: np.ndarray, out: np.ndarray, places: np.ndarray
) -> np.ndarray:
    """Copy those rows of a mapped file that are in the cache to `out[places]`; return the numbers of the others.

    array (n, D): a whole file, memory-mapped; key: `file_key` of that file; rows: ascending, int64; out (m, D):
    contiguous. Where it does not pay or cannot be done (another file has taken the place, values of another
    kind, a system without such calls), no row is copied.

    >>> copy_cached(np.eye(2), None, np.array([0, 1]), np.empty((2, 2)), np.array([1, 0]))
    array([0, 1])
    """
    every, length = np.arange(len(rows)), out.strides[0]
    if key is None or not isinstance(array, np.memmap) or not hasattr(os, "RWF_NOWAIT"):
        return every
    if array.dtype != out.dtype or not array.flags.c_contiguous or length < LEAST_BYTES:
        return every
    if rows[-1] - rows[0] + 1 < LEAST_GAP * len(rows):
        return every
    try:
        handle = os.open(str(array.filename), os.O_RDONLY)
    except OSError:  # removed; what is mapped is there all the same
        return every
    try:
        facts = os.fstat(handle)
        if (facts.st_dev, facts.st_ino) != key:
            return every
        return every[_copy(handle, (rows * length + array.offset).tolist(), out, (places * length).tolist())]
    finally:
        os.close(handle)


def _copy(handle: int, sources: list[int], out: np.ndarray, targets: list[int]) -> list[int]:
    """Copy a row from each place in a file to its place in `out` (both in bytes); return which are not in the cache."""
    memory, length = out.data.cast("B"), out.strides[0]
    missed: list[int] = []
    for number, (source, target) in enumerate(zip(sources, targets, strict=True)):
        try:
            if os.preadv(handle, (memory[target : target + length],), source, os.RWF_NOWAIT) == length:
                continue
        except BlockingIOError:
            pass
        except OSError:  # a file system that cannot tell
            return [*missed, *range(number, len(sources))]
        missed.append(number)  # none of it, or only a part, was there
        if len(missed) == MOST_MISSED:
            return [*missed, *range(number + 1, len(sources))]
    return missed
