"""A pinhole camera in a world of metres: x to the right of the front, y away from it, z up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """World to pixels: `matrix` is 3 x 4, the third homogeneous coordinate is the depth in metres."""

    matrix: np.ndarray
    position: np.ndarray
    width: int
    height: int

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Project points (n, 3); return pixels (n, 2) and depths (n,), negative behind the camera."""
        homogeneous = points @ self.matrix[:, :3].T + self.matrix[:, 3]
        depth = homogeneous[:, 2]
        safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
        return homogeneous[:, :2] / safe[:, None], depth

    def plane(self, origin: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the homography from (s, t, 1), the point origin + s u + t v, to homogeneous pixels."""
        rotation = self.matrix[:, :3]
        return np.stack([rotation @ u, rotation @ v, rotation @ origin + self.matrix[:, 3]], axis=1)


def look_at(
    position: np.ndarray,
    target: np.ndarray,
    focal: float,
    width: int,
    height: int,
    roll: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Camera:
    """Build the camera at `position` that sees `target` in the middle, moved by `shift`.

    Args:
        focal: focal length in pixels.
        roll: rotation about the optical axis, radians.
        shift: where the target lands, from the centre, in fractions of width and height.
    """
    forward = np.asarray(target, float) - position
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right = right / np.linalg.norm(right)
    down = np.cross(forward, right)
    cosine, sine = np.cos(roll), np.sin(roll)
    rotation = np.stack([cosine * right + sine * down, cosine * down - sine * right, forward])
    centre = ((0.5 + shift[0]) * width, (0.5 + shift[1]) * height)
    intrinsics = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1.0]])
    matrix = intrinsics @ np.hstack([rotation, -(rotation @ position)[:, None]])
    return Camera(matrix, np.asarray(position, float), width, height)
