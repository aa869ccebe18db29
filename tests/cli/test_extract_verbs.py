"""The command line: extract and extract-variants."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from helpers import Run, encoded, picture, write_pictures

from superglobal_core.config import Extract
from superglobal_core.features.store import FeatureStore


def test_extract_with_all_its_options(tmp_path: Path, checkpoint: Path, run: Run) -> None:
    write_pictures(tmp_path / "images", ["a", "b", "c"], height=110, width=130)
    (tmp_path / "boxes.txt").write_text("a 0 0 100 100\nb 5 5 120 105\nc 0 0 130 110\n")
    out = tmp_path / "out"
    done = run(
        *("extract", "--images", tmp_path / "images", "--checkpoint", checkpoint, "--backbone", "mini"),
        *("--preset", "superglobal", "--scales", "1,1.4142", "--no-gem-plus", "--no-regional-gem"),
        *("--no-scale-gem", "--relup", "official-off", "--no-antialias", "--boxes", tmp_path / "boxes.txt"),
        *("--gem-plus-p", "3", "--regional-p", "2", "--relup-alpha", "0.02", "--no-inner-normalisation"),
        *(
            "--precision",
            "float16",
            "--device",
            "cpu",
            "--shard-size",
            "2",
            "--on-error",
            "skip",
            "--out",
            out,
        ),
    )
    assert (done.code, done.err) == (0, "")
    assert "3 images described" in done.out
    store = FeatureStore.open(out)
    assert (store.ids, store.shape, store.dtype) == (["a", "b", "c"], (3, 256), np.float16)
    assert store.descriptor is not None
    wanted = {
        "scales": [1.0, 1.4142],
        "gem_plus": False,
        "regional_gem": False,
        "scale_pooling": "mean",
        "relup": "official-off",
        "antialias": False,
        "gem_plus_p": 3.0,
        "regional_p": 2.0,
        "relup_alpha": 0.02,
        "inner_normalisation": False,
        "precision": "float16",
    }
    assert store.descriptor.items() >= wanted.items()
    assert json.loads((out / "record.json").read_text())["protocol"]["query_crop"] is True


def test_every_switch_of_a_suite_is_an_option_of_extract(run: Run) -> None:
    """The workflow passes them on by name."""
    said = run("extract", "--help").out
    for name, field in Extract.model_fields.items():
        if name not in ("download", "query_crop"):
            option = "--" + name.replace("_", "-")
            assert re.search(rf"{option}\b", said), option
            if "bool" in str(field.annotation):
                assert f"--no-{option[2:]}" in said


def test_extract_variants(tmp_path: Path, checkpoint: Path, run: Run) -> None:
    write_pictures(tmp_path / "images", ["a", "b"])
    (tmp_path / "variants.json").write_text('{"plain": {"gem_plus": false}, "p3": {"gem_plus_p": 3}}')
    done = run(
        *(
            "extract-variants",
            "--images",
            tmp_path / "images",
            "--checkpoint",
            checkpoint,
            "--backbone",
            "mini",
        ),
        *("--variants", tmp_path / "variants.json", "--preset", "cvnet", "--precision", "float16"),
        *("--device", "cpu", "--colour", "rgb", "--no-exif", "--out", tmp_path / "out"),
    )
    assert (done.code, done.err, done.out.count("2 images described")) == (0, "", 2)
    for name, pooling in (("plain", (False, 4.6)), ("p3", (False, 3.0))):
        descriptor = json.loads((tmp_path / "out" / name / "record.json").read_text())["descriptor"]
        assert (descriptor["gem_plus"], descriptor["gem_plus_p"]) == pooling
        assert (descriptor["scale_pooling"], descriptor["precision"]) == ("mean-of-normalised", "float16")
        assert (descriptor["colour"], descriptor["exif"]) == ("rgb", "ignored")


def test_extract_names_every_unusable_image_in_one_line(tmp_path: Path, checkpoint: Path) -> None:
    """In a real process: decoders, too, write to its stderr."""
    folder = tmp_path / "images"
    write_pictures(folder, ["good"])
    (folder / "text.jpg").write_text("no image")
    (folder / "tiny.png").write_bytes(encoded(picture(0, 50, 50)))
    (folder / "cut.jpg").write_bytes(encoded(picture(0), ".jpg")[:-50])
    (folder / "cut.png").write_bytes(encoded(picture(0))[:-50])
    (folder / "cut_bmp.bmp").write_bytes(encoded(picture(0), ".bmp")[:-50])
    (folder / "cut_tiff.tiff").write_bytes(encoded(picture(0), ".tiff")[:-50])
    flipped = bytearray(encoded(picture(0)))
    flipped[len(flipped) // 2] ^= 1
    (folder / "flipped.png").write_bytes(flipped)
    (folder / "cut.png").rename(folder / "cut_png.png")
    arguments = [
        "--images",
        folder,
        "--checkpoint",
        checkpoint,
        "--backbone",
        "mini",
        "--out",
        tmp_path / "out",
    ]
    base = [sys.executable, "-m", "superglobal_core", "extract", *map(str, arguments)]
    done = subprocess.run(base, capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("superglobal: 7 of 8 images cannot be used: ")
    for name in ("text", "tiny", "cut", "cut_png", "cut_bmp", "cut_tiff", "flipped"):
        assert f" {name} " in done.stderr
    assert not (tmp_path / "out").exists()


def test_extract_leaves_out_and_says_so(tmp_path: Path, checkpoint: Path, run: Run) -> None:
    write_pictures(tmp_path / "images", ["good"])
    (tmp_path / "images" / "text.jpg").write_text("no image")
    options = (
        "--images",
        tmp_path / "images",
        "--checkpoint",
        checkpoint,
        "--backbone",
        "mini",
        "--device",
        "cpu",
    )
    for _ in range(2):
        done = run("extract", *options, "--on-error", "skip", "--out", tmp_path / "out")
        assert (done.code, done.err) == (0, "left out: text cannot be decoded\n")
        assert FeatureStore.open(tmp_path / "out").ids == ["good"]
