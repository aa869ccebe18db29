"""The rank of every labelled image: looked up in a ranking, or counted without sorting."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from superglobal_core.errors import UserError, name_list
from superglobal_core.evaluation.average_precision import NOT_RETRIEVED

# Columns counted at a time: 256 kB of float32, which stays in a core's own cache.
COLUMNS = 65536
# Bins of a query's scores for each of its labelled images: many more, so that few scores lie beside one. The least
# and the most bins in all: they cost time, too.
BINS_EACH, LEAST_BINS, MOST_BINS = 64, 1024, 16384


class LabelledQuery(Protocol):
    """What the evaluation needs of a query: its labelled images as database indices."""

    @property
    def easy(self) -> Sequence[int]: ...
    @property
    def hard(self) -> Sequence[int]: ...
    @property
    def junk(self) -> Sequence[int]: ...


@dataclasses.dataclass(frozen=True)
class LabelledRanks:
    """The zero-based rank of each labelled image of each query, as three arrays of one length.

    query: int64, index of the query; image: int64, index in the ground truth's list; rank: int64,
    in the whole ranking, ignored images included; `NOT_RETRIEVED` for an image it does not hold.
    """

    query: np.ndarray
    image: np.ndarray
    rank: np.ndarray

    def of(self, query: int, images: Sequence[int]) -> np.ndarray:
        """Return the ranks of some labelled images of one query, in their order."""
        mine = self.query == query
        known, ranks = self.image[mine], self.rank[mine]
        order = np.argsort(known)
        wanted = np.asarray(images, np.int64)
        places = np.searchsorted(known, wanted, sorter=order)
        if len(wanted) and (places.max() >= len(known) or (known[order[places]] != wanted).any()):
            raise UserError(
                "the ranks were counted for another ground truth: they lack labelled images of query "
                f"{query}; search again with this --groundtruth"
            )
        return ranks[order[places]]


def labelled_pairs(queries: Sequence[LabelledQuery]) -> tuple[np.ndarray, np.ndarray]:
    """List all (query, labelled image) pairs as two int64 arrays."""
    images = [[*query.easy, *query.hard, *query.junk] for query in queries]
    return (
        np.repeat(np.arange(len(images), dtype=np.int64), [len(row) for row in images]),
        np.array([image for row in images for image in row], dtype=np.int64),
    )


class RankCounter:
    """Count the ranks of chosen items in a score matrix that comes in pieces of columns.

    The rank is the number of items that score higher, or equally with a smaller index: exactly
    the place in a descending sort with ties by ascending index. The scores between a query's
    lowest and highest item are divided into thousands of bins: counting a bin's scores is enough
    where it holds no item, and the few scores in the others are compared one by one. That costs a
    small part of sorting the indices of a whole row.

    query, item: int64 (L,), what to count; scores: (L,), the items' own scores, which must be the
    very numbers that the pieces hold. Pieces may come in any order, each column once.

    >>> counter = RankCounter(np.array([0, 0]), np.array([1, 2]), np.array([0.5, 0.9]))
    >>> counter.add(np.array([[0.5, 0.5]]), start=0)
    >>> counter.add(np.array([[0.9]]), start=2)
    >>> counter.ranks
    array([2, 0])
    """

    def __init__(self, query: np.ndarray, item: np.ndarray, scores: np.ndarray) -> None:
        self._order = np.argsort(query, kind="stable")
        self._item, self._scores = item[self._order], scores[self._order]
        self._bounds = np.searchsorted(query[self._order], np.arange(query.max(initial=-1) + 2))
        self._counts = np.zeros(len(query), np.int64)
        self._bins = [
            _Bins(self._scores[start:stop]) if start < stop else None
            for start, stop in itertools.pairwise(self._bounds.tolist())
        ]

    @property
    def ranks(self) -> np.ndarray:
        """The ranks counted so far, int64 (L,), in the order of the items given."""
        ranks = np.empty_like(self._counts)
        ranks[self._order] = self._counts
        return ranks

    def add(self, scores: np.ndarray, start: int) -> None:
        """Count a piece: scores (Q, n) of the columns start ... start + n - 1.

        Raises:
            UserError: when a score is NaN, which has no place in an order.
        """
        # One after the other: threads would mostly wait for the interpreter's lock, and are slower by measure.
        for row in range(min(len(scores), len(self._bins))):
            self._add_row(row, scores[row], start)

    def _add_row(self, row: int, scores: np.ndarray, start: int) -> None:
        mine, bins = slice(self._bounds[row], self._bounds[row + 1]), self._bins[row]
        items, own, counts = self._item[mine], self._scores[mine], self._counts[mine]
        for offset in range(0, len(scores), COLUMNS):
            piece = scores[offset : offset + COLUMNS]
            first, last = start + offset, start + offset + len(piece)
            if np.isnan(piece.min()):
                raise UserError(
                    f"a score of query {row} is NaN (columns {first} to {last - 1}): mend the input"
                )
            if bins is None:
                continue
            higher, higher_or_equal = bins.count(piece)
            # Equal scores of columns before the item count, those after it do not.
            counts += np.where(items >= last, higher_or_equal, higher)
            for index in np.flatnonzero((items >= first) & (items < last) & (higher_or_equal > higher + 1)):
                counts[index] += np.count_nonzero(piece[: items[index] - first] == own[index])


class _Bins:
    """Bins between the lowest and the highest of some scores, to count how many of others lie above each."""

    def __init__(self, own: np.ndarray) -> None:
        # Any function that never falls as scores rise will do, so rounding costs time at worst, never a count.
        self._type = np.float32 if own.dtype in (np.float16, np.float32) else np.float64
        self._own = own
        self._count = min(max(BINS_EACH * len(own), LEAST_BINS), MOST_BINS)
        with np.errstate(all="ignore"):
            self._low = own.min().astype(self._type)
            width = own.max().astype(self._type) - self._low
            scale = self._type(self._count - 3) / width
        # Where all are equal or too far apart to be divided, all scores between them are compared one by one.
        self._scale = scale if np.isfinite(scale) and width > 0 else self._type(0)
        self._bin = self._bins_of(own)
        self._holds_item = np.zeros(self._count, bool)
        self._holds_item[self._bin] = True
        self._with_items = np.flatnonzero(self._holds_item)

    def _bins_of(self, scores: np.ndarray) -> np.ndarray:
        if self._scale == 0:
            return np.ones(len(scores), np.int64)
        with np.errstate(over="ignore"):
            place = np.subtract(scores, self._low, dtype=self._type)
            np.multiply(place, self._scale, out=place)
        # 0 and the last one are for what is below and above all.
        np.add(place, 1, out=place)
        np.clip(place, 0, self._count - 1, out=place)
        return place.astype(np.int64)

    def count(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Count of each of the own scores how many others are higher, and how many higher or equal."""
        bins = self._bins_of(scores)
        counts = np.bincount(bins, minlength=self._count)
        near = np.sort(scores[self._holds_item[bins]])
        counts[self._with_items] = 0
        above = len(scores) - len(near) - np.cumsum(counts)[self._bin]
        higher = above + len(near) - np.searchsorted(near, self._own, side="right")
        return higher, above + len(near) - np.searchsorted(near, self._own, side="left")


def ranks_from_scores(scores: np.ndarray, queries: Sequence[LabelledQuery]) -> LabelledRanks:
    """Count the labelled images' ranks from a score matrix (queries x database, highest first).

    `scores` may be memory-mapped: it is read in pieces of columns.

    Raises:
        UserError: when the shape does not fit the ground truth or a score is NaN.
    """
    _check_rows(scores, queries, "scores")
    if scores.dtype.kind not in "iuf":
        raise UserError(f"the scores hold {scores.dtype} values: numbers are needed, higher is better")
    query, image = labelled_pairs(queries)
    if len(image) and image.max() >= scores.shape[1]:
        raise UserError(
            f"the scores have {scores.shape[1]} columns, but image {image.max()} is labelled: one column an image"
        )
    counter = RankCounter(query, image, np.asarray(scores[query, image]))
    width = COLUMNS * 4
    for start in range(0, scores.shape[1], width):
        counter.add(np.asarray(scores[:, start : start + width]), start)
    return LabelledRanks(query, image, counter.ranks)


def ranks_from_ranking(ranking: np.ndarray, queries: Sequence[LabelledQuery]) -> LabelledRanks:
    """Look up the labelled images' ranks in a ranking (queries x places, best first).

    A ranking may be shorter than the database; -1 marks an empty place. Labelled images that it
    does not hold count as not retrieved.

    Raises:
        UserError: when the shape does not fit, or a row has no whole numbers or one twice.
    """
    _check_rows(ranking, queries, "ranking")
    if ranking.shape[1] == 0:
        raise UserError("the ranking has no places: give at least one place a query")
    if not np.issubdtype(ranking.dtype, np.integer):
        raise UserError(f"the ranking holds {ranking.dtype} values: it must hold database indices (integers)")
    query, image = labelled_pairs(queries)
    rank = np.full(len(query), NOT_RETRIEVED, np.int64)
    bounds = np.searchsorted(query, np.arange(len(queries) + 1))
    for row in range(len(queries)):
        entries = np.asarray(ranking[row], np.int64)
        if len(entries) and entries.min() < -1:
            raise UserError(
                f"row {row} of the ranking holds {entries.min()}: indices begin at 0 (-1 marks an empty place)"
            )
        order = np.argsort(entries, kind="stable")
        ascending = entries[order]
        repeated = ascending[1:][(ascending[1:] == ascending[:-1]) & (ascending[1:] >= 0)]
        if len(repeated):
            raise UserError(
                f"row {row} of the ranking names an image twice: {name_list(np.unique(repeated))}"
            )
        mine = slice(bounds[row], bounds[row + 1])
        places = np.searchsorted(ascending, image[mine])
        found = places < len(ascending)
        found[found] = ascending[places[found]] == image[mine][found]
        rank[mine][found] = order[places[found]]
    return LabelledRanks(query, image, rank)


def move_to_front(
    before: LabelledRanks,
    rows: np.ndarray,
    rankings: Iterable[np.ndarray],
    places: Sequence[np.ndarray] | None = None,
) -> LabelledRanks:
    """Update ranks after some of each query's first places were put in front, in a new order.

    rows: int64 (L,), the database row of each labelled image (-1 where there is none);
    rankings: one array of database rows a query, in their new order; places: the old places that
    they were taken from, ascending; by default the first ones.
    """
    rank = before.rank.copy()
    for query, ranking in enumerate(rankings):
        mine = np.flatnonzero(before.query == query)
        order = np.argsort(ranking)
        found = np.searchsorted(ranking, rows[mine], sorter=order)
        inside = found < len(ranking)
        inside[inside] = ranking[order[found[inside]]] == rows[mine][inside]
        rank[mine[inside]] = order[found[inside]]
        if places is not None:
            # Whatever stood before an image that was taken to the front now stands one place later for it.
            others = mine[~inside & (before.rank[mine] != NOT_RETRIEVED)]
            rank[others] += len(ranking) - np.searchsorted(places[query], before.rank[others])
    return LabelledRanks(before.query, before.image, rank)


def _check_rows(matrix: np.ndarray, queries: Sequence[LabelledQuery], what: str) -> None:
    if matrix.ndim != 2 or len(matrix) != len(queries):
        turned = matrix.ndim == 2 and matrix.shape[1] == len(queries)
        advice = "transpose it: one row a query" if turned else "give one row a query of this ground truth"
        raise UserError(
            f"the {what} has the shape {' x '.join(map(str, matrix.shape))}, but the ground truth has "
            f"{len(queries)} queries: {advice}"
        )
