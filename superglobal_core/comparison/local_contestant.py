"""A reranker by local features as a contestant: its pairs scored from memory, from storage, from pictures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from superglobal_core.comparison.global_contestants import NO_PICTURES, Describe
from superglobal_core.comparison.inputs import Inputs, Pictures
from superglobal_core.comparison.local_data import LocalData
from superglobal_core.comparison.works import CannotRunError, Contestant, Work
from superglobal_core.data.images import ImageFile
from superglobal_core.features.decoding import load_image
from superglobal_core.features.local_extraction import LocalExtractor
from superglobal_core.reranking.pairs import PairScorer
from superglobal_core.timing.record import Scope

# Resident features of candidates that are held at once, over all queries.
MOST_RESIDENT = 2000
# Sides of an image below which no local feature is looked for.
SMALLEST_SIDE = 16


class LocalContestant(Contestant):
    """A scorer of image pairs with its features in storage and, for end to end, its extractor.

    Where not all pairs of a shortlist are timed, its time is scaled from those that are.
    """

    def __init__(
        self,
        label: str,
        scorer: PairScorer,
        inputs: Inputs,
        data: LocalData,
        *,
        extractor: LocalExtractor | None = None,
        pictures: Pictures | None = None,
        describe: Describe | None = None,
    ) -> None:
        super().__init__(scorer.name, label)
        self._scorer, self._inputs, self._data = scorer, inputs, data
        self._extractor, self._pictures, self._describe = extractor, pictures, describe
        self.bytes_per_image = data.database.bytes_per_image
        self.precision = str(scorer.parameters.get("precision", "float32"))
        self.notes = [data.note] if data.note else []
        if scorer.missing:
            self.notes.append(f"accuracy not available: {scorer.missing} missing; the time is real")

    def pair_seconds(self) -> float:
        query, candidates = self._query(0), [self._candidate(0, place) for place in range(2)]
        self._scorer.score(query, candidates)
        start = time.perf_counter()
        self._scorer.score(query, candidates)
        return (time.perf_counter() - start) / len(candidates)

    def work(self, scope: Scope, shortlist: int) -> Work:
        count = min(shortlist, self._inputs.shortlist.shape[1])
        timed = min(self.timed or count, count)
        similarities = self._inputs.similarities[:, :timed]
        if scope == "scoring":
            timed_queries = max(1, min(self._inputs.count, MOST_RESIDENT // timed))
            queries = [self._query(query) for query in range(timed_queries)]
            candidates = [
                [self._candidate(query, place) for place in range(timed)] for query in range(timed_queries)
            ]

            def resident(query: int) -> Any:
                return self._order(
                    queries[query % timed_queries], candidates[query % timed_queries], similarities[query]
                )

            return Work(resident, count, timed)
        if scope == "from storage":

            def stored(query: int) -> Any:
                return self._order(
                    self._query(query),
                    [self._candidate(query, place) for place in range(timed)],
                    similarities[query],
                )

            files = [*self._data.queries.files(), *self._data.database.files()]
            return Work(stored, count, timed, files=files, release=self._release)
        return self._end_to_end(count, timed)

    def _end_to_end(self, count: int, timed: int) -> Work:
        extractor, pictures, describe = self._extractor, self._pictures, self._describe
        if extractor is None or pictures is None:
            raise CannotRunError("its features cannot be extracted here: weights missing")
        if describe is None:
            raise CannotRunError(NO_PICTURES)

        def extracted(file: ImageFile, boxed: bool) -> Any:
            box = pictures.boxes.get(file.id) if boxed and pictures.boxes else None
            return self._scorer.resident(extractor(load_image(file, box, SMALLEST_SIDE)))

        kept: dict[int, Any] = {}

        def once(query: int) -> Any:
            kept[query] = extracted(pictures.query(query), boxed=True)
            return describe(query)

        def pairs(query: int) -> Any:
            rows = self._inputs.shortlist[query, :timed].tolist()
            candidates = [extracted(pictures.row(row), boxed=False) for row in rows]
            return self._order(kept[query], candidates, self._inputs.similarities[query, :timed])

        return Work(pairs, count, timed, once=once)

    def _order(self, query: Any, candidates: Sequence[Any], similarities: np.ndarray) -> np.ndarray:
        final = self._scorer.combine(similarities, self._scorer.score(query, candidates))
        return np.argsort(-final, kind="stable")

    def _query(self, query: int) -> Any:
        data = self._data
        return self._scorer.resident(data.queries[data.query_row(query)])

    def _candidate(self, query: int, place: int) -> Any:
        data = self._data
        return self._scorer.resident(data.database[data.candidate_row(query, place)])

    def _release(self) -> None:
        self._data.queries.release()
        self._data.database.release()
