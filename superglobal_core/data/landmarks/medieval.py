"""Castles and old houses."""

from __future__ import annotations

import numpy as np

from superglobal_core.data.landmarks.body import Body
from superglobal_core.data.landmarks.facades import (
    crenellate,
    gable_outline,
    storeys,
    timber_frame,
)
from superglobal_core.data.landmarks.genome import vary
from superglobal_core.data.landmarks.openings import clock, portal, window
from superglobal_core.data.landmarks.roofs import gable_roof, hip_roof
from superglobal_core.data.landmarks.solids import Texture, box


def castle(body: Body) -> None:
    """A gatehouse or a keep between round or square towers, joined by battlemented walls."""
    width, height, depth = body.between(16, 30), body.between(6, 10), body.between(12, 20)
    front, side = body.wall(width, height), body.wall(depth, height)
    gate = body.between(2.6, 4.0)
    at = width / 2 + (0 if body.chance(0.65) else body.between(-0.2, 0.2) * width)
    portal(front, "pointed" if body.chance(0.5) else "round", at, gate, body.between(0.5, 0.68) * height, 2)
    for painted in (front, side):
        for x in np.linspace(0.15, 0.85, body.count(3, 6)) * painted.width:
            if painted is side or abs(x - at) > 0.8 * gate:
                window(painted, body.motif.window, float(x) - 0.6, 0.55 * height, 1.2, 1.9)
        crenellate(painted, 0.8, 0.95)
    paint = (Texture(front.image), Texture(side.image), Texture(side.image))
    body.add(box(0, 0, width, depth, 0, height, paint))
    cap = body.pick("cone", "battlement", "cone", "half")
    radius, tall = body.between(2.0, 3.6), height * body.between(1.2, 1.8)
    corners = body.pick("round", "round", "square", "uneven")
    if corners == "square":
        for sign in (-1, 1):
            body.tower(
                sign * width / 2,
                -0.8,
                1.9 * radius,
                tall,
                body.pick("battlement", "pyramid"),
                levels=2,
                rise=2.2 * radius,
            )
    else:
        for index, (x, y) in enumerate(
            ((-width / 2, 0), (width / 2, 0), (-width / 2, depth), (width / 2, depth))
        ):
            grow = body.between(0.75, 1.5) if corners == "uneven" else 1.0
            body.turret(x, y, radius * (grow if index else 1), 0, tall * grow, cap)
    if body.chance(0.7):
        keep, high = body.between(7, 11), height * body.between(1.6, 2.4)
        block = body.wall(keep, high)
        storeys(block, [high / 4] * 3, body.count(2, 3), base=0.2 * high)
        edge = body.pick("battlement", "hip", "stepped")
        if edge == "battlement":
            crenellate(block, 0.8, 0.95)
        x, y = body.between(-0.25, 0.25) * width, 0.45 * depth
        body.add(box(x, y, keep, keep, 0, high, (Texture(block.image),) * 3))
        if edge == "battlement":
            body.add(hip_roof(x, y + 1, keep - 2, keep - 2, high - 0.8, 1.5, body.roof, 0))
        else:
            body.add(hip_roof(x, y, keep, keep, high, keep * body.between(0.4, 0.9), body.roof, 0.3))
    if body.chance(0.4):
        body.tower(at - width / 2, -1.2, gate * 1.5, height * 1.25, "battlement", levels=1)
        # The gate tower stands before the gate: give it one of its own.
        arch_wall = body.wall(gate * 1.5, 0.5 * height)
        portal(arch_wall, "round", 0.75 * gate, 0.9 * gate, 0.42 * height, 2)
        body.screen(arch_wall, (at - width / 2 - 0.75 * gate, -1.25), (at - width / 2 + 0.75 * gate, -1.25))


def timber(body: Body) -> None:
    """One to four narrow houses side by side, framed or plastered, each with its own gable."""
    houses = body.count(1, 4)
    total = 0.0
    plans = []
    for _ in range(houses):
        plans.append((body.between(5.0, 8.5), body.count(2, 4)))
        total += plans[-1][0]
    x = -total / 2
    depth = body.between(8, 12)
    alike = body.chance(0.4)
    for width, levels in plans:
        colour = body.palette.wall if alike else vary(body.palette.wall, body.rng, 28)
        heights = [body.between(2.5, 3.3) for _ in range(levels)]
        height, rise = sum(heights), width * body.between(0.6, 1.0)
        framed = body.palette.material == "timber" and body.chance(0.85)
        toward_street = body.chance(0.75)
        ends = body.wall(depth, height, colour=colour)
        front = body.wall(width, height + rise, colour=colour)
        bays = body.count(3, 5)
        attic = [0.45 * rise, 0.35 * rise]
        if framed:
            timber_frame(front, heights + (attic if toward_street else []), bays)
            timber_frame(ends, heights, 4)
        else:
            storeys(front, heights, max(2, bays - 1), doors=(body.count(0, 1),))
            window(front, body.motif.upper, 0.4 * width, height + 0.15 * rise, 0.2 * width, 0.3 * rise)
        split = round(rise * body.ppm)
        lower, upper = Texture(front.image[split:].copy()), Texture(front.image[:split].copy())
        sides = Texture(ends.image)
        centre, jetty = x + width / 2, 0.5 if framed and body.chance(0.5) else 0.0
        body.add(box(centre, 0, width, depth, 0, height, (lower, sides, sides)))
        if toward_street:
            body.add(
                gable_roof(centre, -jetty, width, depth + jetty, height, rise, body.roof, upper, "y", 0.5)
            )
            if not framed and body.chance(0.6):
                crest = body.wall(width, height + rise + 0.6, colour=colour)
                storeys(crest, heights, max(2, bays - 1), doors=(0,))
                window(crest, body.motif.upper, 0.38 * width, height + 0.1 * rise, 0.24 * width, 0.3 * rise)
                gable_outline(crest, body.pick("steps", "curves"), body.count(3, 5))
                body.screen(crest, (x, -0.05), (x + width, -0.05))
        else:
            body.add(gable_roof(centre, 0, width, depth, height, 0.6 * rise, body.roof, sides, "x", 0.3))
        if body.chance(0.6):
            at = x + width * body.between(0.2, 0.8)
            body.add(box(at, 0.6 * depth, 0.8, 0.8, height, rise + 0.8, ((66, 80, 150),) * 3, (40, 40, 40)))
        x += width
    if body.chance(0.3):
        body.tower(
            -total / 2 - 1.8,
            0.5,
            3.6,
            body.between(10, 16),
            body.pick("spire", "onion", "pyramid"),
            levels=3,
            clock_face=body.chance(0.5),
        )
    if body.chance(0.25):
        sign = body.wall(1.6, 1.6, "plaster", body.palette.accent)
        clock(sign, 0.8, 0.8, 0.6)
        body.screen(sign, (total / 2 - 1.2, -0.9), (total / 2 + 0.4, -0.9), 3.2)
