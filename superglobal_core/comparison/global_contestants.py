"""Methods by global descriptors as contestants: the first stage itself, and rerankers of its shortlist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from superglobal_core.comparison.describing import QueryDescriber
from superglobal_core.comparison.inputs import Inputs
from superglobal_core.comparison.works import CannotRunError, Contestant, Work
from superglobal_core.devices import choose_device
from superglobal_core.features.store import FeatureStore
from superglobal_core.reranking.base import Reranker, search_rows
from superglobal_core.search.exact import search
from superglobal_core.timing.record import Scope

# A database up to this size is held in memory as float32 for the scope in which all is.
LARGEST_RESIDENT = 4_000_000_000

NO_PICTURES = "no network was named that describes the query: give --backbone (and --checkpoint)"


class RerankerContestant(Contestant):
    """A reranker by global descriptors; the database's descriptors are those of the first stage."""

    def __init__(
        self, label: str, reranker: Reranker, inputs: Inputs, describe: QueryDescriber | None
    ) -> None:
        super().__init__(reranker.name, label)
        self._reranker, self._inputs, self._describe = reranker, inputs, describe
        self.bytes_per_image = bytes_per_row(inputs.database)

    def work(self, scope: Scope, shortlist: int, pairs: int | None = None) -> Work:
        inputs, count = self._inputs, min(shortlist, self._inputs.shortlist.shape[1])
        if scope == "scoring":
            return self._scoring(count)
        rows = inputs.shortlist[:, :count]

        def rerank(query: int) -> Any:
            one = slice(query, query + 1)
            return self._reranker(inputs.queries[one], inputs.database, rows[one], device=inputs.device)

        return _from_files(rerank, count, scope, inputs.database, self._describe)

    def _scoring(self, count: int) -> Work:
        queries, database, places = self._inputs.resident
        rows = places[:, :count]

        def rerank(query: int) -> Any:
            one = slice(query, query + 1)
            return self._reranker(queries[one], database, rows[one])

        return Work(
            rerank,
            count,
            count,
            batch=lambda: self._reranker(queries, database, rows),
            batch_queries=len(queries),
        )


class FirstStageContestant(Contestant):
    """The exact search that makes the shortlists: what a reranking comes on top of."""

    def __init__(self, label: str, inputs: Inputs, describe: QueryDescriber | None) -> None:
        super().__init__("none", label)
        self._inputs, self._describe = inputs, describe
        self.bytes_per_image = bytes_per_row(inputs.database)
        self.notes = ["the first stage: the search itself"]

    def work(self, scope: Scope, shortlist: int, pairs: int | None = None) -> Work:
        inputs, database = self._inputs, self._inputs.database
        count, best = len(database), min(shortlist, len(database))
        if scope == "scoring":
            return self._scoring(count, best)

        def find(query: int) -> Any:
            return search(inputs.queries[query : query + 1], database, best, device=inputs.device)

        return _from_files(find, count, scope, database, self._describe)

    def _scoring(self, count: int, best: int) -> Work:
        size = 4 * count * self._inputs.database.shape[1]
        if size > LARGEST_RESIDENT:
            raise CannotRunError(f"the database takes {size / 1e9:.1f} GB in memory: timed from storage only")
        device = choose_device(self._inputs.device)
        # Held by this work alone, so that the memory is free again when the scope is done.
        database = torch.empty(self._inputs.database.shape, dtype=torch.float32)
        self._inputs.database.read_into(database, 0)
        self._inputs.database.release()
        database = database.to(device)
        queries = torch.from_numpy(self._inputs.queries).to(device)

        def find(rows: slice) -> Any:
            return search_rows(queries[rows], database, best)

        return Work(
            lambda query: find(slice(query, query + 1)),
            count,
            count,
            batch=lambda: find(slice(None)),
            batch_queries=len(queries),
        )


def _from_files(
    pairs: Any, count: int, scope: Scope, database: FeatureStore, describe: QueryDescriber | None
) -> Work:
    files = files_of(database)
    if scope == "from storage":
        return Work(pairs, count, count, reads=lambda query: files, release=database.release)
    if describe is None:
        raise CannotRunError(NO_PICTURES)
    return Work(
        pairs,
        count,
        count,
        once=describe,
        once_reads=lambda query: [describe.pictures.query(query).path],
        reads=lambda query: files,
        release=database.release,
        notes=describe.notes,
    )


def bytes_per_row(database: FeatureStore) -> float:
    """Return what one descriptor takes on disk, in bytes."""
    return sum(segment.array.nbytes for segment in database.segments) / max(1, len(database))


def files_of(database: FeatureStore) -> list[Path]:
    """Return the files that hold a database's descriptors."""
    return [segment.source for segment in database.segments if segment.source.is_file()]
