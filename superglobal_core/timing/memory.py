"""Memory a process has used, and memory a piece of work takes."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_SAMPLING_S = 0.001


class MemoryUse(BaseModel):
    """Peak memory of a piece of work beyond what was in use before it, in bytes.

    host_bytes: resident memory of this process, mapped files that were read included; None where the
    system does not tell. device_bytes: allocated on the GPU; None on the CPU. how: the way it was found.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host_bytes: int | None
    device_bytes: int | None
    how: str


def peak_memory() -> int | None:
    """Return this process's largest resident memory so far, in bytes; None where unknown (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def own_peak() -> int | None:
    """Return the largest resident memory of this program so far, in bytes; None where unknown.

    Unlike `peak_memory` it leaves out what the process was before it became this program: a process
    that a large one starts has that one's size for a moment. `measure_memory` begins it anew.
    """
    return _status("VmHWM") if _STATUS.exists() else peak_memory()


def measure_memory(work: Callable[[], Any], device: object = "cpu") -> MemoryUse:
    """Run a piece of work once and return the most memory it took beyond what was in use before.

    device: the torch device it works on, a name or a `torch.device`; torch is imported only for
    another than the CPU. The kernel's high-water mark is reset where the system allows that;
    elsewhere a thread looks every millisecond, which misses what is shorter; without either only
    growth beyond the process's earlier peak is seen. `how` says which. Child processes do not count.

    >>> use = measure_memory(lambda: bytearray(50_000_000))
    >>> use.host_bytes is None or use.host_bytes > 40_000_000
    True
    """
    gc.collect()
    _give_back_freed()
    before = _device_start(device)
    with _host_peak() as host:
        result = work()
        on_device = _device_peak(device)
    del result
    return MemoryUse(
        host_bytes=host.taken(),
        device_bytes=None if on_device is None else on_device - before,
        how=host.how,
    )


def _on_gpu(device: object) -> bool:
    return str(device).partition(":")[0] != "cpu"


def _device_start(device: object) -> int:
    if not _on_gpu(device):
        return 0
    import torch

    torch.cuda.synchronize(str(device))
    torch.cuda.reset_peak_memory_stats(str(device))
    return torch.cuda.memory_allocated(str(device))


def _device_peak(device: object) -> int | None:
    """The peak since the start, once the device has done what was asked of it."""
    if not _on_gpu(device):
        return None
    import torch

    torch.cuda.synchronize(str(device))
    return torch.cuda.max_memory_allocated(str(device))


class _HighWaterMark:
    """Linux: the mark is lowered to what is resident now by writing 5 to clear_refs."""

    how = "the kernel's high-water mark, reset before"

    def __init__(self) -> None:
        _CLEAR_REFS.write_text("5")
        self._before = _status("VmRSS")
        self._peak = self._before

    def stop(self) -> None:
        self._peak = _status("VmHWM")

    def taken(self) -> int | None:
        return max(0, self._peak - self._before)


class _Sampled:
    """Linux where clear_refs may not be written: resident memory looked at again and again."""

    how = f"resident memory, looked at every {_SAMPLING_S * 1000:g} ms"

    def __init__(self) -> None:
        self._before = self._peak = _status("VmRSS")
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(_SAMPLING_S):
            self._peak = max(self._peak, _status("VmRSS"))

    def stop(self) -> None:
        self._peak = max(self._peak, _status("VmRSS"))
        self._done.set()
        self._thread.join()

    def taken(self) -> int | None:
        return self._peak - self._before


class _Growth:
    """Elsewhere: the process's peak, which cannot be reset."""

    how = "growth of the process's peak: less than before is not seen"

    def __init__(self) -> None:
        self._before, self._peak = peak_memory(), None  # type: int | None, int | None

    def stop(self) -> None:
        self._peak = peak_memory()

    def taken(self) -> int | None:
        return None if self._before is None or self._peak is None else self._peak - self._before


@contextlib.contextmanager
def _host_peak() -> Iterator[_HighWaterMark | _Sampled | _Growth]:
    peak: _HighWaterMark | _Sampled | _Growth
    try:
        peak = _HighWaterMark()
    except OSError:
        peak = _Sampled() if _STATUS.exists() else _Growth()
    try:
        yield peak
    finally:
        peak.stop()


def _status(key: str) -> int:
    found = re.search(rf"^{key}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise OSError(f"{_STATUS} has no {key}")
    return int(found[1]) * 1024


def _give_back_freed() -> None:
    # glibc keeps freed memory resident for later use: work served from it would seem to take none.
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
