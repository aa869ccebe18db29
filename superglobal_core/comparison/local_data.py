"""Local features of the timed images: those in storage, or extracted now from a pool of pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from superglobal_core.comparison.inputs import Inputs, Pictures
from superglobal_core.data.boxes import Box
from superglobal_core.data.images import ImageFile
from superglobal_core.errors import UserError
from superglobal_core.features.local_extraction import LocalExtractor, extract_local
from superglobal_core.features.local_store import LocalStore, rows_in

# Pictures whose features are extracted for a timing, at most: maps take megabytes each.
POOL = 48


@dataclasses.dataclass(frozen=True)
class LocalData:
    """Stored features of queries and candidates, and where each is.

    query_row: number of a query -> its row in `queries`; candidate_row: number of a query and place
    in its shortlist -> the row in `database`. distinct: how many of a query's first places are
    different images; None for all. note: what the features are, where that must be said.
    """

    queries: LocalStore
    database: LocalStore
    query_row: Callable[[int], int]
    candidate_row: Callable[[int, int], int]
    distinct: int | None = None
    note: str | None = None


def stored_data(
    inputs: Inputs, kind: str, queries: Sequence[str | Path], database: Sequence[str | Path]
) -> LocalData:
    """Open features that were extracted before, of all images.

    Raises:
        UserError: when folders are absent or damaged, hold features of another kind, or lack images.
    """
    query_store, database_store = LocalStore.open(*queries), LocalStore.open(*database)
    for store, folders in ((query_store, queries), (database_store, database)):
        if store.kind != kind:
            raise UserError(
                f"{folders[0]} holds {store.kind} features where {kind} was named: correct --local"
            )
    if inputs.query_ids is None:
        every = rows_in(query_store, None, inputs.given_queries, "queries")
        query_rows = [every[row] for row in inputs.query_rows]
    else:
        query_rows = rows_in(query_store, inputs.query_ids, inputs.count, "queries")
    rows = rows_in(database_store, inputs.database.ids, len(inputs.database), "images")
    return LocalData(
        query_store,
        database_store,
        lambda query: query_rows[query],
        lambda query, place: rows[int(inputs.shortlist[query, place])],
    )


def extracted_data(
    inputs: Inputs, pictures: Pictures, extractor: LocalExtractor, folder: Path, pool: int = POOL
) -> LocalData:
    """Extract the features of the queries and of a pool of candidates into a folder.

    The pool holds the best candidates of each query. A query meets its own first, then those of the
    others, then all of them again.
    """
    each = max(1, min(pool // inputs.count, inputs.shortlist.shape[1]))
    queries = [pictures.query(query) for query in range(inputs.count)]
    candidates = [[pictures.row(int(row)) for row in rows[:each]] for rows in inputs.shortlist]
    distinct = list({file.id: file for files in candidates for file in files}.values())
    place_of = {file.id: place for place, file in enumerate(distinct)}
    places = [
        list(dict.fromkeys([*(place_of[file.id] for file in files), *range(len(distinct))]))
        for files in candidates
    ]
    boxed = {file.id: file for file in queries}.values()
    query_store = _extract(list(boxed), pictures.boxes, extractor, folder / "queries")
    database_store = _extract(distinct, None, extractor, folder / "database")
    row_of_query = {name: row for row, name in enumerate(query_store.ids)}
    table = np.array(places)
    return LocalData(
        query_store,
        database_store,
        lambda query: row_of_query[queries[query].id],
        lambda query, place: int(table[query, place % len(distinct)]),
        len(distinct),
        pictures.note or f"on {len(distinct)} of the images, again and again",
    )


def _extract(
    files: Sequence[ImageFile], boxes: dict[str, Box] | None, extractor: LocalExtractor, folder: Path
) -> LocalStore:
    extract_local(files, extractor, folder, made_with={}, boxes=boxes, replace=True)
    return LocalStore.open(folder)
