"""How a stored value and the same value computed again are compared, and what is said where they differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from superglobal_core.evaluation.protocol import ProtocolResult
from superglobal_core.reporting.collect import Figures

# Of fractions: sums in another order differ by less.
TOLERANCE = 1e-12


@dataclasses.dataclass(frozen=True)
class Difference:
    """Something that is stored otherwise than it comes out."""

    what: str
    stored: Any
    recomputed: Any

    def __str__(self) -> str:
        return f"{self.what}: stored {_shown(self.stored)}, recomputed {_shown(self.recomputed)}"


def same(what: str, stored: Any, recomputed: Any) -> Iterator[Difference]:
    """Compare exactly.

    >>> [str(found) for found in same("queries", 45, 44)], list(same("queries", 45, 45))
    (['queries: stored 45, recomputed 44'], [])
    """
    if stored != recomputed:
        yield Difference(what, stored, recomputed)


def close(
    what: str, stored: float | None, recomputed: float | None, tolerance: float = TOLERANCE
) -> Iterator[Difference]:
    """Compare two numbers, of which neither or both may be absent."""
    both = stored is not None and recomputed is not None
    if not (both and abs(stored - recomputed) <= tolerance) and not (stored is None and recomputed is None):  # type: ignore[operator]
        yield Difference(what, stored, recomputed)


def figure_differences(protocol: str, stored: Figures, found: ProtocolResult) -> Iterator[Difference]:
    """Compare all figures under one protocol; `found` without intervals where these cannot be computed."""
    yield from close(f"{protocol}.map", stored.map, found.map)
    yield from interval_differences(f"{protocol}.map_interval_95", stored.map_interval_95, found.interval)
    precisions = {str(cutoff): value for cutoff, value in found.mean_precision.items()}
    yield from same(f"{protocol}.mean_precision", sorted(stored.mean_precision), sorted(precisions))
    for cutoff in sorted(set(precisions) & set(stored.mean_precision), key=int):
        what = f"{protocol}.mean_precision at {cutoff}"
        yield from close(what, stored.mean_precision[cutoff], precisions[cutoff])
    counted = sum(value is not None for value in found.average_precision)
    yield from same(f"{protocol}.queries_with_positives", stored.queries_with_positives, counted)
    old, new = stored.average_precision, found.average_precision
    yield from same(f"{protocol}.average_precision, queries", len(old), len(new))
    for query, (before, after) in enumerate(zip(old, new, strict=False)):
        yield from close(f"{protocol}.average_precision of query {query}", before, after)


def interval_differences(
    what: str, stored: Sequence[float] | None, found: Sequence[float] | None, tolerance: float = TOLERANCE
) -> Iterator[Difference]:
    """Compare two intervals, of which neither or both may be absent."""
    if stored is None or found is None:
        yield from same(what, stored, found)
        return
    for side, before, after in zip(("lower", "upper"), stored, found, strict=True):
        yield from close(f"{what}, {side}", before, after, tolerance)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value)) or "nothing"
    return repr(value) if isinstance(value, float) else str(value)
