"""The step `adopt-descriptors`: rows that a program left for a list of images, checked and made shards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from superglobal_core.data.images import list_images
from superglobal_core.errors import UserError
from superglobal_core.features.shards import write_shard
from superglobal_core.features.store import FeatureStore, shard_name
from superglobal_core.files import load_array, make_folder, sha256_of
from superglobal_core.reasons import KEY, CannotRunError, reason_in, reason_of
from superglobal_core.results import recorded
from superglobal_core.steps.inputs import descriptor_inputs, given_files

UNIT_TOLERANCE = 0.02


def adopt_descriptors_step(
    rows: str | Path,
    images: str | Path,
    out: str | Path,
    *,
    method: str,
    parameters: Mapping[str, Any],
    digest: str | None = None,
    boxes: str | Path | None = None,
    say_why: bool = False,
) -> str | None:
    """Write the descriptors (N, D) of a list of images to the folder `out`, with a `record.json`.

    rows: the `.npy` that was left; images: the list or folder that was handed over; digest: of the
    method's folder.

    Returns:
        With `say_why`, the reason why there are none, which is then in the record; None where there are.

    Raises:
        UserError: when files are absent; without `say_why` also when the rows are no descriptors.
    """
    files = list_images(images)
    out = Path(out)
    make_folder(out)
    descriptor = {"method": method, "parameters": dict(parameters), "digest": digest}
    reason = None
    with recorded("adopt-descriptors", out) as facts:
        facts.update(
            descriptor=descriptor,
            parameters={"images": len(files)},
            protocol={"query_crop": boxes is not None},
        )
        try:
            found = _checked(rows, len(files))
        except CannotRunError as error:
            if not say_why:
                raise
            reason = reason_of(error)
            facts["parameters"] = {KEY: reason}
            for old in out.glob("shard-*"):
                old.unlink()
        else:
            made_with = {"boxes_sha256": sha256_of(boxes) if boxes is not None else None}
            about = {"shard": 0, "shards": 1, "descriptor": descriptor, "made_with": made_with}
            write_shard(out / shard_name(0), [file.id for file in files], found, about)
            facts["inputs"] = [
                *descriptor_inputs("rows", [rows], FeatureStore.open(rows)),
                *given_files(images=images if Path(images).is_file() else None, boxes=boxes),
            ]
    return reason


def _checked(path: str | Path, count: int) -> np.ndarray:
    if (reason := reason_in(path)) is not None:
        raise CannotRunError(reason)
    try:
        rows = load_array(path)
    except UserError as error:
        raise CannotRunError(str(error)) from error
    name = Path(path).name
    if rows.ndim != 2 or not np.issubdtype(rows.dtype, np.floating) or rows.shape[1] < 1:
        raise CannotRunError(
            f"{name} holds {rows.dtype} values of the shape {rows.shape}: floats are needed, images x dimensions"
        )
    if len(rows) != count:
        raise CannotRunError(f"{name} has {len(rows)} rows for {count} images: one row an image is needed")
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    # A row of zeros is an image in which nothing was found.
    wrong = ~((np.abs(lengths - 1) <= UNIT_TOLERANCE) | (lengths == 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise CannotRunError(
            f"row {row} of {name} has the length {lengths[row]:.4g}: divide each row by its length"
        )
    return rows.astype(np.float32) if rows.dtype not in (np.float16, np.float32) else rows
