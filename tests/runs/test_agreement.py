"""How many digits agree is never overstated."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from superglobal_core.runs.agreement import ABSENT, DIFFERS, IDENTICAL, agreement

FRACTIONS = st.floats(0, 1)


@given(FRACTIONS, st.one_of(FRACTIONS, st.floats(-1e-5, 1e-5)))
def test_it_holds_and_is_the_most_that_holds(first: float, second: float) -> None:
    second = first + second if abs(second) <= 1e-5 else second
    found, apart = agreement(first, second), abs(first - second)
    assert found == agreement(second, first)
    if found == IDENTICAL:
        assert first == second
    elif found == DIFFERS:
        assert apart > 0.9999e-4
    else:
        digits = int(found.removeprefix("to 1e-"))
        assert apart <= 10.0**-digits * (1 + 1e-9)
        assert digits == 16 or apart > 10.0 ** -(digits + 1) * (1 - 1e-9)


def test_undefined_figures() -> None:
    assert agreement(None, None) == IDENTICAL
    assert agreement(None, 0.5) == agreement(0.5, None) == ABSENT
