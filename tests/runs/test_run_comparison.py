"""Runs compared: every digit, every ranking, chance where the queries are the same, and where the runs differ."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_results import orders
from made_up_runs import FIGURES, change_json, change_records, copy_run, evaluation, set_aps

from superglobal_core.errors import UserError
from superglobal_core.evaluation.holm import holm
from superglobal_core.evaluation.paired import paired_difference
from superglobal_core.files import load_arrays, write_npz
from superglobal_core.reporting.texts import ABSENT
from superglobal_core.runs.comparison import Comparison, compare_runs
from superglobal_core.runs.figures import Against
from superglobal_core.timing.record import MethodTiming, TimingRecord, write_timings

BETTER_PLAIN = ("toy", "mini", "plain", "better")


def against(comparison: Comparison, names: tuple[str, ...], protocol: str) -> Against:
    (row,) = (row for row in comparison.rows if (row.names, row.protocol) == (names, protocol))
    return row.against[0]


def test_equal_runs(first: Path, second: Path) -> None:
    found = compare_runs([first, second])
    assert found.answer == (
        f"All {FIGURES} figures of second/tiny are those of first/tiny to the last digit; "
        "nothing that the records tell differs between the runs."
    )
    assert {each.verdict for row in found.rows for each in row.against} == {"identical"}
    assert all(order.identical for order in found.orders.values())
    assert len(found.orders) == 4
    assert not found.differences
    assert not found.only


def test_what_differs_is_named(first: Path, second: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        record["software"]["torch"] = "1.0"
        record["code"]["commit"] = "b" * 40
        record["hardware"]["cpu"] = "Other <i>CPU</i>"

    change_records(second, change)

    def stronger(content: dict[str, Any]) -> None:
        content["record"]["parameters"]["beta"] = 0.3
        content["record"]["inputs"] = [{"role": "ground truth", "path": "b.pkl", "sha256": "2" * 64}]

    def given(content: dict[str, Any]) -> None:
        content["record"]["inputs"] = [{"role": "ground truth", "path": "a.pkl", "sha256": "1" * 64}]

    change_json(evaluation(first, "plain", "better"), given)
    change_json(evaluation(second, "plain", "better"), stronger)
    change_json(second / "suite.json", lambda suite: suite["methods"]["better"].update(beta=0.3))
    found = compare_runs([first, second])
    by_key = {(each.kind, each.key): each for each in found.differences}
    assert by_key["packages", "torch"].values["second/tiny"] == "1.0"
    assert by_key["code", "commit"].values["second/tiny"] == "bbbbbbb"
    assert by_key["machine", "cpu"].values["second/tiny"] == "Other <i>CPU</i>"
    assert dict(by_key["suite", "methods.better.beta"].values) == {"first/tiny": "none", "second/tiny": "0.3"}
    setting = by_key["settings", "parameters.beta"]
    assert (dict(setting.values), setting.where) == (
        {"first/tiny": "absent", "second/tiny": "0.3"},
        "in 1 record",
    )
    assert by_key["data and weights", "ground truth"].values["second/tiny"] == "2" * 12
    assert len(by_key) == 6
    assert found.answer.endswith(
        "the runs differ in machine, torch version, commit, the suite's methods.better.beta, "
        "settings (parameters.beta) and what was read (ground truth)."
    )
    assert not found.times.same_machine


def test_chance_is_judged_query_by_query_and_corrected(first: Path, second: Path) -> None:
    rng = np.random.default_rng(3)
    before = rng.uniform(0.2, 0.6, 20)
    gain, noise = before + rng.uniform(0.05, 0.3, 20), before + rng.normal(0, 0.05, 20)
    for run, values in ((first, [before, before]), (second, [gain, noise])):
        set_aps(evaluation(run, "plain", "better"), values[0], "medium")
        set_aps(evaluation(run, "plain", "better"), values[1], "hard")
    found = compare_runs([first, second])
    alone = [paired_difference(before.tolist(), after.tolist()) for after in (gain, noise)]
    medium, hard = (against(found, BETTER_PLAIN, protocol) for protocol in ("medium", "hard"))
    assert medium.change is not None
    assert hard.change is not None
    assert medium.difference == pytest.approx(float((gain - before).mean()))
    assert [medium.change.found.p_value, hard.change.found.p_value] == [
        each.p_value for each in alone if each
    ]
    # Figures without any difference are no comparisons: two are corrected for, not twelve.
    assert [medium.change.corrected, hard.change.corrected] == holm([each.p_value for each in alone if each])
    assert (medium.verdict, hard.verdict) == ("better", "no difference can be shown")
    assert found.answer.startswith(
        f"2 of {FIGURES} figures of second/tiny differ from first/tiny, 1 beyond chance;"
    )
    most = sorted(range(20), key=lambda query: -(gain - before)[query])[:5]
    assert [number for number, _ in medium.moved] == most


def test_a_figure_that_contradicts_its_own_queries_is_told(first: Path, second: Path) -> None:
    path = evaluation(second, "plain", "better")
    content = json.loads(path.read_text())
    content["medium"]["map"] += 0.01
    path.write_text(json.dumps(content))
    medium = against(compare_runs([first, second]), BETTER_PLAIN, "medium")
    assert medium.verdict == "one contradicts its own APs, which are equal: superglobal verify says which"


def test_differences_of_rounding_are_told_from_others(first: Path, second: Path) -> None:
    values = [0.25, 0.5, 0.75, 0.5, 0.5]
    for run in (first, second):
        set_aps(evaluation(run, "plain", "better"), values)
    set_aps(evaluation(second, "plain", "better"), [0.25 + 4e-14, *values[1:]], "medium")
    set_aps(evaluation(second, "plain", "better"), [0.25 + 4e-8, *values[1:]], "hard")
    found = compare_runs([first, second])
    medium, hard = (against(found, BETTER_PLAIN, protocol) for protocol in ("medium", "hard"))
    assert medium.agreement == "to 1e-14"
    assert (medium.change, medium.verdict) == (None, "equal but for rounding")
    assert hard.agreement == "to 1e-8"
    assert found.answer.startswith(
        f"2 of {FIGURES} figures of second/tiny differ from first/tiny, by no more than 1e-8, none beyond chance;"
    )


def test_queries_that_swap_are_a_difference_although_the_mean_is_the_same(first: Path, second: Path) -> None:
    set_aps(evaluation(first, "plain", "better"), [0.25, 0.75, 0.5, 0.5, 0.5])
    set_aps(evaluation(second, "plain", "better"), [0.75, 0.25, 0.5, 0.5, 0.5])
    found = against(compare_runs([first, second]), BETTER_PLAIN, "medium")
    assert found.agreement == "identical"
    assert found.differs
    assert dict(found.moved) == {0: 0.5, 1: -0.5}


def test_other_queries_are_shown_and_not_tested(first: Path, second: Path) -> None:
    def other(record: dict[str, Any]) -> None:
        record["protocol"]["groundtruth_sha256"] = "f" * 64

    change_json(evaluation(second, "plain", "better"), lambda content: other(content["record"]))
    set_aps(evaluation(second, "plain", "better"), [0.125] * 5)
    comparison = compare_runs([first, second])
    found = against(comparison, BETTER_PLAIN, "medium")
    assert (found.change, found.verdict) == (None, "not compared: their ground truths differ")
    assert "so that chance is not judged" in comparison.answer


def test_figures_without_a_common_query_are_not_compared(first: Path, second: Path) -> None:
    set_aps(evaluation(first, "plain", "better"), [0.5, None, None, None, None], "hard")
    set_aps(evaluation(second, "plain", "better"), [None, 0.25, None, None, None], "hard")
    found = against(compare_runs([first, second]), BETTER_PLAIN, "hard")
    assert (found.agreement, found.verdict) == ("differs", "not compared: no query counts in both")
    assert found.differs


def test_what_only_one_run_has(first: Path, second: Path) -> None:
    path = evaluation(second, "plain", "better")
    path.write_text('{"cannot_run": "weights missing"}')
    (found,) = compare_runs([first, second]).only
    assert found == ("toy/mini/plain/better", "only in first/tiny; second/tiny: weights missing")
    shutil.rmtree(second / "evaluation")
    shutil.copytree(first / "evaluation" / "mini", second / "evaluation" / "other")
    (second / "suite.json").unlink()
    comparison = compare_runs([first, second])
    assert comparison.answer == (
        "second/tiny and first/tiny have no figure in common: there is nothing to compare."
    )
    assert len(comparison.only) == 8


def test_rankings(first: Path, second: Path) -> None:
    path = second / "rankings" / "mini" / "toy" / "plain" / "better.npz"
    arrays = load_arrays(path)
    arrays["indices"][1, [2, 4]] = arrays["indices"][1, [4, 2]]
    write_npz(path, arrays)
    key = compare_runs([first, second]).rows[0].names._replace(variant="plain", method="better")
    order = compare_runs([first, second]).orders[key, "second/tiny"]
    assert (order.identical, order.words) == (False, "1 of 5 queries differ, first at place 3")
    path.unlink()
    assert compare_runs([first, second]).orders[key, "second/tiny"].words == "not stored"
    for run, digest in ((first, "1" * 64), (second, "1" * 64)):
        entry = {"role": "ranking", "path": "r.npz", "sha256": digest}
        change_json(
            evaluation(run, "plain", "better"), lambda content, e=entry: content["record"].update(inputs=[e])
        )
    assert compare_runs([first, second]).orders[key, "second/tiny"].words == "identical"
    path.write_bytes(b"PK no archive")
    with pytest.raises(UserError, match=r"better\.npz is not a whole \.npz"):
        compare_runs([first, second])


def test_rankings_of_other_sizes(first: Path, second: Path) -> None:
    before, _ = orders(11)
    arrays = load_arrays(second / "rankings" / "mini" / "toy" / "plain" / "better.npz")
    write_npz(second / "rankings" / "mini" / "toy" / "plain" / "better.npz", {**arrays, "indices": before})
    found = compare_runs([first, second]).orders
    assert "of other sizes (5 x 12 and 5 x 11)" in {order.words for order in found.values()}


def test_times_are_ratios_and_chance_is_judged(first: Path, second: Path) -> None:
    steady, slower = [0.010, 0.0101, 0.0099] * 4, [0.020, 0.0201, 0.0199] * 4
    for run, samples in ((first, steady), (second, slower)):
        timings = [
            MethodTiming(
                method="superglobal", label="Fast", scope="scoring", samples_s=samples, shortlist=100
            ),
            MethodTiming(method="none", label="Search", scope="scoring", samples_s=steady, shortlist=100),
        ]
        path = run / "timing" / "mini" / "toy" / "plain.json"
        path.parent.mkdir(parents=True)
        write_timings(path, TimingRecord(timings=timings))
    change_records(first, lambda record: record.update(wall_time_s=2.0))
    change_records(second, lambda record: record.update(wall_time_s=3.0))
    times = compare_runs([first, second]).times
    assert times.same_machine
    rows = {row.name: row for row in times.rows}
    fast, search = rows["Fast (mini/toy/plain)"], rows["Search (mini/toy/plain)"]
    assert fast.ratios["second/tiny"] == pytest.approx(2.0)
    assert fast.judged is not None
    assert search.judged is not None
    # The reference took half of the time.
    assert fast.judged["second/tiny"].verdict == "faster"
    assert search.judged["second/tiny"].verdict is None
    assert rows["rankings/mini/toy/plain/better"].ratios == {"second/tiny": 1.5}


def test_three_runs_are_each_held_against_the_first(first: Path, second: Path, tmp_path: Path) -> None:
    third = copy_run(first, tmp_path / "third" / "tiny")
    set_aps(evaluation(third, "plain", "better"), [0.5] * 5)
    found = compare_runs([first, second, third])
    one, two = found.answer.split(" nothing that the records tell differs between the runs.")[:2]
    assert one.startswith(f"All {FIGURES} figures of second/tiny are those of first/tiny")
    assert f" of {FIGURES} figures of third/tiny differ from first/tiny" in two
    assert [len(row.against) for row in found.rows] == [2] * FIGURES


def test_a_third_run_does_not_hide_what_two_say(first: Path, second: Path, tmp_path: Path) -> None:
    third = copy_run(first, tmp_path / "third" / "tiny")
    evaluation(third, "plain", "better").unlink()

    def reads(run: Path, variant: str, digest: str) -> None:
        entry = {"role": "weights", "path": "w.pyth", "sha256": digest * 64}
        change_json(
            evaluation(run, variant, "better"), lambda content: content["record"].update(inputs=[entry])
        )

    for run, variant, digest in (
        (first, "plain", "1"),
        (second, "plain", "2"),
        (first, "distractors", "3"),
        (second, "distractors", "3"),
        (third, "distractors", "3"),
    ):
        reads(run, variant, digest)
    change_json(
        evaluation(second, "plain", "better"),
        lambda content: content["record"]["parameters"].update(beta=0.3),
    )
    found = compare_runs([first, second, third])
    assert {each.key: list(each.values.values()) for each in found.differences} == {
        "parameters.beta": ["absent", "0.3", ABSENT],
        "weights": ["as the reference", "1 of 2 differ", "as the reference"],
    }
    one, two = found.answer.split("; ")[1:]
    assert one.startswith("the runs differ in settings (parameters.beta) and what was read (weights).")
    assert two == "nothing that the records tell differs between the runs."


def test_mistakes_are_sentences(first: Path, second: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="name two folders"):
        compare_runs([first])
    with pytest.raises(UserError, match="are one folder"):
        compare_runs([first, first.parent / "." / "tiny"])
    with pytest.raises(UserError, match="there is no folder of results"):
        compare_runs([first, tmp_path / "nowhere"])
    evaluation(second, "plain", "better").write_text('{"easy": {}, "record": {}}')
    with pytest.raises(UserError, match=r"better\.json is damaged"):
        compare_runs([first, second])
    evaluation(second, "plain", "better").write_text("{")
    with pytest.raises(UserError, match="is not valid JSON"):
        compare_runs([first, second])
