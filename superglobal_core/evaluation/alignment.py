"""Which descriptor row belongs to which name of the ground truth."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence

import numpy as np

from superglobal_core.errors import UserError, name_list


def rows_of(
    names: Sequence[str],
    ids: Sequence[str] | None,
    rows: int,
    what: str,
    may_lack: Collection[str] = (),
    exactly: bool = False,
) -> np.ndarray:
    """Return the row of each name, int64, -1 for a name in `may_lack` that has none.

    ids: the rows' names, empty where unknown; without them the rows must already be in the names'
    order, and `exactly` as many.
    may_lack: names that are known to be absent (images left out of an extraction).

    Raises:
        UserError: when names are absent without a reason, or there are fewer rows than names.

    >>> rows_of(["b", "a"], ["a", "b", "c"], 3, "database").tolist()
    [1, 0]
    """
    if ids is None:
        if rows < len(names) or (exactly and rows != len(names)):
            raise UserError(
                f"the {what} has {rows} rows, but the ground truth names {len(names)} images: "
                "give one row an image, in its order"
            )
        return np.arange(len(names), dtype=np.int64)
    first = _first_rows(set(names), ids)
    lacking = set(may_lack)
    absent = [name for name in names if name not in first and name not in lacking]
    if absent:
        raise UserError(
            f"the {what} lacks {len(absent)} of the {len(names)} images of the ground truth: {name_list(absent, 5)}; "
            "extract them too, or use the ground truth of this data set"
        )
    return np.array([first.get(name, -1) for name in names], dtype=np.int64)


def _first_rows(names: set[str], ids: Sequence[str]) -> dict[str, int]:
    """Return the first row of each name that is there; ids are looked through only until all are found."""
    wanted = names - {""}  # rows of a part without names belong to no image of the ground truth
    # In C: a loop over a million ids takes as long as a reranking.
    places = itertools.compress(itertools.count(), map(wanted.__contains__, ids))
    first: dict[str, int] = {}
    while len(first) < len(wanted) and (row := next(places, None)) is not None:
        first.setdefault(ids[row], row)
    return first
