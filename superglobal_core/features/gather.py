"""Several folders of shards made into one, or into a subset of their images."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from superglobal_core.errors import UserError, name_list
from superglobal_core.features.shards import write_shard
from superglobal_core.features.store import SHARD_NAME, FeatureStore, Segment, shard_name
from superglobal_core.files import (
    TEMPORARY_PREFIX,
    atomic_write,
    check_writable,
    make_folder,
    read_json,
    write_json,
    write_npy,
    write_text,
)

# Rows of a subset are copied this many at a time: 134 MB of 2048 float32 numbers a row.
SHARD_ROWS = 16_384

USED, MISSING = "images.txt", "missing.txt"
# What a sidecar says of the array itself; what else it says is about the extraction.
KEPT = ("rows", "dimension", "dtype", "sha256", "ids", "descriptor", "skipped")


@dataclasses.dataclass(frozen=True)
class Gathered:
    """What was gathered, in images.

    in_archives: described and undecodable together; of the described ones the list lacks
    `not_listed`. used: how many there are now; fewer than `asked` when there were no more.
    listed, missing: the list's lines, and those of them without a descriptor; None without a list.
    """

    listed: int | None
    in_archives: int
    undecodable: int
    not_listed: int
    missing: int | None
    used: int
    asked: int | None
    seed: int
    descriptor: dict[str, Any] | None

    @property
    def counts(self) -> dict[str, int | None]:
        """The numbers alone, by name."""
        return {key: value for key, value in vars(self).items() if key not in ("seed", "descriptor")}


def gather(
    parts: Sequence[Path],
    out: Path,
    *,
    count: int | None = None,
    seed: int = 0,
    listed: Path | None = None,
) -> Gathered:
    """Make one folder of shards of several, in their order; whole shards share the disk space.

    Also writes `images.txt`, the names of the images, and with a list `missing.txt`, its lines
    without a descriptor. The same input gives the same bytes; a folder left by an interruption is
    refused by its readers.

    count: take just that many images, chosen by the seed and each image's own name, so that
        neither the order of the parts nor other images matter, and a larger choice holds a smaller.
    listed: a text file of one path a line; images whose names it lacks are left out.

    Raises:
        UserError: when a part is damaged or of another kind, an image comes twice, none is left,
            or the folder cannot be written.
    """
    if count is not None and count < 1:
        raise UserError(f"the count is {count}: ask for at least one image, or leave it out for all")
    store = FeatureStore.open(*parts)
    _refuse_input(store, out)
    names = _names(store)
    lines = None if listed is None else _read_list(listed)
    rows = np.arange(len(names))
    if lines is not None:
        wanted = {_image_name(line) for line in lines}
        rows = np.array([row for row, name in enumerate(names) if name in wanted], np.int64)
        if not len(rows):
            raise UserError(f"{listed} names none of the {len(names)} images of {store.name}: correct it")
    described = set(names)
    undecodable = len(set(store.skipped) - described)
    not_listed = len(names) - len(rows)
    missing = None if lines is None else [line for line in lines if _image_name(line) not in described]
    if count is not None and count < len(rows):
        rows = _choose(rows, names, count, seed)
        shards = _Copies(store, names, rows).shards()
    else:
        shards = _whole_shards(store, names, rows)
    _clear(out)
    _write(shards, out)
    write_text(out / USED, "".join(f"{names[row]}\n" for row in rows))
    if missing is not None:
        write_text(out / MISSING, "".join(f"{line}\n" for line in missing))
    return Gathered(
        None if lines is None else len(lines),
        len(names) + undecodable,
        undecodable,
        not_listed,
        None if missing is None else len(missing),
        len(rows),
        count,
        seed,
        store.descriptor,
    )
