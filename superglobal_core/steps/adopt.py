"""The step `adopt`: what a program left, or what was brought along, checked and made a ranking."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.evaluation.alignment import rows_of
from superglobal_core.evaluation.average_precision import NOT_RETRIEVED
from superglobal_core.evaluation.ranks import LabelledRanks
from superglobal_core.features.store import FeatureStore, open_queries_and_database
from superglobal_core.files import load_array, sha256_of
from superglobal_core.reasons import CannotRunError, reason_in
from superglobal_core.results import check_outputs, recorded
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.cannot_run import attempted, own_fault, passed_on
from superglobal_core.steps.hand_over import Stage, database_names
from superglobal_core.steps.inputs import descriptor_inputs, given_files
from superglobal_core.steps.rerank import load_first, rerank
from superglobal_core.steps.search import facts_of


@dataclasses.dataclass(frozen=True)
class Adopted:
    """What is adopted.

    order: the file: `.npy` of integers, queries x places, best first, or `.npz` with `indices`.
    brought: whether its numbers are places in the ground truth's list of images (distractors behind them)
    instead of database rows, as they are where somebody brings them from elsewhere.
    """

    order: str | Path
    method: str
    stage: Stage = "reranker"
    shortlist: int = 400
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    brought: bool = False


class GivenOrder:
    """An order that was made elsewhere, in a reranker's place: it must be one of the shortlist."""

    def __init__(self, adopted: Adopted, order: np.ndarray) -> None:
        self.name, self.shortlist = adopted.method, adopted.shortlist
        self.parameters = {"shortlist": adopted.shortlist, **adopted.parameters}
        self._order = order

    def __call__(self, shortlist: np.ndarray, similarities: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]:
        order = self._order
        if order.shape != shortlist.shape:
            raise CannotRunError(
                f"its order has the shape {order.shape}, but there are {len(shortlist)} queries "
                f"with {shortlist.shape[1]} candidates each"
            )
        wrong = (np.sort(order, axis=1) != np.sort(shortlist, axis=1)).any(axis=1)
        if wrong.any():
            raise CannotRunError(
                f"its order of query {int(np.argmax(wrong))} is none of the shortlist: "
                "each of the shortlist's database rows must be there once"
            )
        return order, _places(order)


def adopt_step(
    adopted: Adopted,
    queries: str | Path,
    databases: Sequence[str | Path],
    out: str | Path,
    *,
    search: str | Path,
    groundtruth: str | Path,
    say_why: bool = False,
) -> Ranking | str:
    """Write the ranking to `out` (`.npz`), its record beside it, as `rerank` does.

    A reranker's order is followed by the first stage's. A search's ranking stands alone: labelled images
    that it does not hold count as not found.

    Returns:
        The ranking, or, with `say_why`, the reason why there is none, which was written in its place.

    Raises:
        UserError: when files are absent, damaged, or do not fit each other; without `say_why` also when
            what was left is no ranking.
    """
    if adopted.stage not in get_args(Stage):
        raise unknown_name("stage", adopted.stage, get_args(Stage))
    check_outputs(out, [adopted.order, queries, *databases, search, groundtruth])
    if say_why and (reason := passed_on("adopt", out, [search, adopted.order], adopted.method)):
        return reason

    def work() -> Ranking:
        if (reason := reason_in(adopted.order)) is not None:
            raise CannotRunError(reason)
        with recorded("adopt", out) as facts:
            query_store, database = open_queries_and_database(queries, databases)
            truth = load_groundtruth(groundtruth)
            needed = adopted.shortlist if adopted.stage == "reranker" else 1
            first = load_first(search, query_store, database, needed, groundtruth)
            order = own_fault(_read, adopted, database, truth)
            if adopted.stage == "reranker":
                ranking = rerank(first, GivenOrder(adopted, order), None, None)
            else:
                ranking = _alone(adopted, order, first, len(database))
            ranking = ranking.named(database.ids)
            ranking.save(out)
            facts.update(facts_of(ranking))
            facts["inputs"] = [
                *given_files(ground_truth=groundtruth, search=search, order=adopted.order),
                *descriptor_inputs("queries", [queries], query_store),
                *descriptor_inputs("database", databases, database),
            ]
        return ranking

    return attempted("adopt", out, adopted.method, work, say_why)


def _read(adopted: Adopted, database: FeatureStore, truth: GroundTruth) -> np.ndarray:
    """Return a file's ranking as database rows (Q, k), int64, rows in the ground truth's order."""
    path, count = Path(adopted.order), len(truth.query_names)
    names: Sequence[str] | None = None
    if path.suffix == ".npz":
        found = Ranking.load(path)
        order, names = found.indices, found.database_ids
        if found.query_ids is not None and order.ndim == 2 and len(found.query_ids) == len(order):
            order = order[rows_of(truth.query_names, found.query_ids, len(order), "set of queries")]
    else:
        order = load_array(path)
    if order.ndim != 2 or not np.issubdtype(order.dtype, np.integer):
        raise UserError(
            f"{path.name} holds {order.dtype} values of the shape {order.shape}: integers are needed, "
            "queries x places, best first (an argsort of scores, not the scores)"
        )
    if len(order) != count:
        raise UserError(f"{path.name} has {len(order)} rows for {count} queries: one row a query is needed")
    if order.shape[1] < 1:
        raise UserError(f"{path.name} holds no places: each query needs at least one (queries x places)")
    rows = np.arange(len(database)) if not adopted.brought else _rows_of_images(database, truth, names)
    if order.size and (order.min() < -1 or order.max() >= len(rows)):
        raise UserError(
            f"{path.name} holds numbers from {order.min()} to {order.max()}, "
            f"but the database has {len(rows)} images, counted from 0"
        )
    # Only now: unsigned numbers beyond int64 would have become others.
    order = order.astype(np.int64)
    _check_empty_places(order, path.name)
    return np.where(order < 0, -1, rows[order])


def _check_empty_places(order: np.ndarray, name: str) -> None:
    wrong = ((order[:, :-1] < 0) & (order[:, 1:] >= 0)).any(axis=1)
    if wrong.any():
        raise UserError(
            f"{name} has -1 between the images of query {int(np.argmax(wrong))}: "
            "-1 says that no image follows, and stands at the end of a row alone"
        )


def _rows_of_images(database: FeatureStore, truth: GroundTruth, names: Sequence[str] | None) -> np.ndarray:
    """Return the database row of each image as somebody else counts: by `names`, or the ground truth's list first."""
    known = database_names(database, truth)
    if names is not None:
        return rows_of(names, known, len(known), "database", database.skipped)
    images = rows_of(truth.image_names, known, len(known), "database", database.skipped)
    others = np.setdiff1d(np.arange(len(database)), images)
    return np.concatenate([images, others])


def _alone(adopted: Adopted, order: np.ndarray, first: Ranking, database: int) -> Ranking:
    assert first.labelled is not None
    assert first.rows is not None
    labelled, rows = first.labelled, first.rows
    ranks = np.full(len(rows), NOT_RETRIEVED, dtype=np.int64)
    for query, places in enumerate(order):
        filled = places[places >= 0]
        if len(np.unique(filled)) != len(filled):
            raise CannotRunError(f"its ranking of query {query} holds an image twice")
        rank_of = np.full(database, NOT_RETRIEVED, dtype=np.int64)
        # Images that were left out of the descriptors leave a gap, which nobody fills.
        rank_of[filled] = np.flatnonzero(places >= 0)
        mine = np.flatnonzero((labelled.query == query) & (rows >= 0))
        ranks[mine] = rank_of[rows[mine]]
    about = first.about | {
        "method": adopted.method,
        "parameters": {"places": int(order.shape[1]), **adopted.parameters},
    }
    if adopted.brought:
        # Nobody knows of what descriptors it was made.
        about["descriptor"] = {"ranking_sha256": sha256_of(adopted.order)}
    scores = np.where(order < 0, -np.inf, _places(order)).astype(np.float32)
    return Ranking(
        order,
        scores,
        about,
        labelled=LabelledRanks(labelled.query, labelled.image, ranks),
        rows=rows,
    )


def _places(order: np.ndarray) -> np.ndarray:
    """Return scores that say no more than the order: the number of places for the first, 1 for the last."""
    scores = np.arange(order.shape[1], 0, -1, dtype=np.float32)
    return np.broadcast_to(scores, order.shape).copy()
