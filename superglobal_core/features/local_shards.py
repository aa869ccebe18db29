"""Writing local features as shards: one file a field, the sidecar last; each shard whole or absent."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from superglobal_core.features.local_store import FieldLayout, field_file, stored_row_shape, stored_rows
from superglobal_core.features.shard_run import Bad
from superglobal_core.features.shards import ShardPlan
from superglobal_core.features.store import DTYPES
from superglobal_core.files import atomic_write, sha256_of, write_json


class LocalShardPlan(ShardPlan):
    """A plan whose shards are one file a field; the sidecar comes last and makes the shard count."""

    @contextlib.contextmanager
    def writing(self, number: int) -> Iterator[ShardFiles]:
        """Open a shard for writing: its files appear when the block ends without an error."""
        shard = ShardFiles(self.folder, number)
        with contextlib.ExitStack() as stack:
            shard.stack = stack
            yield shard
            shard.write_headers()
            # From here on the old shard, if any, is none; it may have had other fields.
            self._sidecar(number).unlink(missing_ok=True)
            for path in self.folder.glob(field_file(number, "*")):
                path.unlink(missing_ok=True)

    def finish(self, number: int, ids: Sequence[str], shard: ShardFiles, skipped: Sequence[Bad]) -> None:
        """Write the sidecar: from now on the shard is there."""
        facts = {
            "fields": {name: layout.model_dump() for name, layout in shard.layouts().items()},
            "ids": list(ids),
            "skipped": list(skipped),
        }
        write_json(self._sidecar(number), {**self.signature(number), **facts})

    def _paths(self, number: int) -> tuple[Path, ...]:
        return (self._sidecar(number),)

    def _whole(self, number: int, sidecar: Mapping[str, Any]) -> bool:
        fields = sidecar.get("fields")
        return isinstance(fields, dict) and all(
            (path := self.folder / field_file(number, name)).is_file()
            and isinstance(layout, dict)
            and sha256_of(path) == layout.get("sha256")
            for name, layout in fields.items()
        )


class ShardFiles:
    """The files of a shard under work: arrays go to disk as they come, a shard need not fit in memory."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.number = folder, number
        self.stack = contextlib.ExitStack()
        self.streams: dict[str, IO[bytes]] = {}
        self.dtypes: dict[str, np.dtype] = {}
        self.shapes: dict[str, list[list[int]]] = {}

    def add(self, features: Mapping[str, np.ndarray]) -> None:
        """Append an image's arrays."""
        if not self.streams:
            self._open(features)
        if features.keys() != self.streams.keys():
            raise ValueError(f"an extractor gave the fields {sorted(features)} after {sorted(self.streams)}")
        for name, array in features.items():
            shapes, dtype = self.shapes[name], self.dtypes[name]
            shape = list(array.shape)
            alike = not shapes or (
                len(shape) == len(shapes[0]) and (len(shape) != 2 or shape[1] == shapes[0][1])
            )
            if array.dtype != dtype or not shape or not alike:
                raise ValueError(
                    f"an extractor gave '{name}' as {array.dtype} {shape} after {dtype} {shapes[:1]}"
                )
            self.streams[name].write(np.ascontiguousarray(array).data)
            shapes.append(shape)

    def write_headers(self) -> None:
        """Say in every file how much came after all."""
        for name, stream in self.streams.items():
            stream.seek(0)
            self._header(name)

    def layouts(self) -> dict[str, FieldLayout]:
        """Describe the files, which have their names by now."""
        return {
            name: FieldLayout(
                dtype=str(self.dtypes[name]),
                shapes=shapes,
                bytes=_values(shapes) * self.dtypes[name].itemsize,
                sha256=sha256_of(self.folder / field_file(self.number, name)),
            )
            for name, shapes in self.shapes.items()
        }

    def _open(self, features: Mapping[str, np.ndarray]) -> None:
        for name, array in features.items():
            if not name.isidentifier() or str(array.dtype) not in DTYPES:
                raise ValueError(
                    f"an extractor gave a field '{name}' of {array.dtype}, which cannot be stored"
                )
            stream = self.stack.enter_context(atomic_write(self.folder / field_file(self.number, name)))
            self.streams[name], self.dtypes[name], self.shapes[name] = stream, array.dtype, []
            self._header(name, list(array.shape))

    def _header(self, name: str, like: list[int] | None = None) -> None:
        # NumPy leaves room in a header for the first axis to grow to any length, so that the final header is
        # as long as the first.
        shapes = self.shapes[name]
        rows = sum(map(stored_rows, shapes))
        shape = (rows, *stored_row_shape(shapes or [like or [0]]))
        description = {
            "descr": np.lib.format.dtype_to_descr(self.dtypes[name]),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(self.streams[name], description)


def _values(shapes: Iterable[Sequence[int]]) -> int:
    return sum(int(np.prod(shape, dtype=np.int64)) for shape in shapes)
