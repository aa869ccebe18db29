"""How many digits of two figures agree."""

from __future__ import annotations

import math

IDENTICAL, DIFFERS, ABSENT = "identical", "differs", "in one run only"
# A difference of 0.01 points shows in the tables, which print two digits of a percentage.
PRINTED = 4
# Doubles tell no more digits of a fraction.
MOST = 16


def agreement(first: float | None, second: float | None) -> str:
    """Say how far two fractions agree: identical, to 1e-n (n from 4 on), or differs.

    Two figures that are both undefined agree.

    >>> agreement(0.5, 0.5), agreement(0.5, 0.5 + 3e-9), agreement(0.5, 0.501)
    ('identical', 'to 1e-8', 'differs')
    >>> agreement(0.5, None), agreement(None, None)
    ('in one run only', 'identical')
    """
    if first is None or second is None:
        return IDENTICAL if first is second else ABSENT
    if first == second:
        return IDENTICAL
    digits = min(MOST, math.floor(-math.log10(abs(first - second))))
    return f"to 1e-{digits}" if digits >= PRINTED else DIFFERS
