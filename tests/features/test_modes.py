"""The modes of extraction: `exact` equals the plain network, `fast` is near it and says how near."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import picture, write_pictures

from superglobal_core.data.images import list_images
from superglobal_core.devices import full_float32
from superglobal_core.errors import UserError
from superglobal_core.features import self_check as checking
from superglobal_core.features.extraction import Extraction, extract
from superglobal_core.features.preprocessing import scaled_inputs
from superglobal_core.features.store import FeatureStore
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.networks.settings import preset
from superglobal_core.networks.shipped import MINI_CHECKPOINT
from superglobal_core.steps.extract import extract_step, is_extracted

# Folding and batches are other orders of rounding.
EXACT_TOLERANCE = 1e-5
CPU = torch.device("cpu")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "images", [f"{number:02}" for number in range(20)])
    return tmp_path / "images"


def run(images: Path, out: Path, **options: Any) -> Extraction:
    network = load_checkpoint(MINI_CHECKPOINT, "mini")
    return extract(list_images(images), network, out, made_with={}, device="cpu", **options)


def test_exact_is_the_plain_network(images: Path, tmp_path: Path) -> None:
    done = run(images, tmp_path / "out")
    assert done.self_check is None
    network = load_checkpoint(MINI_CHECKPOINT, "mini")
    with torch.inference_mode():
        plain = torch.cat(
            [network(scaled_inputs(picture(n)[None], network.settings, CPU)) for n in range(20)]
        )
    store = FeatureStore.open(tmp_path / "out")
    assert store.dtype == np.float32
    assert np.abs(store.all_rows() - plain.numpy()).max() < EXACT_TOLERANCE


def test_fast_is_near_exact_and_says_how_near(images: Path, tmp_path: Path) -> None:
    run(images, tmp_path / "exact")
    done = run(images, tmp_path / "fast", mode="fast")
    exact, fast = (FeatureStore.open(tmp_path / name) for name in ("exact", "fast"))
    assert fast.dtype == np.float16
    assert fast.descriptor is not None
    assert (fast.descriptor["mode"], fast.descriptor["precision"]) == ("fast", "bfloat16")
    rows = zip(exact.all_rows(), fast.all_rows(), strict=True)
    distances = [checking.cosine_distance(one, other) for one, other in rows]
    check = done.self_check
    assert check is not None
    assert (check["images"], check["bound"]) == (16, 1e-3)
    assert 0 < check["mean"] < check["largest"] < 1e-3
    # What the sample promised, within what a batch does to the last bits of bfloat16.
    assert max(distances) < 2 * check["largest"]
    assert run(images, tmp_path / "again", mode="fast").self_check == check


def test_a_resumed_run_compares_the_mode(images: Path, tmp_path: Path) -> None:
    run(images, tmp_path / "out", mode="fast", precision="float32")
    with pytest.raises(UserError, match="mode: 'fast', now 'exact'"):
        run(images, tmp_path / "out")
    again = run(images, tmp_path / "out", mode="fast", precision="float32")
    assert (again.found_done, again.described) == (1, 0)
    assert again.self_check is not None
    assert again.self_check["largest"] < 1e-12
    assert run(images, tmp_path / "out", replace=True).described == 20


@pytest.mark.parametrize("fault", [0.1, float("nan")])
def test_too_far_from_exact_stops_before_any_shard(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: float
) -> None:
    """A fault of half precision alone, as of a processor that multiplies wrongly."""
    plain = torch.nn.Conv2d.forward

    def faulty(self: torch.nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        found = plain(self, x)
        return found + fault * found.roll(1, 1) if x.dtype == torch.bfloat16 else found

    monkeypatch.setattr(torch.nn.Conv2d, "forward", faulty)
    step = {"backbone": "mini", "settings": preset("superglobal"), "device": "cpu"}
    with pytest.raises(UserError, match=r"--mode fast moves the descriptor of \d\d by .*at most 0\.001"):
        extract_step(images, tmp_path / "out", mode="fast", **step)  # type: ignore[arg-type]
    assert not list((tmp_path / "out").glob("*"))
    extract_step(images, tmp_path / "out", **step)  # type: ignore[arg-type]


def test_the_record_tells_mode_precision_and_check(images: Path, tmp_path: Path) -> None:
    (images / "bad.jpg").write_text("no image")
    settings = preset("superglobal", scales=(1.0,))
    step = {"backbone": "mini", "settings": settings, "device": "cpu", "on_error": "skip", "mode": "fast"}
    extract_step(images, tmp_path / "out", **step)  # type: ignore[arg-type]
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert (record["descriptor"]["mode"], record["descriptor"]["precision"]) == ("fast", "bfloat16")
    check = record["parameters"]["self_check"]
    assert sorted(check) == ["bound", "furthest", "images", "largest", "mean"]
    assert check["images"] == 16
    assert record["parameters"]["memory"] == {"halvings": 0, "most_batch_pixels": None}
    from superglobal_core.data.reading import Reading

    for mode, precision, same in (("fast", None, True), ("fast", "bfloat16", True), ("exact", None, False)):
        found = is_extracted(tmp_path / "out", "mini", settings, Reading(), None, mode, precision)  # type: ignore[arg-type]
        assert found is same


class Fixed:
    """A way to describe whose descriptors are turned by an angle (radians)."""

    poolings: Sequence[object] = ("one", "two")

    def __init__(self, angle: float) -> None:
        self.angle, self.seen = angle, list[str]()

    def load(self, file: Any, box: Any) -> np.ndarray:
        return np.zeros((1, 1, 3), np.uint8)

    def describe_one(self, image: np.ndarray, name: str) -> list[np.ndarray]:
        self.seen.append(name)
        return [np.array([1.0, 0.0]), np.array([np.cos(self.angle), np.sin(self.angle)])]


def test_the_sample_is_seeded_and_the_distance_is_the_cosine_s(images: Path) -> None:
    files = list_images(images)
    ways = Fixed(0.0), Fixed(0.04)
    first, second = checking.self_check(files, None, *ways)
    assert first["largest"] == 0
    assert second["largest"] == pytest.approx(1 - np.cos(0.04), rel=1e-9)
    assert len(set(ways[0].seen)) == 16
    assert ways[0].seen == ways[1].seen
    with pytest.raises(UserError, match=r"cosine distance of 0\.005 "):
        checking.self_check(files, None, Fixed(0.0), Fixed(0.1))
    assert [check["images"] for check in checking.self_check(files[:3], None, *ways)] == [3, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "faster"}, "unknown mode 'faster': choose from exact, fast"),
        ({"mode": "fast", "precision": "int8"}, "unknown precision 'int8'"),
    ],
)
def test_wrong_options(images: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(images, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_tf32_is_off_within_and_as_it_was_after() -> None:
    cudnn = torch.backends.cudnn
    before = cudnn.allow_tf32
    with full_float32():
        assert not cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
    assert cudnn.allow_tf32 is before
