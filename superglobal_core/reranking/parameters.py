"""Checks of a method's parameters, told in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from superglobal_core.errors import UserError, unknown_name

# What OpenCV and faiss hold in a C int.
MOST_INT = 2**31 - 1


def whole_number(name: str, value: object, least: int, most: int | None = None) -> int:
    """Return a whole number that is at least `least` and, where there is one, at most `most`.

    Raises:
        UserError: naming parameter, value and what is allowed.

    >>> whole_number("neighbours", 9, least=0)
    9
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(f"{name} is {value!r}: it must be a whole number, at least {least}")
    if most is not None and value > most:
        raise UserError(f"{name} is {value!r}: it must be a whole number, at most {most}")
    return value


def number(
    name: str, value: object, least: float, most: float | None = None, *, open_end: bool = False
) -> float:
    """Return a finite number from `least` to `most` (below it where the end is open).

    Raises:
        UserError: naming parameter, value and what is allowed.

    >>> number("alpha", 0.99, least=0, most=1, open_end=True)
    0.99
    """
    good = (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= least
    )
    if good and most is not None:
        good = value < most if open_end else value <= most  # type: ignore[operator]
    if not good:
        limits = f"from {least:g} on" if most is None else f"from {least:g} to {'below ' * open_end}{most:g}"
        raise UserError(f"{name} is {value}: it must be a number {limits}")
    return value  # type: ignore[return-value]


def switch(name: str, value: object) -> bool:
    """Return a switch, which is true or false.

    Raises:
        UserError: for any other value.

    >>> switch("query_neighbour", True)
    True
    """
    if not isinstance(value, bool):
        raise UserError(f"{name} is {value!r}: it must be true or false")
    return value


def choice(name: str, value: object, allowed: Sequence[str]) -> str:
    """Return one of the words allowed.

    Raises:
        UserError: for any other value, naming those allowed.

    >>> choice("expand_against", "refined", ["refined", "original"])
    'refined'
    """
    if value not in allowed:
        raise unknown_name(name, str(value), allowed)
    return str(value)
