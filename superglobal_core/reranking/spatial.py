"""Spatial verification: how many matched local features agree on one geometric transformation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, get_args

import cv2
import numpy as np

from superglobal_core.errors import UserError, unknown_name
from superglobal_core.features.rootsift import root_sift
from superglobal_core.reranking.matching import mutual_matches
from superglobal_core.reranking.pairs import LocalFeatures, PairScorer, refuse_not_finite
from superglobal_core.reranking.parameters import MOST_INT, number, whole_number

Model = Literal["affine", "homography"]

# Matches that a transformation is computed from.
_SMALLEST = {"affine": 3, "homography": 4}


@dataclasses.dataclass(frozen=True)
class Keypoints:
    """An image's features ready for matching: points (n, 2) in pixels, descriptors (n, d) of unit length, float32."""

    points: np.ndarray
    descriptors: np.ndarray


class SpatialScorer(PairScorer):
    """Count the matches of two images that one affine transformation or homography explains.

    Matches are mutual nearest neighbours (and similar enough, see the subclasses); the transformation is
    found by MAGSAC++ as OpenCV has it. Only the pair itself and the parameters determine a score.

    model: "affine", or "homography".
    threshold: how far, in pixels, a match may lie from where the transformation puts it.
    iterations: how many transformations are tried at most.
    least_cosine, most_ratio: see `mutual_matches`; None stands for the subclass's own.
    seed: of the random samples.

    Raises:
        UserError: for a parameter out of its range.
    Source: Philbin et al., CVPR 2007, section 4 (verification in retrieval); Barath et al., "MAGSAC++",
        CVPR 2020.
    """

    least_cosine: ClassVar[float]
    most_ratio: ClassVar[float | None]

    def __init__(
        self,
        model: Model = "affine",
        threshold: float = 8.0,
        iterations: int = 2000,
        least_cosine: float | None = None,
        most_ratio: float | None = None,
        seed: int = 0,
    ) -> None:
        if model not in get_args(Model):
            raise unknown_name("model", str(model), get_args(Model))
        if number("threshold", threshold, least=0) == 0:
            raise UserError("threshold is 0: give a positive number of pixels")
        if least_cosine is not None:
            number("least_cosine", least_cosine, least=-1)
        if most_ratio is not None:
            number("most_ratio", most_ratio, least=0)
        self.iterations = whole_number("iterations", iterations, least=1, most=MOST_INT)
        self.seed = whole_number("seed", seed, least=0, most=MOST_INT)
        self.model, self.threshold = model, threshold
        self.cosine = type(self).least_cosine if least_cosine is None else least_cosine
        self.ratio = type(self).most_ratio if most_ratio is None else most_ratio

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, for records."""
        return {
            "model": self.model,
            "threshold": self.threshold,
            "iterations": self.iterations,
            "least_cosine": self.cosine,
            "most_ratio": self.ratio,
            "seed": self.seed,
        }

    def resident(self, features: LocalFeatures) -> Keypoints:
        """Return an image's points and its descriptors as float32 in memory."""
        refuse_not_finite(features["descriptors"])
        points = np.array(features["keypoints"], np.float32, order="C").reshape(-1, 2)
        return Keypoints(points, np.ascontiguousarray(self.comparable(features["descriptors"])))

    def comparable(self, descriptors: np.ndarray) -> np.ndarray:
        """Return stored descriptors as float32 rows of unit length."""
        return np.array(descriptors, np.float32)

    def score(self, query: Keypoints, candidates: Sequence[Keypoints]) -> np.ndarray:
        """Return the number of inliers of each candidate: float32 (M,).

        One matrix product a candidate: at 1,000 features a product is large enough to use the processor
        fully, and its result still small enough for the caches.
        """
        return np.array([self._inliers(query, candidate) for candidate in candidates], np.float32)

    def _inliers(self, query: Keypoints, candidate: Keypoints) -> int:
        i, j = mutual_matches(query.descriptors, candidate.descriptors, self.cosine, self.ratio)
        return count_inliers(
            query.points[i], candidate.points[j], self.model, self.threshold, self.iterations, self.seed
        )


class RootSiftScorer(SpatialScorer):
    """RootSIFT, mutual nearest neighbours with Lowe's ratio test, MAGSAC++.

    The ratio test it is, and no least cosine: the Hellinger kernel has no value below which pairs are
    wrong, on photographs any one mixes both sorts.
    """

    name = "rootsift-magsac"
    kind = "rootsift"
    least_cosine = -1.0
    most_ratio = 0.8

    def comparable(self, descriptors: np.ndarray) -> np.ndarray:
        """Return RootSIFT of the stored SIFT histograms."""
        return root_sift(descriptors)


class XFeatScorer(SpatialScorer):
    """XFeat, mutual nearest neighbours of at least its published cosine, MAGSAC++.

    Source: Potje et al., CVPR 2024; 0.82 is the release's threshold.
    """

    name = "xfeat-magsac"
    kind = "xfeat"
    least_cosine = 0.82
    most_ratio = None


def count_inliers(
    source: np.ndarray,
    target: np.ndarray,
    model: Model = "affine",
    threshold: float = 8.0,
    iterations: int = 2000,
    seed: int = 0,
) -> int:
    """Return how many of the matched points (n, 2) one transformation brings within `threshold` pixels.

    Several inliers at one position, in either image, count once: SIFT gives a point several orientations.
    0 when there are too few positions to tell, or no transformation is found.

    >>> grid = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), -1).reshape(-1, 2) * 10
    >>> count_inliers(grid, grid * 1.5 + 3)
    25
    """
    smallest = _SMALLEST[model]
    if min(_positions(source), _positions(target)) < smallest:
        return 0
    estimate = cv2.estimateAffine2D if model == "affine" else cv2.findHomography
    try:
        found, mask = estimate(source, target, _magsac(threshold, iterations, seed))
    except cv2.error:
        # Some versions refuse points that lie on a line instead of finding nothing.
        return 0
    if found is None or not np.isfinite(found).all():
        return 0
    inliers = mask.ravel().astype(bool)
    count = min(_positions(source[inliers]), _positions(target[inliers]))
    return count if count >= smallest else 0


def _positions(points: np.ndarray) -> int:
    return len(np.unique(np.ascontiguousarray(points, np.float64).view(np.complex128)))


def _magsac(threshold: float, iterations: int, seed: int) -> Any:
    """What `USAC_MAGSAC` stands for, with the state of the random generator our own and no threads."""
    parameters = cv2.UsacParams()
    parameters.threshold = threshold
    parameters.maxIterations = iterations
    parameters.confidence = 0.999
    parameters.sampler = cv2.SAMPLING_UNIFORM
    parameters.score = cv2.SCORE_METHOD_MAGSAC
    parameters.loMethod = cv2.LOCAL_OPTIM_SIGMA
    parameters.loIterations = 10
    parameters.loSampleSize = 50
    parameters.final_polisher = cv2.MAGSAC
    parameters.final_polisher_iterations = 3
    parameters.isParallel = False
    parameters.randomGeneratorState = seed
    return parameters
