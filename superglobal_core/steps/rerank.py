"""The step `rerank`: a shortlist of each query into a new order."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.errors import UserError
from superglobal_core.evaluation.ranks import move_to_front
from superglobal_core.features.store import FeatureStore, open_queries_and_database
from superglobal_core.files import sha256_of
from superglobal_core.reranking.base import Reranker
from superglobal_core.results import check_outputs, recorded
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.search import facts_of, query_rows, rank


def rerank_step(
    queries: str | Path,
    databases: Sequence[str | Path],
    reranker: Reranker,
    out: str | Path,
    *,
    search: str | Path | None = None,
    groundtruth: str | Path | None = None,
    top: int | None = None,
    device: str = "auto",
) -> Ranking:
    """Rerank and write the ranking to `out` (`.npz`), its record beside it.

    search: the ranking of an earlier search of the same descriptors, which gives the shortlist
    (and the labelled images' ranks); without it this step searches first. The result has the
    reranked shortlist and then the first stage's order: of the whole database, or `top` places,
    or what `search` holds.
    """
    if top is not None and top < 1:
        raise UserError(f"--top is {top}: ask for at least one place")
    sources = [queries, *databases, *(path for path in (search, groundtruth) if path)]
    check_outputs(out, sources)
    with recorded("rerank", out) as facts:
        query_store, database = open_queries_and_database(queries, databases)
        if search is None:
            wanted = len(database) if top is None else max(top, reranker.shortlist)
            first = rank(query_store, database, wanted, groundtruth, device)
        else:
            first = _load(search, query_store, database, reranker, groundtruth)
        matrix = query_store.all_rows()
        if groundtruth is not None:
            matrix = query_store[query_rows(query_store, load_groundtruth(groundtruth))]
        ranking = rerank(first, matrix, database, reranker, top, device).named(database.ids)
        ranking.save(out)
        facts.update(facts_of(ranking))
    return ranking


def rerank(
    first: Ranking,
    queries: np.ndarray,
    database: FeatureStore,
    reranker: Reranker,
    top: int | None,
    device: str,
) -> Ranking:
    """Rerank the first places of a ranking; labelled ranks follow."""
    head = min(reranker.shortlist, first.indices.shape[1])
    order, scores = reranker(queries, database, first.indices[:, :head].astype(np.int64), device=device)
    indices, all_scores = first.indices.copy(), first.scores.astype(scores.dtype)
    indices[:, :head], all_scores[:, :head] = order, scores
    labelled = first.labelled
    if labelled is not None and first.rows is not None:
        labelled = move_to_front(labelled, first.rows, order)
    about = first.about | {"method": reranker.name, "parameters": reranker.parameters}
    return dataclasses.replace(
        first, indices=indices[:, :top], scores=all_scores[:, :top], labelled=labelled, about=about
    )


def _load(
    path: str | Path,
    query_store: FeatureStore,
    database: FeatureStore,
    reranker: Reranker,
    groundtruth: str | Path | None,
) -> Ranking:
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
    if places < min(reranker.shortlist, len(database)):
        raise UserError(
            f"{path} holds {places} places a query, fewer than the shortlist of {reranker.shortlist}: "
            f"search again with --k {reranker.shortlist}"
        )
    stored = about.get("groundtruth_sha256")
    given = sha256_of(groundtruth) if groundtruth is not None else None
    if stored != given:
        raise UserError(
            f"{path} was searched {'with' if stored else 'without'} a --groundtruth: "
            "give the same one to both steps, or neither"
        )
    return first
