"""Archives of images unpacked into a folder: all of an archive or nothing, with a listing of what came."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from superglobal_core.data.catalogue import LISTING_SUFFIX
from superglobal_core.data.images import SUFFIXES
from superglobal_core.data.tar_members import MB, Limits, Member, read_members
from superglobal_core.errors import UserError, name_list
from superglobal_core.files import TEMPORARY_PREFIX, make_folder, read_json, sha256_of, write_json

# Photographs do not shrink: an archive of them unpacks to a little more than its size.
SPACE = 1.02


def _is_image_name(name: str) -> bool:
    # Hidden ones are no images: macOS puts a `._x.jpg` with its own notes beside x.jpg.
    return "/" not in name and not name.startswith(".") and PurePosixPath(name).suffix.lower() in SUFFIXES


def _image_name(name: str) -> str:
    # Files are deleted by these names: nothing may lead out of the folder.
    if not _is_image_name(name):
        raise ValueError("is no name of an image")
    return name


@dataclasses.dataclass(frozen=True)
class Unpacked:
    """One image that came out of an archive: its file name, size in bytes and SHA-256."""

    name: Annotated[str, AfterValidator(_image_name)]
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@dataclasses.dataclass(frozen=True)
class Listing:
    """What an archive held: its images, and the names of its members that are none.

    `folder` is where the images lie, seen from the listing; `removed`: they were deleted on purpose.
    """

    archive: str
    folder: str
    archive_bytes: int
    images: list[Unpacked]
    left_aside: list[str]
    removed: bool = False


class CountError(UserError):
    """An archive holds another number of images than it should."""

    def __init__(self, archive: Path, found: int, wanted: int) -> None:
        super().__init__(f"{archive} holds {found} images where {wanted} are expected")
        self.found = found


_LISTING = TypeAdapter(Listing)


def listing_of(archive: Path) -> Path:
    """Return where the listing of an archive lies: beside it."""
    return archive.with_name(f"{archive.name}{LISTING_SUFFIX}")


def staging_of(archive: Path, folder: Path) -> Path:
    """Return the folder that an archive is unpacked into until all of it is there."""
    return folder.parent / f"{TEMPORARY_PREFIX}unpack-{archive.name}"


def read_listing(path: Path) -> Listing:
    """Read the listing of an unpacked archive.

    Raises:
        UserError: when it is absent or no listing.
    """
    try:
        return _LISTING.validate_python(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            f"{path} is no listing of an archive ({where}: {first['msg']}): delete it and unpack anew"
        ) from error


def unpack(
    archive: Path, folder: Path, listing: Path, *, limits: Limits | None = None, count: int | None = None
) -> list[Unpacked]:
    """Unpack the images of a .tar.gz flat into `folder`, then write `listing`; done before, do nothing.

    Until the whole archive was read without an error nothing appears in `folder`. Several archives
    may share a folder. What is done stays done when the archive is deleted afterwards.

    Raises:
        CountError: when it holds another number of images than `count`.
        UserError: when the archive is absent, damaged, holds no image or anything that is refused (see
            `read_members`), two images would have one name, or the disk is full.
    """
    folder = folder.resolve()  # the staging folder must lie on its file system
    before = _listing_before(listing)
    if before is not None and count in (None, len(before.images)) and _is_done(before, archive, folder):
        return before.images
    if not archive.is_file():
        raise UserError(f"there is no archive {archive}: download it first")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"cannot unpack {archive} into {folder}: it is no folder; choose another place")
    make_folder(folder.parent)
    with _staging(archive, folder) as staging:
        _check_space(archive, staging)
        images, left_aside = _stage(archive, staging, limits or Limits())
        if count is not None and len(images) != count:
            raise CountError(archive, len(images), count)
        known = {image.name for image in before.images} if before else set()
        _refuse_others(archive, folder, images, known)
        make_folder(folder)
        for image in images:
            (staging / image.name).replace(folder / image.name)
    where = os.path.relpath(folder, listing.parent.resolve())
    content = Listing(archive.name, where, archive.stat().st_size, images, left_aside)
    write_json(listing, dataclasses.asdict(content))
    return images


def remove_unpacked(listing: Path, folder: Path) -> None:
    """Delete the images that a listing names, as far as they are there; the listing stays and says so.

    Raises:
        UserError: when the listing cannot be read or an image not be deleted.
    """
    content = read_listing(listing)
    if not content.removed:
        # Before: killed in between, what is absent was not lost.
        write_json(listing, dataclasses.asdict(content) | {"removed": True})
    for image in content.images:
        try:
            (folder / image.name).unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"cannot delete {folder / image.name}: {error.strerror or error}") from error


def _listing_before(path: Path) -> Listing | None:
    # A damaged one is as good as none: the archive says it all.
    try:
        return read_listing(path)
    except UserError:
        return None


def _is_done(listing: Listing, archive: Path, folder: Path) -> bool:
    if archive.exists() and archive.stat().st_size != listing.archive_bytes:
        return False
    try:
        sizes = {entry.name: entry.stat().st_size for entry in os.scandir(folder)}
    except OSError:
        return False
    return all(sizes.get(image.name) == image.bytes for image in listing.images)


@contextlib.contextmanager
def _staging(archive: Path, folder: Path) -> Iterator[Path]:
    """Make a folder beside `folder` to unpack into, and remove it with all that is left there."""
    staging = staging_of(archive, folder)
    try:
        if staging.exists():
            shutil.rmtree(staging)  # of a run that was killed
        staging.mkdir()
        yield staging
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise UserError(
                f"cannot unpack {archive} into {folder}: {error.strerror}; free space or choose another place, "
                "then repeat"
            ) from error
        raise UserError(f"cannot unpack {archive} into {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check_space(archive: Path, staging: Path) -> None:
    needed, free = archive.stat().st_size * SPACE, shutil.disk_usage(staging).free
    if free < needed:
        raise UserError(
            f"cannot unpack {archive} into {staging.parent}: {needed / MB:.0f} MB are needed and "
            f"{free / MB:.0f} MB are free; free space or choose another place"
        )


def _stage(archive: Path, staging: Path, limits: Limits) -> tuple[list[Unpacked], list[str]]:
    images: dict[str, Unpacked] = {}
    left_aside = []
    for member in read_members(archive, limits):
        name = member.base
        if not _is_image_name(name):
            left_aside.append(member.name)
        elif name in images:
            raise UserError(
                f"the archive {archive} is refused: two of its members are named {name}, "
                "and images come into one folder; rename one of them and pack it anew"
            )
        else:
            images[name] = _write(member, staging / name)
    if not images:
        raise UserError(
            f"the archive {archive} holds no image ({', '.join(sorted(SUFFIXES))}): it is not the right one"
        )
    return list(images.values()), left_aside


def _write(member: Member, path: Path) -> Unpacked:
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as stream:
        for piece in member.pieces:
            digest.update(piece)
            size += len(piece)
            stream.write(piece)
    return Unpacked(path.name, size, digest.hexdigest())


def _refuse_others(archive: Path, folder: Path, images: list[Unpacked], known: set[str]) -> None:
    """Refuse to replace what is in the folder already, unless it is the same or came from this archive."""
    others = []
    for image in images:
        path = folder / image.name
        if path.is_dir():
            others.append(image.name)
        elif image.name not in known and path.is_file():
            same = path.stat().st_size == image.bytes and sha256_of(path) == image.sha256
            if not same:
                others.append(image.name)
    if others:
        raise UserError(
            f"cannot unpack {archive} into {folder}: other images of these names are there already: "
            f"{name_list(others)}; move them away or choose another folder"
        )
