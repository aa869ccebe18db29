"""Factories and modern buildings."""

from __future__ import annotations

import numpy as np

from superglobal_core.data.landmarks.body import Body
from superglobal_core.data.landmarks.facades import cornice, curtain, storeys
from superglobal_core.data.landmarks.genome import vary
from superglobal_core.data.landmarks.painter import Wall, shaded
from superglobal_core.data.landmarks.roofs import gable_roof, saw_tooth
from superglobal_core.data.landmarks.solids import Texture, box, dome_profile, drum, revolve


def industrial(body: Body) -> None:
    """A mill: rows of windows between brick piers, a saw-tooth or pitched roof, chimneys, tanks, a tower."""
    width, depth = body.between(18, 38), body.between(10, 20)
    levels = body.count(1, 5)
    heights = [body.between(3.0, 4.0) for _ in range(levels)]
    if levels == 1:
        heights = [body.between(5, 7)]
    height, bays = sum(heights), body.count(5, 12)
    front, side = body.wall(width, height), body.wall(depth, height)
    storeys(
        front,
        heights,
        bays,
        ground=body.pick("windows", "windows", "arcade", "shops"),
        doors=(body.count(0, bays - 1),),
    )
    storeys(side, heights, max(3, bays // 2))
    piers = body.chance(0.6)
    for painted in (front, side):
        if piers:
            bay = (painted.width - 1.2) / (bays if painted is front else max(3, bays // 2))
            for x in np.arange(0.6, painted.width - 0.3, bay):
                painted.strip(float(x) - 0.25, 0, 0.5, height, shaded(body.palette.wall, 0.92))
        cornice(painted, 0.5, dentils=body.motif.pilasters)
        if painted is front and body.chance(0.5):
            _lettering(body, painted, height)
    paint = (Texture(front.image), Texture(side.image), Texture(side.image))
    body.add(box(0, 0, width, depth, 0, height, paint, (90, 92, 94)))
    roof = body.pick("saw", "gable", "flat", "gables", "monitor")
    plain = body.palette.wall
    if roof == "saw":
        teeth = body.count(3, 6)
        span = width / teeth
        for tooth in range(teeth):
            left = -width / 2 + tooth * span
            glass = shaded(body.palette.glass, 1.3)
            body.add(saw_tooth(left, 0, span, depth, height, 0.55 * span, body.roof, glass, plain))
    elif roof == "gable":
        body.add(
            gable_roof(0, 0, width, depth, height, depth * body.between(0.2, 0.4), body.roof, plain, "x", 0.3)
        )
    elif roof == "gables":
        count = body.count(2, 4)
        for index in range(count):
            x = -width / 2 + (index + 0.5) * width / count
            body.add(
                gable_roof(
                    x,
                    0,
                    width / count,
                    depth,
                    height,
                    body.between(0.25, 0.5) * width / count,
                    body.roof,
                    plain,
                    "y",
                    0.2,
                )
            )
    elif roof == "monitor":
        body.add(gable_roof(0, 0, width, depth, height, 0.2 * depth, body.roof, plain, "x", 0.3))
        body.add(
            box(
                0,
                0.4 * depth,
                0.7 * width,
                0.2 * depth,
                height + 0.1 * depth,
                0.16 * depth,
                (shaded(body.palette.glass, 1.2),) * 3,
                body.roof,
            )
        )
    for _ in range(body.count(0, 3)):
        x, tall = body.between(-0.6, 0.6) * width, height + body.between(10, 24)
        y = depth + 2 if abs(x) < 0.5 * width else body.between(0.2, 0.9) * depth
        skin = body.wall(3.0, tall, "brick")
        for z in (0.8, 0.86, 0.97):
            skin.course(z * tall, 0.6, body.palette.second)
        body.add(
            drum(x, y, body.between(1.0, 1.7), 0, tall, Texture(skin.image), 12, body.between(0.55, 0.85), 3)
        )
    extra = body.pick("tank", "tower", "none", "silo", "tower")
    sign = 1 if body.chance(0.5) else -1
    if extra == "tank":
        x, y = sign * 0.3 * width, 0.5 * depth
        for dx, dy in ((-1.4, -1.4), (1.4, -1.4), (-1.4, 1.4), (1.4, 1.4)):
            body.add(drum(x + dx, y + dy, 0.15, height, 4.5, (60, 62, 66), 4))
        body.add(drum(x, y, 2.2, height + 4.5, 3.4, vary((70, 90, 130), body.rng, 20), 14))
        body.add(
            revolve(x, y, dome_profile("saucer", 2.4, height + 7.9, 4), shaded(body.palette.roof, 0.8), 14)
        )
    elif extra == "tower":
        body.tower(
            sign * 0.42 * width,
            -0.6,
            body.between(4, 5.5),
            height * body.between(1.3, 1.9) + 4,
            body.pick("pyramid", "flat", "battlement", "lantern"),
            levels=3,
            clock_face=body.chance(0.5),
        )
    elif extra == "silo":
        for index in range(body.count(2, 4)):
            x = sign * (width / 2 + 2.6 + 4.6 * index)
            body.add(drum(x, 4, 2.3, 0, height * 1.3 + 2, body.plain(4.0, height * 1.3 + 2), 14, repeat=4))
            body.add(revolve(x, 4, dome_profile("saucer", 2.3, height * 1.3 + 2, 4), body.palette.roof, 14))


def _lettering(body: Body, wall: Wall, height: float) -> None:
    # Painted letters: blocks with the rhythm of words, unreadable but unlike any other building's.
    z, tall = height * body.between(0.86, 0.9), body.between(0.8, 1.2)
    x = wall.width * body.between(0.1, 0.35)
    wall.rectangle(x - 0.5, z - 0.3, 0.0, tall + 0.6, body.palette.trim)
    end = wall.width * body.between(0.65, 0.9)
    while x < end:
        for _ in range(body.count(2, 6)):
            wide = body.between(0.4, 0.9)
            wall.rectangle(x, z, wide, tall, body.palette.trim)
            wall.rectangle(
                x + 0.3 * wide,
                z + body.between(0.1, 0.5) * tall,
                0.4 * wide,
                0.3 * tall,
                shaded(body.palette.wall, 0.85),
            )
            x += wide + 0.2
        x += 0.7


def _modern_wall(body: Body, kind: str, width: float, height: float, storey: float, bay: float) -> Texture:
    wall = body.wall(width, height)
    if kind in ("curtain", "fins", "grid"):
        curtain(wall, kind, storey, max(2, round(width / bay)))
    else:
        levels = max(1, round(height / storey))
        storeys(wall, [height / levels] * levels, max(2, round(width / (1.5 * bay))))
    return Texture(wall.image)


def modernist(body: Body) -> None:
    """One to four volumes, stacked, shifted or crossed, each glazed in its own manner."""
    storey, bay = body.between(2.8, 3.8), body.between(1.4, 3.2)
    volumes = body.count(1, 4)
    manner = body.pick("stack", "slab", "stack", "terrace", "cross")
    width, depth = body.between(12, 30), body.between(9, 16)
    z = 0.0
    kinds = [body.motif.window, body.motif.upper, "curtain", "grid", "fins", "band"]
    kind = kinds[body.count(0, 1)]
    if body.chance(0.5):
        lift = body.between(2.6, 4)
        for x in np.linspace(-0.44, 0.44, body.count(4, 8)) * width:
            for y in (0.15 * depth, 0.85 * depth):
                body.add(drum(float(x), y, 0.4, 0, lift, shaded(body.palette.trim, 0.9), 8))
        lobby = body.wall(0.7 * width, lift)
        curtain(lobby, "curtain", lift, 8)
        body.add(box(0, 0.3 * depth, 0.7 * width, 0.5 * depth, 0, lift, (Texture(lobby.image),) * 3))
        z = lift
    x, y = 0.0, 0.0
    roof_grey = (120, 120, 122)
    for volume in range(volumes):
        height = storey * body.count(2, 5)
        if manner == "slab" and volume == 0:
            height = storey * body.count(6, 11)
        front = _modern_wall(body, kind, width, height, storey, bay)
        side_kind = kind if body.chance(0.5) else "flat"
        sides = _modern_wall(body, side_kind, depth, height, storey, bay)
        body.add(box(x, y, width, depth, z, height, (front, sides, sides), roof_grey))
        if body.chance(0.35):
            stripe = shaded(body.palette.accent, 1.0)
            body.add(box(x, y - 0.08, width, 0.1, z + height - 0.7, 0.7, (stripe,) * 3))
        if manner == "slab":
            z, width, depth = 0.0, width * body.between(0.7, 1.4), depth * body.between(0.7, 1.1)
            x += (1 if body.chance(0.5) else -1) * body.between(0.6, 0.9) * width
            y = body.between(-4, 2)
        elif manner == "cross":
            z += height
            width, depth = depth * body.between(1.0, 1.4), width * body.between(0.5, 0.8)
            y = min(0.0, y)
        else:
            z += height
            shrink = body.between(0.6, 0.95) if manner == "terrace" else body.between(0.7, 1.2)
            x += body.between(-0.18, 0.18) * width
            y += body.between(-0.1, 0.25) * depth
            width, depth = width * shrink, depth * shrink
        if body.chance(0.4):
            kind = kinds[body.count(0, len(kinds) - 1)]
    extra = body.pick("mast", "cylinder", "canopy", "none", "dish")
    if extra == "mast":
        body.add(drum(x, 6, 0.25, z, body.between(6, 12), (80, 80, 200), 6, 0.3))
    elif extra == "cylinder":
        radius, tall = body.between(3.5, 6), storey * body.count(2, 6)
        skin = body.wall(radius * 1.6, tall)
        curtain(skin, body.pick("curtain", "fins", "grid"), storey, 3)
        at = (1 if body.chance(0.5) else -1) * body.between(0.4, 0.7) * width
        body.add(drum(at, 1.0, radius, 0, tall, Texture(skin.image), 16, repeat=4))
        body.add(revolve(at, 1.0, dome_profile("saucer", radius, tall, 4), (150, 150, 152), 16))
    elif extra == "canopy":
        body.slab(0, -3.5, 0.6 * width, 4, 3.2, 0.5)
    elif extra == "dish":
        body.add(
            revolve(
                x,
                5,
                np.array([(1.2, z), (4.5, z + 1.6), (4.5, z + 2.2), (0.3, z + 2.6)]),
                body.palette.trim,
                16,
            )
        )
