"""A stand-in for XFeat where its network is missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from superglobal_core.features.rootsift import RootSift, root_sift


class StandInXFeat:
    """Features of XFeat's size where its network is missing: RootSIFT's points, descriptors projected to 64.

    A fixed random projection keeps the angles about, so that as many matches go into the verification
    as real features would give: what its time depends on.
    """

    kind = "xfeat"

    def __init__(self) -> None:
        self._sift = RootSift()
        basis = np.linalg.qr(np.random.default_rng(0).standard_normal((128, 64)))[0]
        self._projection = basis.astype(np.float32)

    @property
    def settings(self) -> dict[str, Any]:
        """What they are, for records."""
        return {"stand_in": "projected RootSIFT", **self._sift.settings}

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        found = self._sift(image)
        rows = root_sift(found["descriptors"]) @ self._projection
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return {
            "keypoints": found["keypoints"],
            "scores": np.ones(len(rows), np.float32),
            "descriptors": rows.astype(np.float16),
        }
