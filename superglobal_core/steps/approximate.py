"""The step `approximate`: indexes of a database beside the exact search of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from superglobal_core.approximate_record import (
    Approximate,
    ExactSearch,
    MeasuredIndex,
    Point,
    write_approximate,
)
from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError
from superglobal_core.evaluation.average_precision import NOT_RETRIEVED
from superglobal_core.evaluation.ranks import LabelledRanks
from superglobal_core.features.store import FeatureStore, open_queries_and_database
from superglobal_core.files import check_writable
from superglobal_core.parameter_results import Accuracy
from superglobal_core.progress import silent
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.results import Stopwatch
from superglobal_core.search.exact import SearchResult, search
from superglobal_core.search.faiss_index import (
    build_index,
    faiss_package,
    places_among,
    search_index,
)
from superglobal_core.search.index_file import index_size
from superglobal_core.search.index_kinds import IndexPlan, Wanted, efforts_to_try, plan_index
from superglobal_core.search.rankings import Ranking
from superglobal_core.search.rebuilt_store import RebuiltStore
from superglobal_core.steps.inputs import descriptor_inputs, given_files
from superglobal_core.steps.rerank import GlobalOrders, rerank
from superglobal_core.steps.search import facts_of, query_rows, rank
from superglobal_core.steps.sweep import evaluated
from superglobal_core.timing.others import watch_others
from superglobal_core.timing.stopwatch import measure

RECALLS = (1, 10, 100)


def approximate_step(
    queries: str | Path,
    databases: Sequence[str | Path],
    groundtruth: str | Path,
    wanted: Sequence[Wanted],
    out: str | Path,
    *,
    k: int = 400,
    reranker: SuperGlobalReranker | None = None,
    repeats: int = 5,
    budget_s: float = 20.0,
    seed: int = 0,
    suite: str | None = None,
    dataset: str | None = None,
    device: str = "auto",
) -> Approximate:
    """Search exactly and by each index, with and without reranking, and write all figures as JSON.

    One index is in memory at a time, and no file of it is written. Searches of one index are timed in turn, all
    queries at once; the exact search, which reads the shards, by itself.

    Raises:
        UserError: when nothing is wanted, something twice, or parameters do not fit the database.
        MissingPackageError: when faiss is not installed.
    """
    reranker = reranker or SuperGlobalReranker()
    _check(wanted, k, reranker, seed)
    check_writable(out, [queries, *databases, groundtruth])
    threads = faiss_package().omp_get_max_threads()
    watch = Stopwatch()
    query_store, database = open_queries_and_database(queries, databases)
    # What does not fit is refused before any work.
    plans = [(each, plan_index(each, *database.shape)) for each in wanted]
    truth = load_groundtruth(groundtruth)
    first = rank(query_store, database, k, groundtruth, device)
    matrix = query_store[query_rows(query_store, truth)]
    side = _Side(first, matrix, database, truth, reranker, device)
    clock = _Clock(len(matrix), repeats, budget_s)
    with watch_others() as others:
        exact = _exact(side, clock)
        indexes = [_measured(side, clock, *plan, seed=seed) for plan in plans]
    facts = facts_of(first) | {"method": reranker.name, "seed": seed}
    facts["parameters"] |= {
        **reranker.parameters,
        "indexes": [each.name for each in wanted],
        "threads": threads,
    }
    facts["parameters"] |= {"repeats": repeats, "budget_s": budget_s}
    facts["protocol"]["groundtruth_sha256"] = first.about["groundtruth_sha256"]
    name = dataset or Path(groundtruth).stem.removeprefix("gnd_")
    content = Approximate(
        dataset=name,
        database=len(database),
        dimension=database.shape[1],
        distractors=first.about["distractors"],
        queries=len(matrix),
        k=side.k,
        shortlist=min(reranker.shortlist, side.k),
        exact=exact,
        indexes=indexes,
        others=others,
        record=watch.record(
            "approximate",
            suite=suite,
            dataset=name,
            inputs=[
                *descriptor_inputs("queries", [queries], query_store),
                *descriptor_inputs("database", databases, database),
                *given_files(ground_truth=groundtruth),
            ],
            **facts,
        ).model_dump(),
    )
    write_approximate(out, content)
    return content


def recall(exact: np.ndarray, found: np.ndarray, places: int) -> float:
    """Return the mean share of the exact first rows that are among the first found: both (Q, k), -1 for none.

    >>> recall(np.array([[1, 2, 3]]), np.array([[2, 1, 5]]), 3)
    0.6666666666666666
    """
    shares = [np.isin(one[:places], other[:places]).mean() for one, other in zip(exact, found, strict=True)]
    return float(np.mean(shares))


@dataclasses.dataclass(frozen=True)
class _Side:
    """What every search shares: the exact ranking, the queries (Q, D), the database and how it is judged."""

    first: Ranking
    matrix: np.ndarray
    database: FeatureStore
    truth: GroundTruth
    reranker: SuperGlobalReranker
    device: str

    @property
    def k(self) -> int:
        return self.first.indices.shape[1]

    def ranking(self, found: SearchResult) -> Ranking:
        """Return what was found as a ranking, whose labelled images beyond its places are not retrieved."""
        labelled, rows = self.first.labelled, self.first.rows
        assert labelled is not None
        assert rows is not None
        places = places_among(labelled.query, rows, found.indices)
        ranks = LabelledRanks(labelled.query, labelled.image, np.where(rows < 0, NOT_RETRIEVED, places.rank))
        return dataclasses.replace(self.first, indices=found.indices, scores=found.scores, labelled=ranks)

    def reranked(self, ranking: Ranking, vectors: FeatureStore | None = None) -> Accuracy:
        """Return the accuracy after reranking, with candidates' vectors of the database or others."""
        orders = GlobalOrders(self.reranker, self.matrix, vectors or self.database, self.device)
        return evaluated(rerank(ranking, orders, None, None), self.truth)

    def recalls(self, found: SearchResult) -> dict[str, float]:
        places = sorted({min(each, self.k) for each in (*RECALLS, self.k)})
        return {str(each): recall(self.first.indices, found.indices, each) for each in places}


@dataclasses.dataclass(frozen=True)
class _Clock:
    """How searches are timed."""

    queries: int
    repeats: int
    budget_s: float

    def time(self, works: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
        """Return seconds a query of each work; each was done once already, which is its warm-up."""
        with silent():
            samples = measure(works, repeats=self.repeats, warmup=0, budget_s=self.budget_s, fewest=1)
        return {name: [each / self.queries for each in taken] for name, taken in samples.items()}


def _exact(side: _Side, clock: _Clock) -> ExactSearch:
    database, first = side.database, side.first
    cut = side.ranking(SearchResult(first.indices, first.scores))
    work = partial(search, side.matrix, database, side.k, device=side.device)
    return ExactSearch(
        samples_s=clock.time({"exact": work})["exact"],
        single_stage=evaluated(cut, side.truth),
        reranked=side.reranked(cut),
        bytes_a_vector=database.shape[1] * database.dtype.itemsize,
        device=choose_device(side.device).type,
        single_stage_whole=evaluated(first, side.truth),
        reranked_whole=side.reranked(first),
    )


def _measured(side: _Side, clock: _Clock, wanted: Wanted, plan: IndexPlan, *, seed: int) -> MeasuredIndex:
    built = build_index(side.database, plan, seed)
    size = index_size(built)
    rebuilt = RebuiltStore(side.database, built.index, built.unit_length)
    works: dict[str, Callable[[], SearchResult]] = {
        str(effort): partial(search_index, built.index, plan, side.matrix, side.k, effort=effort)
        for effort in efforts_to_try(wanted, plan, len(side.database), side.k)
    }
    found = {effort: work() for effort, work in works.items()}
    samples = clock.time(works)
    points = []
    for effort, result in found.items():
        ranking = side.ranking(result)
        points.append(
            Point(
                effort=None if effort == "None" else int(effort),
                recall=side.recalls(result),
                samples_s=samples[effort],
                single_stage=evaluated(ranking, side.truth),
                reranked=side.reranked(ranking),
                reranked_rebuilt=side.reranked(ranking, rebuilt),
            )
        )
    return MeasuredIndex(
        name=wanted.name,
        kind=plan.kind,
        parameters=plan.parameters,
        effort_name=plan.searched_by,
        bytes=size,
        bytes_a_vector=size / len(side.database),
        train_s=round(built.train_s, 4),
        add_s=round(built.add_s, 4),
        rebuilt_cosine=float(rebuilt.cosines(side.database).mean()),
        points=points,
    )


def _check(wanted: Sequence[Wanted], k: int, reranker: SuperGlobalReranker, seed: int) -> None:
    names = [each.name for each in wanted]
    if not names:
        raise UserError("--kinds names no index: give one or more, with commas between them")
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise UserError(f"--kinds names {repeated} twice: leave one out")
    if k < 1:
        raise UserError(f"--k is {k}: ask for at least one place")
    if reranker.shortlist > k:
        raise UserError(
            f"--shortlist is {reranker.shortlist}, more than the {k} places of --k: an index finds no more"
        )
    if not 0 <= seed < 2**31:
        raise UserError(f"--seed is {seed}: use zero or more, below 2^31")
