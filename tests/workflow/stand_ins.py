"""Miniature stand-ins of everything that the suite `paper` downloads, in the true layout and names."""

from __future__ import annotations

import importlib.util
import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import torch
import yaml
from tarballs import tarball

from superglobal_core.data.catalogue import load_catalogue
from superglobal_core.data.groundtruth import load_groundtruth

QUERIES = (0, 30, 60)
# Ground truth names no corrupt image: the archives hold some more.
CORRUPT = ("paris_louvre_000136", "paris_triomphe_000867")
PARTS = 3
AN_ARCHIVE = 4
ABSENT = ("jpg/1/ffffffffffffffffffffffffffffffff.jpg", "jpg/3/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee.jpg")


def jpeg(seed: int) -> bytes:
    """A small photograph's stand-in."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 10, 3), dtype=np.uint8)
    done, data = cv2.imencode(".jpg", cv2.resize(coarse, (112, 100), interpolation=cv2.INTER_CUBIC))
    assert done
    return data.tobytes()


def small_groundtruth(path: Path) -> dict[str, object]:
    """Some queries of the real ground truth with a few of their labelled images, under their real names."""
    truth = load_groundtruth(path)
    chosen: list[int] = []
    kept = [
        {
            label: [int(image) for image in getattr(truth.queries[query], label)[:count]]
            for label, count in (("easy", 2), ("hard", 1), ("junk", 1))
        }
        for query in QUERIES
    ]
    for labels in kept:
        chosen += [image for images in labels.values() for image in images if image not in chosen]
    place = {image: number for number, image in enumerate(chosen)}
    gnd = [
        {label: [place[image] for image in images] for label, images in labels.items()}
        | {"bbx": [3.7, 2.2, 108.6, 98.9]}
        for labels in kept
    ]
    return {
        "imlist": [truth.image_names[image] for image in chosen],
        "qimlist": [truth.query_names[query] for query in QUERIES],
        "gnd": gnd,
    }


def checkpoint(network: Path, layout: str) -> bytes:
    """A checkpoint of the true layout with weights that are the same on every machine."""
    spec = importlib.util.spec_from_file_location("weights_recipe", network / "weights_recipe.py")
    assert spec is not None
    assert spec.loader is not None
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    shapes = json.loads((network / f"checkpoint_layout_{layout}.json").read_text())
    empty = {name: torch.empty(shape, dtype=getattr(torch, dtype)) for name, (dtype, shape) in shapes.items()}
    stream = io.BytesIO()
    torch.save({"epoch": 0, "model_state": recipe.fill(empty)}, stream)
    return stream.getvalue()


def distractor_names() -> dict[int, list[str]]:
    """The members of each archive of distractors."""
    return {
        part: [f"{part}/{part:02d}{number:02d}{'0' * 28}.jpg" for number in range(AN_ARCHIVE)]
        for part in range(1, PARTS + 1)
    }


def files_of(shared: Path) -> dict[str, bytes]:
    """Return every file by its name in the catalogue."""
    files: dict[str, bytes] = {}
    members: dict[str, dict[str, bytes]] = {}
    for number, name in enumerate(("roxford5k", "rparis6k")):
        truth = small_groundtruth(shared / f"data/groundtruth/gnd_{name}.pkl")
        files[f"gnd_{name}.pkl"] = pickle.dumps(truth)
        names = [*truth["imlist"], *truth["qimlist"]]  # type: ignore[misc]
        members[name] = {image: jpeg(1000 * number + seed) for seed, image in enumerate(names)}
    files["oxbuild_images-v1.tgz"] = tarball(
        {f"{name}.jpg": data for name, data in members["roxford5k"].items()}
    )
    paris = [(f"paris/{name.split('_')[1]}/{name}.jpg", data) for name, data in members["rparis6k"].items()]
    paris += [(f"paris/{name.split('_')[1]}/{name}.jpg", jpeg(5)[:700]) for name in CORRUPT]
    files["paris_1-v1.tgz"], files["paris_2-v1.tgz"] = tarball(dict(paris[::2])), tarball(dict(paris[1::2]))
    for part, names in distractor_names().items():
        images = {name: jpeg(100 * part + seed) for seed, name in enumerate(names)}
        if part == 2:
            images[names[1]] = images[names[1]][:600]
        files[f"revisitop1m.{part}.tar.gz"] = tarball(images)
    listed = [f"jpg/{name}" for names in distractor_names().values() for name in names]
    files["revisitop1m.txt"] = "".join(f"{name}\n" for name in [*listed, *ABSENT]).encode()
    for layout in ("r50", "r101"):
        files[f"CVPR2022_CVNet_{layout.upper()}.pyth"] = checkpoint(shared / "golden/network", layout)
    return files


def address(base: str, url: str) -> str:
    """The stand-in of an address: the same host and path below `base`."""
    parts = urlsplit(url)
    return f"{base}/{parts.netloc}{parts.path}"


def catalogue(base: str, files: Mapping[str, bytes]) -> str:
    """The catalogue of the package, its addresses on another server, its sizes those of the stand-ins."""
    entries = {}
    for name, entry in load_catalogue().items():
        content = entry.model_dump(mode="json", exclude={"name"}, exclude_none=True)
        for file in content["files"]:
            file.pop("sha256", None)
            file.pop("images", None)
            file["urls"] = [address(base, url) for url in file["urls"]]
            if file["name"] in files:
                file["about_bytes"] = len(files[file["name"]])
                file.pop("bytes", None)
        if "parts" in content:
            content["parts"]["count"] = PARTS
            content["parts"]["urls"] = [address(base, url) for url in content["parts"]["urls"]]
            content["parts"]["about_bytes"] = 10_000
            content["images"] = PARTS * AN_ARCHIVE + len(ABSENT)
        entries[name] = content
    return yaml.safe_dump(entries)


def served(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what the stand-in server holds: path to content, at every address of the catalogue."""
    paths = {}
    for entry in load_catalogue().values():
        numbered = [entry.part(part) for part in range(1, PARTS + 1)] if entry.parts else []
        for file in (*entry.files, *numbered):
            if file.name in files:
                paths |= {address("", url)[1:]: files[file.name] for url in file.urls}
    return paths
