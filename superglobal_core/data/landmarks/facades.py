"""Whole facades: storeys and bays of windows, colonnades, gables, timber framing, glass fronts."""

from __future__ import annotations

import numpy as np

from superglobal_core.data.landmarks.openings import arch, clock, pane, portal, window
from superglobal_core.data.landmarks.painter import GLASS, HOLE, Wall, shaded


def storeys(
    wall: Wall,
    heights: list[float],
    bays: int,
    *,
    ground: str = "windows",
    doors: tuple[int, ...] = (),
    margin: float = 0.6,
    skip: frozenset[int] = frozenset(),
    base: float = 0.0,
) -> None:
    """Draw a facade of storeys (heights in metres, lowest first) and bays from the height `base` up.

    `ground` says what the lowest storey is: windows, arcade, shops or blank. `doors` are bays of it.
    Bays in `skip` stay blank above the ground (a tower or portico stands before them).
    """
    motif, palette = wall.motif, wall.palette
    bay = (wall.width - 2 * margin) / bays
    z = base
    for level, height in enumerate(heights):
        lowest = level == 0 and base == 0
        kind = motif.window if level < max(1, len(heights) - 1) else motif.upper
        if lowest and ground == "arcade":
            _arcade(wall, bay, bays, margin, height)
        elif lowest and ground == "shops":
            _shops(wall, bay, bays, margin, height)
        elif not (lowest and ground == "blank"):
            if kind == "band":
                _band(wall, z, height, margin)
            else:
                wide, tall = bay * motif.fill, height * motif.stretch
                sill = z + (height - tall) * 0.45
                for index in range(bays):
                    if index in skip and not lowest:
                        continue
                    x = margin + bay * (index + 0.5)
                    if lowest and index in doors:
                        portal(
                            wall, "round" if kind != "pointed" else "pointed", x, bay * 0.6, height * 0.78, 2
                        )
                    else:
                        window(wall, kind, x - wide / 2, sill, wide, tall)
                        if motif.balconies and level == 1:
                            _balcony(wall, x, sill, wide)
        z += height
        if motif.string_course and level < len(heights) - 1:
            wall.course(z - 0.15, 0.32, palette.trim)
    if motif.pilasters:
        for index in range(bays + 1):
            wall.strip(
                margin + bay * index - 0.05 * bay, base, 0.1 * bay, z - base, shaded(palette.trim, 0.96)
            )
    if motif.quoins:
        quoins(wall)


def quoins(wall: Wall) -> None:
    """Draw alternating corner stones on both edges."""
    step = 0.9
    for index, z in enumerate(np.arange(0, wall.height, step)):
        long = 1.0 if index % 2 else 0.6
        tone = shaded(wall.palette.trim, 1.0 if index % 3 else 0.93)
        wall.rectangle(0, z, long, step * 0.9, tone)
        wall.rectangle(wall.width - long, z, long, step * 0.9, tone)


def cornice(wall: Wall, height: float, dentils: bool = False) -> None:
    """Finish a wall at its top with a projecting moulding, with teeth below it if asked."""
    wall.course(wall.height - height, height, wall.palette.trim, shadow=0.6 * height)
    if dentils:
        for x in np.arange(0, wall.width, 2 * height):
            wall.rectangle(
                x, wall.height - 1.5 * height, height, 0.5 * height, shaded(wall.palette.trim, 0.95)
            )


def _arcade(wall: Wall, bay: float, bays: int, margin: float, height: float) -> None:
    kind = "pointed" if wall.motif.window in ("pointed", "lancets", "tracery") else "round"
    for index in range(bays):
        x = margin + bay * (index + 0.12)
        wall.polygon(arch(kind, x - 0.05 * bay, 0, 0.86 * bay, 0.9 * height), wall.palette.trim)
        wall.polygon(arch(kind, x, 0, 0.76 * bay, 0.84 * height), shaded(wall.palette.wall, 0.3))
        pane(wall, "flat", x + 0.2 * bay, 0, 0.36 * bay, 0.5 * height, (1, 0))


def _shops(wall: Wall, bay: float, bays: int, margin: float, height: float) -> None:
    for index in range(bays):
        x = margin + bay * (index + 0.06)
        pane(wall, "flat", x, 0.4, 0.88 * bay, 0.62 * height, (2, 0))
        tone = wall.palette.accent if index % 2 else wall.palette.second
        wall.rectangle(x, 0.72 * height, 0.88 * bay, 0.2 * height, tone)
        wall.shade(x, 0.64 * height, 0.88 * bay, 0.08 * height, 0.6)


def _band(wall: Wall, z: float, height: float, margin: float) -> None:
    low, tall = z + 0.3 * height, height * (0.25 + 0.5 * wall.motif.fill)
    pane(wall, "flat", margin, low, wall.width - 2 * margin, tall, (0, 0))
    for x in np.arange(margin, wall.width - margin, 1.5 + 2 * wall.motif.fill):
        wall.line([(x, low), (x, low + tall)], wall.palette.wood, 0.1)


def _balcony(wall: Wall, x: float, sill: float, wide: float) -> None:
    rail = shaded(wall.palette.wood, 0.6)
    wall.rectangle(x - 0.75 * wide, sill - 0.25, 1.5 * wide, 0.22, shaded(wall.palette.trim, 0.9))
    wall.shade(x - 0.75 * wide, sill - 0.8, 1.5 * wide, 0.5, 0.68)
    for offset in np.linspace(-0.72, 0.72, 7):
        wall.line([(x + offset * wide, sill), (x + offset * wide, sill + 0.8)], rail, 0.05)
    wall.line([(x - 0.75 * wide, sill + 0.8), (x + 0.75 * wide, sill + 0.8)], rail, 0.08)


def curtain(wall: Wall, kind: str, storey: float, bays: int) -> None:
    """Draw a modern front: all glass (curtain), vertical fins, or a concrete grid of deep openings."""
    palette, rng = wall.palette, wall.rng
    levels, bay = max(1, round(wall.height / storey)), wall.width / bays
    storey = wall.height / levels
    gap = {"curtain": 0.03, "fins": 0.16, "grid": 0.2}.get(kind, 0.1)
    for level in range(levels):
        for index in range(bays):
            tone = shaded(palette.glass, float(rng.uniform(0.75, 1.5)))
            wall.rectangle(
                index * bay + gap * bay, level * storey + gap * storey * (kind != "fins"),
                bay * (1 - 2 * gap), storey * (1 - gap * (kind != "fins") * 2), tone, GLASS,
            )  # fmt: skip
            if kind == "grid":
                x, top = index * bay + gap * bay, (level + 1) * storey - gap * storey
                wall.shade(x, top - 0.25 * storey, bay * (1 - 2 * gap), 0.25 * storey, 0.5)
        if kind == "curtain" and level % 2 == 0:
            wall.rectangle(0, level * storey, wall.width, 0.16 * storey, shaded(palette.second, 0.9))
    if kind == "fins":
        for index in range(bays + 1):
            wall.strip(index * bay - 0.09 * bay, 0, 0.18 * bay, wall.height, palette.trim)


def timber_frame(wall: Wall, heights: list[float], bays: int) -> None:
    """Draw half-timbering: posts, rails and braces of dark wood with small windows between."""
    wood, rng = shaded(wall.palette.wood, 0.75), wall.rng
    thick, bay = 0.28, wall.width / bays
    brace = int(rng.integers(4))
    z = 0.0
    for level, height in enumerate(heights):
        for index in range(bays):
            x, middle = index * bay, z + 0.42 * height
            has_window = rng.random() < 0.62
            if level == 0 and index == bays // 2:
                portal(wall, "flat", x + bay / 2, 0.6 * bay, 0.72 * height, 1)
            elif has_window:
                wide, tall = bay * 0.62, height * 0.46
                window(wall, "casement", x + (bay - wide) / 2, middle, wide, tall)
            wall.line([(x, middle), (x + bay, middle)], wood, 0.7 * thick)
            if brace == 0 or (brace == 1 and not has_window):
                wall.line([(x, z), (x + bay, middle)], wood, 0.7 * thick)
                wall.line([(x + bay, z), (x, middle)], wood, 0.7 * thick)
            elif brace == 2:
                left = index % 2 == 0
                wall.line(
                    [(x, z if left else z + height), (x + bay, z + height if left else z)], wood, 0.7 * thick
                )
            if has_window and level and brace:
                wide, tall = bay * 0.62, height * 0.46
                window(wall, "casement", x + (bay - wide) / 2, middle, wide, tall)
        for index in range(bays + 1):
            wall.line([(index * bay, z), (index * bay, z + height)], wood, thick)
        wall.line([(0, z), (wall.width, z)], wood, 1.3 * thick)
        z += height
    wall.line([(0, z), (wall.width, z)], wood, 1.3 * thick)


def colonnade(wall: Wall, columns: int, diameter: float, *, solid_ends: bool = False) -> None:
    """Turn a wall into a row of columns with nothing between them; entasis and flutes by shading."""
    stone = wall.palette.trim
    wall.rectangle(0, 0, wall.width, wall.height, stone, HOLE)
    for x in np.linspace(diameter * 0.75, wall.width - diameter * 0.75, columns):
        for part in range(6):
            tone = shaded(stone, (0.86, 1.04, 1.1, 1.02, 0.86, 0.66)[part])
            wall.rectangle(x - diameter / 2 + part * diameter / 6, 0, diameter / 6 + 0.02, wall.height, tone)
        for z, wide in ((0.0, 1.35), (wall.height - 0.7, 1.45)):
            wall.rectangle(x - wide * diameter / 2, z, wide * diameter, 0.7, shaded(stone, 1.05))
    if solid_ends:
        for x in (0.0, wall.width - diameter):
            wall.rectangle(x, 0, diameter, wall.height, shaded(stone, 0.95))


def crenellate(wall: Wall, merlon: float, depth: float) -> None:
    """Cut battlements into a wall's top edge."""
    count = max(2, round(wall.width / (2 * merlon)))
    step = wall.width / (2 * count - 1)
    for index in range(1, 2 * count - 1, 2):
        wall.rectangle(index * step, wall.height - depth, step, depth + 1, (0, 0, 0), HOLE)
    wall.course(wall.height - 2.1 * depth, 0.3, shaded(wall.palette.wall, 0.8))


def gable_outline(wall: Wall, kind: str, steps: int) -> None:
    """Cut a wall's upper corners away: triangle, steps or curves, over the upper part of its height."""
    half, top = wall.width / 2, wall.height
    low = max(0.0, top - half * 1.25)
    t = np.linspace(0, 1, 2 * steps + 1)
    if kind == "steps":
        edge = [
            (half * (i // 2) / steps, low + (top - low) * ((i + 1) // 2) / steps) for i in range(2 * steps)
        ]
    elif kind == "curves":
        edge = [
            (half * 0.75 * a + 0.03 * half, low + (top - low) * (a - 0.13 * np.sin(4 * np.pi * a))) for a in t
        ]
    else:
        edge = [(half * a, low + (top - low) * a) for a in t]
    for mirror in (False, True):
        points = [(0.0, low), *edge, (edge[-1][0], top + 1), (0.0, top + 1)]
        if mirror:
            points = [(wall.width - x, z) for x, z in points]
        wall.polygon(points, (0, 0, 0), HOLE)
        rim = [(wall.width - x, z) for x, z in edge] if mirror else edge
        kinds = wall.image[:, :, 3].copy()
        wall.line(rim, wall.palette.trim, 0.35)
        wall.image[:, :, 3] = np.where(kinds == HOLE, HOLE, wall.image[:, :, 3])


def belfry(wall: Wall, clock_face: bool, lights: int) -> None:
    """Draw a tower's top storey: tall louvred openings, a clock below them if there is one."""
    top = wall.height
    kind = wall.motif.window if wall.motif.window in ("pointed", "round", "twin", "lancets") else "round"
    open_height = min(0.3 * top, 1.6 * wall.width)
    share = 0.8 * wall.width / lights
    for light in range(lights):
        x = 0.1 * wall.width + light * share + 0.12 * share
        window(wall, kind, x, top - open_height - 1.0, 0.76 * share, open_height)
    if clock_face:
        clock(wall, wall.width / 2, top - open_height - 1.4 - 0.36 * wall.width, 0.32 * wall.width)
