"""The step `hand-over`: what a program is given, as a folder of plain files."""

from __future__ import annotations

import contextlib
import csv
import io
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from superglobal_core.data.boxes import load_boxes
from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.data.images import list_images
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.features.store import FeatureStore, open_queries_and_database
from superglobal_core.files import TEMPORARY_PREFIX, make_folder, write_json, write_npy, write_text
from superglobal_core.reasons import reason_in, write_reason
from superglobal_core.steps.rerank import load_first
from superglobal_core.steps.search import query_rows
from superglobal_core.steps.shortlists import Shortlist

Stage = Literal["reranker", "search"]
ABOUT = "about.json"
# Rows copied at a time.
ROWS = 8192


def hand_over_step(
    queries: str | Path,
    databases: Sequence[str | Path],
    out: str | Path,
    *,
    search: str | Path,
    groundtruth: str | Path,
    stage: Stage = "reranker",
    shortlist: int = 400,
    local_queries: Sequence[str | Path] = (),
    local_database: Sequence[str | Path] = (),
) -> str | None:
    """Write the folder `out` for a program, whole or not at all.

    For both stages queries.npy (Q, D) float32, in the ground truth's order, query_names.txt and about.json;
    for a reranker shortlist.npy (Q, M) database rows, best first, similarities.npy (Q, M), candidates.npy
    (Q, M, D) and candidate_names.tsv; for a search database.npy (N, D) and database_names.txt.

    Returns:
        Why there is nothing to hand over, where the search says so; it is then all that about.json says.

    Raises:
        UserError: when files are absent, damaged, or do not fit each other.
    """
    if stage not in get_args(Stage):
        raise unknown_name("stage", stage, get_args(Stage))
    if shortlist < 1:
        raise UserError(f"--shortlist is {shortlist}: at least 1 is needed")
    reason = reason_in(search)
    with _whole_folder(out) as folder:
        if reason is not None:
            write_reason(folder / ABOUT, reason)
            return reason
        query_store, database = open_queries_and_database(queries, databases)
        truth = load_groundtruth(groundtruth)
        first = load_first(search, query_store, database, 1, groundtruth)
        names = database_names(database, truth)
        write_npy(folder / "queries.npy", query_store[query_rows(query_store, truth)].astype(np.float32))
        write_text(folder / "query_names.txt", _lines(truth.query_names))
        if stage == "reranker":
            chosen = Shortlist.first(first, shortlist)
            rows = chosen.indices
            write_npy(folder / "shortlist.npy", rows)
            write_npy(folder / "similarities.npy", chosen.scores.astype(np.float32))
            _write_rows(folder / "candidates.npy", database, rows)
            write_text(
                folder / "candidate_names.tsv",
                _lines("\t".join(names[row] for row in places) for places in rows.tolist()),
            )
        else:
            _write_rows(folder / "database.npy", database, np.arange(len(database)))
            write_text(folder / "database_names.txt", _lines(names))
        write_json(
            folder / ABOUT,
            {
                "stage": stage,
                "queries": len(truth.query_names),
                "database": len(database),
                "dimension": int(database.shape[1]),
                "shortlist": int(first.indices[:, :shortlist].shape[1]) if stage == "reranker" else None,
                "distractors": first.about.get("distractors"),
                "local_queries": [str(Path(path).resolve()) for path in local_queries],
                "local_database": [str(Path(path).resolve()) for path in local_database],
            },
        )
    return None


def hand_over_images_step(images: str | Path, out: str | Path, boxes: str | Path | None = None) -> int:
    """Write the folder `out` with images.tsv: id, path and box (x1 y1 x2 y2) of each image; return how many.

    Raises:
        UserError: when images or boxes are absent.
    """
    files = list_images(images)
    found = load_boxes(boxes, [file.id for file in files]) if boxes is not None else {}
    table = io.StringIO()
    writer = csv.writer(table, delimiter="\t", lineterminator="\n")
    writer.writerow(("id", "path", "x1", "y1", "x2", "y2"))
    for file in files:
        writer.writerow((file.id, file.path.resolve(), *found.get(file.id, ("",) * 4)))
    with _whole_folder(out) as folder:
        write_text(folder / "images.tsv", table.getvalue())
    return len(files)


def database_names(database: FeatureStore, truth: GroundTruth) -> Sequence[str]:
    """Return the image names of a database's rows, empty for distractors without."""
    if database.ids is not None:
        return database.ids
    # Descriptors without names are in the ground truth's order, what follows are distractors.
    return [*truth.image_names, *[""] * (len(database) - len(truth.image_names))]


def _write_rows(path: Path, database: FeatureStore, rows: np.ndarray) -> None:
    """Write database rows as float32, piece by piece: all of them may not fit into memory."""
    shape = (*rows.shape, database.shape[1])
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    flat, wanted = array.reshape(-1, database.shape[1]), rows.reshape(-1)
    for start in range(0, len(wanted), ROWS):
        flat[start : start + ROWS] = database[wanted[start : start + ROWS]]
    array.flush()


def _lines(lines: Iterator[str] | Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


@contextlib.contextmanager
def _whole_folder(out: str | Path) -> Iterator[Path]:
    """Give a folder that takes the name `out` only when the block ends without an error."""
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise UserError(f"cannot write the folder {out}: a file has its name")
    make_folder(out.parent)
    with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=out.parent) as temporary:
        folder = Path(temporary) / out.name
        folder.mkdir()
        try:
            yield folder
            if out.is_dir():
                shutil.rmtree(out)
            folder.replace(out)
        except OSError as error:
            raise UserError(
                f"cannot write the folder {out}: {error.strerror or error}; free space or choose another place"
            ) from error
