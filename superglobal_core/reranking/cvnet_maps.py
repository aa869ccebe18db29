"""The local features of CVNet-Rerank: an image's feature map, as it is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from superglobal_core.data.reading import Colour
from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError
from superglobal_core.features.modes import Precision
from superglobal_core.features.preprocessing import normalise
from superglobal_core.networks.backbone import Backbone
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.networks.feature_maps import FeatureMaps
from superglobal_core.networks.settings import preset
from superglobal_core.reranking.cvnet import computing_dtype


class CVNetMaps:
    """Extract {"map": (C, h, w)} of an image (H, W, 3), uint8 BGR, at its full size.

    h and w are H/16 and W/16, rounded up. `float32` computes and stores float32; `float16` and
    `bfloat16` compute so (float16 on a GPU only, float32 otherwise) and store float16.

    Raises:
        UserError: for an unknown device or precision; when called, for an image of another shape or
            a map with values that are not finite.
    Source: CVNet (Lee et al., CVPR 2022), section 3.1, as released.

    >>> extractor = CVNetMaps(Backbone("mini"), device="cpu", precision="float16")
    >>> features = extractor(np.zeros((64, 90, 3), np.uint8))
    >>> features["map"].shape, features["map"].dtype
    ((256, 4, 6), dtype('float16'))
    """

    kind = "cvnet-maps"

    def __init__(
        self,
        backbone: Backbone,
        device: str = "auto",
        precision: Precision = "float32",
        colour: Colour = "bgr",
    ) -> None:
        self.device, self.colour = choose_device(device), colour
        self.network = FeatureMaps(backbone).to(self.device, computing_dtype(precision, self.device)).eval()
        self.stored = np.dtype(np.float32 if precision == "float32" else np.float16)

    @classmethod
    def load(
        cls, checkpoint: str | Path, backbone: str, device: str = "auto", precision: Precision = "float32"
    ) -> CVNetMaps:
        """Build it from a checkpoint of the global network (UserError as `load_checkpoint`)."""
        network = load_checkpoint(checkpoint, backbone, preset("cvnet-global"))
        return cls(network.backbone, device, precision)

    @property
    def settings(self) -> dict[str, Any]:
        """What changes the maps beside the weights, for records."""
        precision = str(self.network.backbone.conv1.weight.dtype).removeprefix("torch.")
        return {
            "backbone": self.network.backbone.name,
            "precision": precision,
            "stored": str(self.stored),
            "colour_order": self.colour,
        }

    @torch.inference_mode()
    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise UserError(
                f"an image is height x width x 3, uint8, not {' x '.join(map(str, image.shape))}, {image.dtype}"
            )
        batch = torch.from_numpy(np.ascontiguousarray(image)).unsqueeze(0).to(self.device)
        found = self.network(normalise(batch, self.colour))[0].float().cpu().numpy()
        with np.errstate(over="ignore"):
            stored = found.astype(self.stored)
        if not np.isfinite(stored).all():
            raise UserError(
                "the network's map of this image has values that are not finite: try --precision float32, "
                "or another checkpoint"
            )
        return {"map": stored}
