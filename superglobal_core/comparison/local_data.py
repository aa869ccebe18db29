"""Local features of the timed images: those in storage, or extracted now from a pool of pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from superglobal_core.comparison.inputs import Inputs, Pictures
from superglobal_core.data.images import ImageFile
from superglobal_core.features.local_extraction import LocalExtractor, extract_local
from superglobal_core.features.local_store import LocalStore, rows_in

# Pictures whose features are extracted for a timing, at most: maps take megabytes each.
POOL = 48


@dataclasses.dataclass(frozen=True)
class LocalData:
    """Stored features of queries and candidates, and where each is.

    query_row: number of a query -> its row in `queries`; candidate_row: number of a query and place
    in its shortlist -> the row in `database`. note: what the features are, where that must be said.
    """

    queries: LocalStore
    database: LocalStore
    query_row: Callable[[int], int]
    candidate_row: Callable[[int, int], int]
    note: str | None = None


def stored_data(inputs: Inputs, queries: Sequence[str | Path], database: Sequence[str | Path]) -> LocalData:
    """Open features that were extracted before, of all images.

    Raises:
        UserError: when folders are absent or damaged, or lack images.
    """
    query_store, database_store = LocalStore.open(*queries), LocalStore.open(*database)
    query_rows = rows_in(query_store, inputs.query_ids, inputs.count, "queries")
    ids = inputs.database.ids
    rows = rows_in(database_store, ids, len(inputs.database), "database")
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

    The pool holds the best candidates of each query; places beyond take those of the same query again.
    """
    each = max(1, min(pool // inputs.count, inputs.shortlist.shape[1]))
    queries = [pictures.query(query) for query in range(inputs.count)]
    candidates = [
        pictures.row(int(row)) for query in range(inputs.count) for row in inputs.shortlist[query, :each]
    ]
    distinct = list({file.id: file for file in candidates}.values())
    place_of = {file.id: place for place, file in enumerate(distinct)}
    places = np.array([place_of[file.id] for file in candidates]).reshape(inputs.count, each)
    stores = [
        _extract(files, pictures if name == "queries" else None, extractor, folder / name)
        for name, files in (
            ("queries", list({file.id: file for file in queries}.values())),
            ("database", distinct),
        )
    ]
    row_of_query = {name: row for row, name in enumerate(stores[0].ids)}
    return LocalData(
        stores[0],
        stores[1],
        lambda query: row_of_query[queries[query].id],
        lambda query, place: int(places[query, place % each]),
        pictures.note or f"on {len(distinct)} of the images, again and again",
    )


def _extract(
    files: Sequence[ImageFile], boxed: Pictures | None, extractor: LocalExtractor, folder: Path
) -> LocalStore:
    boxes = boxed.boxes if boxed is not None else None
    extract_local(files, extractor, folder, made_with={}, boxes=boxes, replace=True)
    return LocalStore.open(folder)
