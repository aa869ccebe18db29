"""Several folders of shards made into one, or into a subset of their images."""

from __future__ import annotations

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
    if lines is not None and store.ids is None:
        raise UserError(
            f"{store.name} has no image names to look for in {listed}: gather it without the list"
        )
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
        shards = _copies(rows)
    else:
        shards = list(_shard_by_shard(store, rows))
    _clear(out)
    _write(shards, store, names, out)
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


@dataclasses.dataclass(frozen=True)
class _Shard:
    """Rows of the parts that make a new shard: those of a whole old one, or any."""

    rows: np.ndarray
    whole: Segment | None = None
    skipped: Sequence[Mapping[str, str]] = ()


def _shard_by_shard(store: FeatureStore, rows: np.ndarray) -> Iterator[_Shard]:
    cuts = np.searchsorted(rows, store.starts)
    for number, segment in enumerate(store.segments):
        mine = rows[cuts[number] : cuts[number + 1]]
        if len(mine) == len(segment.array):
            yield _Shard(mine, segment)
        else:
            skipped = (segment.sidecar or {}).get("skipped", ())
            first, *others = _copies(mine) or [_Shard(mine)]
            yield dataclasses.replace(first, skipped=skipped)
            yield from others


def _copies(rows: np.ndarray) -> list[_Shard]:
    return [_Shard(rows[start : start + SHARD_ROWS]) for start in range(0, len(rows), SHARD_ROWS)]


def _write(shards: Sequence[_Shard], store: FeatureStore, names: Sequence[str], out: Path) -> None:
    firsts = np.cumsum([0, *(len(shard.rows) for shard in shards)])
    # From the last to the first: as long as one lacks, readers see that the folder is not whole.
    for number in reversed(range(len(shards))):
        shard, path = shards[number], out / shard_name(number)
        place = {"shard": number, "shards": len(shards), "first": int(firsts[number])}
        if shard.whole is not None:
            if shard.whole.sidecar is not None:
                said = read_json(shard.whole.source.with_suffix(".json"))
                kept = {key: said[key] for key in KEPT if key in said}
                write_json(path.with_suffix(".json"), place | kept)
            _link(shard.whole.source, path.with_suffix(".npy"))
        elif store.ids is None:
            write_npy(path.with_suffix(".npy"), store[shard.rows])
        else:
            about = place | {"descriptor": store.descriptor, "skipped": list(shard.skipped)}
            write_shard(path, [names[row] for row in shard.rows], store[shard.rows], about)
        store.release()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:
        # Another disk, or one without hard links.
        with source.open("rb") as old, atomic_write(target) as new:
            shutil.copyfileobj(old, new, 1 << 22)


def _clear(out: Path) -> None:
    """Remove what an earlier run wrote, so that nothing old is ever taken for new."""
    check_writable(out / USED)
    make_folder(out)
    try:
        for path in sorted(out.iterdir(), reverse=True):
            shard = SHARD_NAME.fullmatch(path.with_suffix(".npy").name)
            if shard or path.name in ("record.json", USED, MISSING) or path.name.startswith(TEMPORARY_PREFIX):
                path.unlink()
    except OSError as error:
        raise UserError(
            f"cannot change {out}: {error.strerror or error}; choose another folder to gather into"
        ) from error


def _names(store: FeatureStore) -> list[str]:
    """Return the images' names; rows of plain arrays, which have none, go by their numbers."""
    if store.ids is None:
        return [str(row) for row in range(len(store))]
    bare = [segment.source for segment in store.segments if segment.sidecar is None]
    if bare:
        raise UserError(f"{name_list(bare, 4)} has no image names, but other parts do: gather them apart")
    ids = list(store.ids)
    if len(set(ids)) < len(ids):
        seen: set[str] = set()
        twice = {name for name in ids if name in seen or seen.add(name)}  # type: ignore[func-returns-value]
        raise UserError(
            f"{len(twice)} images come twice in {store.name}: {name_list(sorted(twice))}; "
            "name every part once, and only parts without an image in common"
        )
    return ids


def _choose(rows: np.ndarray, names: Sequence[str], count: int, seed: int) -> np.ndarray:
    def place(row: int) -> bytes:
        return hashlib.sha256(f"{seed}/{names[row]}".encode()).digest()

    return np.sort(np.array(sorted(rows.tolist(), key=place)[:count], np.int64))


def _read_list(listed: Path) -> list[str]:
    try:
        lines = [line.strip() for line in listed.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise UserError(f"{listed} is no text file with one image path a line: correct --listed") from error
    except OSError as error:
        raise UserError(f"cannot read the list {listed}: {error.strerror or error}") from error
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise UserError(f"the list {listed} names no image: write one path a line")
    return lines


def _image_name(line: str) -> str:
    return PurePosixPath(line).stem


def _refuse_input(store: FeatureStore, out: Path) -> None:
    if any(segment.source.resolve().parent == out.resolve() for segment in store.segments):
        raise UserError(f"cannot gather into {out}: it is one of the parts; name another folder")
