"""Reranking with RRT: its transformer as a scorer of image pairs."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.networks.rrt import DIMENSION, GLOBAL_DIMENSION, RRT, SCALES, load_rrt, random_rrt
from superglobal_core.reranking.pairs import LocalFeatures, PairScorer

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# Local descriptors of an image that are used.
MOST = 500
# Tokens at a time: bounds the memory (6 kB each) and, on a CPU, keeps a layer's work in its cache.
TOKENS_AT_ONCE = {"cpu": 4 * 1004, "cuda": 100 * 1004}


@dataclasses.dataclass(frozen=True)
class RRTImage:
    """An image ready to be paired: local tokens (n, 128) and the global one (128,), on the device."""

    local: Tensor
    whole: Tensor


class RRTScorer(PairScorer):
    """Score pairs by the reranking transformer's logit.

    weights: a checkpoint, a network, or None for random weights (then `missing` names them);
    kind: the kind of local features stored; device: auto, cpu or cuda; precision: of the network,
    float32, bfloat16 or float16 (the latter only on a GPU).

    An image's features are `descriptors` (n, 128) numbers, best first, of which 500 are used;
    optionally `scales`, int (n,) from 0 to 6, and `global`, (2048,). What the published weights
    were trained on are DELG's; for others there is a stand-in, so that the cost can be measured,
    and `missing` says which stand-ins were used so far: descriptors of another dimension are
    brought to it by a fixed random projection (seeded by the dimension), a global descriptor that
    is absent is zero, and scales that are absent, or sizes in pixels, are 0.

    Raises:
        UserError: for features of wrong shape or value, or an unusable device or precision.

    Source: Tan, Yuan and Ordonez, Instance-level image retrieval using reranking transformers,
    ICCV 2021; it reranks the best 100 by this score alone.

    >>> scorer = RRTScorer()
    >>> images = [scorer.resident({"descriptors": np.eye(n, 128, dtype=np.float32)}) for n in (5, 3)]
    >>> scorer.score(images[0], images).shape
    (2,)
    >>> scorer.missing
    'weights, global descriptors, scales'
    """

    name: ClassVar[str] = "rrt"
    kind: ClassVar[str] = "rootsift"

    def __init__(
        self,
        weights: str | Path | RRT | None = None,
        *,
        kind: str = "rootsift",
        device: str = "cpu",
        precision: str = "float32",
    ) -> None:
        if precision not in PRECISIONS:
            raise unknown_name("precision", precision, PRECISIONS)
        self.device = choose_device(device)
        if self.device.type == "cpu" and precision == "float16":
            raise UserError("precision float16 is slow on a CPU: use float32 or bfloat16 there")
        # Any local descriptors cost the same, so which kind is a choice of each scorer.
        self.kind = kind  # type: ignore[misc]
        self.precision = precision
        self._missing = dict.fromkeys(["weights"] if weights is None else [])
        if weights is None:
            weights = random_rrt()
        # A copy, because moving a network or changing its precision changes it in place.
        network = copy.deepcopy(weights) if isinstance(weights, RRT) else load_rrt(weights)
        self.network = network.to(self.device, PRECISIONS[precision]).eval().requires_grad_(False)
        self._projections: dict[tuple[int, int], Tensor] = {}

    @property
    def parameters(self) -> dict[str, Any]:
        return {"kind": self.kind, "precision": self.precision, "most_descriptors": MOST}

    @property
    def missing(self) -> str | None:
        return ", ".join(self._missing) or None

    @torch.no_grad()
    def resident(self, features: LocalFeatures) -> RRTImage:
        descriptors, scales, whole = _checked(features)
        if descriptors.shape[1] != DIMENSION:
            self._missing[f"descriptors of {DIMENSION} dimensions"] = None
        if whole is None:
            self._missing["global descriptors"] = None
            whole = np.zeros(GLOBAL_DIMENSION, np.float32)
        elif len(whole) != GLOBAL_DIMENSION:
            self._missing[f"global descriptors of {GLOBAL_DIMENSION} dimensions"] = None
        if scales is None:
            self._missing["scales"] = None
            scales = np.zeros(len(descriptors), np.int64)
        local, token = self.network.describe(
            self._fitted(descriptors, DIMENSION),
            torch.from_numpy(scales).to(self.device),
            self._fitted(whole, GLOBAL_DIMENSION),
        )
        return RRTImage(local, token)

    def _fitted(self, rows: np.ndarray, dimension: int) -> Tensor:
        tensor = torch.from_numpy(rows).to(self.device)
        if rows.shape[-1] != dimension:
            key = (rows.shape[-1], dimension)
            if key not in self._projections:
                generator = torch.Generator().manual_seed(rows.shape[-1])
                projection = torch.randn(key, generator=generator) / dimension**0.5
                self._projections[key] = projection.to(self.device)
            tensor = tensor @ self._projections[key]
        return tensor.to(PRECISIONS[self.precision])

    @torch.no_grad()
    def score(self, query: RRTImage, candidates: Sequence[RRTImage]) -> np.ndarray:
        scores = torch.empty(len(candidates), dtype=torch.float32, device=self.device)
        # Candidates of like length together, the longest first: little padding, and the memory known at once.
        order = sorted(range(len(candidates)), key=lambda place: -len(candidates[place].local))
        start = 0
        while start < len(order):
            longest = 4 + len(query.local) + len(candidates[order[start]].local)
            stop = start + max(1, TOKENS_AT_ONCE[self.device.type] // longest)
            places = order[start:stop]
            scores[torch.tensor(places, device=self.device)] = self._batch(
                query, [candidates[place] for place in places]
            )
            start = stop
        return scores.cpu().numpy()

    def _batch(self, query: RRTImage, candidates: Sequence[RRTImage]) -> Tensor:
        locals_ = torch.nn.utils.rnn.pad_sequence([image.local for image in candidates], batch_first=True)
        lengths = torch.tensor([len(image.local) for image in candidates], device=self.device)
        places = torch.arange(locals_.shape[1], device=self.device)
        padding = places >= lengths.unsqueeze(1)
        padded = len({len(image.local) for image in candidates}) > 1
        wholes = torch.stack([image.whole for image in candidates])
        return self.network(
            query.whole[None], query.local[None], None, wholes, locals_, padding if padded else None
        ).float()


def _checked(features: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Return descriptors, scales and global descriptor as float32, int64 and float32."""
    if "descriptors" not in features:
        raise UserError(
            f"RRT needs 'descriptors', but there are only {', '.join(features) or 'none'}: extract them"
        )
    descriptors = np.asarray(features["descriptors"])[:MOST]
    if descriptors.ndim != 2:
        raise UserError(
            f"local descriptors have the shape {descriptors.shape}: (number, dimension) is needed"
        )
    scales, whole = features.get("scales"), features.get("global")
    if scales is not None and np.asarray(scales).dtype.kind == "f":
        scales = None  # sizes in pixels, as SIFT has them, are no indices
    if scales is not None:
        scales = np.asarray(scales)[:MOST]
        if scales.shape != descriptors.shape[:1] or scales.dtype.kind not in "iu":
            raise UserError(
                f"scales are {scales.dtype} of the shape {scales.shape}: "
                f"a whole number for each of {len(descriptors)} descriptors is needed"
            )
        if scales.size and not 0 <= scales.min() <= scales.max() < SCALES:
            raise UserError(
                f"scales go from {scales.min()} to {scales.max()}: they must be 0 to {SCALES - 1}"
            )
        scales = scales.astype(np.int64)
    if whole is not None:
        whole = np.asarray(whole, np.float32)
        if whole.ndim != 1:
            raise UserError(
                f"the global descriptor has the shape {whole.shape}: one row of numbers is needed"
            )
    descriptors = np.ascontiguousarray(descriptors, np.float32)
    if not np.isfinite(descriptors).all() or (whole is not None and not np.isfinite(whole).all()):
        raise UserError("descriptors hold NaN or infinite values: extract them again")
    return descriptors, scales, whole
