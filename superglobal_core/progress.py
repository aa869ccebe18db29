"""Progress of long work: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")

# A log gets a line at most this often: enough to see life, not enough to bury the rest.
LOG_INTERVAL_S = 10.0


def track(items: Iterable[Item], what: str, total: int, unit: str = "images") -> Iterator[Item]:
    """Yield `items` and show how far the work is, on stderr.

    On a terminal this is a bar with the time left; elsewhere a plain line every ten seconds, so
    that work shorter than that is silent. The count goes up when the caller asks for the next item.

    >>> list(track([1, 2, 3], "count", total=3))
    [1, 2, 3]
    """
    counter = Counter(what, total, unit)
    with counter:
        for item in items:
            yield item
            counter.advance()


class Counter:
    """A progress display that is moved by hand: `with Counter("extract", 100) as c: c.advance(8)`."""

    def __init__(self, what: str, total: int, unit: str = "images") -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done = 0
        self.start = self.last_line = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> Counter:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn(self.unit),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bar.start()
            self._bar.add_task(self.what, total=self.total)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, count: int = 1) -> None:
        """Say that `count` more of the total are done."""
        self.done += count
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0], count)
            return
        now = time.monotonic()
        if now - self.last_line >= LOG_INTERVAL_S:
            self.last_line = now
            left = (now - self.start) / max(self.done, 1) * max(self.total - self.done, 0)
            print(
                f"{self.what}: {self.done} of {self.total} {self.unit}, about {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
