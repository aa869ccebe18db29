"""A building under construction: shared brushes and the parts that several styles use."""

from __future__ import annotations

import numpy as np

from superglobal_core.data.landmarks.facades import belfry, cornice, crenellate
from superglobal_core.data.landmarks.genome import Colour, Genome
from superglobal_core.data.landmarks.materials import roofing
from superglobal_core.data.landmarks.openings import arch, window
from superglobal_core.data.landmarks.painter import Wall, shaded
from superglobal_core.data.landmarks.roofs import gable_roof, hip_roof
from superglobal_core.data.landmarks.solids import (
    Face,
    Texture,
    box,
    dome_profile,
    drum,
    planar,
    revolve,
    wall,
)


class Body:
    """The faces of a building so far, with its genome, its random numbers and its scale.

    `ppm` is the number of texture pixels in a metre.
    """

    def __init__(self, genome: Genome, ppm: float) -> None:
        self.genome, self.palette, self.motif = genome, genome.palette, genome.motif
        self.rng = np.random.default_rng(genome.shape_seed)
        self.ppm = ppm
        self.faces: list[Face] = []
        self.roof = Texture(roofing(160, 224, self.palette.roof, self.rng, int(self.rng.integers(4, 8))))
        self.stone: Colour = shaded(self.palette.trim, 0.97)

    def wall(
        self, width: float, height: float, material: str | None = None, colour: Colour | None = None
    ) -> Wall:
        """Start a wall of the building's material (or another) to paint on."""
        return Wall(width, height, self.palette, self.motif, self.rng, self.ppm, material, colour)

    def add(self, *groups: list[Face]) -> None:
        """Add faces to the building."""
        for group in groups:
            self.faces.extend(group)

    def chance(self, probability: float) -> bool:
        """Decide something by the building's own dice."""
        return bool(self.rng.random() < probability)

    def pick(self, *choices: str) -> str:
        """Choose one name."""
        return choices[int(self.rng.integers(len(choices)))]

    def between(self, low: float, high: float) -> float:
        """Choose a number."""
        return float(self.rng.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """Choose a whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def plain(self, width: float, height: float, finish: bool = True) -> Texture:
        """Paint a blank wall with a cornice."""
        blank = self.wall(width, height)
        if finish:
            cornice(blank, 0.5)
        return Texture(blank.image)

    def slab(self, centre: float, front: float, width: float, depth: float, z: float, height: float) -> None:
        """Add a plain block of trim stone: a step, a cornice slab, a plinth."""
        self.add(box(centre, front, width, depth, z, height, (self.stone,) * 3, shaded(self.stone, 1.08)))

    def top(self, kind: str, centre: float, front: float, side: float, z: float, rise: float) -> None:
        """Cap a square tower: spire, pyramid, flat, battlement, dome, onion, bell or lantern."""
        middle = front + side / 2
        if kind in ("spire", "pyramid"):
            self.add(hip_roof(centre, front, side, side, z, rise, self.roof, 0.3))
        elif kind in ("dome", "onion", "bell"):
            shape = "half" if kind == "dome" else kind
            self.add(drum(centre, middle, 0.46 * side, z, 0.25 * side, self.stone, 12))
            profile = dome_profile(shape, 0.46 * side, z + 0.25 * side)
            self.add(revolve(centre, middle, profile, self.palette.roof, 12))
            self.finial(centre, middle, float(profile[-1, 1]), 0.3 * side)
        elif kind == "lantern":
            self.add(hip_roof(centre, front, side, side, z, 0.35 * side, self.roof, 0.3, flat=0.4))
            self.add(drum(centre, middle, 0.22 * side, z + 0.35 * side, 0.5 * side, self.stone, 8))
            self.add(
                revolve(
                    centre,
                    middle,
                    dome_profile("pointed", 0.24 * side, z + 0.85 * side, 4),
                    self.palette.roof,
                    8,
                )
            )
        else:
            edge = self.wall(side, 1.6)
            if kind == "battlement":
                crenellate(edge, 0.7, 0.9)
            paint = Texture(edge.image)
            self.add(box(centre, front, side, side, z, 1.6, (paint,) * 3))
            left, right, back, level = centre - side / 2, centre + side / 2, front + side, z + 0.4
            corners = [(left, front, level), (right, front, level), (right, back, level), (left, back, level)]
            self.add([planar(np.array(corners), shaded(self.palette.wall, 0.7))])
            if kind == "battlement" and self.chance(0.5):
                self.flag(centre, middle, z + 0.4, 1.0 * side)

    def finial(self, x: float, y: float, z: float, height: float) -> None:
        """Put a gilt point on a dome or spire."""
        self.add(
            revolve(
                x, y, np.array([(0.18 * height, z - 0.1), (0.05 * height, z + height)]), (62, 166, 214), 6
            )
        )

    def flag(self, x: float, y: float, z: float, height: float) -> None:
        """Put up a flagpole with a flag of the accent colour."""
        self.add(drum(x, y, 0.09, z, height, (200, 200, 200), 4))
        corners = [(x, y, z + 0.62 * height), (x + 0.6 * height, y, z + 0.62 * height)]
        corners += [(px, py, z + height) for px, py, _ in reversed(corners)]
        self.add([planar(np.array(corners), self.palette.accent, two_sided=True)])

    def tower(
        self,
        centre: float,
        front: float,
        side: float,
        height: float,
        cap: str,
        *,
        z: float = 0.0,
        levels: int = 3,
        lights: int = 1,
        clock_face: bool = False,
        rise: float | None = None,
    ) -> None:
        """Add a square tower: storeys with small windows, a belfry at the top, and a cap."""
        faces = []
        for index in range(2):
            shaft = self.wall(side, height)
            for level in range(levels):
                tall = 0.55 * height / (levels + 0.5)
                at = 0.06 * height + level * 0.55 * height / levels
                wide = min(0.34 * side, 0.7 * tall)
                if index == 0 or level % 2 == 0:
                    window(shaft, self.motif.window, (side - wide) / 2, at, wide, 0.62 * tall)
                if self.motif.string_course:
                    shaft.course(at + 0.92 * tall, 0.3, self.palette.trim)
            belfry(shaft, clock_face, lights)
            cornice(shaft, 0.6, self.motif.pilasters)
            if self.motif.quoins:
                for x in (0.0, 0.88 * side):
                    shaft.strip(x, 0, 0.12 * side, height, shaded(self.palette.trim, 0.96))
            faces.append(Texture(shaft.image))
        self.add(box(centre, front, side, side, z, height, (faces[0], faces[1], faces[1])))
        self.top(cap, centre, front, side, z + height, rise or self.between(0.8, 2.6) * side)

    def turret(self, x: float, y: float, radius: float, z: float, height: float, cap: str) -> None:
        """Add a round tower with a cone, dome or battlement."""
        skin = self.wall(2.2 * radius, height)
        for at in np.arange(0.25, 0.85, 0.28):
            window(skin, "slit", 0.6 * radius, at * height, 0.9 * radius, min(1.8, 0.16 * height))
        cornice(skin, 0.5)
        self.add(drum(x, y, radius, z, height, Texture(skin.image), 12, repeat=3))
        top = z + height
        if cap == "cone":
            ring = drum(x, y, 1.12 * radius, top, self.between(1.8, 3.0) * radius, self.roof, 12, 0.02)
            self.add(ring)
        elif cap == "battlement":
            edge = self.wall(2.2 * radius, 1.8)
            crenellate(edge, 0.6, 0.9)
            self.add(drum(x, y, 1.1 * radius, top, 1.8, Texture(edge.image), 12, repeat=3))
            self.add([_disc(x, y, radius, top + 0.4, shaded(self.palette.wall, 0.7))])
        else:
            self.add(revolve(x, y, dome_profile(cap, 1.05 * radius, top), self.palette.roof, 12))

    def pediment(
        self, centre: float, front: float, width: float, z: float, rise: float, depth: float
    ) -> None:
        """Add a triangular gable with its tympanum and a roof behind it."""
        field = self.wall(width, rise, "plaster", shaded(self.palette.trim, 0.9))
        if self.chance(0.6):
            field.polygon(
                arch("oculus", 0.4 * width, 0.08 * rise, 0.2 * width, 0.6 * rise),
                shaded(self.palette.wall, 0.6),
            )
        field.line([(0, 0.06 * rise), (width, 0.06 * rise)], shaded(self.palette.trim, 1.1), 0.12 * rise)
        field.line([(0, 0), (width / 2, rise), (width, 0)], shaded(self.palette.trim, 1.12), 0.16 * rise)
        self.add(gable_roof(centre, front, width, depth, z, rise, self.roof, Texture(field.image), "y", 0.3))

    def screen(self, painted: Wall, a: tuple[float, float], b: tuple[float, float], z: float = 0.0) -> None:
        """Stand a painted wall over the line from a to b, seen from both sides."""
        face = wall(a, b, z, painted.height, Texture(painted.image))
        self.add(
            [
                Face(
                    face.origin,
                    face.u,
                    face.v,
                    face.normal,
                    face.texture,
                    outline=face.outline,
                    two_sided=True,
                )
            ]
        )


def _disc(x: float, y: float, radius: float, z: float, colour: Colour) -> Face:
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    points = np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle), np.full(12, z)], axis=1)
    return planar(points, colour)
