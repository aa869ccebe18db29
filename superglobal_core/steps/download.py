"""The step `download`: entries of the catalogue to files on disk, archives unpacked."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from superglobal_core.data.archives import read_listing, unpack
from superglobal_core.data.catalogue import Entry, RemoteFile
from superglobal_core.data.fetch import BY_HAND, check_space, fetch
from superglobal_core.data.image_checks import check_images
from superglobal_core.data.manifest import Manifest, locked
from superglobal_core.errors import UserError, name_list
from superglobal_core.files import sha256_of, write_json
from superglobal_core.progress import Transfers, bytes_text
from superglobal_core.results import Stopwatch

# Unpacked JPEGs take about what their archive takes.
UNPACKED = 1.02


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
        return self.path.with_name(f"{self.file.name}.images.json")

    @property
    def image_folder(self) -> Path | None:
        """Where an archive's images lie; None for other files."""
        return self.root / self.entry.folder / self.file.unpack if self.file.unpack else None

    def unpacked(self) -> bool:
        """Whether an archive's images are all there."""
        folder = self.image_folder
        if folder is None or not self.listing.is_file():
            return False
        try:
            images = read_listing(self.listing).images
        except UserError:
            return False  # unpacking writes it anew
        return all(_has_size(folder / image.name, image.bytes) for image in images)

    def there(self) -> bool:
        """Whether nothing needs to be done for the file."""
        return self.unpacked() if self.image_folder else self.path.is_file()

    def needed_bytes(self) -> int:
        """Roughly how much disk it still takes, archive and images together."""
        size = self.file.expected_bytes or 0
        if self.there():
            return 0
        fetched = 0 if self.path.is_file() else size
        return fetched + (int(size * UNPACKED) if self.image_folder else 0)


def items_of(entry: Entry, root: str | Path, parts: Sequence[int] | None = None) -> list[Item]:
    """Return an entry's files; of a distractor set those archives that `parts` names (None = all)."""
    if entry.parts is None:
        parts = []
    elif parts is None:
        parts = range(1, entry.parts.count + 1)
    return [Item(entry, file, Path(root)) for file in (*entry.files, *(entry.part(part) for part in parts))]


def record_of(name: str, root: str | Path) -> Path:
    """Return the file that says that an entry was downloaded, and what it was."""
    return Path(root) / "records" / f"{name}.json"


def checkpoint_path(entry: Entry, root: str | Path) -> Path:
    """Return where the weights of an entry lie (UserError when it is no checkpoint)."""
    if entry.kind != "checkpoint" or len(entry.files) != 1:
        raise UserError(f"{entry.name} is no checkpoint in the catalogue: name one, for example cvnet-r50")
    return items_of(entry, root)[0].path


def weights_path(entry: Entry, root: str | Path) -> Path:
    """Return where a local method's own weights lie (UserError when the entry is none)."""
    if entry.kind != "weights" or len(entry.files) != 1:
        raise UserError(f"{entry.name} holds no weights of a local method: name one, for example xfeat")
    return items_of(entry, root)[0].path


def download_step(
    entries: Sequence[Entry],
    root: str | Path,
    *,
    parts: Sequence[int] | None = None,
    parallel: int = 4,
    check: bool = False,
    keep_archives: bool = False,
) -> list[str]:
    """Download entries below `root` and unpack their archives; return sentences on what was done.

    What is there and right is kept; what was begun goes on. An archive is removed once unpacked,
    unless `keep_archives` or it was put in place by hand. With `check` every image is decoded.

    Raises:
        UserError: when a file cannot be had from any address, does not agree with what is known of
            it, the disk is too small, or (`check`) an image not known to be corrupt does not decode.
    """
    watch = Stopwatch()
    items = [item for entry in entries for item in items_of(entry, root, parts)]
    check_space(Path(root), sum(item.needed_bytes() for item in items))
    with Transfers() as progress, ThreadPoolExecutor(max(1, parallel)) as pool:
        said = _results([pool.submit(obtain, item, progress, keep_archives) for item in items])
    for entry in entries:
        said += check_entry(entry, root, parts) if check else []
        files = {
            item.path.relative_to(root).as_posix(): _facts(item) for item in items if item.entry is entry
        }
        facts = {"entry": entry.name, "licence": entry.licence, "files": files}
        record = watch.record("download", dataset=entry.name, parameters=facts)
        write_json(record_of(entry.name, root), record.model_dump())
    return said


def obtain(item: Item, progress: Transfers, keep_archives: bool = False) -> str:
    """Download one file and unpack it, if that is not done yet; return a sentence."""
    if item.image_folder is None:
        fetched = fetch(item.file, item.entry, item.root, progress=progress)
        return f"{fetched.path} {'was there' if fetched.was_there else 'downloaded'}, {bytes_text(fetched.bytes)}"
    if item.unpacked():
        return f"{item.image_folder}: the images of {item.file.name} were there"
    with locked(item.root, f"unpack {quote(item.file.name, safe='')}"):
        return _unpacked(item, item.image_folder, progress, keep_archives)


def _unpacked(item: Item, folder: Path, progress: Transfers, keep_archives: bool) -> str:
    if item.unpacked():  # by another process, meanwhile
        return f"{folder}: the images of {item.file.name} were there"
    fetched = fetch(item.file, item.entry, item.root, progress=progress)
    images = unpack(fetched.path, folder, item.listing)
    if item.file.images is not None and len(images) != item.file.images:
        raise UserError(
            f"{fetched.path} holds {len(images)} images where {item.file.images} are expected: "
            f"see {item.entry.homepage or 'the catalogue'}, and correct the catalogue if its content has changed"
        )
    if not keep_archives and fetched.source != BY_HAND:
        fetched.path.unlink(missing_ok=True)
    return f"{folder}: {len(images)} images from {item.file.name}"


def _results(futures: Sequence[Future[str]]) -> list[str]:
    """Wait for all; one that failed does not stop the others, and is said at the end."""
    done, failed = [], []
    for future in futures:
        try:
            done.append(future.result())
        except UserError as error:
            failed.append(str(error))
    if failed:
        raise UserError("; ".join(failed))
    return done


def check_entry(entry: Entry, root: str | Path, parts: Sequence[int] | None = None) -> list[str]:
    """Decode every image of an entry; return sentences on the known corrupt ones.

    Raises:
        UserError: listing images that do not decode and are not known to be corrupt.
    """
    paths = [
        item.image_folder / image.name
        for item in items_of(entry, root, parts)
        if item.image_folder and item.listing.is_file()
        for image in read_listing(item.listing).images
    ]
    if not paths:
        return []
    checked = check_images(paths, entry.corrupt)
    if checked.bad:
        listed = "; ".join(f"{path} {reason}" for path, reason in checked.bad)
        raise UserError(
            f"{len(checked.bad)} of the {len(paths)} images of {entry.name} do not decode: {listed}"
        )
    names = name_list(path.stem for path in checked.known)
    known = f", {len(checked.known)} are known to be corrupt: {names}" if checked.known else ""
    return [f"{entry.name}: {checked.good} of {len(paths)} images decode{known}"]


def verify_step(entries: Sequence[Entry], root: str | Path) -> str:
    """Compare everything on disk with what was recorded when it came; return a sentence.

    Raises:
        UserError: naming every file that differs.
    """
    root = Path(root)
    result = Manifest(root).verify()
    problems, good = list(result.problems), result.good
    for entry in entries:
        for item in items_of(entry, root):
            if item.image_folder and item.listing.is_file():
                for image in read_listing(item.listing).images:
                    path = item.image_folder / image.name
                    if not path.is_file():
                        # The images of distractors are deleted once they are described.
                        problems += [(path, "is absent")] if entry.kind != "distractors" else []
                    elif sha256_of(path) != image.sha256:
                        problems.append((path, "differs from what was unpacked"))
                    else:
                        good += 1
    if problems:
        listed = "; ".join(f"{path} {problem}" for path, problem in problems[:20])
        raise UserError(
            f"{len(problems)} files below {root} are not what was downloaded: {listed}. "
            "Remove them and download again"
        )
    return f"{good} files below {root} are as they were downloaded"


@dataclasses.dataclass(frozen=True)
class Planned:
    """One line of a plan: what of an entry is to be downloaded."""

    name: str
    files: int
    there: int
    bytes: int
    missing_bytes: int


def plan(entries: Sequence[Entry], root: str | Path, parts: Sequence[int] | None = None) -> list[Planned]:
    """Return, without touching the network, what each entry takes and what of it is there; sizes in bytes."""
    lines = []
    for entry in entries:
        items = items_of(entry, root, parts)
        sizes = [item.file.expected_bytes or 0 for item in items]
        there = [item.there() for item in items]
        missing = sum(size for size, done in zip(sizes, there, strict=True) if not done)
        lines.append(Planned(entry.name, len(items), sum(there), sum(sizes), missing))
    return lines


def plan_text(lines: Sequence[Planned]) -> str:
    """Return a plan as a table for people."""
    rows = [
        f"{line.name:20} {bytes_text(line.bytes):>8}  {line.there} of {line.files} files there, "
        f"{bytes_text(line.missing_bytes)} to download"
        for line in lines
    ]
    total = sum(line.missing_bytes for line in lines)
    return "\n".join([*rows, f"{'to download':20} {bytes_text(total):>8}"])


def _facts(item: Item) -> dict[str, Any]:
    known = Manifest(item.root).get(item.path.relative_to(item.root).as_posix()) or {}
    images = len(read_listing(item.listing).images) if item.image_folder else None
    return {**known, "images": images}


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False
