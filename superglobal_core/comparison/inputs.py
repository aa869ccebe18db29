"""What all methods are timed on: descriptors, the same shortlists, and pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from superglobal_core.data.boxes import Box
from superglobal_core.data.images import ImageFile
from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError, name_list
from superglobal_core.features.store import FeatureStore, open_queries_and_database
from superglobal_core.search.exact import search


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Image files behind the rows: of the timed queries with their boxes, and of the database.

    note: what they are when they are not the images that the descriptors were made of.
    """

    queries: Sequence[ImageFile]
    database: Sequence[ImageFile]
    boxes: dict[str, Box] | None = None
    note: str | None = None

    def query(self, number: int) -> ImageFile:
        """Return the picture of a query."""
        return self.queries[number % len(self.queries)]

    def box(self, number: int) -> Box | None:
        """Return the box of a query in its picture."""
        return self.boxes.get(self.query(number).id) if self.boxes else None

    def row(self, row: int) -> ImageFile:
        """Return the picture of a database row: a few pictures stand for all rows if need be."""
        return self.database[row % len(self.database)]


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Timed queries (Q, D), the opened database, and for each query its best rows and similarities (Q, M).

    query_rows: which rows of the given queries the timed ones are; query_ids: their names;
    given_queries: how many were given.
    """

    queries: np.ndarray
    query_rows: Sequence[int]
    given_queries: int
    query_ids: Sequence[str] | None
    database: FeatureStore
    shortlist: np.ndarray
    similarities: np.ndarray
    device: str

    @property
    def count(self) -> int:
        """Number of timed queries."""
        return len(self.queries)

    @cached_property
    def resident(self) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, shortlisted rows (n, D) and the shortlists' places in them, in memory, on the device."""
        rows, places = np.unique(self.shortlist, return_inverse=True)
        device = choose_device(self.device)
        database = torch.from_numpy(np.asarray(self.database[rows], np.float32)).to(device)
        shortlist = torch.from_numpy(places.reshape(self.shortlist.shape)).to(device)
        return torch.from_numpy(self.queries).to(device), database, shortlist


def open_inputs(
    queries: str | Path, databases: Sequence[str | Path], longest: int, most_queries: int, device: str
) -> Inputs:
    """Open descriptors and search the shortlists that all methods share.

    longest: candidates of the longest shortlist; most_queries: queries that are timed, evenly spaced.

    Raises:
        UserError: when files are absent, damaged or do not fit each other.
    """
    query_store, database = open_queries_and_database(queries, databases)
    rows = np.unique(
        np.linspace(0, len(query_store) - 1, min(most_queries, len(query_store))).astype(np.int64)
    )
    matrix = np.asarray(query_store[rows], np.float32)
    found = search(matrix, database, min(longest, len(database)), device=device)
    ids = query_store.ids
    return Inputs(
        matrix,
        rows.tolist(),
        len(query_store),
        None if ids is None else [ids[row] for row in rows],
        database,
        found.indices.astype(np.int64),
        found.scores,
        device,
    )


def pictures_of(
    inputs: Inputs, queries: Sequence[ImageFile], database: Sequence[ImageFile], boxes: dict[str, Box] | None
) -> Pictures:
    """Return the images of the inputs' rows, found by their ids, or, without ids, by their order.

    Raises:
        UserError: when images are missing.
    """
    found = _aligned(queries, inputs.query_ids, inputs.given_queries, "queries")
    if inputs.query_ids is None:
        found = [found[row] for row in inputs.query_rows]
    ids = inputs.database.ids
    return Pictures(found, _aligned(database, ids, len(inputs.database), "database"), boxes)


def _aligned(
    files: Sequence[ImageFile], ids: Sequence[str] | None, rows: int, what: str
) -> Sequence[ImageFile]:
    if ids is None:
        if len(files) < rows:
            raise UserError(f"there are {len(files)} images for the {rows} rows of the {what}: name them all")
        return files[:rows]
    by_id = {file.id: file for file in files}
    absent = [name for name in ids if name not in by_id]
    if absent:
        raise UserError(f"{len(absent)} images of the {what} are missing: {name_list(absent, 5)}")
    return [by_id[name] for name in ids]
