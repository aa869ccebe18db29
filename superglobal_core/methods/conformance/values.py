"""Values at the ends of a parameter's range, and just beyond them."""

from __future__ import annotations

import math

from superglobal_core.methods.folder import Parameter, Value

# How far beside an open end the last good value is sought, and beside a closed one the first bad one.
STEP = 1e-6


def end_values(parameter: Parameter) -> list[Value]:
    """Return what a parameter may just be: the ends of its range, or each choice.

    >>> end_values(Parameter(default=0.5, least=0, below=1))
    [0.0, 0.999999]
    >>> end_values(Parameter(default="a", choices=["a", "b"])), end_values(Parameter(default=True))
    (['a', 'b'], [True, False])
    """
    if isinstance(parameter.default, bool):
        return [True, False]
    if isinstance(parameter.default, str):
        return list(parameter.choices or [parameter.default])
    found = [limit for limit in (parameter.least, parameter.most) if limit is not None]
    found += [_beside(parameter, parameter.above, 1)] if parameter.above is not None else []
    found += [_beside(parameter, parameter.below, -1)] if parameter.below is not None else []
    values = [_typed(parameter, value) for value in found]
    # A range may be narrower than the step from an open end, or end between whole numbers.
    return [value for value in values if parameter.complaint(value) is None]


def bad_values(parameter: Parameter) -> list[Value]:
    """Return what a parameter may not be: values just beyond its ends, and of another kind.

    >>> bad_values(Parameter(default=9, least=0))
    [-1, 'x', True, 0.5]
    >>> bad_values(Parameter(default=0.5, least=0, below=1))
    [-1e-06, 1.0, 'x', True, nan]
    """
    if isinstance(parameter.default, bool):
        return ["x", 2]
    if isinstance(parameter.default, str):
        return [7, *(["no such choice"] if parameter.choices else [])]
    found = [_beside(parameter, parameter.least, -1)] if parameter.least is not None else []
    found += [_beside(parameter, parameter.most, 1)] if parameter.most is not None else []
    found += [limit for limit in (parameter.above, parameter.below) if limit is not None]
    other: list[Value] = ["x", True, 0.5 if isinstance(parameter.default, int) else math.nan]
    values = [*(_typed(parameter, value) for value in found), *other]
    return [value for value in values if parameter.complaint(value) is not None]


def _beside(parameter: Parameter, limit: float, side: int) -> float:
    step = 1 if isinstance(parameter.default, int) else STEP * max(1.0, abs(limit))
    return limit + side * step


def _typed(parameter: Parameter, value: float) -> Value:
    return int(value) if isinstance(parameter.default, int) else float(value)
