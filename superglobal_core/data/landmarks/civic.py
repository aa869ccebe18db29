"""Palaces and town halls."""

from __future__ import annotations

import numpy as np

from superglobal_core.data.landmarks.body import Body
from superglobal_core.data.landmarks.facades import (
    colonnade,
    cornice,
    crenellate,
    gable_outline,
    storeys,
)
from superglobal_core.data.landmarks.openings import window
from superglobal_core.data.landmarks.painter import shaded
from superglobal_core.data.landmarks.roofs import gable_roof, hip_roof
from superglobal_core.data.landmarks.solids import Texture, box, dome_profile, drum, revolve


def classical(body: Body) -> None:
    """A palace or temple: colonnade and pediment in the middle, wings, balustrade, perhaps a dome."""
    width, depth = body.between(20, 40), body.between(12, 20)
    levels = body.count(1, 3)
    heights = [body.between(3.4, 5.2) for _ in range(levels)]
    height = sum(heights) + (3 if levels == 1 else 0)
    heights[-1] += 3 if levels == 1 else 0
    bays = int(body.rng.choice([5, 7, 7, 9, 11]))
    front, side = body.wall(width, height), body.wall(depth, height)
    storeys(front, heights, bays, doors=(bays // 2,), ground=body.pick("windows", "windows", "arcade"))
    storeys(side, heights, max(3, bays // 2))
    for painted in (front, side):
        cornice(painted, 0.8, dentils=True)
    paint = (Texture(front.image), Texture(side.image), Texture(side.image))
    body.add(box(0, 0, width, depth, 0, height, paint, shaded(body.stone, 0.85)))
    finish = body.pick("balustrade", "hip", "hip", "plain")
    if finish == "balustrade":
        for a, b, wide in (
            ((-width / 2, 0), (width / 2, 0), width),
            ((width / 2, 0), (width / 2, depth), depth),
            ((-width / 2, depth), (-width / 2, 0), depth),
        ):
            rail = body.wall(wide, 1.3)
            colonnade(rail, max(6, round(wide / 1.1)), 0.5)
            rail.rectangle(0, 1.0, wide, 0.3, body.stone)
            body.screen(rail, a, b, height)
    elif finish == "hip":
        body.add(hip_roof(0, 0, width, depth, height, body.between(2, 4.5), body.roof, 0.6))
    if body.chance(0.8):
        porch, deep = width * body.between(0.26, 0.55), body.between(2.5, 4.5)
        columns = body.wall(porch, height)
        colonnade(columns, body.count(4, 8) if porch < 14 else body.count(6, 10), body.between(0.8, 1.2))
        body.screen(columns, (-porch / 2, -deep), (porch / 2, -deep))
        body.slab(0, -deep, porch, deep, height, 1.1)
        crown = body.pick("pediment", "pediment", "attic", "statues")
        if crown == "pediment":
            body.pediment(0, -deep, porch + 0.8, height + 1.1, porch * body.between(0.15, 0.24), deep + 3)
        elif crown == "attic":
            body.slab(0, -deep + 0.5, porch * 0.85, deep + 1, height + 1.1, body.between(1.5, 3))
        else:
            for x in np.linspace(-0.45 * porch, 0.45 * porch, body.count(3, 6)):
                profile = np.array(
                    [(0.45, height + 1.1), (0.3, height + 2.0), (0.4, height + 2.6), (0.12, height + 3.4)]
                )
                body.add(revolve(float(x), -deep + 0.6, profile, shaded(body.stone, 0.85), 6))
        for step in range(3):
            body.slab(0, -deep - 0.8 * (3 - step), porch + 1.6 * (3 - step), deep, 0, 0.3 * (step + 1))
    if body.chance(0.45):
        wing, low = body.between(6, 12), height * body.between(0.55, 0.85)
        arm, flank = body.wall(wing, low), body.wall(depth * 0.8, low)
        storeys(arm, [low / max(1, levels - 1)] * max(1, levels - 1), body.count(2, 4))
        storeys(flank, [low / max(1, levels - 1)] * max(1, levels - 1), 3)
        cornice(arm, 0.6)
        set_back = body.between(-2, 3)
        for sign in (-1, 1):
            x = sign * (width + wing) / 2
            body.add(
                box(
                    x,
                    set_back,
                    wing,
                    0.8 * depth,
                    0,
                    low,
                    (Texture(arm.image), Texture(flank.image), Texture(flank.image)),
                )
            )
            body.add(hip_roof(x, set_back, wing, 0.8 * depth, low, 2.0, body.roof, 0.3))
    if body.chance(0.35):
        radius = body.between(2.6, 4.2)
        z = height + (2.0 if finish == "hip" else 0)
        body.add(drum(0, 0.5 * depth, radius, z, 3.2, body.plain(2 * radius, 3.2), 14, repeat=4))
        body.add(
            revolve(
                0,
                0.5 * depth,
                dome_profile(body.pick("half", "pointed", "saucer"), radius, z + 3.2),
                body.palette.roof,
                14,
            )
        )


def townhall(body: Body) -> None:
    """A block of storeys with an arcade or a great door, a belfry or gables, dormers on the roof."""
    width, depth = body.between(14, 30), body.between(9, 14)
    levels = body.count(2, 4)
    heights = [body.between(3.2, 4.4) for _ in range(levels)]
    height, bays = sum(heights), body.count(4, 9)
    front, side = body.wall(width, height), body.wall(depth, height)
    ground = body.pick("arcade", "windows", "windows", "shops")
    storeys(front, heights, bays, ground=ground, doors=(bays // 2,))
    storeys(side, heights, max(2, bays // 2), ground="blank" if body.chance(0.3) else "windows")
    roof = body.pick("hip", "hip", "battlement", "stepped", "gable")
    for painted in (front, side):
        if roof == "battlement":
            crenellate(painted, 0.8, 0.9)
        else:
            cornice(painted, 0.6)
    paint = (Texture(front.image), Texture(side.image), Texture(side.image))
    body.add(box(0, 0, width, depth, 0, height, paint))
    rise = depth * body.between(0.3, 0.6)
    if roof == "battlement":
        body.add(hip_roof(0, 1, width - 2, depth - 2, height - 0.8, 0.5 * rise, body.roof, 0))
    elif roof == "hip":
        body.add(hip_roof(0, 0, width, depth, height, rise, body.roof, 0.5))
    else:
        body.add(
            gable_roof(0, 0, width, depth, height, rise, body.roof, body.plain(depth, rise, False), "x", 0.2)
        )
    if roof == "stepped":
        count = body.count(1, 3)
        span = width / count
        for index in range(count):
            gable = body.wall(0.9 * span, min(7.0, 0.75 * span))
            wide = 0.14 * span
            window(gable, body.motif.upper, 0.45 * span - wide / 2, 0.4, wide, 1.8 * wide)
            gable_outline(gable, body.pick("steps", "steps", "curves"), body.count(3, 5))
            x = -width / 2 + (index + 0.5) * span
            body.screen(gable, (x - 0.45 * span, -0.05), (x + 0.45 * span, -0.05), height)
    elif roof != "battlement" and body.chance(0.6):
        for index in range(body.count(2, 5)):
            x = -0.38 * width + index * 0.19 * width
            body.add(box(x, 0.6, 1.7, 2.5, height, 1.7, (body.palette.trim, body.stone, body.stone)))
            body.add(box(x, 0.57, 1.1, 0.1, height + 0.4, 1.0, (shaded(body.palette.glass, 0.7),) * 3))
            body.add(gable_roof(x, 0.4, 1.9, 3.0, height + 1.7, 0.9, body.roof, body.stone, "y", 0.15))
    plan = body.pick("middle", "side", "none", "front", "turrets")
    cap = body.pick("spire", "lantern", "onion", "battlement", "pyramid", "bell", "dome")
    thick, tall = body.between(3.6, 5.6), height * body.between(1.5, 2.4)
    if plan in ("middle", "side", "front"):
        x = 0.0 if plan != "side" else (1 if body.chance(0.5) else -1) * (width - thick) / 2
        y = 0.4 * depth if plan == "middle" else -0.35 * thick
        body.tower(
            x,
            y,
            thick,
            tall,
            cap,
            levels=body.count(2, 5),
            lights=body.count(1, 2),
            clock_face=body.chance(0.7),
        )
    elif plan == "turrets":
        kind = body.pick("cone", "half", "onion")
        for sign in (-1, 1):
            body.turret(sign * width / 2, 0.3, body.between(1.3, 1.9), 0, height * 1.12, kind)
    if body.chance(0.25):
        body.flag(0.3 * width, 1.0, height + (rise * 0.3), 5.0)
