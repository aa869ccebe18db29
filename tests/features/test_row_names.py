"""Names of rows in parts: as the one list they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superglobal_core.features.row_names import RowNames


@given(st.lists(st.lists(st.text(max_size=2), max_size=3), max_size=5))
def test_as_one_list(parts: list[list[str]]) -> None:
    names, whole = RowNames(parts), [name for part in parts for name in part]
    assert len(names) == len(whole)
    assert list(names) == whole
    assert [names[row] for row in range(-len(whole), len(whole))] == whole + whole
    assert names[1:-1] == whole[1:-1]
    assert names == whole
    assert names != [*whole, "more"]
    assert not whole or names != ["other-name", *whole[1:]]
    for row in (len(whole), -len(whole) - 1):
        with pytest.raises(IndexError):
            names[row]


def test_parts_are_not_copied() -> None:
    class Part(list[str]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            raise AssertionError("was looked through")

    assert RowNames([Part(["a"]), Part(["b", "c"])])[2] == "c"
