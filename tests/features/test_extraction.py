"""Extraction: images to shards, in order, resumable, every unusable image named."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
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

# A batch is another order of summation than one image alone.
BATCH_TOLERANCE = 1e-5
# Cosine distances to float32's descriptors of a network run in 8 significant bits, and of float16 storage.
PRECISION_TOLERANCE = {"bfloat16": 2e-3, "float16": 1e-5}
CPU = torch.device("cpu")


@pytest.fixture
def network(checkpoint: Path) -> GlobalDescriptor:
    return load_checkpoint(checkpoint, "mini")


@pytest.fixture
def run(network: GlobalDescriptor, tmp_path: Path) -> Callable[..., Extraction]:
    """Extract files into `tmp_path`/out with the mini network."""

    def run(files: Sequence[ImageFile] | Path, **options: Any) -> Extraction:
        listed = list_images(files) if isinstance(files, Path) else files
        given: dict[str, Any] = {"made_with": {"checkpoint_sha256": "x"}, "device": "cpu"} | options
        return extract(listed, network, given.pop("out", tmp_path / "out"), **given)

    return run


def describe(network: GlobalDescriptor, image: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(scaled_inputs(image[None], network.settings, CPU))[0].numpy()


def arrays(folder: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.npy"))}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


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


def bad_images(folder: Path) -> dict[str, str]:
    """Good images and all kinds of bad ones: what is wrong with each bad one."""
    write_pictures(folder, ["good_1", "good_2", "good_3"])
    (folder / "a_text.jpg").write_text("no image")
    (folder / "b_empty.png").touch()
    (folder / "c_tiny.png").write_bytes(encoded(picture(9, 91, 200)))
    (folder / "d_cut.jpg").write_bytes(encoded(picture(9), ".jpg")[:-200])
    (folder / "e_cut.png").write_bytes(encoded(picture(9))[:-900])
    (folder / "z_link.png").symlink_to(folder / "nowhere.png")
    return {
        "a_text": "cannot be decoded",
        "b_empty": "is an empty file",
        "c_tiny": "is 200 x 91 px, too small: 92 px a side are needed",
        "d_cut": "is cut short",
        "e_cut": "is cut short",
        "z_link": "cannot be read: No such file",
    }


@pytest.mark.parametrize("shard_size", [1, 4, 100])
def test_all_unusable_images_are_named_at_once(
    tmp_path: Path, run: Callable[..., Extraction], shard_size: int
) -> None:
    bad = bad_images(tmp_path / "images")
    with pytest.raises(UserError) as caught:
        run(tmp_path / "images", shard_size=shard_size)
    message = str(caught.value)
    assert f"{len(bad)} of 9 images cannot be used" in message
    assert "--on-error skip" in message
    for name, reason in bad.items():
        assert f"{name} {reason}" in message
    for sidecar in (tmp_path / "out").glob("*.json"):
        assert not set(json.loads(sidecar.read_text())["ids"]) & set(bad)


@pytest.mark.parametrize("shard_size", [1, 4, 100])
def test_unusable_images_are_left_out_and_recorded(
    tmp_path: Path, run: Callable[..., Extraction], shard_size: int
) -> None:
    bad = bad_images(tmp_path / "images")
    done = run(tmp_path / "images", shard_size=shard_size, on_error="skip")
    assert done.described == 3
    store = FeatureStore.open(tmp_path / "out")
    assert store.ids == ["good_1", "good_2", "good_3"]
    assert store.skipped == list(bad)
    again = run(tmp_path / "images", shard_size=shard_size, on_error="skip")
    assert (again.found_done, again.described) == (again.shards, 0)
    for skipped in (done.skipped, again.skipped):
        assert [entry["id"] for entry in skipped] == list(bad)
        assert all(bad[entry["id"]] in entry["reason"] for entry in skipped)


def test_what_was_left_out_once_is_not_passed_over_in_silence(
    tmp_path: Path, run: Callable[..., Extraction]
) -> None:
    bad = bad_images(tmp_path / "images")
    run(tmp_path / "images", on_error="skip")
    with pytest.raises(UserError, match=f"{len(bad)} of 9 images cannot be used"):
        run(tmp_path / "images")


def test_no_usable_image_leaves_no_shard(tmp_path: Path, run: Callable[..., Extraction]) -> None:
    (tmp_path / "images").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "images" / name).write_text("no image")
    for _ in range(2):
        with pytest.raises(
            UserError, match="none of the 2 images can be used; the first: a cannot be decoded"
        ):
            run(tmp_path / "images", on_error="skip", shard_size=1)
        assert names_in(tmp_path / "out") == []


def test_an_image_that_goes_away_is_named(tmp_path: Path, run: Callable[..., Extraction]) -> None:
    paths = write_pictures(tmp_path / "images", ["a", "b"])
    listed = list_images(tmp_path / "images")
    paths[1].unlink()
    with pytest.raises(UserError, match="b cannot be read: No such file"):
        run(listed)


def test_a_descriptor_that_is_no_number_is_refused(
    tmp_path: Path, run: Callable[..., Extraction], network: GlobalDescriptor
) -> None:
    write_pictures(tmp_path / "images", ["a", "b"])
    weight = network.head.fc.weight.data.clone()
    for factor in (float("nan"), float("inf"), 1e38):
        network.head.fc.weight.data = weight * factor
        with pytest.raises(UserError, match="no descriptor of finite length for a, b"):
            run(tmp_path / "images")
    assert list((tmp_path / "out").glob("*.npy")) == []


def test_goes_on_where_it_was(tmp_path: Path, run: Callable[..., Extraction]) -> None:
    write_pictures(tmp_path / "images", [f"{number}" for number in range(7)])
    run(tmp_path / "images", shard_size=2)
    whole = arrays(tmp_path / "out")
    (tmp_path / "out" / "shard-00001.npy").unlink()
    (tmp_path / "out" / "shard-00002.json").unlink()
    (tmp_path / "out" / "shard-00003.npy").write_bytes(whole["shard-00003.npy"][:-1] + b"?")
    (tmp_path / "out" / ".partial-abc-shard-00001.npy").touch()
    before = (tmp_path / "out" / "shard-00000.npy").stat().st_mtime_ns
    done = run(tmp_path / "images", shard_size=2)
    assert (done.found_done, done.described) == (1, 5)
    assert arrays(tmp_path / "out") == whole
    assert (tmp_path / "out" / "shard-00000.npy").stat().st_mtime_ns == before
    assert not list((tmp_path / "out").glob(".partial-*"))
    assert run(tmp_path / "images", shard_size=2).found_done == 4


def test_interrupted_at_every_write(
    tmp_path: Path, run: Callable[..., Extraction], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a run ends, what it leaves is a part of the whole, and going on completes it to the byte."""
    write_pictures(tmp_path / "images", ["a", "b", "c", "d", "e"])
    run(tmp_path / "images", shard_size=2, out=tmp_path / "whole")
    whole = arrays(tmp_path / "whole")
    writes = 2 * len(whole)
    for last in range(writes):
        out, count = tmp_path / f"after {last}", 0

        def interrupt(handle: int, last: int = last) -> None:
            nonlocal count
            if count == last:
                raise KeyboardInterrupt
            count += 1

        with monkeypatch.context() as patch:
            patch.setattr(files_module.os, "fsync", interrupt)
            with pytest.raises(KeyboardInterrupt):
                run(tmp_path / "images", shard_size=2, out=out)
        assert arrays(out).items() < whole.items()
        assert {path.with_suffix(".npy").name for path in out.glob("*.json")} >= set(arrays(out))
        if arrays(out):
            with pytest.raises(UserError, match="lacks"):
                FeatureStore.open(out)
        run(tmp_path / "images", shard_size=2, out=out)
        assert arrays(out) == whole


OTHER: dict[str, tuple[dict[str, Any], str]] = {
    "checkpoint": ({"made_with": {"checkpoint_sha256": "y"}}, "checkpoint_sha256: 'x', now 'y'"),
    "code": ({"made_with": {"checkpoint_sha256": "x", "code": "new"}}, "code: None, now 'new'"),
    "precision": ({"precision": "float16"}, "precision: 'float32', now 'float16'"),
    "shard size": ({"shard_size": 3}, "shards: 3, now 2"),
}


@pytest.mark.parametrize("what", OTHER)
def test_other_settings_are_refused_or_replace(
    tmp_path: Path, run: Callable[..., Extraction], what: str
) -> None:
    options, message = OTHER[what]
    write_pictures(tmp_path / "images", ["a", "b", "c", "d", "e"])
    run(tmp_path / "images", shard_size=2)
    before = arrays(tmp_path / "out")
    with pytest.raises(UserError, match="was made with other settings") as caught:
        run(tmp_path / "images", **({"shard_size": 2} | options))
    assert message in str(caught.value)
    assert "--replace" in str(caught.value)
    assert arrays(tmp_path / "out") == before
    run(tmp_path / "images", replace=True, **({"shard_size": 2} | options))
    assert FeatureStore.open(tmp_path / "out").ids == ["a", "b", "c", "d", "e"]
    assert run(tmp_path / "images", **({"shard_size": 2} | options)).described == 0


def test_other_images_are_refused_or_replace(tmp_path: Path, run: Callable[..., Extraction]) -> None:
    write_pictures(tmp_path / "images", ["a", "b", "c", "d", "e"])
    run(tmp_path / "images", shard_size=2)
    before = arrays(tmp_path / "out")
    (tmp_path / "images" / "a.png").write_bytes(encoded(picture(77)))
    with pytest.raises(UserError, match="the images"):
        run(tmp_path / "images", shard_size=2)
    write_pictures(tmp_path / "fewer", ["x"])
    with pytest.raises(UserError, match="was made with other settings"):
        run(tmp_path / "fewer", shard_size=2)
    assert arrays(tmp_path / "out") == before, "shards of another extraction were removed unasked"
    run(tmp_path / "fewer", shard_size=2, replace=True)
    assert names_in(tmp_path / "out") == ["shard-00000.json", "shard-00000.npy"]


def test_a_damaged_sidecar_is_refused_or_replaced(tmp_path: Path, run: Callable[..., Extraction]) -> None:
    write_pictures(tmp_path / "images", ["a"])
    run(tmp_path / "images")
    for text in ("{", "[]"):
        (tmp_path / "out" / "shard-00000.json").write_text(text)
        with pytest.raises(UserError, match="its sidecar is damaged"):
            run(tmp_path / "images")
    run(tmp_path / "images", replace=True)
    assert FeatureStore.open(tmp_path / "out").ids == ["a"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float8"}, "unknown precision 'float8': choose from bfloat16, float16, float32"),
        ({"on_error": "ignore"}, "unknown on-error 'ignore': choose from skip, stop"),
        ({"shard_size": 0}, "shard-size is 0"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
    ],
)
def test_wrong_options(
    tmp_path: Path, run: Callable[..., Extraction], options: dict[str, Any], message: str
) -> None:
    write_pictures(tmp_path / "images", ["a"])
    with pytest.raises(UserError, match=message):
        run(tmp_path / "images", **options)
    assert not (tmp_path / "out").exists()


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
