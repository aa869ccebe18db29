"""Windows, portals, rose windows and clocks, drawn on a wall."""

from __future__ import annotations

import numpy as np

from superglobal_core.data.landmarks.genome import Colour
from superglobal_core.data.landmarks.painter import GLASS, Wall, shaded


def arch(kind: str, x: float, z: float, width: float, height: float, steps: int = 7) -> np.ndarray:
    """Return the outline (n, 2) of an opening: flat, segmental, round, pointed or oculus, in metres."""
    if kind == "oculus":
        angle = np.linspace(0, 2 * np.pi, 18, endpoint=False)
        radius = min(width, height) / 2
        return np.stack(
            [x + width / 2 + radius * np.cos(angle), z + height / 2 + radius * np.sin(angle)], axis=1
        )
    corners = [(x, z), (x + width, z)]
    t = np.linspace(0, 1, steps)
    if kind == "round":
        spring = z + max(0.0, height - width / 2)
        curve = [
            (x + width / 2 * (1 + np.cos(a)), spring + (z + height - spring) * np.sin(a)) for a in t * np.pi
        ]
    elif kind == "pointed":
        spring = z + max(0.0, height - 0.87 * width)
        rise = z + height - spring
        right = [
            (x + width * np.cos(a), spring + rise * np.sin(a) / np.sin(np.pi / 3)) for a in t * np.pi / 3
        ]
        left = [(2 * x + width - px, pz) for px, pz in reversed(right)]
        curve = right + left
    elif kind == "segmental":
        rise = 0.18 * width
        curve = [
            (x + width * (1 - a), z + height - rise + rise * 4 * a * (1 - a))
            for a in np.linspace(0, 1, steps)
        ]
    else:
        curve = [(x + width, z + height), (x, z + height)]
    return np.asarray(corners + curve, np.float64)


def _glass_colour(wall: Wall) -> Colour:
    # One pane in seven has a curtain or a lamp behind it; the brightness also says what is lit at night.
    factor = wall.rng.uniform(1.6, 2.3) if wall.rng.random() < 0.15 else wall.rng.uniform(0.65, 1.25)
    return shaded(wall.palette.glass, float(factor))


def pane(
    wall: Wall, kind: str, x: float, z: float, width: float, height: float, mullions: tuple[int, int]
) -> None:
    """Draw glass in an opening with the reveal's shadow and glazing bars (columns, rows)."""
    depth = 0.12 * min(width, height)
    wall.polygon(arch(kind, x, z, width, height), shaded(wall.palette.wall, 0.42))
    outline = arch(kind, x + depth, z, width - depth, height - depth)
    colour = _glass_colour(wall)
    wall.polygon(outline, colour, GLASS)
    frame, bar = wall.palette.wood, 0.06
    if wall.motif.surround in ("frame", "pediment"):
        frame = shaded(wall.palette.trim, 0.92)
    for column in range(1, mullions[0] + 1):
        at = x + depth + (width - depth) * column / (mullions[0] + 1)
        wall.line([(at, z), (at, z + height - depth - 0.12 * width * (kind != "flat"))], frame, bar)
    for row in range(1, mullions[1] + 1):
        at = z + (height - depth) * row / (mullions[1] + 1)
        if at < z + height * 0.8 or kind in ("flat", "segmental"):
            wall.line([(x + depth, at), (x + width, at)], frame, bar)


def _surround(wall: Wall, kind: str, x: float, z: float, width: float, height: float) -> None:
    trim, margin = wall.palette.trim, 0.14 * width
    style = wall.motif.surround
    if style == "none":
        wall.rectangle(x - margin, z - 0.18, width + 2 * margin, 0.2, shaded(trim, 0.95))
        return
    wall.polygon(arch(kind, x - margin, z - 0.1, width + 2 * margin, height + margin + 0.1), trim)
    wall.rectangle(x - 1.5 * margin, z - 0.28, width + 3 * margin, 0.28, shaded(trim, 1.06))
    wall.shade(x - 1.5 * margin, z - 0.5, width + 3 * margin, 0.22, 0.76)
    if style == "keystone":
        top, middle = z + height, x + width / 2
        wall.polygon(
            [
                (middle - 0.1 * width, top - 0.05),
                (middle + 0.1 * width, top - 0.05),
                (middle + 0.17 * width, top + 2.4 * margin),
                (middle - 0.17 * width, top + 2.4 * margin),
            ],
            shaded(trim, 1.1),
        )
    elif style == "pediment" and kind in ("flat", "segmental"):
        base = z + height + margin
        points = [
            (x - 2 * margin, base),
            (x + width + 2 * margin, base),
            (x + width / 2, base + 0.32 * width),
        ]
        wall.polygon(points, shaded(trim, 1.05))
        wall.line(points, shaded(trim, 0.6), 0.05, closed=True)


def window(wall: Wall, kind: str, x: float, z: float, width: float, height: float) -> None:
    """Draw one window, with its surround, of any kind a motif can name."""
    mullions = wall.motif.mullions
    if kind in ("twin", "lancets"):
        lights, inner = (2, "round") if kind == "twin" else (3, "pointed")
        share = width / lights
        _surround(wall, "flat" if kind == "lancets" else "round", x, z, width, height)
        for light in range(lights):
            tall = height * (0.86 if kind == "twin" or light != 1 else 1.0)
            pane(wall, inner, x + light * share + 0.08 * share, z, 0.84 * share, tall, (0, mullions[1]))
    elif kind == "tracery":
        _surround(wall, "pointed", x, z, width, height)
        pane(wall, "pointed", x, z, width, height, (max(1, mullions[0]), 0))
        spring = z + height - 0.87 * width
        ring = arch("oculus", x + 0.25 * width, spring + 0.05 * width, 0.5 * width, 0.5 * width)
        wall.line(ring, wall.palette.trim, 0.14, closed=True)
    elif kind == "casement":
        _surround(wall, "flat", x, z, width, height)
        pane(wall, "flat", x, z, width, height, (max(1, mullions[0]), max(1, mullions[1])))
    elif kind == "slit":
        pane(wall, "flat", x + 0.36 * width, z, 0.28 * width, height, (0, 0))
    elif kind == "oculus":
        side = min(width, height)
        x, z = x + (width - side) / 2, z + (height - side) / 2
        _surround(wall, "oculus", x, z, side, side)
        pane(wall, "oculus", x, z, side, side, (1, 1))
    else:
        shape = kind if kind in ("round", "pointed", "segmental") else "flat"
        if wall.motif.shutters and shape == "flat":
            for left in (x - 0.42 * width, x + 1.02 * width):
                wall.rectangle(left, z, 0.4 * width, height, shaded(wall.palette.accent, 0.8))
        _surround(wall, shape, x, z, width, height)
        pane(wall, shape, x, z, width, height, mullions)


def portal(wall: Wall, kind: str, x: float, width: float, height: float, orders: int = 3) -> None:
    """Draw a door with stepped jambs, standing on the ground and centred on x."""
    trim = wall.palette.trim
    for order in range(orders, 0, -1):
        grow = 0.16 * order * width
        tone = shaded(trim, 1.06 if order % 2 else 0.74)
        wall.polygon(arch(kind, x - width / 2 - grow / 2, 0, width + grow, height + grow / 2), tone)
    wall.polygon(arch(kind, x - width / 2, 0, width, height), shaded(wall.palette.wall, 0.3))
    wall.polygon(arch(kind, x - 0.42 * width, 0, 0.84 * width, 0.9 * height), wall.palette.wood)
    wall.line([(x, 0), (x, 0.85 * height)], shaded(wall.palette.wood, 0.5), 0.08)
    wall.rectangle(
        x - 0.42 * width, 0.55 * height, 0.84 * width, 0.07 * height, shaded(wall.palette.wood, 1.5)
    )


def rose(wall: Wall, x: float, z: float, radius: float, petals: int) -> None:
    """Draw a rose window centred on (x, z): coloured petals around a hub."""
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    wall.polygon(ring * radius * 1.18 + (x, z), wall.palette.trim)
    wall.line(ring * radius * 1.18 + (x, z), shaded(wall.palette.trim, 0.6), 0.08, closed=True)
    wall.polygon(ring * radius + (x, z), shaded(wall.palette.wall, 0.3))
    small = ring[::3]
    for petal in range(petals):
        turn = 2 * np.pi * petal / petals
        centre = np.array([x + 0.64 * radius * np.cos(turn), z + 0.64 * radius * np.sin(turn)])
        glass = wall.palette.accent if petal % 2 else wall.palette.glass
        wall.polygon(small * radius * min(0.3, 1.5 / petals) + centre, shaded(glass, 0.8), GLASS)
    wall.polygon(small * radius * 0.26 + (x, z), shaded(wall.palette.accent, 0.9), GLASS)


def clock(wall: Wall, x: float, z: float, radius: float) -> None:
    """Draw a clock face with the hands at a random time."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    wall.polygon(ring * radius * 1.15 + (x, z), shaded(wall.palette.trim, 0.6))
    bright = wall.rng.random() < 0.6
    face: Colour = (222, 232, 236) if bright else shaded(wall.palette.accent, 0.5)
    ink: Colour = (30, 30, 34) if bright else (90, 190, 225)
    wall.polygon(ring * radius + (x, z), face)
    for hour in range(0, 24, 2):
        wall.line(np.array([0.8 * ring[hour], 0.95 * ring[hour]]) * radius + (x, z), ink, 0.08)
    for length, turn in ((0.5, wall.rng.uniform(0, 6.28)), (0.78, wall.rng.uniform(0, 6.28))):
        tip = np.array([x + length * radius * np.cos(turn), z + length * radius * np.sin(turn)])
        wall.line(np.array([(x, z), tip]), ink, 0.12)
