"""SuperGlobal's descriptor of one image after the other, written straight from its definition: contiguous float32."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SCALES = (0.7071, 1.0, 1.4142)
MEAN, STD = (0.406, 0.456, 0.485), (0.225, 0.224, 0.229)
ALPHA, P, REGIONAL_P = 0.014, 4.6, 2.5
STRIDES = (1, 2, 2, 2)


def plain_extraction(
    weights: Mapping[str, Tensor], paths: Iterable[Path], device: torch.device | str = "cpu"
) -> np.ndarray:
    """Describe image files with weights named as in `GlobalDescriptor`: (N, D) float32."""
    with torch.inference_mode():
        return np.stack([plain_descriptor(weights, _read(path), device) for path in paths])


def _read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f"{path} is no picture that OpenCV reads")
    return image


def plain_descriptor(
    weights: Mapping[str, Tensor], image: np.ndarray, device: torch.device | str
) -> np.ndarray:
    """Describe one BGR image (H, W, 3) uint8."""
    x = torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float() / 255
    mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in (MEAN, STD))
    x = ((x - mean) / std).contiguous()
    found = []
    for scale in SCALES:
        size = [int(side * scale) for side in x.shape[-2:]]
        scaled = F.interpolate(x, size, mode="bilinear", align_corners=False, antialias=True)
        pooled = pool(features(weights, scaled))
        projected = F.linear(F.normalize(pooled), weights["head.fc.weight"], weights["head.fc.bias"])
        found.append(F.normalize(projected))
    return F.normalize(torch.stack(found).amax(dim=0))[0].cpu().numpy()


def features(weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """The ResNet's last map; ReLUP in stage 1 and after the residual sums of stages 2 and 3."""
    x = convolved(weights, "backbone.conv1", "backbone.bn1", x, 2, 3).relu()
    x = F.max_pool2d(x, 3, stride=2, padding=1)
    for stage, stride in enumerate(STRIDES, 1):
        block = 0
        inner = ALPHA if stage == 1 else 0.0
        outer = ALPHA if stage <= 3 else 0.0
        while f"backbone.layer{stage}.{block}.conv1.weight" in weights:
            name = f"backbone.layer{stage}.{block}"
            step = stride if block == 0 else 1
            y = convolved(weights, f"{name}.conv1", f"{name}.bn1", x).clamp(min=inner)
            y = convolved(weights, f"{name}.conv2", f"{name}.bn2", y, step, 1).clamp(min=inner)
            y = convolved(weights, f"{name}.conv3", f"{name}.bn3", y)
            if block == 0:
                x = convolved(weights, f"{name}.downsample.0", f"{name}.downsample.1", x, step)
            x = (y + x).clamp(min=outer)
            block += 1
    return x


def convolved(
    weights: Mapping[str, Tensor], conv: str, norm: str, x: Tensor, stride: int = 1, padding: int = 0
) -> Tensor:
    """Convolve, then normalise with the trained statistics."""
    x = F.conv2d(x, weights[f"{conv}.weight"], None, stride, padding)
    mean, variance, weight, bias = (
        weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return F.batch_norm(x, mean, variance, weight, bias)


def pool(maps: Tensor) -> Tensor:
    """Regional-GeM, then GeM+."""
    powers = F.pad(maps.clamp(min=1e-6) ** REGIONAL_P, (2, 2, 2, 2), mode="reflect")
    maps = 0.5 * F.avg_pool2d(powers, 5, stride=1) ** (1 / REGIONAL_P) + 0.5 * maps
    return (maps.clamp(min=1e-8) ** P).mean(dim=(-2, -1)) ** (1 / P)
