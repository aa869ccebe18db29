"""The report: its tables hold the figures, its pages are whole and the same bytes every time."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import Run
from made_up_results import (
    DISTRACTORS,
    EVIL,
    IMAGES,
    NAUGHTY_IMAGE,
    QUERIES,
    QUERY_NAMES,
    Page,
    read_csv,
    read_evaluation,
)

from superglobal_core.evaluation.protocol import PROTOCOLS
from superglobal_core.reporting.pictures import QUERY_THUMBNAIL
from superglobal_core.reporting.report import write_report


def test_csv_holds_the_figures_of_the_files(whole: Path, report: Path) -> None:
    rows = read_csv(report / "map.csv")
    assert [(row["distractors"], row["method"]) for row in rows] == [
        ("0", "single-stage"),
        ("0", "better"),
        (str(DISTRACTORS), "single-stage"),
        (str(DISTRACTORS), "better"),
    ]
    for row in rows:
        stored = read_evaluation(
            whole, "distractors" if row["distractors"] != "0" else "plain", row["method"]
        )
        assert row["dataset_label"] == "Toy (synthetic)"
        for protocol in PROTOCOLS:
            figures = stored[protocol]
            assert float(row[f"{protocol}_map_percent"]) == pytest.approx(100 * figures["map"], abs=1e-9)
            low, high = figures["map_interval_95"]
            assert float(row[f"{protocol}_map_low_percent"]) == pytest.approx(100 * low, abs=1e-9)
            assert float(row[f"{protocol}_map_high_percent"]) == pytest.approx(100 * high, abs=1e-9)
            for cutoff in ("1", "5", "10"):
                expected = 100 * figures["mean_precision"][cutoff]
                assert float(row[f"{protocol}_mp{cutoff}_percent"]) == pytest.approx(expected, abs=1e-9)


def test_per_query_csv_has_every_ap_and_leaves_undefined_ones_empty(whole: Path, report: Path) -> None:
    rows = read_csv(report / "per_query.csv")
    assert len(rows) == 4 * QUERIES
    for row in rows:
        stored = read_evaluation(
            whole, "distractors" if row["distractors"] != "0" else "plain", row["method"]
        )
        number = int(row["query"])
        assert row["query_name"] == QUERY_NAMES[number]
        for protocol in PROTOCOLS:
            value = stored[protocol]["average_precision"][number]
            written = row[f"{protocol}_ap_percent"]
            if value is None:
                assert (written, number, protocol) == ("", 4, "hard")
            else:
                assert float(written) == pytest.approx(100 * value, abs=1e-9)


def test_page_shows_figures_intervals_changes_and_distractors(whole: Path, report: Path) -> None:
    text = Page((report / "index.html").read_text()).text
    before, after = (
        read_evaluation(whole, "distractors", name)["medium"] for name in ("single-stage", "better")
    )
    low, high = after["map_interval_95"]
    assert f"{100 * after['map']:.2f} {100 * low:.2f} to {100 * high:.2f}" in text
    change = 100 * (after["map"] - before["map"])
    assert change > 0
    assert f"{change:+.2f}" in text
    assert "2 up, 1 down" in text
    assert f"Toy (synthetic), with {DISTRACTORS} distractors" in text
    assert f"{QUERIES} queries, {IMAGES} database images, {DISTRACTORS} distractors" in text
    assert "Synthetic images. Drawn, not photographed: no figure of Oxford." in text


def test_markdown_and_latex_hold_the_figures(whole: Path, report: Path) -> None:
    markdown, latex = (report / "map.md").read_text(), (report / "map.tex").read_text()
    for variant in ("plain", "distractors"):
        figures = read_evaluation(whole, variant, "better")["hard"]
        low, high = (100 * bound for bound in figures["map_interval_95"])
        assert f"{100 * figures['map']:.2f} ({low:.2f} to {high:.2f})" in markdown
        assert f"{100 * figures['map']:.2f} {{\\scriptsize {low:.2f}--{high:.2f}}}" in latex
    assert "no figure of Oxford" in markdown
    assert "no figure of Oxford" in latex


def test_names_are_text_everywhere(report: Path) -> None:
    for file in sorted(report.glob("*.html")):
        page = Page(file.read_text())
        assert "b>suite" not in {tag for tag, _ in page.elements}
        assert not page.attributes("onerror")
        assert page.only_own_scripts
        # Charts hold names as data, in which nothing ends a script.
        for data in re.findall(
            r'<script type="application/json"[^>]*>(.*?)</script>', file.read_text(), re.S
        ):
            assert "<" not in data
            json.loads(data)
        if file.name.startswith(("index", "statistics", "queries", "provenance")):
            assert " ".join(EVIL.split()) in page.text
        assert "Tiny <b>suite</b>" in page.text
    assert any(
        text.startswith(f"{NAUGHTY_IMAGE}, ") for text in Page((report / "queries-2.html").read_text()).texts
    )
    for chart in (report / "figures").glob("*.svg"):
        assert "<script" not in chart.read_text()
    assert r"\<script\>alert(1)\</script\> \& a\_b\|c \$x\$" in (report / "map.md").read_text()
    assert r"\textless{}script\textgreater{}alert(1)" in (report / "map.tex").read_text()
    assert (
        r"\& a\_b\textbar{}c \$x\$ \textquotedbl{}q\textquotedbl{} 100\%" in (report / "map.tex").read_text()
    )


@pytest.mark.parametrize("name", ["index", "statistics", "verdict", "queries", "queries-2", "provenance"])
def test_page_is_whole_and_asks_for_nothing(report: Path, name: str) -> None:
    html = (report / f"{name}.html").read_text()
    page = Page(html)
    assert page.wrong == []
    assert page.open == []
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert not page.attributes("src")
    assert not {"link", "iframe", "object", "img"} & {tag for tag, _ in page.elements}
    assert page.only_own_scripts
    references = page.attributes("href")
    pictures = [reference for reference in references if reference.startswith("data:image/webp;base64,")]
    assert len(pictures) > 10 or name != "queries-2"
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    for reference in set(references) - set(pictures):
        file, _, place = reference.partition("#")
        assert not file or (report / file).is_file()
        assert not place or place in (Page((report / file).read_text()).attributes("id") if file else ids)
    for named in page.attributes("aria-labelledby"):
        assert named in ids
    for picture in pictures:
        data = np.frombuffer(base64.b64decode(picture.partition(",")[2]), np.uint8)
        assert max(cv2.imdecode(data, cv2.IMREAD_COLOR).shape) <= QUERY_THUMBNAIL


def test_each_picture_is_embedded_once(report: Path) -> None:
    page = Page((report / "queries-2.html").read_text())
    embedded = [attributes["href"] for tag, attributes in page.elements if tag == "image"]
    shown = [attributes["href"] for tag, attributes in page.elements if tag == "use"]
    assert len(embedded) == len(set(embedded))
    assert len(embedded) <= IMAGES + DISTRACTORS + QUERIES
    # Each query and, on two databases, ten places before and after.
    assert len(shown) == QUERIES * (1 + 2 * (10 + 10))
    assert {reference[1:] for reference in shown} == set(page.attributes("id")) & {
        f"p{number}" for number in range(len(embedded))
    }


def test_same_results_give_the_same_bytes(whole: Path, report: Path, tmp_path: Path) -> None:
    again = write_report(whole, tmp_path / "again").parent
    first = {path.relative_to(report): path.read_bytes() for path in report.rglob("*") if path.is_file()}
    second = {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    assert {path.as_posix() for path in first} == {
        "index.html", "map.csv", "map.md", "map.tex", "per_query.csv", "citations.bib", "figures/map-toy.svg",
        "figures/map-toy.pdf", "figures/change-toy.svg", "figures/change-toy.pdf", "statistics.html",
        "statistics.csv", "statistics.md", "statistics.tex", "figures/ranking-1.svg", "figures/ranking-2.svg",
        "figures/ranking-1.pdf", "figures/ranking-2.pdf", "verdict.html", "verdict.csv", "verdict.md",
        "queries.html", "queries-2.html", "provenance.html",
        "figures/workflow.svg", "figures/workflow.pdf", "suite.json",
    }  # fmt: skip
    assert first == second


def test_a_small_report_lacks_pdf_and_scripts_of_charts_alone(
    whole: Path, report: Path, tmp_path: Path, run: Run
) -> None:
    small = tmp_path / "small"
    done = run("report", "--results", whole, "--out", small, "--small")
    assert done.code == 0, done.err
    large = {path.relative_to(report): path.read_bytes() for path in report.rglob("*") if path.is_file()}
    found = {path.relative_to(small): path.read_bytes() for path in small.rglob("*") if path.is_file()}
    assert set(found) == {path for path in large if path.suffix != ".pdf"}
    pages = {path for path in found if path.suffix == ".html"}
    assert all(found[path] == large[path] for path in set(found) - pages)
    for path in pages:
        before, after = large[path].decode(), found[path].decode()
        assert "vega-runtime" not in after
        assert 'class="vega"' not in after
        assert ".pdf" not in after
        assert after.count("<figure") == before.count("<figure")
        assert after.count("<table") == before.count("<table")
    drawn = Path("index.html")
    assert "vega-runtime" in large[drawn].decode()
    assert len(found[drawn]) < 0.7 * len(large[drawn])
    assert sum(map(len, found.values())) < 0.7 * sum(map(len, large.values()))
    # One page alone is the same page.
    done = run("report", "--results", whole, "--out", tmp_path / "alone", "--only", "statistics", "--small")
    assert done.code == 0, done.err
    assert not list((tmp_path / "alone").rglob("*.pdf"))
    assert "vega-runtime" not in (tmp_path / "alone/statistics.html").read_text()


def test_importing_the_report_needs_neither_torch_nor_altair() -> None:
    heavy = {"torch", "altair", "vl_convert", "scipy.stats"}
    code = f"import sys, superglobal_core.reporting.report; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
