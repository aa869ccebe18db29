"""RootSIFT: its order, its storage, and images without features."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from superglobal_core.data.images import list_images, read_image
from superglobal_core.features.local_extraction import extract_local
from superglobal_core.features.local_store import LocalStore
from superglobal_core.features.rootsift import RootSift, root_sift


@pytest.fixture(scope="module")
def photo(shared: Path) -> np.ndarray:
    return read_image(shared / "data/photos/query_crops/hertford_1.jpg")


def test_the_strongest_features_in_a_fixed_order(photo: np.ndarray) -> None:
    features = RootSift(most=300)(photo)
    assert {name: (array.shape, array.dtype) for name, array in features.items()} == {
        "keypoints": ((300, 2), np.float32),
        "scales": ((300,), np.float32),
        "angles": ((300,), np.float32),
        "descriptors": ((300, 128), np.uint8),
    }
    height, width = photo.shape[:2]
    assert (features["keypoints"] > -1).all()
    assert (features["keypoints"] < (width, height)).all()
    again = RootSift(most=300)(photo)
    assert all(np.array_equal(again[name], features[name]) for name in features)
    fewer = RootSift(most=100)(photo)
    assert all(np.array_equal(fewer[name], features[name][:100]) for name in features)


def test_bytes_hold_the_histograms_exactly(photo: np.ndarray) -> None:
    _, plain = cv2.SIFT.create(nfeatures=200).detectAndCompute(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), None)
    stored = RootSift(most=200)(photo)["descriptors"]
    assert sorted(map(tuple, plain[:200].tolist())) == sorted(map(tuple, stored.astype(float).tolist()))


def test_root_sift_has_unit_length_and_is_hellingers_kernel(photo: np.ndarray) -> None:
    stored = RootSift(most=50)(photo)["descriptors"]
    rooted = root_sift(stored)
    assert rooted.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rooted, axis=1), 1, rtol=1e-6)
    shares = stored / stored.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(rooted @ rooted.T, np.sqrt(shares[:, None] * shares).sum(axis=2), rtol=1e-5)
    assert np.array_equal(root_sift(np.zeros((2, 128), np.uint8)), np.zeros((2, 128)))


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 200, 3), (80, 80, 3)])
def test_an_image_without_texture_has_no_features(shape: tuple[int, int, int]) -> None:
    features = RootSift()(np.full(shape, 127, np.uint8))
    assert {name: array.shape for name, array in features.items()} == {
        "keypoints": (0, 2),
        "scales": (0,),
        "angles": (0,),
        "descriptors": (0, 128),
    }


def test_into_a_store_and_back(photo: np.ndarray, tmp_path: Path) -> None:
    for name, image in (("flat", np.full((80, 80, 3), 9, np.uint8)), ("photo", photo)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
    extract_local(list_images(tmp_path), RootSift(most=80), tmp_path / "out", made_with={})
    store = LocalStore.open(tmp_path / "out")
    assert (store.kind, store.ids) == ("rootsift", ["flat", "photo"])
    assert len(store[0]["descriptors"]) == 0
    expected = RootSift(most=80)(photo)
    assert all(np.array_equal(store[1][name], expected[name]) for name in expected)
    assert store.bytes_per_image == 80 * (128 + 16) / 2
