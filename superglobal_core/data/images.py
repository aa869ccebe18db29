"""Images on disk: which there are, decoding, and the query crop."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from superglobal_core.errors import UserError, name_list

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})


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
        paths = sorted((path for path in source.iterdir() if _is_image(path)), key=lambda path: path.name)
        if not paths:
            raise UserError(
                f"the folder {source} holds no image ({', '.join(sorted(SUFFIXES))}): name another"
            )
    elif source.is_file():
        paths = _read_list(source)
    else:
        raise UserError(f"there is no folder or list of images {source}: correct --images")
    files = [ImageFile(path.stem, path) for path in paths]
    _refuse_same_ids(files, source)
    return files


def read_image(path: str | Path) -> np.ndarray:
    """Decode an image to (H, W, 3) uint8 in BGR order, its EXIF orientation applied.

    Raises:
        ImageError: when the file cannot be read, ends too early or is no image.
    Source: the release decodes with OpenCV (BGR); so do we, for the same pixels.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}") from error
    if not data:
        raise ImageError("is an empty file")
    if _is_cut_short(data):
        raise ImageError("is cut short: the file ends before the image does")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageError("cannot be decoded") from error
    if image is None:
        raise ImageError("cannot be decoded")
    return image


def crop(image: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """Cut the box (x1, y1, x2, y2), in pixels, out of an image; coordinates are truncated.

    Parts of the box outside the image are dropped.

    Raises:
        ImageError: when nothing of the box lies inside the image.
    Source: SuperGlobal's and CVNet's releases truncate with `int()`.

    >>> crop(np.zeros((10, 20, 3), np.uint8), (2.9, 1, 8.2, 5)).shape
    (4, 6, 3)
    """
    x1, y1, x2, y2 = (int(value) for value in box)
    cut = image[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)]
    if cut.size == 0:
        height, width = image.shape[:2]
        raise ImageError(f"has nothing inside its box ({x1}, {y1}, {x2}, {y2}): it is {width} x {height} px")
    return cut


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _read_list(source: Path) -> list[Path]:
    try:
        lines = [line.strip() for line in source.read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise UserError(f"{source} is neither a folder nor a text file with one image path a line") from error
    except OSError as error:
        raise UserError(f"cannot read {source}: {error.strerror or error}") from error
    names = [line for line in lines if line and not line.startswith("#")]
    if not names:
        raise UserError(f"the list {source} names no image: write one path a line")
    beside = [source.parent / name for name in names]
    paths = [path if path.is_file() else Path(name) for path, name in zip(beside, names, strict=True)]
    absent = [str(path) for path in paths if not path.is_file()]
    if absent:
        raise UserError(
            f"{len(absent)} of the {len(names)} images that {source} names do not exist: {name_list(absent)}"
        )
    return paths


def _refuse_same_ids(files: list[ImageFile], source: Path) -> None:
    seen: set[str] = set()
    twice = {file.id for file in files if file.id in seen or seen.add(file.id)}  # type: ignore[func-returns-value]
    if twice:
        raise UserError(
            f"{source} names two images with the same id (file name without extension): "
            f"{name_list(sorted(twice))}; rename or remove one of each"
        )


def _is_cut_short(data: bytes) -> bool:
    # OpenCV fills the missing part of a truncated JPEG with grey and says nothing to its caller.
    if data.startswith(b"\xff\xd8"):
        scan = data.rfind(b"\xff\xda")  # the last scan; an EXIF thumbnail's comes earlier
        return scan < 0 or data.find(b"\xff\xd9", scan) < 0
    if data.startswith(b"\x89PNG"):
        return data.rfind(b"IEND") < 0
    return False
