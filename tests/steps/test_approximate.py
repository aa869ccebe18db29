"""A comparison's figures are those of searching, reranking and evaluating by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import Run, unit_rows

from superglobal_core.approximate_record import Approximate, read_approximate
from superglobal_core.errors import UserError
from superglobal_core.files import read_json, write_json
from superglobal_core.parameter_results import Accuracy
from superglobal_core.reasons import write_reason
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.search.index_kinds import parse_index
from superglobal_core.steps.approximate import approximate_step
from superglobal_core.steps.checked import DISAGREES, OK
from superglobal_core.steps.evaluate import evaluate_step
from superglobal_core.steps.index import index_step
from superglobal_core.steps.rerank import rerank_step
from superglobal_core.steps.search import search_step
from superglobal_core.steps.verify_variants import variant_checks

LABELS = [([0, 3, 5], [7, 9], [11]), ([1], [2, 4, 6], []), ([], [8], [10, 12]), ([13, 14], [], [15, 16])]
IMAGES, DISTRACTORS, DIMENSION, K = 120, 80, 16, 40
KINDS = ["flat-fp16", "ivfpq:nlist=8:m=4:nprobe=1/8", "hnsw:M=4"]
RERANKER = SuperGlobalReranker(25, 3, 0.3)

Paths = tuple[Path, list[Path], Path]


@pytest.fixture
def inputs(tmp_path: Path, write_groundtruth: Callable[..., Path]) -> Paths:
    rng = np.random.default_rng(0)
    for name, rows in (("q", len(LABELS)), ("db", IMAGES), ("more", DISTRACTORS)):
        np.save(tmp_path / f"{name}.npy", unit_rows(rng, rows, DIMENSION))
    return (
        tmp_path / "q.npy",
        [tmp_path / "db.npy", tmp_path / "more.npy"],
        write_groundtruth(IMAGES, LABELS),
    )


@pytest.fixture
def done(tmp_path: Path, inputs: Paths) -> Approximate:
    wanted = [parse_index(text) for text in KINDS]
    return approximate_step(*inputs, wanted, tmp_path / "a.json", k=K, reranker=RERANKER, repeats=2)


def test_every_figure_is_that_of_the_steps(tmp_path: Path, inputs: Paths, done: Approximate) -> None:
    queries, databases, groundtruth = inputs

    def evaluated(path: Path) -> dict[str, list[float | None]]:
        content = evaluate_step(groundtruth, tmp_path / "e.json", ranks=path, bootstrap=0)
        return {name: content[name]["average_precision"] for name in ("easy", "medium", "hard")}

    def reranked(**options: object) -> dict[str, list[float | None]]:
        rerank_step(
            queries, databases, RERANKER, tmp_path / "r.npz", groundtruth=groundtruth, top=K, **options
        )  # type: ignore[arg-type]
        return evaluated(tmp_path / "r.npz")

    exact = search_step(queries, databases, K, tmp_path / "s.npz", groundtruth)
    assert done.exact.single_stage_whole.average_precision == evaluated(tmp_path / "s.npz")
    assert done.exact.reranked_whole.average_precision == reranked()
    np.save(tmp_path / "cut.npy", exact.indices)
    cut = evaluated(tmp_path / "cut.npy")
    assert done.exact.single_stage.average_precision == cut
    assert cut != done.exact.single_stage_whole.average_precision
    for index in done.indexes:
        path = tmp_path / f"{index.kind}.faiss"
        facts, _ = index_step(databases, parse_index(index.name), path)
        assert (facts.bytes, facts.index) == (index.bytes, index.parameters)
        last = index.points[-1]
        ranking = tmp_path / f"{index.kind}-found.npz"
        found = search_step(queries, databases, K, ranking, groundtruth, index=path, effort=last.effort)
        assert last.single_stage.average_precision == evaluated(ranking)
        shares = [
            len(set(one) & set(other)) / K for one, other in zip(exact.indices, found.indices, strict=True)
        ]
        assert last.recall[str(K)] == pytest.approx(np.mean(shares))
        searched = {"search": ranking}
        assert last.reranked.average_precision == reranked(**searched)
        rebuilt = reranked(**searched, index=path, reconstruct=True)
        assert last.reranked_rebuilt.average_precision == rebuilt


def test_what_is_recorded(tmp_path: Path, inputs: Paths, done: Approximate) -> None:
    assert read_approximate(tmp_path / "a.json") == done
    assert (done.database, done.dimension, done.distractors) == (IMAGES + DISTRACTORS, DIMENSION, DISTRACTORS)
    assert (done.queries, done.k, done.shortlist) == (len(LABELS), K, 25)
    assert [index.name for index in done.indexes] == KINDS
    assert [point.effort for point in done.indexes[1].points] == [1, 8]
    assert [point.effort for point in done.indexes[2].points] == [40, 80, 160, 200]
    assert done.indexes[1].effort_name == "nprobe"
    for index in done.indexes:
        for point in index.points:
            assert len(point.samples_s) == 2
            assert list(point.recall) == ["1", "10", "40"]
    flat, coarse = done.indexes[0].points[0], done.indexes[1].points
    assert flat.recall["40"] > 0.99
    assert coarse[0].recall["40"] < coarse[1].recall["40"] < 1
    record = done.record
    assert (record["step"], record["method"], record["seed"]) == ("approximate", "superglobal", 0)
    assert record["parameters"]["indexes"] == KINDS
    assert [one["role"] for one in record["inputs"]] == ["queries", "database", "database", "ground truth"]


def test_the_figures_do_not_depend_on_the_run(tmp_path: Path, inputs: Paths, done: Approximate) -> None:
    wanted = [parse_index(text) for text in KINDS]
    again = approximate_step(*inputs, wanted, tmp_path / "b.json", k=K, reranker=RERANKER, repeats=1)
    for one, other in zip(done.indexes, again.indexes, strict=True):
        assert one.bytes == other.bytes
        for before, after in zip(one.points, other.points, strict=True):
            assert before.model_dump(exclude={"samples_s"}) == after.model_dump(exclude={"samples_s"})


def test_a_small_database_has_fewer_places(tmp_path: Path, inputs: Paths) -> None:
    done = approximate_step(*inputs, [parse_index("flat-sq8")], tmp_path / "a.json", repeats=1)
    assert (done.k, done.shortlist) == (IMAGES + DISTRACTORS, IMAGES + DISTRACTORS)
    assert done.exact.single_stage == done.exact.single_stage_whole
    assert list(done.indexes[0].points[0].recall) == ["1", "10", "100", "200"]


def test_on_the_command_line(tmp_path: Path, inputs: Paths, run: Run) -> None:
    queries, databases, groundtruth = inputs
    out = tmp_path / "a.json"
    given = ("--queries", queries, "--database", databases[0], "--groundtruth", groundtruth, "--out", out)
    done = run(
        *("approximate", *given, "--kinds", "flat-sq8, ivfpq:nlist=4", "--k", 30, "--shortlist", 20),
        *("--neighbours", 2, "--beta", 0.5, "--repeats", 1, "--budget", 1, "--suite", "mine"),
        *("--dataset", "small", "--seed", 3, "--device", "cpu"),
    )
    assert (done.code, done.err) == (0, "")
    assert "2 indexes of 120 rows" in done.out
    record = read_json(out)["record"]
    assert (record["suite"], record["dataset"], record["seed"]) == ("mine", "small", 3)
    assert record["parameters"]["neighbours"] == 2
    out.unlink()
    for wrong, says in (
        (("--kinds", "flat-sq8,nothing"), "unknown kind of index 'nothing'"),
        (("--kinds", "flat-sq8,flat-sq8"), "names flat-sq8 twice"),
        (("--kinds", ","), "names no index"),
        (("--k", 0, "--shortlist", 1), "--k is 0"),
        (("--k", 10), "--shortlist is 400, more than the 10 places"),
        (("--kinds", "ivfpq:m=3"), "m is 3, but 16 dimensions"),
        (("--repeats", 0, "--k", 400), "one repeat or more"),
        (("--seed", -1), "--seed is -1"),
    ):
        done = run("approximate", *given, *wrong)
        assert (done.code, says in done.err, len(done.err.splitlines())) == (2, True, 1), done.err
        assert not out.exists()


def test_a_damaged_comparison_is_named(tmp_path: Path, done: Approximate) -> None:
    path, content = tmp_path / "a.json", read_json(tmp_path / "a.json")
    few = Accuracy.of({"easy": [0.5], "medium": [0.5], "hard": [0.5]}).model_dump()
    for change, says in (
        ({"indexes": []}, "indexes is wrong"),
        ({"indexes": content["indexes"] * 2}, "an index is there twice"),
        ({"exact": content["exact"] | {"single_stage": few}}, "exact has 1 APs of 4 queries"),
        ({"exact": content["exact"] | {"samples_s": []}}, "exact.samples_s is wrong"),
    ):
        write_json(path, content | change)
        with pytest.raises(
            UserError, match=f"a.json is damaged: .*{says}.*run `superglobal approximate` again"
        ):
            read_approximate(path)


def test_verifying_a_comparison(tmp_path: Path, done: Approximate) -> None:
    root, content = tmp_path / "results", read_json(tmp_path / "a.json")
    path = root / "approximate" / "d" / "small" / "distractors.json"
    write_json(path, content)
    (checked,) = variant_checks(root)
    assert (checked.state, checked.source) == (OK, "approximate/d/small/distractors.json")
    content["indexes"][1]["points"][0]["reranked"]["map"]["medium"] += 0.01
    write_json(path, content)
    (checked,) = variant_checks(root)
    assert checked.state == DISAGREES
    assert "indexes.1.points.0.reranked.map.medium" in str(checked)
    write_reason(path, "faiss is missing")
    write_json(path.with_suffix(".record.json"), {"step": "approximate"})
    (checked,) = variant_checks(root)
    assert str(checked).endswith("could not run: faiss is missing")
