"""What stands first in rankings: each place's image, its label, and its place before the reranking."""

from __future__ import annotations

import dataclasses

import numpy as np

from superglobal_core.data.groundtruth import LABELS, GroundTruth
from superglobal_core.search.rankings import Ranking

PLACES = 10  # results shown of each query

# kind of place: (frame's class, symbol, words)
KINDS = {
    "easy": ("positive", "\N{CHECK MARK}", "positive (easy)"),
    "hard": ("positive", "\N{CHECK MARK}", "positive (hard)"),
    "junk": ("junk", "\N{EN DASH}", "junk"),
    "negative": ("negative", "\N{MULTIPLICATION X}", "negative"),
}


@dataclasses.dataclass(frozen=True)
class Place:
    """One result: its place (from 1), name, kind (a key of KINDS) and place before the reranking."""

    number: int
    name: str
    kind: str
    before: int | None

    @property
    def frame(self) -> str:
        return KINDS[self.kind][0]

    @property
    def symbol(self) -> str:
        return KINDS[self.kind][1]

    @property
    def words(self) -> str:
        return KINDS[self.kind][2]


def fits(ranking: Ranking, truth: GroundTruth) -> bool:
    """Tell whether a ranking is one of the ground truth's queries."""
    if ranking.indices.ndim != 2:
        return False
    if ranking.labelled is not None or ranking.query_ids is None:
        return len(ranking.indices) == len(truth.queries)
    return set(truth.query_names) <= set(ranking.query_ids)


def first_places(
    ranking: Ranking, truth: GroundTruth, before: Ranking | None = None
) -> list[tuple[Place, ...]]:
    """Return the first `PLACES` results of every query, in the ground truth's order.

    before: the ranking that was reranked, for where each stood; both must fit the ground truth.
    """
    return [_places(ranking, truth, before, query) for query in range(len(truth.queries))]


def _places(ranking: Ranking, truth: GroundTruth, before: Ranking | None, query: int) -> tuple[Place, ...]:
    name = truth.query_names[query]
    row = _row_of(ranking, name, query)
    earlier = before.indices[_row_of(before, name, query)] if before is not None else np.empty(0, np.int64)
    kind_of_row, kind_of_name = _kinds(ranking, truth, query)
    places = []
    for number, index in enumerate(ranking.indices[row, :PLACES].tolist(), 1):
        if index < 0:
            break
        image = _name(ranking, truth, row, number - 1, index)
        kind = kind_of_name.get(image) if kind_of_row is None else kind_of_row.get(index)
        was = np.flatnonzero(earlier == index)
        places.append(Place(number, image, kind or "negative", int(was[0]) + 1 if len(was) else None))
    return tuple(places)


def _name(ranking: Ranking, truth: GroundTruth, row: int, place: int, index: int) -> str:
    if ranking.names is not None and place < ranking.names.shape[1]:
        return str(ranking.names[row, place])
    if ranking.database_ids is not None:
        return ranking.database_ids[index]
    # Rows without names are in the ground truth's order, distractors behind them.
    names = truth.image_names
    return names[index] if index < len(names) else f"distractor {index - len(names)}"


def _kinds(ranking: Ranking, truth: GroundTruth, query: int) -> tuple[dict[int, str] | None, dict[str, str]]:
    """Return the kind of a query's labelled images, by database row (None when unknown) and by name."""
    labels = truth.queries[query]
    kind_of_image = {image: kind for kind in LABELS for image in getattr(labels, kind)}
    by_name = {truth.image_names[image]: kind for image, kind in kind_of_image.items()}
    if ranking.labelled is None or ranking.rows is None:
        return None, by_name
    mine = np.flatnonzero(ranking.labelled.query == query)
    pairs = zip(ranking.rows[mine].tolist(), ranking.labelled.image[mine].tolist(), strict=True)
    return {row: kind_of_image[image] for row, image in pairs if row >= 0 and image in kind_of_image}, by_name


def _row_of(ranking: Ranking, name: str, query: int) -> int:
    # A search with a ground truth follows its queries; one without has its own order, with names.
    if ranking.labelled is not None or ranking.query_ids is None:
        return query
    return list(ranking.query_ids).index(name)
