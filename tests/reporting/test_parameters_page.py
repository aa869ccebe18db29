"""The page of parameters: the figures of its files, marks where they belong, and nothing tuned on its own queries."""

from __future__ import annotations

import csv
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from made_up_results import EVIL, Page

from superglobal_core.errors import UserError
from superglobal_core.files import write_json
from superglobal_core.parameter_results import Accuracy, Sweep
from superglobal_core.reporting.anchors import record_anchor
from superglobal_core.reporting.collect import read_study
from superglobal_core.reporting.heat_maps import heat_map, held_value
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.parameters_page import parameters_part
from superglobal_core.reporting.report import write_pages, write_report

SHORTLISTS, NEIGHBOURS, BETAS = [50, 400], [0, 9, 3], [0.0, 0.15]
RECORD = {"step": "sweep", "date": "2024-05-06T07:08:09+00:00", "wall_time_s": 1.0, "distractors": 5}


def accuracy(value: float, queries: int = 4) -> dict[str, Any]:
    """An accuracy around a value; no query has positives under Hard."""
    medium = [value - 0.1, value + 0.1] * (queries // 2)
    return Accuracy.of({"easy": [None, *medium[1:]], "medium": medium, "hard": [None] * queries}).model_dump()


def sweep(**changes: Any) -> dict[str, Any]:
    """A sweep as written: M 50, K 3, beta 0.15 is the best, the defaults are 0.41."""
    points = [
        {"shortlist": m, "neighbours": k, "beta": beta}
        | accuracy(0.8 if (m, k, beta) == (50, 3, 0.15) else 0.3 + 0.01 * k + 0.00005 * m)
        for m, k, beta in itertools.product(SHORTLISTS, NEIGHBOURS, BETAS)
    ]
    return {
        "shortlists": SHORTLISTS,
        "neighbours": NEIGHBOURS,
        "betas": BETAS,
        "defaults": {"shortlist": 400, "neighbours": 9, "beta": 0.15},
        "single_stage": accuracy(0.25),
        "points": points,
        "record": RECORD,
    } | changes


def tuning(there: float = 0.6, here: float = 0.45, **changes: Any) -> dict[str, Any]:
    """A tuning as written: the untuned figure is 0.4 on both sides."""

    def side(part: str, names: list[str], tuned: float, tested: bool) -> dict[str, Any]:
        difference = {"points": 100 * (tuned - 0.4), "interval": None, "p_value": None}
        if tested:
            difference |= {"interval": [1.5, 8.25], "p_value": 0.0402}
        return {
            "dataset": "toy",
            "part": part,
            "queries": names,
            "distractors": 5,
            "groundtruth_sha256": "0" * 64,
            "tuned": accuracy(tuned),
            "untuned": accuracy(0.4),
            "difference": {"easy": difference, "medium": difference, "hard": None},
        }

    setting = {"shortlist": 100, "neighbours": 3, "beta": 1.0, "descriptor": EVIL, "exponents": {"p": 3.0}}
    return {
        "criterion": "medium",
        "settings_tried": 120,
        "tuned": setting,
        "untuned": setting | {"shortlist": 400, "descriptor": "default", "exponents": None},
        "tuned_on": side("half of the queries (seed 0)", list("abcd"), there, False),
        "reported_on": side("the other half (seed 0)", list("efgh"), here, True),
        "record": RECORD | {"step": "tune"},
    } | changes


def reported(**changes: Any) -> dict[str, Any]:
    """A tuning whose difference under Medium, on the queries reported on, is changed."""
    content = tuning()
    side = content["reported_on"]
    side["difference"] = side["difference"] | {"medium": side["difference"]["medium"] | changes}
    return content


@pytest.fixture
def root(tmp_path: Path, whole: Path) -> Path:
    """A results folder with evaluations, a sweep and a tuning."""
    folder = tmp_path / "results"
    folder.mkdir()
    for name in ("evaluation", "data", "suite.json"):
        if (whole / name).exists():
            (folder / name).symlink_to(whole / name)
    write_json(folder / "sweeps" / "mini" / "toy" / "distractors.json", sweep())
    write_json(folder / "tuning" / "halves.json", tuning())
    return folder


def test_what_the_page_says(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_report(root, out)
    html = (out / "parameters.html").read_text()
    page = Page(html)
    text = page.text
    assert page.wrong == []
    assert "The best of a grid on the test set is no result" in text
    assert "12 combinations of M (candidates)" in text
    assert "with 5 distractors" in text
    assert "Chosen of 120 settings by mAP Medium" in text
    assert "M = 100, K = 3, beta = 1; p = 3" in text
    assert "changes mAP Medium by +20.00 points; on the others by +5.00" in text
    assert "promised 15.00 points more" in text
    assert Page(html).only_own_scripts
    assert "p = 4.6" not in text
    assert html.count("<svg") == 3
    assert "no query has positives" in text  # Hard's maps
    assert (out / "index.html").read_text().count('href="parameters.html"') >= 1


def test_figures_lead_to_their_records(root: Path, tmp_path: Path) -> None:
    write_report(root, tmp_path / "out")
    ids = Page((tmp_path / "out" / "provenance.html").read_text()).attributes("id")
    page = Page((tmp_path / "out" / "parameters.html").read_text())
    addresses = [
        href.removeprefix("provenance.html#")
        for href in page.attributes("href")
        if "provenance.html#" in href
    ]
    sources = ["sweeps/mini/toy/distractors.json", "tuning/halves.json"]
    assert addresses == [record_anchor(source) for source in sources]
    assert set(addresses) <= set(ids)
    # Alone, the page has nowhere to lead to.
    write_pages(root, tmp_path / "alone", ["parameters"])
    alone = (tmp_path / "alone" / "parameters.html").read_text()
    assert "index.html" not in alone
    assert "sweeps/mini/toy/distractors.json" in alone


def test_the_last_line_says_where_the_figures_are(root: Path, tmp_path: Path) -> None:
    write_report(root, tmp_path / "both")
    (root / "tuning" / "halves.json").unlink()
    write_pages(root, tmp_path / "one", ["parameters"])
    for name, says in (
        (
            "both",
            "parameters.csv; every figure of the tunings in the tables above and, with all digits, in tuning.csv.",
        ),
        ("one", "Every cell of the maps is in parameters.csv."),
    ):
        footer = (tmp_path / name / "parameters.html").read_text().partition("<footer>")[2]
        assert says in re.sub("<[^>]+>", "", footer)


def test_the_tables_hold_the_figures(root: Path, tmp_path: Path) -> None:
    write_report(root, tmp_path / "out")
    with (tmp_path / "out" / "parameters.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == len(SHORTLISTS) * len(NEIGHBOURS) * len(BETAS)
    best = next(row for row in rows if (row["M"], row["K"], row["beta"]) == ("50", "3", "0.15"))
    assert (best["medium_map_percent"], best["hard_map_percent"], best["distractors"]) == ("80.0", "", "5")
    with (tmp_path / "out" / "tuning.csv").open() as lines:
        figures = {(row["side"], row["protocol"]): row for row in csv.DictReader(lines)}
    assert len(figures) == 6
    reported = figures["reported on", "medium"]
    assert float(reported["tuned_map_percent"]) == pytest.approx(45)
    assert float(reported["untuned_map_percent"]) == pytest.approx(40)
    assert (reported["difference_low_points"], reported["p_value"]) == ("1.5", "0.0402")
    assert figures["tuned on", "medium"]["p_value"] == ""
    assert figures["tuned on", "medium"]["tuned_map_percent"] == "60.0"


def test_the_same_results_give_the_same_bytes(root: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report(root, tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert any(path.name.startswith("grid-1-mini-toy") for path in files)
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)


def test_marks_and_what_is_held() -> None:
    content = Sweep.model_validate(sweep(record=RECORD | {"code": {}, "software": {}, "hardware": {}}))
    figure = heat_map("map", "title", content, "shortlist", "neighbours", "beta")
    assert figure is not None
    numbers = re.findall(r">(\d\d\.\d\d)<", figure.svg)
    # Medium alone has figures: M down, K across in ascending order, beta held at 0.15.
    assert numbers == ["30.25", "80.00", "39.25", "32.00", "35.00", "41.00"]
    assert "beta = 0.15" in figure.svg
    other = content.model_copy(update={"defaults": content.defaults.model_copy(update={"beta": 0.06})})
    assert held_value(other, "beta") == 0.0  # the nearest of the grid
    one = [point for point in content.points if (point.shortlist, point.neighbours) == (50, 0)]
    alone = content.model_copy(update={"shortlists": [50], "neighbours": [0], "points": one})
    assert heat_map("map", "title", alone, "shortlist", "neighbours", "beta") is None


def test_no_page_without_files(whole: Path, tmp_path: Path) -> None:
    study = read_study(whole)
    assert parameters_part(study, [], Labels(study.suite)) is None
    write_report(whole, tmp_path)
    assert not (tmp_path / "parameters.html").exists()


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("sweeps/mini/toy/plain.json", sweep(points=sweep()["points"][1:]), "are not the 12 combinations"),
        ("sweeps/mini/toy/plain.json", sweep(betas=[]), "betas is wrong"),
        ("tuning/x.json", tuning(criterion="mediun"), "criterion is wrong"),
        (
            "tuning/x.json",
            tuning(reported_on=tuning()["tuned_on"]),
            "4 of the 4 queries reported on were tuned on too",
        ),
        (
            "tuning/x.json",
            tuning(reported_on=tuning()["reported_on"] | {"queries": list("bcde")}),
            "3 of the 4 queries reported on were tuned on too",
        ),
        (
            "tuning/x.json",
            reported(interval=[9.0, -9.0]),
            "the interval ends at -9.0, before it begins at 9.0",
        ),
        ("tuning/x.json", reported(p_value=7), "p_value is wrong"),
        ("tuning/x.json", reported(p_value=0), "p_value is wrong"),
        (
            "tuning/x.json",
            tuning(tuned_on=tuning()["tuned_on"] | {"tuned": accuracy(0.6, queries=2)}),
            "2 APs under Easy of 4 queries",
        ),
        (
            "sweeps/mini/toy/plain.json",
            sweep(single_stage=accuracy(0.25) | {"map": {"easy": 0.3, "medium": 0.9, "hard": None}}),
            "but the mean of its average precisions is",
        ),
    ],
)
def test_damaged_files(root: Path, tmp_path: Path, path: str, content: Any, message: str) -> None:
    write_json(root / path, content)
    with pytest.raises(UserError, match=message):
        write_report(root, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("there", "here", "says", "never"),
    [
        (0.5, 0.55, "The others show no less than", "promised"),
        (0.4, 0.4, "Neither differs from the untuned one's", "promised"),
        (
            0.5,
            0.35,
            "On the others it is worse than the untuned one. A report of the first figure alone",
            "no less",
        ),
        (0.4, 0.45, "The others show no less than", "worse than"),
        (0.35, 0.3, "worse than the untuned one by the very queries it was chosen by", "promised"),
        (0.35, 0.45, "worse than the untuned one by the very queries it was chosen by", "no less"),
    ],
)
def test_the_sentence_fits_the_signs(
    root: Path, tmp_path: Path, there: float, here: float, says: str, never: str
) -> None:
    write_json(root / "tuning" / "halves.json", tuning(there, here))
    write_report(root, tmp_path / "out")
    text = Page((tmp_path / "out" / "parameters.html").read_text()).text
    assert says in text
    assert never not in text


def test_defaults_that_were_the_best(root: Path, tmp_path: Path) -> None:
    content = tuning(there=0.4, here=0.4)
    write_json(root / "tuning" / "halves.json", content | {"tuned": content["untuned"]})
    write_report(root, tmp_path / "out")
    text = Page((tmp_path / "out" / "parameters.html").read_text()).text
    assert "The defaults were the best of the settings tried" in text


def test_queries_of_two_data_sets_may_have_one_name(root: Path, tmp_path: Path) -> None:
    content = tuning()
    content["reported_on"] |= {"queries": list("abcd"), "groundtruth_sha256": "1" * 64}
    write_json(root / "tuning" / "halves.json", content)
    write_report(root, tmp_path / "out")
    assert (tmp_path / "out" / "parameters.html").exists()
