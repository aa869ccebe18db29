"""The two ways to extract, and the numbers each computes with."""

from __future__ import annotations

from typing import Literal, get_args

from superglobal_core.errors import unknown_name

# `exact`: the published computation. `fast`: as fast as the device can, checked against `exact` in each run.
Mode = Literal["exact", "fast"]
Precision = Literal["float32", "bfloat16", "float16"]

USUAL: dict[Mode, Precision] = {"exact": "float32", "fast": "bfloat16"}


def chosen_precision(mode: Mode, precision: Precision | None = None) -> Precision:
    """Return the precision that was asked for, or the mode's own: float32 in `exact`, bfloat16 in `fast`.

    Raises:
        UserError: for a mode or a precision that is none.

    >>> chosen_precision("fast"), chosen_precision("fast", "float16"), chosen_precision("exact")
    ('bfloat16', 'float16', 'float32')
    """
    if mode not in get_args(Mode):
        raise unknown_name("mode", mode, get_args(Mode))
    if precision is None:
        return USUAL[mode]
    if precision not in get_args(Precision):
        raise unknown_name("precision", precision, get_args(Precision))
    return precision
