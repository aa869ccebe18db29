"""A GPU of its own for each process, as long as there are enough."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from superglobal_core.progress import note

VISIBLE = "CUDA_VISIBLE_DEVICES"
# What the programs that a process starts know its GPU by: they use it with it, and claim none.
CLAIMED = "SUPERGLOBAL_CLAIMED_GPU"
# More processes than this on one GPU claim nothing further.
SHARERS = 16
# Choosing takes milliseconds: whoever holds it longer was stopped in the middle of it.
LONGEST_CHOICE_S = 5.0

_held: list[FileLock] = []
_one_thread = threading.Lock()


def claim_gpu(count: int, folder: str | Path | None = None) -> str | None:
    """Claim one of the GPUs that this process sees, for its life, and let it see this one only.

    The first one that no other process has claimed is taken; where all are, the one with the fewest
    claims is shared, which is said in one line on stderr. Claims are locks: the kernel frees them when
    the process ends, however it ends. A second call, and a program that this process starts, keep to
    the first choice. To be called before CUDA is in use, which reads CUDA_VISIBLE_DEVICES once.

    count: how many GPUs this process sees; folder: where the locks are, by default a folder of the
    user's for temporary files. Batch jobs are kept apart by their scheduler, and have locks of their own.

    Returns:
        The GPU's number or name as in CUDA_VISIBLE_DEVICES, or None where there is no GPU.
    """
    with _one_thread:
        names = visible_gpus(count)
        if not names or os.environ.get(CLAIMED) in names:
            return names[0] if names else None
        name, others = _claim(names, Path(folder) if folder is not None else _own_folder())
        if others:
            every = f"all {len(names)} GPUs are" if len(names) > 1 else "the GPU is"
            note(f"{every} in use by other processes: this one shares GPU {name}")
        os.environ[VISIBLE] = os.environ[CLAIMED] = name
        return name


def visible_gpus(count: int) -> list[str]:
    """Return what the GPUs that this process sees are called in CUDA_VISIBLE_DEVICES, `count` of them.

    >>> kept = os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    >>> visible_gpus(2)
    ['0', '1']
    >>> if kept is not None: os.environ["CUDA_VISIBLE_DEVICES"] = kept
    """
    given = os.environ.get(VISIBLE)
    if given is None:
        return [str(number) for number in range(count)]
    return [name.strip() for name in given.split(",")][:count]


def _claim(names: Sequence[str], folder: Path) -> tuple[str, int]:
    """Take a free place of the GPU with the fewest claims; return its name and how many others have it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _choosing(folder):
            free = {name: [lock for lock in _places(folder, name) if _is_free(lock)] for name in names}
            name = max(names, key=lambda name: len(free[name]))
            if free[name]:
                free[name][0].acquire(timeout=0)
                _held.append(free[name][0])
            return name, SHARERS - len(free[name])
    except (OSError, RuntimeError) as error:  # RuntimeError: a file system without locks
        why = getattr(error, "strerror", None) or error
        if len(names) > 1:
            note(f"cannot keep processes to GPUs of their own: {folder}: {why}")
        return names[0], 0


@contextlib.contextmanager
def _choosing(folder: Path) -> Iterator[None]:
    """One process at a time looks which places are free: looking takes them for a moment."""
    lock = _lock(folder / "choosing.lock")
    with contextlib.suppress(Timeout):
        lock.acquire(timeout=LONGEST_CHOICE_S, poll_interval=0.01)
    try:
        yield
    finally:
        lock.release()


def _places(folder: Path, name: str) -> Iterator[FileLock]:
    # A part of a GPU has slashes in its name.
    file = re.sub(r"[^\w.-]", "_", name)
    for number in range(SHARERS):
        yield _lock(folder / f"gpu-{file}-{number}.lock")


def _lock(path: Path) -> FileLock:
    # Of the process and not of the thread that asks first.
    return FileLock(path, thread_local=False)


def _is_free(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    lock.release()
    return True


def _own_folder() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
    job = os.environ.get("SLURM_JOB_ID")
    return Path(tempfile.gettempdir()) / f"superglobal-gpus-{user}{f'-job-{job}' if job else ''}"
