"""Average precision and mean precision as the revisited benchmark defines them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# The rank of a labelled image that a ranking does not hold: behind everything.
NOT_RETRIEVED = np.iinfo(np.int64).max


def without_ignored(positives: np.ndarray, ignored: np.ndarray) -> np.ndarray:
    """Return the positives' ranks, ascending, after the ignored images are taken out of the ranking.

    positives, ignored: zero-based ranks (int64, any order) in the same ranking.

    >>> without_ignored(np.array([4, 1]), np.array([0, 2]))
    array([0, 2])
    """
    positives, ignored = np.sort(positives), np.sort(ignored)
    retrieved = positives != NOT_RETRIEVED
    return np.where(retrieved, positives - np.searchsorted(ignored, positives), NOT_RETRIEVED)


def average_precision(ranks: np.ndarray) -> float:
    """Compute AP, a fraction, by the trapezoidal rule over the positives.

    ranks: zero-based, ascending, ignored images taken out; `NOT_RETRIEVED` adds nothing.
    Raises ValueError without positives: such a query has no AP.

    Source: Radenovic et al., CVPR 2018, and the revisitop release. General-purpose libraries sum
    rectangles, which comes out higher.

    >>> average_precision(np.array([0, 2]))
    0.7916666666666666
    """
    if len(ranks) == 0:
        raise ValueError("a query without positives has no average precision")
    found = ranks[ranks != NOT_RETRIEVED].astype(np.float64)
    before = np.arange(len(found), dtype=np.float64)
    precision_before = np.where(found == 0, 1.0, before / np.maximum(found, 1.0))
    precision_after = (before + 1.0) / (found + 1.0)
    return float(((precision_before + precision_after) / 2.0).sum() / len(ranks))


def precision_at(ranks: np.ndarray, cutoffs: Sequence[int]) -> list[float]:
    """Compute the precision among the first k images, a fraction, for each cutoff k.

    ranks: as for `average_precision`. k shrinks to the last positive's rank (counted from one) where that
    is smaller; a positive that was not retrieved lies behind every k.

    Source: the revisitop release.

    >>> precision_at(np.array([0, 2]), [1, 5])
    [1.0, 0.6666666666666666]
    """
    last = int(ranks.max())
    shrunk = [cutoff if last == NOT_RETRIEVED else min(last + 1, cutoff) for cutoff in cutoffs]
    return [float(np.count_nonzero(ranks < cutoff)) / cutoff for cutoff in shrunk]
