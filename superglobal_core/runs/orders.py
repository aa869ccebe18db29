"""Whether two runs rank alike: the stored rankings, place by place."""

from __future__ import annotations

import dataclasses

import numpy as np

from superglobal_core.reporting.collect import Result, Study
from superglobal_core.reporting.sources import ranking_file
from superglobal_core.runs.run import Run
from superglobal_core.search.rankings import Ranking


@dataclasses.dataclass(frozen=True)
class Orders:
    """How two rankings of the same queries compare.

    identical: None where they cannot be compared; words: the same as a sentence for a table.
    """

    identical: bool | None
    words: str


def compare_orders(first: Run, before: Result, second: Run, after: Result) -> Orders:
    """Compare the rankings that two results evaluate: the files where both are stored, else their digests.

    Raises:
        UserError: when a stored ranking is damaged.
    """
    mine, theirs = ranking_file(first.study, before), ranking_file(second.study, after)
    if mine is None or theirs is None:
        return _by_digest(first.study, before, second.study, after)
    one, two = Ranking.load(mine).indices, Ranking.load(theirs).indices
    if one.ndim != 2 or one.shape != two.shape:
        return Orders(None, f"of other sizes ({_size(one)} and {_size(two)})")
    if one.shape[1] == 0:
        return Orders(True, "identical")
    different = one != two
    queries = int(different.any(axis=1).sum())
    if queries == 0:
        return Orders(True, "identical")
    earliest = int(different.any(axis=0).argmax()) + 1
    return Orders(False, f"{queries} of {len(one)} queries differ, first at place {earliest}")


def _by_digest(mine: Study, before: Result, theirs: Study, after: Result) -> Orders:
    one, two = _digest(before), _digest(after)
    if one is None or two is None:
        return Orders(None, "not stored")
    return Orders(True, "identical") if one == two else Orders(None, "not stored, digests differ")


def _digest(result: Result) -> str | None:
    found = [given.sha256 for given in result.record.inputs if given.role == "ranking"]
    return found[0] if len(found) == 1 else None


def _size(indices: np.ndarray) -> str:
    return " x ".join(map(str, indices.shape))
