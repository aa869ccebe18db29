"""The page of statistics: verdicts on planted differences, what is left out, and what the tables say."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np
import pytest
from made_up_results import Page

from superglobal_core.evaluation.holm import holm
from superglobal_core.evaluation.power import smallest_detectable
from superglobal_core.files import write_json
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting.collect import read_study
from superglobal_core.reporting.drawing import TITLE_LETTERS, WIDTH, broken
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.report import write_report
from superglobal_core.reporting.statistics_figures import ranking_figure
from superglobal_core.reporting.study import group_results

QUERIES = 40
EVIL = "<script>alert(1)"


def aps(seed: int, shift: float = 0.0) -> np.ndarray:
    """One draw of queries, the same for every seed, with noise of the seed's own."""
    level = 0.3 + 0.4 * np.random.default_rng(0).random(QUERIES)
    return np.clip(level + shift + 0.03 * np.random.default_rng(seed).standard_normal(QUERIES), 0, 1)


def add(root: Path, descriptor: str, method: str, values: np.ndarray, **record: Any) -> None:
    """Write an evaluation as the step does; no query has positives under Hard, the first none under Easy."""

    def figures(known: list[float | None]) -> dict[str, Any]:
        defined = [value for value in known if value is not None]
        return {
            "map": float(np.mean(defined)) if defined else None,
            "mean_precision": {},
            "queries_with_positives": len(defined),
            "average_precision": known,
        }

    every = values.tolist()
    content = {
        "easy": figures([None, *every[1:]]),
        "medium": figures(every),
        "hard": figures([None] * len(every)),
        "record": {
            "step": "evaluate",
            "date": "2024-05-06T07:08:09+00:00",
            "wall_time_s": 1.0,
            "method": "none" if method == "single" else method,
            "descriptor": {"backbone": descriptor},
            "distractors": 0,
            "parameters": {"bootstrap": 50},
            "seed": 0,
            **record,
        },
    }
    write_json(root / "evaluation" / descriptor / "toy" / "plain" / f"{method}.json", content)


def fill(root: Path) -> Path:
    single = aps(1)
    add(root, "one", "single", single)
    add(root, "one", "better", aps(2, 0.1))
    add(root, "one", "same", single)
    add(root, "one", "worse", aps(3, -0.1))
    add(root, "two", "single", aps(4, 0.2))
    add(root, "two", EVIL, aps(5, 0.2))
    return root


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results with planted differences; only to be read."""
    return fill(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def report(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with their report."""
    return write_report(results, tmp_path_factory.mktemp("report") / "out").parent


def rows_of(report: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((report / "statistics.csv").read_text().splitlines()))


def test_every_result_leads_to_its_record(report: Path) -> None:
    first, page = ((report / name).read_text() for name in ("provenance.html", "statistics.html"))
    rows = re.findall(r'<th scope="row" class="result">.*?</th>', page)
    assert len(rows) >= 16
    for row in rows:
        anchor = re.search(r'href="provenance\.html#([^"]+)"', row)
        assert anchor is not None
        assert f'id="{anchor[1]}"' in first
    assert re.search(
        r'href="provenance\.html#record-evaluation\.one\.toy\.plain\.better">better</a></th>', page
    )


def test_planted_differences_are_told_from_none(report: Path) -> None:
    rows = rows_of(report)
    # Six pairs of the first descriptor, one of the second, one of single stages; nothing is defined under Hard.
    assert [row["protocol"] for row in rows] == ["easy", "medium"] * 8
    assert {row["comparisons"] for row in rows} == {"16"}
    verdicts = {
        (row["method"], row["against_method"], row["descriptor"], row["against_descriptor"]): row["verdict"]
        for row in rows
    }
    assert verdicts == {
        ("better", "single", "one", "one"): "better",
        ("same", "single", "one", "one"): "no difference can be shown",
        ("worse", "single", "one", "one"): "worse",
        ("same", "better", "one", "one"): "worse",
        ("worse", "better", "one", "one"): "worse",
        ("worse", "same", "one", "one"): "worse",
        (EVIL, "single", "two", "two"): "no difference can be shown",
        ("single", "single", "two", "one"): "better",
    }


def test_csv_holds_one_correction_for_all_and_the_figures_of_the_files(results: Path, report: Path) -> None:
    rows = rows_of(report)
    assert [float(row["p_holm"]) for row in rows] == holm([float(row["p"]) for row in rows])
    maps = {
        (result.descriptor, result.method, protocol): result.evaluation.figures(protocol).map
        for result in read_study(results).results
        for protocol in PROTOCOL_NAMES
    }
    for row in rows:
        after = maps[row["descriptor"], row["method"], row["protocol"]]
        before = maps[row["against_descriptor"], row["against_method"], row["protocol"]]
        assert after is not None
        assert before is not None
        assert float(row["difference_points"]) == pytest.approx(100 * (after - before), abs=1e-8)
        assert float(row["low_points"]) <= float(row["difference_points"]) <= float(row["high_points"])
        queries = int(row["queries"])
        assert queries == {"easy": QUERIES - 1, "medium": QUERIES}[row["protocol"]]
        if row["method"] == "same" and row["against_method"] == "single":
            assert (row["p"], row["gained"], row["lost"], row["detectable_points"]) == ("1.0", "0", "0", "")
        else:
            expected = smallest_detectable(float(row["deviation_points"]), queries, comparisons=16)
            assert float(row["detectable_points"]) == pytest.approx(expected)


def test_the_first_page_and_the_page_of_statistics_agree(results: Path, report: Path) -> None:
    shown = {row["method"]: row["verdict"] for row in rows_of(report) if row["against_method"] == "single"}
    changes = {
        comparison.after.method: comparison.changes["medium"]
        for group in group_results(read_study(results))
        for comparison in group.comparisons
    }
    assert set(changes) == {"better", "same", "worse", EVIL}
    for method, change in changes.items():
        assert change is not None
        assert change.sure == (shown[method] != "no difference can be shown")
    # Three methods have a change under Medium and Easy that is bold, or not, by that verdict.
    html = (report / "index.html").read_text()
    assert html.count('change gain sure"') == html.count('change loss sure"') == 2
    assert 'href="statistics.html"' in html


def test_page_says_what_was_corrected_and_what_could_be_shown(report: Path) -> None:
    page = Page((report / "statistics.html").read_text())
    assert (page.wrong, page.open) == ([], [])
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert set(page.attributes("aria-labelledby")) <= set(ids)
    assert page.only_own_scripts
    assert EVIL in page.text
    assert "8 pairs of results under 2 protocols: 16 comparisons." in page.text
    assert "under Medium a typical pair's true difference must be" in page.text
    assert "▲ better" in page.text
    assert "▼ worse" in page.text
    assert "○ no difference can be shown" in page.text
    assert "Single stages of all descriptors" in page.text


def test_what_cannot_be_compared_is_left_out_with_the_reason(tmp_path: Path) -> None:
    results = fill(tmp_path / "results")
    add(results, "one", "worse", aps(3)[:-1])
    add(results, "two", "single", aps(4), protocol={"groundtruth_sha256": "other"})
    report = write_report(results, tmp_path / "out").parent
    rows = rows_of(report)
    assert {(row["method"], row["against_method"]) for row in rows} == {
        ("better", "single"), ("same", "single"), ("same", "better"),
    }  # fmt: skip
    assert {row["comparisons"] for row in rows} == {"6"}
    text = Page((report / "statistics.html").read_text()).text
    assert "one, worse is not compared with one, better: they have 40 and 39 queries." in text
    assert "two is not compared with one: their ground truths differ." in text


def test_the_ranking_is_by_map_best_first(results: Path, report: Path) -> None:
    chart = (report / "figures" / "ranking-1.svg").read_text()
    different = [result for result in read_study(results).results if result.method != "same"]
    by_map = sorted(different, key=lambda result: -(result.evaluation.medium.map or 0))
    names = [f"{result.descriptor}, {Labels(None).method(result)}" for result in by_map]
    assert names[:3] != sorted(names)[:3]
    places = [chart.index(f">{escape(broken(name)[0])}<") for name in names]
    assert places == sorted(places)
    # The table below it has the same order, and whole names.
    table = (
        (report / "statistics.html")
        .read_text()
        .partition("The ranking's figures")[2]
        .partition("</table>")[0]
    )
    places = [table.index(f'<th scope="row">{escape(name)}</th>') for name in names]
    assert places == sorted(places)
    assert f">{100 * (by_map[0].evaluation.medium.map or 0):.2f}<" in table


def test_long_names_leave_the_ranking_its_room() -> None:
    long = "a method of a name that does not end where one would expect it " * 3
    figure = ranking_figure(
        "ranking", f"{long}· without distractors", [(long, 0.5, (0.4, 0.6)), ("b", 0.4, None)]
    )
    assert figure is not None
    root = ElementTree.fromstring(figure.svg)
    assert int(root.attrib["width"]) == WIDTH
    # The panel begins where the names end.
    left = re.search(r"<g[^>]* transform=\"translate\(([\d.]+),", figure.svg)
    assert left is not None
    assert WIDTH - float(left[1]) > WIDTH / 2
    assert max(map(len, re.findall(r">([^<\n]+)</text>", figure.svg))) <= TITLE_LETTERS


def test_one_result_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    add(tmp_path / "results", "one", "single", aps(1))
    report = write_report(tmp_path / "results", tmp_path / "out").parent
    assert not list(report.glob("statistics.*"))
    assert "statistics.html" not in (report / "index.html").read_text()


def test_one_query_and_no_resampling_give_no_interval_and_no_verdict(tmp_path: Path) -> None:
    for method, value in (("single", 0.2), ("better", 0.9)):
        add(tmp_path / "results", "one", method, np.array([value]), parameters={"bootstrap": 0})
    report = write_report(tmp_path / "results", tmp_path / "out").parent
    (row,) = rows_of(report)
    assert (row["low_points"], row["deviation_points"], row["detectable_points"]) == ("", "", "")
    assert (row["p"], row["verdict"]) == ("1.0", "no difference can be shown")
    assert Page((report / "statistics.html").read_text()).wrong == []
