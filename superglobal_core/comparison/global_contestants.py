"""Methods by global descriptors as contestants: the first stage itself, and rerankers of its shortlist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from superglobal_core.comparison.inputs import Inputs
from superglobal_core.comparison.works import CannotRunError, Contestant, Work
from superglobal_core.devices import choose_device
from superglobal_core.features.store import FeatureStore
from superglobal_core.reranking.base import Reranker
from superglobal_core.search.exact import search
from superglobal_core.timing.record import Scope

# A database up to this size is held in memory as float32 for the scope in which all is.
LARGEST_RESIDENT = 4_000_000_000

Describe = Callable[[int], Any]
NO_PICTURES = "no network was named that describes the query: give --backbone (and --checkpoint)"


class RerankerContestant(Contestant):
    """A reranker by global descriptors; the database's descriptors are those of the first stage."""

    def __init__(self, label: str, reranker: Reranker, inputs: Inputs, describe: Describe | None) -> None:
        super().__init__(reranker.name, label)
        self._reranker, self._inputs, self._describe = reranker, inputs, describe
        self._resident: tuple[Tensor, Tensor] | None = None
        self.bytes_per_image = bytes_per_row(inputs.database)

    def work(self, scope: Scope, shortlist: int) -> Work:
        inputs, count = self._inputs, min(shortlist, self._inputs.shortlist.shape[1])
        if scope == "scoring":
            return self._scoring(count)
        rows = inputs.shortlist[:, :count]

        def pairs(query: int) -> Any:
            one = slice(query, query + 1)
            return self._reranker(inputs.queries[one], inputs.database, rows[one], device=inputs.device)

        if scope == "from storage":
            database = inputs.database
            return Work(pairs, count, count, files=files_of(database), release=database.release)
        if self._describe is None:
            raise CannotRunError(NO_PICTURES)
        return Work(
            pairs,
            count,
            count,
            once=self._describe,
            files=files_of(inputs.database),
            release=inputs.database.release,
        )

    def _scoring(self, count: int) -> Work:
        if self._resident is None:
            self._resident = _resident(self._inputs)
        database, places = self._resident
        queries = torch.from_numpy(self._inputs.queries).to(database.device)
        rows = places[:, :count]

        def pairs(query: int) -> Any:
            one = slice(query, query + 1)
            return self._reranker(queries[one], database, rows[one])

        return Work(
            pairs,
            count,
            count,
            batch=lambda: self._reranker(queries, database, rows),
            batch_queries=len(queries),
        )


class FirstStageContestant(Contestant):
    """The exact search that makes the shortlists: what a reranking comes on top of."""

    def __init__(self, label: str, inputs: Inputs, describe: Describe | None) -> None:
        super().__init__("none", label)
        self._inputs, self._describe = inputs, describe
        self._resident: FeatureStore | None = None
        self.bytes_per_image = bytes_per_row(inputs.database)
        self.notes = ["the first stage: the search itself"]

    def work(self, scope: Scope, shortlist: int) -> Work:
        inputs, database = self._inputs, self._inputs.database
        if scope == "scoring":
            size = 4 * database.shape[0] * database.shape[1]
            if size > LARGEST_RESIDENT:
                raise CannotRunError(
                    f"the database takes {size / 1e9:.1f} GB in memory: timed from storage only"
                )
            if self._resident is None:
                self._resident = FeatureStore.of_array(np.asarray(database.all_rows(), np.float32))
            database = self._resident

        def find(queries: np.ndarray) -> Any:
            return search(queries, database, min(shortlist, len(database)), device=inputs.device)

        def pairs(query: int) -> Any:
            return find(inputs.queries[query : query + 1])

        count = len(database)
        if scope == "scoring":
            return Work(pairs, count, count, batch=lambda: find(inputs.queries), batch_queries=inputs.count)
        if scope == "end to end" and self._describe is None:
            raise CannotRunError(NO_PICTURES)
        once = self._describe if scope == "end to end" else None
        return Work(pairs, count, count, once=once, files=files_of(database), release=database.release)


def bytes_per_row(database: FeatureStore) -> float:
    """Return what one descriptor takes on disk, in bytes."""
    return sum(segment.array.nbytes for segment in database.segments) / max(1, len(database))


def files_of(database: FeatureStore) -> list[Path]:
    """Return the files that hold a database's descriptors."""
    return [segment.source for segment in database.segments if segment.source.is_file()]


def _resident(inputs: Inputs) -> tuple[Tensor, Tensor]:
    """Bring the shortlisted rows into memory, on the device: rows (n, D) and the shortlists' places in them."""
    rows, places = np.unique(inputs.shortlist, return_inverse=True)
    device = choose_device(inputs.device)
    database = torch.from_numpy(np.asarray(inputs.database[rows], np.float32)).to(device)
    return database, torch.from_numpy(places.reshape(inputs.shortlist.shape)).to(device)
