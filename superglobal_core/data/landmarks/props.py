"""What stands before buildings: trees, people, vehicles, posts. Each a flat BGR + kind picture."""

from __future__ import annotations

import cv2
import numpy as np

from superglobal_core.data.landmarks.genome import Colour
from superglobal_core.data.landmarks.materials import fractal
from superglobal_core.data.landmarks.painter import GLASS, HOLE, SOLID, shaded

_AA = cv2.LINE_AA


def _blank(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 4), np.uint8)


def _fill(image: np.ndarray, points: list[tuple[float, float]], colour: Colour, kind: int = SOLID) -> None:
    cv2.fillPoly(image, [np.round(points).astype(np.int32)], (*colour, float(kind)))


def leafy_tree(rng: np.random.Generator) -> np.ndarray:
    """Draw a broad-leaved tree, green or autumnal, 192 x 160 pixels for about 9 x 7.5 m."""
    height, width = 192, 160
    image = _blank(height, width)
    bark: Colour = shaded((48, 62, 78), float(rng.uniform(0.7, 1.2)))
    middle = width / 2
    _fill(image, [(middle - 5, height), (middle + 5, height), (middle + 3, 80), (middle - 3, 80)], bark)
    for sign in (-1, 1):
        end = (int(middle + sign * rng.uniform(18, 36)), int(rng.uniform(60, 90)))
        cv2.line(image, (int(middle), 128), end, (*bark, float(SOLID)), 4)
    crown = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(7, 13))):
        x, y = rng.normal(middle, 27), rng.normal(70, 24)
        blob = np.zeros_like(crown)
        cv2.ellipse(
            blob,
            ((float(x), float(y)), (float(rng.uniform(36, 72)), float(rng.uniform(34, 60))), 0.0),
            1.0,
            -1,
        )
        crown = np.maximum(crown, blob)
    soft = cv2.GaussianBlur(crown, (0, 0), 6)
    leaves = fractal(height, width, rng, coarse=20, octaves=3)
    mask = soft + 0.13 * leaves > rng.uniform(0.42, 0.56)
    greens: tuple[Colour, ...] = ((44, 96, 66), (52, 112, 84), (40, 78, 52), (60, 130, 120), (46, 110, 160))
    base = np.array(greens[int(rng.choice(5, p=[0.3, 0.3, 0.2, 0.12, 0.08]))])
    down = np.linspace(1.25, 0.6, height)[:, None] + 0.16 * np.linspace(1, -1, width)[None, :]
    shade = np.clip(down * (1 + 0.26 * leaves), 0.3, 1.7)
    image[mask] = np.dstack([np.clip(shade[:, :, None] * base, 0, 255), np.full((height, width), SOLID)])[
        mask
    ]
    return image


def conifer(rng: np.random.Generator) -> np.ndarray:
    """Draw a spruce or a cypress, 192 x 80 pixels for about 10 x 4.2 m."""
    height, width = 192, 80
    image = _blank(height, width)
    y, x = np.mgrid[0:height, 0:width]
    share = np.clip((y - 6) / (height - 24), 0, 1)
    reach = (share if rng.random() < 0.6 else np.sqrt(np.sin(np.pi * np.clip(share, 0, 1) ** 0.8)) * 0.5) * 36
    noise = fractal(height, width, rng, coarse=28, octaves=2)
    mask = (
        (np.abs(x - width / 2) < reach * (0.86 + 0.18 * noise + 0.12 * ((y // 9) % 2)))
        & (y < height - 14)
        & (y > 5)
    )
    shade = np.clip(1.1 - 0.5 * (x / width) + 0.22 * noise, 0.35, 1.5)
    base = np.array((52, 78, 48)) * rng.uniform(0.7, 1.25)
    _fill(
        image,
        [(width / 2 - 3, height), (width / 2 + 3, height), (width / 2 + 3, 150), (width / 2 - 3, 150)],
        (40, 50, 62),
    )
    image[mask] = np.dstack([np.clip(shade[:, :, None] * base, 0, 255), np.full((height, width), SOLID)])[
        mask
    ]
    return image


def bare_tree(rng: np.random.Generator) -> np.ndarray:
    """Draw a tree in winter, 192 x 160 pixels: it hides little and disturbs much."""
    image = _blank(192, 160)
    bark = (*shaded((56, 64, 72), float(rng.uniform(0.6, 1.1))), float(SOLID))

    def branch(x: float, y: float, angle: float, length: float, width: float) -> None:
        to = (x + length * np.sin(angle), y - length * np.cos(angle))
        cv2.line(image, (round(x), round(y)), (round(to[0]), round(to[1])), bark, max(1, round(width)))
        if length > 9:
            for _ in range(2 if length > 40 else 3):
                turn = rng.uniform(-0.65, 0.65)
                branch(*to, angle + turn, length * rng.uniform(0.55, 0.78), width * 0.62)

    branch(80, 192, 0.0, 58, 8)
    return image


def person(rng: np.random.Generator) -> np.ndarray:
    """Draw a pedestrian, 96 x 40 pixels for about 1.8 x 0.75 m."""
    image = _blank(96, 40)
    coat: Colour = (float(rng.uniform(25, 200)), float(rng.uniform(25, 190)), float(rng.uniform(25, 210)))
    legs = shaded((70, 60, 52), float(rng.uniform(0.5, 1.6)))
    skin = shaded((130, 160, 205), float(rng.uniform(0.5, 1.05)))
    stride = float(rng.uniform(0, 6))
    for sign in (-1, 1):
        foot = 20 + sign * (4 + stride)
        _fill(image, [(20 + sign * 6, 48), (20, 48), (foot - 3, 95), (foot + 3, 95)], legs)
        _fill(
            image,
            [(20 + sign * 8, 22), (20 + sign * 12, 26), (20 + sign * 11, 52), (20 + sign * 8, 52)],
            shaded(coat, 0.85),
        )
    _fill(image, [(11, 20), (29, 20), (30, 54), (10, 54)], coat)
    cv2.circle(image, (20, 11), 7, (*skin, float(SOLID)), -1)
    cv2.ellipse(
        image,
        (20, 9),
        (7, 6),
        0,
        180,
        360,
        (*shaded((40, 50, 70), float(rng.uniform(0.4, 2.0))), float(SOLID)),
        -1,
    )
    return image


def vehicle(rng: np.random.Generator) -> np.ndarray:
    """Draw a car or a bus from the side, 64 x 160 pixels."""
    image = _blank(64, 160)
    paints: tuple[Colour, ...] = (
        (40, 40, 150),
        (150, 90, 40),
        (210, 212, 214),
        (60, 60, 62),
        (50, 120, 60),
        (60, 170, 210),
    )
    paint = shaded(paints[int(rng.integers(len(paints)))], float(rng.uniform(0.8, 1.1)))
    if rng.random() < 0.3:
        _fill(image, [(2, 4), (158, 4), (158, 56), (2, 56)], paint)
        for x in range(8, 150, 21):
            _fill(image, [(x, 11), (x + 17, 11), (x + 17, 28), (x, 28)], (84, 70, 58), GLASS)
        _fill(image, [(2, 34), (158, 34), (158, 38), (2, 38)], shaded(paint, 0.6))
    else:
        _fill(
            image, [(4, 54), (4, 38), (30, 33), (48, 16), (104, 16), (128, 34), (154, 38), (156, 54)], paint
        )
        _fill(image, [(38, 32), (52, 19), (74, 19), (74, 32)], (84, 70, 58), GLASS)
        _fill(image, [(79, 32), (79, 19), (101, 19), (117, 32)], (84, 70, 58), GLASS)
        _fill(image, [(4, 46), (156, 46), (156, 54), (4, 54)], shaded(paint, 0.7))
    for x in (34, 126):
        cv2.circle(image, (x, 54), 9, (28, 28, 30, SOLID), -1, _AA)
        cv2.circle(image, (x, 54), 4, (140, 140, 142, SOLID), -1, _AA)
    return image


def post(rng: np.random.Generator) -> np.ndarray:
    """Draw a lamp post, a sign or a plain pole, 192 x 48 pixels for about 6 x 1.5 m."""
    image = _blank(192, 48)
    metal = shaded((62, 66, 62), float(rng.uniform(0.5, 1.6)))
    _fill(image, [(22, 192), (27, 192), (26, 10), (23, 10)], metal)
    kind = int(rng.integers(4))
    if kind == 0:
        _fill(image, [(14, 34), (35, 34), (31, 12), (18, 12)], (190, 214, 222), GLASS)
        _fill(image, [(12, 13), (37, 13), (25, 3)], metal)
    elif kind == 1:
        _fill(image, [(25, 12), (46, 6), (46, 12), (25, 17)], metal)
    elif kind == 2:
        cv2.circle(image, (24, 30), 20, (46, 46, 190, SOLID), -1, _AA)
        cv2.circle(image, (24, 30), 14, (225, 225, 225, SOLID), -1, _AA)
    else:
        tone = (float(rng.uniform(40, 200)), float(rng.uniform(40, 170)), float(rng.uniform(40, 200)))
        _fill(image, [(4, 16), (44, 16), (44, 58), (4, 58)], tone)
        _fill(image, [(9, 24), (39, 24), (39, 29), (9, 29)], (230, 230, 230))
    image[image[:, :, 3] == HOLE] = 0
    return image


def hedge(rng: np.random.Generator) -> np.ndarray:
    """Draw a shrub or a stretch of hedge, 64 x 128 pixels."""
    y, x = np.mgrid[0:64, 0:128]
    noise = fractal(64, 128, rng, coarse=18, octaves=3)
    crown = 1 - ((x - 64) / 62.0) ** 4 - (1 - y / 64.0) ** rng.uniform(2, 6)
    mask = crown + 0.12 * noise > 0.05
    shade = np.clip(0.55 + 0.6 * (1 - y / 64) + 0.22 * noise, 0.3, 1.6)
    base = np.array((48, 92, 62)) * rng.uniform(0.75, 1.2)
    image = _blank(64, 128)
    image[mask] = np.dstack([np.clip(shade[:, :, None] * base, 0, 255), np.full((64, 128), SOLID)])[mask]
    return image
