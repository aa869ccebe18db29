"""Small pictures for a page that carries everything inside itself: each is embedded once."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from superglobal_core.data.images import ImageError, read_image

THUMBNAIL, QUERY_THUMBNAIL = 96, 176  # longer sides, pixels
QUALITY = 78  # JPEG: artefacts are invisible at this size, 2 to 4 kB a picture
# Bytes of all pictures together as the page holds them; beyond, names stand in for pictures.
BUDGET = 10_000_000
# The box is drawn light on dark, to be seen on any picture.
BOX_INNER, BOX_OUTER = (60, 220, 255), (20, 20, 20)


@dataclasses.dataclass(frozen=True)
class Picture:
    """An embedded picture: its id in the page, size in pixels and JPEG as a data URI."""

    id: str
    width: int
    height: int
    uri: str


class Album:
    """The pictures of one page.

    `add` returns the same picture for the same file and box, and None for a file that cannot be
    shown: absent, damaged, or one more than the page may carry.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._pictures: dict[tuple[Path, tuple[float, ...] | None], Picture | None] = {}
        self._left = budget
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
            self._pictures[key] = self._make(path, box)
        return self._pictures[key]

    def _make(self, path: Path, box: Sequence[float] | None) -> Picture | None:
        try:
            image = read_image(path)
        except ImageError:
            return None
        small = thumbnail(image, THUMBNAIL if box is None else QUERY_THUMBNAIL, box)
        done, data = cv2.imencode(
            ".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
        )
        if not done:
            return None
        uri = "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
        if len(uri) > self._left:
            self.left_out += 1
            return None
        self._left -= len(uri)
        return Picture(f"p{len(self._pictures)}", small.shape[1], small.shape[0], uri)


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
