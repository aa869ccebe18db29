"""The switches of reading images change descriptors, keep them apart, and are in every result."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import write_pictures

from superglobal_core.cli import main
from superglobal_core.features.store import FeatureStore


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command line; return what it says when it fails, nothing when it does not."""

    def run(*arguments: object) -> str:
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr().err
        assert (stopped.value.code == 0) != said.startswith("superglobal: ") or "note:" in said, said
        return said if stopped.value.code else ""

    return run


@pytest.fixture
def data(tmp_path: Path, write_groundtruth: Callable[..., Path]) -> Path:
    write_pictures(tmp_path / "database", [f"image_{number}" for number in range(4)], height=96, width=104)
    write_pictures(tmp_path / "queries", ["query_0"], height=96, width=104)
    write_groundtruth(4, [([0], [1], [2])])
    return tmp_path


def extract(data: Path, split: str, out: str, checkpoint: Path, *more: object) -> tuple[object, ...]:
    fixed = ("--backbone", "mini", "--checkpoint", checkpoint, "--scales", "1", "--device", "cpu")
    return ("extract", "--images", data / split, "--out", data / out, *fixed, *more)


def first_row(folder: Path) -> np.ndarray:
    return FeatureStore.open(folder).all_rows()[0]


def test_colour_resize_and_rounding_change_the_descriptor(
    data: Path, checkpoint: Path, run: Callable[..., str]
) -> None:
    boxes = data / "boxes.json"
    boxes.write_text(json.dumps({"query_0": [1.7, 1.7, 95.7, 90.7]}))
    variants: dict[str, tuple[object, ...]] = {
        "plain": ("--boxes", boxes),
        "rgb": ("--boxes", boxes, "--colour", "rgb"),
        "round": ("--boxes", boxes, "--crop-rounding", "round"),
        "whole": (),
        "smaller": ("--boxes", boxes, "--scales", "0.8"),
        "8-bit": ("--boxes", boxes, "--scales", "0.8", "--resize", "8-bit-image"),
    }
    rows = {}
    for name, more in variants.items():
        assert not run(*extract(data, "queries", name, checkpoint, *more))
        rows[name] = first_row(data / name)
    for one, other in (("plain", "rgb"), ("plain", "round"), ("plain", "whole"), ("smaller", "8-bit")):
        assert np.abs(rows[one] - rows[other]).max() > 1e-4, (one, other)


def test_descriptors_of_other_switches_are_not_mixed(
    data: Path, checkpoint: Path, run: Callable[..., str]
) -> None:
    assert not run(*extract(data, "database", "out", checkpoint))
    said = run(*extract(data, "database", "out", checkpoint, "--no-exif"))
    assert "made with other settings" in said
    assert "exif" in said
    assert not run(*extract(data, "queries", "queries-rgb", checkpoint, "--colour", "rgb"))
    search = ("--database", data / "out", "--k", "3", "--out", data / "s.npz")
    assert "colour" in run("search", "--queries", data / "queries-rgb", *search)
    assert "choose from bgr, rgb" in run(*extract(data, "queries", "x", checkpoint, "--colour", "grey"))


@pytest.mark.parametrize("cropped", [True, False])
def test_every_result_of_the_chain_carries_the_switches(
    data: Path, checkpoint: Path, run: Callable[..., str], cropped: bool
) -> None:
    truth = data / "gnd_small.pkl"
    assert not run(*extract(data, "database", "db", checkpoint, "--crop-rounding", "round"))
    crop = ("--boxes", truth) if cropped else ()
    assert not run(*extract(data, "queries", "q", checkpoint, "--crop-rounding", "round", *crop))
    inputs = ("--queries", data / "q", "--database", data / "db", "--groundtruth", truth)
    assert not run("search", *inputs, "--k", "4", "--out", data / "topk.npz")
    rerank = ("--method", "superglobal", "--shortlist", "3", "--search", data / "topk.npz")
    assert not run("rerank", *inputs, *rerank, "--out", data / "reranked.npz")
    evaluate = ("--ranks", data / "reranked.npz", "--bootstrap", "0", "--out", data / "ap.json")
    assert not run("evaluate", "--groundtruth", truth, *evaluate)
    expected = {"query_crop": cropped, "crop_rounding": "round", "colour": "bgr", "exif": "applied"}
    expected["resize"] = "float-tensor"
    records = [json.loads((data / name).read_text()) for name in ("topk.record.json", "reranked.record.json")]
    records += [
        json.loads((data / "ap.json").read_text())["record"],
        json.loads((data / "q/record.json").read_text()),
    ]
    for record in records:
        assert expected.items() <= record["protocol"].items(), record["step"]
