"""The step `evaluate`: a ranking or scores, and a ground truth, to mAP with its record."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.errors import UserError, naming
from superglobal_core.evaluation.alignment import rows_of
from superglobal_core.evaluation.protocol import PROTOCOLS, evaluate
from superglobal_core.files import check_writable, load_array, sha256_of, write_json
from superglobal_core.reasons import KEY, reason_in, write_reason
from superglobal_core.results import Stopwatch, file_input
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.inputs import given_files

TIES = "ascending index"


def evaluate_step(
    groundtruth: str | Path,
    out: str | Path,
    *,
    ranks: str | Path | None = None,
    scores: str | Path | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    suite: str | None = None,
    dataset: str | None = None,
) -> dict[str, Any]:
    """Evaluate and write `easy`, `medium`, `hard` and the `record` as JSON.

    Where `ranks` say why there is no ranking, the result says it too: `cannot_run` and the `record`.

    ranks: `.npy` (queries x places) or `.npz` of search or rerank; scores: `.npy` (queries x
    database). Exactly one of them.
    """
    if (ranks is None) == (scores is None):
        raise UserError("give either --ranks or --scores, one of them")
    if bootstrap < 0:
        raise UserError(f"--bootstrap is {bootstrap}: the number of resamples, 0 for no intervals")
    if seed < 0:
        raise UserError(f"--seed is {seed}: use zero or more")
    check_writable(out, [path for path in (groundtruth, ranks, scores) if path is not None])
    watch = Stopwatch()
    if ranks is not None and (reason := reason_in(ranks)) is not None:
        named = dataset or Path(groundtruth).stem.removeprefix("gnd_")
        unable = watch.record("evaluate", suite=suite, dataset=named).model_dump()
        write_reason(out, reason, record=unable)
        return {KEY: reason, "record": unable}
    truth, sha256 = load_groundtruth(groundtruth), sha256_of(groundtruth)
    about: dict[str, Any] = {}
    if scores is not None:
        inputs = scores_inputs(scores, truth)
        shape = inputs["scores"].shape
        about = {"database": shape[-1]} if shape else {}
    elif Path(str(ranks)).suffix == ".npz":
        ranking = Ranking.load(str(ranks))
        about = ranking.about
        inputs = ranking_inputs(ranking, truth, str(ranks), sha256)
    else:
        inputs = {"ranking": load_array(str(ranks), mmap=True)}
    with naming(ranks if ranks is not None else scores):
        results = evaluate(truth.queries, **inputs, bootstrap=bootstrap, seed=seed)
    record = watch.record(
        "evaluate",
        suite=suite,
        dataset=dataset or Path(groundtruth).stem.removeprefix("gnd_"),
        distractors=about.get("distractors"),
        descriptor=about.get("descriptor"),
        method=about.get("method"),
        parameters={**about.get("parameters", {}), "bootstrap": bootstrap},
        protocol={
            **about.get("protocol", {}),
            "shortlist": about.get("shortlist", "raw"),
            "ties": TIES,
            "database": about.get("database"),
            "images_left_out": about.get("images_left_out"),
            "groundtruth_sha256": sha256,
        },
        seed=seed,
        inputs=[
            file_input("ground truth", groundtruth, sha256),
            *given_files(ranking=ranks, scores=scores),
        ],
    )
    content = {name: result.as_dict() for name, result in results.items()} | {"record": record.model_dump()}
    write_json(out, content)
    return content


def scores_inputs(path: str | Path, truth: GroundTruth) -> dict[str, Any]:
    """Return what `evaluate` takes of a file of scores (UserError when it has too few columns)."""
    scores = load_array(path, mmap=True)
    if scores.ndim == 2 and scores.shape[1] < len(truth.image_names):
        raise UserError(
            f"{path} has {scores.shape[1]} columns, but the ground truth names {len(truth.image_names)} images: "
            "give one column an image, in its order"
        )
    return {"scores": scores}


def ranking_inputs(
    ranking: Ranking, truth: GroundTruth, path: str, groundtruth_sha256: str
) -> dict[str, Any]:
    """Return what `evaluate` takes of a ranking: its labelled ranks, or its indices as images of the list.

    path: the file, for messages.

    Raises:
        UserError: when the ranking was made with another ground truth, or contradicts itself.
    """
    if ranking.labelled is not None:
        if ranking.about.get("groundtruth_sha256") != groundtruth_sha256:
            raise UserError(
                f"{path} was searched with another ground truth: search again with this --groundtruth"
            )
        ranks = ranking.labelled
        if ranking.protocol_ranks is None:
            return {"labelled_ranks": ranks}
        by_protocol = {
            name: dataclasses.replace(ranks, rank=rank) for name, rank in ranking.protocol_ranks.items()
        }
        if set(by_protocol) != set(PROTOCOLS) or any(
            rank.shape != ranks.rank.shape for rank in ranking.protocol_ranks.values()
        ):
            raise UserError(f"{path}: its ranks by protocol are incomplete: make the file again")
        return {"labelled_ranks": by_protocol}
    indices = ranking.indices
    if indices.ndim != 2 or not np.issubdtype(indices.dtype, np.integer):
        raise UserError(f"{path}: 'indices' must be integers, queries x places")
    if indices.min(initial=0) < -1:
        raise UserError(f"{path}: 'indices' begin at 0 (-1 marks an empty place), but one is {indices.min()}")
    if ranking.query_ids is not None and len(ranking.query_ids) != len(indices):
        raise UserError(
            f"{path} has {len(ranking.query_ids)} query_ids for {len(indices)} rows: make it again"
        )
    if ranking.query_ids is not None:
        indices = indices[rows_of(truth.query_names, ranking.query_ids, len(indices), "set of queries")]
    if ranking.database_ids is not None:
        if indices.max(initial=-1) >= len(ranking.database_ids):
            raise UserError(
                f"{path}: 'indices' go beyond its {len(ranking.database_ids)} database_ids: make it again"
            )
        left_out = ranking.about.get("left_out", ())
        indices = _image_indices(indices, truth, ranking.database_ids, left_out)
    return {"ranking": indices}


def _image_indices(
    indices: np.ndarray, truth: GroundTruth, database_ids: Sequence[str], left_out: Sequence[str]
) -> np.ndarray:
    """Turn database rows into indices of the ground truth's list; other images get indices behind it."""
    rows = rows_of(truth.image_names, database_ids, len(database_ids), "database", left_out)
    image_of_row = np.arange(len(database_ids), dtype=np.int64) + len(truth.image_names)
    known = rows >= 0
    image_of_row[rows[known]] = np.flatnonzero(known)
    return np.where(indices >= 0, image_of_row[indices], -1)
