"""From pictures by local features to an evaluated ranking, on the command line; and what is refused."""

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
    """Pictures, their ground truth, descriptors that know nothing, and local features of each kind but XFeat's."""
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
    for kind, more in (("rootsift", []), ("cvnet-maps", ["--backbone", "mini", "--device", "cpu"])):
        for name in ("queries", "database", "distractors"):
            with pytest.raises(SystemExit) as stopped:
                main([*local(folder, name, folder / f"{kind}-{name}", kind), *more])
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


@pytest.mark.parametrize("junk", ["keep", "remove"])
def test_from_pictures_to_figures(data: Path, tmp_path: Path, run: Run, junk: str) -> None:
    first = tmp_path / "first.npz"
    assert run("search", *descriptors(data), "--k", 12, "--out", first) == ""
    assert min(evaluated(run, data, first).values()) < 0.7
    for name, more in (("reranked", ()), ("from_search", ("--search", first))):
        out = tmp_path / f"{name}.npz"
        fixed = ("--method", "rootsift-magsac", "--junk", junk, "--out", out)
        assert run("rerank", *descriptors(data), *features(data), *fixed, *more) == ""
        assert evaluated(run, data, out) == ALL
        ranking = Ranking.load(out)
        assert np.array_equal(np.sort(ranking.indices, axis=1), [list(range(IMAGES))] * 2)
        best = [set(row[:2].tolist()) for row in ranking.indices]
        if junk == "remove":
            assert best == [{0, 10}, {2, 3}]
        record = json.loads((tmp_path / f"{name}.record.json").read_text())
        assert record["method"] == "rootsift-magsac"
        assert record["parameters"]["shortlist"] == 400
        assert record["parameters"]["model"] == "affine"
        assert record["protocol"]["shortlist"] == {"keep": "raw", "remove": "junk removed"}[junk]


def test_a_shortlist_reaches_no_further(data: Path, tmp_path: Path, run: Run) -> None:
    out, first = tmp_path / "out.npz", tmp_path / "first.npz"
    assert run("search", *descriptors(data), "--k", 12, "--out", first) == ""
    fixed = ("--method", "rootsift-magsac", "--shortlist", 5, "--out", out)
    assert run("rerank", *descriptors(data), *features(data), *fixed) == ""
    before, after = Ranking.load(first).indices, Ranking.load(out).indices
    assert np.array_equal(before[:, 5:], after[:, 5:])
    assert np.array_equal(np.sort(before[:, :5], axis=1), np.sort(after[:, :5], axis=1))


@pytest.fixture(scope="module")
def xfeat(shared: Path) -> Path:
    pytest.importorskip("onnxruntime")
    return shared / "data/weights/xfeat.onnx"


def test_xfeat(data: Path, tmp_path: Path, run: Run, xfeat: Path) -> None:
    for name in ("queries", "database"):
        assert run(*local(data, name, tmp_path / f"xfeat-{name}", "xfeat"), "--weights", xfeat) == ""
    assert LocalStore.open(tmp_path / "xfeat-database").kind == "xfeat"
    out = tmp_path / "out.npz"
    fixed = ("--method", "xfeat-magsac", "--out", out)
    assert run("rerank", *descriptors(data), *features(tmp_path, "xfeat"), *fixed) == ""
    figures = evaluated(run, data, out)
    assert figures["easy"] == 1.0
    # The other view is turned by a third of a radian, more than XFeat bears on so smooth a picture.
    assert figures["medium"] > 0.8


def test_maps(data: Path, tmp_path: Path, run: Run) -> None:
    stored = LocalStore.open(data / "cvnet-maps-database")
    assert (stored.kind, stored[0]["map"].shape, stored[0]["map"].dtype) == (
        "cvnet-maps", (256, 10, 12), np.float16,
    )  # fmt: skip
    out = tmp_path / "out.npz"
    common = ("rerank", *descriptors(data), *features(data, "cvnet-maps"), "--method", "cvnet-rerank")
    network = ("--backbone", "mini", "--out", out)
    assert "no figures without its weights" in run(*common, *network)
    assert not list(tmp_path.iterdir())
    assert run(*common, *network, "--untrained") == ""
    record = json.loads((tmp_path / "out.record.json").read_text())
    assert record["parameters"]["missing"] == "weights"


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


REFUSED: dict[str, tuple[tuple[object, ...], str]] = {
    "no features": ((), "extract them with `superglobal local --kind rootsift`"),
    "only of the queries": (("--local-queries", "rootsift-queries"), "name the folders with"),
    "an absent folder": (
        ("--local-queries", "rootsift-queries", "--local-database", "absent"),
        "absent does not exist",
    ),
    "another kind": (
        ("--local-queries", "rootsift-queries", "--local-database", "cvnet-maps-database"),
        "cvnet-maps-database holds cvnet-maps features, but rootsift-magsac needs rootsift",
    ),
    "other images": (
        ("--local-queries", "rootsift-queries", "--local-database", "rootsift-distractors"),
        "lack 12 of 12 images, the first image_0",
    ),
    "folders exchanged": (
        ("--local-queries", "rootsift-database", "--local-database", "rootsift-queries"),
        "lack 2 of 2 queries, the first query_0",
    ),
}  # fmt: skip
GOOD = ("--local-queries", "rootsift-queries", "--local-database", "rootsift-database")
REFUSED |= {
    "unknown junk": ((*GOOD, "--junk", "perhaps"), "unknown junk 'perhaps': choose from keep, remove"),
    "no candidates": ((*GOOD, "--shortlist", 0), "--shortlist is 0: at least 1 is needed"),
    "foreign parameter": ((*GOOD, "--beta", 0.5), "has no parameter 'beta'"),
    "text for a number": ((*GOOD, "--set", "threshold=wide"), "threshold is wide: it must be a number"),
    "number for text": ((*GOOD, "--set", "model=3"), "unknown model '3'"),
    "a part of a whole": ((*GOOD, "--set", "iterations=2.5"), "iterations is 2.5: it must be a whole"),
    "no weights": ((*GOOD, "--method", "rrt"), "rrt has no figures without its weights"),
    "absent weights": ((*GOOD, "--method", "rrt", "--weights", "absent.pt"), "absent.pt"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_reranking_refuses(
    case: str, data: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data)
    more, sentence = REFUSED[case]
    fixed = ("--method", "rootsift-magsac", "--out", tmp_path / "out.npz")
    assert sentence in run("rerank", *descriptors(data), *fixed, *more)
    assert not list(tmp_path.iterdir())


def test_junk_needs_a_ground_truth(data: Path, tmp_path: Path, run: Run) -> None:
    fixed = ("--method", "rootsift-magsac", "--junk", "remove", "--out", tmp_path / "out.npz")
    said = run("rerank", *descriptors(data, truth=False), *features(data), *fixed)
    assert "--junk remove needs the --groundtruth" in said
    assert not list(tmp_path.iterdir())


EXTRACTION_REFUSED: dict[str, tuple[tuple[object, ...], str]] = {
    "unknown kind": (("--kind", "rootsif"), "did you mean 'rootsift'"),
    "no XFeat": (("--kind", "xfeat"), "xfeat needs --weights"),
    "absent XFeat": (("--kind", "xfeat", "--weights", "absent.onnx"), "there is no network absent.onnx"),
    "no checkpoint": (("--kind", "cvnet-maps"), "cvnet-maps of resnet50 need a --checkpoint"),
    "absent checkpoint": (("--kind", "cvnet-maps", "--checkpoint", "absent.pt"), "absent.pt"),
    "unknown precision": (
        ("--kind", "cvnet-maps", "--backbone", "mini", "--precision", "half"),
        "unknown precision 'half'",
    ),
    "empty shards": (("--kind", "rootsift", "--shard-size", 0), "shard-size is 0"),
    "absent boxes": (("--kind", "rootsift", "--boxes", "absent.json"), "absent.json"),
    "unknown rounding": (("--kind", "rootsift", "--crop-rounding", "up"), "unknown crop-rounding 'up'"),
}


@pytest.mark.parametrize("case", EXTRACTION_REFUSED)
def test_extraction_refuses(case: str, data: Path, tmp_path: Path, run: Run) -> None:
    if "XFeat" in case:
        pytest.importorskip("onnxruntime")
    more, sentence = EXTRACTION_REFUSED[case]
    assert sentence in run("local", "--images", data / "queries", "--out", tmp_path / "out", *more)
    assert not list(tmp_path.iterdir())


def test_a_damaged_picture_is_named(data: Path, tmp_path: Path, run: Run) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / "good.png").write_bytes((data / "queries/query_0.png").read_bytes())
    (images / "bad.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    command = ("local", "--images", images, "--out", out, "--kind", "rootsift")
    assert "bad" in run(*command)
    assert not list(out.glob("shard-*"))
    assert run(*command, "--on-error", "skip") == ""
    store = LocalStore.open(out)
    assert (store.ids, store.skipped) == (["good"], ["bad"])
