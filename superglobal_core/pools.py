"""Pools of processes that end with the one that made them."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor


def spawned_pool(processes: int, initializer: Callable[[], object] | None = None) -> ProcessPoolExecutor:
    """Return a pool of processes that end with this one, however it ends; initializer: called in each first.

    Spawned, not forked: the caller may hold threads (torch) that a fork would break.
    """
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(initializer,))


def _begin(initializer: Callable[[], object] | None) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if initializer is not None:
        initializer()


def _end_with_parent() -> None:
    # A process that waits for work would wait for ever: it holds the pipe's other end itself.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
