"""Planted descriptors on disk: ranges of rows as folders of shards, the queries, and the ground truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from superglobal_core.data.groundtruth import write_groundtruth
from superglobal_core.errors import UserError
from superglobal_core.features.planted import Planted, image_name, query_name
from superglobal_core.features.shards import write_shard
from superglobal_core.features.store import SHARD_NAME, shard_name
from superglobal_core.files import TEMPORARY_PREFIX, check_writable, make_folder, read_json, sha256_of
from superglobal_core.progress import Counter

QUERIES, GROUND_TRUTH = "queries", "gnd_planted.pkl"
# Says that a folder is finished: it goes before the first file is written.
RECORD = "record.json"


@dataclasses.dataclass(frozen=True)
class Drawn:
    """What was done: shards in all, and those found done."""

    shards: int
    found_done: int


def write_planted_rows(
    world: Planted, out: Path, first: int, last: int, shard_size: int, replace: bool = False
) -> Drawn:
    """Write the rows `first` ... `last` - 1 into a folder as shards; those that are there already are kept.

    Raises:
        UserError: for an empty range, an empty shard, a folder with other descriptors (unless `replace`,
            which draws those anew), or one that cannot be written.
    """
    if shard_size < 1:
        raise UserError(f"shard-size is {shard_size}: put at least one row into a shard")
    if not 0 <= first < last:
        raise UserError(
            f"there are no rows {first}..{last}: the first is 0, and the end comes after the start"
        )
    count = -(-(last - first) // shard_size)
    _clean(out, count, replace)

    def about(number: int) -> dict[str, Any]:
        start = first + number * shard_size
        rows = min(shard_size, last - start)
        place = {"shard": number, "shards": count, "first": start, "rows": rows}
        return place | {"descriptor": world.descriptor}

    # All are looked at first, so that a folder of others is refused as it was.
    done = [_is_done(out / shard_name(number), about(number), replace) for number in range(count)]
    if not all(done):
        (out / RECORD).unlink(missing_ok=True)
    with Counter("plant", last - first, "rows") as counter:
        for number, is_done in enumerate(done):
            facts = about(number)
            start, stop = facts["first"], facts["first"] + facts["rows"]
            if not is_done:
                ids = [image_name(row) for row in range(start, stop)]
                write_shard(out / shard_name(number), ids, world.rows(start, stop), facts)
            counter.advance(stop - start)
    return Drawn(count, sum(done))


def write_planted_queries(world: Planted, out: Path, replace: bool = False) -> Drawn:
    """Write the folder `queries` and the ground truth `gnd_planted.pkl` into `out`.

    Raises:
        UserError: for a folder with other descriptors (unless `replace`), or one that cannot be written.
    """
    folder = out / QUERIES
    _clean(folder, 1, replace)
    about = {"shard": 0, "shards": 1, "first": 0, "rows": world.queries, "descriptor": world.descriptor}
    path = folder / shard_name(0)
    done = _is_done(path, about, replace)
    if not done:
        (out / RECORD).unlink(missing_ok=True)
        write_shard(path, [query_name(number) for number in range(world.queries)], world.query_rows(), about)
    write_groundtruth(out / GROUND_TRUTH, world.groundtruth())
    return Drawn(1, int(done))


def _is_done(path: Path, about: Mapping[str, Any], replace: bool) -> bool:
    array, sidecar = path.with_suffix(".npy"), path.with_suffix(".json")
    if not (array.is_file() and sidecar.is_file()):
        return False
    try:
        found = read_json(sidecar)
    except UserError:
        found = None
    said = {key: found.get(key) for key in about} if isinstance(found, Mapping) else None
    if said != about:
        if replace:
            return False
        raise UserError(
            f"{array} holds other descriptors than those asked for: choose another --out, "
            "or draw them anew with --replace"
        )
    assert isinstance(found, Mapping)
    return sha256_of(array) == found.get("sha256")


def _clean(out: Path, count: int, replace: bool) -> None:
    """Remove what an interrupted run left; with `replace` also shards beyond the last."""
    check_writable(out / shard_name(0))
    make_folder(out)
    try:
        if replace:
            (out / RECORD).unlink(missing_ok=True)
        for path in out.iterdir():
            match = SHARD_NAME.fullmatch(path.with_suffix(".npy").name)
            if path.name.startswith(TEMPORARY_PREFIX) or (replace and match and int(match[1]) >= count):
                path.unlink()
    except OSError as error:
        raise UserError(
            f"cannot write into {out}: {error.strerror or error}; choose another --out"
        ) from error
