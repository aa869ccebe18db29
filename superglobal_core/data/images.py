"""Images on disk: which there are, decoding, and the query crop."""

from __future__ import annotations

import dataclasses
import os
import re
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from superglobal_core.data.reading import CropRounding
from superglobal_core.errors import UserError, name_list

# An image that says it has more pixels is not decoded: a file of a few kB can ask for all the memory.
MAX_PIXELS = 64_000_000

# OpenCV reads it once, when it is loaded; the formats whose size we do not read ourselves need it.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))

import cv2  # noqa: E402

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})


# OpenCV reports a damaged image to the log and to us; once is enough.
if "OPENCV_LOG_LEVEL" not in os.environ:
    getattr(cv2.utils, "logging", cv2).setLogLevel(0)  # silent; OpenCV 4 has it one level up


class ImageError(Exception):
    """One image that cannot be used; the message is the reason, without the image's name."""


@dataclasses.dataclass(frozen=True)
class ImageFile:
    """An image by its id (the file name without extension) and its path."""

    id: str
    path: Path


def list_images(source: str | Path) -> list[ImageFile]:
    """List the images of a folder in name order, or those a text file names in its order.

    A list has one path a line, relative to the list's folder (or, failing that, to the working
    directory); empty lines and lines beginning with # are passed over.

    Raises:
        UserError: when the source is absent or names no image, a listed file is absent, or two
            images have the same id.
    """
    source = Path(source)
    if source.is_dir():
        try:
            paths = sorted((path for path in source.iterdir() if _is_image(path)), key=lambda path: path.name)
        except OSError as error:
            raise UserError(f"cannot read the folder {source}: {error.strerror or error}") from error
        if not paths:
            raise UserError(
                f"the folder {source} holds no image ({', '.join(sorted(SUFFIXES))}): name another"
            )
    elif source.is_file():
        paths = _read_list(source)
    else:
        raise UserError(f"there is no folder or list of images {source}: correct --images")
    files = [ImageFile(path.stem, path) for path in paths]
    _refuse_unwritable_ids(files, source)
    _refuse_same_ids(files, source)
    return files


def read_image(
    path: str | Path, exif: bool = True, jpeg: Callable[[bytes, bool], np.ndarray | None] | None = None
) -> np.ndarray:
    """Decode an image to (H, W, 3) uint8 in BGR order, its EXIF orientation applied (or not: `exif`).

    jpeg: decodes the bytes of a JPEG in OpenCV's place, or returns None to leave it to OpenCV.

    Raises:
        ImageError: when the file cannot be read, ends too early, is no image or larger than `MAX_PIXELS`.
    Source: the release decodes with OpenCV (BGR); so do we, for the same pixels.
    """
    try:
        if Path(path).exists() and not Path(path).is_file():
            raise ImageError("is no plain file")  # reading a pipe would wait for ever
        data = Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}") from error
    if not data:
        raise ImageError("is an empty file")
    _refuse_incomplete(data)
    if jpeg is not None and data.startswith(_JPEG_START) and (image := jpeg(data, exif)) is not None:
        return image
    flags = cv2.IMREAD_COLOR if exif else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError("cannot be decoded") from error
    if image is None:
        raise ImageError("cannot be decoded")
    return image


def crop(image: np.ndarray, box: Sequence[float], rounding: CropRounding = "truncate") -> np.ndarray:
    """Cut the box (x1, y1, x2, y2), in pixels, out of an image; coordinates are truncated, or rounded.

    Parts of the box outside the image are dropped.

    Raises:
        ImageError: when nothing of the box lies inside the image.
    Source: SuperGlobal's and CVNet's releases truncate with `int()`; DELG rounds.

    >>> crop(np.zeros((10, 20, 3), np.uint8), (2.9, 1, 8.2, 5)).shape
    (4, 6, 3)
    """
    whole = int if rounding == "truncate" else round
    x1, y1, x2, y2 = (whole(value) for value in box)
    cut = image[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)]
    if cut.size == 0:
        height, width = image.shape[:2]
        raise ImageError(f"has nothing inside its box ({x1}, {y1}, {x2}, {y2}): it is {width} x {height} px")
    return cut


def _is_image(path: Path) -> bool:
    # A link to nowhere counts: it is an image that cannot be read, not one that was never there.
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not path.is_dir()


def _read_list(source: Path) -> list[Path]:
    try:
        lines = [line.strip() for line in source.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise UserError(f"{source} is neither a folder nor a text file with one image path a line") from error
    except OSError as error:
        raise UserError(f"cannot read {source}: {error.strerror or error}") from error
    names = [line for line in lines if line and not line.startswith("#")]
    if not names:
        raise UserError(f"the list {source} names no image: write one path a line")
    beside = [source.parent / name for name in names]
    paths = [path if _is_file(path) else Path(name) for path, name in zip(beside, names, strict=True)]
    absent = [str(path)[:200] for path in paths if not _is_file(path)]
    if absent:
        raise UserError(
            f"{len(absent)} of the {len(names)} images that {source} names do not exist: {name_list(absent)}"
        )
    return paths


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than the system takes
        return False


def _refuse_unwritable_ids(files: list[ImageFile], source: Path) -> None:
    # Such names (bytes that are no UTF-8) can be read but not written into a sidecar.
    wrong = [file.id for file in files if any(0xD800 <= ord(letter) <= 0xDFFF for letter in file.id)]
    if wrong:
        shown = name_list(name.encode("utf-8", "backslashreplace").decode() for name in wrong)
        raise UserError(f"{source} names images whose names are not UTF-8: {shown}; rename them")


def _refuse_same_ids(files: list[ImageFile], source: Path) -> None:
    seen: set[str] = set()
    twice = {file.id for file in files if file.id in seen or seen.add(file.id)}  # type: ignore[func-returns-value]
    if twice:
        raise UserError(
            f"{source} names two images with the same id (file name without extension): "
            f"{name_list(sorted(twice))}; rename or remove one of each"
        )


_JPEG_START = b"\xff\xd8"
# A marker of JPEG: not a stuffed or a fill byte, not a restart within a scan.
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
_JPEG_END = 0xD9
# Markers that a segment with its length follows.
_JPEG_SEGMENTS = {*range(0xC0, 0xD0), *range(0xDA, 0xF0), 0xFE}
# Those of them that begin a frame and say how large it is.
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def _refuse_incomplete(data: bytes) -> None:
    # OpenCV fills the missing part of a truncated JPEG with grey and says nothing to its caller;
    # of a damaged PNG libpng complains to stderr by itself. A JPEG that lacks no more than its end
    # marker is refused too: nothing cheap tells it from one whose last rows are missing.
    if data.startswith(_JPEG_START):
        _walk_jpeg(data)
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        _walk_png(data)


def _cut_short() -> ImageError:
    return ImageError("is cut short: the file ends before the image does")


def _refuse_vast(width: bytes, height: bytes) -> None:
    columns, rows = int.from_bytes(width, "big"), int.from_bytes(height, "big")
    if columns * rows > MAX_PIXELS:
        raise ImageError(
            f"is {columns} x {rows} px, more than the {MAX_PIXELS // 1_000_000} megapixels that are taken: "
            "scale it down"
        )


def _walk_jpeg(data: bytes) -> None:
    # Segment by segment: thumbnails inside segments and anything behind the image do not count.
    at = 2
    while found := _JPEG_MARKER.search(data, at):
        at, code = found.end(), found[1][0]
        if code == _JPEG_END:
            return
        if code in _JPEG_FRAMES:
            _refuse_vast(data[at + 5 : at + 7], data[at + 3 : at + 5])
        if code in _JPEG_SEGMENTS:
            at += int.from_bytes(data[at : at + 2], "big")
    raise _cut_short()


def _walk_png(data: bytes) -> None:
    at = 8
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            break
        # Only what the pixels come from; damaged comments do no harm.
        if kind[:1].isupper() and zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(
            data[end - 4 : end], "big"
        ):
            raise ImageError("is damaged: a checksum inside the file is wrong")
        if kind == b"IHDR":
            _refuse_vast(data[at + 8 : at + 12], data[at + 12 : at + 16])
        if kind == b"IEND":
            return
        at = end
    raise _cut_short()
