"""The page of ablations: planted effects, one correction a table, what is left out, and names that are no markup."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_results import Page
from test_statistics_page import add, aps

from superglobal_core.ablation_record import AblationRecord, write_ablation
from superglobal_core.errors import UserError
from superglobal_core.evaluation.holm import holm
from superglobal_core.files import write_text
from superglobal_core.reporting.ablation_effects import measured_effects
from superglobal_core.reporting.anchors import record_anchor
from superglobal_core.reporting.collect import read_study
from superglobal_core.reporting.report import write_pages, write_report

EVIL = "<script>alert(1)</script>&$x_y$"


def measured(values: np.ndarray) -> dict[str, Any]:
    """Figures of the values, Hard 0.2 lower; the first query has no positives under Easy."""

    def figures(known: list[float | None]) -> dict[str, Any]:
        defined = [value for value in known if value is not None]
        middle = float(np.mean(defined))
        return {
            "map": middle,
            "map_interval_95": [max(0.0, middle - 0.05), min(1.0, middle + 0.05)],
            "average_precision": known,
            "mean_precision": {},
            "queries_with_positives": len(defined),
        }

    hard = np.clip(values - 0.2, 0, 1).tolist()
    return {
        "easy": figures([None, *values.tolist()[1:]]),
        "medium": figures(values.tolist()),
        "hard": figures(hard),
    }


def row(name: str, changed: str, touches: str, table: str = "switches", **more: Any) -> dict[str, Any]:
    given = {"table": table, "name": name, "preset_value": "on", "changed_value": changed}
    return given | {"touches": touches, "who": f"{name} is told of.", **more}


def content(**more: Any) -> dict[str, Any]:
    single, reranked = aps(1), aps(1, 0.05)
    rows = [
        row("crop_rounding", "round", "queries", single_stage=measured(single), reranked=measured(reranked)),
        row(
            *("colour", "rgb", "images"),
            single_stage=measured(aps(2, -0.1)),
            reranked=measured(aps(3, -0.1)),
            settings={"colour": "rgb"},
        ),
        row("relup", "official-off", "network", single_stage=measured(aps(4, 0.001)), reranked=None),
        row("relup", "off", "network", single_stage=measured(aps(5, 0.1)), reranked=measured(aps(6, 0.2))),
        row("query_neighbour", EVIL, "reranking", single_stage=None, reranked=measured(aps(7, 0.05))),
        row("gem_plus", "off", "pooling", "modules", single_stage=measured(aps(8, -0.05))),
    ]
    known = {
        "dataset": "toy",
        "descriptor": "one",
        "preset": "official",
        "distractors": 0,
        "single_stage": measured(single),
        "reranked": measured(reranked),
        "rows": rows,
        "left_out": [
            {"table": "switches", "name": "exif", "changed_value": "off", "reason": "no image has EXIF"},
            {"table": "backbones", "name": EVIL, "reason": f"no weights {EVIL}"},
        ],
        "fixed": [{"name": "images", "reason": "Only face-blurred copies are served."}],
        "record": {
            "step": "ablate",
            "suite": "tiny",
            "seed": 3,
            "parameters": {"bootstrap": 50},
            "date": "2024-05-06T07:08:09+00:00",
            "wall_time_s": 1.0,
        },
    }
    return known | more


def other_backbone() -> dict[str, Any]:
    modules = [row("gem_plus", "off", "pooling", "modules", single_stage=measured(aps(9, -0.05)))]
    return content(backbone="torchvision-resnet50", rows=modules, left_out=[], fixed=[], record=None)


def put(root: Path, name: str, record: dict[str, Any]) -> None:
    write_ablation(root / "ablation" / name, AblationRecord.model_validate(record))


def fill(root: Path) -> Path:
    add(root, "one", "single", aps(1))
    put(root, "one/toy.json", content())
    put(root, "one-torchvision/toy.json", other_backbone())
    return root


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ablations with planted effects; only to be read."""
    return fill(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def report(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with their report."""
    return write_report(results, tmp_path_factory.mktemp("report") / "out").parent


def rows_of(report: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((report / "ablation.csv").read_text().splitlines()))


def test_presets_lead_to_their_record(results: Path, report: Path, tmp_path: Path) -> None:
    ids = Page((report / "provenance.html").read_text()).attributes("id")
    html = (report / "ablation.html").read_text()
    found = {href for href in Page(html).attributes("href") if "provenance.html#" in href}
    # The other file has no record.
    assert found == {f"provenance.html#{record_anchor('ablation/one/toy.json')}"}
    assert record_anchor("ablation/one/toy.json") in ids
    assert ">Preset official</a>" in html
    write_pages(results, tmp_path, ["ablation"])
    assert "index.html" not in (tmp_path / "ablation.html").read_text()


def test_planted_effects_are_told_from_none(report: Path) -> None:
    verdicts = {
        (each["name"], each["changed_value"], each["stage"]): each["verdict"]
        for each in rows_of(report)
        if each["protocol"] == "hard" and each["table"] == "switches"
    }
    unsure = "no difference can be shown"
    assert verdicts == {
        ("crop_rounding", "round", "single_stage"): unsure,
        ("crop_rounding", "round", "reranked"): unsure,
        ("colour", "rgb", "single_stage"): "worse",
        ("colour", "rgb", "reranked"): "worse",
        ("relup", "official-off", "single_stage"): unsure,
        ("relup", "off", "single_stage"): "better",
        ("relup", "off", "reranked"): "better",
        ("query_neighbour", EVIL, "reranked"): unsure,
    }


def test_each_table_is_corrected_by_itself(report: Path) -> None:
    families: dict[tuple[str, str], list[dict[str, str]]] = {}
    for each in rows_of(report):
        if each["table"]:
            families.setdefault((each["backbone"], each["table"]), []).append(each)
    assert {key: len(rows) for key, rows in families.items()} == {
        ("", "switches"): 8 * 3,
        ("", "modules"): 3,
        ("torchvision-resnet50", "modules"): 3,
    }
    for rows in families.values():
        assert [float(each["p_holm"]) for each in rows] == holm([float(each["p"]) for each in rows])
        assert {each["comparisons"] for each in rows} == {str(len(rows))}


def test_csv_holds_full_differences_to_the_preset(report: Path) -> None:
    rows = rows_of(report)
    base = {
        (each["backbone"], each["stage"], each["protocol"]): float(each["map_percent"])
        for each in rows
        if not each["name"]
    }
    assert len(base) == 12
    for each in rows:
        if each["name"]:
            before = base[each["backbone"], each["stage"], each["protocol"]]
            difference = float(each["map_percent"]) - before
            assert float(each["difference_points"]) == pytest.approx(difference, abs=1e-8)
            assert float(each["low_points"]) <= difference + 1e-8
            assert float(each["high_points"]) >= difference - 1e-8
    (colour,) = {each["settings"] for each in rows if each["name"] == "colour"}
    assert json.loads(colour) == {"colour": "rgb"}


def test_page_shows_rows_in_order_with_signs_words_and_reasons(report: Path) -> None:
    page = Page((report / "ablation.html").read_text())
    assert (page.wrong, page.open) == ([], [])
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert set(page.attributes("aria-labelledby")) <= set(ids)
    assert page.only_own_scripts
    assert f"on → {EVIL}" in page.text
    table = page.text[page.text.index("Preset official") :]
    places = [table.index(name) for name in ("crop rounding", "colour", "official-off", "query neighbour")]
    assert places == sorted(places)
    for text in (
        "5 changes, 24 comparisons with the preset over stages and protocols",
        "How small a difference 40 queries can show",
        "The largest difference shown under Hard is that of relup: on → off",
        "▼ \N{MINUS SIGN}",
        "▲ +",
        "worse, p ",
        "better, p ",
        "not shown, p ",
        "no query differs",
        "not touched: it acts on the reranking",
        "not run",
        "colour is told of.",
        "no image has EXIF",
        f"no weights {EVIL}",
        "Only face-blurred copies are served.",
        "modules on torchvision-resnet50",
    ):
        assert text in page.text, text
    first = (report / "index.html").read_text()
    assert 'href="ablation.html"' in first
    assert "7 changes of one protocol switch or module: 4 of them can be told from chance." in first


def test_figures_and_other_tables_are_written(report: Path) -> None:
    figures = sorted(path.name for path in (report / "figures").glob("ablation-*.svg"))
    assert figures == [
        "ablation-1-modules-single-stage.svg",
        "ablation-1-switches-reranked.svg",
        "ablation-1-switches-single-stage.svg",
        "ablation-2-modules-single-stage.svg",
    ]
    for name in ("ablation.md", "ablation.tex"):
        text = (report / name).read_text()
        assert "official-off" in text
        assert EVIL not in text
    assert "no image has EXIF" in (report / "ablation.md").read_text()
    assert "\N{RIGHTWARDS ARROW}" not in (report / "ablation.tex").read_text()


def test_same_results_give_the_same_bytes(results: Path, report: Path, tmp_path: Path) -> None:
    again = write_report(results, tmp_path / "again").parent
    for path in report.rglob("ablation*"):
        assert path.read_bytes() == (again / path.relative_to(report)).read_bytes()


def test_no_ablation_gives_no_page(tmp_path: Path) -> None:
    add(tmp_path / "results", "one", "single", aps(1))
    report = write_report(tmp_path / "results", tmp_path / "out").parent
    assert not list(report.rglob("ablation*"))
    assert "ablation.html" not in (report / "index.html").read_text()


def test_nothing_measured_still_says_why(tmp_path: Path) -> None:
    add(tmp_path / "results", "one", "single", aps(1))
    put(tmp_path / "results", "one/toy.json", content(rows=[]))
    text = Page(
        (write_report(tmp_path / "results", tmp_path / "out").parent / "ablation.html").read_text()
    ).text
    assert "None of these changes was measured." in text
    assert "no image has EXIF" in text


def test_queries_without_positives_give_no_difference(tmp_path: Path) -> None:
    add(tmp_path / "results", "one", "single", aps(1))
    nothing = {"map": None, "average_precision": [None] * 3, "queries_with_positives": 0}
    empty = dict.fromkeys(("easy", "medium", "hard"), nothing)
    rows = [row("colour", "rgb", "images", single_stage=empty, reranked=empty)]
    put(tmp_path / "results", "one/toy.json", content(single_stage=empty, reranked=empty, rows=rows))
    report = write_report(tmp_path / "results", tmp_path / "out").parent
    text = Page((report / "ablation.html").read_text()).text
    assert "No query has positives in both results, so that nothing can be compared." in text
    assert not list((report / "figures").glob("ablation-*"))
    assert measured_effects(read_study(tmp_path / "results")) == []


def test_a_damaged_file_stops_the_report_before_anything_is_written(tmp_path: Path) -> None:
    results = fill(tmp_path / "results")
    write_text(results / "ablation" / "one" / "toy.json", '{"dataset": "toy"}')
    with pytest.raises(UserError, match=r"toy\.json is damaged"):
        write_report(results, tmp_path / "out")
    assert not (tmp_path / "out" / "index.html").exists()
