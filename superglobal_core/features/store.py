"""Descriptors on disk: one `.npy` file, or a folder of shards with their sidecars."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from superglobal_core.errors import UserError, name_list
from superglobal_core.features.cached_rows import FileKey, copy_cached, file_key
from superglobal_core.features.reading_ahead import for_torch, let_go, read_ahead
from superglobal_core.features.row_names import RowNames
from superglobal_core.files import load_array, read_json

if TYPE_CHECKING:
    from torch import Tensor

# What both NumPy and torch can hold.
DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8")
SHARD_NAME = re.compile(r"shard-(\d{5,})\.npy")


def shard_name(number: int) -> str:
    """Return a shard's file name without its extension.

    >>> shard_name(3)
    'shard-00003'
    """
    return f"shard-{number:05d}"


class Skipped(BaseModel):
    """An image that was left out."""

    id: str
    reason: str = ""


class Sidecar(BaseModel):
    """What must be right in a shard's sidecar before it is believed."""

    model_config = ConfigDict(extra="ignore")

    ids: list[str]
    descriptor: dict[str, Any]
    skipped: list[Skipped] = []
    made_with: dict[str, Any] | None = None
    sha256: str | None = None
    dtype: str | None = None
    shards: int | None = Field(None, ge=1, le=10_000_000)


@dataclasses.dataclass(frozen=True)
class Segment:
    """One array of descriptors (rows x dimension, memory-mapped) and what its sidecar says of it.

    key: of the file that is mapped as a whole; None for other arrays.
    """

    array: np.ndarray
    source: Path
    sidecar: dict[str, Any] | None = None
    key: FileKey | None = None


class FeatureStore:
    """Descriptors of many images, as rows of one tall matrix that stays on disk.

    Behaves like a 2-D array as far as that is needed: `shape`, `dtype`, `len`, and rows by an
    integer array (`store[indices]`, a copy). `ids` are the image names where they are known.

    >>> store = FeatureStore.of_array(np.eye(3, dtype=np.float32))
    >>> store[np.array([2, 0])]
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """

    def __init__(self, segments: Sequence[Segment], name: str) -> None:
        self.segments, self.name = list(segments), name
        first = self.segments[0]
        for segment in self.segments[1:]:
            if segment.array.shape[1] != first.array.shape[1]:
                raise UserError(
                    f"{segment.source} has {segment.array.shape[1]} dimensions, but {first.source} has "
                    f"{first.array.shape[1]}: descriptors of one kind belong together"
                )
        self.starts = np.cumsum([0, *(len(segment.array) for segment in self.segments)])
        self.shape = (int(self.starts[-1]), int(first.array.shape[1]))
        self.dtype = np.result_type(*(segment.array.dtype for segment in self.segments)).newbyteorder("=")

    @classmethod
    def of_array(cls, array: np.ndarray, name: str = "array") -> FeatureStore:
        """Wrap an array of descriptors that is in memory, or memory-mapped."""
        return cls([Segment(_checked(array, name), Path(name))], name)

    @classmethod
    def open(cls, *paths: str | Path) -> FeatureStore:
        """Open `.npy` files and folders of shards, one after the other, as one matrix.

        Raises:
            UserError: when a path is absent or damaged, an extraction unfinished, or the parts
                differ in dimension or in how they were made.
        """
        if not paths:
            raise UserError("no descriptors were named")
        segments = [segment for path in paths for segment in _open_path(Path(path))]
        store = cls(segments, ", ".join(map(str, paths)))
        store.descriptor  # noqa: B018  refuses a mixture at once
        return store

    def __len__(self) -> int:
        return self.shape[0]

    def will_read(self, start: int, stop: int) -> None:
        """Ask the system to bring rows into memory that are read soon; it does so while others are worked on."""
        for segment, first, last in self._within(start, stop):
            read_ahead(segment.array, np.array([first]), last - first)

    def release(self, start: int = 0, stop: int | None = None) -> None:
        """Let go of the pages of rows (all by default) that were read: they count as this process's memory."""
        for segment, first, last in self._within(start, len(self) if stop is None else stop):
            let_go(segment.array, first, last)

    def _within(self, start: int, stop: int) -> Iterator[tuple[Segment, int, int]]:
        """Yield the segments that hold rows of a range, with the part of theirs that lies in it."""
        first, last = max(start, 0), min(stop, len(self))
        number = int(np.searchsorted(self.starts, first, side="right")) - 1
        while first < last:
            here, after = int(self.starts[number]), int(self.starts[number + 1])
            if first < after:
                yield self.segments[number], first - here, min(last, after) - here
                first = min(last, after)
            number += 1

    def all_rows(self) -> np.ndarray:
        """Return the whole matrix in memory: for queries, which are few."""
        return self[np.arange(len(self))]

    @property
    def ids(self) -> RowNames | None:
        """Image names, one a row; None when no part has a sidecar, empty for rows of a part without."""
        if all(segment.sidecar is None for segment in self.segments):
            return None
        return RowNames(
            [
                segment.sidecar["ids"] if segment.sidecar else [""] * len(segment.array)
                for segment in self.segments
            ]
        )

    def digest(self) -> str:
        """Return a digest of the matrix: its shape and at most 64 of its rows, evenly spaced."""
        rows = np.unique(np.linspace(0, len(self) - 1, 64).astype(np.int64))
        content = hashlib.sha256(repr((self.shape, str(self.dtype))).encode())
        content.update(np.ascontiguousarray(self[rows]).tobytes())
        return content.hexdigest()[:16]

    @property
    def skipped(self) -> list[str]:
        """Names of images that were left out when the descriptors were made."""
        sidecars = [segment.sidecar for segment in self.segments if segment.sidecar]
        return [str(entry["id"]) for sidecar in sidecars for entry in sidecar.get("skipped", ())]

    @property
    def cropped(self) -> bool | None:
        """Whether only a box of each image was described; None when the descriptors do not say."""
        made = [(segment.sidecar or {}).get("made_with") or {} for segment in self.segments]
        said = {facts["boxes_sha256"] is not None for facts in made if "boxes_sha256" in facts}
        return said.pop() if len(said) == 1 else None

    @property
    def descriptor(self) -> dict[str, Any] | None:
        """What the descriptors are (from the sidecars); None when no part says."""
        known = [
            (segment.source, segment.sidecar["descriptor"]) for segment in self.segments if segment.sidecar
        ]
        for source, descriptor in known[1:]:
            refuse_mixture(known[0][1], str(known[0][0]), descriptor, str(source))
        return known[0][1] if known else None

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows)
        flat = rows.reshape(-1)
        if len(flat) and (flat.min() < 0 or flat.max() >= len(self)):
            raise IndexError(f"row outside 0 to {len(self) - 1}")
        out = np.empty((len(flat), self.shape[1]), self.dtype)
        # In ascending order the disk is read in one direction.
        order = np.argsort(flat, kind="stable")
        cuts = np.searchsorted(flat[order], self.starts)
        for number in np.flatnonzero(np.diff(cuts)).tolist():
            places, array = order[cuts[number] : cuts[number + 1]], self.segments[number].array
            inside = flat[places] - self.starts[number]
            left = copy_cached(array, self.segments[number].key, inside, out, places)
            if len(left):
                places, inside = places[left], inside[left]
                read_ahead(array, inside)
                out[places] = array[inside]
                # The system takes in the surroundings of each row, too: many times the bytes that were asked for.
                let_go(array, int(inside[0]), int(inside[-1]) + 1)
        return out.reshape(*rows.shape, self.shape[1])

    def read_into(self, buffer: Tensor, start: int) -> int:
        """Copy the rows from `start` on into `buffer` (n, D), cast to its dtype; return how many there were."""
        import torch

        at = 0
        for segment, first, last in self._within(start, start + len(buffer)):
            part = segment.array[first:last]
            if min(part.strides) < 0 or not part.dtype.isnative:
                part = part.astype(part.dtype.newbyteorder("="))  # torch takes neither as it is
            buffer[at : at + len(part)].copy_(torch.from_numpy(for_torch(part)))
            at += len(part)
        return at


def open_queries_and_database(
    queries: str | Path, databases: Sequence[str | Path]
) -> tuple[FeatureStore, FeatureStore]:
    """Open the queries and the database, and refuse them when their descriptors are not of one kind."""
    query_store, database = FeatureStore.open(queries), FeatureStore.open(*databases)
    if query_store.descriptor and database.descriptor:
        refuse_mixture(query_store.descriptor, query_store.name, database.descriptor, database.name)
    if query_store.shape[1] != database.shape[1]:
        raise UserError(
            f"{query_store.name} and {database.name}: the queries have {query_store.shape[1]} dimensions and the "
            f"database {database.shape[1]}: extract both with the same network"
        )
    return query_store, database


def refuse_mixture(one: dict[str, Any], one_name: str, other: dict[str, Any], other_name: str) -> None:
    """Raise a UserError that names the first differing settings when two descriptors are not of one kind."""
    different = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    if different:
        shown = "; ".join(f"{key}: {one.get(key)!r} and {other.get(key)!r}" for key in sorted(different)[:3])
        raise UserError(
            f"{one_name} and {other_name} hold descriptors made in different ways ({shown}): extract both alike"
        )


def refuse_incomplete(folder: Path, numbers: Collection[int], expected: int) -> None:
    """Raise a UserError when a folder's shards are not just those numbered from 0 to `expected` - 1."""
    missing = [shard_name(number) for number in range(expected) if number not in numbers]
    if missing:
        raise UserError(
            f"{folder} lacks {len(missing)} of {expected} shards ({name_list(missing, 4)}): "
            "run the same extraction again, it goes on where it was"
        )
    if len(numbers) > expected:
        raise UserError(
            f"{folder} holds {len(numbers)} shards where {expected} belong: extract into an empty folder"
        )


def _open_path(path: Path) -> list[Segment]:
    if path.is_dir():
        return _open_folder(path)
    if path.suffix != ".npy" or not path.is_file():
        problem = "is neither a .npy file nor a folder of shards" if path.exists() else "does not exist"
        raise UserError(
            f"{path} {problem}: name descriptors made by `superglobal extract`, or an .npy of rows"
        )
    key = file_key(path)
    return [Segment(_checked(load_array(path, mmap=True), str(path)), path, key=key)]


def _open_folder(path: Path) -> list[Segment]:
    numbered = {int(match[1]): file for file in path.iterdir() if (match := SHARD_NAME.fullmatch(file.name))}
    if not numbered:
        raise UserError(f"the folder {path} holds no shards (shard-00000.npy ...): extract into it first")
    segments = [_open_shard(numbered[number]) for number in sorted(numbered)]
    sidecars = [segment.sidecar for segment in segments if segment.sidecar is not None]
    if 0 < len(sidecars) < len(segments):
        bare = [segment.source.name for segment in segments if segment.sidecar is None]
        raise UserError(f"{path}: {name_list(bare, 4)} lacks the sidecar that others have: extract again")
    expected = max([sidecar["shards"] or 0 for sidecar in sidecars], default=0) or max(numbered) + 1
    refuse_incomplete(path, numbered, expected)
    if not any(len(segment.array) for segment in segments):
        raise UserError(f"{path} holds shards without a single descriptor: extract into it again")
    return segments


def _open_shard(file: Path) -> Segment:
    mapped = file_key(file)
    array = _checked(load_array(file, mmap=True), str(file), allow_empty=True)
    sidecar_path = file.with_suffix(".json")
    if not sidecar_path.exists():
        return Segment(array, file, key=mapped)
    sidecar = read_json(sidecar_path)
    try:
        sidecar = _believed(sidecar)
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"])) or "the whole"
        raise UserError(
            f"{sidecar_path} is not a shard's sidecar ('{key}' is wrong): extract the shard again"
        ) from error
    if len(sidecar["ids"]) != len(array) or str(array.dtype) != (sidecar["dtype"] or str(array.dtype)):
        raise UserError(f"{file} and its sidecar disagree in length or dtype: delete both and extract again")
    return Segment(array, file, sidecar, mapped)


def _believed(sidecar: Any) -> dict[str, Any]:
    """Return what a sidecar says, checked by the model (ValidationError); its ids in one pass, for they are many."""
    ids = sidecar.get("ids") if isinstance(sidecar, dict) else None
    try:
        if not isinstance(ids, list):
            raise TypeError
        "".join(ids)  # the fastest way to see that all are text
    except TypeError:  # the model says what is wrong
        return Sidecar.model_validate(sidecar).model_dump()
    return Sidecar.model_validate(sidecar | {"ids": []}).model_dump() | {"ids": ids}


def _checked(array: np.ndarray, name: str, allow_empty: bool = False) -> np.ndarray:
    if array.ndim != 2 or array.shape[1] == 0 or (len(array) == 0 and not allow_empty):
        shape = " x ".join(map(str, array.shape)) or "a single number"
        raise UserError(f"{name} has the shape {shape}: descriptors are rows x dimensions, at least one row")
    if str(array.dtype.newbyteorder("=")) not in DTYPES:
        raise UserError(f"{name} holds {array.dtype} values: descriptors are {', '.join(DTYPES)}")
    return array
