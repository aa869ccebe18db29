"""Domes and pagodas."""

from __future__ import annotations

from superglobal_core.data.landmarks.body import Body
from superglobal_core.data.landmarks.facades import colonnade, cornice, storeys
from superglobal_core.data.landmarks.openings import portal, window
from superglobal_core.data.landmarks.painter import shaded
from superglobal_core.data.landmarks.roofs import hip_roof
from superglobal_core.data.landmarks.solids import Texture, box, dome_profile, drum, revolve


def domed(body: Body) -> None:
    """A block with a drum and a great dome, corner domes or minarets, a portico or an arcade."""
    width, height = body.between(16, 28), body.between(7, 12)
    depth = width * body.between(0.8, 1.1)
    levels = body.count(1, 2)
    bays = int(body.rng.choice([3, 5, 5, 7]))
    front, side = body.wall(width, height), body.wall(depth, height)
    ground = body.pick("windows", "arcade", "windows")
    storeys(front, [height / levels] * levels, bays, ground=ground, doors=(bays // 2,))
    storeys(side, [height / levels] * levels, max(3, bays - 1))
    for painted in (front, side):
        cornice(painted, 0.7, body.motif.pilasters)
    body.add(
        box(
            0,
            0,
            width,
            depth,
            0,
            height,
            (Texture(front.image), Texture(side.image), Texture(side.image)),
            shaded(body.stone, 0.9),
        )
    )
    radius = width * body.between(0.2, 0.36)
    middle, z = depth / 2, height
    if body.chance(0.4):
        tier = body.between(1.5, 3)
        body.add(
            box(
                0,
                middle - 1.15 * radius,
                2.3 * radius,
                2.3 * radius,
                z,
                tier,
                (body.plain(2.3 * radius, tier),) * 3,
                body.stone,
            )
        )
        z += tier
    drum_height = body.between(1.5, 5)
    ring = body.wall(1.0 * radius, drum_height)
    wide = 0.5 * radius
    window(ring, "round", 0.25 * radius, 0.15 * drum_height, wide, 0.65 * drum_height)
    cornice(ring, 0.4)
    body.add(drum(0, middle, radius, z, drum_height, Texture(ring.image), 16, repeat=8))
    kind = body.pick("half", "pointed", "onion", "saucer", "pointed")
    rib = shaded(body.palette.roof, 0.78) if body.chance(0.5) else None
    profile = dome_profile(kind, 1.02 * radius, z + drum_height)
    body.add(revolve(0, middle, profile, body.palette.roof, 16, rib))
    top = float(profile[-1, 1])
    if kind != "onion" and body.chance(0.6):
        body.add(drum(0, middle, 0.14 * radius, top - 0.15, 0.35 * radius, body.stone, 8))
        body.add(
            revolve(
                0, middle, dome_profile("pointed", 0.16 * radius, top + 0.3 * radius, 4), body.palette.roof, 8
            )
        )
    else:
        body.finial(0, middle, top, 0.3 * radius)
    extra = body.pick("corners", "minarets", "two minarets", "none", "corners", "half domes")
    small = width * body.between(0.08, 0.12)
    if extra in ("corners", "minarets", "two minarets"):
        slim = extra != "corners"
        far = depth - small if extra != "two minarets" else None
        for sign in (-1, 1):
            for y in [small] + ([far] if far is not None else []):
                x = sign * (width / 2 - (small if not slim else -0.9))
                if slim:
                    tall = height * body.between(2.2, 2.4)
                    body.add(drum(x, y, 0.9, 0, tall, shaded(body.palette.wall, 1.03), 10, 0.85))
                    for share in (0.55, 0.8):
                        body.add(drum(x, y, 1.35, share * tall, 0.6, body.stone, 10))
                    body.add(revolve(x, y, dome_profile("cone", 1.0, tall), body.palette.roof, 10))
                else:
                    body.add(drum(x, y, small, height, small, body.stone, 10))
                    body.add(
                        revolve(
                            x, y, dome_profile(kind, 1.05 * small, height + small, 4), body.palette.roof, 10
                        )
                    )
    elif extra == "half domes":
        for sign in (-1, 1):
            body.add(
                revolve(
                    sign * 1.15 * radius,
                    middle,
                    dome_profile("half", 0.6 * radius, height),
                    body.palette.roof,
                    12,
                )
            )
    if body.chance(0.55):
        porch, deep, tall = (
            width * body.between(0.34, 0.55),
            body.between(3, 5),
            height * body.between(0.6, 0.9),
        )
        columns = body.wall(porch, tall)
        colonnade(columns, body.count(4, 8), body.between(0.6, 0.9))
        body.screen(columns, (-porch / 2, -deep), (porch / 2, -deep))
        body.slab(0, -deep, porch, deep, tall, 0.9)
        if body.chance(0.6):
            body.pediment(0, -deep, porch + 0.6, tall + 0.9, 0.2 * porch, deep)
        body.slab(0, -deep - 1.2, porch + 2.5, deep + 1.2, 0, 0.5)


def pagoda(body: Body) -> None:
    """Tiers that shrink upward, each with a wide roof; a base of steps and a point on top."""
    tiers = body.count(2, 7)
    width = body.between(9, 17)
    depth = width * (1.0 if body.chance(0.6) else body.between(0.6, 0.85))
    shrink = body.between(0.78, 0.9)
    height, rise, overhang = body.between(2.8, 4.4), body.between(1.0, 2.0), body.between(1.0, 2.0)
    base = body.between(0.8, 2.2)
    z, y = base, 0.0
    body.slab(0, -2.2, width + 4.4, depth + 4.4, 0, base)
    bays = int(body.rng.choice([3, 5, 5]))
    red = body.palette.wood if body.chance(0.4) else body.palette.accent
    for tier in range(tiers):
        front = body.wall(width, height)
        side = body.wall(depth, height)
        for painted in (front, side):
            bay = painted.width / bays
            for index in range(bays):
                wide = bay * body.motif.fill
                if tier == 0 and index == bays // 2 and painted is front:
                    portal(painted, "flat", painted.width / 2, 0.6 * bay, 0.75 * height, 1)
                elif index % 2 == 0 or bays == 3:
                    kind = "round" if body.motif.window == "round" else "flat"
                    window(painted, kind, (index + 0.5) * bay - wide / 2, 0.3 * height, wide, 0.45 * height)
            for index in range(bays + 1):
                painted.strip(index * bay - 0.2, 0, 0.4, height, shaded(red, 0.9))
            painted.rectangle(0, 0.84 * height, painted.width, 0.16 * height, shaded(red, 0.75))
        paint = (Texture(front.image), Texture(side.image), Texture(side.image))
        body.add(box(0, y, width, depth, z, height, paint))
        last = tier == tiers - 1
        up = rise * (2.2 if last else 1)
        flat = (
            0.0
            if last
            else 1 - min(0.9, 2 * (overhang + (1 - shrink) * width / 2) / (min(width, depth) + 2 * overhang))
        )
        body.add(hip_roof(0, y, width, depth, z + height - 0.35, up, body.roof, overhang, flat))
        z += height + (up if last else rise) - 0.35
        y += (1 - shrink) * depth / 2
        width, depth, height = width * shrink, depth * shrink, height * body.between(0.86, 0.98)
    if tiers > 3 or body.chance(0.4):
        body.finial(0, y + depth / 2, z, 2.2)
