"""What stored figures have in common: protocols, fractions, and a mAP that is the mean of its APs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, get_args

import numpy as np
from pydantic import Field

Protocol = Literal["easy", "medium", "hard"]
PROTOCOL_NAMES: tuple[Protocol, ...] = get_args(Protocol)
Fraction = Annotated[float, Field(ge=0, le=1)]

# Of fractions: far above what rounding does, far below what a table shows.
TOLERANCE = 1e-9


def mean(values: Sequence[float | None]) -> float | None:
    """Return the mean AP of the queries that have one; None where none has.

    >>> mean([0.5, None, 1.0]), mean([None])
    (0.75, None)
    """
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def check_mean(stored: float | None, values: Sequence[float | None], what: str = "the map") -> None:
    """Make sure that a stored mAP is the mean of its APs.

    Raises:
        ValueError: when it is not, with both.

    >>> check_mean(0.75, [0.5, None, 1.0])
    """
    found = mean(values)
    absent = stored is None, found is None
    if any(absent) != all(absent) or (not any(absent) and abs(stored - found) > TOLERANCE):  # type: ignore[operator]
        raise ValueError(
            f"{what} is {_shown(stored)}, but the mean of its average precisions is {_shown(found)}"
        )


def _shown(value: float | None) -> str:
    return "none" if value is None else repr(value)
