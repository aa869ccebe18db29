"""Which candidates of a search are reranked: the raw best, or the best without a protocol's junk."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np

from superglobal_core.data.groundtruth import GroundTruth
from superglobal_core.errors import UserError
from superglobal_core.evaluation.protocol import PROTOCOLS
from superglobal_core.evaluation.ranks import LabelledRanks
from superglobal_core.search.rankings import Ranking

Junk = Literal["keep", "remove"]


@dataclasses.dataclass(frozen=True)
class Shortlist:
    """The candidates of each query: their places in the first stage's ranking and their database rows.

    places: (Q, M), ascending; indices, scores: (Q, M), -1 and -inf where a query has fewer candidates.
    """

    places: np.ndarray
    indices: np.ndarray
    scores: np.ndarray

    @classmethod
    def first(cls, ranking: Ranking, count: int) -> Shortlist:
        """Return the first `count` places as they are: SuperGlobal's protocol."""
        head = min(count, ranking.indices.shape[1])
        places = np.broadcast_to(np.arange(head), (len(ranking.indices), head))
        return cls(places, ranking.indices[:, :head].astype(np.int64), ranking.scores[:, :head])

    @classmethod
    def without(cls, ranking: Ranking, ignored: np.ndarray, count: int, complete: bool) -> Shortlist:
        """Return the first `count` places whose images are not ignored: CVNet's protocol.

        ignored: (Q, k) bool, which places to pass over; complete: the ranking holds the whole database.

        Raises:
            UserError: when the ranking is too short for that many.
        """
        usable = (ranking.indices >= 0) & ~ignored
        found = usable.sum(axis=1)
        if not complete and (found < count).any():
            query = int(np.argmin(found))
            raise UserError(
                f"of the {ranking.indices.shape[1]} places of query {query} only {found[query]} are left without "
                f"the junk, fewer than the shortlist of {count}: search again with a larger --k, or with --spare"
            )
        width = min(count, ranking.indices.shape[1])
        # Stable: the usable places first, each kind in its order.
        places = np.argsort(~usable, axis=1, kind="stable")[:, :width]
        kept = np.take_along_axis(usable, places, axis=1)
        indices = np.take_along_axis(ranking.indices, places, axis=1).astype(np.int64)
        scores = np.take_along_axis(ranking.scores, places, axis=1)
        return cls(places, np.where(kept, indices, -1), np.where(kept, scores, -np.inf))

    def taken(self) -> list[np.ndarray]:
        """Return the places of each query's candidates, without the empty ones."""
        return [places[rows >= 0] for places, rows in zip(self.places, self.indices, strict=True)]


def ignored_places(ranking: Ranking, truth: GroundTruth, protocol: str) -> np.ndarray:
    """Tell which places of a ranking hold an image that a protocol ignores: (Q, k) bool."""
    labelled, rows = _labelled(ranking)
    ignored = np.zeros(ranking.indices.shape, bool)
    for number, query in enumerate(truth.queries):
        images = [image for label in PROTOCOLS[protocol][1] for image in getattr(query, label)]
        mine = labelled.query == number
        junk = rows[mine][np.isin(labelled.image[mine], images)]
        ignored[number] = np.isin(ranking.indices[number], junk[junk >= 0])
    return ignored


def most_labelled(truth: GroundTruth) -> int:
    """Return the largest number of labelled images of a query: how many places junk can take at most."""
    return max(len(query.easy) + len(query.hard) + len(query.junk) for query in truth.queries)


def _labelled(ranking: Ranking) -> tuple[LabelledRanks, np.ndarray]:
    if ranking.labelled is None or ranking.rows is None:
        raise UserError("junk can be taken out only with a --groundtruth: give it to this step")
    return ranking.labelled, ranking.rows
