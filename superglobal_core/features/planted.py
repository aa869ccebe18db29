"""Planted descriptors: landmarks among distractors, drawn from a seed, as many rows as are asked for."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from superglobal_core.data.groundtruth import GroundTruth, Query
from superglobal_core.errors import UserError

# Rows drawn at a time. A row depends on its block's number and its place there, on nothing else: so a
# database is always the beginning of a larger one, and any range of rows can be drawn by itself.
BLOCK = 1000
# Streams of the seed beside the blocks' own, which are numbered from 0 on.
_BLOCKS, _PLACES, _LANDMARKS, _QUERIES = range(4)
# The variance of coordinate j falls like 1 / (j + SPREAD), as that of real descriptors after their principal
# components: two of 2048 coordinates are then as alike as random vectors of about 160 (deviation 0.08).
SPREAD = 4.0
# Distractors show other things, some of them the same: rows of a block share so many centres.
DISTRACTOR_CENTRES = 100
DISTRACTOR_WEIGHT = 0.5
# How much of its landmark a photograph has, from the least to the most: drawn evenly. The similarity of a
# query and an image is about the product of their weights; of 1,001,001 distractors the best has about 0.4.
WEIGHTS = {"query": (0.50, 0.75), "easy": (0.60, 0.85), "hard": (0.35, 0.70), "junk": (0.20, 0.50)}


@dataclasses.dataclass(frozen=True)
class Planted:
    """A world of planted descriptors; the same values give the same rows.

    dimension: of a descriptor; landmarks: how many; easy, hard, junk: images of each landmark; within:
    the first so many rows hold them all, which is therefore the smallest database; queries: how many,
    landmark after landmark in turn.

    Raises:
        UserError: for counts that are too small, or more labelled images than rows to hold them.
    """

    seed: int = 0
    dimension: int = 2048
    landmarks: int = 14
    easy: int = 20
    hard: int = 30
    junk: int = 10
    within: int = 10_000
    queries: int = 70

    def __post_init__(self) -> None:
        least = {
            "seed": 0,
            "dimension": 2,
            "landmarks": 1,
            "easy": 0,
            "hard": 0,
            "junk": 0,
            "within": 1,
            "queries": 1,
        }
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise UserError(f"{name} is {getattr(self, name)}: it must be at least {lowest}")
        if self.easy + self.hard < 1:
            raise UserError(
                "easy and hard are both 0: plant an image of one of them, so that there is one to find"
            )
        if self.labelled > self.within:
            raise UserError(
                f"{self.landmarks} landmarks have {self.labelled} images, more than the first {self.within} rows, "
                "which must hold them: plant fewer, or make the smallest database larger"
            )

    @property
    def labelled(self) -> int:
        """Labelled images in all."""
        return self.landmarks * (self.easy + self.hard + self.junk)

    @property
    def descriptor(self) -> dict[str, Any]:
        """What the descriptors are, for sidecars and records."""
        return {"kind": "planted", **dataclasses.asdict(self)}

    def places(self) -> dict[str, np.ndarray]:
        """Return the rows of the labelled images by label: int64 (landmarks, images of that label), ascending."""
        rng = self._stream(_PLACES)
        rows = rng.permutation(self.within)[: self.labelled].reshape(self.landmarks, -1)
        cuts = np.cumsum([self.easy, self.hard])
        parts = np.split(rows, cuts, axis=1)
        return {
            label: np.sort(part, axis=1) for label, part in zip(("easy", "hard", "junk"), parts, strict=True)
        }

    def rows(self, first: int, last: int) -> np.ndarray:
        """Draw the rows `first` ... `last` - 1 of the database: float16 (n, D), unit length.

        Raises:
            UserError: when there is no such row.

        >>> world = Planted(dimension=8, landmarks=2, easy=2, hard=2, junk=1, within=100)
        >>> bool((world.rows(0, 1500)[1200:] == world.rows(1200, 1500)).all())
        True
        """
        if not 0 <= first < last:
            raise UserError(
                f"there are no rows {first} to {last}: the first is 0, and the end comes after the start"
            )
        out = np.empty((last - first, self.dimension), np.float16)
        for number in range(first // BLOCK, -(-last // BLOCK)):
            start = number * BLOCK
            low, high = max(first, start), min(last, start + BLOCK)
            out[low - first : high - first] = self._block(number)[low - start : high - start]
        return out

    def query_rows(self) -> np.ndarray:
        """Draw the queries: float16 (Q, D), unit length; query i shows landmark i modulo their number."""
        rng = self._stream(_QUERIES)
        shown = np.arange(self.queries) % self.landmarks
        weights = rng.uniform(*WEIGHTS["query"], size=self.queries).astype(np.float32)
        return _mixed(self._noise(rng, self.queries), self._centres()[shown], weights)

    def groundtruth(self) -> GroundTruth:
        """Return the labels; its images are the first `within` rows, all others are distractors."""
        places = self.places()
        return GroundTruth(
            tuple(map(image_name, range(self.within))),
            tuple(map(query_name, range(self.queries))),
            tuple(
                Query(
                    box=(0.0, 0.0, 1.0, 1.0),
                    **{
                        label: tuple(rows[number % self.landmarks].tolist()) for label, rows in places.items()
                    },
                )
                for number in range(self.queries)
            ),
        )

    def _block(self, number: int) -> np.ndarray:
        rng = self._stream(_BLOCKS, number)
        noise = self._noise(rng, BLOCK)
        centres = self._noise(rng, DISTRACTOR_CENTRES)[rng.integers(DISTRACTOR_CENTRES, size=BLOCK)]
        weights = np.full(BLOCK, DISTRACTOR_WEIGHT, np.float32)
        # Drawn for every row, so that which rows are labelled changes nothing in the others.
        share = rng.uniform(size=BLOCK)
        landmarks = self._centres() if number * BLOCK < self.within else np.zeros(0)
        for label, rows in self.places().items() if len(landmarks) else ():
            low, high = WEIGHTS[label]
            for landmark, mine in enumerate(rows - number * BLOCK):
                here = mine[(mine >= 0) & (mine < BLOCK)]
                centres[here] = landmarks[landmark]
                weights[here] = low + (high - low) * share[here]
        return _mixed(noise, centres, weights)

    def _centres(self) -> np.ndarray:
        return self._noise(self._stream(_LANDMARKS), self.landmarks)

    def _noise(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw vectors of length about 1: float32 (count, D)."""
        variance = 1 / (np.arange(self.dimension) + SPREAD)
        scale = np.sqrt(variance / variance.sum()).astype(np.float32)
        drawn = rng.standard_normal((count, self.dimension), dtype=np.float32)
        drawn *= scale
        return drawn

    def _stream(self, kind: int, number: int = 0) -> np.random.Generator:
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence([self.seed, kind, number])))


def image_name(row: int) -> str:
    """Return the name of a row of the database.

    >>> image_name(42)
    'planted-0000042'
    """
    return f"planted-{row:07d}"


def query_name(number: int) -> str:
    """Return the name of a query."""
    return f"query-{number:05d}"


def _mixed(noise: np.ndarray, centres: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return centres and noise mixed by weight, at unit length, in half precision; `noise` is used up."""
    noise *= np.sqrt(1 - weights**2)[:, None]
    noise += centres * weights[:, None]
    noise /= np.sqrt(np.einsum("ij,ij->i", noise, noise))[:, None]
    return noise.astype(np.float16)
