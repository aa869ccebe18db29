"""The report of what was timed: tables, words and claims."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_results import EVIL, Page
from made_up_timings import METHODS, NOISE, all_kinds, groups_of, record, rows_of, samples, seconds, timing

from superglobal_core.errors import UserError
from superglobal_core.files import write_json
from superglobal_core.reporting.collect import Study, TimedData, read_study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.report import write_report
from superglobal_core.reporting.speed import main_shortlist, speed_groups
from superglobal_core.reporting.speed_claim import PAPER, claims, explanations
from superglobal_core.reporting.speed_tables import NO_BASELINE, speed_csv, speed_latex, speed_markdown
from superglobal_core.reporting.speed_texts import SCOPES, interval
from superglobal_core.reporting.study import missing_results
from superglobal_core.reporting.texts import significant
from superglobal_core.timing.noise import Noise
from superglobal_core.timing.others import Others
from superglobal_core.timing.record import write_timings
from superglobal_core.timing.statistics import Interval, speedup


def test_csv_holds_the_figures_of_the_record(report: Path) -> None:
    rows = rows_of((report / "speedup.csv").read_text())
    assert len(rows) == 10
    ours = rows["scoring", "superglobal"]
    assert float(ours["ms_a_query"]) == pytest.approx(2.0)
    assert float(ours["ms_lower_quartile"]) < 2 < float(ours["ms_upper_quartile"])
    assert float(ours["ms_low"]) <= 2 <= float(ours["ms_high"])
    assert float(ours["ms_a_pair"]) == pytest.approx(0.02)
    assert float(ours["batch_queries_a_second"]) == pytest.approx(140)
    expected = speedup(samples(0.2), samples(0.002), noise=0.05)
    assert expected.interval is not None
    assert float(ours["speedup_over_RootSIFT"]) == pytest.approx(100)
    assert float(ours["speedup_over_RootSIFT_low"]) == pytest.approx(expected.interval.low)
    assert float(ours["speedup_over_CVNet_Rerank"]) == pytest.approx(4000)
    assert float(ours["gb_for_1001001_images"]) == pytest.approx(4096 * 1_001_001 / 1e9)
    assert ours["peak_host_bytes"] == "5000000"
    local = rows["scoring", "rootsift-magsac"]
    assert float(local["bytes_an_image"]) == pytest.approx(94_096)
    assert local["speedup_over_RootSIFT"] == "itself"


def test_what_cannot_be_said_is_said(report: Path) -> None:
    rows = rows_of((report / "speedup.csv").read_text())
    assert rows["scoring", "rrt"]["speedup_over_RootSIFT"] == "none (within the noise)"
    assert rows["scoring", "average-qe"]["speedup_over_RRT"] == "not known (one sample)"
    assert rows["end to end", "rrt"]["could_not_run"] == "no <weights> here"
    assert rows["end to end", "superglobal"]["speedup_over_RRT"] == "not timed"
    assert rows["scoring", "none"]["speedup_over_RRT"] == ""
    assert rows["scoring", "cvnet-rerank"]["scaled_from_pairs"] == "3"
    assert "scaled from 3 pairs" in rows["scoring", "cvnet-rerank"]["notes"]
    reasons = {method: row["no_gain_because"] for (scope, method), row in rows.items() if scope == "scoring"}
    assert reasons == {
        "none": "the single stage itself",
        "superglobal": "",
        "average-qe": "accuracy not available: not evaluated",
        "rootsift-magsac": "",
        "cvnet-rerank": "accuracy not available: weights missing",
        "rrt": "accuracy not available: weights missing",
    }
    ours = rows["scoring", "superglobal"]
    assert float(ours["medium_gain_points"]) > 0
    assert "accuracy with a shortlist of 400, time with 100" in ours["notes"]


def test_no_row_of_a_table_has_a_hole(report: Path) -> None:
    lines = (report / "speedup.md").read_text().split("\n")
    table = [line.replace("\\|", "") for line in lines if line.startswith("|")]
    assert len(table) == 12
    for line in table:
        *cells, _notes, _record = [cell.strip() for cell in line.strip("|").split("|")]
        assert all(cells), line
    assert "could not run: no \\<weights\\> here" in (report / "speedup.md").read_text()


def test_page_says_scopes_noise_machine_and_claim(report: Path) -> None:
    html = (report / "speed.html").read_text()
    page = Page(html)
    assert (page.wrong, page.open) == ([], [])
    for sentence in (*SCOPES.values(), NOISE.sentence, PAPER):
        assert " ".join(sentence.split()) in page.text
    assert f"End to end. {NOISE.sentence}." in page.text
    assert "against the noise of their own scope ." in page.text.replace("scope.", "scope .")
    assert "Card <9>, 1,200 MHz, power limit 350 W" in page.text
    assert "2,400 MHz, governor performance" in page.text
    assert "4,000x" in page.text
    assert "scaled from 3 pairs" in page.text
    assert "Small networks:" in page.text
    assert "timed on random weights" in page.text
    assert "timing/mini/toy/plain.json" in page.text
    assert "Not alone" not in page.text
    assert 'href="speed.html"' in (report / "index.html").read_text()
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))


def test_a_busy_machine_is_said(results: Path, tmp_path: Path) -> None:
    write_timings(
        results / "timing" / "mini" / "toy" / "plain.json",
        record(all_kinds(), others=Others(seconds=10, cores=1.5, stolen=0.0)),
    )
    text = Page((write_report(results, tmp_path / "out").parent / "speed.html").read_text()).text
    assert "Not alone. Other processes kept 1.5 cores busy" in text


def test_names_are_text_everywhere(report: Path) -> None:
    assert "<script>alert" not in (report / "speed.html").read_text()
    assert r"\<script\>alert(1)\</script\> \& a\_b\|c \$x\$" in (report / "speedup.md").read_text()
    latex = (report / "speedup.tex").read_text()
    assert r"\textless{}script\textgreater{}alert(1)" in latex
    assert r"CVNet\_Rerank" in latex
    assert latex.count("{") == latex.count("}")
    assert any(row["method_label"] == EVIL for row in rows_of((report / "speedup.csv").read_text()).values())
    charts = sorted((report / "figures").glob("speed-*.svg"))
    assert [chart.name for chart in charts] == [
        "speed-disk-mini-toy.svg",
        "speed-map-mini-toy.svg",
        "speed-shortlist-mini-toy.svg",
    ]
    for chart in charts:
        ElementTree.fromstring(chart.read_text())
        assert "<script" not in chart.read_text()


def test_same_results_same_bytes(whole: Path, report: Path, tmp_path: Path) -> None:
    again = write_report(whole, tmp_path / "again").parent
    for path in sorted(report.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (again / path.relative_to(report)).read_bytes(), path.name


def test_without_baselines_there_is_no_speedup(results: Path) -> None:
    groups = groups_of(results, record([timing("single-stage", seconds=0.1), timing("better", seconds=0.2)]))
    labels = Labels(read_study(results).suite)
    assert NO_BASELINE in speed_markdown(groups, labels, None)
    assert NO_BASELINE in speed_latex(groups, labels, None)
    assert "speedup" not in speed_csv(groups, labels)
    assert claims(groups[0]) == []


def test_a_suite_without_timing_has_no_section(results: Path, tmp_path: Path) -> None:
    shutil.rmtree(results / "timing")
    page = write_report(results, tmp_path / "out")
    assert "speed.html" not in page.read_text()
    assert not (page.parent / "speed.html").exists()
    assert not list(page.parent.glob("speedup.*"))
    assert "timing/mini/toy/plain" in Page(page.read_text()).text  # it asked for one


def test_missing_results_are_those_that_can_exist(whole: Path) -> None:
    study = read_study(whole)
    assert missing_results(study) == ["mini/toy/plain/unjudged"]
    assert missing_results(Study(study.root, study.suite, study.results, study.records)) == [
        "mini/toy/plain/unjudged",
        "timing/mini/toy/plain",
    ]


def test_claims_are_one_a_scope(whole: Path) -> None:
    (group,) = groups_of(whole)
    scoring, whole_way = claims(group)
    assert scoring.slowest is not None
    assert scoring.slowest.baseline.method == "cvnet-rerank"
    assert scoring.cvnet == scoring.slowest
    assert whole_way.slowest is not None
    assert whole_way.slowest.baseline.method == "rootsift-magsac"
    assert whole_way.cvnet is None
    said = " ".join(explanations(group, read_study(whole).suite))
    assert "CVNet_Rerank from 3" in said
    assert "RootSIFT end to end takes 1,000x" in said


def test_timings_made_by_hand_are_read_without_a_suite(results: Path, tmp_path: Path) -> None:
    (results / "suite.json").unlink()
    bare = record(all_kinds(), record=None, noise=[], machine={})
    shutil.rmtree(results / "timing")
    write_timings(results / "timing" / "by-hand <i>.json", bare)
    page = write_report(results, tmp_path / "out")
    text = Page((page.parent / "speed.html").read_text()).text
    assert "data set not recorded, descriptor not recorded, shortlists of 100" in text
    assert "the clock's noise is not known" in text
    assert all(chart.name.isascii() for chart in (page.parent / "figures").iterdir())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda content: content.pop("timings"),
            r"plain\.json is not a whole timing record: timings",
        ),
        (lambda content: content["timings"][0].update(samples_s=[-1]), r"timings\.0\.samples_s\.0"),
        (lambda content: content["record"].update(wall_time_s="x"), r"record\.wall_time_s"),
    ],
)
def test_damaged_timings_are_named(results: Path, tmp_path: Path, damage: Any, message: str) -> None:
    path = results / "timing" / "mini" / "toy" / "plain.json"
    content = json.loads(path.read_text())
    damage(content)
    write_json(path, content)
    with pytest.raises(UserError, match=message):
        write_report(results, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_timing_s_silence_is_not_filled_with_this_machine(results: Path) -> None:
    path = results / "timing" / "mini" / "toy" / "plain.json"
    content = json.loads(path.read_text())
    del content["record"]["hardware"], content["record"]["code"]
    write_json(path, content)
    (group,) = groups_of(results)
    assert group.timed.record is not None
    assert (group.timed.record.hardware, group.timed.record.code) == ({}, {})
    assert "of hardware that was not recorded" in " ".join(explanations(group, None))


def test_main_shortlist_is_the_recorded_or_the_likeliest() -> None:
    several = [
        timing("better", seconds=0.1, shortlist=800, memory=None),
        timing("better", "from storage", 0.1, shortlist=400),
    ]
    timed = TimedData("x.json", "toy", "mini", "plain", record(several), None)
    assert main_shortlist(timed) == 400
    assert main_shortlist(TimedData("x.json", "toy", "mini", "plain", record([]), None)) is None


def test_intervals_say_their_level() -> None:
    assert interval(Interval(low=1, high=2, level=0.95), significant) == "1.00 to 2.00"
    assert interval(Interval(low=1, high=2, level=0.75), significant) == "1.00 to 2.00 (75 %)"
    assert interval(None, significant) == ""


@given(st.floats(1e-9, 1e12))
def test_three_digits_are_kept(value: float) -> None:
    text = significant(value)
    assert float(text.replace(",", "")) == pytest.approx(value, rel=0.00501)
    assert "e" not in text


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(METHODS)), st.sampled_from(sorted(SCOPES)), seconds),
        min_size=1,
        max_size=12,
        unique_by=lambda each: each[:2],
    ),
    st.sampled_from([[], [NOISE]]),
)
@settings(deadline=None, max_examples=15)
def test_any_record_becomes_tables(found: list[Any], noise: list[Noise]) -> None:
    timings = [
        timing(name, scope, taken, bytes_per_image=None, samples_s=[taken] if taken else [])
        for name, scope, taken in found
    ]
    timed = TimedData("x.json", "toy", "mini", "plain", record(timings, noise=noise), None)
    study = Study(Path("nowhere"), None, (), (), (timed,))
    groups, labels = speed_groups(study, []), Labels(None)
    assert len(rows_of(speed_csv(groups, labels))) == len(timings)
    assert "nan" not in speed_markdown(groups, labels, "note")
    assert speed_latex(groups, labels, None).count(r"\\") >= len(timings)


def test_the_words_of_speed_need_neither_torch_nor_altair() -> None:
    heavy = {"torch", "altair", "vl_convert", "scipy.stats"}
    code = f"import sys, superglobal_core.reporting.speed_view; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
