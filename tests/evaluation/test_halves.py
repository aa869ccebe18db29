"""Halves of the queries share no positive, are about equal, and are the seed's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superglobal_core.data.groundtruth import Query
from superglobal_core.errors import UserError
from superglobal_core.evaluation.halves import halves


def query(easy: list[int], hard: list[int], junk: list[int] | None = None) -> Query:
    return Query((0, 0, 9, 9), tuple(easy), tuple(hard), tuple(junk or ()))


images = st.lists(st.integers(0, 30), max_size=4, unique=True)


@given(labels=st.lists(st.tuples(images, images), min_size=2, max_size=20), seed=st.integers(0, 99))
def test_no_positive_is_in_both(labels: list[tuple[list[int], list[int]]], seed: int) -> None:
    queries = [query(easy, hard) for easy, hard in labels]
    try:
        one, other = halves(queries, seed)
    except UserError:
        # Then all queries hang together: from any positive every query is reached.
        reached, seen = {0}, set(labels[0][0] + labels[0][1])
        for _ in labels:
            more = {n for n, (easy, hard) in enumerate(labels) if seen & {*easy, *hard}}
            reached |= more
            seen |= {image for n in more for image in labels[n][0] + labels[n][1]}
        assert reached == set(range(len(labels)))
        return
    assert sorted([*one, *other]) == list(range(len(queries)))
    assert one
    assert other
    positives = [{image for n in part for image in labels[n][0] + labels[n][1]} for part in (one, other)]
    assert not positives[0] & positives[1]
    assert halves(queries, seed) == (one, other)


def test_landmarks_of_equal_size_make_equal_halves() -> None:
    queries = [
        query([landmark], [100 + 5 * landmark + number]) for landmark in range(10) for number in range(5)
    ]
    splits = {tuple(halves(queries, seed)[0]) for seed in range(5)}
    assert len(splits) > 1
    assert {len(split) for split in splits} == {25}


def test_common_junk_joins_nothing_and_one_landmark_has_no_halves() -> None:
    assert sorted(map(len, halves([query([1], [], [9]), query([2], [], [9])]))) == [1, 1]
    with pytest.raises(UserError, match="cannot be halved"):
        halves([query([1], [2]), query([2], [3]), query([], [3])])
