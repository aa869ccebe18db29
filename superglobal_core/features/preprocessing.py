"""From 8-bit images to what the network takes: normalised float tensors, one a scale."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from superglobal_core.data.reading import Colour
from superglobal_core.networks.settings import DescriptorSettings

# ImageNet's statistics in BGR order, as OpenCV decodes.
MEAN = (0.406, 0.456, 0.485)
STD = (0.225, 0.224, 0.229)


def normalise(images: Tensor, colour: Colour = "bgr") -> Tensor:
    """Turn uint8 images (B, H, W, 3) into a float32 tensor (B, 3, H, W) of mean 0, variance 1 a channel."""
    order = 1 if colour == "bgr" else -1
    mean = torch.tensor(MEAN[::order], device=images.device).view(3, 1, 1)
    std = torch.tensor(STD[::order], device=images.device).view(3, 1, 1)
    return images.permute(0, 3, 1, 2).float().div_(255).sub_(mean).div_(std).contiguous()


def scaled_inputs(
    images: np.ndarray, settings: DescriptorSettings, device: torch.device, colour: Colour = "bgr"
) -> list[Tensor]:
    """Make the network's inputs of equally sized images: (B, H, W, 3) uint8 -> one (B, 3, H_s, W_s) a scale.

    Source: SuperGlobal's release scales the normalised tensor to (int(H s), int(W s)); CVNet's
    scales the 8-bit image with OpenCV.
    """
    if settings.resize == "8-bit-image":
        return [
            normalise(
                _upload(np.stack([_resize_8bit(image, scale) for image in images]), device),
                colour,
            )
            for scale in settings.scales
        ]
    whole = normalise(_upload(images, device), colour)
    return [_resize_tensor(whole, scale, settings.antialias) for scale in settings.scales]


def _upload(images: np.ndarray, device: torch.device) -> Tensor:
    tensor = torch.from_numpy(images)
    if device.type != "cuda":
        return tensor
    # From pinned memory the copy runs beside what the GPU is doing.
    return tensor.pin_memory().to(device, non_blocking=True)


def _resize_tensor(images: Tensor, scale: float, antialias: bool) -> Tensor:
    size = [int(side * scale) for side in images.shape[-2:]]
    if size == list(images.shape[-2:]):
        return images
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=antialias)


def _resize_8bit(image: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return image
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)
