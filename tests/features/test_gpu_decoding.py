"""JPEG goes to the GPU's decoder in the fast mode, and back to OpenCV where that cannot."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from helpers import encoded, picture

from superglobal_core.data.images import ImageError, ImageFile, read_image
from superglobal_core.features.decoding import load_images
from superglobal_core.features.gpu_decoding import gpu_decoder


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A stand-in for torchvision's decoder, which knows no grey JPEG; sizes of what it decoded."""
    seen: list[int] = []

    def decode_jpeg(data: torch.Tensor, mode: Any, device: torch.device) -> torch.Tensor:
        assert (mode, device.type) == ("RGB", "cuda")
        image = cv2.imdecode(data.numpy(), cv2.IMREAD_UNCHANGED)
        if image.ndim == 2:
            raise RuntimeError("unsupported sampling")
        seen.append(len(data))
        return torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1)

    module = types.ModuleType("torchvision.io")
    module.decode_jpeg = decode_jpeg  # type: ignore[attr-defined]
    module.ImageReadMode = types.SimpleNamespace(RGB="RGB")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision.io", module)
    return seen


def test_jpeg_is_decoded_by_the_gpu_and_the_rest_by_opencv(tmp_path: Path, decoded: list[int]) -> None:
    files = {
        "colour.jpg": encoded(picture(0), ".jpg"),
        "grey.jpg": encoded(picture(1)[:, :, 0], ".jpg"),
        "other.png": encoded(picture(2)),
        # An orientation is OpenCV's: the GPU does not turn images.
        "turned.jpg": with_orientation(encoded(picture(3), ".jpg")),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    jpeg = gpu_decoder(torch.device("cuda"))
    listed = [ImageFile(path.stem, path) for path in sorted(tmp_path.iterdir())]
    for file, image in load_images(listed, None, 1, jpeg=jpeg):
        assert not isinstance(image, ImageError)
        assert np.array_equal(image, read_image(file.path)), file.id
    assert decoded == [len(files["colour.jpg"])]
    assert read_image(tmp_path / "turned.jpg").shape == (120, 100, 3)
    assert read_image(tmp_path / "turned.jpg", exif=False, jpeg=jpeg).shape == (100, 120, 3)
    assert len(decoded) == 2


def test_a_jpeg_that_is_cut_short_never_reaches_the_gpu(tmp_path: Path, decoded: list[int]) -> None:
    (tmp_path / "cut.jpg").write_bytes(encoded(picture(0), ".jpg")[:-100])
    with pytest.raises(ImageError, match="cut short"):
        read_image(tmp_path / "cut.jpg", jpeg=gpu_decoder(torch.device("cuda")))
    assert decoded == []


def test_without_torchvision_there_is_no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision.io", None)
    assert gpu_decoder(torch.device("cuda")) is None


def with_orientation(jpeg: bytes) -> bytes:
    """Put an EXIF block with orientation 6 (a quarter turn) into a JPEG."""
    tiff = b"MM\0*\0\0\0\x08" + b"\0\x01" + b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" + b"\0\0\0\0"
    block = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]
