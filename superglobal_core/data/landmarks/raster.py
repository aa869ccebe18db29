"""Draw faces into a picture with a depth for each pixel, and keep whose pixel it is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from superglobal_core.data.landmarks.camera import Camera
from superglobal_core.data.landmarks.painter import GLASS
from superglobal_core.data.landmarks.solids import Face

NEAR_M = 0.4
SHIFT = 4


@dataclass(frozen=True)
class Light:
    """Sunlight and skylight as BGR factors, and how bright the lit windows are (0: day)."""

    sun: np.ndarray  # unit vector towards the sun
    direct: np.ndarray
    ambient: np.ndarray
    glow: float = 0.0

    def on(self, normal: np.ndarray) -> np.ndarray:
        """Return the BGR factor for a surface with this normal; faces that look up get more sky."""
        facing = max(0.0, float(normal @ self.sun))
        return self.direct * facing + self.ambient * (0.85 + 0.15 * float(normal[2]))


class Canvas:
    """A picture under way: colour, inverse depth (0: infinitely far) and owner of each pixel."""

    def __init__(self, width: int, height: int) -> None:
        self.colour = np.zeros((height, width, 3), np.uint8)
        self.inverse_depth = np.zeros((height, width), np.float32)
        self.owner = np.zeros((height, width), np.uint8)

    def draw(self, face: Face, camera: Camera, light: Light, owner: int = 0) -> None:
        """Draw one face where nothing nearer is; faces turned away are left out."""
        toward = camera.position - face.origin
        facing = float(toward @ face.normal)
        if facing <= 0 and not face.two_sided:
            return
        to_pixels = camera.plane(face.origin, face.u, face.v)
        outline = _clip_near(face.outline, to_pixels[2])
        if len(outline) < 3:
            return
        homogeneous = outline @ to_pixels[:, :2].T + to_pixels[:, 2]
        pixels = np.clip(homogeneous[:, :2] / homogeneous[:, 2:], -1e5, 1e5)
        height, width = self.owner.shape
        x0, y0 = np.maximum(np.floor(pixels.min(axis=0)).astype(int), 0)
        x1, y1 = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 1, (width, height))
        if x1 <= x0 or y1 <= y0:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        # Pixel centres are at integers for OpenCV's fill; ours are at halves.
        shifted = np.round((pixels - (x0 + 0.5, y0 + 0.5)) * (1 << SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(mask, shifted, 255, cv2.LINE_8, SHIFT)
        try:
            inverse = np.linalg.inv(to_pixels)[2]
        except np.linalg.LinAlgError:
            return
        across = (inverse[0] * (np.arange(x0, x1) + 0.5)).astype(np.float32)
        downwards = (inverse[1] * (np.arange(y0, y1) + 0.5) + inverse[2]).astype(np.float32)
        depth = across[None, :] + downwards[:, None]
        region = (slice(y0, y1), slice(x0, x1))
        # A hair's breadth in favour of what is drawn later, for trim that lies in its wall's plane.
        mask[depth * np.float32(1.0005) <= self.inverse_depth[region]] = 0
        factor = light.on(face.normal if facing > 0 else -face.normal)
        patch = self._paint(face, to_pixels, pixels, (x0, y0, x1, y1), mask, factor, light.glow)
        cv2.copyTo(patch, mask, self.colour[region])
        cv2.copyTo(depth, mask, self.inverse_depth[region])
        self.owner[region][mask > 0] = owner

    def _paint(
        self,
        face: Face,
        to_pixels: np.ndarray,
        pixels: np.ndarray,
        bounds: tuple[int, int, int, int],
        mask: np.ndarray,
        factor: np.ndarray,
        glow: float,
    ) -> np.ndarray:
        x0, y0, x1, y1 = bounds
        if face.texture is None:
            shade = np.clip(np.asarray(face.colour) * factor, 0, 255).astype(np.uint8)
            return np.broadcast_to(shade, (y1 - y0, x1 - x0, 3)).copy()
        rows, columns = face.texture.shape
        texels = _area(face.outline * (columns, rows))
        level = int(np.clip(np.round(0.5 * np.log2(max(texels, 1.0) / max(_area(pixels), 1.0))), 0, 6))
        image = face.texture.level(level)
        scale = np.diag([1 / image.shape[1], 1 / image.shape[0], 1.0])
        # Texel and pixel centres lie at halves in both grids.
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
        move = np.array([[1, 0, -x0 - 0.5], [0, 1, -y0 - 0.5], [0, 0, 1.0]])
        warped = cv2.warpPerspective(
            image,
            move @ to_pixels @ scale @ half,
            (x1 - x0, y1 - y0),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        if face.texture.has_holes:
            mask[warped[:, :, 3] <= 64] = 0
        lit = cv2.multiply(warped[:, :, :3], np.array([*factor, 0.0]))
        if glow > 0:
            glass = np.clip(1 - np.abs(warped[:, :, 3].astype(np.float32) - GLASS) / 64, 0, 1)
            bright = np.clip((warped[:, :, :3].max(axis=2).astype(np.float32) - 62) / 60, 0, 1)
            lamp = (glow * glass * bright)[:, :, None] * np.array([95, 175, 235], np.float32)
            lit = np.clip(lit + lamp, 0, 255).astype(np.uint8)
        return lit


def silhouette(
    faces: list[Face], camera: Camera, cells: int = 160
) -> tuple[float, tuple[float, float, float, float]]:
    """Return the area a body would cover if nothing hid or cropped it, and its bounding box, in pixels.

    Faces behind the camera are left out.
    """
    outlines = []
    for face in faces:
        if not face.two_sided and float((camera.position - face.origin) @ face.normal) <= 0:
            continue
        pixels, depth = camera.project(face.corners())
        if (depth > NEAR_M).all():
            outlines.append(pixels)
    if not outlines:
        return 0.0, (0.0, 0.0, 0.0, 0.0)
    points = np.concatenate(outlines)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = cells / max(float((high - low).max()), 1e-6)
    mask = np.zeros((cells + 2, cells + 2), np.uint8)
    for pixels in outlines:
        cv2.fillConvexPoly(mask, np.round((pixels - low) * scale * 16).astype(np.int32), 1, cv2.LINE_8, 4)
    return float(mask.sum()) / scale**2, (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _area(points: np.ndarray) -> float:
    x, y = points[:, 0], points[:, 1]
    return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def _clip_near(outline: np.ndarray, row: np.ndarray) -> np.ndarray:
    # Sutherland-Hodgman against depth = NEAR_M; depth is affine in the plane's coordinates.
    depth = outline @ row[:2] + row[2] - NEAR_M
    if (depth > 0).all():
        return outline
    kept: list[np.ndarray] = []
    for i in range(len(outline)):
        j = (i + 1) % len(outline)
        if depth[i] > 0:
            kept.append(outline[i])
        if (depth[i] > 0) != (depth[j] > 0):
            kept.append(outline[i] + (outline[j] - outline[i]) * depth[i] / (depth[i] - depth[j]))
    return np.array(kept) if kept else np.empty((0, 2))
