"""Whether anything else kept the processor busy while a piece of work was timed."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

_STAT = Path("/proc/stat")
# A desktop's own housekeeping stays below this many cores.
_QUIET_CORES = 0.2


class Others(BaseModel):
    """Cores that others kept busy on average over `seconds`; None where the system does not tell.

    cores: other processes of this machine. stolen: what a virtual machine's host gave to others.
    """

    model_config = ConfigDict(extra="forbid")

    seconds: float = 0.0
    cores: float | None = None
    stolen: float | None = None

    @property
    def sentence(self) -> str | None:
        """The warning to print; None when all was quiet, or nothing is known."""
        busy = (self.cores or 0.0) + (self.stolen or 0.0)
        if busy <= _QUIET_CORES:
            return None
        return f"other processes kept {busy:.1f} cores busy during the timing: its figures are unsure"


@contextlib.contextmanager
def watch_others() -> Iterator[Others]:
    """Watch over a block what the processor did for others; the result is filled in when it ends.

    Unlike the load average it leaves out this process (and its ended children), and reaches back no
    further than the block. Needs a block of a tenth of a second or more to mean anything, because the
    kernel counts in hundredths.

    >>> with watch_others() as others:
    ...     time.sleep(0.01)
    >>> others.seconds > 0
    True
    """
    others = Others()
    begin, before = time.monotonic(), _counters()
    own_before = _own()
    try:
        yield others
    finally:
        others.seconds = time.monotonic() - begin
        after, own = _counters(), _own() - own_before
        if before is not None and after is not None and others.seconds > 0:
            others.cores = max(0.0, after[0] - before[0] - own) / others.seconds
            others.stolen = max(0.0, after[1] - before[1]) / others.seconds


def _own() -> float:
    return sum(os.times()[:4])


def _counters() -> tuple[float, float] | None:
    """Seconds of all cores together since the start of the machine: busy, and stolen by its host."""
    try:
        fields = _STAT.read_text().split("\n", 1)[0].split()
        user, nice, system, _idle, _iowait, irq, softirq, steal = (int(field) for field in fields[1:9])
        tick = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None
    return (user + nice + system + irq + softirq) / tick, steal / tick
