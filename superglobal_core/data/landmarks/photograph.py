"""Take a photograph: draw the scene, measure what is seen of the building, develop the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from superglobal_core.data.landmarks.buildings import Building
from superglobal_core.data.landmarks.camera import Camera
from superglobal_core.data.landmarks.raster import Canvas, Light, silhouette
from superglobal_core.data.landmarks.scenery import Site, Stock, draw_far
from superglobal_core.data.landmarks.solids import Face
from superglobal_core.data.landmarks.views import View, place_camera
from superglobal_core.data.landmarks.weather import casts_shadows, haze, light_of, paint_sky

LANDMARK = 1  # owner of the building's pixels
# Drawn larger and reduced, so that edges are smooth.
SUPERSAMPLING = 1.5


@dataclass(frozen=True)
class Measurement:
    """What a photograph shows of its building.

    visible: share of the building's outline that is neither hidden nor outside the picture.
    extent: longer side of the visible part's box as a share of the picture's longer side.
    box: that box (x1, y1, x2, y2) in pixels.
    direction: unit vector from the building's middle to the camera, on the ground.
    """

    visible: float
    extent: float
    box: tuple[float, float, float, float]
    direction: tuple[float, float]


def photograph(building: Building, site: Site, stock: Stock, view: View) -> tuple[np.ndarray, Measurement]:
    """Render a view; returns the picture (height, width, 3) 8-bit BGR and what it shows."""
    rng = np.random.default_rng(view.seed)
    width, height = round(view.width * SUPERSAMPLING), round(view.height * SUPERSAMPLING)
    camera = place_camera(building, view, width, height)
    light = light_of(view.weather, view.sun[0], view.sun[1])
    canvas = Canvas(width, height)
    offset = (int(rng.integers(512)), int(rng.integers(512)))
    canvas.colour[:] = paint_sky(view.weather, camera, stock.clouds, offset)
    up = light.on(np.array([0.0, 0.0, 1.0]))
    draw_far(canvas.colour, site, camera, up)
    for face in site.ground:
        canvas.draw(face, camera, light)
    if casts_shadows(view.weather):
        _shadows(canvas, building, camera, light)
    for middle, radius, faces in site.neighbours:
        if not _in_the_way(building, camera, middle, radius):
            for face in faces:
                canvas.draw(face, camera, light)
    for face in building.faces:
        canvas.draw(face, camera, light, LANDMARK)
    for face in _props(building, site, stock, view, camera, rng):
        canvas.draw(face, camera, light)
    seen = _measure(canvas, building, camera, view)
    canvas.colour = haze(view.weather, canvas.colour, canvas.inverse_depth)
    return develop(canvas.colour, view, stock.noise, rng), seen


def _in_the_way(building: Building, camera: Camera, middle: np.ndarray, radius: float) -> bool:
    # The photographer stands where the view is free: a house nearer than the landmark's near side,
    # or around the camera itself, is left out.
    ahead = building.centre[:2] - camera.position[:2]
    distance = float(np.linalg.norm(ahead))
    to_house = middle - camera.position[:2]
    if float(np.linalg.norm(to_house)) < radius * 1.5:
        return True
    along = float(to_house @ ahead) / distance
    return 0 < along < distance - 0.3 * float(np.linalg.norm(building.size[:2]))


def _shadows(canvas: Canvas, building: Building, camera: Camera, light: Light) -> None:
    mask = np.zeros(canvas.owner.shape, np.uint8)
    slope = light.sun[:2] / max(float(light.sun[2]), 0.15)
    for face in building.faces:
        if face.normal @ light.sun <= 0:
            continue
        corners = face.corners()
        ground = np.column_stack([corners[:, :2] - corners[:, 2:] * slope, np.zeros(len(corners))])
        pixels, depth = camera.project(ground)
        if (depth > 0.5).all():
            cv2.fillConvexPoly(mask, np.round(np.clip(pixels, -1e5, 1e5)).astype(np.int32), 255)
    soft = cv2.blur(mask, (5, 5))
    factor = 1 - soft.astype(np.float32) * (0.45 / 255)
    factor[canvas.inverse_depth == 0] = 1
    canvas.colour = np.clip(canvas.colour * factor[:, :, None], 0, 255).astype(np.uint8)


def _props(
    building: Building, site: Site, stock: Stock, view: View, camera: Camera, rng: np.random.Generator
) -> list[Face]:
    """Choose the trees, people, cars and posts of this moment, and what stands before the lens."""
    faces = [
        stock.billboard(kind, index, (p[0], p[1]), camera, scale) for kind, index, p, scale in site.plants
    ]
    ahead = building.centre[:2] - camera.position[:2]
    distance = float(np.linalg.norm(ahead))
    ahead = ahead / distance
    aside = np.array([ahead[1], -ahead[0]])
    free = distance - 0.5 * float(abs(ahead[0]) * building.size[0] + abs(ahead[1]) * building.size[1])
    spread = 0.5 * distance * np.tan(view.field / 2)

    def put(kind: str, depth: float, lateral: float, scale: float = 1.0) -> None:
        place = camera.position[:2] + ahead * depth + aside * lateral
        faces.append(stock.billboard(kind, int(rng.integers(100)), (place[0], place[1]), camera, scale))

    for _ in range(int(rng.poisson(7 * view.clutter))):
        put("person", free * rng.uniform(0.25, 0.98), spread * rng.normal(0, 0.9), rng.uniform(0.85, 1.08))
    for _ in range(int(rng.poisson(1.6 * view.clutter))):
        put("vehicle", free * rng.uniform(0.4, 0.95), spread * rng.normal(0, 0.9), rng.uniform(0.9, 1.5))
    for _ in range(int(rng.poisson(0.8 * view.clutter))):
        put("post", free * rng.uniform(0.3, 0.9), spread * rng.normal(0, 0.8), rng.uniform(0.8, 1.2))
    if view.foreground > 0:
        kind = ("leafy", "leafy", "conifer", "bare", "vehicle", "person")[int(rng.integers(6))]
        depth = max(1.5, free * rng.uniform(0.2, 0.6))
        wide = 2 * depth * np.tan(view.field / 2) * view.foreground
        shape = {"leafy": 7.5, "conifer": 4.2, "bare": 7.5, "vehicle": 4.75, "person": 0.75}[kind]
        scale = wide / shape
        if kind == "person":  # a group instead of a giant
            depth = max(1.5, min(depth, 3.5))
            for step in range(max(1, round(view.foreground * 4))):
                put("person", depth * rng.uniform(0.9, 1.3), (step - 1.5) * 0.7 + rng.normal(0, 0.2))
        else:
            put(
                kind,
                depth,
                spread * rng.uniform(-0.35, 0.35) * depth / distance,
                float(np.clip(scale, 0.4, 3.0)),
            )
    return faces


def _measure(canvas: Canvas, building: Building, camera: Camera, view: View) -> Measurement:
    mine = (canvas.owner == LANDMARK).astype(np.uint8)
    x, y, w, h = cv2.boundingRect(mine)
    whole, _ = silhouette(building.faces, camera)
    share = min(1.0, cv2.countNonZero(mine) / whole) if whole > 0 else 0.0
    scale_x, scale_y = view.width / camera.width, view.height / camera.height
    box = (x * scale_x, y * scale_y, (x + w) * scale_x, (y + h) * scale_y)
    extent = max(box[2] - box[0], box[3] - box[1]) / max(view.width, view.height)
    toward = camera.position[:2] - building.centre[:2]
    toward = toward / float(np.linalg.norm(toward))
    return Measurement(share, extent, box, (float(toward[0]), float(toward[1])))


def develop(colour: np.ndarray, view: View, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn the drawn scene into a photograph: reduce, blur, expose, tint, add noise."""
    picture = cv2.resize(colour, (view.width, view.height), interpolation=cv2.INTER_AREA)
    scale = max(view.width, view.height) / 256
    if view.blur * scale > 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), view.blur * scale)
    if view.motion > 0:
        length = max(2, round(view.motion * scale))
        kernel = np.zeros((length, length), np.float32)
        angle = rng.uniform(0, np.pi)
        tip = 0.5 * (length - 1) * np.array([np.cos(angle), np.sin(angle)])
        middle = 0.5 * (length - 1)
        start, end = np.round(middle - tip).astype(int), np.round(middle + tip).astype(int)
        cv2.line(kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 1.0, 1)
        picture = cv2.filter2D(picture, -1, kernel / kernel.sum())
    image: np.ndarray = picture.astype(np.float32)
    if view.saturation != 1:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)[:, :, None]
        image = grey + (image - grey) * view.saturation
    gain = np.array(view.cast, np.float32) * view.exposure
    image = (image * gain - 118) * view.contrast + 118
    y = np.linspace(-1, 1, view.height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, view.width, dtype=np.float32)[None, :]
    image *= (1 - 0.09 * (x * x + y * y))[:, :, None]
    if view.noise > 0:
        top, left = (int(rng.integers(0, 512 - 1)) for _ in range(2))
        rows, columns = (np.arange(view.height) + top) % 512, (np.arange(view.width) + left) % 512
        image += view.noise * noise[rows[:, None], columns[None, :]]
    return np.clip(image, 0, 255).astype(np.uint8)
