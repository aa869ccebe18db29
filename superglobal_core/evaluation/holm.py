"""Correction of p-values for the number of comparisons."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values corrected for their number, in the given order; None is no comparison and passes through.

    The k-th smallest of n is multiplied by n - k + 1, and none is smaller than those before it, nor
    larger than 1. That bounds the chance of any false alarm, however the comparisons depend on each other.

    Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    >>> holm([None, 0.5])
    [None, 0.5]
    """
    corrected: list[float | None] = list(p_values)
    ordered = sorted(
        (value, place) for place, value in enumerate(p_values) if value is not None
    )  # equal ones are corrected alike, whatever their places
    largest = 0.0
    for rank, (value, place) in enumerate(ordered):
        largest = max(largest, min(1.0, value * (len(ordered) - rank)))
        corrected[place] = largest
    return corrected
