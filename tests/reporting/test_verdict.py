"""The page `Reproduced?` from result files alone: every kind of verdict, and runs that compare with nothing."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from made_up_results import Page

from superglobal_core.config import load_suite, parse_suite, save_suite
from superglobal_core.errors import UserError
from superglobal_core.files import write_json
from superglobal_core.reporting.collect import read_study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.report import write_report
from superglobal_core.reporting.shell import Part
from superglobal_core.reporting.study import group_results
from superglobal_core.reporting.verdict_page import verdict_part
from superglobal_core.reporting.verdict_view import SIGNS
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.results import Stopwatch
from superglobal_core.steps.codes import codes_step
from superglobal_core.steps.evaluate import evaluate_step
from superglobal_core.steps.rerank import rerank_step
from superglobal_core.steps.search import search_step
from superglobal_core.verdict.judging import Verdict
from superglobal_core.verdict.reported import load_reported

ROOT = Path(__file__).parents[2]
REPORTED = load_reported()
MILLION = REPORTED.distractors.images
READING = {"crop_rounding": "truncate", "colour": "bgr", "exif": "applied", "antialias": True}
EVIL = "<script>alert(1)</script>"


def add(root: Path, path: str, maps: dict[str, float], **changes: Any) -> None:
    """Write an evaluation as the step does; path: descriptor/dataset/variant/method, maps in percent."""
    _, dataset, variant, method = path.split("/")
    reranked, known = method != "single-stage", REPORTED.datasets.get(dataset)
    protocol = {
        "query_crop": True,
        "shortlist": "raw",
        "images_left_out": 0,
        "database": 4993,
        "groundtruth_sha256": known.groundtruth_sha256 if known else "f" * 64,
        **changes.pop("protocol", {}),
    }
    descriptor = {
        "backbone": "resnet101" if "r101" in path else "resnet50",
        "precision": "float32",
        "checkpoint_sha256": "a" * 64,
        **REPORTED.protocols["superglobal"].descriptor,
        **READING,
        **changes.pop("descriptor", {}),
    }
    parameters = {"shortlist": 400, "neighbours": 9, "beta": 0.15} if reranked else {"k": 400}
    record = Stopwatch().record(
        "evaluate",
        **{
            "suite": "paper",
            "dataset": dataset,
            "distractors": MILLION if variant == "distractors" else 0,
            "descriptor": descriptor,
            "method": "superglobal" if reranked else "none",
            "parameters": {**parameters, **changes.pop("parameters", {}), "bootstrap": 0},
            "protocol": protocol,
            **changes,
        },
    )
    content: dict[str, Any] = {"record": record.model_dump()}
    for name in ("easy", "medium", "hard"):
        value = maps.get(name, 50.0) / 100
        content[name] = {
            "map": value,
            "map_interval_95": [max(0, value - 0.02), min(1, value + 0.02)],
            "mean_precision": {"1": value, "5": value, "10": value},
            "queries_with_positives": 2,
            "average_precision": [value, value],
        }
    write_json(root / "evaluation" / f"{path}.json", content)


def part_of(root: Path) -> Part:
    study = read_study(root)
    return verdict_part(study, group_results(study), Labels(study.suite))


def rows_of(part_or_text: Part | str) -> list[dict[str, str]]:
    text = part_or_text if isinstance(part_or_text, str) else part_or_text.files["verdict.csv"][0]
    return list(csv.DictReader(io.StringIO(text)))


def row(rows: list[dict[str, str]], *wanted: str, **more: str) -> dict[str, str]:
    """The one row of method, backbone, stage and column."""
    keys = dict(zip(("method", "backbone", "stage", "column"), wanted, strict=False)) | more
    found = [each for each in rows if all(each[key] == value for key, value in keys.items())]
    assert len(found) == 1, found
    return found[0]


def words(page: str) -> str:
    body = re.sub(r"<style>.*?</style>", " ", page, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A folder of the suite `paper`, still without results."""
    root = tmp_path / "results"
    save_suite(load_suite(ROOT / "config/paper.yaml"), root / "suite.json")
    return root


def test_a_run_with_every_kind_of_verdict(paper: Path) -> None:
    r50, r101 = "superglobal-r50/roxford5k", "superglobal-r101/roxford5k"
    add(paper, f"{r50}/distractors/single-stage", {"medium": 74.13, "hard": 49.74})
    add(paper, f"{r101}/plain/single-stage", {"hard": 71.5})
    add(paper, f"{r101}/plain/superglobal", {"hard": 80.2}, parameters={"shortlist": 100})
    add(paper, f"{r101}/distractors/single-stage", {"hard": 61.5})
    page = write_report(paper, paper.parent / "out")
    rows = rows_of((page.parent / "verdict.csv").read_text())
    user = {"status": "verified"}
    edge = row(rows, "superglobal", "resnet50", "single", "roxford5k+1m_medium", **user)
    assert (edge["verdict"], edge["difference"], edge["tolerance"]) == ("reproduced", "1.0", "1.0")
    assert edge["reported_in_interval"] == "True"
    beyond = row(rows, "superglobal", "resnet50", "single", "roxford5k+1m_hard", **user)
    assert (beyond["verdict"], beyond["difference"]) == ("not reproduced", "-1.01")
    assert "antialias" in beyond["explained"]
    assert "list of distractors" in beyond["explained"]
    weak = row(rows, "superglobal", "resnet50", "single", "roxford5k+1m_hard", status="unverified")
    assert (weak["verdict"], weak["difference"]) == ("not decided (unverified)", "-3.86")
    plain = row(rows, "superglobal", "resnet101", "single", "roxford5k_hard")
    assert (plain["verdict"], plain["measured"], plain["low"], plain["high"]) == (
        "not reproduced",
        "71.5",
        "69.5",
        "73.5",
    )
    assert plain["result"] == f"evaluation/{r101}/plain/single-stage.json"
    fewer = row(rows, "superglobal", "resnet101", "reranked", "roxford5k_hard")
    assert (fewer["verdict"], fewer["difference"]) == ("not comparable", "0.0")
    assert "shortlist (M): 100 here, 400 in the release" in fewer["reasons"]
    derived = row(rows, "superglobal", "resnet101", "single", "roxford5k+1m_hard", status="derived")
    assert derived["verdict"] == "reproduced"
    assert "Derived" in derived["explained"]
    assert (
        row(rows, "superglobal", "resnet101", "single", "roxford5k+1m_hard", **user)["verdict"]
        == "not reproduced"
    )
    uncropped = row(rows, "dolg", "resnet101", "single", "roxford5k+1m_hard", query_crop="False")
    assert uncropped["verdict"] == "not comparable"
    assert "the query crop differs" in uncropped["reasons"]
    assert row(rows, "superglobal", "resnet101", "reranked", "rparis6k_hard")["verdict"] == "not run"
    claim = row(rows, kind="claim", measure="+7.1")
    assert (claim["verdict"], claim["measured"]) == ("not comparable", "6.69")
    assert "61.5 \N{MINUS SIGN} 51.57 = 9.93" in claim["explained"]
    assert "SuperGlobal" not in row(rows, kind="speedup")["explained"]
    assert row(rows, kind="speedup")["verdict"] == "not run"

    html = (page.parent / "verdict.html").read_text()
    text = words(html)
    counted = [each["verdict"] for each in rows if each["kind"] == "mAP"]
    for verdict, sign in SIGNS.items():
        assert f"{sign} {verdict}" in text
        if verdict is not Verdict.REPRODUCED:
            assert f"{counted.count(verdict)} {verdict}" in text
    assert f"{counted.count('reproduced')} of {len(counted)} published figures were reproduced" in text
    assert html.count('class="unverified"') == len(
        {each["method"] + each["backbone"] + each["stage"] for each in rows if each["status"] == "unverified"}
    )
    assert text.index("Answer") < text.index("The abstract's claims") < text.index("Verdicts by method")
    for figure in ("71.50", "69.50 to 73.50", "= 7.09", "= 10.33", "= 3.70", "= 16.29", "= 19.53"):
        assert figure in text
    for entry in REPORTED.entries:
        assert " ".join(entry.source.split()) in words(html.replace("&#39;", "'"))
    first = page.read_text()
    linked = dict(re.findall(r'<a href="provenance\.html#([^"]+)">([\d.]+)</a>', html))
    assert linked["record-evaluation.superglobal-r101.roxford5k.distractors.single-stage"] == "61.50"
    assert len(linked) == 4
    records = (page.parent / "provenance.html").read_text()
    assert all(f'id="{anchor}"' in records for anchor in linked)
    # On a phone a cell has no heading above it: its own says what it is.
    shown = html.partition("</style>")[2]
    assert shown.count('data-label="Measured"') == shown.count('data-label="Difference"') > 10
    markdown = (page.parent / "verdict.md").read_text()
    assert "≠ not comparable" in markdown
    assert re.search(r'<a href="verdict.html">Reproduced\?</a> \d+ of \d+ published figures', first)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"protocol": {"query_crop": False}}, "the query crop differs"),
        ({"protocol": {"shortlist": "junk removed"}}, "other shortlist"),
        ({"protocol": {"images_left_out": 2}}, "2 of the data set's images"),
        ({"descriptor": {"relup": "off"}}, "ReLUP: off here"),
        ({"descriptor": {"colour": "rgb"}}, "order of the colours"),
        ({"descriptor": {"backbone": "mini"}}, "other network: mini"),
        ({"parameters": {"beta": 0.3}}, "beta: 0.3 here"),
        ({"parameters": {"neighbours": 5}}, "neighbours (K): 5"),
        ({"parameters": {"missing": "weights"}}, "random ones"),
        ({"protocol": {"groundtruth_sha256": "0" * 64}}, "other ground truth: its sha256 is 000000000000..."),
    ],
)
def test_each_reason_is_read_from_the_record(paper: Path, changes: dict[str, Any], says: str) -> None:
    add(paper, "superglobal-r101/roxford5k/plain/superglobal", {"hard": 80.2}, **changes)
    found = row(rows_of(part_of(paper)), "superglobal", "resnet101", "reranked", "roxford5k_hard")
    assert found["verdict"] == "not comparable"
    assert says in found["reasons"]


def test_fewer_distractors_compare_with_nothing(paper: Path) -> None:
    add(paper, "superglobal-r50/roxford5k/distractors/single-stage", {"hard": 50.75}, distractors=5000)
    rows = rows_of(part_of(paper))
    found = row(rows, "superglobal", "resnet50", "single", "roxford5k+1m_hard", status="verified")
    assert found["verdict"] == "not comparable"
    assert "5,000, where R1M has 1,001,001" in found["reasons"]


def test_a_negative_number_of_distractors_is_a_damaged_record(paper: Path) -> None:
    add(paper, "superglobal-r50/roxford5k/plain/single-stage", {}, distractors=0)
    file = paper / "evaluation/superglobal-r50/roxford5k/plain/single-stage.json"
    content = json.loads(file.read_text())
    content["record"]["distractors"] = -3
    write_json(file, content)
    with pytest.raises(UserError, match=r"single-stage\.json is damaged: record\.distractors is wrong"):
        read_study(paper)


def test_weights_are_the_published_ones_only_where_that_is_known(paper: Path) -> None:
    add(paper, "superglobal-r101/roxford5k/plain/single-stage", {"hard": 72.1})
    cell = ("superglobal", "resnet101", "single", "roxford5k_hard")
    assert row(rows_of(part_of(paper)), *cell)["verdict"] == "reproduced"
    content = load_suite(ROOT / "config/paper.yaml").model_dump(mode="json") | {"ablation": None}
    own = content | {"catalogues": ["mine.yaml"]}
    by_hand = content | {
        "descriptors": {"superglobal-r101": {"extract": {"backbone": "resnet101", "checkpoint": "x.pyth"}}}
    }
    crossed = content | {
        "descriptors": {"superglobal-r101": {"extract": {"backbone": "resnet101", "download": "cvnet-r50"}}}
    }
    for suite in (own, by_hand, crossed):
        save_suite(parse_suite(suite, "the suite"), paper / "suite.json")
        found = row(rows_of(part_of(paper)), *cell)
        assert found["verdict"] == "not comparable"
        assert "other network weights, or unknown ones (sha256 aaaaaaaaaaaa...)" in found["reasons"]
    (paper / "suite.json").unlink()
    assert row(rows_of(part_of(paper)), *cell)["verdict"] == "not comparable"


def synthetic_suite(name: str) -> dict[str, Any]:
    return {
        "suite": "drawn",
        "title": EVIL,
        "datasets": {name: {"label": EVIL, "synthetic": {"distractors": 20}}},
        "descriptors": {"superglobal-r101": {"label": EVIL, "extract": {"backbone": "mini"}}},
        "methods": {"single-stage": {"reranker": "none"}, "superglobal": {"reranker": "superglobal"}},
    }


def test_two_checkpoints_under_one_name_are_told_on_both(paper: Path) -> None:
    add(paper, "superglobal-r101/roxford5k/plain/single-stage", {"hard": 72.1})
    other = {"checkpoint_sha256": "d" * 64}
    add(paper, "superglobal-r101/roxford5k/plain/superglobal", {"hard": 80.2}, descriptor=other)
    rows = rows_of(part_of(paper))
    for stage, further in (("single", "dddddddddddd"), ("reranked", "aaaaaaaaaaaa")):
        found = row(rows, "superglobal", "resnet101", stage, "roxford5k_hard")
        assert found["verdict"] == "not comparable"
        assert f"further ones under the same name ({further}...)" in found["reasons"]


@pytest.mark.parametrize("name", ["landmarks", "roxford5k"])
def test_drawn_images_are_never_oxford_whatever_they_are_called(tmp_path: Path, name: str) -> None:
    root = tmp_path / "results"
    save_suite(parse_suite(synthetic_suite(name), "the suite"), root / "suite.json")
    drawn = {"descriptor": {"backbone": "mini"}, "protocol": {"groundtruth_sha256": "b" * 64}}
    for variant in ("plain", "distractors"):
        for method in ("single-stage", "superglobal"):
            add(root, f"superglobal-r101/{name}/{variant}/{method}", {"hard": 72.1}, **drawn)
    page = write_report(root, tmp_path / "out")
    rows = rows_of((page.parent / "verdict.csv").read_text())
    assert {each["verdict"] for each in rows} == {"not run"}
    assert all(each["reasons"] for each in rows)
    assert not any(each["measured"] for each in rows)
    text = words((page.parent / "verdict.html").read_text())
    assert "this run has neither ROxford5k nor RParis6k" in text
    found = row(rows, "superglobal", "resnet101", "single", "roxford5k_hard")["reasons"]
    assert "this run has no ROxford5k" in found
    assert ("what it calls roxford5k is a synthetic data set" in found) == (name == "roxford5k")
    for file in ("index.html", "verdict.html"):
        assert Page((page.parent / file).read_text()).only_own_scripts


def test_real_codes_compare_with_nothing_and_the_page_says_so_first(shared: Path, tmp_path: Path) -> None:
    truth = shared / "data/groundtruth/gnd_roxford5k.pkl"
    root, made = tmp_path / "results", tmp_path / "codes"
    codes_step(shared / "data/roxford5k_codes/resnet_lsh500.npz", truth, made, bits=500)
    queries, database = made / "queries", [made / "database"]
    search_step(queries, database, 400, tmp_path / "topk.npz", truth, device="cpu")
    rerank_step(queries, database, SuperGlobalReranker(), tmp_path / "superglobal.npz",
                search=tmp_path / "topk.npz", groundtruth=truth, device="cpu")  # fmt: skip
    for name in ("topk", "superglobal"):
        out = root / "evaluation" / "lsh500" / "roxford5k" / "plain" / f"{name}.json"
        evaluate_step(truth, out, ranks=tmp_path / f"{name}.npz", bootstrap=50)
    save_suite(load_suite(ROOT / "config/roxford5k-codes.yaml"), root / "suite.json")
    part = part_of(root)
    assert part.headline
    assert part.headline.startswith("Nothing here compares with any published figure")
    assert "binary codes" in part.headline.partition(".")[0]
    rows = [each for each in rows_of(part) if each["kind"] in ("mAP", "evaluator")]
    assert {each["verdict"] for each in rows} <= {"not run", "not comparable"}
    assert not any(each["measured"] for each in rows)
    mine = [
        each for each in rows if each["method"] == "superglobal" and each["column"].startswith("roxford5k_")
    ]
    assert mine
    for each in mine:
        assert each["verdict"] == "not run"
        assert "the descriptors here are those of no network" in each["reasons"]
    page = write_report(root, tmp_path / "out").parent / "verdict.html"
    assert words(page.read_text()).partition(" Answer Nothing here compares")[1]


def test_known_descriptors_check_the_evaluator(tmp_path: Path) -> None:
    root, wanted = tmp_path / "results", REPORTED.evaluator["roxford5k"]
    assert not isinstance(wanted, str)
    maps = {"easy": wanted.easy, "medium": wanted.medium, "hard": wanted.hard - 0.02}
    add(root, "gem/roxford5k/plain/single-stage", maps, descriptor={"download": "revisitop-features"})
    rows = [
        each for each in rows_of(part_of(root)) if each["kind"] == "evaluator" and each["measure"] == "map"
    ]
    found = {each["column"]: each["verdict"] for each in rows}
    assert found == {
        "roxford5k_easy": "reproduced",
        "roxford5k_medium": "reproduced",
        "roxford5k_hard": "not reproduced",
        "rparis6k_easy": "not run",
        "rparis6k_medium": "not run",
        "rparis6k_hard": "not run",
    }
