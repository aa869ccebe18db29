"""citations.bib: every work behind a study, once, from results and package data alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from superglobal_core.config import parse_suite, read_saved_suite, save_suite
from superglobal_core.data.bibtex import entries_of
from superglobal_core.reporting import citations
from superglobal_core.reporting.citations import citations_bib
from superglobal_core.reporting.collect import Evaluation, Figures, Result, StoredRecord, Study

SWITCHES = {
    "backbone": "resnet50",
    "gem_plus": True,
    "regional_gem": True,
    "scale_pooling": "max",
    "relup": "on",
}
CVNET = {
    "backbone": "resnet101",
    "gem_plus": False,
    "regional_gem": False,
    "scale_pooling": "mean",
    "relup": "off",
}


def result(method: str, dataset: str = "mine", name: str = "mine", **facts: Any) -> Result:
    record = StoredRecord(step="evaluate", method=method, date="2024-01-01T00:00:00", wall_time_s=1, **facts)
    figures = Figures(map=None, mean_precision={}, queries_with_positives=0, average_precision=[])
    evaluation = Evaluation(easy=figures, medium=figures, hard=figures, record=record)
    return Result("file.json", dataset, name, "plain", method, evaluation)


def study(*results: Result, **suite: Any) -> Study:
    content = {
        "suite": "tiny",
        "title": "Tiny",
        "datasets": {"mine": {"synthetic": {}}},
        "descriptors": {"mine": {"extract": {"backbone": "mini"}}},
        "methods": {"none": {"reranker": "none"}},
    } | suite
    return Study(Path("absent"), parse_suite(content, "suite") if suite else None, results, ())


def keys(text: str) -> list[str]:
    return re.findall(r"^@\w+\{([^,]+),", text, re.M)


def test_methods_descriptors_and_data_sets_each_once_by_key() -> None:
    text = citations_bib(
        study(
            result("superglobal", "oxford", "official", descriptor=SWITCHES, distractors=9),
            result("k-reciprocal", "oxford", "official", descriptor=SWITCHES),
            result("none", "paris", "official", descriptor=SWITCHES),
            datasets={
                "oxford": {"download": "roxford5k"},
                "paris": {
                    "groundtruth": "there/gnd_rparis6k.pkl",
                    "query_images": "q",
                    "database_images": "d",
                },
            },
            descriptors={"official": {"extract": {"backbone": "resnet50", "download": "cvnet-r50"}}},
            distractor_set="revisitop1m",
        )
    )
    assert keys(text) == [
        "he2016deep",
        "lee2022correlation",
        "philbin2007object",
        "philbin2008lost",
        "radenovic2018revisiting",
        "radenovic2019finetuning",
        "shao2023superglobal",
        "weyand2020google",
        "zhong2017reranking",
    ]
    assert "% data set oxford, data set paris, distractors revisitop1m\n@inproceedings{radenovic2018" in text
    assert "% method superglobal, descriptor official\n@inproceedings{shao2023" in text
    assert "Not known" not in text
    assert len(entries_of(text)) == 9


def test_a_descriptor_cites_what_its_switches_say() -> None:
    assert keys(citations_bib(study(result("none", "roxford5k", descriptor=CVNET)))) == [
        "he2016deep",
        "philbin2007object",
        "radenovic2018revisiting",
        "radenovic2019finetuning",
    ]
    given = {"extract": {"backbone": "resnet101", "checkpoint": "elsewhere/CVPR2022_CVNet_R101.pyth"}}
    found = keys(citations_bib(study(result("none", descriptor=CVNET), descriptors={"mine": given})))
    assert found == ["he2016deep", "lee2022correlation", "radenovic2019finetuning", "weyand2020google"]


def test_drawn_data_and_codes_cite_nothing() -> None:
    text = citations_bib(study(result("none", descriptor={"codes_sha256": "0"}), seed=1))
    assert text == "% Works behind the methods, descriptors and data sets of these results.\n"


def test_a_folders_own_citation_comes_from_the_results_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "methods" / "ours"
    folder.mkdir(parents=True)
    (folder / "method.yaml").write_text(
        "{label: Ours, stage: reranker, runs: python, python: 'm.py:M', citation: '@misc{ours, title = {Ours}}'}"
    )
    (folder / "m.py").write_text("")
    suite = study(
        result("ours"),
        result("superglobal"),
        methods=["ours", "superglobal"],
        method_paths=[str(folder.parent)],
    ).suite
    assert suite is not None
    save_suite(suite, tmp_path / "suite.json")
    # As it is where the report is made: no folder of methods far and wide.
    shutil.rmtree(folder.parent)
    monkeypatch.setattr(citations, "SHIPPED", tmp_path)
    saved = Study(
        tmp_path, read_saved_suite(tmp_path / "suite.json"), (result("ours"), result("superglobal")), ()
    )
    assert keys(citations_bib(saved)) == ["ours", "shao2023superglobal"]


def test_what_is_not_known_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = citations_bib(study(result("my@{method}", "my data")))
    assert "% Not known here: the citation of method my at {method}.\n" in text
    assert "% Not known here: the citation of data set my data.\n" in text
    # Steps that ran by hand, and a package without the repository beside it.
    monkeypatch.setattr(citations, "SHIPPED", tmp_path)
    assert "the citation of method superglobal." in citations_bib(study(result("superglobal")))
