"""What fast costs in mAP is found on a labelled data set, and beyond the bound nothing is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import Run

from superglobal_core.data.landmarks import make_landmarks
from superglobal_core.errors import UserError
from superglobal_core.networks.settings import preset
from superglobal_core.steps import check_fast
from superglobal_core.steps.check_fast import check_fast_step
from superglobal_core.steps.evaluate import evaluate_step
from superglobal_core.steps.extract import extract_step
from superglobal_core.steps.search import search_step


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small drawn data set, described fast."""
    folder = tmp_path_factory.mktemp("fast")
    make_landmarks(folder / "data", size=128, landmarks=4, distractors=0, processes=1)
    for name, boxes in (("queries", folder / "data" / "gnd_landmarks.pkl"), ("database", None)):
        extract_step(
            folder / "data" / name,
            folder / name,
            backbone="mini",
            settings=preset("superglobal", scales=(1.0, 0.8)),
            boxes=boxes,
            mode="fast",
            device="cpu",
        )
    return folder


def options(made: Path) -> dict[str, Any]:
    return {
        "queries": made / "queries",
        "database": made / "database",
        "query_images": made / "data" / "queries",
        "database_images": made / "data" / "database",
        "groundtruth": made / "data" / "gnd_landmarks.pkl",
    }


def test_maps_are_those_of_search_and_evaluate(made: Path, tmp_path: Path, run: Run) -> None:
    given = [word for key, value in options(made).items() for word in (f"--{key.replace('_', '-')}", value)]
    done = run("check-fast", *given, "--device", "cpu", "--out", tmp_path / "check.json")
    assert done.code == 0, done.err
    content = json.loads((tmp_path / "check.json").read_text())
    groundtruth = made / "data" / "gnd_landmarks.pkl"
    for mode, folder in (("exact", tmp_path / "check" / "exact"), ("fast", made)):
        search_step(
            folder / "queries", [folder / "database"], 5, tmp_path / f"{mode}.npz", groundtruth, "cpu"
        )
        expected = evaluate_step(
            groundtruth, tmp_path / f"{mode}.json", ranks=tmp_path / f"{mode}.npz", bootstrap=0
        )
        for name, values in content["map_percent"].items():
            assert values[mode] == pytest.approx(100 * expected[name]["map"], abs=1e-9)
    assert set(content["map_percent"]) == {"easy", "medium", "hard"}
    assert content["largest_change"] <= content["bound"] == 0.5
    for split in ("queries", "database"):
        assert 0 < content["cosine_distance"][split]["largest"] < 1e-3
    assert content["record"]["descriptor"]["mode"] == "fast"
    exact = json.loads((tmp_path / "check" / "exact" / "database" / "record.json").read_text())["descriptor"]
    assert (exact["mode"], exact["scales"]) == ("exact", [1.0, 0.8])
    assert "medium: mAP" in done.out


def test_beyond_the_bound_it_stops(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = check_fast.evaluated
    shift = iter([0.0, -0.02])

    def moved(*given: Any) -> Any:
        accuracy, by = plain(*given), next(shift)
        return accuracy.model_copy(update={"map": {name: value + by for name, value in accuracy.map.items()}})

    monkeypatch.setattr(check_fast, "evaluated", moved)
    with pytest.raises(UserError, match=r"changes mAP by \d\.\d\d points .*at most 0.5"):
        check_fast_step(**options(made), out=tmp_path / "check.json", device="cpu")
    assert not (tmp_path / "check.json").exists()


def test_what_cannot_be_checked_is_refused(made: Path, tmp_path: Path, checkpoint: Path) -> None:
    given = options(made) | {"out": tmp_path / "check.json", "device": "cpu"}
    with pytest.raises(UserError, match="made with other weights"):
        check_fast_step(**given, checkpoint=checkpoint)
    with pytest.raises(UserError, match="--bound is -1"):
        check_fast_step(**given, bound=-1)
    with pytest.raises(UserError, match="describes other images"):
        check_fast_step(**given | {"database_images": made / "data" / "queries"})
    check_fast_step(**given)
    exact = tmp_path / "check" / "exact"
    with pytest.raises(UserError, match=r"not made by .*--mode fast"):
        check_fast_step(**given | {"queries": exact / "queries", "database": exact / "database"})
