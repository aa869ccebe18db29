"""Whether what lies on disk is what was downloaded."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from superglobal_core.data.archives import listing_of, read_listing
from superglobal_core.data.catalogue import LISTING_SUFFIX, RECORDS
from superglobal_core.data.manifest import NAME, Manifest
from superglobal_core.errors import UserError
from superglobal_core.files import finished_files, read_json, sha256_of

ABSENT = "is absent"


def verify_step(root: str | Path, names: Collection[str] | None = None) -> str:
    """Compare everything below `root`, or the entries of some `names`, with what was recorded when it came.

    What is recorded must be there, but for archives that were unpacked and images that were removed
    on purpose once they were described.

    Raises:
        UserError: naming the files that differ or are absent, or when nothing was downloaded there.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"there is no folder {root}, where downloads should be: correct --root")
    records = {
        name: one for name, one in Manifest(root).read().items() if names is None or one["entry"] in names
    }
    never = set(names or ()) - {one["entry"] for one in records.values()}
    listings = _listings(root, records, names)
    if never or not (records or listings):
        raise UserError(
            f"{root / NAME} does not say that {', '.join(sorted(never)) or 'anything'} was ever downloaded "
            "there: correct --root, or download it first"
        )
    found = [_look_at(root / name, one["sha256"], "recorded is") for name, one in records.items()]
    for listing in listings:
        found += _images(listing)
    # An archive is removed once it is unpacked.
    found = [one for one in found if one[1] != ABSENT or listing_of(one[0]) not in listings]
    problems = [f"{path} {problem}" for path, problem in found if problem]
    if problems:
        raise UserError(
            f"{len(problems)} files below {root} are not what was downloaded: {'; '.join(problems[:20])}. "
            "Remove those that differ and download again"
        )
    return f"{len(found)} files below {root} are as they were downloaded"


def _listings(root: Path, records: Collection[str], names: Collection[str] | None) -> list[Path]:
    """The listings that lie below the root, and those that should because an archive was unpacked."""
    found = {path for name in records if (path := listing_of(root / name)).is_file()}
    if names is None:
        found |= set(finished_files(root, f"**/*{LISTING_SUFFIX}"))
    for record in finished_files(root / RECORDS, "*.json"):
        if names is None or record.stem in names:
            found |= {listing_of(root / name) for name in _unpacked(record)}
    return sorted(found)


def _unpacked(record: Path) -> Iterator[str]:
    """The archives that a download's record says were unpacked."""
    try:
        files = read_json(record)["parameters"]["files"]
        yield from [name for name, facts in files.items() if facts["images"] is not None]
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{record} is no record of a download: remove it and download again") from error


def _images(path: Path) -> list[tuple[Path, str | None]]:
    if not path.is_file():
        return [(path, f"{ABSENT}, the listing of what the archive held")]
    listing = read_listing(path)
    folder = path.parent / listing.folder
    return [
        _look_at(folder / image.name, image.sha256, "the archive's had")
        for image in listing.images
        if not listing.removed or (folder / image.name).exists()
    ]


def _look_at(path: Path, sha256: str, whose: str) -> tuple[Path, str | None]:
    if not path.exists():
        return path, ABSENT
    try:
        found = sha256_of(path)
    except UserError as error:
        return path, f"cannot be checked ({error})"
    return path, None if found == sha256 else f"has the sha256 {found}, {whose} {sha256}"
