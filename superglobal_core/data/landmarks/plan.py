"""Which buildings are photographed how often, from where, and under which file names."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from superglobal_core.data.landmarks.genome import STYLES, Genome, draw_genome, relative

# Raised whenever the same building and view would give another picture or label.
RENDERER_VERSION = 1
# Raised whenever the same parameters would choose other buildings or views.
PLAN_VERSION = 2

# A landmark's part of the database; the roles steer the dice, the labels follow from geometry.
EASY_VIEWS, HARD_VIEWS, JUNK_VIEWS = 4, 7, 2
OTHERS_PER_LANDMARK = 7  # database images of unlabelled buildings
VIEWS_PER_OTHER = 2
VIEWS_PER_DISTRACTOR = 4
# How many of the other buildings are relatives of a landmark: same style, material and palette.
RELATIVE_SHARE = 0.5


@dataclass(frozen=True)
class Parameters:
    """What decides every byte of a data set."""

    seed: int
    size: int
    landmarks: int
    distractors: int
    renderer: int = RENDERER_VERSION
    plan: int = PLAN_VERSION

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters as they are written down."""
        return asdict(self)


@dataclass(frozen=True)
class Shot:
    """One photograph to take: its file (folder and name), its role and the yaw it keeps to."""

    folder: str
    name: str
    role: str
    around: float
    serial: int  # within its building; its dice come from (seed, building, serial)
    query: int | None = None  # the query, within its building, it is taken for


@dataclass(frozen=True)
class Job:
    """One building and all its photographs: what a worker does in one go."""

    kind: str  # landmark, other or distractor
    index: int
    genome: Genome
    relative_of: int | None
    shots: tuple[Shot, ...]

    @property
    def key(self) -> str:
        """A name for the job's record."""
        return f"{self.kind}_{self.index:05d}"


_KINDS = {"landmark": 1, "other": 2, "distractor": 3}


def dice(seed: int, kind: str, index: int, serial: int = 0, attempt: int = 0) -> np.random.Generator:
    """Return the random numbers of one building (serial 0) or one photograph: independent of all others."""
    return np.random.default_rng(np.random.SeedSequence([seed, _KINDS[kind], index, serial, attempt]))


def queries_of(landmark: int) -> int:
    """Return how many queries a landmark has: every second one has two."""
    return 1 + landmark % 2


def _landmark_genome(index: int, earlier: list[Genome], rng: np.random.Generator) -> Genome:
    # All styles in turn, so that small sets are mixed too. From the second round on every other
    # landmark is a relative of the one a round before: as the colleges of Oxford resemble each other.
    if index >= len(STYLES) and index % 2:
        return relative(earlier[index - len(STYLES)], rng)
    return draw_genome(rng, STYLES[index % len(STYLES)])


def make_plan(parameters: Parameters) -> list[Job]:
    """Return every building with every photograph of it, in an order that depends on the parameters alone."""
    seed, landmarks = parameters.seed, parameters.landmarks
    jobs: list[Job] = []
    genomes: list[Genome] = []
    others = OTHERS_PER_LANDMARK * landmarks
    database = (EASY_VIEWS + HARD_VIEWS + JUNK_VIEWS) * landmarks + others
    # Names are dealt out at random, so that a name or its place says nothing about what is seen.
    numbers = np.random.default_rng(np.random.SeedSequence([seed, 0])).permutation(database)
    names = iter([f"lm_{number:05d}" for number in numbers])
    query_number = 0
    for index in range(landmarks):
        rng = dice(seed, "landmark", index)
        genomes.append(_landmark_genome(index, genomes, rng))
        yaws = [float(rng.uniform(-0.5, 0.5))]
        if queries_of(index) == 2:
            yaws.append(yaws[0] + (-1 if yaws[0] > 0 else 1) * float(rng.uniform(0.45, 0.8)))
        shots: list[Shot] = []
        for query, yaw in enumerate(yaws):
            shots.append(Shot("queries", f"q_{query_number:04d}", "query", yaw, len(shots) + 1, query))
            query_number += 1
        roles = ["easy"] * EASY_VIEWS + ["hard"] * HARD_VIEWS + ["junk"] * JUNK_VIEWS
        for number, role in enumerate(roles):
            query = number % len(yaws)
            shots.append(Shot("database", next(names), role, yaws[query], len(shots) + 1, query))
        jobs.append(Job("landmark", index, genomes[index], None, tuple(shots)))
    groups = (
        ("other", "database", others, VIEWS_PER_OTHER),
        ("distractor", "distractors", parameters.distractors, VIEWS_PER_DISTRACTOR),
    )
    for kind, folder, count, views in groups:
        for index in range(-(-count // views)):
            rng = dice(seed, kind, index)
            kin = int(rng.integers(landmarks)) if rng.random() < RELATIVE_SHARE else None
            genome = draw_genome(rng) if kin is None else relative(genomes[kin], rng)
            around = float(rng.uniform(-0.6, 0.6))
            taken = []
            for serial in range(min(views, count - index * views)):
                name = next(names) if kind == "other" else f"ds_{index * views + serial:06d}"
                taken.append(Shot(folder, name, "any", around, serial + 1))
            jobs.append(Job(kind, index, genome, kin, tuple(taken)))
    return jobs
