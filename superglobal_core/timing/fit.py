"""How time grows with a size (of a shortlist, of a database): the exponent of a power law."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from superglobal_core.errors import UserError
from superglobal_core.timing.statistics import RESAMPLES, Interval, bootstrap_interval, positive


class Growth(BaseModel):
    """Time as `seconds_at_one * size ** exponent`, fitted to the medians of several sizes.

    interval: of the exponent. misfit: the fraction by which the median farthest from the fitted line
    lies off it: near 0 where a power law describes the times, large where it does not.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    exponent: float
    interval: Interval | None
    seconds_at_one: float
    sizes: list[int]
    misfit: float


def fit_growth(samples: Mapping[int, Sequence[float]], seed: int = 0, resamples: int = RESAMPLES) -> Growth:
    """Fit the least-squares line through log median time against log size.

    samples: seconds by size (of a shortlist, of a database), two sizes or more. The interval comes from resampling
    every size's samples by themselves: it tells of the clock, not of whether a line is right; `misfit`
    tells of that, and is 0 by necessity with two sizes.

    Raises:
        UserError: for fewer than two sizes, a size below 1, or samples that are no times.

    >>> growth = fit_growth({100: [0.1, 0.1], 200: [0.4, 0.4], 400: [1.6, 1.6]})
    >>> round(growth.exponent, 6), round(growth.misfit, 6)
    (2.0, 0.0)
    """
    sizes = sorted(samples)
    if len(sizes) < 2 or sizes[0] < 1:
        raise UserError(
            f"the growth of times cannot be fitted to sizes of {sizes or 'no size'}: "
            "time two sizes or more, each of one image or more"
        )
    taken = [positive(samples[size]) for size in sizes]
    x = np.log(np.asarray(sizes, np.float64))
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()

    def slope(*values: np.ndarray, axis: int = -1) -> np.ndarray:
        return sum(w * np.log(np.median(v, axis=axis)) for w, v in zip(weights, values, strict=True))

    y = np.log([float(np.median(values)) for values in taken])
    exponent = float(weights @ y)
    offset = float(y.mean() - exponent * x.mean())
    return Growth(
        exponent=exponent,
        interval=bootstrap_interval(taken, slope, seed=seed, resamples=resamples),
        seconds_at_one=math.exp(offset),
        sizes=sizes,
        misfit=math.expm1(float(np.abs(y - offset - exponent * x).max())),
    )
