"""JPEG decoded by the GPU, where torchvision can: pixels may differ from OpenCV's by a rounding."""

from __future__ import annotations

import numpy as np
import torch

from superglobal_core.features.decoding import Jpeg

# Where a JPEG keeps its orientation; the GPU knows nothing of it.
_EXIF, _HEADERS = b"Exif\0\0", 65_536


def gpu_decoder(device: torch.device) -> Jpeg | None:
    """Return what decodes JPEG on a GPU, None for other devices or where torchvision was built without it.

    >>> gpu_decoder(torch.device("cpu"))
    """
    if device.type != "cuda":
        return None
    try:
        from torchvision.io import ImageReadMode, decode_jpeg
    except ImportError:
        return None

    def decode(data: bytes, exif: bool) -> np.ndarray | None:
        """Decode one; the image comes back to the host, as those of other formats are there too."""
        if exif and _EXIF in data[:_HEADERS]:
            return None
        try:
            encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
            image = decode_jpeg(encoded, mode=ImageReadMode.RGB, device=device)
        except RuntimeError:  # a kind of JPEG that the GPU does not know, or no room for it
            return None
        return image.flip(0).permute(1, 2, 0).contiguous().cpu().numpy()

    return decode
