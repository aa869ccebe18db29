"""The painter of one wall: metres from the wall's lower left corner in, pixels out.

A wall's picture has four channels, BGR and *kind*: 255 is solid, 128 is glass (it lights up at night),
0 is nothing at all (between the columns of a colonnade, above the steps of a stepped gable).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from superglobal_core.data.landmarks.genome import Colour, Motif, Palette
from superglobal_core.data.landmarks.materials import surface

SOLID, GLASS, HOLE = 255, 128, 0
Points = Sequence[tuple[float, float]] | np.ndarray

# OpenCV draws polygons at fractions of a pixel when coordinates carry this many extra bits.
SHIFT = 4


def shaded(colour: Colour, factor: float) -> Colour:
    """Return the colour darker (factor below 1) or lighter, within 8 bits."""
    return min(255.0, colour[0] * factor), min(255.0, colour[1] * factor), min(255.0, colour[2] * factor)


class Wall:
    """A wall under the brush: `width` x `height` metres at `ppm` pixels in a metre."""

    def __init__(
        self,
        width: float,
        height: float,
        palette: Palette,
        motif: Motif,
        rng: np.random.Generator,
        ppm: float,
        material: str | None = None,
        colour: Colour | None = None,
    ) -> None:
        self.width, self.height, self.ppm, self.rng = width, height, ppm, rng
        self.palette, self.motif = palette, motif
        rows, columns = max(8, round(height * ppm)), max(8, round(width * ppm))
        kind = material or palette.material
        base = colour or palette.wall
        solid = np.full((rows, columns), SOLID, np.uint8)
        self.image = cv2.merge(
            [*cv2.split(surface(kind, rows, columns, base, palette.second, rng, ppm)), solid]
        )

    def pixels(self, points: Points) -> np.ndarray:
        """Convert metres (x to the right, z up) to pixels with `SHIFT` extra bits."""
        array = np.asarray(points, np.float64).reshape(-1, 2)
        scaled = np.stack([array[:, 0], self.height - array[:, 1]], axis=1) * self.ppm
        return np.round(scaled * (1 << SHIFT)).astype(np.int32)

    def polygon(self, points: Points, colour: Colour, kind: int = SOLID) -> None:
        """Fill a polygon given in metres."""
        value = (*colour, float(kind))
        line = cv2.LINE_AA if kind == SOLID else cv2.LINE_8
        cv2.fillPoly(self.image, [self.pixels(points)], value, line, SHIFT)

    def rectangle(
        self, x: float, z: float, width: float, height: float, colour: Colour, kind: int = SOLID
    ) -> None:
        """Fill a rectangle whose lower left corner is (x, z)."""
        self.polygon([(x, z), (x + width, z), (x + width, z + height), (x, z + height)], colour, kind)

    def line(self, points: Points, colour: Colour, thickness: float, closed: bool = False) -> None:
        """Draw a line through points; the thickness is in metres and at least one pixel."""
        width = max(1, round(thickness * self.ppm))
        cv2.polylines(
            self.image, [self.pixels(points)], closed, (*colour, float(SOLID)), width, cv2.LINE_AA, SHIFT
        )

    def shade(self, x: float, z: float, width: float, height: float, factor: float) -> None:
        """Multiply the colours within a rectangle: shadows under cornices, projecting pilasters."""
        left, right = (int(np.clip(round(v * self.ppm), 0, self.image.shape[1])) for v in (x, x + width))
        top, bottom = (
            int(np.clip(round((self.height - v) * self.ppm), 0, self.image.shape[0])) for v in (z + height, z)
        )
        patch = self.image[top:bottom, left:right, :3]
        self.image[top:bottom, left:right, :3] = np.clip(patch * factor, 0, 255).astype(np.uint8)

    def course(self, z: float, height: float, colour: Colour, shadow: float = 0.45) -> None:
        """Draw a horizontal moulding over the whole width, lit above and with its shadow below."""
        self.rectangle(0, z, self.width, height, colour)
        self.rectangle(0, z + 0.65 * height, self.width, 0.35 * height, shaded(colour, 1.12))
        self.shade(0, z - shadow, self.width, shadow, 0.7)

    def strip(self, x: float, z: float, width: float, height: float, colour: Colour) -> None:
        """Draw a vertical projecting strip (pilaster, buttress): lit left edge, shadow at the right."""
        self.shade(x + width, z, 0.35 * width, height, 0.72)
        self.rectangle(x, z, width, height, colour)
        self.rectangle(x, z, 0.25 * width, height, shaded(colour, 1.1))
        self.rectangle(x + 0.8 * width, z, 0.2 * width, height, shaded(colour, 0.82))
