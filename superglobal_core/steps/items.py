"""The files of catalogue entries, and what of them is on disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from superglobal_core.data.archives import SPACE, listing_of, read_listing, staging_of
from superglobal_core.data.catalogue import RECORDS, Entry, RemoteFile
from superglobal_core.data.partial_file import Partial
from superglobal_core.errors import UserError


@dataclasses.dataclass(frozen=True)
class Item:
    """One file of an entry and what of it is on disk."""

    entry: Entry
    file: RemoteFile
    root: Path

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.root / self.entry.folder / self.file.name

    @property
    def listing(self) -> Path:
        """The file that says what an archive unpacked to: its presence means done."""
        return listing_of(self.path)

    @property
    def image_folder(self) -> Path | None:
        """Where an archive's images lie; None for other files."""
        return self.root / self.entry.folder / self.file.unpack if self.file.unpack else None

    def unpacked(self) -> bool:
        """Whether an archive's images are all there, as many as the catalogue says."""
        folder = self.image_folder
        if folder is None or not self.listing.is_file():
            return False
        try:
            images = read_listing(self.listing).images
        except UserError:
            return False  # unpacking writes it anew
        if self.file.images not in (None, len(images)):
            return False
        return all(_has_size(folder / image.name, image.bytes) for image in images)

    def there(self) -> bool:
        """Whether nothing needs to be done for the file."""
        return self.unpacked() if self.image_folder else self.path.is_file()

    def missing_bytes(self) -> int:
        """How many bytes are still to come, roughly: without those of a download that was interrupted."""
        if self.there() or self.path.is_file():
            return 0
        return max(0, (self.file.expected_bytes or 0) - Partial(self.path).size)

    def image_bytes(self) -> int:
        """How much disk its images will take in addition, roughly."""
        if self.image_folder is None or self.there():
            return 0
        size = self.path.stat().st_size if self.path.is_file() else self.file.expected_bytes or 0
        # What a killed run had unpacked is removed first.
        return max(0, int(size * SPACE) - _size_of(staging_of(self.path, self.image_folder)))


def items_of(entry: Entry, root: str | Path, parts: Sequence[int] | None = None) -> list[Item]:
    """Return an entry's files; of a distractor set those archives that `parts` names (None = all)."""
    if entry.parts is None:
        parts = []
    elif parts is None:
        parts = range(1, entry.parts.count + 1)
    return [Item(entry, file, Path(root)) for file in (*entry.files, *(entry.part(part) for part in parts))]


def needed_bytes(items: Iterable[Item], parallel: int = 1, keep_archives: bool = False) -> int:
    """Return roughly how much disk is needed until all is done, archives being removed once unpacked.

    That is the images and, besides, as many of the archives as are worked on at once.
    """
    items = list(items)
    archives = sorted((item.missing_bytes() for item in items if item.image_folder), reverse=True)
    others = sum(item.missing_bytes() for item in items if not item.image_folder)
    at_once = archives if keep_archives else archives[: max(1, parallel)]
    return others + sum(at_once) + sum(item.image_bytes() for item in items)


def record_of(name: str, root: str | Path) -> Path:
    """Return the file that says that an entry was downloaded, and what it was."""
    return Path(root) / RECORDS / f"{name}.json"


def checkpoint_path(entry: Entry, root: str | Path) -> Path:
    """Return where the weights of an entry lie (UserError when it is no checkpoint)."""
    if entry.kind != "checkpoint" or len(entry.files) != 1:
        raise UserError(f"{entry.name} is no checkpoint in the catalogue: name one, for example cvnet-r50")
    return items_of(entry, root)[0].path


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _size_of(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.iterdir())
    except OSError:
        return 0


def weights_path(entry: Entry, root: str | Path) -> Path:
    """Return where a local method's own weights lie (UserError when the entry is none)."""
    if entry.kind != "weights" or len(entry.files) != 1:
        raise UserError(f"{entry.name} holds no weights of a local method: name one, for example xfeat")
    return items_of(entry, root)[0].path
