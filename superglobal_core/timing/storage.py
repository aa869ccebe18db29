"""Making the system forget files, so that reading them reads from storage."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from superglobal_core.errors import UserError

# Readahead by others may bring a page back at once; a hundredth does not warm a cache.
_COLD = 0.01
# mincore fills one byte a page; files are looked at in pieces so that this stays small.
_PIECE = 1 << 30


def drop_from_page_cache(paths: Iterable[str | Path]) -> bool:
    """Ask the system to forget files' contents, and return whether it has, all of them.

    False where a file is still in memory: the system has no such request, keeps its files in memory
    (tmpfs), or a process has the file mapped, this one included: close memory maps first. What the
    disk itself or a virtual machine's host remember cannot be dropped from here.

    Raises:
        UserError: where a file cannot be read.
    """
    files = [Path(path) for path in paths]
    for path in files:
        with _opened(path) as descriptor:
            if not hasattr(os, "posix_fadvise"):
                return False
            # Pages not written to the disk yet are not dropped.
            with contextlib.suppress(OSError):
                os.fsync(descriptor)
            with contextlib.suppress(OSError):
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    shares = [cached_share(path) for path in files]
    return all(share is not None and share <= _COLD for share in shares)


def cached_share(path: str | Path) -> float | None:
    """Return which share of a file is in the page cache, 0 to 1; None where the system does not tell.

    Linux tells it of files that the caller may write, and calls others wholly cached. An empty file
    counts as not cached.

    Raises:
        UserError: where the file cannot be read.
    """
    try:
        mincore = ctypes.CDLL(None, use_errno=True).mincore
    except (OSError, AttributeError, TypeError):
        return None
    cached = pages = 0
    with _opened(Path(path)) as descriptor:
        size = os.fstat(descriptor).st_size
        for start in range(0, size, _PIECE):
            length = min(_PIECE, size - start)
            count = -(-length // mmap.PAGESIZE)
            states = (ctypes.c_ubyte * count)()
            # A private map that is never touched reads nothing and shows the cache's own pages.
            with mmap.mmap(descriptor, length, access=mmap.ACCESS_COPY, offset=start) as view:
                first = ctypes.c_char.from_buffer(view)
                failed = mincore(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(length), states)
                del first  # the map cannot be closed while this refers to it
            if failed:
                return None
            cached += sum(state & 1 for state in bytes(states))
            pages += count
    return cached / pages if pages else 0.0


def cache_note(dropped: bool) -> str:
    """Say in a record what reading from storage met.

    >>> cache_note(True), cache_note(False)
    ('page cache dropped', 'page cache warm')
    """
    return "page cache dropped" if dropped else "page cache warm"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)
