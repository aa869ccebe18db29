"""Roofs: pitched, hipped, saw-toothed."""

from __future__ import annotations

import numpy as np

from superglobal_core.data.landmarks.genome import Colour
from superglobal_core.data.landmarks.solids import Face, Texture, planar


def gable_roof(
    centre: float, front: float, width: float, depth: float, z: float, rise: float,
    roof: Texture | Colour, gable: Texture | Colour, along: str = "y", overhang: float = 0.5,
) -> list[Face]:  # fmt: skip
    """Make a pitched roof with its ridge along x or y, and the two triangular gables below it."""
    left, right, back = centre - width / 2, centre + width / 2, front + depth
    o = overhang
    if along == "y":
        drop = rise * o / (width / 2)
        e, f, b, top = z - drop, front - o, back + o, z + rise
        return [
            planar(
                np.array([(right + o, f, e), (right + o, b, e), (centre, b, top), (centre, f, top)]), roof
            ),
            planar(np.array([(left - o, b, e), (left - o, f, e), (centre, f, top), (centre, b, top)]), roof),
            planar(np.array([(left, front, z), (right, front, z), (centre, front, top)]), gable),
            planar(np.array([(right, back, z), (left, back, z), (centre, back, top)]), gable),
        ]
    middle, drop = front + depth / 2, rise * o / (depth / 2)
    e, lo, ro, top = z - drop, left - o, right + o, z + rise
    return [
        planar(
            np.array([(lo, front - o, e), (ro, front - o, e), (ro, middle, top), (lo, middle, top)]), roof
        ),
        planar(np.array([(ro, back + o, e), (lo, back + o, e), (lo, middle, top), (ro, middle, top)]), roof),
        planar(np.array([(left, back, z), (left, front, z), (left, middle, top)]), gable),
        planar(np.array([(right, front, z), (right, back, z), (right, middle, top)]), gable),
    ]


def hip_roof(
    centre: float, front: float, width: float, depth: float, z: float, rise: float,
    roof: Texture | Colour, overhang: float = 0.5, flat: float = 0.0,
) -> list[Face]:  # fmt: skip
    """Make a roof that slopes on all four sides, to a ridge, a point (square plan) or a flat part.

    `flat` is the share of the plan left level at the top (0: none); a spire is a hip roof with a high rise.
    """
    left, right = centre - width / 2 - overhang, centre + width / 2 + overhang
    near, far = front - overhang, front + depth + overhang
    inset = min(right - left, far - near) / 2 * (1 - flat)
    top = z + rise
    a, b, c, d = (left, near, z), (right, near, z), (right, far, z), (left, far, z)
    e, f = (left + inset, near + inset, top), (right - inset, near + inset, top)
    g, h = (right - inset, far - inset, top), (left + inset, far - inset, top)
    faces = []
    for quad in ((a, b, f, e), (b, c, g, f), (c, d, h, g), (d, a, e, h)):
        points = [quad[0], quad[1], quad[2]]
        if np.linalg.norm(np.subtract(quad[2], quad[3])) > 1e-6:
            points.append(quad[3])
        faces.append(planar(np.array(points), roof))
    if flat > 0:
        faces.append(planar(np.array([e, f, g, h]), roof))
    return faces


def saw_tooth(
    left: float, front: float, width: float, depth: float, z: float, rise: float,
    roof: Texture | Colour, glass: Texture | Colour, ends: Texture | Colour,
) -> list[Face]:  # fmt: skip
    """Make one tooth of a north-light roof: upright glazing at its left edge, a slope down to the right."""
    right, back, top = left + width, front + depth, z + rise
    glazing = [(left, back, z), (left, front, z), (left, front, top), (left, back, top)]
    slope = [(right, front, z), (right, back, z), (left, back, top), (left, front, top)]
    near = [(left, front, z), (right, front, z), (left, front, top)]
    far = [(right, back, z), (left, back, z), (left, back, top)]
    paints = (glass, roof, ends, ends)
    corners = (glazing, slope, near, far)
    return [planar(np.array(points), paint) for points, paint in zip(corners, paints, strict=True)]
