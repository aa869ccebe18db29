"""Folders for what is under work, gone afterwards even where a process was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from superglobal_core.files import TEMPORARY_PREFIX


@contextlib.contextmanager
def scratch_folder(parent: str | Path, name: str) -> Iterator[Path]:
    """Make a folder below `parent`, which is there, for the block alone.

    Before that, folders of the same name go that killed processes left there. Their names are ones that readers
    of results pass over.

    >>> with tempfile.TemporaryDirectory() as parent, scratch_folder(parent, "time") as folder:
    ...     folder.name.startswith(".partial-time-")
    True
    """
    beginning = f"{TEMPORARY_PREFIX}{name}-"
    for left in sorted(Path(parent).glob(f"{beginning}*")):
        with contextlib.suppress(OSError), _locked(left, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(left)
    while True:
        with (
            tempfile.TemporaryDirectory(prefix=beginning, dir=parent, ignore_cleanup_errors=True) as made,
            contextlib.ExitStack() as stack,
        ):
            # Where a file system knows no locks, none can be told from those that were left: all stay.
            with contextlib.suppress(OSError):
                stack.enter_context(_locked(Path(made), fcntl.LOCK_EX))
            # Else it was removed as one that was left, in the moment before it was locked.
            if Path(made).is_dir():
                yield Path(made)
                return


@contextlib.contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    """Hold the lock of a folder, which the kernel frees when its holder ends, however it ends."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)
