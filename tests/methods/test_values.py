"""The values that conformance tries are at the ends of a parameter's range, and just beyond."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from superglobal_core.methods.conformance.values import bad_values, end_values
from superglobal_core.methods.folder import Parameter

LIMITS = st.none() | st.integers(-9, 9) | st.floats(-9, 9)


@given(
    st.integers(-9, 9) | st.floats(-9, 9) | st.none() | st.booleans(),
    st.fixed_dictionaries(dict.fromkeys(("least", "most", "above", "below"), LIMITS)),
)
def test_good_ends_and_bad_neighbours(default: float | None, limits: dict[str, float | None]) -> None:
    try:
        parameter = Parameter(default=default, **limits)
    except ValidationError:
        assume(False)
    assume(parameter.complaint(default) is None)
    assert all(parameter.complaint(value) is None for value in end_values(parameter))
    bad = bad_values(parameter)
    assert all(parameter.complaint(value) is not None for value in bad)
    assert len(bad) >= 2
    if not isinstance(default, bool):
        assert len(bad) - 3 <= sum(limit is not None for limit in limits.values())


@pytest.mark.parametrize(
    ("limits", "ends", "beyond"),
    [
        ({"least": 0}, [0.0], [-1e-6]),
        ({"most": 4}, [4.0], [4 + 4e-6]),
        ({"above": 0, "below": 1}, [1e-6, 1 - 1e-6], [0.0, 1.0]),
        ({}, [], []),
    ],
)
def test_a_numbers_ends(limits: dict[str, float], ends: list[float], beyond: list[float]) -> None:
    parameter = Parameter(default=0.5, **limits)
    assert end_values(parameter) == ends
    assert bad_values(parameter)[: len(beyond)] == beyond


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"above": 0}, "it must be a number above 0"),
        ({"least": 0, "below": 1}, "it must be a number from 0 on, below 1"),
        ({"most": 1}, "it must be a number at most 1"),
        ({"least": 0, "most": 1}, "it must be a number from 0 to 1"),
    ],
)
def test_what_is_wanted_is_said(limits: dict[str, float], sentence: str) -> None:
    parameter = Parameter(default=0.5, **limits)
    for value in ("x", True, None, float("nan"), float("inf")):
        assert parameter.complaint(value) == sentence
    # A number that is not used unless given may also be left unsaid.
    assert Parameter(default=None, **limits).complaint(None) is None
