"""Mistakes that would give a wrong number without a word, if the steps let them."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import groundtruth_content, picture, unit_rows

from superglobal_core.data.images import list_images
from superglobal_core.errors import UserError
from superglobal_core.features.extraction import extract
from superglobal_core.features.shards import write_shard
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.networks.settings import preset
from superglobal_core.reranking.methods import make_reranker
from superglobal_core.steps.evaluate import evaluate_step
from superglobal_core.steps.rerank import rerank_step
from superglobal_core.steps.search import search_step

IMAGES, QUERIES = 30, 4


@pytest.fixture
def groundtruth(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    chosen = [np.split(rng.permutation(IMAGES)[:12], 3) for _ in range(QUERIES)]
    labels = [tuple(sorted(map(int, part)) for part in parts) for parts in chosen]
    path = tmp_path / "gnd_test.pkl"
    path.write_bytes(pickle.dumps(groundtruth_content(IMAGES, labels)))  # type: ignore[arg-type]
    return path


@pytest.fixture
def arrays() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return unit_rows(rng, QUERIES, 16), unit_rows(rng, IMAGES, 16), unit_rows(rng, 25, 16)


def save(folder: Path, **named: np.ndarray) -> dict[str, Path]:
    paths = {name: folder / f"{name}.npy" for name in named}
    for name, array in named.items():
        np.save(paths[name], array)
    return paths


def test_distractors_without_names_leave_the_others_theirs(
    tmp_path: Path, groundtruth: Path, arrays: tuple[np.ndarray, ...]
) -> None:
    queries, images, distractors = arrays
    paths = save(tmp_path, queries=queries, images=images, distractors=distractors)
    # The same images in another order, with their names.
    order = np.random.default_rng(2).permutation(IMAGES)
    (tmp_path / "shards").mkdir()
    names = [f"image_{number}" for number in order]
    about = {"shard": 0, "shards": 1, "descriptor": {"kind": "test"}}
    write_shard(tmp_path / "shards" / "shard-00000", names, images[order], about)
    found = {}
    for database in (paths["images"], tmp_path / "shards"):
        for truth in (None, groundtruth):
            out = tmp_path / "out.npz"
            search_step(paths["queries"], [database, paths["distractors"]], 55, out, truth, "cpu")
            found[database, truth] = evaluate_step(groundtruth, tmp_path / "out.json", ranks=out, bootstrap=0)
    values = {tuple(result[name]["map"] for name in ("easy", "medium", "hard")) for result in found.values()}
    assert len(values) == 1


def test_more_queries_than_the_ground_truth_has_are_refused(
    tmp_path: Path, groundtruth: Path, arrays: tuple[np.ndarray, ...]
) -> None:
    queries, images, _ = arrays
    paths = save(tmp_path, queries=np.concatenate([queries, queries]), images=images)
    with pytest.raises(UserError, match="has 8 rows, but the ground truth names 4"):
        search_step(paths["queries"], [paths["images"]], 5, tmp_path / "o.npz", groundtruth, "cpu")


@pytest.mark.parametrize("changed", ["queries", "images"])
def test_a_search_of_other_arrays_is_refused(
    tmp_path: Path, arrays: tuple[np.ndarray, ...], changed: str
) -> None:
    queries, images, _ = arrays
    paths = save(tmp_path, queries=queries, images=images)
    search_step(paths["queries"], [paths["images"]], IMAGES, tmp_path / "first.npz", device="cpu")
    np.save(paths[changed], np.load(paths[changed])[::-1])
    with pytest.raises(UserError, match="search again"):
        rerank_step(
            paths["queries"],
            [paths["images"]],
            make_reranker("superglobal"),
            tmp_path / "second.npz",
            search=tmp_path / "first.npz",
            device="cpu",
        )


def test_another_picture_of_the_same_size_is_another_picture(tmp_path: Path, checkpoint: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.bmp"), picture(0))
    network = load_checkpoint(checkpoint, "mini", preset("superglobal", scales=(1.0,)))
    made_with = {"checkpoint_sha256": "x"}
    extract(list_images(folder), network, tmp_path / "out", made_with=made_with, device="cpu")
    before = (tmp_path / "out" / "shard-00000.npy").read_bytes()
    cv2.imwrite(str(folder / "a.bmp"), picture(1))
    with pytest.raises(UserError, match=r"made with other settings .the images"):
        extract(list_images(folder), network, tmp_path / "out", made_with=made_with, device="cpu")
    extract(list_images(folder), network, tmp_path / "out", made_with=made_with, device="cpu", replace=True)
    assert (tmp_path / "out" / "shard-00000.npy").read_bytes() != before
