"""Verifying results: what is right agrees, and every fault is named."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import Run, groundtruth_content, unit_rows

from superglobal_core.config import parse_suite, save_suite
from superglobal_core.errors import UserError
from superglobal_core.files import write_npz
from superglobal_core.reporting.report import write_report
from superglobal_core.reranking.methods import make_reranker
from superglobal_core.steps.checked import DISAGREES, OK, UNCHECKED, Checked
from superglobal_core.steps.evaluate import evaluate_step
from superglobal_core.steps.rerank import rerank_step
from superglobal_core.steps.search import search_step
from superglobal_core.steps.verify_results import verify_results

IMAGES, QUERIES, SHORTLIST, PLACES = 60, 6, 12, 30
SOURCE = "evaluation/d/small/plain/{}.json"
RERANKED = {"superglobal": "keep", "without-junk": "remove"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a search, a reranking of its shortlist, and one without the junk, in a suite's layout."""
    folder = tmp_path_factory.mktemp("made")
    root, rng = folder / "results", np.random.default_rng(5)
    queries, database = folder / "queries.npy", folder / "database.npy"
    np.save(queries, unit_rows(rng, QUERIES, 6))
    np.save(database, unit_rows(rng, IMAGES, 6))
    labels = []
    for _ in range(QUERIES):
        easy, hard, junk = np.split(rng.permutation(IMAGES)[:24], (6, 15))
        labels.append((easy.tolist(), hard.tolist(), junk.tolist()))
    truth = root / "data/small/gnd_small.pkl"
    truth.parent.mkdir(parents=True)
    truth.write_bytes(pickle.dumps(groundtruth_content(IMAGES, labels)))
    search = root / "search/d/small/plain/topk.npz"
    search_step(queries, [database], PLACES, search, truth)
    rankings = root / "rankings/d/small/plain"
    chosen = {"single": ("none", "keep"), **{name: ("superglobal", junk) for name, junk in RERANKED.items()}}
    for name, (method, junk) in chosen.items():
        reranker = make_reranker(method, shortlist=SHORTLIST)
        out = rankings / f"{name}.npz"
        rerank_step(queries, [database], reranker, out, search=search, groundtruth=truth, junk=junk)  # type: ignore[arg-type]
        evaluate_step(truth, root / SOURCE.format(name), ranks=out, bootstrap=100, dataset="small")
    write_report(root, folder / "report")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "made")


def found(folder: Path, name: str = "superglobal", **options: Any) -> Checked:
    done = verify_results(folder / "results", **options)
    return next(one for one in done.checked if one.source == SOURCE.format(name))


def edit(folder: Path, change: Callable[[dict[str, Any]], None], name: str = "superglobal") -> None:
    path = folder / "results" / SOURCE.format(name)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def forget_digest(folder: Path, name: str = "superglobal") -> None:
    """As in results of before digests were recorded."""
    edit(folder, lambda content: content["record"].pop("inputs"), name)


def change_ranking(folder: Path, change: Callable[[dict[str, np.ndarray]], None], name: str) -> None:
    path = folder / f"results/rankings/d/small/plain/{name}.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    change(arrays)
    write_npz(path, arrays)


def swap(arrays: dict[str, np.ndarray], one: int, other: int, query: int = 2) -> None:
    row = arrays["indices"][query]
    row[[one, other]] = row[[other, one]]


def test_what_was_computed_agrees(folder: Path, run: Run) -> None:
    out = folder / "found.json"
    done = run("verify", folder / "results", "--report", folder / "report", "--out", out)
    assert (done.code, done.err) == (0, "")
    *lines, summary = done.out.splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * 3  # and no note
    assert summary == "3 agree, 0 disagree, 0 cannot be checked"
    content = json.loads(out.read_text())
    assert content["agrees"] is True
    assert [one["state"] for one in content["results"]] == [OK] * 3


def test_records_of_before_still_verify(folder: Path) -> None:
    for name in ("single", *RERANKED):
        forget_digest(folder, name)
    done = verify_results(folder / "results")
    assert done.agrees
    assert "note: the ranking's digest was not recorded (3 of 3)" in list(done.lines())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda it: it["easy"]["average_precision"].__setitem__(3, 0.123), "easy.average_precision of query 3"),
        (lambda it: it["hard"].__setitem__("map", it["hard"]["map"] + 1e-9), "hard.map"),
        (lambda it: it["medium"]["mean_precision"].__setitem__("5", 0.5), "medium.mean_precision at 5"),
        (lambda it: it["medium"].__setitem__("queries_with_positives", 5), "medium.queries_with_positives"),
        (lambda it: it["easy"]["map_interval_95"].__setitem__(0, 0.01), "easy.map_interval_95, lower"),
        (lambda it: it["easy"].__setitem__("map_interval_95", None), "easy.map_interval_95"),
        (lambda it: it["record"]["protocol"].__setitem__("database", 7), "database in the record"),
        (lambda it: it["record"].__setitem__("method", "none"), "method in the record"),
    ],
)  # fmt: skip
def test_an_edited_figure_is_named(folder: Path, run: Run, change: Any, named: str) -> None:
    edit(folder, change)
    one = found(folder)
    assert (one.state, [each.what for each in one.differences], one.reasons) == (DISAGREES, [named], [])
    done = run("verify", folder / "results")
    line = next(line for line in done.out.splitlines() if SOURCE.format("superglobal") in line)
    assert done.code == 1
    assert line.startswith(DISAGREES)
    assert f"{named}: stored " in line
    assert ", recomputed " in line
    assert "2 agree, 1 disagree, 0 cannot be checked" in done.out


def test_a_difference_below_the_tolerance_is_none(folder: Path) -> None:
    edit(folder, lambda it: it["hard"].__setitem__("map", it["hard"]["map"] + 1e-14))
    assert found(folder).state == OK


def test_a_swapped_pair_shows_by_the_digest(folder: Path) -> None:
    change_ranking(folder, lambda arrays: swap(arrays, 0, 1), "superglobal")
    assert "sha256 of the ranking" in [each.what for each in found(folder).differences]


@pytest.mark.parametrize("name", RERANKED)
def test_a_swapped_pair_shows_without_a_digest(folder: Path, name: str) -> None:
    forget_digest(folder, name)

    def change(arrays: dict[str, np.ndarray]) -> None:
        mine = arrays["labelled_query"] == 2
        labelled = arrays["labelled_row"][mine]
        places = np.flatnonzero(np.isin(arrays["indices"][2][:SHORTLIST], labelled))
        swap(arrays, int(places[0]), int(places[-1]))

    change_ranking(folder, change, name)
    one = found(folder, name)
    assert one.state == DISAGREES
    assert "for query 2" in one.differences[0].what


@pytest.mark.parametrize("name", ["single", *RERANKED])
@pytest.mark.parametrize("places", [(0, PLACES - 1), (PLACES - 2, PLACES - 1)])
def test_places_behind_the_shortlist_stay(folder: Path, name: str, places: tuple[int, int]) -> None:
    forget_digest(folder, name)
    # Without labels only the search can tell.
    change_ranking(folder, lambda arrays: swap(arrays, *places), name)
    whats = [each.what for each in found(folder, name).differences]
    assert any("query 2" in what and "shortlist" in what for what in whats)


def test_ranks_under_one_protocol_are_held_against_the_search(folder: Path) -> None:
    forget_digest(folder, "without-junk")

    def change(arrays: dict[str, np.ndarray]) -> None:
        ranks = arrays["labelled_rank_hard"]
        ranks[np.argmax(ranks)] += 1

    change_ranking(folder, change, "without-junk")
    assert any("rank under hard of image" in each.what for each in found(folder, "without-junk").differences)


def test_ranks_behind_the_stored_places_must_be_behind(folder: Path) -> None:
    forget_digest(folder, "single")

    def change(arrays: dict[str, np.ndarray]) -> None:
        ranks = arrays["labelled_rank"]
        ranks[np.argmax(ranks)] = PLACES - 1

    change_ranking(folder, change, "single")
    whats = [str(each) for each in found(folder, "single").differences]
    assert any("ranking, rank of image" in what and f"behind the first {PLACES}" in what for what in whats)


def test_another_ground_truth(folder: Path) -> None:
    path = folder / "results/data/small/gnd_small.pkl"
    content = pickle.loads(path.read_bytes())
    content["gnd"][0]["easy"] = content["gnd"][0]["easy"][1:]
    path.write_bytes(pickle.dumps(content))
    done = verify_results(folder / "results")
    assert [one.state for one in done.checked] == [DISAGREES] * 3
    assert {each.what for one in done.checked for each in one.differences} == {"sha256 of the ground truth"}


def test_what_is_not_there_cannot_be_checked(folder: Path, run: Run) -> None:
    (folder / "results/rankings/d/small/plain/superglobal.npz").unlink()
    done = run("verify", folder / "results")
    line = next(line for line in done.out.splitlines() if SOURCE.format("superglobal") in line)
    assert done.code == 1
    assert line.startswith(UNCHECKED)
    assert "the ranking that it evaluates is not there" in line
    assert "2 agree, 0 disagree, 1 cannot be checked" in done.out
    for name in ("single", *RERANKED):
        forget_digest(folder, name)
    shutil.rmtree(folder / "results/data")
    assert {one.state for one in verify_results(folder / "results").checked} == {UNCHECKED}


def test_a_missing_search_leaves_the_figures_verified(folder: Path) -> None:
    shutil.rmtree(folder / "results/search")
    one = found(folder)
    assert (one.state, one.notes) == (OK, ["shortlists were not compared: the search is not there"])


@pytest.mark.parametrize("digest", [True, False])
def test_a_truncated_ranking(folder: Path, digest: bool) -> None:
    if not digest:
        forget_digest(folder)
    path = folder / "results/rankings/d/small/plain/superglobal.npz"
    path.write_bytes(path.read_bytes()[:-200])
    one = found(folder)
    assert one.state == (DISAGREES if digest else UNCHECKED)
    assert "is not a whole .npz file" in str(one)
    assert found(folder, "single").state == OK


@pytest.mark.parametrize("content", ["{", '{"easy": {}}', "[]" * 3])
def test_a_damaged_result(folder: Path, content: str) -> None:
    path = folder / "results" / SOURCE.format("superglobal")
    path.write_text(content)
    one = found(folder)
    assert one.state == UNCHECKED
    assert "superglobal.json is" in one.reasons[0]
    assert found(folder, "single").state == OK


@pytest.mark.parametrize("array", ["indices", "labelled_row", "labelled_rank_hard"])
def test_arrays_that_do_not_belong_together(folder: Path, array: str) -> None:
    forget_digest(folder, "without-junk")
    change_ranking(folder, lambda arrays: arrays.update({array: arrays[array][:5].ravel()}), "without-junk")
    assert found(folder, "without-junk").state != OK
    assert found(folder).state == OK


def test_another_search(folder: Path) -> None:
    search = folder / "results/search/d/small/plain/topk.npz"
    truth = folder / "results/data/small/gnd_small.pkl"
    search_step(folder / "queries.npy", [folder / "database.npy"], PLACES - 1, search, truth)
    assert [each.what for each in found(folder).differences] == ["sha256 of the search"]


def test_results_by_hand_are_verified_where_their_rankings_lie(folder: Path, tmp_path: Path) -> None:
    truth, rng = folder / "results/data/small/gnd_small.pkl", np.random.default_rng(1)
    scores = rng.random((QUERIES, IMAGES)).round(1)
    np.save(tmp_path / "scores.npy", scores)
    np.save(tmp_path / "ranks.npy", np.argsort(-scores, axis=1, kind="stable"))
    root = tmp_path / "by-hand"
    for kind in ("scores", "ranks"):
        evaluate_step(truth, root / f"{kind}.json", bootstrap=0, **{kind: tmp_path / f"{kind}.npy"})  # type: ignore[arg-type]
    done = verify_results(root)
    assert [(one.source, one.state) for one in done.checked] == [("ranks.json", OK), ("scores.json", OK)]
    np.save(tmp_path / "scores.npy", -scores)
    ranks, by_scores = verify_results(root).checked
    assert ranks.state == OK
    whats = [each.what for each in by_scores.differences]
    assert whats[0] == "sha256 of the scores"
    assert "medium.map" in whats


def test_an_edited_table(folder: Path, run: Run) -> None:
    path = folder / "report/map.csv"
    rows = list(csv.DictReader(path.open()))
    rows[1]["hard_map_percent"] = "99.5"
    rows[2] |= {"record": "evaluation/d/small/plain/other.json", "method": "other"}
    with path.open("w") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = run("verify", folder / "results", "--report", folder / "report")
    assert done.code == 1
    assert "hard_map_percent in map.csv: stored 99.5, recomputed " in done.out
    assert "rows of map.csv: stored 0, recomputed 1" in done.out
    assert "recomputed no such result" in done.out


def test_what_is_no_input(folder: Path, run: Run, tmp_path: Path) -> None:
    for arguments in (
        (tmp_path / "none",),
        (folder / "report",),
        (folder / "results", "--report", tmp_path),
        (folder / "results", "--out", tmp_path),
    ):
        done = run("verify", *arguments)
        assert done.code == 2
        assert done.err.startswith("superglobal: ")
    with pytest.raises(UserError, match="holds no evaluation"):
        verify_results(folder / "report")


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("parameters", "shortlist", 13),
        ("parameters", "beta", 0.5),
        ("parameters", "query_neighbour", True),
        ("parameters", "added", 1),
        ("protocol", "shortlist", "junk removed"),
        ("protocol", "query_crop", True),
        ("protocol", "ties", "descending index"),
    ],
)
def test_a_record_that_names_other_parameters_than_its_ranking(
    folder: Path, part: str, key: str, value: Any
) -> None:
    edit(folder, lambda it: it["record"][part].__setitem__(key, value))
    one = found(folder)
    assert [(each.what, each.stored) for each in one.differences] == [(f"{part}.{key} in the record", value)]
    assert one.differences[0].recomputed != value


@pytest.fixture(scope="module")
def made_with_suite(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same results, of a suite with a method that cannot run; with their report."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("suite") / "made")
    methods = {"single": {"reranker": "none"}, **{key: {"reranker": "superglobal"} for key in RERANKED}}
    suite = {
        "suite": "tiny",
        "title": "Tiny",
        "datasets": {"small": {"synthetic": {"distractors": 0}}},
        "descriptors": {"d": {"extract": {"backbone": "mini"}}},
        "timing": None,
        "methods": methods | {"rrt": {"reranker": "rrt", "shortlist": 5}},
    }
    save_suite(parse_suite(suite, "suite"), folder / "results/suite.json")
    write_report(folder / "results", folder / "report")
    return folder


@pytest.fixture
def with_suite(made_with_suite: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_with_suite, tmp_path / "suite")


def test_rows_of_methods_that_cannot_run_agree_with_the_reasons(with_suite: Path, run: Run) -> None:
    done = run("verify", with_suite / "results", "--report", with_suite / "report")
    assert (done.code, done.err) == (0, "")
    line = next(line for line in done.out.splitlines() if "map.csv" in line)
    assert line.startswith(OK)
    assert line.endswith("rrt on small with d, plain: could not run: weights missing")
    assert "4 agree, 0 disagree, 0 cannot be checked" in done.out


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("cannot_run", "no time", "cannot_run in map.csv: stored no time, recomputed weights missing"),
        ("hard_map_percent", "77.5", "hard_map_percent in map.csv: stored 77.5, recomputed nothing"),
        ("method", "asmk", "rows of map.csv: stored 0, recomputed 1"),
    ],
)
def test_an_edited_row_of_a_method_that_cannot_run(
    with_suite: Path, run: Run, column: str, value: str, named: str
) -> None:
    path = with_suite / "report/map.csv"
    rows = list(csv.DictReader(path.open()))
    rows[-1][column] = value
    with path.open("w") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = run("verify", with_suite / "results", "--report", with_suite / "report")
    assert done.code == 1
    assert named in done.out


@pytest.mark.parametrize(("text", "says"), [("{}", "empty"), ("[]", "empty"), (None, "missing: the suite")])
def test_a_missing_or_emptied_result_cannot_be_checked(with_suite: Path, text: str | None, says: str) -> None:
    path = with_suite / "results" / SOURCE.format("superglobal")
    path.unlink() if text is None else path.write_text(text)
    one = found(with_suite)
    assert (one.state, len(one.reasons)) == (UNCHECKED, 1)
    assert one.reasons[0].startswith(says)
    assert found(with_suite, "single").state == OK
