"""The surroundings: a stock of props shared by a data set, and the site each building stands on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from superglobal_core.data.landmarks import props
from superglobal_core.data.landmarks.buildings import Building
from superglobal_core.data.landmarks.camera import Camera
from superglobal_core.data.landmarks.facades import cornice, storeys
from superglobal_core.data.landmarks.genome import Colour, draw_genome, vary
from superglobal_core.data.landmarks.materials import fractal, masonry, roofing, tint
from superglobal_core.data.landmarks.painter import Wall
from superglobal_core.data.landmarks.roofs import gable_roof, hip_roof
from superglobal_core.data.landmarks.solids import Face, Texture, box, planar

GROUND_M = 170.0  # side of the textured ground around a building
_METRES = {
    "leafy": 9.0,
    "conifer": 10.0,
    "bare": 9.0,
    "person": 1.8,
    "vehicle": 1.9,
    "post": 6.0,
    "hedge": 1.6,
}


class Stock:
    """Props, neighbours' fronts, grounds and clouds: drawn once, used by every picture of a data set."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(np.random.SeedSequence([seed, 0x5CE7E]))
        makers = {
            "leafy": (props.leafy_tree, 12),
            "conifer": (props.conifer, 6),
            "bare": (props.bare_tree, 4),
            "person": (props.person, 18),
            "vehicle": (props.vehicle, 10),
            "post": (props.post, 8),
            "hedge": (props.hedge, 5),
        }
        self.props = {
            name: [Texture(make(rng)) for _ in range(count)] for name, (make, count) in makers.items()
        }
        self.fronts = [_plain_front(rng) for _ in range(20)]
        self.roofs = [
            Texture(roofing(96, 128, vary(colour, rng, 10), rng))
            for colour in ((58, 78, 164), (58, 74, 112), (98, 86, 78), (120, 120, 120))
        ]
        self.grounds = [
            _ground(kind, rng) for kind in ("paving", "cobbles", "asphalt", "grass", "gravel", "square") * 2
        ]
        quarter = fractal(256, 256, rng, coarse=4, octaves=5)
        half = np.concatenate([quarter, quarter[::-1]])
        # Mirrored both ways, so that it can be rolled without a seam.
        self.clouds = np.concatenate([half, half[:, ::-1]], axis=1)
        self.noise = rng.standard_normal((512, 512, 3)).astype(np.float32)

    def billboard(
        self,
        kind: str,
        index: int,
        place: tuple[float, float],
        camera: Camera,
        scale: float = 1.0,
        base: float = 0.0,
    ) -> Face:
        """Stand a prop on the ground at `place`, turned to the camera."""
        texture = self.props[kind][index % len(self.props[kind])]
        rows, columns = texture.shape
        height = _METRES[kind] * scale
        width = height * columns / rows
        toward = camera.position[:2] - place
        toward = toward / max(float(np.linalg.norm(toward)), 1e-6)
        half = np.array([-toward[1], toward[0]]) * width / 2
        a, b = place - half, place + half
        points = [(*a, base), (*b, base), (*b, base + height), (*a, base + height)]
        return planar(np.array(points), texture, two_sided=True)


@dataclass(frozen=True)
class Site:
    """What stays the same around a building: ground, neighbours, planted trees, the far horizon."""

    ground: list[Face]  # the wide one first
    ground_colour: Colour
    neighbours: list[tuple[np.ndarray, float, list[Face]]]  # middle (x, y), radius, faces
    plants: list[tuple[str, int, np.ndarray, float]]  # kind, index, place, scale
    skyline: np.ndarray  # height in metres at 400 m, one for each degree of azimuth
    skyline_colour: Colour


def make_site(building: Building, stock: Stock, rng: np.random.Generator) -> Site:
    """Lay out the surroundings of a building: a street, a square or a park."""
    kind = ("street", "square", "park")[int(rng.choice(3, p=[0.4, 0.35, 0.25]))]
    picture = stock.grounds[int(rng.choice([3, 9, 4, 10] if kind == "park" else [0, 1, 2, 5, 6, 7, 8, 11]))]
    middle = building.centre
    ground = []
    for half in (2 * GROUND_M, GROUND_M / 2):
        signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ground.append(
            planar(np.array([(middle[0] + x * half, middle[1] + y * half, 0.0) for x, y in signs]), picture)
        )
    mean = picture.level(6)[:, :, :3].reshape(-1, 3).mean(axis=0)
    neighbours = []
    low, high = building.low, building.high
    if kind != "park":
        gap = float(rng.uniform(0.0, 1.5) if kind == "street" else rng.uniform(5, 14))
        for sign in (-1, 1):
            x = (low[0] - gap) if sign < 0 else (high[0] + gap)
            for _ in range(int(rng.integers(1, 4))):
                width, depth = float(rng.uniform(8, 16)), float(rng.uniform(8, 12))
                y = float(np.clip(low[1], -1, 3) + rng.uniform(0, 2.5))
                neighbours.append(_neighbour(stock, rng, x + sign * width / 2, y, width, depth))
                x += sign * (width + float(rng.choice([0.0, 0.0, 3.0])))
    for _ in range(int(rng.integers(2, 7))):
        x, y = float(rng.uniform(-60, 60)), float(high[1] + rng.uniform(14, 40))
        neighbours.append(_neighbour(stock, rng, x, y, float(rng.uniform(9, 20)), 10.0))
    plants = []
    for _ in range(int(rng.integers(3, 10)) if kind == "park" else int(rng.integers(0, 5))):
        side = float(rng.choice([-1, 1]))
        x = middle[0] + side * (building.size[0] / 2 * rng.uniform(0.55, 1.2) + rng.uniform(1, 9))
        y = low[1] - rng.uniform(2, 14) if rng.random() < 0.5 else high[1] + rng.uniform(2, 20)
        name = ("leafy", "leafy", "conifer", "bare", "hedge")[int(rng.integers(5))]
        plants.append((name, int(rng.integers(100)), np.array([x, y]), float(rng.uniform(0.6, 1.25))))
    for _ in range(int(rng.integers(0, 4))):
        place = np.array([rng.uniform(low[0] - 6, high[0] + 6), low[1] - rng.uniform(4, 16)])
        plants.append(("post", int(rng.integers(100)), place, float(rng.uniform(0.7, 1.1))))
    heights = _skyline(rng)
    greens: tuple[Colour, ...] = ((120, 128, 104), (150, 138, 124), (138, 134, 132), (96, 112, 92))
    far = (float(mean[0]), float(mean[1]), float(mean[2]))
    return Site(ground, far, neighbours, plants, heights, greens[int(rng.integers(4))])


def _neighbour(
    stock: Stock, rng: np.random.Generator, x: float, y: float, width: float, depth: float
) -> tuple[np.ndarray, float, list[Face]]:
    height, rise = float(rng.uniform(6, 14)), float(rng.uniform(1.5, 4))
    front = stock.fronts[int(rng.integers(len(stock.fronts)))]
    side = stock.fronts[int(rng.integers(len(stock.fronts)))]
    roof = stock.roofs[int(rng.integers(len(stock.roofs)))]
    faces = box(x, y, width, depth, 0, height, (front, side, side))
    if rng.random() < 0.5:
        faces += gable_roof(x, y, width, depth, height, rise, roof, front, "x", 0.3)
    else:
        faces += hip_roof(x, y, width, depth, height, rise, roof, 0.3, float(rng.choice([0.0, 0.5])))
    return np.array([x, y + depth / 2]), max(width, depth) / 2, faces


def _plain_front(rng: np.random.Generator) -> Texture:
    style = ("classical", "townhall", "modernist", "timber", "industrial", "baroque")[int(rng.integers(6))]
    genome = draw_genome(rng, style)
    levels = int(rng.integers(2, 5))
    wall = Wall(float(rng.uniform(9, 14)), 3.2 * levels, genome.palette, genome.motif, rng, 8.0)
    ground = ("windows", "shops", "arcade", "windows")[int(rng.integers(4))]
    storeys(wall, [3.2] * levels, int(rng.integers(3, 7)), ground=ground, doors=(1,))
    cornice(wall, 0.4)
    return Texture(wall.image)


def _ground(kind: str, rng: np.random.Generator) -> Texture:
    side = 768
    if kind == "grass":
        image = tint(vary((62, 122, 96), rng, 8), 1 + 0.12 * fractal(side, side, rng, coarse=90, octaves=3))
        path = vary((150, 176, 190), rng, 8)
        image[:, side // 2 - 14 : side // 2 + 14] = tint(path, 1 + 0.05 * fractal(side, 28, rng, coarse=60))
    elif kind == "asphalt":
        image = tint(vary((104, 102, 100), rng, 3), 1 + 0.07 * fractal(side, side, rng, coarse=80, octaves=3))
        row = int(side * 0.66)
        image[row : row + 3, (np.arange(side) // 14) % 2 == 0] = (214, 214, 214)
        image[row - 34 : row - 31] = (170, 170, 172)
        image[: row - 40] = tint(
            vary((150, 156, 160), rng, 4), 1 + 0.05 * fractal(row - 40, side, rng, coarse=80)
        )
    elif kind == "gravel":
        image = tint(
            vary((160, 182, 196), rng, 5), 1 + 0.08 * rng.standard_normal((side, side)).astype(np.float32)
        )
    else:
        sizes = {"paving": (8, 8), "cobbles": (3, 4), "square": (20, 20)}[kind]
        image = masonry(side, side, vary((150, 156, 162), rng, 5), rng, *sizes, 0.06, 0.84)
    stains = 1 + 0.07 * fractal(side, side, rng, coarse=8, octaves=4)
    return Texture(np.clip(image * stains[:, :, None], 0, 255).astype(np.uint8))


def _skyline(rng: np.random.Generator) -> np.ndarray:
    degrees = np.arange(360)
    if rng.random() < 0.5:
        waves = sum(
            rng.uniform(2, 14)
            / k
            * np.sin(np.radians(degrees) * (2 * k + int(rng.integers(2))) + rng.uniform(0, 6.3))
            for k in range(1, 7)
        )
        return np.asarray(np.clip(22 + waves, 2, 70), np.float64)
    blocks = rng.uniform(8, 40, 120) * (1 + 2 * (rng.random(120) < 0.05))
    return np.asarray(blocks[degrees // 3], np.float64)


def draw_far(colour: np.ndarray, site: Site, camera: Camera, tone: np.ndarray) -> np.ndarray:
    """Paint the skyline and the far ground over a sky; returns the mask of the ground."""
    degrees = np.radians(np.arange(360))
    ahead = np.arctan2(camera.matrix[2, 0], camera.matrix[2, 1])
    near = np.abs((degrees - ahead + np.pi) % (2 * np.pi) - np.pi) < 1.15
    order = np.argsort((degrees[near] - ahead + np.pi) % (2 * np.pi))
    angle, height = degrees[near][order], site.skyline[near][order]
    ring = camera.position[:2] + 400 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    top, _ = camera.project(np.column_stack([ring, height]))
    foot, _ = camera.project(np.column_stack([ring, np.full(len(ring), -30.0)]))
    outline = np.concatenate([top, foot[::-1]])
    # Air lies before what is 400 m away: half the colour is that of the sky just above.
    column = np.clip(
        np.round(top[len(top) // 2]).astype(int) - (0, 6), 0, (camera.width - 1, camera.height - 1)
    )
    shade = 0.5 * np.array(site.skyline_colour) * tone + 0.5 * colour[column[1], column[0]]
    outline = np.round(np.clip(outline, -1e5, 1e5)).astype(np.int32)
    cv2.fillPoly(colour, [outline], tuple(float(c) for c in np.clip(shade, 0, 255)))
    to_pixels = camera.plane(np.zeros(3), np.array([1.0, 0, 0]), np.array([0, 1.0, 0]))
    row = np.linalg.inv(to_pixels)[2]
    below = (
        row[0] * np.arange(camera.width)[None, :] + row[1] * np.arange(camera.height)[:, None] + row[2] > 0
    )
    colour[below] = np.clip(np.array(site.ground_colour) * tone, 0, 255)
    return below
