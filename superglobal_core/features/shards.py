"""Writing descriptors as shards: each whole or absent, each saying what it is."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from superglobal_core.data.images import ImageFile
from superglobal_core.errors import UserError, name_list
from superglobal_core.features.store import shard_name
from superglobal_core.files import (
    TEMPORARY_PREFIX,
    check_writable,
    read_json,
    sha256_of,
    sha256_of_npy,
    write_json,
    write_npy,
)

# Any file of a shard: descriptors, one of several fields of local features, or the sidecar.
_SHARD_FILE = re.compile(r"shard-(\d{5,})(\.\w+)?\.(npy|json)")


def write_shard(path: Path, ids: Sequence[str], array: np.ndarray, about: Mapping[str, Any]) -> None:
    """Write a shard (`path` without extension): the sidecar first, so that no array is ever without one."""
    array_path, sidecar = path.with_suffix(".npy"), path.with_suffix(".json")
    facts = {
        "rows": len(array),
        "dimension": int(array.shape[1]),
        "dtype": str(array.dtype),
        "sha256": sha256_of_npy(array),
        "ids": list(ids),
    }
    # An older array must not be taken for what the new sidecar describes.
    with contextlib.suppress(OSError):
        array_path.unlink()
    write_json(sidecar, {**about, **facts})
    write_npy(array_path, array)


@dataclasses.dataclass(frozen=True)
class ShardPlan:
    """How a list of images is cut into shards, and what every shard must have been made with.

    `made_with` is compared when an extraction goes on: a shard made with anything else is refused.
    """

    folder: Path
    files: Sequence[ImageFile]
    shard_size: int
    descriptor: Mapping[str, Any]
    made_with: Mapping[str, Any]

    @property
    def count(self) -> int:
        """Number of shards."""
        return -(-len(self.files) // self.shard_size)

    def files_of(self, number: int) -> Sequence[ImageFile]:
        """Return the images of one shard."""
        return self.files[number * self.shard_size : (number + 1) * self.shard_size]

    def images_digest(self, number: int) -> str:
        """Return the SHA-256 of the names and contents of a shard's images."""
        images = hashlib.sha256()
        for file in self.files_of(number):
            images.update(f"{file.id}\t{_content(file)}\n".encode())
        return images.hexdigest()

    def signature(self, number: int, images_sha256: str | None = None) -> dict[str, Any]:
        """Return what a shard must say of itself to be taken as done.

        images_sha256: `images_digest(number)`, where plans of the same images share it.
        """
        return {
            "shard": number,
            "shards": self.count,
            "first": number * self.shard_size,
            "images": len(self.files),
            "images_sha256": images_sha256 or self.images_digest(number),
            "descriptor": dict(self.descriptor),
            "made_with": dict(self.made_with),
        }

    def done(self, number: int, replace: bool) -> Mapping[str, Any] | None:
        """Return the sidecar of a shard that exists, whole and made with the same settings; None otherwise.

        Raises:
            UserError: when it was made with others, unless `replace`, which then makes it anew.
        """
        if not all(path.is_file() for path in self._paths(number)):
            return None
        try:
            found = read_json(self._sidecar(number))
        except UserError:
            found = None
        wanted = self.signature(number)
        different = [key for key in wanted if not isinstance(found, dict) or found.get(key) != wanted[key]]
        if isinstance(found, dict) and not different:
            return found if self._whole(number, found) else None
        if replace:
            return None
        raise UserError(
            f"{self._paths(number)[0]} was made with other settings ({_differences(found, wanted, different)}): "
            "extract into another --out, or make it anew with --replace"
        )

    def write(
        self,
        number: int,
        ids: Sequence[str],
        array: np.ndarray,
        skipped: Sequence[Mapping[str, str]],
        images_sha256: str | None = None,
    ) -> None:
        """Write a shard with its sidecar, which names the images that were left out."""
        about = self.signature(number, images_sha256) | {"skipped": list(skipped)}
        write_shard(self.folder / shard_name(number), ids, array, about)

    def clean(self, replace: bool) -> None:
        """Remove what an interrupted run left in the folder; with `replace` also shards beyond the last.

        Raises:
            UserError: when the folder cannot be made or changed.
        """
        if not self.folder.exists():
            check_writable(self.folder / "shard")
            return
        try:
            for path in self.folder.iterdir():
                match = _SHARD_FILE.fullmatch(path.name)
                beyond = match is not None and int(match[1]) >= self.count
                if path.name.startswith(TEMPORARY_PREFIX) or (replace and beyond):
                    path.unlink()
        except OSError as error:
            raise UserError(
                f"cannot write into {self.folder}: {error.strerror or error}; choose another --out"
            ) from error

    def remove(self) -> None:
        """Remove all shards."""
        for path in self.folder.iterdir():
            match = _SHARD_FILE.fullmatch(path.name)
            if match is not None and int(match[1]) < self.count:
                path.unlink(missing_ok=True)

    def _sidecar(self, number: int) -> Path:
        return self.folder / f"{shard_name(number)}.json"

    def _paths(self, number: int) -> tuple[Path, ...]:
        """The files without which a shard is not there; the first stands for it in messages."""
        return self.folder / f"{shard_name(number)}.npy", self._sidecar(number)

    def _whole(self, number: int, sidecar: Mapping[str, Any]) -> bool:
        """Tell whether the arrays are what the sidecar says."""
        return sha256_of(self._paths(number)[0]) == sidecar.get("sha256")


def _differences(found: Any, wanted: Mapping[str, Any], different: Sequence[str]) -> str:
    if not isinstance(found, dict):
        return "its sidecar is damaged"
    names = []
    for key in different:
        old, new = found.get(key), wanted[key]
        if isinstance(old, dict) and isinstance(new, dict):
            names += [
                f"{part}: {old.get(part)!r}, now {new.get(part)!r}"
                for part in new
                if old.get(part) != new[part]
            ]
        else:
            names.append("the images" if key == "images_sha256" else f"{key}: {old!r}, now {new!r}")
    return name_list(names, 3)


def _content(file: ImageFile) -> str:
    # The content, not size and time: a copy is the same image, another picture of equal size is not.
    try:
        return sha256_of(file.path)
    except UserError:
        return "unreadable"
