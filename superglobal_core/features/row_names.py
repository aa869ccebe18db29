"""The names of many rows, kept in the parts that they were read in."""

from __future__ import annotations

import bisect
import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import Any, overload


class RowNames(Sequence[str]):
    """Names of rows, part after part, none of them copied: a database may have millions.

    Behaves like a list that is only read, and equals any sequence of the same names.

    >>> names = RowNames([["a", "b"], [], ["c"]])
    >>> names[2], names[-3], len(names), names == ["a", "b", "c"]
    ('c', 'a', 3, True)
    """

    def __init__(self, parts: Sequence[Sequence[str]]) -> None:
        self._parts = list(parts)
        self._starts = [0, *itertools.accumulate(map(len, self._parts))]

    def __len__(self) -> int:
        return self._starts[-1]

    def __iter__(self) -> Iterator[str]:
        return itertools.chain.from_iterable(self._parts)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self[place] for place in range(*row.indices(len(self)))]
        row = range(len(self))[operator.index(row)]
        part = bisect.bisect_right(self._starts, row) - 1
        return self._parts[part][row - self._starts[part]]

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # as a list has none

    def __repr__(self) -> str:
        return f"RowNames({list(self)!r})"
