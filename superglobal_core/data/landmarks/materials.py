"""Surfaces seen close: brick, stone, plaster, concrete, timber infill, roof tiles, paving.

Each function returns an 8-bit BGR image of the asked height and width. Courses are given in pixels.
They are drawn larger than life, because a real brick would be smaller than a pixel of the photograph.
"""

from __future__ import annotations

import cv2
import numpy as np

from superglobal_core.data.landmarks.genome import Colour


def fractal(
    height: int, width: int, rng: np.random.Generator, coarse: int = 4, octaves: int = 4
) -> np.ndarray:
    """Return smooth noise, roughly standard normal: octaves of random grids, each twice as fine."""
    total = np.zeros((height, width), np.float32)
    scale = 0.0
    for octave in range(octaves):
        cells = coarse * 2**octave
        if octave > 0 and cells > max(height, width):
            break
        rows = max(2, round(cells * height / max(height, width)))
        columns = max(2, round(cells * width / max(height, width)))
        grid = rng.standard_normal((rows, columns)).astype(np.float32)
        weight = 0.6**octave
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        scale += weight**2
    return total / np.float32(np.sqrt(scale) * 0.8)


def tint(colour: Colour, factor: np.ndarray) -> np.ndarray:
    """Multiply one colour by a factor per pixel and round to 8 bits."""
    channels = [np.clip(factor * c, 0, 255).astype(np.uint8) for c in colour]
    return cv2.merge(channels)


def weather(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Stain a surface: broad patches, vertical streaks from above, dirt near the ground."""
    height, width = image.shape[:2]
    patches = fractal(height, width, rng, coarse=3, octaves=3)
    streaks = cv2.resize(
        rng.standard_normal((3, max(4, width // 5))).astype(np.float32),
        (width, height),
        interpolation=cv2.INTER_LINEAR,
    )
    depth = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    factor = 1 + strength * (0.5 * patches + 0.3 * streaks * (1 - depth)) - 1.1 * strength * depth**6
    for channel in range(3):
        image[:, :, channel] = np.clip(image[:, :, channel] * factor, 0, 255)
    return image


def masonry(
    height: int,
    width: int,
    colour: Colour,
    rng: np.random.Generator,
    course: int = 4,
    block: int = 9,
    jitter: float = 0.1,
    joint: float = 0.78,
    second: Colour | None = None,
) -> np.ndarray:
    """Draw coursed brick or stone: blocks of varying shade, joints darker (or lighter) than they.

    With `second` every few courses are laid in that colour (polychrome bands).
    """
    course, block = max(2, course), max(3, block)
    rows = np.arange(height) // course
    count = int(rows[-1]) + 1
    offsets = (np.arange(count) % 2) * (block // 2) + rng.integers(0, 2, count)
    columns = np.arange(width)[None, :] + offsets[rows][:, None]
    shades = 1 + rng.normal(0, jitter, (count, width // block + 3)).astype(np.float32)
    factor = shades[rows[:, None], columns // block]
    factor[(np.arange(height) % course) == 0] *= joint
    factor[columns % block == 0] *= joint
    image = tint(colour, factor)
    if second is not None:
        period, band = int(rng.integers(4, 9)), int(rng.integers(1, 4))
        striped = (rows % period) < band
        image[striped] = tint(second, factor)[striped]
    return image


def rubble(height: int, width: int, colour: Colour, rng: np.random.Generator, stone: int = 7) -> np.ndarray:
    """Draw a wall of field stones: cells around scattered points, dark where two cells meet."""
    rows, columns = height // stone + 3, width // stone + 3
    lattice = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).astype(np.float32)
    centres = (lattice - 0.5 + rng.uniform(-0.42, 0.42, lattice.shape).astype(np.float32)) * stone
    seeds = np.full((height, width), 255, np.uint8)
    points = centres.reshape(-1, 2).astype(int)
    inside = (points[:, 0] >= 0) & (points[:, 0] < width) & (points[:, 1] >= 0) & (points[:, 1] < height)
    seeds[points[inside, 1], points[inside, 0]] = 0
    distance, label = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    shades = (1 + rng.normal(0, 0.13, int(label.max()) + 1)).astype(np.float32)
    factor = shades[label] * np.where(distance > 0.52 * stone, np.float32(0.72), np.float32(1.0))
    return tint(colour, factor)


def plaster(height: int, width: int, colour: Colour, rng: np.random.Generator) -> np.ndarray:
    """Draw a rendered wall, nearly plain."""
    return tint(colour, 1 + 0.03 * fractal(height, width, rng, coarse=24, octaves=2))


def concrete(
    height: int, width: int, colour: Colour, rng: np.random.Generator, panel: int = 26
) -> np.ndarray:
    """Draw board-marked concrete: panels of slightly different grey with thin joints."""
    rows, columns = np.arange(height) // panel, np.arange(width) // (2 * panel)
    shades = 1 + rng.normal(0, 0.035, (int(rows[-1]) + 1, int(columns[-1]) + 1)).astype(np.float32)
    factor = shades[rows[:, None], columns[None, :]] + 0.02 * fractal(
        height, width, rng, coarse=16, octaves=2
    )
    factor[np.arange(height) % panel == 0] *= 0.8
    factor[:, np.arange(width) % (2 * panel) == 0] *= 0.84
    return tint(colour, factor)


def panels(
    height: int, width: int, colour: Colour, second: Colour, rng: np.random.Generator, panel: int = 14
) -> np.ndarray:
    """Draw cladding: a chequer of two colours in a random but regular pattern."""
    rows, columns = np.arange(height) // panel, np.arange(width) // panel
    kind = int(rng.integers(4))
    if kind == 0:
        odd = (rows[:, None] % 2 == 0) & (columns[None, :] * 0 == 0)
    elif kind == 1:
        odd = (rows[:, None] * 0 == 0) & (columns[None, :] % 3 == 0)
    elif kind == 2:
        odd = (rows[:, None] + columns[None, :]) % 3 == 0
    else:
        odd = rng.random((int(rows[-1]) + 1, int(columns[-1]) + 1))[rows[:, None], columns[None, :]] < 0.25
    joints = np.ones((height, width), np.float32)
    joints[np.arange(height) % panel == 0] = 0.86
    joints[:, np.arange(width) % panel == 0] = 0.86
    image = tint(colour, joints)
    image[odd] = tint(second, joints)[odd]
    return image


def roofing(height: int, width: int, colour: Colour, rng: np.random.Generator, course: int = 5) -> np.ndarray:
    """Draw courses of tiles, slates or seamed metal, with some replaced ones and moss."""
    rows, columns = np.arange(height) // course, np.arange(width) // course
    shades = 1 + rng.normal(0, 0.1, (int(rows[-1]) + 1, int(columns[-1]) + 1)).astype(np.float32)
    factor = shades[rows[:, None], columns[None, :]]
    factor *= np.linspace(1.1, 0.78, course, dtype=np.float32)[np.arange(height) % course][:, None]
    return tint(colour, factor * (1 + 0.08 * fractal(height, width, rng)))


def surface(
    kind: str, height: int, width: int, colour: Colour, second: Colour, rng: np.random.Generator, metre: float
) -> np.ndarray:
    """Draw a wall's material by its name in the palette; `metre` is the number of pixels in one metre."""
    if kind == "brick":
        image = masonry(height, width, colour, rng, round(0.28 * metre), round(0.66 * metre), 0.12)
    elif kind == "bands":
        image = masonry(
            height, width, colour, rng, round(0.5 * metre), round(1.1 * metre), 0.06, 0.85, second
        )
    elif kind == "ashlar":
        image = masonry(height, width, colour, rng, round(0.55 * metre), round(1.2 * metre), 0.07, 0.82)
    elif kind == "rubble":
        image = rubble(height, width, colour, rng, max(4, round(0.6 * metre)))
    elif kind == "concrete":
        image = concrete(height, width, colour, rng, max(6, round(1.8 * metre)))
    elif kind == "panels":
        image = panels(height, width, colour, second, rng, max(5, round(1.2 * metre)))
    else:  # plaster, and what is between the beams of timber framing
        image = plaster(height, width, colour, rng)
    return weather(image, rng, 0.10 if kind in ("plaster", "panels") else 0.13)
