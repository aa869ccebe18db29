"""ASMK: local features aggregated by visual word, binarised, compared word by word."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from superglobal_core.errors import MissingPackageError, TooFewFeaturesError, UserError
from superglobal_core.features.rootsift import root_sift
from superglobal_core.reranking.pairs import LocalFeatures, PairScorer, refuse_not_finite
from superglobal_core.reranking.parameters import MOST_INT, number, whole_number

# k-means reads this many features a word at most; faiss takes a random part of more.
FEATURES_A_WORD = 256


@dataclasses.dataclass(frozen=True)
class Aggregated:
    """An image: its visual words (w,), ascending, and each one's residuals as bits (w, d / 32) uint32."""

    words: np.ndarray
    bits: np.ndarray


class AsmkScorer(PairScorer):
    """The binarised aggregated selective match kernel of two images, from 0 to 1.

    Every feature goes to its nearest visual word; an image's residuals at a word are added up and
    binarised. Two images' score is the sum over common words of s^alpha, where the similarity s (1 for
    equal bits, 0 for half of them) is at least `least_similarity`, over the root of the product of their
    numbers of words.

    codebook: (k, d) float32, the words' centres; d a multiple of 32. `train` makes one.

    The package `asmk` aggregates and binarises; it is published as source only, so that installing it
    takes a C compiler. Hence it is an extra of its own.

    Raises:
        UserError: when `asmk` is not installed or the codebook is none.
    Source: Tolias et al., "To aggregate or not to aggregate", ICCV 2013, sections 3 and 4; alpha and the
        threshold are those of Tolias et al., "Learning and aggregating deep local descriptors", ECCV 2020.
    """

    def __init__(self, codebook: np.ndarray, alpha: float = 3.0, least_similarity: float = 0.0) -> None:
        package = _package()
        codebook = np.ascontiguousarray(codebook, np.float32)
        if codebook.ndim != 2 or len(codebook) == 0 or codebook.shape[1] == 0 or codebook.shape[1] % 32:
            raise UserError(
                f"a codebook is words x dimensions, the latter a multiple of 32, not {codebook.shape}: train one"
            )
        self.alpha = number("alpha", alpha, least=0)
        self.least_similarity = number("least_similarity", least_similarity, least=-1)
        self._codebook = package.codebook.Codebook(
            package.index.initialize_index(gpu_id=None), size=len(codebook)
        )
        self._codebook.index(codebook)
        self._kernel = package.kernel.ASMKKernel(self._codebook, binary=True)

    @classmethod
    def train(
        cls, images: Iterable[LocalFeatures], words: int = 65536, seed: int = 0, **parameters: float
    ) -> Self:
        """Return a scorer with a codebook of so many words, learnt by k-means from images' features.

        Raises:
            UserError: when the images have fewer features than there are to be words.
        """
        whole_number("words", words, least=1, most=MOST_INT)
        whole_number("seed", seed, least=0, most=MOST_INT)
        _package()
        import faiss

        parts = [cls.comparable(image["descriptors"]) for image in images]
        rows = np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)
        if len(rows) < words:
            raise TooFewFeaturesError(
                f"{len(rows)} features are too few for {words} visual words: give more images or fewer words"
            )
        # The least is not enforced: faiss only warns, and tests have few.
        kmeans = faiss.Kmeans(
            rows.shape[1],
            words,
            niter=10,
            seed=seed,
            max_points_per_centroid=FEATURES_A_WORD,
            min_points_per_centroid=1,
        )
        kmeans.train(rows)
        return cls(np.asarray(kmeans.centroids), **parameters)

    @property
    def codebook(self) -> np.ndarray:
        """The centres of the visual words, (k, d) float32."""
        return self._codebook.centroids

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, for records."""
        return {
            "words": len(self.codebook),
            "alpha": self.alpha,
            "least_similarity": self.least_similarity,
        }

    @staticmethod
    def comparable(descriptors: np.ndarray) -> np.ndarray:
        """Return stored descriptors as float32 rows of unit length."""
        return np.array(descriptors, np.float32)

    def resident(self, features: LocalFeatures) -> Aggregated:
        """Return an image's aggregated and binarised features.

        Raises:
            UserError: when its descriptors have another dimension than the codebook, or are not finite.
        """
        refuse_not_finite(features["descriptors"])
        rows = self.comparable(features["descriptors"])
        dimension = self.codebook.shape[1]
        if rows.shape[1] != dimension:
            raise UserError(
                f"the codebook is for {dimension} dimensions, the descriptors have {rows.shape[1]}: train another"
            )
        if len(rows) == 0:
            return Aggregated(np.zeros(0, np.int64), np.zeros((0, dimension // 32), np.uint32))
        bits, words = self._kernel.aggregate_image(*self._codebook.quantize(rows, multiple_assignment=1))
        return Aggregated(words, bits)

    def score(self, query: Aggregated, candidates: Sequence[Aggregated]) -> np.ndarray:
        """Return the kernel of each candidate with the query: float32 (M,), 0 to 1."""
        # The query's place of each word: the words in common are then found without sorting.
        places = np.full(len(self.codebook), -1, np.int64)
        places[query.words] = np.arange(len(query.words))
        return np.array([self._kernel_of(query, places, candidate) for candidate in candidates], np.float32)

    def _kernel_of(self, query: Aggregated, places: np.ndarray, candidate: Aggregated) -> float:
        place = places[candidate.words]
        common = np.flatnonzero(place >= 0)
        if len(common) == 0:
            return 0.0
        different = np.bitwise_count(query.bits[place[common]] ^ candidate.bits[common]).sum(axis=1)
        similarity = 1.0 - different * (2.0 / self.codebook.shape[1])
        selected = similarity[similarity >= self.least_similarity]
        return float((selected**self.alpha).sum() / np.sqrt(len(query.words) * len(candidate.words)))


class RootSiftAsmk(AsmkScorer):
    """ASMK of RootSIFT."""

    name: ClassVar[str] = "rootsift-asmk"
    kind: ClassVar[str] = "rootsift"

    @staticmethod
    def comparable(descriptors: np.ndarray) -> np.ndarray:
        """Return RootSIFT of the stored SIFT histograms."""
        return root_sift(descriptors)


class XFeatAsmk(AsmkScorer):
    """ASMK of XFeat."""

    name: ClassVar[str] = "xfeat-asmk"
    kind: ClassVar[str] = "xfeat"


def _package() -> Any:
    try:
        import asmk.codebook
        import asmk.index
        import asmk.kernel
    except ImportError as error:
        raise MissingPackageError(
            'ASMK needs the package asmk, which is built by a C compiler: pip install "superglobal[asmk]"'
        ) from error
    return asmk
