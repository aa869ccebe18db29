"""Work that stands for a larger one, because the whole would take too long."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from superglobal_core.errors import UserError


@dataclasses.dataclass(frozen=True)
class Part:
    """`pairs` of the `of` pairs of a shortlist were really worked on; times are scaled up to all.

    The scaling assumes that the cost is proportional to the number of pairs: what is done once for a
    whole shortlist is counted too often. So the figure never goes without its sentence.

    Raises:
        UserError: for a part that is empty or larger than the whole.

    >>> part = Part(pairs=20, of=400)
    >>> part.scale, part.sentence, part.whole([0.5, 0.75])
    (20.0, 'scaled from 20 pairs', [10.0, 15.0])
    """

    pairs: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.pairs <= self.of:
            raise UserError(f"{self.pairs} of {self.of} pairs cannot be timed: take from 1 to {self.of}")

    @property
    def scale(self) -> float:
        """What a measured time is multiplied with; 1 when the part is the whole."""
        return self.of / self.pairs

    @property
    def sentence(self) -> str | None:
        """What is to stand beside every figure made of it; None when the part is the whole."""
        if self.pairs == self.of:
            return None
        return f"scaled from {self.pairs} pair{'' if self.pairs == 1 else 's'}"

    def whole(self, samples: Iterable[float]) -> list[float]:
        """Scale measured times (seconds) up to what the whole would have taken."""
        return [sample * self.scale for sample in samples]
