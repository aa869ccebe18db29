"""Progress of long work: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, TypeVar

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


_silenced = 0
_hushed = 0


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Show neither progress nor notes within the block: `--quiet`."""
    global _hushed
    _hushed += 1
    try:
        with silent():
            yield
    finally:
        _hushed -= 1


def note(line: str) -> None:
    """Print a line on stderr that nobody needs to act on, unless quiet is wanted.

    >>> with hushed():
    ...     note("not printed")
    """
    if not _hushed:
        print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Show no progress within the block: a display that is drawn meanwhile would be timed too."""
    global _silenced
    _silenced += 1
    try:
        yield
    finally:
        _silenced -= 1


class Counter:
    """A progress display that is moved by hand: `with Counter("extract", 100) as c: c.advance(8)`.

    Within another one it shows nothing: the outer one tells how far the whole is.
    """

    _open: ClassVar[int] = 0

    def __init__(self, what: str, total: int, unit: str = "images") -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done = 0
        self.start = self.last_line = time.monotonic()
        self._bar: Progress | None = None
        self._silent = False

    def __enter__(self) -> Counter:
        self._silent = _silenced > 0 or Counter._open > 0
        Counter._open += 1
        if sys.stderr.isatty() and not self._silent:
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
        Counter._open -= 1
        if self._bar is not None:
            self._bar.stop()

    def advance(self, count: int = 1) -> None:
        """Say that `count` more of the total are done."""
        self.done += count
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0], count)
            return
        now = time.monotonic()
        if not self._silent and now - self.last_line >= LOG_INTERVAL_S:
            self.last_line = now
            left = (now - self.start) / max(self.done, 1) * max(self.total - self.done, 0)
            note(f"{self.what}: {self.done} of {self.total} {self.unit}, about {time_text(left)} left")


def bytes_text(count: float) -> str:
    """Write a number of bytes for people, with three digits.

    >>> bytes_text(1938238004), bytes_text(512), bytes_text(999_999)
    ('1.94 GB', '512 B', '1 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def time_text(seconds: float) -> str:
    """Write a length of time for people: seconds, minutes, hours or days.

    >>> time_text(8.2), time_text(400), time_text(3 * 3600 + 900), time_text(86400 * 12)
    ('8 s', '7 min', '3.2 h', '12 days')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 72 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"


class Transfers:
    """The progress of several files that come at once, from any threads: `with Transfers() as t: t.add("x")`."""

    def __init__(self) -> None:
        self.bars: Progress | None = None
        self.over = threading.Event()

    def __enter__(self) -> Transfers:
        if sys.stderr.isatty() and not _hushed:
            from rich import progress as rich_progress
            from rich.console import Console

            self.bars = rich_progress.Progress(
                rich_progress.TextColumn("{task.description}", markup=False),
                rich_progress.BarColumn(),
                rich_progress.DownloadColumn(),
                rich_progress.TransferSpeedColumn(),
                rich_progress.TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self.bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.over.set()
        if self.bars is not None:
            self.bars.stop()
            self.bars = None

    def add(self, what: str, total: int | None = None) -> Transfer:
        """Show one more file of `total` bytes, as far as known, until its `with` block ends."""
        return Transfer(self.bars, what, total, self.over)

    def say(self, text: str) -> None:
        """Print a line, above the bars where there are any."""
        if self.bars is not None:
            self.bars.console.print(text, markup=False, highlight=False)
        else:
            note(text)


class Transfer:
    """The progress of one file in bytes, shown by `Transfers`; used by one thread at a time."""

    def __init__(self, bars: Progress | None, what: str, total: int | None, over: threading.Event) -> None:
        self.what = what
        self._over = over
        self._bars = bars
        self._task = bars.add_task(what, total=total) if bars is not None else None
        self.last_line = time.monotonic()
        self.reset(0, total)

    def __enter__(self) -> Transfer:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None

    def reset(self, done: int, total: int | None = None) -> None:
        """Say that `done` bytes are there before the next one comes, and how many there are in all."""
        self.done = self.before = done
        self.total = total
        self.start = time.monotonic()
        if self._bars is not None and self._task is not None:
            self._bars.reset(self._task, total=total, completed=done)

    def advance(self, count: int) -> None:
        """Say that `count` more bytes have come; after an interruption the thread that does so ends here."""
        if self._over.is_set():
            raise KeyboardInterrupt
        self.done += count
        if self._bars is not None and self._task is not None:
            self._bars.advance(self._task, count)
            return
        now = time.monotonic()
        if now - self.last_line >= LOG_INTERVAL_S:
            self.last_line = now
            note(self._line(now - self.start))

    def _line(self, seconds: float) -> str:
        speed = (self.done - self.before) / max(seconds, 1e-6)
        if self.total is None:
            return f"{self.what}: {bytes_text(self.done)}, {bytes_text(speed)}/s"
        left = max(self.total - self.done, 0) / max(speed, 1e-6)
        whole = f"{bytes_text(self.done)} of {bytes_text(self.total)}"
        return f"{self.what}: {whole}, {bytes_text(speed)}/s, about {time_text(left)} left"
