"""The step `download`: entries of the catalogue to files on disk, archives unpacked."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from superglobal_core.data.archives import CountError, read_listing, unpack
from superglobal_core.data.catalogue import Entry
from superglobal_core.data.fetch import BY_HAND, fetch
from superglobal_core.data.image_checks import check_images
from superglobal_core.data.manifest import Manifest, locked
from superglobal_core.data.space import check_space
from superglobal_core.errors import UserError, name_list
from superglobal_core.files import write_json
from superglobal_core.progress import Transfers, bytes_text
from superglobal_core.results import Stopwatch
from superglobal_core.side_by_side import side_by_side
from superglobal_core.steps.items import Item, items_of, needed_bytes, record_of


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
    check_space(Path(root), needed_bytes(items, parallel, keep_archives))
    with Transfers() as progress:
        tasks = [functools.partial(obtain, item, progress, keep_archives) for item in items]
        said = side_by_side(tasks, parallel)
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
    with locked(item.root, f"unpack {item.entry.folder}/{item.file.name}"):
        return _unpacked(item, item.image_folder, progress, keep_archives)


def _unpacked(item: Item, folder: Path, progress: Transfers, keep_archives: bool) -> str:
    if item.unpacked():  # by another process, meanwhile
        return f"{folder}: the images of {item.file.name} were there"
    fetched = fetch(item.file, item.entry, item.root, progress=progress)
    try:
        images = unpack(fetched.path, folder, item.listing, count=item.file.images)
    except CountError as error:
        raise UserError(f"{error}; nothing was unpacked. {_advice_on_count(item, error.found)}") from error
    if not keep_archives and fetched.source != BY_HAND:
        fetched.path.unlink(missing_ok=True)
    return f"{folder}: {len(images)} images from {item.file.name}"


def _advice_on_count(item: Item, found: int) -> str:
    where = f" ({item.entry.homepage} may say so)" if item.entry.homepage else ""
    return (
        f"If that is what is given away now{where}, copy the entry {item.entry.name} into a catalogue of your "
        f"own with `images: {found}` for {item.file.name}, and name it with --catalogue (a suite: `catalogues`). "
        f"Otherwise remove {item.path}, and the same command downloads it again"
    )


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


def _facts(item: Item) -> dict[str, Any]:
    known = Manifest(item.root).get(item.path.relative_to(item.root).as_posix()) or {}
    images = len(read_listing(item.listing).images) if item.image_folder else None
    return {**known, "images": images}
