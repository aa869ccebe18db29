"""A sweep's figures are those of reranking and evaluating each point alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import Run, unit_rows

from superglobal_core.errors import UserError
from superglobal_core.parameter_results import Sweep
from superglobal_core.reranking.grid import Grid
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.steps.evaluate import evaluate_step
from superglobal_core.steps.rerank import rerank_step
from superglobal_core.steps.search import search_step
from superglobal_core.steps.sweep import sweep_step

LABELS = [([0, 3, 5], [7, 9], [11]), ([1], [2, 4, 6], []), ([], [8], [10, 12]), ([13, 14], [], [15, 16])]
IMAGES, DISTRACTORS, DIMENSION = 40, 25, 16
GRID = Grid((5, 12, 30), (0, 2, 9), (0.0, 0.15, 1.0))
TOLERANCE = 1e-12


@pytest.fixture
def inputs(tmp_path: Path, write_groundtruth: Callable[..., Path]) -> tuple[Path, list[Path], Path]:
    """Queries, the database with distractors, and a ground truth."""
    rng = np.random.default_rng(0)
    for name, rows in (("q", len(LABELS)), ("db", IMAGES), ("more", DISTRACTORS)):
        np.save(tmp_path / f"{name}.npy", np.abs(unit_rows(rng, rows, DIMENSION)))
    databases = [tmp_path / "db.npy", tmp_path / "more.npy"]
    return tmp_path / "q.npy", databases, write_groundtruth(IMAGES, LABELS)


def test_every_point_is_its_reranking_evaluated(
    tmp_path: Path, inputs: tuple[Path, list[Path], Path]
) -> None:
    queries, databases, groundtruth = inputs
    search_step(queries, databases, 30, tmp_path / "topk.npz", groundtruth)
    done = sweep_step(*inputs, GRID, tmp_path / "sweep.json", search=tmp_path / "topk.npz")
    assert [(p.shortlist, p.neighbours, p.beta) for p in done.points] == GRID.points()
    values = set()
    for point in done.points:
        reranker = SuperGlobalReranker(point.shortlist, point.neighbours, point.beta)
        rerank_step(queries, databases, reranker, tmp_path / "r.npz", groundtruth=groundtruth)
        expected = evaluate_step(groundtruth, tmp_path / "e.json", ranks=tmp_path / "r.npz", bootstrap=0)
        for protocol in ("easy", "medium", "hard"):
            assert point.map[protocol] == pytest.approx(expected[protocol]["map"], abs=TOLERANCE)
            assert point.average_precision[protocol] == expected[protocol]["average_precision"]
        values.add(point.map["medium"])
    assert len(values) > 5  # the grid's points really differ
    alone = evaluate_step(groundtruth, tmp_path / "e.json", ranks=tmp_path / "topk.npz", bootstrap=0)
    assert done.single_stage.map["medium"] == pytest.approx(alone["medium"]["map"], abs=TOLERANCE)
    given = [(one.role, Path(one.path), bool(one.sha256 or one.digest)) for one in done.record.inputs]
    assert given == [
        ("search", tmp_path / "topk.npz", True),
        ("queries", queries, True),
        *(("database", path, True) for path in databases),
        ("ground truth", groundtruth, True),
    ]


def test_batches_and_searching_itself_change_nothing(
    tmp_path: Path, inputs: tuple[Path, list[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    queries, databases, groundtruth = inputs
    search_step(queries, databases, 50, tmp_path / "topk.npz", groundtruth)
    expected = sweep_step(*inputs, GRID, tmp_path / "a.json", search=tmp_path / "topk.npz").points
    for at_once in (1, 3):
        monkeypatch.setattr(SuperGlobalReranker, "queries_at_once", lambda *_, n=at_once: n)
        assert sweep_step(*inputs, GRID, tmp_path / "b.json").points == expected


def test_the_file_says_what_it_is(tmp_path: Path, inputs: tuple[Path, list[Path], Path], run: Run) -> None:
    queries, databases, groundtruth = inputs
    done = run(
        *("sweep", "--queries", queries, "--database", databases[0], "--database", databases[1]),
        *("--groundtruth", groundtruth, "--shortlists", "5,400", "--neighbours", "0,9", "--betas", "0,0.15"),
        *("--suite", "mine", "--dataset", "small", "--device", "cpu", "--out", tmp_path / "sweep.json"),
    )
    assert (done.code, done.err) == (0, "")
    assert "8 combinations of M, K and beta" in done.out
    content = json.loads((tmp_path / "sweep.json").read_text())
    sweep = Sweep.model_validate(content)
    assert (sweep.shortlists, sweep.neighbours, sweep.betas) == ([5, 400], [0, 9], [0.0, 0.15])
    assert (sweep.defaults.shortlist, sweep.defaults.neighbours, sweep.defaults.beta) == (400, 9, 0.15)
    record = sweep.record
    assert (record.step, record.method, record.suite, record.dataset) == (
        *("sweep", "superglobal"),
        *("mine", "small"),
    )
    assert record.distractors == DISTRACTORS
    assert record.parameters["betas"] == [0.0, 0.15]
    assert record.protocol["shortlist"] == "raw"


def test_mistakes(tmp_path: Path, inputs: tuple[Path, list[Path], Path], run: Run) -> None:
    queries, databases, groundtruth = inputs
    search_step(queries, databases, 8, tmp_path / "short.npz", groundtruth)
    with pytest.raises(UserError, match="holds 8 places a query, fewer than the shortlist of 30"):
        sweep_step(*inputs, GRID, tmp_path / "sweep.json", search=tmp_path / "short.npz")
    search_step(queries, databases, 40, tmp_path / "blind.npz")
    with pytest.raises(UserError, match="searched without a --groundtruth"):
        sweep_step(*inputs, GRID, tmp_path / "sweep.json", search=tmp_path / "blind.npz")
    broken = np.load(queries)
    broken[2, 3] = np.nan
    np.save(tmp_path / "broken.npy", broken)
    with pytest.raises(UserError, match="NaN"):
        sweep_step(tmp_path / "broken.npy", databases, groundtruth, GRID, tmp_path / "sweep.json")
    done = run(
        *("sweep", "--queries", queries, "--database", databases[0], "--groundtruth", groundtruth),
        *("--betas", "a", "--out", tmp_path / "sweep.json"),
    )
    assert (done.code, done.out) == (2, "")
    assert "--betas a: give numbers" in done.err
    assert not (tmp_path / "sweep.json").exists()
