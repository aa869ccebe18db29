"""Verifying ablations, sweeps and tunings: what is right agrees, and every edited figure is named and refused."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import groundtruth_content, unit_rows

from superglobal_core.ablation_record import read_ablation
from superglobal_core.errors import UserError
from superglobal_core.evaluation.bootstrap import confidence_interval
from superglobal_core.files import write_json
from superglobal_core.reporting.parameters_page import StoredSweep, StoredTuning
from superglobal_core.reranking.grid import Grid
from superglobal_core.steps.checked import DISAGREES, OK, UNCHECKED, Checked
from superglobal_core.steps.sweep import sweep_step
from superglobal_core.steps.tune import DataSet, tune_step
from superglobal_core.steps.tuning_inputs import Stored, StoredSource
from superglobal_core.steps.verify_variants import variant_checks
from superglobal_core.stored_models import read_stored

ABLATION, SWEEP, TUNING = "ablation/d/small.json", "sweeps/d/small/plain.json", "tuning/small.json"
FILES = (ABLATION, SWEEP, TUNING)
GRID = Grid((5, 12), (0, 3), (0.15,))
LANDMARKS, IMAGES_EACH, BOOTSTRAP, SEED = 8, 6, 100, 3
READERS: dict[str, Callable[[Path], Any]] = {
    ABLATION: read_ablation,
    SWEEP: lambda path: read_stored(path, StoredSweep),
    TUNING: lambda path: read_stored(path, StoredTuning),
}


def measured(values: np.ndarray) -> dict[str, Any]:
    aps = values.tolist()
    figures = {
        "map": float(np.mean(aps)),
        "map_interval_95": confidence_interval(aps, BOOTSTRAP, seed=SEED),
        "average_precision": aps,
        "mean_precision": {},
        "queries_with_positives": len(aps),
    }
    return dict.fromkeys(("easy", "medium", "hard"), figures)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ablation, a sweep and a tuning by halves."""
    root, rng = tmp_path_factory.mktemp("made") / "results", np.random.default_rng(7)
    data = root.parent
    labels = []
    for landmark in range(LANDMARKS):
        images = list(range(landmark * IMAGES_EACH, (landmark + 1) * IMAGES_EACH))
        labels += [(images[:3], images[3:], [])] * 2
    truth = data / "gnd_small.pkl"
    truth.write_bytes(pickle.dumps(groundtruth_content(LANDMARKS * IMAGES_EACH, labels)))
    np.save(data / "queries.npy", unit_rows(rng, len(labels), 6))
    np.save(data / "database.npy", unit_rows(rng, LANDMARKS * IMAGES_EACH, 6))
    stored = Stored(data / "queries.npy", (data / "database.npy",))
    for path in (root / SWEEP, root / TUNING):
        path.parent.mkdir(parents=True)
    sweep_step(stored.queries, stored.databases, truth, GRID, root / SWEEP)
    tune_step(DataSet(truth, StoredSource(stored, {})), None, GRID, root / TUNING, half=True, seed=SEED)
    row = {"table": "switches", "name": "antialias", "preset_value": "on", "changed_value": "off"}
    ablation = {
        "dataset": "small",
        "descriptor": "d",
        "preset": "official",
        "single_stage": measured(rng.random(9)),
        "reranked": measured(rng.random(9)),
        "rows": [row | {"touches": "images", "single_stage": measured(rng.random(9))}],
        "record": {"step": "ablate", "parameters": {"bootstrap": BOOTSTRAP}, "seed": SEED},
    }
    (root / ABLATION).parent.mkdir(parents=True)
    write_json(root / ABLATION, ablation)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "results")


def found(root: Path, source: str) -> Checked:
    return next(one for one in variant_checks(root) if one.source == source)


def edit(root: Path, source: str, keys: tuple[str | int, ...], value: Any) -> None:
    content = json.loads((root / source).read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    (root / source).write_text(json.dumps(content))


def test_what_was_computed_agrees(root: Path) -> None:
    assert [(one.source, one.state) for one in variant_checks(root)] == [(name, OK) for name in FILES]


@pytest.mark.parametrize(
    ("source", "keys", "refused"),
    [
        (ABLATION, ("rows", 0, "single_stage", "hard", "map"), "rows.0.single_stage.hard is wrong"),
        (SWEEP, ("points", 2, "map", "medium"), "points.2 is wrong"),
        (SWEEP, ("single_stage", "map", "easy"), "single_stage is wrong"),
        (TUNING, ("reported_on", "tuned", "map", "hard"), "reported_on.tuned is wrong"),
    ],
)
def test_a_mean_that_is_none_is_named_and_refused(
    root: Path, source: str, keys: tuple[str | int, ...], refused: str
) -> None:
    edit(root, source, keys, 0.999)
    one = found(root, source)
    assert (one.state, [each.what for each in one.differences], one.reasons) == (
        DISAGREES, [".".join(map(str, keys))], [],
    )  # fmt: skip
    with pytest.raises(UserError, match=refused) as error:
        READERS[source](root / source)
    assert "is 0.999, but the mean of its average precisions is 0." in str(error.value)


@pytest.mark.parametrize(
    ("source", "keys", "value", "named"),
    [
        (ABLATION, ("reranked", "easy", "map_interval_95", 0), 0.01, "reranked.easy.map_interval_95, lower"),
        (ABLATION, ("reranked", "easy", "map_interval_95"), None, "reranked.easy.map_interval_95"),
        (ABLATION, ("reranked", "easy", "queries_with_positives"), 8, "reranked.easy.queries_with_positives"),
        (TUNING, ("reported_on", "difference", "hard", "points"), 9.5, "reported_on.difference.hard.points"),
        (TUNING, ("tuned_on", "difference", "easy", "points"), 9.5, "tuned_on.difference.easy.points"),
        (TUNING, ("tuned_on", "difference", "easy", "p_value"), 0.01, "tuned_on.difference.easy.p_value"),
        (TUNING, ("reported_on", "difference", "hard", "p_value"), 2e-4, "reported_on.difference.hard.p_value"),
        (TUNING, ("reported_on", "difference", "medium", "interval", 1), 42.0,
         "reported_on.difference.medium.interval, upper"),
    ],
)  # fmt: skip
def test_an_edited_figure_is_named(
    root: Path, source: str, keys: tuple[str | int, ...], value: Any, named: str
) -> None:
    edit(root, source, keys, value)
    one = found(root, source)
    assert (one.state, [each.what for each in one.differences]) == (DISAGREES, [named])


@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize(
    ("text", "says"), [("{}", "empty: make it again"), ("[]", "empty"), ("{", ""), ('{"a": 1}', "")]
)
def test_an_emptied_or_damaged_file_cannot_be_checked(root: Path, source: str, text: str, says: str) -> None:
    (root / source).write_text(text)
    one = found(root, source)
    assert one.state == UNCHECKED
    assert says in one.reasons[0]
    assert [each.state for each in variant_checks(root)].count(OK) == len(FILES) - 1


def test_an_edited_average_precision_shows_in_its_mean(root: Path) -> None:
    edit(root, SWEEP, ("points", 1, "average_precision", "hard", 0), 0.0)
    assert [each.what for each in found(root, SWEEP).differences] == ["points.1.map.hard"]
