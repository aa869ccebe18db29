"""RootSIFT: OpenCV's SIFT, compared by the Hellinger kernel."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

MOST_FEATURES = 1000


class RootSift:
    """Extract the strongest SIFT features of an image.

    Called with an image, (H, W, 3) uint8 BGR, it returns, the strongest first and ties by position:
    keypoints: float32 (n, 2), x and y in pixels, the centre of the first pixel is (0, 0).
    scales: float32 (n,), diameter of the described region in pixels.
    angles: float32 (n,), orientation in degrees.
    descriptors: uint8 (n, 128), SIFT's histograms as OpenCV gives them: whole numbers from 0 to 255, so
        that a byte holds them exactly, in half of float16's space. `root_sift` makes RootSIFT of them.

    An image without texture has n = 0.
    Source: Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", IJCV 2004.

    >>> {name: array.shape for name, array in RootSift()(np.zeros((64, 64, 3), np.uint8)).items()}
    {'keypoints': (0, 2), 'scales': (0,), 'angles': (0,), 'descriptors': (0, 128)}
    """

    kind = "rootsift"

    def __init__(self, most: int = MOST_FEATURES) -> None:
        self.most = most
        self._sift = cv2.SIFT.create(nfeatures=most)

    @property
    def settings(self) -> dict[str, Any]:
        """What changes the features, for records; OpenCV's version is part of it."""
        return {"most": self.most, "opencv": cv2.__version__}

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        points, descriptors = self._sift.detectAndCompute(grey, None)
        if descriptors is None:
            descriptors = np.zeros((0, 128), np.float32)
        facts = np.array(
            [(*point.pt, point.size, point.angle, point.response) for point in points], np.float32
        ).reshape(-1, 5)
        x, y, scale, angle, response = facts.T
        # SIFT keeps all that tie with the last one; it gives no order to ties.
        order = np.lexsort((angle, scale, x, y, -response))[: self.most]
        return {
            "keypoints": facts[order, :2],
            "scales": facts[order, 2],
            "angles": facts[order, 3],
            "descriptors": descriptors[order].astype(np.uint8),
        }


def root_sift(descriptors: np.ndarray) -> np.ndarray:
    """Return RootSIFT of SIFT histograms (n, 128): the roots of the L1-normalised ones, float32, unit length.

    Their dot product is the Hellinger kernel of the histograms, from 0 to 1.
    Source: Arandjelovic and Zisserman, "Three things everyone should know to improve object
    retrieval", CVPR 2012, section 3.

    >>> root_sift(np.array([[9, 16, 0, 0]], np.uint8)).round(2).tolist()
    [[0.6000000238418579, 0.800000011920929, 0.0, 0.0]]
    """
    histograms = descriptors.astype(np.float32)
    return np.sqrt(histograms / np.maximum(histograms.sum(axis=1, keepdims=True), 1.0))
