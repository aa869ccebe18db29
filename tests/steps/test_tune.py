"""Tuning chooses on some queries alone, and reports on others, never on the same."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import Run, groundtruth_content, unit_rows, write_pictures

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.data.reading import Reading
from superglobal_core.errors import UserError
from superglobal_core.evaluation.halves import halves
from superglobal_core.evaluation.paired import paired_difference
from superglobal_core.networks.settings import preset
from superglobal_core.parameter_results import Tuning
from superglobal_core.reranking.grid import DEFAULTS, Grid
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.steps.evaluate import evaluate_step
from superglobal_core.steps.extract import is_extracted
from superglobal_core.steps.rerank import rerank_step
from superglobal_core.steps.tune import DataSet, tune_step
from superglobal_core.steps.tuning_inputs import Stored, StoredSource, parse_candidates

LANDMARKS, IMAGES_EACH, DIMENSION = 8, 6, 12
GRID = Grid((5, 20), (0, 3, 9), (0.0, 0.15, 1.0))
TOLERANCE = 1e-12


def make(folder: Path, seed: int, noise: float = 0.6) -> tuple[Path, Stored]:
    """A data set of landmarks, two queries each: its ground truth and descriptors."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    centres = unit_rows(rng, LANDMARKS, DIMENSION, np.float64)
    labels, rows = [], []
    for landmark in range(LANDMARKS):
        start = landmark * IMAGES_EACH
        everything = list(range(start, start + IMAGES_EACH))
        labels += [(everything[:3], everything[3:], [])] * 2
    rows = [np.repeat(centres, 2, axis=0), np.repeat(centres, IMAGES_EACH, axis=0)]
    for name, array in zip(("q", "db"), rows, strict=True):
        noisy = array + noise * rng.standard_normal(array.shape)
        np.save(
            folder / f"{name}.npy", (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)
        )
    groundtruth = folder / f"gnd_set{seed}.pkl"
    content = groundtruth_content(LANDMARKS * IMAGES_EACH, labels)
    content["qimlist"] = [f"query_{seed}_{number}" for number in range(len(labels))]
    groundtruth.write_bytes(pickle.dumps(content))
    return groundtruth, Stored(folder / "q.npy", (folder / "db.npy",))


def average_precision(groundtruth: Path, stored: Stored, point: tuple[int, int, float]) -> list[float]:
    """The Medium APs of one reranking, each step run for itself."""
    out = groundtruth.with_name("alone.npz")
    rerank_step(stored.queries, stored.databases, SuperGlobalReranker(*point), out, groundtruth=groundtruth)
    return evaluate_step(groundtruth, out.with_suffix(".json"), ranks=out, bootstrap=0)["medium"][
        "average_precision"
    ]


def average(groundtruth: Path, stored: Stored, point: tuple[int, int, float]) -> float:
    return float(np.mean(average_precision(groundtruth, stored, point)))


def test_half_of_the_queries(tmp_path: Path) -> None:
    groundtruth, stored = make(tmp_path / "a", 0)
    data = DataSet(groundtruth, StoredSource(stored, {}))
    done = tune_step(data, None, GRID, tmp_path / "tune.json", half=True, seed=3)
    one, other = halves(load_groundtruth(groundtruth).queries, 3)
    assert done.tuned_on.queries == [f"query_0_{n}" for n in one]
    assert done.reported_on.queries == [f"query_0_{n}" for n in other]
    every = {point: average_precision(groundtruth, stored, point) for point in GRID.points()}
    every[DEFAULTS] = average_precision(groundtruth, stored, DEFAULTS)
    best = max(np.mean([aps[n] for n in one]) for aps in every.values())
    chosen = (done.tuned.shortlist, done.tuned.neighbours, done.tuned.beta)
    assert done.tuned_on.tuned.map["medium"] == pytest.approx(best, abs=TOLERANCE)
    reported = [every[chosen][n] for n in other]
    assert done.reported_on.tuned.average_precision["medium"] == reported
    # The defaults are not in this grid; they are among the settings and are reported all the same.
    default = every[DEFAULTS]
    assert done.untuned.shortlist == DEFAULTS.shortlist
    untuned = [default[n] for n in other]
    assert done.reported_on.untuned.average_precision["medium"] == untuned
    expected, found = paired_difference(untuned, reported, seed=3), done.reported_on.difference["medium"]
    assert expected is not None
    assert found is not None
    assert found.points == pytest.approx(100 * expected.difference)
    assert found.p_value == expected.p_value
    before_choice = done.tuned_on.difference["medium"]
    assert before_choice is not None
    assert (before_choice.interval, before_choice.p_value) == (None, None)
    assert json.loads((tmp_path / "tune.json").read_text()) == done.model_dump(mode="json")
    again = tune_step(data, None, GRID, tmp_path / "again.json", half=True, seed=3)
    assert again.model_dump(exclude={"record"}) == done.model_dump(exclude={"record"})


def test_the_choice_is_never_worse_than_the_defaults_on_its_own_queries(tmp_path: Path) -> None:
    groundtruth, stored = make(tmp_path / "a", 0)
    data = DataSet(groundtruth, StoredSource(stored, {}))
    poor = Grid((1,), (0,), (0.0,))  # nothing is reranked
    done = tune_step(data, None, poor, tmp_path / "tune.json", half=True)
    assert average(groundtruth, stored, poor.points()[0]) < average(groundtruth, stored, DEFAULTS)
    assert (done.tuned, done.settings_tried) == (done.untuned, 2)
    change = done.tuned_on.difference["medium"]
    assert change is not None
    assert change.points == 0


def test_another_data_set_and_other_descriptors(tmp_path: Path) -> None:
    sets = {}
    for name, seed in (("a", 0), ("b", 1)):
        groundtruth, worse = make(tmp_path / name / "worse", seed, noise=1.0)
        _, better = make(tmp_path / name / "better", seed, noise=0.3)
        sets[name] = DataSet(groundtruth, StoredSource(worse, {"better": better}), f"set {name}")
    done = tune_step(sets["a"], sets["b"], GRID, tmp_path / "tune.json", criterion="hard")
    assert (done.tuned.descriptor, done.untuned.descriptor) == ("better", "default")
    assert done.settings_tried == 2 * len(GRID.points()) + 1  # the defaults besides
    names = ("queries", "database", "queries, better", "database, better", "ground truth")
    assert [one.role for one in done.record.inputs] == [*names, *(f"report {name}" for name in names)]
    assert len({one.sha256 or one.digest for one in done.record.inputs}) == len(done.record.inputs)
    assert (done.tuned_on.dataset, done.reported_on.dataset) == ("set a", "set b")
    assert len(done.tuned_on.queries) == len(done.reported_on.queries) == 2 * LANDMARKS
    chosen = (done.tuned.shortlist, done.tuned.neighbours, done.tuned.beta)
    stored = sets["b"].source.get("better")
    expected = average_precision(sets["b"].groundtruth, stored, chosen)
    assert done.reported_on.tuned.average_precision["medium"] == expected
    found = done.reported_on.difference["hard"]
    assert found is not None
    assert found.points > 0


def test_of_equally_good_settings_the_nearest_to_the_defaults_is_chosen(tmp_path: Path) -> None:
    # Without noise every setting is perfect.
    groundtruth, perfect = make(tmp_path / "a", 0, noise=0.0)
    _, poor = make(tmp_path / "poor", 0, noise=2.0)
    for default, grid, expected in (
        (perfect, Grid((50, 400), (1, 9), (0.3, 0.15)), ("default", *DEFAULTS)),
        (perfect, Grid((100, 50), (1, 9), (0.3, 0.6)), ("default", *DEFAULTS)),
        (poor, Grid((100, 50), (1, 9), (0.3, 0.6)), ("one", 100, 9, 0.3)),
    ):
        data = DataSet(groundtruth, StoredSource(default, {"one": perfect, "other": perfect}))
        tuned = tune_step(data, None, grid, tmp_path / "t.json", half=True).tuned
        assert (tuned.descriptor, tuned.shortlist, tuned.neighbours, tuned.beta) == expected


def test_the_same_queries_are_refused(tmp_path: Path) -> None:
    groundtruth, stored = make(tmp_path / "a", 0)
    data = DataSet(groundtruth, StoredSource(stored, {}))
    out = tmp_path / "tune.json"
    copied, _ = make(tmp_path / "copy", 1)  # other labels, the same descriptors
    other = DataSet(copied, StoredSource(stored, {}))
    for report in (data, other):
        with pytest.raises(UserError, match=r"are the same.*--half"):
            tune_step(data, report, GRID, out)
    with pytest.raises(UserError, match="give either --half or another data set"):
        tune_step(data, None, GRID, out)
    with pytest.raises(UserError, match="give either --half or another data set"):
        tune_step(data, other, GRID, out, half=True)
    third, stored_third = make(tmp_path / "b", 2)
    lacking = DataSet(third, StoredSource(stored_third, {"p3": stored_third}))
    with pytest.raises(UserError, match="descriptors named p3 are there for one of the two"):
        tune_step(data, lacking, GRID, out)
    with pytest.raises(UserError, match="unknown protocol 'mediun'"):
        tune_step(data, None, GRID, out, half=True, criterion="mediun")
    assert not out.exists()


@pytest.fixture
def pictured(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Query and database pictures with a ground truth: two landmarks, one query each."""
    write_pictures(tmp_path / "queries", ["query_0", "query_1"], height=110, width=130)
    write_pictures(tmp_path / "images", [f"image_{n}" for n in range(4)])
    content: Any = groundtruth_content(4, [([0], [1], []), ([2], [3], [])])
    for entry in content["gnd"]:
        entry["bbx"] = [0.0, 5.0, 120.0, 110.0]
    (tmp_path / "gnd_small.pkl").write_bytes(pickle.dumps(content))
    return tmp_path / "queries", tmp_path / "images", tmp_path / "gnd_small.pkl"


def test_from_images(tmp_path: Path, pictured: tuple[Path, Path, Path], checkpoint: Path, run: Run) -> None:
    queries, images, groundtruth = pictured
    command = (
        *("tune", "--groundtruth", groundtruth, "--query-images", queries, "--images", images, "--half"),
        *("--backbone", "mini", "--checkpoint", checkpoint, "--device", "cpu", "--p", "3"),
        *("--alpha", "0,0.014", "--shortlists", "4", "--neighbours", "1", "--betas", "0.15"),
        *("--out", tmp_path / "tune.json"),
    )
    done = run(*command)
    assert done.code == 0, done.err
    assert "chosen of 3 settings" in done.out
    assert "reported on small, the other half (seed 0): mAP Medium" in done.out
    content = Tuning.model_validate_json((tmp_path / "tune.json").read_text())
    assert content.untuned.exponents == {"p": 4.6, "p_r": 2.5, "alpha": 0.014}
    for p, alpha in ((3.0, 0.0), (3.0, 0.014), (4.6, 0.014)):  # the last for the defaults' figures alone
        out = tmp_path / "tune.work" / "tuned" / f"p{p:g}-pr2.5-alpha{alpha:g}" / "database-0"
        settings = preset("superglobal", gem_plus_p=p, relup_alpha=alpha)
        assert is_extracted(out, "mini", settings, Reading(), checkpoint, "exact", "float32")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "tune.work").rglob("*.npy")}
    assert run(*command).code == 0
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "tune.work").rglob("*.npy")}


def test_from_the_command_line_with_two_data_sets(tmp_path: Path, run: Run) -> None:
    options: list[Any] = []
    for prefix, seed in (("--", 0), ("--report-", 1)):
        groundtruth, stored = make(tmp_path / str(seed), seed)
        _, other = make(tmp_path / f"{seed}x", seed, noise=0.2)
        options += [f"{prefix}groundtruth", groundtruth, f"{prefix}queries", stored.queries]
        options += [f"{prefix}database", stored.databases[0]]
        options += [f"{prefix}candidate", f"p3={other.queries},{other.databases[0]}"]
    grid = ("--shortlists", "5,20", "--neighbours", "3", "--betas", "0.15")
    done = run(
        "tune", *options, *grid, "--dataset", "one", "--report-dataset", "two", "--out", tmp_path / "t"
    )
    assert done.code == 0, done.err
    assert "descriptor p3" in done.out
    assert "tuned on    one, all queries: mAP Medium" in done.out
    assert "reported on two, all queries: mAP Medium" in done.out


MISTAKES = [
    ((), "give either descriptors (--queries and --database) or images"),
    (("--queries", "q.npy"), "--queries and --database go together"),
    (("--query-images", "q"), "--query-images and --images go together"),
    (("--queries", "q.npy", "--database", "d.npy", "--images", "i"), "one of them"),
    (("--queries", "q.npy", "--database", "d.npy", "--p", "3"), "need images to extract from"),
    (("--queries", "q.npy", "--database", "d.npy", "--p", "3,3"), "--p 3,3: give at least one number"),
    (
        ("--queries", "q.npy", "--database", "d.npy", "--report-queries", "r.npy"),
        "--report-groundtruth is missing",
    ),
    (("--queries", "q.npy", "--database", "d.npy", "--candidate", "p3"), "write NAME=QUERIES,DATABASE"),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES)
def test_mistakes(tmp_path: Path, options: tuple[str, ...], message: str, run: Run) -> None:
    groundtruth, _ = make(tmp_path, 0)
    done = run("tune", "--groundtruth", groundtruth, "--half", *options, "--out", tmp_path / "tune.json")
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert len(done.err.splitlines()) == 1


def test_names_of_candidates() -> None:
    for text in ("default=a,b", "=a,b", "x=a"):
        with pytest.raises(UserError, match="--candidate"):
            parse_candidates([text], "--candidate")
    with pytest.raises(UserError, match="given twice"):
        parse_candidates(["a=b,c", "a=d,e"], "--candidate")
    assert parse_candidates(["a=b,c,d"], "--candidate")["a"].databases == (Path("c"), Path("d"))
