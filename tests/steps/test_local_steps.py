"""Local features through the command line: from pictures to an evaluated ranking, and every mistake on the way."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from helpers import Run, encoded, picture, write_pictures

from superglobal_core.features.local_store import LocalStore
from superglobal_core.search.rankings import Ranking

HEIGHT, WIDTH = 150, 180
# Named so that the order of names is not that of the ground truth.
QUERIES = ("tower", "gate", "arch")
VIEWS = 4


def view(landmark: int, number: int) -> np.ndarray:
    """A landmark's picture, moved a little further with every number."""
    whole = picture(landmark, HEIGHT + 10 * VIEWS, WIDTH + 10 * VIEWS)
    return np.ascontiguousarray(whole[8 * number :, 6 * number :][:HEIGHT, :WIDTH])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three landmarks, each with a query, two easy, a hard and a junk picture, and one of nothing."""
    folder = tmp_path_factory.mktemp("landmarks")
    images, entries = [], []
    for split in ("queries", "database"):
        (folder / split).mkdir()
    for landmark, name in enumerate(QUERIES):
        (folder / "queries" / f"{name}.png").write_bytes(encoded(view(landmark, 0)))
        mine = []
        for number in range(1, VIEWS + 1):
            mine.append(len(images))
            images.append(f"{9 - landmark}_{number}")
            (folder / "database" / f"{images[-1]}.png").write_bytes(encoded(view(landmark, number)))
        box = [0, 0, WIDTH - 20, HEIGHT - 10]
        entries.append({"bbx": box, "easy": mine[:2], "hard": mine[2:3], "junk": mine[3:]})
    blank = np.full((HEIGHT, WIDTH, 3), 99, np.uint8)
    (folder / "database" / "blank.png").write_bytes(encoded(blank))
    images.append("blank")
    content = {"imlist": images, "qimlist": list(QUERIES), "gnd": entries}
    (folder / "gnd.pkl").write_bytes(pickle.dumps(content))
    return folder


@pytest.fixture(scope="module")
def described(data: Path) -> Path:
    """The pictures' global descriptors, random ones that know nothing."""
    from superglobal_core.features.shards import write_shard

    rng = np.random.default_rng(5)
    for split in ("queries", "database"):
        names = sorted(path.stem for path in (data / split).iterdir())
        rows = rng.standard_normal((len(names), 16), dtype=np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        (data / "global" / split).mkdir(parents=True)
        about = {"shard": 0, "shards": 1, "descriptor": {"kind": "test"}}
        write_shard(data / "global" / split / "shard-00000", names, rows, about)
    return data


def local(run: Run, data: Path, out: Path, kind: str = "rootsift", *more: object) -> None:
    """Extract the local features of both splits."""
    for split in ("queries", "database"):
        boxes = ("--boxes", data / "gnd.pkl") if split == "queries" else ()
        done = run("local", "--images", data / split, "--kind", kind, "--out", out / split, *boxes, *more)
        assert done.code == 0, done.err
        assert "images described" in done.out


def rerank(
    data: Path, features: Path, out: Path, method: str = "rootsift-magsac", *more: object
) -> list[object]:
    return [
        "rerank",
        "--queries",
        data / "global/queries",
        "--database",
        data / "global/database",
        "--method",
        method,
        "--local-queries",
        features / "queries",
        "--local-database",
        features / "database",
        "--groundtruth",
        data / "gnd.pkl",
        "--device",
        "cpu",
        "--out",
        out,
        *more,
    ]


def figures(run: Run, data: Path, ranks: Path) -> dict[str, float]:
    out = ranks.with_suffix(".json")
    done = run(
        "evaluate", "--groundtruth", data / "gnd.pkl", "--ranks", ranks, "--bootstrap", 0, "--out", out
    )
    assert done.code == 0, done.err
    content = json.loads(out.read_text())
    return {name: content[name]["map"] for name in ("easy", "medium", "hard")}


@pytest.mark.parametrize("junk", ["keep", "remove"])
def test_from_pictures_to_figures(run: Run, described: Path, tmp_path: Path, junk: str) -> None:
    local(run, described, tmp_path / "local")
    out = tmp_path / "ranks.npz"
    done = run(*rerank(described, tmp_path / "local", out, "rootsift-magsac", "--junk", junk))
    assert done.code == 0, done.err
    # Random descriptors rank by chance; what was verified comes first, whatever they say.
    assert figures(run, described, out) == {"easy": 1.0, "medium": 1.0, "hard": 1.0}
    ranking = Ranking.load(out)
    names = sorted(path.stem for path in (described / "database").iterdir())
    for query in range(len(QUERIES)):
        # In the ground truth's order, which is not that of the files.
        best = [names[row] for row in ranking.indices[query, :3]]
        assert {name.split("_")[0] for name in best} == {str(9 - query)}
    assert sorted(ranking.indices[0]) == list(range(len(names)))
    record = json.loads(out.with_suffix(".record.json").read_text())
    assert record["method"] == "rootsift-magsac"
    assert record["parameters"]["model"] == "affine"
    assert "missing" not in record["parameters"]


def test_a_shortlist_leaves_the_others_behind_it(run: Run, described: Path, tmp_path: Path) -> None:
    local(run, described, tmp_path / "local")
    out, first = tmp_path / "ranks.npz", tmp_path / "first.npz"
    common = ["--queries", described / "global/queries", "--database", described / "global/database"]
    truth = ["--groundtruth", described / "gnd.pkl", "--device", "cpu"]
    assert run("search", *common, *truth, "--k", 13, "--out", first).code == 0
    options = ("--shortlist", 5, "--search", first, "--set", "model=homography")
    done = run(*rerank(described, tmp_path / "local", out, "rootsift-magsac", *options))
    assert done.code == 0, done.err
    before, after = Ranking.load(first).indices, Ranking.load(out).indices
    assert np.array_equal(np.sort(before[:, :5]), np.sort(after[:, :5]))
    assert np.array_equal(before[:, 5:], after[:, 5:])
    assert not np.array_equal(before, after)


def test_learned_features_and_maps(run: Run, described: Path, tmp_path: Path, shared: Path) -> None:
    pytest.importorskip("onnxruntime")
    weights = shared / "data/weights/xfeat.onnx"
    local(run, described, tmp_path / "xfeat", "xfeat", "--weights", weights)
    local(run, described, tmp_path / "maps", "cvnet-maps", "--backbone", "mini", "--device", "cpu")
    xfeat = LocalStore.open(tmp_path / "xfeat/database")
    assert xfeat.kind == "xfeat"
    assert {name: array.shape[1:] for name, array in xfeat[0].items()} == {
        "keypoints": (2,),
        "scores": (),
        "descriptors": (64,),
    }
    maps = LocalStore.open(tmp_path / "maps/database")
    assert maps.kind == "cvnet-maps"
    assert maps[0]["map"].shape == (256, -(-HEIGHT // 16), -(-WIDTH // 16))
    # The box ends before the picture does.
    assert LocalStore.open(tmp_path / "maps/queries")[0]["map"].shape == (256, 9, 10)
    assert run(*rerank(described, tmp_path / "xfeat", tmp_path / "x.npz", "xfeat-magsac")).code == 0
    assert figures(run, described, tmp_path / "x.npz")["medium"] > 0.9
    untrained = rerank(described, tmp_path / "maps", tmp_path / "c.npz", "cvnet-rerank", "--backbone", "mini")
    refused = run(*untrained)
    assert refused.code == 2
    assert "no figures without its weights" in refused.err
    assert not (tmp_path / "c.npz").exists()
    assert run(*untrained, "--untrained").code == 0
    assert json.loads((tmp_path / "c.record.json").read_text())["parameters"]["missing"] == "weights"


def test_stand_ins_that_only_the_features_show_are_recorded(
    run: Run, described: Path, tmp_path: Path
) -> None:
    local(run, described, tmp_path / "local")
    out = tmp_path / "ranks.npz"
    assert run(*rerank(described, tmp_path / "local", out, "rrt", "--untrained", "--shortlist", 3)).code == 0
    parameters = json.loads(out.with_suffix(".record.json").read_text())["parameters"]
    assert parameters["missing"] == "weights, global descriptors, scales"


def said(run: Run, *arguments: object) -> str:
    """Run what must fail: one sentence, exit code 2."""
    done = run(*arguments)
    assert done.code == 2
    assert done.out == ""
    (line,) = done.err.strip().splitlines()
    return line.removeprefix("superglobal: ")


def test_mistakes_in_extracting(run: Run, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    fixed = ["local", "--images", data / "queries", "--out", out]
    mistakes: list[tuple[list[object], str]] = [
        (["--kind", "surf"], "unknown kind 'surf'"),
        (["--kind", "xfeat"], "xfeat needs --weights"),
        (["--kind", "xfeat", "--weights", tmp_path / "absent.onnx"], "absent.onnx"),
        (["--kind", "cvnet-maps"], "cvnet-maps of resnet50 need a --checkpoint"),
        (["--kind", "cvnet-maps", "--checkpoint", tmp_path / "absent"], "absent"),
        (["--kind", "cvnet-maps", "--backbone", "mini", "--precision", "half"], "unknown precision 'half'"),
        (["--kind", "rootsift", "--on-error", "ask"], "ask"),
        (["--kind", "rootsift", "--shard-size", 0], "0"),
    ]
    for options, message in mistakes:
        assert message in said(run, *fixed, *options)
    assert "there is no folder or list" in said(
        run, "local", "--images", tmp_path / "none", "--kind", "rootsift", "--out", out
    )
    assert list(tmp_path.iterdir()) == []


def test_mistakes_in_reranking(run: Run, described: Path, tmp_path: Path) -> None:
    features = tmp_path / "local"
    local(run, described, features)
    out = tmp_path / "ranks.npz"
    before = sorted(tmp_path.iterdir())

    def refused(*more: object, method: str = "rootsift-magsac", folder: Path = features) -> str:
        return said(run, *rerank(described, folder, out, method, *more))

    assert "holds rootsift features, but xfeat-magsac needs xfeat" in refused(method="xfeat-magsac")
    assert "holds rootsift features, but cvnet-rerank needs cvnet-maps" in refused(method="cvnet-rerank")
    assert "rrt has no figures without its weights" in refused(method="rrt")
    assert "does not exist: name a folder of local features" in refused(folder=tmp_path / "none")
    assert "has no parameter 'neighbours'" in refused("--neighbours", 3)
    assert "--shortlist is 0" in refused("--shortlist", 0)
    assert "--shortlist is -4" in refused("--shortlist", -4)
    arguments = rerank(described, features, out)
    place = arguments.index("--local-queries")
    assert "works on local features" in said(run, *arguments[:place], *arguments[place + 4 :])
    # The database twice: which of two images of one name is meant?
    assert "two images named" in refused("--local-database", features / "database")
    # Queries and database exchanged.
    swapped = list(arguments)
    swapped[place + 1], swapped[place + 3] = swapped[place + 3], swapped[place + 1]
    assert "the local features lack 3 of 3 queries, the first tower" in said(run, *swapped)
    assert sorted(tmp_path.iterdir()) == before


def test_a_picture_that_cannot_be_used_is_named(run: Run, tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures", ["a", "b"])
    (tmp_path / "pictures/b.png").write_bytes(b"no picture")
    fixed = ["local", "--images", tmp_path / "pictures", "--kind", "rootsift", "--out", tmp_path / "out"]
    assert "b cannot be decoded" in said(run, *fixed).replace(":", "")
    done = run(*fixed, "--on-error", "skip")
    assert done.code == 0
    assert "left out: b" in done.err
    assert LocalStore.open(tmp_path / "out").ids == ["a"]
