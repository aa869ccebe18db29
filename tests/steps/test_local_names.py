"""Local features and descriptors find each other by the images' names, whatever order they lie in."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import encoded, groundtruth_content, picture, unit_rows

from superglobal_core.cli import main
from superglobal_core.features.local_store import LocalStore
from superglobal_core.search.rankings import Ranking

# (easy, hard, junk): each query's place is on four pictures, the last of them junk.
LABELS = [([0], [10], [4]), ([2], [3], [5])]
IMAGES, DISTRACTORS = 12, 3
PLACES = {0: 50, 10: 50, 4: 50, 2: 51, 3: 51, 5: 51}

Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line; return its one line of complaint, nothing where it did its work."""

    def run(*arguments: object) -> str:
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr().err
        if stopped.value.code == 0:
            return ""
        assert stopped.value.code == 2
        assert said.startswith("superglobal: ")
        assert said.count("\n") == 1
        return said

    return run


def view(place: int, number: int) -> np.ndarray:
    """A picture of a place from somewhere else."""
    angle, shift = 0.03 * number, 3.0 * number
    matrix = np.array([[np.cos(angle), np.sin(angle), shift], [-np.sin(angle), np.cos(angle), -shift]])
    return cv2.warpAffine(picture(place, 160, 192), matrix, (192, 160), borderMode=cv2.BORDER_REFLECT)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, their ground truth, descriptors that know nothing, and RootSIFT."""
    folder = tmp_path_factory.mktemp("local")
    for name in ("queries", "database", "distractors"):
        (folder / name).mkdir()
    for number in range(2):
        (folder / f"queries/query_{number}.png").write_bytes(encoded(view(50 + number, 0)))
    for row in range(IMAGES):
        image = view(PLACES.get(row, row), 1 + row)
        (folder / f"database/image_{row}.png").write_bytes(encoded(image))
    for row in range(DISTRACTORS):
        (folder / f"distractors/far_{row}.png").write_bytes(encoded(picture(90 + row, 160, 192)))
    (folder / "gnd_small.pkl").write_bytes(pickle.dumps(groundtruth_content(IMAGES, LABELS)))
    rng = np.random.default_rng(0)
    for name, rows in (("queries", 2), ("database", IMAGES), ("distractors", DISTRACTORS)):
        np.save(folder / f"{name}.npy", unit_rows(rng, rows, 16))
    for name in ("queries", "database", "distractors"):
        with pytest.raises(SystemExit) as stopped:
            main(local(folder, name, folder / f"rootsift-{name}", "rootsift"))
        assert stopped.value.code == 0
    return folder


def local(data: Path, split: str, out: Path, kind: str) -> list[str]:
    return ["local", "--images", str(data / split), "--out", str(out), "--kind", kind]


def descriptors(data: Path, *, truth: bool = True) -> list[object]:
    found: list[object] = ["--queries", data / "queries.npy", "--database", data / "database.npy"]
    return [*found, *(["--groundtruth", data / "gnd_small.pkl"] if truth else []), "--device", "cpu"]


def features(data: Path, kind: str = "rootsift", database: Sequence[Path] = ()) -> list[object]:
    folders = database or [data / f"{kind}-database"]
    given = [part for folder in folders for part in ("--local-database", folder)]
    return ["--local-queries", data / f"{kind}-queries", *given]


def evaluated(run: Run, data: Path, ranking: Path) -> dict[str, float]:
    out = ranking.with_suffix(".json")
    assert run("evaluate", "--groundtruth", data / "gnd_small.pkl", "--ranks", ranking, "--out", out) == ""
    content = json.loads(out.read_text())
    return {protocol: content[protocol]["map"] for protocol in ("easy", "medium", "hard")}


ALL = {"easy": 1.0, "medium": 1.0, "hard": 1.0}


def shuffled(data: Path, folder: Path, run: Run) -> Path:
    """RootSIFT of the same pictures, listed in another order."""
    order = np.random.default_rng(3).permutation(IMAGES)
    listed = folder / "listed.txt"
    listed.write_text("".join(f"{data / 'database' / f'image_{row}.png'}\n" for row in order))
    out = folder / "rootsift-shuffled"
    assert run("local", "--images", listed, "--out", out, "--kind", "rootsift", "--shard-size", 5) == ""
    assert LocalStore.open(out).ids == [f"image_{row}" for row in order]
    return out


@pytest.mark.parametrize("distractors", [False, True])
def test_features_in_another_order_give_the_same_ranking(
    data: Path, tmp_path: Path, run: Run, distractors: bool
) -> None:
    more = [data / "rootsift-distractors"] if distractors else []
    named = ["--database", data / "distractors.npy"] if distractors else []
    found = []
    for number, folder in enumerate((data / "rootsift-database", shuffled(data, tmp_path, run))):
        out = tmp_path / f"out{number}.npz"
        given = (*descriptors(data), *named, *features(data, database=[folder, *more]))
        assert run("rerank", *given, "--method", "rootsift-magsac", "--out", out) == ""
        assert evaluated(run, data, out) == ALL
        found.append(Ranking.load(out))
    assert found[0].indices.shape == (2, IMAGES + DISTRACTORS * distractors)
    assert np.array_equal(found[0].indices, found[1].indices)
    assert np.array_equal(found[0].scores, found[1].scores)
