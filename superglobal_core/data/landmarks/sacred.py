"""Churches."""

from __future__ import annotations

from superglobal_core.data.landmarks.body import Body
from superglobal_core.data.landmarks.facades import cornice, gable_outline, storeys
from superglobal_core.data.landmarks.openings import clock, portal, rose, window
from superglobal_core.data.landmarks.painter import Wall, shaded
from superglobal_core.data.landmarks.roofs import gable_roof, hip_roof
from superglobal_core.data.landmarks.solids import Texture, box, drum


def _lancet_row(wall: Wall, bays: int, low: float, high: float, buttress: bool) -> None:
    # The long side of a church: one tall window a bay, buttresses between.
    bay = wall.width / bays
    for index in range(bays):
        wide = 0.46 * bay
        window(wall, wall.motif.window, (index + 0.5) * bay - wide / 2, low, wide, high - low)
    if buttress:
        for index in range(bays + 1):
            wall.strip(
                index * bay - 0.09 * bay, 0, 0.18 * bay, 0.86 * wall.height, shaded(wall.palette.wall, 0.94)
            )
    cornice(wall, 0.5)


def gothic(body: Body) -> None:
    """A nave with aisles; twin, western or crossing towers, or none; spires or flat tops."""
    width, length, height = body.between(9, 14), body.between(18, 34), body.between(11, 18)
    rise = width * body.between(0.55, 0.9)
    bays = body.count(4, 7)
    plan = body.pick("twin", "twin", "west", "crossing", "none", "one side")
    front = body.wall(width, height + rise)
    kind = "pointed" if body.motif.window != "round" else "round"
    portal(front, kind, width / 2, 0.3 * width, 0.34 * height, body.count(2, 4))
    centre = (width / 2, 0.66 * height)
    style = body.pick("rose", "rose", "window", "three")
    if style == "rose":
        rose(front, *centre, 0.22 * width, body.count(6, 14))
    elif style == "window":
        window(front, body.motif.window, 0.3 * width, 0.42 * height, 0.4 * width, 0.62 * height)
    else:
        for index in range(3):
            tall = 0.42 * height + (0.12 * height if index == 1 else 0)
            x = width * (0.17 + 0.26 * index)
            window(front, body.motif.window, x, 0.44 * height, 0.15 * width, tall)
    front.course(0.4 * height, 0.35, body.palette.trim)
    if body.chance(0.5):
        front.course(0.95 * height, 0.3, body.palette.trim)
    for x in (0.0, 0.9 * width):
        front.strip(x, 0, 0.1 * width, height, shaded(body.palette.wall, 0.96))
    # One picture serves the wall and, cut to a triangle, the gable above: both need its own rows.
    split = round(rise * body.ppm)
    lower, gable = Texture(front.image[split:].copy()), Texture(front.image[:split].copy())
    side = body.wall(length, height)
    _lancet_row(side, bays, 0.42 * height, 0.9 * height, buttress=False)
    sides, back = Texture(side.image), body.plain(width, height)
    body.add(box(0, 0, width, length, 0, height, (lower, sides, back)))
    body.add(gable_roof(0, 0, width, length, height, rise, body.roof, gable, "y", 0.3))
    if body.chance(0.65):
        wide, tall = body.between(3, 4.5), height * body.between(0.42, 0.58)
        aisle_front, aisle = body.wall(wide, tall), body.wall(length - 2, tall)
        portal(aisle_front, kind, wide / 2, 0.4 * wide, 0.5 * tall, 2)
        _lancet_row(aisle, bays, 0.2 * tall, 0.85 * tall, buttress=True)
        paint = (Texture(aisle_front.image), Texture(aisle.image), body.plain(wide, tall))
        for sign in (-1, 1):
            body.add(box(sign * (width + wide) / 2, 1, wide, length - 2, 0, tall, paint))
            body.add(hip_roof(sign * (width + wide) / 2, 1, wide, length - 2, tall, 1.6, body.roof, 0.2))
    cap = body.pick("spire", "spire", "pyramid", "battlement", "flat")
    tower_side, tower_height = body.between(4.2, 6.5), (height + rise) * body.between(0.95, 1.45)
    levels, lights = body.count(2, 4), body.count(1, 2)
    has_clock = body.chance(0.35)
    if plan == "twin":
        for sign in (-1, 1):
            rise_cap = body.between(1.2, 3.0) * tower_side if sign < 0 and body.chance(0.25) else None
            x = sign * (width + 0.9 * tower_side) / 2
            body.tower(
                x,
                -0.4,
                tower_side,
                tower_height,
                cap,
                clock_face=False,
                rise=rise_cap or 2.0 * tower_side,
                levels=levels,
                lights=lights,
            )
    elif plan == "west":
        body.tower(
            0,
            -0.55 * tower_side,
            tower_side * 1.15,
            tower_height * 1.1,
            cap,
            clock_face=has_clock,
            levels=levels,
            lights=lights,
        )
    elif plan == "one side":
        sign = 1 if body.chance(0.5) else -1
        x = sign * (width + tower_side) / 2
        body.tower(
            x, 1.0, tower_side, tower_height * 1.1, cap, clock_face=has_clock, levels=levels, lights=lights
        )
    elif plan == "crossing":
        at = 0.6 * length
        body.tower(0, at, tower_side, 0.7 * tower_height, cap, z=0.6 * height, levels=levels, lights=lights)
        tr = body.wall(tower_side * 1.5, height + rise)
        window(tr, body.motif.window, 0.45 * tower_side, 0.3 * height, 0.6 * tower_side, 0.55 * height)
        wing = Texture(tr.image)
        body.add(box(0, at - 0.2 * tower_side, width + 9, tower_side * 1.4, 0, height, (sides, wing, sides)))
        body.add(
            gable_roof(
                0,
                at - 0.2 * tower_side,
                width + 9,
                1.4 * tower_side,
                height,
                rise * 0.6,
                body.roof,
                wing,
                "x",
                0.3,
            )
        )
    if body.chance(0.4) and plan in ("none", "twin"):
        body.add(drum(0, 0.55 * length, 0.5, height + 0.8 * rise, 1.4 * width, body.roof, 6, 0.05))


def baroque(body: Body) -> None:
    """A tall scrolled front with orders of pilasters; one or two towers with onions or bells."""
    width, depth = body.between(11, 18), body.between(14, 24)
    heights = [body.between(4.5, 7), body.between(4, 5.5)]
    bays = int(body.rng.choice([3, 3, 5]))
    body_height = sum(heights)
    crown = width * body.between(0.42, 0.62)
    front = body.wall(width, body_height + crown)
    storeys(front, heights, bays, doors=(bays // 2,) if bays == 3 else (1, 2, 3))
    for index in range(bays + 1):
        x = 0.03 * width + index * 0.94 * width / bays
        front.strip(x - 0.25, 0, 0.55, body_height, body.palette.trim)
    front.course(body_height - 0.3, 0.7, body.palette.trim)
    front.course(heights[0] - 0.2, 0.45, body.palette.trim)
    if body.chance(0.5):
        clock(front, width / 2, body_height + 0.35 * crown, 0.17 * crown)
    else:
        window(
            front,
            "oculus" if body.chance(0.5) else "round",
            0.43 * width,
            body_height + 0.15 * crown,
            0.14 * width,
            0.45 * crown,
        )
    gable_outline(front, body.pick("curves", "curves", "triangle", "steps"), body.count(2, 4))
    side = body.wall(depth, body_height)
    storeys(side, [body_height], body.count(3, 6), base=0.01)
    cornice(side, 0.6)
    paint, back = Texture(side.image), body.plain(width, body_height)
    body.screen(front, (-width / 2, -0.05), (width / 2, -0.05))
    body.add(box(0, 0, width, depth, 0, body_height, (back, paint, back)))
    body.add(gable_roof(0, 0, width, depth, body_height, 0.36 * width, body.roof, back, "y", 0.2))
    plan = body.pick("twin", "twin", "one", "none", "behind")
    cap = body.pick("onion", "onion", "bell", "dome", "lantern")
    side_m, tall = body.between(3.8, 5.5), body_height * body.between(1.25, 1.8)
    face = body.chance(0.5)
    if plan == "twin":
        for sign in (-1, 1):
            body.tower(sign * (width + side_m) / 2, 0.2, side_m, tall, cap, levels=2, clock_face=face)
    elif plan == "one":
        sign = 1 if body.chance(0.5) else -1
        body.tower(sign * (width + side_m) / 2, 1.5, side_m, tall * 1.1, cap, levels=3, clock_face=face)
    elif plan == "behind":
        body.tower(0, 0.5 * depth, side_m, tall * 1.25, cap, levels=3, clock_face=face)
