"""Where the photographer stands and what the day is like: the views of a building.

A *role* only steers the dice (a "hard" view is likely to be far, oblique, occluded or dark). What a
photograph counts as is decided afterwards by its geometry (`labels`), never by its role.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from superglobal_core.data.landmarks.buildings import Building
from superglobal_core.data.landmarks.camera import Camera, look_at
from superglobal_core.data.landmarks.weather import WEATHERS

ROLES = ("query", "easy", "hard", "junk", "any")

# Width and height as shares of the longer side, and how often.
_SHAPES = ((1.0, 0.75), (0.75, 1.0), (1.0, 1.0), (1.0, 0.8))
_SHAPE_ODDS = (0.45, 0.25, 0.15, 0.15)

# How likely each weather is, in the order of WEATHERS: fair days and all days.
_FAIR = (0.4, 0.3, 0.12, 0.18, 0.0, 0.0, 0.0)
_ALL = (0.24, 0.2, 0.13, 0.16, 0.07, 0.09, 0.11)


@dataclass(frozen=True)
class View:
    """One photograph before it is taken. Angles in radians, lengths in metres, shares of the picture."""

    width: int
    height: int
    yaw: float  # of the camera around the building; 0 is straight before the front
    eye: float  # height of the camera above the ground
    fill: float  # size of the building relative to the picture; above 1 is a detail
    field: float  # horizontal field of view
    roll: float
    aim: tuple[float, float]  # point looked at, in shares of the building's width and height
    shift: tuple[float, float]  # where that point lands, from the middle, in shares of the picture
    weather: str
    sun: tuple[float, float]  # azimuth, elevation
    clutter: float  # 0: nobody there; 1: crowd, parked cars, a tree before the lens
    foreground: float  # share of the picture's width under a near occluder (0: none)
    exposure: float
    contrast: float
    cast: tuple[float, float, float]
    saturation: float
    blur: float  # standard deviation in pixels of a picture 256 pixels wide
    motion: float  # length of a motion blur, same unit
    noise: float  # standard deviation in grey levels
    quality: int  # of the JPEG
    seed: int  # of people, clouds, noise


def draw_view(rng: np.random.Generator, size: int, role: str = "any", around: float = 0.0) -> View:
    """Draw a view for a role; `around` is the yaw (radians) that queries and easy views keep to."""
    shape = _SHAPES[int(rng.choice(len(_SHAPES), p=_SHAPE_ODDS))]
    if role == "any":
        role = ROLES[int(rng.choice(3, p=[0.25, 0.35, 0.4]))]
    fair = role in ("query", "easy") and rng.random() < (1.0 if role == "query" else 0.8)
    yaw = around + float(rng.normal(0, 0.25))
    fill, aim = float(rng.uniform(0.65, 1.15)), (0.0, float(rng.uniform(0.42, 0.52)))
    shift = (float(rng.normal(0, 0.05)), float(rng.normal(0.06, 0.04)))
    clutter, foreground = float(rng.uniform(0, 0.5)), 0.0
    blur, motion, noise, quality = (
        float(rng.uniform(0, 0.5)),
        0.0,
        float(rng.uniform(0, 4)),
        int(rng.integers(70, 96)),
    )
    if role == "query":
        yaw = around + float(rng.normal(0, 0.04))
        fill, shift = (
            float(rng.uniform(0.85, 1.1)),
            (float(rng.normal(0, 0.03)), float(rng.normal(0.06, 0.02))),
        )
        clutter, quality = float(rng.uniform(0, 0.35)), int(rng.integers(84, 97))
    elif role in ("hard", "junk"):
        yaw = around + float(rng.choice([-1, 1]) * rng.uniform(0.2, 1.3))
        clutter = float(rng.uniform(0.2, 1.0))
        blur = float(min(rng.exponential(0.45), 2.0))
        motion = float(rng.uniform(2, 6)) if rng.random() < 0.15 else 0.0
        noise, quality = float(rng.uniform(0, 9)), int(rng.integers(35, 92))
        what = rng.random()
        if what < 0.34:  # far away
            fill = float(rng.uniform(0.2, 0.5))
            shift = (float(rng.uniform(-0.28, 0.28)), float(rng.uniform(-0.1, 0.12)))
        elif what < 0.66:  # a detail
            fill = float(rng.uniform(1.1, 1.9))
            aim = (float(rng.uniform(-0.3, 0.3)), float(rng.uniform(0.3, 0.75)))
        elif what < 0.9:  # behind something
            foreground = float(rng.uniform(0.2, 0.6))
        if role == "junk":
            way = rng.random()
            if way < 0.3:
                fill = float(rng.uniform(2.6, 4.5))
                aim = (float(rng.uniform(-0.4, 0.4)), float(rng.uniform(0.15, 0.85)))
            elif way < 0.55:
                fill, shift = float(rng.uniform(0.05, 0.13)), (float(rng.uniform(-0.35, 0.35)), 0.0)
            elif way < 0.9:
                yaw = around + float(rng.choice([-1, 1]) * rng.uniform(1.6, 3.1))
            else:
                foreground = float(rng.uniform(0.7, 0.95))
    odds = _FAIR if fair else _ALL
    weather = WEATHERS[int(rng.choice(len(WEATHERS), p=odds))]
    mild = role in ("query", "easy")
    spread = 0.03 if mild else 0.055
    return View(
        width=round(shape[0] * size),
        height=round(shape[1] * size),
        yaw=yaw,
        eye=1.7 if rng.random() < 0.7 else float(rng.uniform(2, 16)),
        fill=fill,
        field=float(rng.uniform(0.75, 1.2)),
        roll=float(rng.normal(0, 0.015 if mild else 0.05)),
        aim=aim,
        shift=shift,
        weather=weather,
        sun=(
            float(rng.uniform(-1.3, 1.3) if mild else rng.uniform(-3.1, 3.1)),
            float(rng.uniform(0.35, 1.1)),
        ),
        clutter=clutter,
        foreground=foreground,
        exposure=float(np.exp(rng.normal(0.04, 0.08 if mild else 0.17))),
        contrast=float(np.exp(rng.normal(0, 0.06 if mild else 0.14))),
        cast=(float(rng.normal(1, spread)), float(rng.normal(1, spread / 2)), float(rng.normal(1, spread))),
        saturation=float(rng.uniform(0.8, 1.15))
        if mild or rng.random() < 0.86
        else float(rng.uniform(0, 0.3)),
        blur=blur,
        motion=motion,
        noise=noise,
        quality=quality,
        seed=int(rng.integers(2**62)),
    )


def place_camera(building: Building, view: View, width: int, height: int) -> Camera:
    """Put the camera where the view wants it, for a picture of width x height pixels."""
    size, middle = building.size, building.centre
    sine, cosine = np.sin(view.yaw), np.cos(view.yaw)
    across = abs(cosine) * size[0] + abs(sine) * size[1]
    along = abs(sine) * size[0] + abs(cosine) * size[1]
    focal = 0.5 * max(width, height) / np.tan(view.field / 2)
    # At least as far as keeps the building's nearest corner before the camera.
    reach = focal * max(across / width, size[2] / height) / view.fill
    distance = max(reach, 0.25 * across + 3.0) + along / 2
    position = np.array([middle[0] + distance * sine, middle[1] - distance * cosine, view.eye])
    target = np.array([
        middle[0] + view.aim[0] * across * cosine,
        middle[1] + view.aim[0] * across * sine,
        view.aim[1] * size[2],
    ])  # fmt: skip
    return look_at(position, target, focal, width, height, view.roll, view.shift)
