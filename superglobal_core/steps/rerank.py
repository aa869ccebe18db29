"""The step `rerank`: a shortlist of each query into a new order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, get_args

import numpy as np

from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.evaluation.protocol import PROTOCOLS
from superglobal_core.evaluation.ranks import LabelledRanks, move_to_front
from superglobal_core.features.store import FeatureStore, open_queries_and_database
from superglobal_core.files import sha256_of
from superglobal_core.results import Input, check_outputs, record_path, recorded
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.index_finder import IndexFinder
from superglobal_core.steps.inputs import descriptor_inputs, given_files
from superglobal_core.steps.search import facts_of, query_rows, rank
from superglobal_core.steps.shortlists import Junk, Shortlist, ignored_places, most_labelled

if TYPE_CHECKING:  # torch takes seconds to load, which steps that only read rankings need not wait for
    from superglobal_core.reranking.base import Reranker


class Orders(Protocol):
    """What puts shortlists into a new order: (Q, M) rows and first-stage scores to order and scores."""

    @property
    def name(self) -> str: ...
    @property
    def shortlist(self) -> int: ...
    @property
    def parameters(self) -> dict[str, Any]: ...
    def __call__(
        self, shortlist: np.ndarray, similarities: np.ndarray, /
    ) -> tuple[np.ndarray, np.ndarray]: ...


class GlobalOrders:
    """A reranker by global descriptors with its inputs: queries (Q, D) and a database."""

    def __init__(self, reranker: Reranker, queries: np.ndarray, database: FeatureStore, device: str) -> None:
        self.name, self.shortlist, self.parameters = reranker.name, reranker.shortlist, reranker.parameters
        self._reranker, self._queries, self._database, self._device = reranker, queries, database, device

    def __call__(self, shortlist: np.ndarray, similarities: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]:
        order, scores = self._reranker(self._queries, self._database, shortlist, device=self._device)
        return np.asarray(order), np.asarray(scores)


#: makes what puts shortlists into a new order, once descriptors and ground truth are open
MakeOrders = Callable[[FeatureStore, FeatureStore, GroundTruth | None], Orders]


def global_orders(reranker: Reranker, device: str) -> MakeOrders:
    """Return what gives a reranker by global descriptors its inputs."""

    def make(query_store: FeatureStore, database: FeatureStore, truth: GroundTruth | None) -> Orders:
        matrix = query_store.all_rows() if truth is None else query_store[query_rows(query_store, truth)]
        return GlobalOrders(reranker, matrix, database, device)

    return make


def rerank_step(
    queries: str | Path,
    databases: Sequence[str | Path],
    reranker: Reranker | MakeOrders,
    out: str | Path,
    *,
    search: str | Path | None = None,
    groundtruth: str | Path | None = None,
    top: int | None = None,
    junk: Junk = "keep",
    device: str = "auto",
    shortlist: int | None = None,
    read: Sequence[Input] = (),
    index: str | Path | None = None,
    reconstruct: bool = False,
) -> Ranking:
    """Rerank and write the ranking to `out` (`.npz`), its record beside it.

    search: the ranking of an earlier search of the same descriptors, which gives the shortlist
    (and the labelled images' ranks); without it this step searches first. The result has the
    reranked shortlist and then the first stage's order: of the whole database, or `top` places,
    or what `search` holds.
    reranker: by global descriptors, or what makes one by local features (and `shortlist`, its
    candidates) for the opened descriptors and ground truth.
    junk: whether images that a protocol ignores stay among the candidates (SuperGlobal's protocol)
    or are left out first (CVNet's), for Easy, Medium and Hard apart.
    read: what the reranker itself reads (local features, weights), for the record.
    index: an approximate index of the database, which makes the shortlist where there is no `search` (the result
    then has `top` places, by default the shortlist's); with `reconstruct` candidates' vectors are rebuilt from it
    instead of read from the shards.
    """
    from superglobal_core.reranking.base import Reranker

    if top is not None and top < 1:
        raise UserError(f"--top is {top}: ask for at least one place")
    if junk not in get_args(Junk):
        raise unknown_name("junk", junk, get_args(Junk))
    if junk == "remove" and groundtruth is None:
        raise UserError("--junk remove needs the --groundtruth that says which images are junk")
    if reconstruct and index is None:
        raise UserError("--reconstruct needs the --index that vectors are rebuilt from")
    if index is not None and search is not None and not reconstruct:
        raise UserError("--search gives the shortlist already: leave --index out, or add --reconstruct")
    sources = [queries, *databases, *(path for path in (search, groundtruth, index) if path)]
    check_outputs(out, [*sources, *([record_path(index)] if index else [])])
    candidates = reranker.shortlist if isinstance(reranker, Reranker) else shortlist or 400
    with recorded("rerank", out) as facts:
        query_store, database = open_queries_and_database(queries, databases)
        truth = load_groundtruth(groundtruth) if groundtruth is not None else None
        finder = None if index is None else IndexFinder.open(index, database)
        if search is None:
            spare = most_labelled(truth) if truth is not None and junk == "remove" else 0
            wanted = len(database) if top is None and finder is None else max(top or 0, candidates + spare)
            first = rank(query_store, database, wanted, groundtruth, device, finder)
        else:
            first = load_first(search, query_store, database, candidates, groundtruth)
        make = global_orders(reranker, device) if isinstance(reranker, Reranker) else reranker
        vectors = finder.rebuilt(database) if finder is not None and reconstruct else database
        orders = make(query_store, vectors, truth)
        ranking = rerank(first, orders, truth if junk == "remove" else None, top).named(database.ids)
        if finder is not None and reconstruct:
            ranking.about["protocol"] = ranking.about.get("protocol", {}) | finder.rebuilt_protocol(database)
        ranking.save(out)
        facts.update(facts_of(ranking))
        facts["inputs"] = [
            *given_files(ground_truth=groundtruth, search=search, index=index),
            *descriptor_inputs("queries", [queries], query_store),
            *descriptor_inputs("database", databases, database),
            *read,
        ]
    return ranking


def rerank(first: Ranking, orders: Orders, remove_junk: GroundTruth | None, top: int | None) -> Ranking:
    """Rerank the candidates of a ranking; labelled ranks follow.

    remove_junk: the ground truth whose ignored images are left out of the candidates first.
    """

    def about() -> dict[str, Any]:
        # Asked for afterwards: what a scorer misses may show only in the features it meets.
        return first.about | {"method": orders.name, "parameters": orders.parameters}

    if remove_junk is None:
        chosen = Shortlist.first(first, orders.shortlist)
        order, scores = orders(chosen.indices, chosen.scores)
        done = _reordered(first, chosen, order, scores, top)
        return dataclasses.replace(done, labelled=_moved(first, chosen, order, prefix=True), about=about())
    complete = first.indices.shape[1] >= int(first.about.get("database", 0))
    ranks, done = {}, first
    for protocol in PROTOCOLS:
        ignored = ignored_places(first, remove_junk, protocol)
        chosen = Shortlist.without(first, ignored, orders.shortlist, complete)
        order, scores = orders(chosen.indices, chosen.scores)
        moved = _moved(first, chosen, order, prefix=False)
        assert moved is not None
        ranks[protocol] = moved.rank
        if protocol == "medium":
            done = dataclasses.replace(_reordered(first, chosen, order, scores, top), labelled=moved)
    return dataclasses.replace(done, protocol_ranks=ranks, about=about() | {"shortlist": "junk removed"})


def _reordered(
    first: Ranking, chosen: Shortlist, order: np.ndarray, scores: np.ndarray, top: int | None
) -> Ranking:
    """Put the candidates in their new order in front of the others, which keep theirs."""
    indices, all_scores = first.indices.copy(), first.scores.astype(scores.dtype)
    for query, places in enumerate(chosen.taken()):
        count, last = len(places), int(places[-1]) + 1 if len(places) else 0
        others = np.setdiff1d(np.arange(last), places, assume_unique=True)
        for target, new, old in ((indices, order, first.indices), (all_scores, scores, first.scores)):
            target[query, count:last] = old[query, others]
            target[query, :count] = new[query, :count]
    return dataclasses.replace(first, indices=indices[:, :top], scores=all_scores[:, :top])


def _moved(first: Ranking, chosen: Shortlist, order: np.ndarray, prefix: bool) -> LabelledRanks | None:
    if first.labelled is None or first.rows is None:
        return first.labelled
    taken = chosen.taken()
    rankings = [row[: len(places)] for row, places in zip(order, taken, strict=True)]
    return move_to_front(first.labelled, first.rows, rankings, None if prefix else taken)


def load_first(
    path: str | Path,
    query_store: FeatureStore,
    database: FeatureStore,
    shortlist: int,
    groundtruth: str | Path | None,
) -> Ranking:
    """Read a search of just these descriptors, long enough for a shortlist (UserError otherwise)."""
    first = Ranking.load(path)
    about = first.about
    if about.get("database") != len(database) or about.get("descriptor") != (
        database.descriptor or query_store.descriptor
    ):
        raise UserError(
            f"{path} is a search of other descriptors ({about.get('database')} rows; here {len(database)}): "
            "search again with these --queries and --database"
        )
    digests = (query_store.digest(), database.digest())
    names = first.named(database.ids).names
    renamed = names is not None and first.names is not None and not np.array_equal(names, first.names)
    if renamed or (about.get("queries_digest"), about.get("database_digest")) != digests:
        raise UserError(
            f"{path} is a search of other images, or of these in another order: "
            "search again with these --queries and --database"
        )
    places = first.indices.shape[1]
    if places < min(shortlist, len(database)):
        raise UserError(
            f"{path} holds {places} places a query, fewer than the shortlist of {shortlist}: "
            f"search again with --k {shortlist}"
        )
    stored = about.get("groundtruth_sha256")
    given = sha256_of(groundtruth) if groundtruth is not None else None
    if stored != given:
        raise UserError(
            f"{path} was searched {'with' if stored else 'without'} a --groundtruth: "
            "give the same one to both steps, or neither"
        )
    return first
