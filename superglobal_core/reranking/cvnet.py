"""CVNet-Rerank: candidates scored by a 4-D correlation network of dense local features."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, get_args

import numpy as np
import torch

from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.features.modes import Precision
from superglobal_core.networks.centre_pivot import Pyramids
from superglobal_core.networks.correlation import CorrelationNetwork
from superglobal_core.reranking.pairs import LocalFeatures, PairScorer

# Numbers of the first layer's output that are held at once, for all candidates scored together;
# what is alive at any moment is some six times that.
TOGETHER = {"cpu": 1 << 22, "cuda": 1 << 26}
FIRST_CHANNELS = 16


class CVNetScorer(PairScorer):
    """Score candidates with CVNet-Rerank; the final score is the similarity plus `weight` times it.

    An image's stored features are {"map": (C, h, w)}, float32 or float16, as `CVNetMaps` makes
    them; candidates of one map size are scored together, as many as memory allows.

    network: from `load_correlation`; without one, or with one never filled, the weights are random
    and `missing` says so. device: auto, cpu or cuda. precision: of the computation; float16 is for a
    GPU, and on a CPU means float32.

    Raises:
        UserError: for an unknown device or precision or a weight that is no finite number; from
            `resident`, when there is no map or it does not fit the network.
    Source: CVNet (Lee et al., CVPR 2022), section 3; the weight is the release's.

    >>> scorer = CVNetScorer(CorrelationNetwork(in_channels=8), device="cpu")
    >>> rng = np.random.default_rng(0)
    >>> query, *others = [scorer.resident({"map": rng.random((8, 4, w), np.float32)}) for w in (3, 4, 5)]
    >>> scorer.score(query, others).shape
    (2,)
    >>> scorer.missing
    'weights'
    """

    name: ClassVar[str] = "cvnet-rerank"
    kind: ClassVar[str] = "cvnet-maps"

    def __init__(
        self,
        network: CorrelationNetwork | None = None,
        device: str = "auto",
        precision: Precision = "float32",
        weight: float = 0.5,
    ) -> None:
        if not isinstance(weight, int | float) or isinstance(weight, bool) or not math.isfinite(weight):
            raise UserError(f"weight is {weight!r}: it must be a finite number; the official one is 0.5")
        self.device, self.precision, self.weight = choose_device(device), precision, float(weight)
        dtype = computing_dtype(precision, self.device)
        self.network = (network or CorrelationNetwork()).to(self.device, dtype).eval()

    @property
    def parameters(self) -> dict[str, Any]:
        return {"weight": self.weight, "precision": self.precision}

    @property
    def missing(self) -> str | None:
        return None if self.network.trained else "weights"

    @torch.inference_mode()
    def resident(self, features: LocalFeatures) -> Pyramids:
        """Return a map's descriptors at every scale, on the device."""
        if "map" not in features:
            raise UserError(
                "these local features have no array 'map': extract them with the kind cvnet-maps "
                f"(they hold {', '.join(features) or 'nothing'})"
            )
        stored = torch.from_numpy(np.array(features["map"]))
        return self.network.prepare(stored.to(self.device, self.network.dtype))

    @torch.inference_mode()
    def score(self, query: Pyramids, candidates: Sequence[Pyramids]) -> np.ndarray:
        """Score a query's candidates between 0 and 1: float32 (M,)."""
        scores = torch.empty(len(candidates), device=self.device)
        for rows in self._batches(query, candidates):
            scores[rows] = self.network(query, Pyramids.stack([candidates[row] for row in rows]))
        return scores.cpu().numpy()

    def combine(self, similarities: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return similarity + weight * score, (M,)."""
        return similarities + self.weight * scores

    def _batches(self, query: Pyramids, candidates: Sequence[Pyramids]) -> Iterator[list[int]]:
        of_size: dict[tuple[int, int], list[int]] = defaultdict(list)
        for row, candidate in enumerate(candidates):
            of_size[candidate.size].append(row)
        for rows in of_size.values():
            pairs = query.points.shape[1] * candidates[rows[0]].points.shape[1]
            step = max(1, TOGETHER[self.device.type] // (pairs * FIRST_CHANNELS))
            for start in range(0, len(rows), step):
                yield rows[start : start + step]


def computing_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the dtype to compute in: a precision's own, but float32 for float16 on a CPU.

    >>> computing_dtype("float16", torch.device("cpu"))
    torch.float32
    """
    if precision not in get_args(Precision):
        raise unknown_name("precision", precision, get_args(Precision))
    if precision == "float16" and device.type == "cpu":  # CPUs multiply float16 slower than float32
        return torch.float32
    return getattr(torch, precision)
