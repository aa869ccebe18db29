"""How small a difference so many queries can show."""

from __future__ import annotations

import math

from superglobal_core.errors import UserError

LEVEL, POWER = 0.05, 0.8


def smallest_detectable(
    deviation: float, queries: int, *, comparisons: int = 1, level: float = LEVEL, power: float = POWER
) -> float | None:
    """Return the smallest true mean difference that a two-sided paired test finds with this power.

    deviation: standard deviation of the queries' differences, in any unit, which is the result's.
    comparisons: by how many the level is divided: Holm's correction of the smallest p-value, its
    strictest. None for fewer than two queries, which show nothing.

    (t(1 - level / 2) + t(power)) * deviation / sqrt(queries), with n - 1 degrees of freedom.

    Raises:
        UserError: for a negative deviation, no comparison, or a level or power outside 0 to 1.
    Source: Cohen, "Statistical power analysis for the behavioral sciences", 1988, chapter 2, with
    t in place of the normal distribution; Sakai, "Statistical reform in information retrieval?", 2014.

    >>> round(smallest_detectable(deviation=5.0, queries=70), 2)
    1.7
    """
    if not (math.isfinite(deviation) and deviation >= 0):
        raise UserError(f"deviation is {deviation}: a number from 0 on is needed")
    if comparisons < 1:
        raise UserError(f"comparisons is {comparisons}: at least 1 is needed")
    for name, value in (("level", level), ("power", power)):
        if not 0 < value < 1:
            raise UserError(f"{name} is {value}: a number between 0 and 1 is needed")
    if queries < 2:
        return None
    from scipy.stats import t

    quantiles = t.ppf(1 - level / (2 * comparisons), queries - 1) + t.ppf(power, queries - 1)
    return float(quantiles * deviation / math.sqrt(queries))
