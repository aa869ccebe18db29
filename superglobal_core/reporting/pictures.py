"""Small pictures for a page that carries everything inside itself: each is embedded once."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from superglobal_core.data.images import ImageError, read_image

THUMBNAIL, QUERY_THUMBNAIL = 64, 128  # longer sides, pixels
# WebP: at this size half of a JPEG's bytes, most of which would be its tables; about 0.5 kB a picture.
QUALITY, QUERY_QUALITY = 45, 55
# Bytes of all pictures together as one page holds them; beyond, names stand in for pictures.
BUDGET = 10_000_000
# The box is drawn light on dark, to be seen on any picture.
BOX_INNER, BOX_OUTER = (60, 220, 255), (20, 20, 20)

Box = tuple[float, ...]
Key = tuple[Path, Box | None]


@dataclasses.dataclass(frozen=True)
class Picture:
    """An embedded picture: its id in the page, size in pixels and WebP as a data URI."""

    id: str
    width: int
    height: int
    uri: str


class Thumbnails:
    """Small copies of images, each made once for all pages; `size_and_uri` gives None for what is no image."""

    def __init__(self) -> None:
        self._made: dict[Key, tuple[int, int, str] | None] = {}

    def size_and_uri(self, path: Path, box: Box | None) -> tuple[int, int, str] | None:
        """Return width, height and data URI; with a box (x1, y1, x2, y2 in its pixels) larger, the box drawn."""
        if (path, box) not in self._made:
            self._made[path, box] = self._make(path, box)
        return self._made[path, box]

    @staticmethod
    def _make(path: Path, box: Box | None) -> tuple[int, int, str] | None:
        try:
            image = read_image(path)
        except ImageError:
            return None
        side, quality = (THUMBNAIL, QUALITY) if box is None else (QUERY_THUMBNAIL, QUERY_QUALITY)
        small = thumbnail(image, side, box)
        done, data = cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, quality])
        if not done:
            return None
        uri = "data:image/webp;base64," + base64.b64encode(data.tobytes()).decode("ascii")
        return small.shape[1], small.shape[0], uri


class Album:
    """The pictures of one page.

    `add` returns the same picture for the same file and box, and None for a file that cannot be
    shown: absent, damaged, or one more than the page may carry.
    """

    def __init__(self, budget: int = BUDGET, thumbnails: Thumbnails | None = None) -> None:
        self._pictures: dict[Key, Picture | None] = {}
        self._thumbnails = thumbnails or Thumbnails()
        self.left = budget
        self.left_out = 0

    @property
    def pictures(self) -> list[Picture]:
        """All pictures that are embedded, in the order they were first asked for."""
        return [picture for picture in self._pictures.values() if picture is not None]

    def add(self, path: Path | None, box: Sequence[float] | None = None) -> Picture | None:
        """Embed an image; with a box (x1, y1, x2, y2 in its pixels) larger and with the box drawn."""
        if path is None:
            return None
        key = (path, None if box is None else tuple(box))
        if key not in self._pictures:
            self._pictures[key] = self._embed(*key)
        return self._pictures[key]

    def _embed(self, path: Path, box: Box | None) -> Picture | None:
        made = self._thumbnails.size_and_uri(path, box)
        if made is None:
            return None
        if len(made[2]) > self.left:
            self.left_out += 1
            return None
        self.left -= len(made[2])
        return Picture(f"p{len(self._pictures)}", *made)


def thumbnail(image: np.ndarray, side: int, box: Sequence[float] | None = None) -> np.ndarray:
    """Scale an image (H, W, 3) so that its longer side has `side` pixels, and draw a box of the original.

    Smaller images are not enlarged.
    """
    height, width = image.shape[:2]
    factor = min(1.0, side / max(height, width))
    shape = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(image, shape, interpolation=cv2.INTER_AREA) if factor < 1 else image.copy()
    if box is not None:
        x1, y1, x2, y2 = (round(value * factor) for value in box)
        # A box along the image's border is drawn just inside it.
        corners = (max(x1, 1), max(y1, 1)), (min(x2, shape[0] - 2), min(y2, shape[1] - 2))
        cv2.rectangle(small, *corners, BOX_OUTER, 4)
        cv2.rectangle(small, *corners, BOX_INNER, 2)
    return small
