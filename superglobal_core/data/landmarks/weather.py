"""Light and sky: clear, golden, overcast, fog, dusk and night."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from superglobal_core.data.landmarks.camera import Camera
from superglobal_core.data.landmarks.raster import Light

WEATHERS = ("clear", "cloudy", "golden", "overcast", "fog", "dusk", "night")


@dataclass(frozen=True)
class _Air:
    direct: tuple[float, float, float]
    ambient: tuple[float, float, float]
    zenith: tuple[float, float, float]
    horizon: tuple[float, float, float]
    cloud: tuple[float, float, float]
    cover: float  # share of the sky under cloud
    haze: float  # extinction per metre
    glow: float = 0.0  # of lit windows


_AIR = {
    "clear": _Air(
        (0.70, 0.78, 0.84), (0.60, 0.55, 0.51), (204, 142, 78), (236, 216, 190), (250, 248, 246), 0.2, 0.0006
    ),
    "cloudy": _Air(
        (0.52, 0.57, 0.60),
        (0.66, 0.63, 0.61),
        (210, 164, 112),
        (228, 216, 202),
        (242, 240, 238),
        0.62,
        0.0008,
    ),
    "golden": _Air(
        (0.46, 0.64, 0.82), (0.50, 0.49, 0.52), (184, 148, 118), (160, 200, 238), (178, 198, 238), 0.4, 0.001
    ),
    "overcast": _Air(
        (0.08, 0.08, 0.08), (0.93, 0.92, 0.91), (196, 192, 188), (220, 218, 216), (178, 176, 174), 0.8, 0.0014
    ),
    "fog": _Air(
        (0.02, 0.02, 0.02), (0.86, 0.85, 0.84), (208, 206, 204), (214, 213, 212), (212, 211, 210), 0.0, 0.012
    ),
    "dusk": _Air(
        (0.12, 0.12, 0.16),
        (0.56, 0.48, 0.46),
        (128, 84, 60),
        (128, 138, 196),
        (110, 92, 116),
        0.4,
        0.001,
        0.7,
    ),
    "night": _Air(
        (0.08, 0.10, 0.12), (0.40, 0.38, 0.38), (52, 32, 24), (84, 66, 58), (72, 62, 58), 0.3, 0.001, 1.0
    ),
}


def light_of(weather: str, azimuth: float, elevation: float) -> Light:
    """Return the light of a weather; the sun's azimuth (0: before the front) and elevation in radians."""
    air = _AIR[weather]
    if weather in ("golden", "dusk"):
        elevation = min(elevation, 0.3)
    flat = np.cos(elevation)
    sun = np.array([flat * np.sin(azimuth), -flat * np.cos(azimuth), np.sin(elevation)])
    return Light(sun, np.array(air.direct), np.array(air.ambient), air.glow)


def casts_shadows(weather: str) -> bool:
    """Say whether the sun is strong enough for shadows on the ground."""
    return weather in ("clear", "cloudy", "golden")


def paint_sky(weather: str, camera: Camera, clouds: np.ndarray, offset: tuple[int, int]) -> np.ndarray:
    """Paint the sky: a gradient from the horizon up and clouds cut from a noise field.

    Returns:
        8-bit BGR, as large as the camera's picture.
    """
    air = _AIR[weather]
    height, width = camera.height, camera.width
    # The horizon's row in the middle of the picture: where a far point at eye level lands.
    ahead = camera.matrix[2, :3].copy()
    ahead[2] = 0
    ahead /= max(float(np.linalg.norm(ahead)), 1e-6)
    pixel, _ = camera.project((camera.position + 1e5 * ahead)[None])
    up = np.clip((pixel[0, 1] - np.arange(height)) / (0.9 * height), 0, 1).astype(np.float32)
    zenith, horizon = np.array(air.zenith, np.float32), np.array(air.horizon, np.float32)
    rows = horizon + (zenith - horizon) * (up**0.7)[:, None]
    sky = np.repeat(rows[:, None, :], width, axis=1)
    if air.cover > 0:
        field = np.roll(clouds, offset, axis=(0, 1))[: height // 2 + 1, : width // 2 + 1]
        field = cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
        alpha = np.clip((field - (0.9 - 1.8 * air.cover)) * 0.8, 0, 0.92)[:, :, None]
        sky += alpha * (np.array(air.cloud, np.float32) * (0.9 + 0.1 * field[:, :, None]) - sky)
    return np.clip(sky, 0, 255).astype(np.uint8)


def haze(weather: str, colour: np.ndarray, inverse_depth: np.ndarray) -> np.ndarray:
    """Blend a picture towards the horizon's colour by distance; the sky (inverse depth 0) stays."""
    air = _AIR[weather]
    distance = 1 / np.maximum(inverse_depth, np.float32(1e-3))
    keep = np.where(inverse_depth > 0, np.exp(-np.float32(air.haze) * distance), np.float32(1))
    veil = np.array(air.horizon, np.float32)
    return np.clip(veil + (colour - veil) * keep[:, :, None], 0, 255).astype(np.uint8)
