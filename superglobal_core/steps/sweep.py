"""The step `sweep`: SuperGlobal's reranking at every point of a grid of M, K and beta."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.errors import UserError
from superglobal_core.evaluation.protocol import evaluate
from superglobal_core.evaluation.ranks import LabelledRanks, move_to_front
from superglobal_core.features.store import FeatureStore, open_queries_and_database
from superglobal_core.files import check_writable, write_json
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.parameter_results import Accuracy, GridPoint, RerankingParameters, Sweep
from superglobal_core.progress import Counter
from superglobal_core.reranking.base import Rows
from superglobal_core.reranking.grid import DEFAULTS, Grid, Point, as_lists, grid_orders
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.results import Stopwatch
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.inputs import descriptor_inputs, given_files
from superglobal_core.steps.rerank import load_first
from superglobal_core.steps.search import facts_of, query_rows, rank


def sweep_step(
    queries: str | Path,
    databases: Sequence[str | Path],
    groundtruth: str | Path,
    grid: Grid,
    out: str | Path,
    *,
    search: str | Path | None = None,
    device: str = "auto",
    suite: str | None = None,
    dataset: str | None = None,
) -> Sweep:
    """Rerank and evaluate at every point of a grid, and write the figures and their record as JSON.

    search: the ranking of an earlier search of the same descriptors with this ground truth; without
    it this step searches first. The raw shortlist is reranked, junk included (SuperGlobal's protocol).
    """
    sources = [queries, *databases, groundtruth, *([search] if search else [])]
    check_writable(out, sources)
    watch = Stopwatch()
    query_store, database = open_queries_and_database(queries, databases)
    truth = load_groundtruth(groundtruth)
    first = first_stage(query_store, database, max(grid.shortlists), groundtruth, search, device)
    accuracies = sweep(first, query_store, database, truth, grid, device)
    facts = facts_of(first) | {"method": SuperGlobalReranker.name}
    facts["parameters"] |= as_lists(grid)
    facts["protocol"]["groundtruth_sha256"] = first.about["groundtruth_sha256"]
    content = Sweep(
        shortlists=list(grid.shortlists),
        neighbours=list(grid.neighbours),
        betas=list(grid.betas),
        defaults=RerankingParameters(**DEFAULTS._asdict()),
        single_stage=evaluated(first, truth),
        points=[
            GridPoint(**point._asdict(), **accuracy.model_dump()) for point, accuracy in accuracies.items()
        ],
        record=watch.record(
            "sweep",
            suite=suite,
            dataset=dataset or Path(groundtruth).stem.removeprefix("gnd_"),
            inputs=[
                *given_files(search=search),
                *descriptor_inputs("queries", [queries], query_store),
                *descriptor_inputs("database", databases, database),
                *given_files(ground_truth=groundtruth),
            ],
            **facts,
        ),
    )
    write_json(out, content.model_dump())
    return content


def first_stage(
    query_store: FeatureStore,
    database: FeatureStore,
    shortlist: int,
    groundtruth: str | Path,
    search: str | Path | None,
    device: str,
) -> Ranking:
    """Return the search's ranking with the labelled images' ranks: loaded, or made."""
    if search is not None:
        return load_first(search, query_store, database, shortlist, groundtruth)
    return rank(query_store, database, shortlist, groundtruth, device)


@torch.no_grad()
def sweep(
    first: Ranking,
    query_store: FeatureStore,
    database: FeatureStore,
    truth: GroundTruth,
    grid: Grid,
    device: str = "auto",
) -> dict[Point, Accuracy]:
    """Return the accuracy of SuperGlobal's reranking at every point of a grid, in the order of its points.

    first: a search with labelled ranks. Memory is that of a few queries and of all figures.
    """
    count, unmoved = len(truth.queries), evaluated(first, truth).average_precision
    # A query without any candidate keeps the search's AP.
    found: dict[Point, dict[str, list[float | None]]] = {
        point: {name: list(unmoved[name]) for name in PROTOCOL_NAMES} for point in grid.points()
    }
    rows = Rows(query_store[query_rows(query_store, truth)], database, device)
    with Counter("sweep", count, "queries") as counter:
        for batch in _batches(first, max(grid.shortlists), rows):
            shortlist = torch.from_numpy(first.indices[batch].astype(np.int64))
            shortlist = shortlist[:, : int((shortlist[0] >= 0).sum())][:, : max(grid.shortlists)]
            candidates = rows.gather(shortlist.to(rows.device))
            if not (torch.isfinite(candidates).all() and torch.isfinite(rows.queries[batch]).all()):
                raise UserError(
                    f"one of the queries {batch[0]} to {batch[-1]} or of their candidates holds NaN or infinite "
                    "values: extract it again"
                )
            part, labelled = _part(first, batch)
            for point, places, _ in grid_orders(rows.queries[batch], candidates, grid):
                order = np.take_along_axis(shortlist.numpy(), places.cpu().numpy(), axis=1)
                moved = move_to_front(part, labelled, order)
                results = evaluate([truth.queries[query] for query in batch], labelled_ranks=moved)
                for name, result in results.items():
                    for query, value in zip(batch, result.average_precision, strict=True):
                        found[point][name][query] = value
            counter.advance(len(batch))
    return {point: Accuracy.of(values) for point, values in found.items()}


def evaluated(ranking: Ranking, truth: GroundTruth) -> Accuracy:
    """Return the accuracy of a ranking with labelled ranks."""
    results = evaluate(truth.queries, labelled_ranks=ranking.labelled)
    return Accuracy.of({name: result.average_precision for name, result in results.items()})


def _batches(first: Ranking, longest: int, rows: Rows) -> Iterator[list[int]]:
    """Yield queries to hold at once, whose shortlists have one length."""
    filled = (first.indices >= 0).sum(axis=1)
    reranker = SuperGlobalReranker(longest)
    for length in np.unique(filled):
        group = np.flatnonzero(filled == length)
        at_once = reranker.queries_at_once(rows.device, min(int(length), longest), rows.queries.shape[1])
        for start in range(0, len(group) if length else 0, at_once):
            yield group[start : start + at_once].tolist()


def _part(first: Ranking, batch: Sequence[int]) -> tuple[LabelledRanks, np.ndarray]:
    """Return the labelled ranks and rows of some queries, numbered from zero."""
    labelled, rows = first.labelled, first.rows
    assert labelled is not None
    assert rows is not None
    number = np.full(len(first.indices), -1, np.int64)
    number[list(batch)] = np.arange(len(batch))
    mine = number[labelled.query] >= 0
    return (
        LabelledRanks(number[labelled.query[mine]], labelled.image[mine], labelled.rank[mine]),
        rows[mine],
    )
