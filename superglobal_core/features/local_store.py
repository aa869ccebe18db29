"""Local features on disk: ragged arrays of many images, memory-mapped, a folder of shards with sidecars."""

from __future__ import annotations

import math
import mmap
import re
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from superglobal_core.errors import UserError, unknown_name
from superglobal_core.features.reading_ahead import read_ahead
from superglobal_core.features.store import DTYPES, Skipped, refuse_incomplete, refuse_mixture, shard_name
from superglobal_core.files import load_array, read_json

# Every mapping holds a file open, and a process may have about a thousand.
MOST_MAPPINGS = 256
_SIDECAR_NAME = re.compile(r"shard-(\d{5,})\.json")


def field_file(number: int, field: str) -> str:
    """Return the name of the file that holds a shard's field.

    >>> field_file(3, "keypoints")
    'shard-00003.keypoints.npy'
    """
    return f"{shard_name(number)}.{field}.npy"


class FieldLayout(BaseModel):
    """How one field of a shard is stored.

    shapes: the shape of every image's array. Arrays of one or two axes are stored one below the
        other; those of more axes flat, one after the other.
    """

    dtype: str
    shapes: list[list[int]]
    bytes: int = Field(ge=0)
    sha256: str


class LocalSidecar(BaseModel):
    """What must be right in the sidecar of a shard of local features before it is believed."""

    model_config = ConfigDict(extra="ignore")

    ids: list[str]
    descriptor: dict[str, Any]
    fields: dict[str, FieldLayout]
    skipped: list[Skipped] = []
    shards: int = Field(ge=1, le=10_000_000)
    made_with: dict[str, Any] | None = None


class LocalStore:
    """The local features of many images, by row or by id; nothing is read before it is used.

    `store[row]` is a dictionary of arrays by field name, views of memory-mapped files. `ids` are the
    image names, `about` what the features are, `kind` their kind.

    Example:
        store = LocalStore.open("features/rootsift/roxford5k/database")
        store[7]["descriptors"]  # (n, 128)
    """

    def __init__(self, shards: list[_Shard]) -> None:
        self._shards = shards
        self._starts = np.cumsum([0, *(len(shard.sidecar.ids) for shard in shards)])
        self.ids: list[str] = [name for shard in shards for name in shard.sidecar.ids]
        self.about: dict[str, Any] = shards[0].sidecar.descriptor
        self._mappings = _Mappings()

    @classmethod
    def open(cls, *folders: str | Path) -> LocalStore:
        """Open folders of shards, one after the other.

        Raises:
            UserError: when a folder is absent, unfinished or damaged, or the folders hold features of
                different kinds or settings.
        """
        if not folders:
            raise UserError("no folder of local features was named")
        shards = [shard for folder in folders for shard in _open_folder(Path(folder))]
        first = shards[0]
        for shard in shards[1:]:
            refuse_mixture(
                first.sidecar.descriptor, str(first.path), shard.sidecar.descriptor, str(shard.path)
            )
        return cls(shards)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} outside 0 to {len(self) - 1}")
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        shard, place = self._shards[number], int(row - self._starts[number])
        return {field: self._cut(shard, field, place) for field in shard.sidecar.fields}

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        return (self[row] for row in range(len(self)))

    def by_id(self, name: str) -> dict[str, np.ndarray]:
        """Return the features of the image of that name.

        Raises:
            UserError: when there is none, or more than one.
        """
        row = self._rows.get(name)
        if row is None:
            raise unknown_name("image", name, self.ids[:20])
        if row < 0:
            raise UserError(f"two images are named '{name}' among {self._shards[0].path.parent} and others")
        return self[row]

    @cached_property
    def _rows(self) -> dict[str, int]:
        rows: dict[str, int] = {}
        for row, name in enumerate(self.ids):
            rows[name] = -1 if name in rows else row  # -1 stands for several
        return rows

    @property
    def kind(self) -> str:
        """The kind of features: rootsift, xfeat, ..."""
        return str(self.about.get("kind"))

    @property
    def made_with(self) -> dict[str, Any] | None:
        """What the first shard was made with, beside the settings in `about`: code, boxes."""
        return self._shards[0].sidecar.made_with

    @property
    def skipped(self) -> list[str]:
        """Names of images that were left out when the features were made."""
        return [entry.id for shard in self._shards for entry in shard.sidecar.skipped]

    @property
    def bytes_per_image(self) -> float:
        """Mean bytes of an image's features; the files' headers and the sidecars do not count."""
        layouts = (layout for shard in self._shards for layout in shard.sidecar.fields.values())
        return sum(layout.bytes for layout in layouts) / max(len(self), 1)

    def files(self) -> list[Path]:
        """Return the files that hold the features, in the order of the rows."""
        return [shard.file(field) for shard in self._shards for field in shard.sidecar.fields]

    def release(self) -> None:
        """Let go of the pages that were read; they count as this process's memory until then."""
        self._mappings.release()

    def _cut(self, shard: _Shard, field: str, place: int) -> np.ndarray:
        array, shape = self._mappings.get(shard, field), shard.sidecar.fields[field].shapes[place]
        start, stop = shard.ends(field)[place : place + 2]
        read_ahead(array, np.array([start]), int(stop - start))
        return array[start:stop].reshape(shape)


class _Shard:
    """One shard: its sidecar, and where each image's part of a field begins and ends."""

    def __init__(self, path: Path, number: int, sidecar: LocalSidecar) -> None:
        self.path, self.number, self.sidecar = path, number, sidecar
        self._ends: dict[str, np.ndarray] = {}

    def file(self, field: str) -> Path:
        return self.path.parent / field_file(self.number, field)

    def ends(self, field: str) -> np.ndarray:
        if field not in self._ends:
            shapes = self.sidecar.fields[field].shapes
            self._ends[field] = np.cumsum([0, *(stored_rows(shape) for shape in shapes)])
        return self._ends[field]


class _Mappings:
    """The memory-mapped files, the most recently used ones kept."""

    def __init__(self) -> None:
        self._arrays: OrderedDict[tuple[Path, str], np.ndarray] = OrderedDict()

    def get(self, shard: _Shard, field: str) -> np.ndarray:
        key = (shard.path, field)
        if key not in self._arrays:
            file, layout = shard.file(field), shard.sidecar.fields[field]
            array = load_array(file, mmap=True)
            expected = (int(shard.ends(field)[-1]), *stored_row_shape(layout.shapes))
            if array.shape != expected or str(array.dtype) != layout.dtype:
                raise UserError(
                    f"{file} and its sidecar disagree in shape or dtype: delete both and extract again"
                )
            self._arrays[key] = array
            if len(self._arrays) > MOST_MAPPINGS:
                self._arrays.popitem(last=False)
        self._arrays.move_to_end(key)
        return self._arrays[key]

    def release(self) -> None:
        for array in self._arrays.values():
            mapped = getattr(array, "_mmap", None)
            if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
                mapped.madvise(mmap.MADV_DONTNEED)


def rows_in(store: LocalStore, ids: Sequence[str] | None, rows: int, what: str) -> list[int]:
    """Return the store's row of each image, by its id, or, without ids or one, in their order.

    Raises:
        UserError: when images are missing from the store, or it has two of one name.
    """
    if (ids is None or "" in ids) and len(store) < rows:
        raise UserError(f"the local features have {len(store)} images for {rows} {what}: extract all")
    if ids is None:
        return list(range(rows))
    places = {name: row for row, name in enumerate(store.ids)}
    absent = [name for name in ids if name and name not in places]
    if absent:
        raise UserError(
            f"the local features lack {len(absent)} of {rows} {what}, the first {absent[0]}: "
            "extract them of the same images"
        )
    if len(places) < len(store):
        counts = Counter(store.ids)
        twice = [name for name in ids if counts[name] > 1]
        if twice:
            raise UserError(
                f"the local features have two images named '{twice[0]}': name each folder once, "
                "and rename images that share a name"
            )
    return [places[name] if name else row for row, name in enumerate(ids)]


def stored_rows(shape: list[int] | tuple[int, ...]) -> int:
    """Return how many rows an image's array takes in its shard's file: (n, d) takes n, (C, h, w) all its values.

    >>> stored_rows((7, 128)), stored_rows((3, 2, 2))
    (7, 12)
    """
    return shape[0] if len(shape) <= 2 else math.prod(shape)


def stored_row_shape(shapes: list[list[int]]) -> tuple[int, ...]:
    """Return the shape of one row in a shard's file.

    >>> stored_row_shape([[7, 128], [3, 128]]), stored_row_shape([[3, 2, 2]])
    ((128,), ())
    """
    return tuple(shapes[0][1:]) if len(shapes[0]) <= 2 else ()


def _open_folder(folder: Path) -> list[_Shard]:
    if not folder.is_dir():
        problem = "is no folder" if folder.exists() else "does not exist"
        raise UserError(f"{folder} {problem}: name a folder of local features")
    numbered = {
        int(match[1]): file for file in folder.iterdir() if (match := _SIDECAR_NAME.fullmatch(file.name))
    }
    if not numbered:
        raise UserError(f"the folder {folder} holds no shards of local features: extract into it first")
    shards = [_open_shard(numbered[number], number) for number in sorted(numbered)]
    refuse_incomplete(folder, numbered, max(shard.sidecar.shards for shard in shards))
    if not any(shard.sidecar.ids for shard in shards):
        raise UserError(f"{folder} holds shards without a single image: extract into it again")
    return shards


def _open_shard(path: Path, number: int) -> _Shard:
    content = read_json(path)
    if isinstance(content, dict) and "descriptor" in content and "fields" not in content:
        raise UserError(f"{path.parent} holds global descriptors where local features are wanted")
    try:
        sidecar = LocalSidecar.model_validate(content)
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"])) or "the whole"
        raise UserError(
            f"{path} is not a sidecar of local features ('{key}' is wrong): extract the shard again"
        ) from error
    shard = _Shard(path, number, sidecar)
    for field, layout in sidecar.fields.items():
        if not _consistent(layout, len(sidecar.ids)):
            raise UserError(
                f"{path} is not a sidecar of local features ('{field}' is wrong): extract the shard again"
            )
        if not shard.file(field).is_file():
            raise UserError(f"{shard.file(field)} is missing: delete {path.name} and extract again")
    return shard


def _consistent(layout: FieldLayout, images: int) -> bool:
    shapes = layout.shapes
    if layout.dtype not in DTYPES or len(shapes) != images or not images:
        return False
    if not all(shape and min(shape) >= 0 for shape in shapes):
        return False
    if len({len(shape) for shape in shapes}) > 1 or (
        len(shapes[0]) == 2 and len({shape[1] for shape in shapes}) > 1
    ):
        return False
    return layout.bytes == sum(map(math.prod, shapes)) * np.dtype(layout.dtype).itemsize
