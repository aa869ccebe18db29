"""Memory a process has used."""

from __future__ import annotations

import sys


def peak_memory() -> int | None:
    """Return this process's largest resident memory so far, in bytes; None where unknown (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
