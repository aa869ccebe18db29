"""Several tasks at once in threads that nobody needs to wait for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from superglobal_core.errors import UserError

Result = TypeVar("Result")


def side_by_side(tasks: Sequence[Callable[[], Result]], threads: int) -> list[Result]:
    """Run tasks, `threads` at once, and return their results in order.

    A user's error in one does not stop the others; all of them are said at the end. Anything else,
    an interruption above all, ends this at once: tasks that run are left to themselves, and end with
    the process at the latest; no other one begins. So they must survive being killed.

    Raises:
        UserError: with what all the failed tasks say.

    >>> side_by_side([lambda: 1, lambda: 2], threads=2)
    [1, 2]
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Result | None, BaseException | None]] = queue.SimpleQueue()
    over = threading.Event()
    for number in range(len(tasks)):
        waiting.put(number)

    def work() -> None:
        while not over.is_set():
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((number, tasks[number](), None))
            except BaseException as error:
                done.put((number, None, error))

    # Not of concurrent.futures: the interpreter waits for its threads before it ends.
    for _ in range(min(max(1, threads), len(tasks))):
        threading.Thread(target=work, daemon=True).start()
    results: dict[int, Result] = {}
    failed: dict[int, str] = {}
    try:
        for _ in tasks:
            number, result, error = done.get()
            if isinstance(error, UserError):
                failed[number] = str(error)
            elif error is not None:
                raise error
            else:
                results[number] = result  # type: ignore[assignment]
    finally:
        over.set()
    if failed:
        raise UserError("; ".join(failed[number] for number in sorted(failed)))
    return [results[number] for number in range(len(tasks))]
