"""Extraction: images to shards of descriptors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from extraction_inputs import BATCH_TOLERANCE, CPU, PRECISION_TOLERANCE, bad_images, describe, names_in
from helpers import encoded, picture, write_pictures

from superglobal_core import files as files_module
from superglobal_core.data.images import ImageFile, crop, list_images, read_image
from superglobal_core.errors import UserError
from superglobal_core.features import batching, decoding
from superglobal_core.features.extraction import Extraction, extract
from superglobal_core.features.preprocessing import normalise, scaled_inputs
from superglobal_core.features.store import FeatureStore
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.networks.settings import preset
from superglobal_core.steps.extract import extract_step


def test_shards_ids_and_order(
    tmp_path: Path, run: Callable[..., Extraction], network: GlobalDescriptor
) -> None:
    write_pictures(tmp_path / "images", ["c", "a", "d", "b", "e"])
    done = run(tmp_path / "images", shard_size=2)
    assert done == Extraction(shards=3, found_done=0, described=5, skipped=[])
    assert names_in(tmp_path / "out") == [
        f"shard-0000{n}.{kind}" for n in range(3) for kind in ("json", "npy")
    ]
    store = FeatureStore.open(tmp_path / "out")
    assert store.ids == ["a", "b", "c", "d", "e"]
    assert (store.shape, store.dtype) == ((5, 256), np.float32)
    for name, row in zip(store.ids, store.all_rows(), strict=True):
        alone = describe(network, read_image(tmp_path / "images" / f"{name}.png"))
        assert np.abs(row - alone).max() < BATCH_TOLERANCE
    assert np.abs(np.linalg.norm(store.all_rows(), axis=1) - 1).max() < 1e-5
    sidecar = json.loads((tmp_path / "out" / "shard-00002.json").read_text())
    assert sidecar["ids"] == ["e"]
    assert (sidecar["dtype"], sidecar["dimension"], sidecar["rows"]) == ("float32", 256, 1)
    assert sidecar["sha256"] == files_module.sha256_of(tmp_path / "out" / "shard-00002.npy")
    assert sidecar["descriptor"]["scales"] == [0.7071, 1.0, 1.4142]
    assert sidecar["descriptor"]["relup"] == "on"


def test_a_list_keeps_its_order(tmp_path: Path, run: Callable[..., Extraction]) -> None:
    write_pictures(tmp_path / "images", ["a", "b", "c"])
    (tmp_path / "list.txt").write_text("images/c.png\nimages/a.png\n")
    run(tmp_path / "list.txt")
    assert FeatureStore.open(tmp_path / "out").ids == ["c", "a"]


def test_images_of_many_sizes_in_batches_keep_their_rows(
    tmp_path: Path, run: Callable[..., Extraction], network: GlobalDescriptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "MOST_IMAGES", 3)
    monkeypatch.setattr(batching, "MOST_WAITING", 40_000)
    sizes = [(100, 100), (100, 120), (120, 100)]
    (tmp_path / "images").mkdir()
    for number in range(11):
        height, width = sizes[number * 7 % 3]
        (tmp_path / "images" / f"{number:02}.png").write_bytes(encoded(picture(number, height, width)))
    run(tmp_path / "images", shard_size=100)
    store = FeatureStore.open(tmp_path / "out")
    for number, row in enumerate(store.all_rows()):
        alone = describe(network, picture(number, *sizes[number * 7 % 3]))
        assert np.abs(row - alone).max() < BATCH_TOLERANCE, number


def test_batches_hold_every_image_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    monkeypatch.setattr(batching, "MOST_IMAGES", 4)
    monkeypatch.setattr(batching, "MOST_PIXELS", 300)
    monkeypatch.setattr(batching, "MOST_WAITING", 500)
    images = [np.full((*rng.integers(5, 9, 2), 3), number, np.uint8) for number in range(60)]
    seen = []
    for numbers, stack in batching.batches(enumerate(images)):
        assert len(numbers) <= 4
        assert all(
            np.array_equal(image, images[number]) for number, image in zip(numbers, stack, strict=True)
        )
        seen += numbers
    assert sorted(seen) == list(range(60))


def test_a_stream_of_equal_images_makes_full_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MOST_IMAGES", 4)
    monkeypatch.setattr(batching, "MOST_WAITING", 6 * 25)
    images = ((number, np.zeros((5, 5, 3), np.uint8)) for number in range(40))
    assert [len(numbers) for numbers, _ in batching.batches(images)] == [4] * 10


def test_boxes_cut_the_query_out(
    tmp_path: Path, run: Callable[..., Extraction], network: GlobalDescriptor
) -> None:
    write_pictures(tmp_path / "images", ["a", "b"], height=150, width=160)
    boxes = {"a": (10.9, 5.2, 130.7, 120.0), "b": (0.0, 0.0, 500.0, 500.0), "other": (0.0, 0.0, 1.0, 1.0)}
    run(tmp_path / "images", boxes=boxes)
    rows = FeatureStore.open(tmp_path / "out").all_rows()
    assert np.abs(rows[0] - describe(network, crop(picture(0, 150, 160), boxes["a"]))).max() < BATCH_TOLERANCE
    assert np.abs(rows[1] - describe(network, picture(1, 150, 160))).max() < BATCH_TOLERANCE
    with pytest.raises(UserError, match="1 of 2 images have no box: b"):
        run(tmp_path / "images", boxes={"a": boxes["a"]}, out=tmp_path / "other")
    with pytest.raises(UserError, match=r"boxes_sha256: .* now .*--replace"):
        run(tmp_path / "images", boxes=boxes | {"a": (11.0, 5.2, 130.7, 120.0)})
    with pytest.raises(UserError, match="boxes_sha256"):
        run(tmp_path / "images")
    for box, reason in (
        ((200.0, 0.0, 300.0, 50.0), "nothing inside its box"),
        ((0.0, 0.0, 91.0, 140.0), "in its box 91 x 140 px, too small: 92 px"),
    ):
        with pytest.raises(UserError, match=f"1 of 2 images cannot be used: a .*{reason}"):
            run(tmp_path / "images", boxes=boxes | {"a": box}, out=tmp_path / "other")


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision(
    tmp_path: Path, run: Callable[..., Extraction], checkpoint: Path, precision: str
) -> None:
    write_pictures(tmp_path / "images", [f"{number}" for number in range(6)])
    run(tmp_path / "images", out=tmp_path / "wide")
    other = load_checkpoint(checkpoint, "mini")
    extract(
        list_images(tmp_path / "images"),
        other,
        tmp_path / "half",
        made_with={},
        precision=precision,  # type: ignore[arg-type]
        device="cpu",
    )
    wide, half = (FeatureStore.open(tmp_path / name).all_rows() for name in ("wide", "half"))
    assert half.dtype == np.float16
    half = half.astype(np.float64)
    distance = 1 - (wide * half).sum(axis=1) / np.linalg.norm(half, axis=1)
    assert distance.max() < PRECISION_TOLERANCE[precision]
    # Images are further apart than that, so the bound says something.
    apart = 1 - wide @ wide.T + 2 * np.eye(6)
    assert apart.min() > 2 * distance.max()


def test_the_step_records_what_it_did(tmp_path: Path, checkpoint: Path) -> None:
    bad_images(tmp_path / "images")
    extract_step(
        tmp_path / "images",
        tmp_path / "out",
        backbone="mini",
        settings=preset("superglobal", scales=(1.0,)),
        checkpoint=checkpoint,
        on_error="skip",
        device="cpu",
    )
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert record["step"] == "extract"
    assert record["descriptor"]["scales"] == [1.0]
    assert record["descriptor"]["checkpoint_sha256"] == files_module.sha256_of(checkpoint)
    assert [entry["id"] for entry in record["parameters"]["skipped"]][:2] == ["a_text", "b_empty"]
    assert record["protocol"]["query_crop"] is False
    assert record["hardware"]["cores"] >= 1
    with pytest.raises(UserError, match="--backbone resnet50 needs a --checkpoint"):
        extract_step(tmp_path / "images", tmp_path / "x", backbone="resnet50", settings=preset("superglobal"))


def test_images_are_decoded_ahead_but_not_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "AHEAD", 3)
    paths = write_pictures(tmp_path, [f"{number:02}" for number in range(12)])
    seen = decoding.load_images([ImageFile(path.stem, path) for path in paths], None, 1)
    first, image = next(seen)
    assert first.id == "00"
    assert np.array_equal(image, picture(0))
    for path in paths[6:]:
        path.unlink()
    rest = list(seen)
    assert [file.id for file, _ in rest] == [f"{number:02}" for number in range(1, 12)]
    assert [isinstance(image, np.ndarray) for _, image in rest] == [True] * 5 + [False] * 6


def test_normalisation() -> None:
    image = np.zeros((1, 2, 2, 3), np.uint8)
    image[0, 0, 1] = (255, 128, 0)
    found = normalise(torch.from_numpy(image))
    assert found.shape == (1, 3, 2, 2)
    expected = [(1 - 0.406) / 0.225, (128 / 255 - 0.456) / 0.224, (0 - 0.485) / 0.229]
    assert found[0, :, 0, 1].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("scale", [0.5, 0.7071, 1.0, 1.4142, 2.0])
def test_scaling(scale: float) -> None:
    image = picture(0, 101, 131)
    size = (int(101 * scale), int(131 * scale))
    for antialias in (False, True):
        found = scaled_inputs(image[None], preset("superglobal", scales=(scale,), antialias=antialias), CPU)[
            0
        ]
        assert found.shape[2:] == size
        if not antialias or scale >= 1:
            expected = cv2.resize(
                normalise(torch.from_numpy(image[None]))[0].permute(1, 2, 0).numpy(),
                size[::-1],
                interpolation=cv2.INTER_LINEAR,
            )
            assert np.abs(found[0].permute(1, 2, 0).numpy() - expected).max() < 2e-3
    cvnet = scaled_inputs(image[None], preset("cvnet-global", scales=(scale,)), CPU)[0]
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=kind)
    assert torch.equal(cvnet, normalise(torch.from_numpy(resized[None])))
