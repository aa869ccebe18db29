"""Results that are incomplete, foreign, damaged or made by hand: said, and never guessed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from made_up_results import (
    DISTRACTORS,
    EVIL,
    IMAGES,
    NAMES,
    Page,
    add_result,
    orders,
    read_csv,
    read_evaluation,
)

from superglobal_core.config import parse_suite
from superglobal_core.errors import UserError
from superglobal_core.files import write_json
from superglobal_core.reporting.collect import Study, read_study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.report import write_report
from superglobal_core.reporting.study import group_results, missing_results
from superglobal_core.results import Stopwatch


def test_what_a_killed_step_left_is_no_result(results: Path, tmp_path: Path) -> None:
    for folder in (
        "timing/mini/toy",
        "evaluation/mini/toy",
        "ablation",
        "approximate",
        "scale",
        "sweeps/mini/toy",
    ):
        write_json(results / folder / ".partial-time-x/rows/shard-00000.json", {"ids": []})
        write_json(results / folder / ".partial-x-plain.json", {"half": 1})
    assert read_study(results).timed == ()
    assert write_report(results, tmp_path / "out").is_file()


def test_by_hand_results_need_no_suite(results: Path, tmp_path: Path) -> None:
    (results / "suite.json").unlink()
    flat = tmp_path / "flat"
    flat.mkdir()
    for method in ("single-stage", "better"):
        source = results / "evaluation" / "mini" / "toy" / "distractors" / f"{method}.json"
        (flat / f"{method}.json").write_bytes(source.read_bytes())
    (flat / "unrelated.json").write_text('{"other": 1}')
    page = write_report(flat, tmp_path / "out")
    text = Page(page.read_text()).text
    assert "The results folder has no suite.json" in text
    assert "toy, with 5 distractors" in text
    assert "its ground truth is not at hand" in Page((page.parent / "queries.html").read_text()).text
    rows = read_csv(page.parent / "map.csv")
    assert [(row["dataset"], row["method"], row["method_label"]) for row in rows] == [
        ("toy", "single-stage", "single stage"),
        ("toy", "better", "better"),
    ]
    assert {path.name for path in (page.parent / "figures").iterdir()} == {
        "map-1-toy.svg",
        "map-1-toy.pdf",
        "change-1-toy.svg",
        "change-1-toy.pdf",
        "ranking-1.svg",
        "ranking-1.pdf",
        "workflow.svg",
        "workflow.pdf",
    }


def test_a_data_set_s_name_cannot_leave_the_folder(results: Path, tmp_path: Path) -> None:
    content = read_evaluation(results, "plain", "single-stage")
    content["record"]["dataset"] = "../../elsewhere"
    write_json(tmp_path / "flat" / "a.json", content)
    page = write_report(tmp_path / "flat", tmp_path / "deep" / "er" / "out")
    assert {path.stem for path in (page.parent / "figures").iterdir()} == {"map-1-elsewhere", "workflow"}
    assert not list(tmp_path.glob("*elsewhere*"))


def test_unknown_numbers_of_distractors_are_said(results: Path, tmp_path: Path) -> None:
    for method, reranker, order in zip(
        ("single-stage", "better"), ("none", "superglobal"), orders(IMAGES), strict=True
    ):
        add_result(results, "plain", method, reranker, order, list(NAMES), distractors=None)
    text = Page(write_report(results, tmp_path / "out").read_text()).text
    assert "number of distractors not recorded" in text


def chart_text(path: Path) -> str:
    """Return the words of a chart, whose titles are broken into lines."""
    words = " ".join(re.findall(r"<(?:text|tspan)[^>]*>([^<]*)(?=<)", path.read_text()))
    return " ".join(words.split())


def add_numbers(root: Path, numbers: dict[str, int]) -> None:
    """Let each method's results with distractors say that they searched so many."""
    for (method, number), reranker, order in zip(
        numbers.items(), ("none", "superglobal"), orders(IMAGES + DISTRACTORS), strict=True
    ):
        ids = [*NAMES, *(f"far_{row}" for row in range(DISTRACTORS))]
        add_result(root, "distractors", method, reranker, order, ids, distractors=number)


def test_each_figure_says_its_own_number_of_distractors(results: Path, tmp_path: Path) -> None:
    other = results / "evaluation" / "other" / "toy" / "distractors"
    suite = json.loads((results / "suite.json").read_text())
    suite["descriptors"]["other"] = {"extract": {"backbone": "mini"}}
    write_json(results / "suite.json", suite)
    add_numbers(results, {"single-stage": 123_456, "better": 123_456})
    for path in (results / "evaluation" / "mini" / "toy" / "distractors").iterdir():
        write_json(other / path.name, json.loads(path.read_text()))
    add_numbers(results, {"single-stage": 999_412, "better": 999_412})
    page = write_report(results, tmp_path / "out")
    out, text = page.parent, Page(page.read_text()).text
    expected = {("mini", "0"), ("mini", "999412"), ("other", "123456")}
    for name in ("map.csv", "per_query.csv"):
        assert {(row["descriptor"], row["distractors"]) for row in read_csv(out / name)} == expected
    for name, separator in (("map.md", "|"), ("map.tex", "&")):
        lines = [
            [cell.strip() for cell in line.split(separator)] for line in (out / name).read_text().split("\n")
        ]
        rows = {
            (cells[cells.index("Toy (synthetic)") + 1], *cells)
            for cells in lines
            if "Toy (synthetic)" in cells
        }
        found = sorted((row[0], "Mini" in row, "other" in row) for row in rows)
        assert found == [
            *[("0", True, False)] * 2,
            *[("123,456", False, True)] * 2,
            *[("999,412", True, False)] * 2,
        ]
    # One column for both descriptors: each figure says what was searched.
    assert "Toy (synthetic), different numbers of distractors" in text
    assert re.search(r"[\d.]+ to [\d.]+ with 999,412 distractors", text)
    assert re.search(r"[\d.]+ to [\d.]+ with 123,456 distractors", text)
    assert "database images, 123,456 or 999,412 distractors" in text
    for chart in ("map-toy.svg", "change-toy.svg"):
        drawn = chart_text(out / "figures" / chart)
        assert "Mini, with 999,412 distractors" in drawn
        assert "other, with 123,456 distractors" in drawn
    rounded = r"1\s?M\b|million"
    assert not re.search(rounded, text)
    assert not any(re.search(rounded, (out / name).read_text()) for name in ("map.csv", "map.md", "map.tex"))


def test_results_of_one_group_with_differing_numbers_say_each_its_own(results: Path, tmp_path: Path) -> None:
    add_numbers(results, {"single-stage": 999_412, "better": 5_000})
    page = write_report(results, tmp_path / "out")
    text = Page(page.read_text()).text
    rows = [(row["method"], row["distractors"]) for row in read_csv(page.parent / "map.csv")]
    assert rows[2:] == [("single-stage", "999412"), ("better", "5000")]
    assert "Toy (synthetic), different numbers of distractors" in text
    assert "single stage with 999,412 distractors" in text
    assert " ".join(f"{EVIL} with 5,000 distractors".split()) in text
    assert "because their numbers of distractors differ." in text
    chart = chart_text(page.parent / "figures" / "map-toy.svg")
    assert "single stage with 999,412 distractors" in chart
    assert "with 5,000 distractors" in chart


def test_provenance_says_which_distractors_were_gathered(results: Path, report: Path, tmp_path: Path) -> None:
    assert "In the archives" not in Page((report / "provenance.html").read_text()).text
    counts = {"listed": 1_001_001, "in_archives": 999_500, "undecodable": 61, "not_listed": 27}
    for name, step, more in (
        ("mini/revisitop1m/distractors", "gather", {"asked": None, "used": 999_412}),
        ("mini/<b>set/distractors-5000", "gather", {"listed": None, "asked": 5_000, "used": 4_711}),
        ("mini/revisitop1m/part-001", "gather", {"used": 31_337}),
        ("mini/toy/distractors", "extract", {"used": 31_337}),
    ):
        record = Stopwatch().record(step, parameters=counts | more, seed=3)
        write_json(results / "features" / name / "record.json", record.model_dump())
    page = Page((write_report(results, tmp_path / "out").parent / "provenance.html").read_text())
    assert (
        "Mini revisitop1m 1,001,001 999,500 61 27 all 999,412 features/mini/revisitop1m/distractors/"
        in page.text
    )
    assert (
        "Mini <b>set no list 999,500 61 27 5,000, seed 3 4,711 features/mini/<b>set/distractors-5000/"
        in page.text
    )
    assert "31,337" not in page.text
    assert (page.wrong, page.open) == ([], [])


def test_results_that_do_not_belong_together_are_not_compared(results: Path, tmp_path: Path) -> None:
    add_result(
        results,
        "plain",
        "better",
        "superglobal",
        orders(IMAGES)[1],
        list(NAMES),
        descriptor={"backbone": "other"},
    )
    study = read_study(results)
    assert {group.variant: len(group.comparisons) for group in group_results(study)} == {
        "plain": 0,
        "distractors": 1,
    }
    text = Page(write_report(results, tmp_path / "out").read_text()).text
    assert "is not compared with the single stage, because their descriptors differ." in text


def test_missing_and_foreign_results_are_named(results: Path, tmp_path: Path) -> None:
    folder = results / "evaluation" / "mini" / "toy" / "plain"
    (folder / "better.json").rename(folder / "older.json")
    text = Page(write_report(results, tmp_path / "out").read_text()).text
    assert "The suite asks for 1 more results, which are not there: mini/toy/plain/better." in text
    assert "left from an earlier run, are not shown: evaluation/mini/toy/plain/older.json." in text
    for file in (tmp_path / "out").rglob("*.*"):
        if file.suffix in (".csv", ".md", ".tex", ".svg"):
            assert "older" not in file.read_text()
    study = read_study(results)
    assert all("older" not in source for source, _ in study.records)
    # What somebody evaluated beside the suite has a name of its own, and is shown.
    (folder / "older.json").rename(results / "evaluation" / "own.json")
    assert (
        "evaluated beside it: evaluation/own.json."
        in Page(write_report(results, tmp_path / "out").read_text()).text
    )


def test_results_among_a_downloaded_set_of_distractors_are_missed_too(tmp_path: Path) -> None:
    suite = {
        "suite": "tiny",
        "title": "Tiny",
        "datasets": {"photos": {"groundtruth": "gnd.pkl", "query_images": "q", "database_images": "d"}},
        "distractor_set": "revisitop1m",
        "descriptors": {"mini": {"extract": {"backbone": "mini"}}},
        "methods": {"single-stage": {"reranker": "none"}},
    }
    parsed = parse_suite(suite, "suite")
    expected = ["mini/photos/plain/single-stage", "mini/photos/distractors/single-stage"]
    assert missing_results(Study(tmp_path, parsed, (), ())) == expected


def test_a_record_s_silence_is_not_filled_with_this_machine(results: Path, tmp_path: Path) -> None:
    for path in (results / "evaluation").rglob("*.json"):
        content = json.loads(path.read_text())
        for key in ("code", "software", "hardware"):
            del content["record"][key]
        write_json(path, content)
    study = read_study(results)
    assert all(result.record.hardware == {} and result.record.code == {} for result in study.results)
    assert "commit not recorded" in Page(write_report(results, tmp_path / "out").read_text()).text


def test_suite_labels_name_every_drawn_data_set(results: Path) -> None:
    study = read_study(results)
    assert Labels(study.suite).dataset("toy") == "Toy (synthetic)"
    assert Labels(None).dataset("toy") == "toy"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content["medium"].pop("map"), r"better\.json is damaged: medium\.map is missing"),
        (lambda content: content.pop("hard"), r"better\.json is damaged: hard is missing"),
        (lambda content: content.pop("record"), r"better\.json is damaged: record is missing"),
        (lambda content: content["easy"].update(map=56.7), r"better\.json is damaged: easy\.map is wrong"),
        (
            lambda content: content["easy"].update(map=float("nan")),
            r"better\.json is damaged: easy\.map is wrong",
        ),
        (
            lambda content: content["easy"]["average_precision"].append(0.5),
            r"better\.json is damaged: easy\.average_precision has 6",
        ),
        (
            lambda content: content["easy"]["average_precision"].__setitem__(1, "x"),
            r"easy\.average_precision\.1 is wrong",
        ),
    ],
)
def test_damaged_evaluations_are_named_with_the_key(
    results: Path, tmp_path: Path, damage: Any, message: str
) -> None:
    content = read_evaluation(results, "plain", "better")
    damage(content)
    path = results / "evaluation" / "mini" / "toy" / "plain" / "better.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        write_report(results, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_json_no_evaluation_no_folder(whole: Path, results: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no folder of results"):
        write_report(tmp_path / "absent", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        UserError, match=r"holds no evaluation: run the suite first, or `superglobal evaluate"
    ):
        write_report(tmp_path / "empty", tmp_path / "out")
    (results / "evaluation" / "mini" / "toy" / "plain" / "better.json").write_text("{")
    with pytest.raises(UserError, match=r"better\.json is not valid JSON"):
        write_report(results, tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_report(whole, tmp_path / "file")
