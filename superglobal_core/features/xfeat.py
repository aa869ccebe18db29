"""XFeat: learned local features, run by onnxruntime on any machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from superglobal_core.errors import MissingPackageError, UserError
from superglobal_core.files import sha256_of

if TYPE_CHECKING:
    import onnxruntime

MOST_FEATURES = 1000
# The network's input, in pixels a side, and the side of the cell that one position of its output stands for.
SIDE, CELL = 640, 8
# Published defaults: a keypoint is the strongest within 5 x 5 pixels and at least this likely.
NMS_WINDOW, THRESHOLD = 5, 0.05


class XFeat:
    """Extract the strongest XFeat features of an image.

    network: the file `xfeat.onnx`.
    most: how many features an image has at most.

    Called with an image, (H, W, 3) uint8 BGR, it returns, the strongest first and ties by position:
    keypoints: float32 (n, 2), x and y in pixels of the image, the centre of the first pixel is (0, 0).
    scores: float32 (n,), likelihood of the keypoint times the reliability of its descriptor.
    descriptors: float16 (n, 64), unit length up to rounding.

    The image is scaled so that its longer side has 640 pixels and padded with its mean colour. The network
    itself averages the colours and normalises, so that their order does not matter.

    Raises:
        UserError: when onnxruntime is not installed, or the file is absent or another network.
    Source: Potje et al., "XFeat: Accelerated Features for Lightweight Image Matching", CVPR 2024, section 3.
    """

    kind = "xfeat"

    def __init__(self, network: str | Path, most: int = MOST_FEATURES, threads: int = 0) -> None:
        self.most = most
        self._session = _session(Path(network), threads)
        self._sha256 = sha256_of(network)

    @property
    def settings(self) -> dict[str, Any]:
        """What changes the features, for records."""
        return {"most": self.most, "side": SIDE, "threshold": THRESHOLD, "network_sha256": self._sha256}

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        canvas, scale, (width, height) = letterbox(image)
        blob = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None])
        (name,) = (entry.name for entry in self._session.get_inputs())
        descriptors, logits, reliability = self._session.run(None, {name: blob})
        heat = heat_map(logits[0])[:height, :width]
        y, x = peaks(heat)
        score = heat[y, x] * _sample(reliability[0], x, y, "bilinear")[:, 0]
        order = np.lexsort((x, y, -score))[: self.most]
        x, y, score = x[order], y[order], score[order]
        rows = _sample(descriptors[0], x, y, "bicubic")
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return {
            "keypoints": ((np.stack([x, y], axis=1) + 0.5) / scale - 0.5).astype(np.float32),
            "scores": score.astype(np.float32),
            "descriptors": rows.astype(np.float16),
        }


def letterbox(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Scale an image (H, W, 3) uint8 into the upper left of the network's square, the rest its mean colour.

    Returns the square, float32 (640, 640, 3) from 0 to 1; the scale (x, y); and the width and height used.

    >>> square, scale, size = letterbox(np.full((100, 200, 3), 51, np.uint8))
    >>> square.shape, scale.tolist(), size, round(float(square.mean()), 3)
    ((640, 640, 3), [3.2, 3.2], (640, 320), 0.2)
    """
    height, width = image.shape[:2]
    factor = SIDE / max(height, width)
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(image, size, interpolation=method).astype(np.float32) / 255
    canvas = np.empty((SIDE, SIDE, 3), np.float32)
    # The mean, because the network normalises over the whole square: other padding would shift what it sees.
    canvas[:] = scaled.mean(axis=(0, 1))
    canvas[: size[1], : size[0]] = scaled
    return canvas, np.array([size[0] / width, size[1] / height]), size


def heat_map(logits: np.ndarray) -> np.ndarray:
    """Return each pixel's likelihood to be a keypoint, (8 h, 8 w), of logits (65, h, w): 64 pixels of a cell, or none.

    >>> heat_map(np.zeros((65, 2, 3), np.float32)).shape
    (16, 24)
    """
    exponents = np.exp(logits - logits.max(axis=0))
    likely = exponents[:-1] / exponents.sum(axis=0)
    _, rows, columns = likely.shape
    cells = likely.reshape(CELL, CELL, rows, columns)
    return np.ascontiguousarray(cells.transpose(2, 0, 3, 1)).reshape(rows * CELL, columns * CELL)


def peaks(heat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of the pixels that are likely enough and the largest around them."""
    around = cv2.dilate(heat, np.ones((NMS_WINDOW, NMS_WINDOW), np.uint8))
    y, x = np.nonzero((heat == around) & (heat > THRESHOLD))
    return y, x


def _sample(maps: np.ndarray, x: np.ndarray, y: np.ndarray, mode: str) -> np.ndarray:
    """Interpolate maps (C, h, w) at pixels of the network's input: (n, C) float32."""
    import torch

    grid = (np.stack([x, y], axis=1) + 0.5) * (2 / SIDE) - 1
    sampled = torch.nn.functional.grid_sample(
        torch.from_numpy(maps)[None],
        torch.from_numpy(grid.astype(np.float32))[None, None],
        mode=mode,
        padding_mode="border",
        align_corners=False,
    )
    return sampled[0, :, 0].T.contiguous().numpy()


def _session(network: Path, threads: int) -> onnxruntime.InferenceSession:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingPackageError('XFeat needs onnxruntime: pip install "superglobal[local]"') from error
    if not network.is_file():
        raise UserError(
            f"there is no network {network}: get it with `superglobal download xfeat`, and name xfeat.onnx"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    # Threads that wait must not spin, see superglobal_core.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(
            str(network), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        # onnxruntime has an exception of its own for every way a file can be wrong.
        raise UserError(
            f"{network} cannot be loaded as an ONNX network: get it again with `superglobal download xfeat`"
        ) from error
    shapes = [list(entry.shape) for entry in (*session.get_inputs(), *session.get_outputs())]
    cells = SIDE // CELL
    if shapes != [[1, 3, SIDE, SIDE], *([1, channels, cells, cells] for channels in (64, 65, 1))]:
        raise UserError(f"{network} is not XFeat: get it with `superglobal download xfeat`")
    return session
