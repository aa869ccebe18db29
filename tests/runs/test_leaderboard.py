"""The leaderboard: equal rows are one, others are named, and only what is beyond chance is marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_results import EVIL
from made_up_runs import change_json, change_records, copy_run, evaluation, set_aps

from superglobal_core.errors import UserError
from superglobal_core.runs.marks import mark_best
from superglobal_core.runs.run import find_runs, short_names
from superglobal_core.runs.standings import gather


def test_runs_are_found_wherever_they_lie(first: Path, second: Path, tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    copy_run(first, tmp_path / ".hidden" / "tiny")
    copy_run(second, first / "data" / "inside")
    (tmp_path / "empty").mkdir()
    assert find_runs(tmp_path) == [first, second]
    assert find_runs(first) == [first]
    for folder, said in ((tmp_path / "empty", "contains none"), (tmp_path / "nowhere", "there is no folder")):
        with pytest.raises(UserError, match=said):
            find_runs(folder)


def test_names_tell_runs_apart() -> None:
    assert short_names([Path("a/x"), Path("a/y"), Path("b/x")]) == ["a/x", "a/y", "b/x"]


def test_equal_rows_are_folded_with_a_count(first: Path, second: Path) -> None:
    board = gather([first, second, first.parent])
    assert [(each.method, each.names) for each in board.standings] == [
        (EVIL, "first/tiny, second/tiny"),
        ("single stage", "first/tiny, second/tiny"),
    ]
    assert [column.id for column in board.columns] == [
        "toy/plain/medium",
        "toy/plain/hard",
        "toy/distractors/medium",
        "toy/distractors/hard",
    ]
    assert [column.label for column in board.columns][1:3] == [
        "Toy (synthetic)",
        "Toy (synthetic) + 5 distractors",
    ]
    assert (board.runs, board.by, board.disagreeing, board.left_out) == (2, "toy/plain/medium", (), ())


def test_rows_that_disagree_are_shown_and_named(first: Path, second: Path) -> None:
    set_aps(evaluation(first, "plain", "better"), [0.5] * 5, "medium")
    set_aps(evaluation(second, "plain", "better"), [0.5, 0.5, 0.5, 0.5, 0.5 + 1e-6], "medium")
    change_json(
        evaluation(second, "plain", "better"),
        lambda content: content["record"]["parameters"].update(beta=0.3),
    )
    board = gather([first, second])
    assert [each.names for each in board.standings if each.method == EVIL] == ["second/tiny", "first/tiny"]
    assert board.disagreeing == (
        f"{EVIL} (Mini) has other figures in second/tiny and first/tiny: "
        "toy/plain/medium 50.00002 and 50.00000; their settings differ in parameters.beta.",
    )


def test_marks_need_more_than_chance(first: Path) -> None:
    rng = np.random.default_rng(5)
    base = rng.uniform(0.2, 0.5, 30)
    sure, unsure = base + rng.uniform(0.1, 0.2, 30), base + rng.normal(0.001, 0.1, 30)
    for variant, better in (("plain", sure), ("distractors", unsure)):
        set_aps(evaluation(first, variant, "single-stage"), base)
        set_aps(evaluation(first, variant, "better"), better.clip(0, 1))
    board = gather([first])
    assert board.standings[0].method == EVIL
    assert mark_best(board) == {(0, "toy/plain/medium"): "best", (0, "toy/plain/hard"): "best"}


def test_second_best_and_a_method_s_other_rows(first: Path, second: Path) -> None:
    def third(suite: dict[str, Any]) -> None:
        suite["methods"]["third"] = suite["methods"]["better"] | {"label": "Third"}

    rng = np.random.default_rng(6)
    base = rng.uniform(0.2, 0.5, 30)
    for run, more in ((first, 0.0), (second, 1e-7)):
        path = evaluation(run, "plain", "third")
        path.write_bytes(evaluation(run, "plain", "better").read_bytes())
        change_json(run / "suite.json", third)
        for method, gain in (("single-stage", 0.0), ("better", 0.3), ("third", 0.15)):
            set_aps(evaluation(run, "plain", method), base + gain * rng.uniform(0.8, 1, 30) + more)
    board = gather([first, second])
    marks = mark_best(board)
    plain = {place: mark for (place, column), mark in marks.items() if column == "toy/plain/medium"}
    named = {board.standings[place].method: mark for place, mark in plain.items()}
    # Both runs have a row of every method: the method's other row is not its rival.
    assert len(board.standings) == 6
    assert named == {EVIL: "best", "Third": "second"}


def test_other_ground_truths_stand_in_other_columns_and_unknown_ones_are_not_tested(
    first: Path, second: Path
) -> None:
    rng = np.random.default_rng(5)
    base = rng.uniform(0.2, 0.5, 30)

    def other(record: dict[str, Any]) -> None:
        record["protocol"]["groundtruth_sha256"] = "f" * 64

    def unknown(record: dict[str, Any]) -> None:
        del record["protocol"]["groundtruth_sha256"]

    change_records(second, other)
    board = gather([first, second])
    assert [column.id for column in board.columns if column.protocol == "hard"] == [
        "toy/plain/hard",
        "toy/plain#2/hard",
        "toy/distractors/hard",
        "toy/distractors#2/hard",
    ]
    assert "(ground truth ffffffff)" in board.columns[2].label
    assert len(board.standings) == 4
    assert not board.disagreeing
    for method, aps in (("single-stage", base), ("better", base + 0.3)):
        set_aps(evaluation(first, "plain", method), aps)
    assert mark_best(gather([first]))
    change_records(first, unknown)
    assert not mark_best(gather([first]))


def test_sorting(first: Path, second: Path) -> None:
    set_aps(evaluation(second, "plain", "better"), [0.25] * 5)
    evaluation(second, "plain", "single-stage").unlink()
    board = gather([first, second], "toy/plain/hard")
    values = [standing.value(board.columns[1]) for standing in board.standings]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=True)
    assert values[-1] is None
    change_records(second, lambda record: record.update(date="2001-01-01T00:00:00+00:00"))
    assert [each.names for each in gather([first, second], "date").standings][-2:] == ["second/tiny"] * 2
    assert gather([first, second], "run").standings[0].names == "first/tiny"
    with pytest.raises(UserError, match=r"unknown column 'toy/plain/easy': choose from .*toy/plain/medium"):
        gather([first], "toy/plain/easy")


def test_a_run_that_cannot_be_read_is_left_out_and_said(first: Path, second: Path) -> None:
    evaluation(second, "plain", "better").write_text("{")
    board = gather([first, second])
    assert board.runs == 1
    (said,) = board.left_out
    assert said.startswith("second/tiny is left out: ")
    assert "is not valid JSON" in said
    with pytest.raises(UserError, match="none of the runs can be read: tiny is left out"):
        gather([second])
