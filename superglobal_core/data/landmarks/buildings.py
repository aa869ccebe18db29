"""From a genome to a building that can be photographed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from superglobal_core.data.landmarks.body import Body
from superglobal_core.data.landmarks.civic import classical, townhall
from superglobal_core.data.landmarks.genome import Genome
from superglobal_core.data.landmarks.medieval import castle, timber
from superglobal_core.data.landmarks.modern import industrial, modernist
from superglobal_core.data.landmarks.sacred import baroque, gothic
from superglobal_core.data.landmarks.solids import Face
from superglobal_core.data.landmarks.temples import domed, pagoda

# How to build each style, and its texture pixels in a metre: small buildings are seen from nearer.
_BUILDERS: dict[str, tuple[Callable[[Body], None], float]] = {
    "gothic": (gothic, 11.0),
    "baroque": (baroque, 12.0),
    "classical": (classical, 9.0),
    "domed": (domed, 10.0),
    "industrial": (industrial, 9.0),
    "modernist": (modernist, 10.0),
    "timber": (timber, 14.0),
    "townhall": (townhall, 11.0),
    "castle": (castle, 10.0),
    "pagoda": (pagoda, 12.0),
}


@dataclass(frozen=True)
class Building:
    """A building: its faces in metres (front near y = 0, standing on z = 0) and its extent."""

    genome: Genome
    faces: list[Face]
    low: np.ndarray
    high: np.ndarray

    @property
    def size(self) -> np.ndarray:
        """Width, depth and height in metres."""
        return self.high - self.low

    @property
    def centre(self) -> np.ndarray:
        """The middle of the extent."""
        return (self.low + self.high) / 2


def build(genome: Genome) -> Building:
    """Build what the genome says; the same genome always gives the same faces and textures."""
    builder, ppm = _BUILDERS[genome.style]
    body = Body(genome, ppm)
    builder(body)
    points = np.concatenate([face.corners() for face in body.faces])
    return Building(genome, body.faces, points.min(axis=0), points.max(axis=0))
