"""Images that cannot be used: named, or left out and recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from extraction_inputs import bad_images, names_in
from helpers import write_pictures

from superglobal_core.data.images import list_images
from superglobal_core.errors import UserError
from superglobal_core.features.extraction import Extraction
from superglobal_core.features.store import FeatureStore
from superglobal_core.networks.descriptor import GlobalDescriptor


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
