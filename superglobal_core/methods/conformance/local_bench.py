"""Rerankers by local features on the bench: tiny drawn pictures and what is extracted from them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from superglobal_core.errors import MissingPackageError, UserError
from superglobal_core.features.xfeat_stand_in import StandInXFeat
from superglobal_core.methods.conformance.bench import Bench, Problem, Ranked, Ranker
from superglobal_core.methods.conformance.findings import BrokenError, LeftOutError, refused
from superglobal_core.methods.folder import MethodFolder
from superglobal_core.reranking.local import PairReranker
from superglobal_core.reranking.local_methods import Means, make_extractor, make_scorer
from superglobal_core.reranking.pairs import LocalFeatures, PairScorer

HEIGHT, WIDTH = 96, 112
# Where these are missing, a method works by random ones: what is checked does not depend on them.
MEANS = Means("mini", device="cpu")
ABSENT = Means("mini", Path("absent"), Path("absent"), "cpu")
WORDS = 8
# The arrays of a picture's features that describe; others say where.
DESCRIBING = ("descriptors", "map")


def draw_pictures() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Draw two queries and seven images of three things, (96, 112, 3) uint8; the last image is bare.

    The images 0 and 1 show the queries' things, moved.
    """
    things = []
    for seed in range(3):
        coarse = np.random.default_rng(seed).integers(0, 256, (14, 16, 3), dtype=np.uint8)
        things.append(cv2.resize(coarse, (WIDTH + 16, HEIGHT + 16), interpolation=cv2.INTER_CUBIC))

    def seen(thing: int, y: int, x: int) -> np.ndarray:
        return np.ascontiguousarray(things[thing][y : y + HEIGHT, x : x + WIDTH])

    images = [
        seen(thing, y, x)
        for thing, y, x in [(0, 5, 3), (1, 2, 8), (2, 0, 0), (0, 11, 9), (1, 15, 2), (2, 9, 9)]
    ]
    return [seen(0, 0, 0), seen(1, 8, 8)], [*images, np.full((HEIGHT, WIDTH, 3), 128, np.uint8)]


class LocalBench(Bench):
    """A built-in reranker by local features."""

    tolerance = 1e-4

    def __init__(self, method: MethodFolder) -> None:
        super().__init__(method)
        self.kind = method.description.needs.local or ""
        extract = StandInXFeat() if self.kind == "xfeat" else make_extractor(self.kind, MEANS)
        queries, images = ([extract(picture) for picture in pictures] for pictures in draw_pictures())
        similarities = np.random.default_rng(0).random((2, len(images))).astype(np.float32)
        self.usual = _problem(queries, images, similarities)
        # A query's copy, and an image twice: their similarities are equal too.
        more = np.concatenate([similarities, similarities[:, :1], [[1], [0.5]]], axis=1).astype(np.float32)
        self.with_copies = _problem(queries, [*images, images[0], queries[0]], more)
        self.equal = _problem(queries[:1], images[:1] * 5, np.full((1, 5), 0.5, np.float32))
        if "words" in method.description.parameters:
            self.small["words"] = WORDS
        if "weights" in (self.scorer(**self.small).missing or ""):
            self.meaningless = "its weights are random here"

    def scorer(self, **parameters: Any) -> PairScorer:
        """Make the scorer itself."""
        return make_scorer(self.method.name, MEANS, self.usual.images, **parameters)

    def make(self, shortlist: int = 400, **parameters: Any) -> Ranker:
        scorer = self.scorer(**self.method.parameters({**self.small, **parameters}))

        def call(problem: Problem, rows: Sequence[int], first: np.ndarray) -> Ranked:
            reranker = PairReranker(
                scorer, lambda query: problem.queries[rows[query]], lambda row: problem.images[row], shortlist
            )
            order, scores = first.copy(), np.take_along_axis(problem.similarities[list(rows)], first, axis=1)
            order[:, :shortlist], scores[:, :shortlist] = reranker(
                first[:, :shortlist], scores[:, :shortlist]
            )
            return order, scores

        return Ranker(call, shortlist)

    def make_unguarded(self, **parameters: Any) -> Any:
        return self.scorer(**{**self.small, **parameters})

    def spoiled(self, query: int, row: int, value: float) -> Problem:
        images = list(self.usual.images)
        features = images[row] = {name: array.copy() for name, array in images[row].items()}
        describing = features[next(name for name in DESCRIBING if name in features)]
        if describing.dtype.kind != "f":
            raise LeftOutError(
                f"descriptors of the kind {self.kind} are whole numbers, which are always finite"
            )
        describing[(0,) * describing.ndim] = value
        return _problem(self.usual.queries, images, self.usual.similarities)

    def copies_of(self) -> dict[int, int]:
        return {0: len(self.with_copies.images) - 1}

    def touched(self) -> list[str]:
        given = {"queries": self.usual.queries, "images": self.usual.images}
        before = copy.deepcopy(given)
        self.make()(self.usual)
        return [name for name in given if not _same(given[name], before[name])]

    def alone(self) -> None:
        scorer = self.scorer(**self.method.parameters(self.small))
        query, *candidates = (scorer.resident(one) for one in (self.usual.queries[0], *self.usual.images))
        scores = scorer.score(query, candidates)
        backwards = scorer.score(query, candidates[::-1])[::-1]
        single = np.concatenate([scorer.score(query, [candidate]) for candidate in candidates])
        limit = self.tolerance * max(1.0, float(np.abs(scores).max()))
        for found, what in ((backwards, "in another order"), (single, "alone")):
            if np.abs(found - scores).max() > limit:
                raise BrokenError(f"a candidate's score is another when the candidates come {what}")

    def once(self) -> None:
        if self.kind == "xfeat":
            # Stand-ins do without what real ones need.
            _extractor_without_weights(self.kind)
        self.make()(self.usual)

    def needs(self) -> None:
        needs = self.method.description.needs
        scorer = self.scorer(**self.small)
        if scorer.kind != self.kind:
            raise BrokenError(f"it works on {scorer.kind} features, but says it needs {self.kind}")
        # CVNet's are in the descriptor's own checkpoint: no file of the method's.
        lacks = "weights" in (scorer.missing or "") and self.kind != "cvnet-maps"
        if (lacks or self.kind == "xfeat") != needs.weights:
            raise BrokenError(
                f"it {'has no use for' if needs.weights else 'lacks'} weights, and says otherwise"
            )
        if scorer.missing:
            refused("weights that are not there", lambda: make_scorer(self.method.name, ABSENT))
        if self.kind == "xfeat":
            refused("no weights at all", lambda: make_extractor(self.kind, MEANS))


def _extractor_without_weights(kind: str) -> None:
    """Go as far as the missing file, and raise where something else is missing before."""
    try:
        make_extractor(kind, ABSENT)
    except MissingPackageError:
        raise
    except UserError:
        return


def _problem(
    queries: Sequence[LocalFeatures], images: Sequence[LocalFeatures], similarities: np.ndarray
) -> Problem:
    return Problem(queries, images, np.argsort(-similarities, axis=1, kind="stable"), similarities)


def _same(one: Sequence[LocalFeatures], other: Sequence[LocalFeatures]) -> bool:
    return all(
        a.keys() == b.keys() and all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)
        for a, b in zip(one, other, strict=True)
    )
