"""Somebody's own folder of photographs: which there are, in it and below, and which cannot be read."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from superglobal_core.data.images import SUFFIXES
from superglobal_core.errors import UserError

#: pictures that people have and that are not decoded here; they are named, not passed over in silence
UNREAD = frozenset(
    {".heic", ".heif", ".avif", ".gif", ".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raw"}
)


@dataclasses.dataclass(frozen=True)
class Photo:
    """A photograph by its name (the path below the folder, with `/`) and its path."""

    name: str
    path: Path


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A file that is no part of the search, and why."""

    name: str
    reason: str


def find_photos(folder: str | Path, marker: str) -> tuple[list[Photo], list[LeftOut]]:
    """Find the photographs of a folder and of all folders below, in name order, and what cannot be read.

    Hidden files and folders are passed over, and folders that hold a file named `marker`: they are our own output.

    Raises:
        UserError: when the folder is absent, cannot be read, or has no photograph.
    """
    folder = Path(folder)
    if not folder.is_dir():
        problem = "is no folder" if folder.exists() else "does not exist"
        raise UserError(f"{folder} {problem}: name a folder of photographs")
    photos: list[Photo] = []
    left_out: list[LeftOut] = []

    def unreadable(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise UserError(f"cannot read the folder {folder}: {error.strerror or error}") from error
        name = Path(error.filename).relative_to(folder).as_posix()
        left_out.append(LeftOut(f"{name}/", f"cannot be read: {error.strerror or error}"))

    for place, below, files in os.walk(folder, onerror=unreadable):
        if marker in files:
            below.clear()
            continue
        below[:] = [name for name in below if not name.startswith(".")]
        for file in files:
            path = Path(place) / file
            suffix = path.suffix.lower()
            name = path.relative_to(folder).as_posix()
            if file.startswith("."):
                continue
            if suffix in SUFFIXES:
                photos.append(Photo(name, path))
            elif suffix in UNREAD:
                left_out.append(LeftOut(name, f"has a format that is not read ({suffix}): save it as JPEG"))
    if not photos:
        unread = f"; {len(left_out)} were found that are not read, save them as JPEG" if left_out else ""
        raise UserError(f"{folder} holds no photograph ({', '.join(sorted(SUFFIXES))}){unread}")
    return sorted(photos, key=lambda photo: photo.name), sorted(left_out, key=lambda one: one.name)
