"""XFeat: keypoints where they belong, whatever an image's shape; what is missing is said."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from superglobal_core.data.images import read_image
from superglobal_core.errors import UserError
from superglobal_core.features.xfeat import XFeat, heat_map, letterbox, peaks
from superglobal_core.reranking.matching import mutual_matches


@pytest.fixture(scope="module")
def network(shared: Path) -> Path:
    return shared / "data/weights/xfeat.onnx"


@pytest.fixture(scope="module")
def xfeat(network: Path) -> XFeat:
    pytest.importorskip("onnxruntime")
    return XFeat(network)


@pytest.fixture(scope="module")
def photo(shared: Path) -> np.ndarray:
    return read_image(shared / "data/photos/query_crops/christ_church_1.jpg")


def test_the_features_of_a_photograph(xfeat: XFeat, network: Path, photo: np.ndarray) -> None:
    features = xfeat(photo)
    assert {name: (array.shape, array.dtype) for name, array in features.items()} == {
        "keypoints": ((1000, 2), np.float32),
        "scores": ((1000,), np.float32),
        "descriptors": ((1000, 64), np.float16),
    }
    height, width = photo.shape[:2]
    assert (height, width) == (540, 205)
    assert (features["keypoints"] > -0.5).all()
    assert (features["keypoints"] < (width - 0.5, height - 0.5)).all()
    assert (np.diff(features["scores"]) <= 0).all()
    lengths = np.linalg.norm(features["descriptors"].astype(np.float32), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-3)
    others = XFeat(network, most=100, threads=1)(photo)
    assert all(np.array_equal(others[name], features[name][:100]) for name in features), "threads matter"


def test_the_order_of_colours_does_not_matter(xfeat: XFeat, photo: np.ndarray) -> None:
    # The mean of three channels, added in another order, differs in the last digit.
    one, other = (set(map(tuple, xfeat(image)["keypoints"].round(2))) for image in (photo, photo[:, :, ::-1]))
    assert len(one & other) > 980


@pytest.mark.parametrize(("factor", "padding"), [(0.7, 0), (1.3, 0), (1.0, 150)])
def test_keypoints_follow_the_picture(xfeat: XFeat, photo: np.ndarray, factor: float, padding: int) -> None:
    """Scaled, or with a margin that changes its shape, a photograph has its features at the same places."""
    changed = cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    changed = cv2.copyMakeBorder(changed, 0, 0, padding, 0, cv2.BORDER_CONSTANT, value=(127, 127, 127))
    first, second = xfeat(photo), xfeat(changed)
    rows = [features["descriptors"].astype(np.float32) for features in (first, second)]
    i, j = mutual_matches(*rows, least_cosine=0.9)
    scale = np.array([changed.shape[1] - padding, changed.shape[0]]) / (photo.shape[1], photo.shape[0])
    there = (first["keypoints"][i] + 0.5) * scale - 0.5 + (padding, 0)
    off = np.linalg.norm(second["keypoints"][j] - there, axis=1)
    assert len(i) > 300
    assert np.median(off) < 1
    assert abs(np.median(second["keypoints"][j] - there, axis=0)).max() < 0.3, "shifted"


def test_an_image_without_texture(xfeat: XFeat) -> None:
    for shape in ((1, 1, 3), (2, 900, 3), (50, 60, 3)):
        features = xfeat(np.full(shape, 200, np.uint8))
        assert len(features["keypoints"]) == len(features["descriptors"])
        assert np.isfinite(features["descriptors"]).all()


def test_the_heat_map_puts_channels_into_cells() -> None:
    logits = np.full((65, 4, 5), -20.0, np.float32)
    logits[64] = 0
    logits[8 * 3 + 6, 2, 1] = 20  # row 3, column 6 of the cell in row 2, column 1
    heat = heat_map(logits)
    assert heat.shape == (32, 40)
    assert [found.tolist() for found in peaks(heat)] == [[2 * 8 + 3], [8 + 6]]
    assert heat.max() > 0.99
    assert heat.sum() == pytest.approx(heat.max(), abs=1e-5)


def test_the_square_holds_the_whole_image() -> None:
    image = np.zeros((10, 40, 3), np.uint8)
    image[:, 20:] = 255
    square, scale, size = letterbox(image)
    assert size == (640, 160)
    np.testing.assert_allclose(scale, 16)
    assert square[:160, :300].max() == 0
    assert square[:160, 340:].min() == 1
    np.testing.assert_allclose(square[160:], 0.5, atol=0.01)


def test_what_is_missing_is_said(network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(UserError, match=r'pip install "superglobal\[local\]"'):
            XFeat(network)
    pytest.importorskip("onnxruntime")
    with pytest.raises(UserError, match="superglobal download xfeat"):
        XFeat(tmp_path / "xfeat.onnx")
    (tmp_path / "xfeat.onnx").write_bytes(network.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot be loaded as an ONNX network"):
        XFeat(tmp_path / "xfeat.onnx")
