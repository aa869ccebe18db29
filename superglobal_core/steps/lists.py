"""The step `lists`: which files are a ground truth's query and database images, in its order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.data.images import list_images
from superglobal_core.errors import UserError, name_list
from superglobal_core.files import write_text


def lists_step(
    groundtruth: str | Path, query_images: str | Path, database_images: str | Path, out: str | Path
) -> None:
    """Write `out`/queries.txt and `out`/database.txt, one path a line, relative to `out`.

    Raises:
        UserError: naming the images that a folder lacks.
    """
    truth = load_groundtruth(groundtruth)
    out = Path(out)
    for split, folder, names in (
        ("queries", query_images, truth.query_names),
        ("database", database_images, truth.image_names),
    ):
        write_text(out / f"{split}.txt", "".join(f"{path}\n" for path in _paths(Path(folder), names, out)))


def _paths(folder: Path, names: Sequence[str], out: Path) -> list[str]:
    by_id = {file.id: file.path for file in list_images(folder)}
    absent = [name for name in names if name not in by_id]
    if absent:
        raise UserError(
            f"{folder} lacks {len(absent)} of the {len(names)} images of the ground truth: {name_list(absent)}"
        )
    return [os.path.relpath(by_id[name], out) for name in names]
