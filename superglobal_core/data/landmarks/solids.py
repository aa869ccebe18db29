"""Faces in space and the bodies made of them: boxes, drums, domes, cones.

A face is a convex piece of a plane with a texture: origin + s u + t v for (s, t) within `outline`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np

from superglobal_core.data.landmarks.genome import Colour

UNIT_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
Vector = np.ndarray


class Texture:
    """A BGR + kind picture with its halves, quarters, ... for far views."""

    def __init__(self, image: np.ndarray) -> None:
        if image.shape[2] == 3:
            image = cv2.merge([*cv2.split(image), np.full(image.shape[:2], 255, np.uint8)])
        self._levels = [image]
        self.has_holes = bool((image[:, :, 3] == 0).any())

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns at full size."""
        return self._levels[0].shape[0], self._levels[0].shape[1]

    def level(self, level: int) -> np.ndarray:
        """Return the picture at 1 / 2**level of its size, made when first asked for."""
        while len(self._levels) <= level and min(self._levels[-1].shape[:2]) >= 8:
            last = self._levels[-1]
            size = (last.shape[1] // 2, last.shape[0] // 2)
            self._levels.append(cv2.resize(last, size, interpolation=cv2.INTER_AREA))
        return self._levels[min(level, len(self._levels) - 1)]


@dataclass(frozen=True, eq=False)
class Face:
    """A convex plane piece; either `texture` or one `colour` says what it looks like."""

    origin: Vector
    u: Vector
    v: Vector
    normal: Vector
    texture: Texture | None
    colour: Colour = (0.0, 0.0, 0.0)
    outline: np.ndarray = field(default_factory=lambda: UNIT_SQUARE)
    two_sided: bool = False

    def corners(self) -> np.ndarray:
        """Return the outline in space, (n, 3)."""
        return self.origin + self.outline[:, :1] * self.u + self.outline[:, 1:] * self.v


def _unit(vector: Vector) -> Vector:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def planar(points: np.ndarray, paint: Texture | Colour, two_sided: bool = False) -> Face:
    """Make a face of coplanar points (n, 3), counter-clockwise from outside, beginning with its lower edge.

    The texture is stretched over the face's bounding rectangle, its rows along the lower edge.
    """
    points = np.asarray(points, np.float64)
    along = _unit(points[1] - points[0])
    normal = _unit(np.cross(along, points[2] - points[0]))
    down = np.cross(along, normal)
    local = (points - points[0]) @ np.stack([along, down], axis=1)
    low, high = local.min(axis=0), local.max(axis=0)
    size = np.maximum(high - low, 1e-6)
    origin = points[0] + low[0] * along + low[1] * down
    outline = (local - low) / size
    texture, colour = (paint, (0.0, 0.0, 0.0)) if isinstance(paint, Texture) else (None, paint)
    return Face(origin, along * size[0], down * size[1], normal, texture, colour, outline, two_sided)


def wall(
    a: tuple[float, float], b: tuple[float, float], z: float, height: float, paint: Texture | Colour
) -> Face:
    """Make an upright face over the ground from a to b (left to right as seen from outside)."""
    low, high = z, z + height
    return planar(np.array([(*a, low), (*b, low), (*b, high), (*a, high)]), paint)


def box(
    centre: float, front: float, width: float, depth: float, z: float, height: float,
    walls: tuple[Texture | Colour, Texture | Colour, Texture | Colour], top: Texture | Colour | None = None,
) -> list[Face]:  # fmt: skip
    """Make a box: `walls` are the paints of front, both sides, and back; no bottom.

    Its front stands on the line y = front and is centred on x = centre.
    """
    left, right, back = centre - width / 2, centre + width / 2, front + depth
    faces = [
        wall((left, front), (right, front), z, height, walls[0]),
        wall((right, front), (right, back), z, height, walls[1]),
        wall((right, back), (left, back), z, height, walls[2]),
        wall((left, back), (left, front), z, height, walls[1]),
    ]
    if top is not None:
        level = z + height
        corners = [(left, front, level), (right, front, level), (right, back, level), (left, back, level)]
        faces.append(planar(np.array(corners), top))
    return faces


def _ring(x: float, y: float, radius: float, z: float, sides: int) -> np.ndarray:
    # Half a step of rotation turns a side, not an edge, to the front.
    angle = 2 * np.pi * (np.arange(sides) + 0.5) / sides - np.pi / 2
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle), np.full(sides, z)], axis=1)


def drum(
    x: float, y: float, radius: float, z: float, height: float, paint: Texture | Colour,
    sides: int = 14, taper: float = 1.0, repeat: int = 1,
) -> list[Face]:  # fmt: skip
    """Make an upright cylinder (or cone stump) around (x, y): the texture goes round it `repeat` times."""
    low, high = _ring(x, y, radius, z, sides), _ring(x, y, radius * taper, z + height, sides)
    faces = []
    for i in range(sides):
        j = (i + 1) % sides
        face = planar(np.array([low[i], low[j], high[j], high[i]]), paint)
        if face.texture is not None:
            # Let the whole texture span `sides / repeat` facets and show this facet's share of it.
            span, part = sides / repeat, (i * repeat / sides) % 1.0
            outline = face.outline / (span, 1.0) + (part, 0.0)
            face = Face(
                face.origin - face.u * span * part,
                face.u * span,
                face.v,
                face.normal,
                face.texture,
                outline=outline,
            )
        faces.append(face)
    return faces


def revolve(
    x: float, y: float, profile: np.ndarray, colour: Colour, sides: int = 16, rib: Colour | None = None
) -> list[Face]:
    """Turn a profile (n, 2) of (radius, z), lowest first, around the axis at (x, y): domes, cones, onions.

    Every other gore takes the colour `rib` when there is one.
    """
    faces = []
    rings = [_ring(x, y, max(r, 1e-3), z, sides) for r, z in profile]
    for low, high in pairwise(rings):
        for i in range(sides):
            j = (i + 1) % sides
            points = [low[i], low[j], high[j], high[i]]
            if np.linalg.norm(high[i] - high[j]) < 5e-3:
                points = points[:3]
            if np.linalg.norm(low[i] - low[j]) < 5e-3:
                continue
            paint = rib if rib is not None and i % 2 else colour
            faces.append(planar(np.array(points), paint))
    return faces


def dome_profile(kind: str, radius: float, z: float, rings: int = 6) -> np.ndarray:
    """Return the profile of a dome: half sphere, pointed, saucer, onion or cone."""
    t = np.linspace(0, 1, rings + 1)
    if kind == "onion":
        r = radius * np.interp(t, (0, 0.15, 0.35, 0.55, 0.75, 1), (0.82, 1.05, 1.12, 0.8, 0.28, 0.0))
        height = z + 2.1 * radius * t
    elif kind == "cone":
        r, height = radius * (1 - t[:: rings // 2]), z + 2.2 * radius * t[:: rings // 2]
    else:
        squash = {"pointed": 1.45, "saucer": 0.55, "bell": 1.2}.get(kind, 1.0)
        r, height = radius * np.cos(t * np.pi / 2), z + squash * radius * np.sin(t * np.pi / 2)
        if kind == "bell":
            r = radius * np.interp(t, (0, 0.2, 0.45, 0.7, 1), (1.0, 0.92, 0.55, 0.3, 0.0))
            height = z + 1.6 * radius * t
    return np.stack([r, height], axis=1)
