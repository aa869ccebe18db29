"""Kinds of indexes: what is written is what is meant, and defaults fit every database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superglobal_core.errors import UserError
from superglobal_core.search.index_kinds import (
    KINDS,
    SAMPLE_BYTES,
    efforts_to_try,
    parse_index,
    plan_index,
    sample_rows,
)


@pytest.mark.parametrize(
    "text", ["flat-fp16", "ivfpq", "ivfpq:nlist=64:m=8:nprobe=1/4/16", "hnsw:M=8:storage=fp16:efSearch=100"]
)
def test_an_index_is_written_as_it_is_read(text: str) -> None:
    assert parse_index(text).name == text
    assert parse_index(parse_index(text).name) == parse_index(text)


def test_efforts_are_ordered_and_counted_once() -> None:
    assert parse_index("ivfpq:nprobe=16/1/16").efforts == (1, 16)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ivfqp", "unknown kind of index 'ivfqp'.*did you mean 'ivfpq'"),
        ("flat-fp16:M=4", "no parameter 'M': it has none"),
        ("hnsw:m=4", "no parameter 'm': it has M, efConstruction"),
        ("ivfpq:nlist", "'nlist' is no parameter of ivfpq: write NAME=VALUE"),
        ("ivfpq:nlist=0", "nlist is '0': give a whole number"),
        ("ivfpq:nlist=4:nlist=5", "'nlist' twice"),
        ("ivfpq:nprobe=1:nprobe=2", "'nprobe' twice"),
        ("ivfpq:nbits=13", "nbits is 13: give at most 12"),
        ("hnsw:storage=fp8", "unknown storage 'fp8'"),
        ("ivfpq:nprobe=1//2", "nprobe is ''"),
    ],
)
def test_mistakes_of_writing(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        parse_index(text)


@given(st.sampled_from(sorted(KINDS)), st.integers(2, 3_000_000), st.integers(1, 4096), st.integers(1, 500))
def test_defaults_fit_every_database(kind: str, rows: int, dimension: int, k: int) -> None:
    wanted = parse_index(kind)
    plan = plan_index(wanted, rows, dimension)
    assert {*plan.parameters, plan.searched_by} - {None} == set(KINDS[kind].parameters)
    sample = sample_rows(rows, dimension)
    assert 1 <= sample <= rows
    assert sample * dimension * 4 <= max(SAMPLE_BYTES, 4 * dimension)
    efforts = efforts_to_try(wanted, plan, rows, k)
    assert list(efforts) == sorted(set(efforts), key=lambda effort: effort or 0)
    if kind == "ivfpq":
        nlist, m, nbits = (int(plan.parameters[name]) for name in ("nlist", "m", "nbits"))
        assert dimension % m == 0
        assert nlist <= sample
        assert 2**nbits <= sample
        assert max(efforts) <= nlist  # type: ignore[type-var]
    if kind == "hnsw":
        assert all(min(k, rows) <= int(effort or 0) <= rows for effort in efforts)


def test_parameters_that_do_not_fit() -> None:
    with pytest.raises(UserError, match="m is 5, but 16 dimensions cannot be cut into 5"):
        plan_index(parse_index("ivfpq:m=5"), 1000, 16)
    with pytest.raises(UserError, match="nlist is 2000: it needs 2000 rows to train on, and there are 1000"):
        plan_index(parse_index("ivfpq:nlist=2000"), 1000, 16)
    with pytest.raises(UserError, match="nbits is 11: it needs 2048 rows"):
        plan_index(parse_index("ivfpq:nbits=11"), 1000, 16)


def test_given_values_are_kept() -> None:
    plan = plan_index(parse_index("hnsw:M=5:efSearch=7/9"), 1000, 16)
    assert plan.parameters == {"M": 5, "efConstruction": 40, "storage": "sq8"}
    assert plan.effort == 9
    plan = plan_index(parse_index("ivfpq:nlist=32"), 1000, 16)
    assert (plan.parameters["nlist"], plan.effort) == (32, 2)
    assert efforts_to_try(parse_index("ivfpq:nprobe=2/999"), plan, 1000, 10) == [2, 32]
