"""A folder's photographs made ready: known by their content, with a thumbnail, small enough to be described."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from superglobal_core.data.images import ImageError, read_image
from superglobal_core.data.photo_folder import LeftOut, Photo
from superglobal_core.errors import UserError
from superglobal_core.files import atomic_write, sha256_of
from superglobal_core.progress import Counter
from superglobal_core.reporting.pictures import thumbnail

#: longer side in pixels: of what the page shows, and of what is described (as the benchmarks' photographs have it)
THUMBNAIL, DESCRIBED = 200, 1024
THUMBNAIL_QUALITY, DESCRIBED_QUALITY = 76, 95


@dataclasses.dataclass(frozen=True)
class Ready:
    """A photograph with the SHA-256 of its content and the file to describe: itself, or a smaller copy."""

    photo: Photo
    digest: str
    described: Path


@dataclasses.dataclass(frozen=True)
class Places:
    """Where thumbnails and smaller copies go; both are named by content."""

    thumbnails: Path
    copies: Path

    def thumbnail(self, digest: str) -> Path:
        """Return where the thumbnail of a content lies."""
        return self.thumbnails / f"{digest[:20]}.webp"

    def copy(self, digest: str) -> Path:
        """Return where the smaller copy of a content lies."""
        return self.copies / f"{digest[:20]}.jpg"

    def tidy(self, wanted: Collection[str]) -> None:
        """Remove thumbnails of photographs that are gone (all but those of the `wanted` contents), and all copies."""
        keep = {self.thumbnail(digest).name for digest in wanted}
        for folder, names in ((self.thumbnails, keep), (self.copies, set[str]())):
            for path in folder.iterdir() if folder.is_dir() else ():
                if path.name not in names:
                    path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.copies.rmdir()


def make_ready(
    photos: Sequence[Photo], places: Places, known: Collection[str], smallest_side: int
) -> tuple[list[Ready], list[LeftOut]]:
    """Read the photographs, several at once; what an earlier call has made is kept.

    known: contents that are described already, which need no smaller copy. smallest_side: pixels that a
    photograph needs a side to be described.

    Raises:
        UserError: when a thumbnail or a copy cannot be written.
    """

    def one(photo: Photo) -> Ready | LeftOut:
        try:
            return _make_one(photo, places, known, smallest_side)
        except ImageError as error:
            return LeftOut(photo.name, str(error))

    done: list[Ready] = []
    left_out: list[LeftOut] = []
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
    try:
        with Counter("read", len(photos), "photographs") as counter:
            for result in pool.map(one, photos):
                if isinstance(result, Ready):
                    done.append(result)
                else:
                    left_out.append(result)
                counter.advance()
    finally:
        pool.shutdown(cancel_futures=True)
    return done, left_out


def _make_one(photo: Photo, places: Places, known: Collection[str], smallest_side: int) -> Ready:
    try:
        if photo.path.exists() and not photo.path.is_file():
            raise ImageError("is no plain file")
        digest = sha256_of(photo.path)
    except UserError as error:
        cause = error.__cause__
        raise ImageError(f"cannot be read: {getattr(cause, 'strerror', None) or error}") from error
    small, copy = places.thumbnail(digest), places.copy(digest)
    described = copy if copy.is_file() else photo.path
    if small.is_file() and (digest in known or described == copy):
        return Ready(photo, digest, described)
    image = read_image(photo.path)
    height, width = image.shape[:2]
    if min(height, width) < smallest_side:
        raise ImageError(f"is {width} x {height} px, too small: {smallest_side} px a side are needed")
    if max(height, width) > DESCRIBED and digest not in known:
        # A panorama stays as large as the network needs it.
        side = max(DESCRIBED, -(-smallest_side * max(height, width) // min(height, width)))
        _write(copy, thumbnail(image, side), cv2.IMWRITE_JPEG_QUALITY, DESCRIBED_QUALITY)
        described = copy
    # Last: a thumbnail says that all of this is done.
    if not small.is_file():
        _write(small, thumbnail(image, THUMBNAIL), cv2.IMWRITE_WEBP_QUALITY, THUMBNAIL_QUALITY)
    return Ready(photo, digest, described)


def _write(path: Path, image: np.ndarray, option: int, quality: int) -> None:
    done, data = cv2.imencode(path.suffix, image, [option, quality])
    if not done:
        raise ImageError("cannot be written as a smaller picture")
    with atomic_write(path) as stream:
        stream.write(data.tobytes())
