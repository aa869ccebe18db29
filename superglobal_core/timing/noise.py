"""The clock's own noise: the same work timed against itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from superglobal_core.errors import UserError
from superglobal_core.timing.statistics import Interval, deviation, percent, speedup

_AGAIN = " (again)"


class Noise(BaseModel):
    """What the same work differs from itself by, when timed under two names in the same run.

    relative: the noise as a fraction of 1: the farther end of the interval from 1, faster and slower
    alike; None where there is no interval. scope: what the clock enclosed, where that was said.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    work: str
    ratio: float
    interval: Interval | None
    relative: float | None
    scope: str | None = None

    @property
    def sentence(self) -> str:
        """What to print above every speedup measured in the same run."""
        if self.interval is None or self.relative is None:
            return "A/A: one sample of the same work against itself says nothing of the clock's noise"
        return (
            f"A/A: the same work, timed twice, is {self.ratio:.3g} times as fast as itself "
            f"({percent(self.interval.level)} interval {self.interval.low:.3g} to {self.interval.high:.3g}): "
            f"speedups below {1 + self.relative:.3g}x, either way, are reported as none"
        )


def against_itself(work: Mapping[str, Callable[[], Any]], name: str) -> dict[str, Callable[[], Any]]:
    """Return the works to time with `name` a second time, at the end of each round.

    For `measure`'s preparations too, where that work has one.

    Raises:
        UserError: where there is no such work.

    >>> list(against_itself({"a": print, "b": print}, "a"))
    ['a', 'b', 'a (again)']
    """
    if name not in work:
        raise UserError(f"cannot time '{name}' against itself: it is not among what is timed")
    return {**work, name + _AGAIN: work[name]}


def noise_of(
    samples: dict[str, list[float]], name: str, seed: int = 0
) -> tuple[Noise, dict[str, list[float]]]:
    """Split what `measure(against_itself(work, name), ...)` returned into the noise and the rest.

    Independent resampling, as in
    `speedup`: the noise is on the same scale as the intervals it is compared to.

    >>> noise, rest = noise_of({"a": [1.0, 1.0], "b": [2.0, 2.0], "a (again)": [1.0, 1.0]}, "a")
    >>> noise.relative, list(rest)
    (0.0, ['a', 'b'])
    """
    rest = {key: taken for key, taken in samples.items() if key != name + _AGAIN}
    if name not in rest or len(rest) == len(samples):
        raise UserError(f"'{name}' was not timed against itself: the clock's noise is not known")
    return compare(name, samples[name], samples[name + _AGAIN], seed), rest


def compare(work: str, first: Sequence[float], second: Sequence[float], seed: int = 0) -> Noise:
    """Return the noise from two series of samples (seconds) of the same work."""
    same = speedup(first, second, seed=seed)
    ends = None if same.interval is None else (same.interval.low, same.interval.high)
    relative = None if ends is None else max(deviation(end) for end in ends)
    return Noise(work=work, ratio=same.ratio, interval=same.interval, relative=relative)
