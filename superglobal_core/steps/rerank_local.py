"""Reranking by local features as a step: which stored features belong to which row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from superglobal_core.data.groundtruth import GroundTruth
from superglobal_core.errors import UserError
from superglobal_core.features.local_store import LocalStore, rows_in
from superglobal_core.features.store import FeatureStore
from superglobal_core.reranking.local import PairReranker
from superglobal_core.reranking.local_methods import Means, make_scorer
from superglobal_core.reranking.names import LOCAL_KINDS
from superglobal_core.results import Input
from superglobal_core.steps.inputs import given_files, shard_inputs


def local_inputs(means: Means, queries: Sequence[str | Path], database: Sequence[str | Path]) -> list[Input]:
    """Describe what a reranker by local features reads, for the record."""
    return [
        *shard_inputs("local features of the queries", queries),
        *shard_inputs("local features of the database", database),
        *given_files(checkpoint=means.checkpoint, weights=means.weights),
    ]


def local_orders(
    method: str,
    means: Means,
    parameters: Mapping[str, Any],
    shortlist: int,
    queries: Sequence[str | Path],
    database: Sequence[str | Path],
    *,
    untrained: bool = False,
) -> Callable[[FeatureStore, FeatureStore, GroundTruth | None], PairReranker]:
    """Return what makes the reranker once the descriptors are open (see `rerank_step`).

    queries, database: folders of local features of the same images.
    untrained: rerank with random weights too, for what that is worth.

    Raises:
        UserError: when folders are absent or damaged, or hold features of another kind; when the
            scorer lacks its weights, unless `untrained`.
    """
    kind = LOCAL_KINDS[method]
    if not queries or not database:
        raise UserError(
            f"{method} works on local features: extract them with `superglobal local --kind {kind}` "
            "and name the folders with --local-queries and --local-database"
        )
    if shortlist < 1:
        raise UserError(f"--shortlist is {shortlist}: at least 1 is needed")
    stores = LocalStore.open(*queries), LocalStore.open(*database)
    for store, folders in zip(stores, (queries, database), strict=True):
        if store.kind != kind:
            raise UserError(
                f"{folders[0]} holds {store.kind} features, but {method} needs {kind}: "
                f"extract them with `superglobal local --kind {kind}`"
            )
    scorer = make_scorer(method, means, stores[1], **parameters)
    if scorer.missing and not untrained:
        raise UserError(
            f"{method} has no figures without its {scorer.missing}: name the file with --weights "
            "(cvnet-rerank: --checkpoint), or rerank by random weights all the same with --untrained"
        )

    def make(
        query_store: FeatureStore, database_store: FeatureStore, truth: GroundTruth | None
    ) -> PairReranker:
        # The rows of a ranking follow the ground truth's queries where there is one.
        ids = list(truth.query_names) if truth is not None else query_store.ids
        count = len(ids) if ids is not None else len(query_store)
        query_rows = rows_in(stores[0], ids, count, "queries")
        names: Sequence[str] | None = database_store.ids
        if names is None and truth is not None:
            # Descriptors without names are in the ground truth's order, what follows are distractors.
            names = [*truth.image_names, *[""] * (len(database_store) - len(truth.image_names))]
        rows = rows_in(stores[1], names, len(database_store), "images")
        return PairReranker(
            scorer,
            lambda query: stores[0][query_rows[query]],
            lambda row: stores[1][rows[row]],
            shortlist,
        )

    return make
