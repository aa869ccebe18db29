"""The protocol switches of reading images, on real photographs where they matter."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import encoded, picture
from PIL import Image

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.data.images import crop, read_image
from superglobal_core.data.reading import Reading
from superglobal_core.errors import UserError

# Grey levels by which saving once more as JPEG moves a photograph's pixels, at most.
NOISE = 2.5


def noise(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference of two images, in grey levels."""
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def test_the_official_crops_are_the_boxes_truncated(shared: Path) -> None:
    truth = load_groundtruth(shared / "data/groundtruth/gnd_roxford5k.pkl")
    crops = sorted((shared / "data/photos/query_crops").glob("*.jpg"))
    assert len(crops) == 55
    compared, told_apart = 0, 0
    for number, official_path in enumerate(crops):
        full = shared / "data/photos/full_queries" / f"{truth.query_names[number]}.jpg"
        if not full.is_file():
            continue
        box, image, official = truth.queries[number].box, read_image(full), read_image(official_path)
        cut = crop(image, box)
        assert cut.shape == official.shape, official_path.name
        exact = noise(cut, official)
        # Saved once more as JPEG, a photograph moves by a grey level or two; by a pixel, it moves more.
        assert exact < NOISE, official_path.name
        height, width = cut.shape[:2]
        x, y = int(box[0]), int(box[1])
        if x + 1 + width <= image.shape[1] and y + 1 + height <= image.shape[0]:
            shifted = image[y + 1 : y + 1 + height, x + 1 : x + 1 + width]
            assert noise(shifted, official) > 2 * exact, official_path.name
        rounded = crop(image, box, "round")
        told_apart += rounded.shape != official.shape or noise(rounded, official) > 2 * exact
        compared += 1
    assert compared == 12
    assert told_apart > 0


def test_rounding_goes_to_the_nearest_pixel() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    box = (2.7, 3.2, 10.6, 9.4)
    assert crop(image, box).shape == (6, 8, 3)
    assert crop(image, box, "round").shape == (6, 8, 3)
    assert crop(image, (2.7, 3.2, 10.4, 9.6), "round").shape == (7, 7, 3)
    assert crop(image, (2.7, 3.2, 10.4, 9.6)).shape == (6, 8, 3)


def test_exif_orientation_is_applied_or_ignored(tmp_path: Path) -> None:
    pixels = picture(1, 40, 60)
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.fromarray(pixels).save(path, exif=exif, quality=95)
    assert read_image(path).shape == (60, 40, 3)
    assert read_image(path, exif=False).shape == (40, 60, 3)


def test_pixels_come_in_bgr_order(tmp_path: Path) -> None:
    blue = np.zeros((8, 8, 3), np.uint8)
    blue[:, :, 0] = 255
    path = tmp_path / "blue.png"
    path.write_bytes(encoded(blue))
    assert (read_image(path) == blue).all()
    assert np.asarray(Image.open(path))[0, 0, 2] == 255
    assert cv2.cvtColor(blue, cv2.COLOR_BGR2RGB)[0, 0, 2] == 255


def test_switches_are_checked() -> None:
    assert Reading.chosen() == Reading()
    assert Reading.chosen("round", "rgb", False) == Reading("round", "rgb", "ignored")
    for wrong in ({"crop_rounding": "floor"}, {"colour": "grey"}):
        with pytest.raises(UserError, match="choose from"):
            Reading.chosen(**wrong)
