"""What every reranker by local features is: a scorer of image pairs."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from superglobal_core.errors import UserError

# One image's local features as they are stored: arrays by field name.
LocalFeatures = Mapping[str, np.ndarray]


class ManyImages(Protocol):
    """The local features of many images, by row."""

    def __len__(self) -> int: ...
    def __getitem__(self, row: int, /) -> LocalFeatures: ...


class PairScorer(abc.ABC):
    """Score pairs of images by their local features; the higher, the more alike.

    `resident` brings an image's stored features into the form that `score` works on: in memory,
    on the device, whatever can be computed from the image alone done. So the two stand for the
    two things a stopwatch tells apart, and a query's work is done once for all its candidates.
    """

    name: ClassVar[str]
    #: the kind of local features it needs, as `superglobal local` names it
    kind: ClassVar[str]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, for records."""
        return {}

    @property
    def missing(self) -> str | None:
        """What is missing for a meaningful score, for example "weights"; None when nothing is.

        A scorer that lacks its weights works with random ones: its cost is real, its scores are not.
        """
        return None

    def resident(self, features: LocalFeatures) -> Any:
        """Return an image's features ready for `score`."""
        return features

    @abc.abstractmethod
    def score(self, query: Any, candidates: Sequence[Any]) -> np.ndarray:
        """Score a query's candidates: float32 (M,), each in its place, higher is better."""

    def combine(self, similarities: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return final scores (M,) of the first stage's similarities (M,) and the pair scores (M,)."""
        return scores


def refuse_not_finite(descriptors: np.ndarray) -> None:
    """Refuse stored descriptors (n, d) of which not all are numbers (UserError): a match would not show it."""
    if descriptors.dtype.kind == "f" and not np.isfinite(descriptors).all():
        raise UserError("local descriptors hold NaN or infinite values: extract them again")
