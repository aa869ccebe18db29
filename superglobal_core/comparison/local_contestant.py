"""A reranker by local features as a contestant: its pairs scored from memory, from storage, from pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from superglobal_core.comparison.describing import QueryDescriber
from superglobal_core.comparison.global_contestants import NO_PICTURES
from superglobal_core.comparison.inputs import Inputs, Pictures
from superglobal_core.comparison.local_data import LocalData
from superglobal_core.comparison.works import CannotRunError, Contestant, Work
from superglobal_core.data.boxes import Box
from superglobal_core.data.images import ImageFile
from superglobal_core.features.decoding import load_image
from superglobal_core.features.local_extraction import LocalExtractor
from superglobal_core.reranking.local import score_in_pieces
from superglobal_core.reranking.pairs import PairScorer
from superglobal_core.timing.record import Scope

# Resident features of candidates that are held at once, over all queries.
MOST_RESIDENT = 2000


class LocalContestant(Contestant):
    """A scorer of image pairs with its features in storage and, for end to end, its extractor.

    Where not all pairs of a shortlist are timed, its time is scaled from those that are. What is read
    after the page cache was dropped is read once a sample: no more pairs are timed than there are
    different images, because the second reading would come from memory.
    """

    by_pairs: ClassVar[bool] = True

    def __init__(
        self,
        label: str,
        scorer: PairScorer,
        inputs: Inputs,
        data: LocalData,
        *,
        extractor: LocalExtractor | None = None,
        pictures: Pictures | None = None,
        describe: QueryDescriber | None = None,
    ) -> None:
        super().__init__(scorer.name, label)
        self._scorer, self._inputs, self._data = scorer, inputs, data
        self._extractor, self._pictures, self._describe = extractor, pictures, describe
        self.bytes_per_image = data.database.bytes_per_image
        self.precision = str(scorer.parameters.get("precision", "float32"))

    def work(self, scope: Scope, shortlist: int, pairs: int | None = None) -> Work:
        count = min(shortlist, self._inputs.shortlist.shape[1])
        timed = min(pairs or count, count)
        if scope == "scoring":
            return self._scoring(count, timed)
        if scope == "from storage":
            return self._from_storage(count, timed)
        return self._end_to_end(count, timed)

    def _scoring(self, count: int, timed: int) -> Work:
        held = max(1, min(self._inputs.count, MOST_RESIDENT // timed))
        queries = [self._query(query) for query in range(held)]
        # Copies of their own even where images repeat: a shortlist's features do not fit a processor's cache.
        candidates = [[self._candidate(query, place) for place in range(timed)] for query in range(held)]

        def pairs(query: int) -> Any:
            mine = query % held
            return self._order(mine, self._scorer.score(queries[mine], candidates[mine]))

        notes = self._notes(self._data.note)
        if held < self._inputs.count:
            notes.append(f"on {held} of the {self._inputs.count} queries, again and again")
        return Work(pairs, count, timed, notes=notes)

    def _from_storage(self, count: int, timed: int) -> Work:
        data = self._data
        timed = min(timed, data.distinct or timed)

        def candidate(query: int, place: int) -> Any:
            return data.database[data.candidate_row(query, place)]

        query_files, files = data.queries.files(), data.database.files()

        def release() -> None:
            data.queries.release()
            data.database.release()

        return self._in_two(
            self._query,
            candidate,
            count,
            timed,
            once_reads=lambda query: query_files,
            reads=lambda query: files,
            release=release,
            notes=self._notes(data.note),
        )

    def _end_to_end(self, count: int, timed: int) -> Work:
        extractor, pictures, describe = self._extractor, self._pictures, self._describe
        if extractor is None or pictures is None:
            raise CannotRunError("its features cannot be extracted here: weights or a package missing")
        if describe is None:
            raise CannotRunError(NO_PICTURES)
        # A larger extraction would find the same pictures decoded from memory again.
        timed = min(timed, len(pictures.database))
        smallest = int(getattr(extractor, "smallest_side", 1))
        rows = self._inputs.shortlist

        def extracted(file: ImageFile, box: Box | None) -> Any:
            return extractor(load_image(file, box, smallest))

        def once(query: int) -> Any:
            describe(query)
            return self._scorer.resident(extracted(pictures.query(query), pictures.box(query)))

        def candidate(query: int, place: int) -> Any:
            return extracted(pictures.row(int(rows[query, place])), None)

        return self._in_two(
            once,
            candidate,
            count,
            timed,
            once_reads=lambda query: [pictures.query(query).path],
            reads=lambda query: list(
                dict.fromkeys(pictures.row(int(row)).path for row in rows[query, :timed])
            ),
            notes=self._notes(pictures.note, describe.note),
        )

    def _in_two(
        self,
        once: Callable[[int], Any],
        candidate: Callable[[int, int], Any],
        count: int,
        timed: int,
        **facts: Any,
    ) -> Work:
        """Return the work whose query is made ready once, and whose candidates are brought and scored."""
        kept: dict[int, Any] = {}

        def make(query: int) -> None:
            kept[query] = once(query)

        def ready(query: int) -> None:
            if query not in kept:
                make(query)

        def pairs(query: int) -> Any:
            scores = score_in_pieces(
                self._scorer, kept[query], range(timed), lambda place: candidate(query, place)
            )
            return self._order(query, np.concatenate(list(scores)))

        return Work(pairs, count, timed, once=make, ready=ready, **facts)

    def _order(self, query: int, scores: np.ndarray) -> np.ndarray:
        final = self._scorer.combine(self._inputs.similarities[query, : len(scores)], scores)
        return np.argsort(-final, kind="stable")

    def _query(self, query: int) -> Any:
        data = self._data
        return self._scorer.resident(data.queries[data.query_row(query)])

    def _candidate(self, query: int, place: int) -> Any:
        data = self._data
        return self._scorer.resident(data.database[data.candidate_row(query, place)])

    def _notes(self, *more: str | None) -> list[str]:
        # Only now, because a scorer may learn from the features what they lack.
        missing = self._scorer.missing
        lacking = [f"accuracy not available: {missing} missing; the time is real"] if missing else []
        return [note for note in dict.fromkeys(more) if note] + lacking
