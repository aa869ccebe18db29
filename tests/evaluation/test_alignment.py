"""Rows of descriptors by the ground truth's names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from superglobal_core.errors import UserError
from superglobal_core.evaluation.alignment import rows_of


def test_by_name_in_any_order() -> None:
    assert rows_of(["c", "a"], ["x", "a", "b", "c"], 4, "database").tolist() == [3, 1]


def test_of_equal_names_the_first_row_counts() -> None:
    # Distractors come after the data set's own images.
    assert rows_of(["a"], ["a", "b", "a"], 3, "database").tolist() == [0]


def test_ids_are_looked_through_until_all_names_are_found() -> None:
    class Ids(list[str]):
        def __iter__(self) -> Iterator[str]:
            yield from self[:3]
            raise AssertionError("looked at the distractors")

    ids = Ids(["", "b", "a", "distractor"])
    assert rows_of(["a", "b", "a"], ids, 4, "database").tolist() == [2, 1, 2]


def test_without_names_by_order() -> None:
    assert rows_of(["a", "b"], None, 5, "database").tolist() == [0, 1]
    with pytest.raises(UserError, match="the database has 1 rows, but the ground truth names 2 images"):
        rows_of(["a", "b"], None, 1, "database")


def test_absent_names() -> None:
    assert rows_of(["a", "b"], ["b"], 1, "database", may_lack=["a"]).tolist() == [-1, 0]
    with pytest.raises(UserError, match="the database lacks 2 of the 3 images of the ground truth: a, c;"):
        rows_of(["a", "b", "c"], ["b"], 1, "database", may_lack=["d"])
