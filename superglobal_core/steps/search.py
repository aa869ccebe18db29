"""The step `search`: descriptors to the best k of each query and the labelled images' ranks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.errors import UserError, naming
from superglobal_core.evaluation.alignment import rows_of
from superglobal_core.evaluation.average_precision import NOT_RETRIEVED
from superglobal_core.evaluation.ranks import LabelledRanks, labelled_pairs
from superglobal_core.features.store import FeatureStore, open_queries_and_database
from superglobal_core.files import sha256_of
from superglobal_core.results import check_outputs, record_path, recorded
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.index_finder import IndexFinder
from superglobal_core.steps.inputs import descriptor_inputs, given_files
from superglobal_core.steps.shortlists import most_labelled


def search_step(
    queries: str | Path,
    databases: Sequence[str | Path],
    k: int,
    out: str | Path,
    groundtruth: str | Path | None = None,
    device: str = "auto",
    spare: bool = False,
    index: str | Path | None = None,
    effort: int | None = None,
) -> Ranking:
    """Search and write the ranking to `out` (`.npz`), its record beside it.

    With a ground truth the rows of the result follow its queries, and the rank of every labelled
    image in the whole database is counted in the same pass. With `spare` as many more places are
    kept as junk can take, so that `k` are left without it.

    index: an approximate index of the database, searched in its place with `effort` (nprobe, efSearch). Then
    ranks are places among the `k`: labelled images beyond count as not retrieved.
    """
    if spare and groundtruth is None:
        raise UserError("--spare needs the --groundtruth that says which images are junk")
    if effort is not None and index is None:
        raise UserError("--effort is an approximate search's: give its --index too")
    sources = [queries, *databases, *(path for path in (groundtruth, index) if path)]
    check_outputs(out, [*sources, *([record_path(index)] if index else [])])
    with recorded("search", out) as facts:
        query_store, database = open_queries_and_database(queries, databases)
        if spare and groundtruth is not None:
            k += most_labelled(load_groundtruth(groundtruth))
        finder = None if index is None else IndexFinder.open(index, database, effort)
        ranking = rank(query_store, database, k, groundtruth, device, finder).named(database.ids)
        ranking.save(out)
        facts.update(facts_of(ranking))
        facts["inputs"] = [
            *given_files(ground_truth=groundtruth, index=index),
            *descriptor_inputs("queries", [queries], query_store),
            *descriptor_inputs("database", databases, database),
        ]
    return ranking


def rank(
    query_store: FeatureStore,
    database: FeatureStore,
    k: int,
    groundtruth: str | Path | None,
    device: str,
    finder: IndexFinder | None = None,
) -> Ranking:
    """Search opened descriptors, exactly or with what finds approximately: see `search_step`."""
    # Here, because steps that only look at rankings can do without torch.
    from superglobal_core.search.exact import search

    find = partial(search, device=device) if finder is None else finder
    about: dict[str, Any] = {
        "queries": len(query_store),
        "database": len(database),
        "descriptor": database.descriptor or query_store.descriptor,
        "method": "none",
        "parameters": {"k": min(k, len(database))},
        "protocol": reading_protocol(query_store, database) | (finder.protocol if finder else {}),
        "distractors": None,
        "queries_digest": query_store.digest(),
        "database_digest": database.digest(),
    }
    if groundtruth is None:
        result = find(query_store.all_rows(), database, k)
        about["left_out"] = database.skipped
        return Ranking(result.indices, result.scores, about, query_store.ids, database.ids)
    truth = load_groundtruth(groundtruth)
    with naming(groundtruth):
        matrix = query_store[query_rows(query_store, truth)]
        image_rows = rows_of(truth.image_names, database.ids, len(database), "database", database.skipped)
    query, image = labelled_pairs(truth.queries)
    rows = image_rows[image]
    result = find(matrix, database, k, labelled=(query, rows))
    assert result.labelled_ranks is not None
    ranks = np.where(rows < 0, NOT_RETRIEVED, result.labelled_ranks)
    about |= {
        "queries": len(matrix),
        "distractors": len(database) - int(np.count_nonzero(image_rows >= 0)),
        "groundtruth_sha256": sha256_of(groundtruth),
        "images_left_out": int(np.count_nonzero(image_rows < 0)),
    }
    return Ranking(
        result.indices, result.scores, about, labelled=LabelledRanks(query, image, ranks), rows=rows
    )


def reading_protocol(query_store: FeatureStore, database: FeatureStore) -> dict[str, Any]:
    """Return the protocol switches of reading the images, as far as the descriptors say."""
    descriptor = database.descriptor or query_store.descriptor or {}
    switches = ("crop_rounding", "colour", "exif", "resize")
    return {"query_crop": query_store.cropped} | {name: descriptor.get(name) for name in switches}


def query_rows(query_store: FeatureStore, truth: GroundTruth) -> np.ndarray:
    """Return the stored row of each of the ground truth's queries."""
    return rows_of(truth.query_names, query_store.ids, len(query_store), "set of queries", exactly=True)


def facts_of(ranking: Ranking) -> dict[str, Any]:
    """Return what a ranking says of itself in the form a record wants."""
    about = ranking.about
    return {
        "descriptor": about.get("descriptor"),
        "method": about.get("method"),
        "distractors": about.get("distractors"),
        "parameters": {
            **about.get("parameters", {}),
            "queries": about.get("queries"),
            "database": about.get("database"),
        },
        "protocol": {
            **about.get("protocol", {}),
            "shortlist": about.get("shortlist", "raw"),
            "ties": "ascending index",
        },
    }
