"""The data file of reported figures: as collected, complete, checked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from superglobal_core.data.catalogue import load_catalogue
from superglobal_core.errors import UserError
from superglobal_core.networks.settings import PRESETS
from superglobal_core.reranking.cvnet import CVNetScorer
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.verdict.reported import SHIPPED, Column, load_reported

ADOPTED = ("columns", "entries", "evaluator", "memory_gb_for_roxford5k+1m")


def test_every_figure_is_the_collected_one(shared: Path) -> None:
    collected = yaml.safe_load((shared / "reported.yaml").read_text())
    ours = yaml.safe_load(SHIPPED.read_text())
    for key in ADOPTED:
        assert ours[key] == collected[key], key
    claims = [{key: value for key, value in entry.items() if key != "factor"} for entry in ours["speed"]]
    assert claims == collected["speed"]
    assert [f"{entry['factor']:,}x" for entry in ours["speed"]] == [
        entry["claim"].split()[0] for entry in collected["speed"]
    ]
    for name, data in ours["datasets"].items():
        assert data["groundtruth_sha256"] == collected["downloads"][f"gnd_{name}.pkl"]["sha256"]


def test_what_is_left_out_lies_in_the_catalogue(shared: Path) -> None:
    collected = yaml.safe_load((shared / "reported.yaml").read_text())
    catalogue = load_catalogue()
    digests = {file.sha256 for name in catalogue for file in catalogue[name].files}
    wanted = {entry["sha256"] for entry in collected["downloads"].values() if "sha256" in entry}
    assert wanted <= digests
    reported = load_reported()
    assert {network.catalogue for network in reported.networks.values() if network.catalogue} <= set(
        catalogue
    )


def test_every_comment_of_the_collected_file_is_kept(shared: Path) -> None:
    ours = SHIPPED.read_text()
    for line in (shared / "reported.yaml").read_text().partition("downloads:")[0].splitlines():
        if line.strip().startswith("#"):
            assert line in ours, line


def test_the_protocols_are_those_that_this_project_computes() -> None:
    protocols = load_reported().protocols
    for name, preset in (("superglobal", "superglobal"), ("cvnet_global", "cvnet-global")):
        settings = {**PRESETS[preset].as_dict(), "colour": "bgr"}
        wanted = protocols[name].descriptor
        assert wanted == {key: settings[key] for key in wanted}
        # Only what this preset does not use may be missing.
        unused = {"antialias"} | (
            {"gem_plus_p", "regional_p", "relup_alpha"} if name == "cvnet_global" else set()
        )
        assert set(settings) - set(wanted) == unused
    released = protocols["superglobal"].reranker | protocols["superglobal"].options
    undecided = {name: switch.ours for name, switch in load_reported().switches.items()}
    for name, value in SuperGlobalReranker().parameters.items():
        assert released.get(name, undecided.get(name)) == value, name
    assert protocols["cvnet_rerank"].reranker["weight"] == CVNetScorer(device="cpu").weight


def test_a_figure_knows_its_cell_and_tolerance() -> None:
    figures = load_reported().figures()
    assert {figure.tolerance for figure in figures if not figure.column.distractors} == {0.3}
    assert {figure.tolerance for figure in figures if figure.column.distractors} == {1.0}
    named = sum(value is not None for entry in load_reported().entries for value in entry.map)
    assert len(figures) == named
    assert Column.parse("rparis6k_medium") == Column("rparis6k_medium", "rparis6k", False, "medium")
    assert len(load_reported().evaluator_figures()) == 2 * 3 * 4
    assert all(figure.source != "same" for figure in load_reported().memory_figures())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("status: derived, source", "status: guessed, source", "entries.3.status"),
        ("map: [83.9, 74.7,", "map: [74.7,", "7 figures for 8 columns"),
        ("map: [83.9,", "map: [183.9,", "less than or equal to 100"),
        ("{method: token, backbone", "{method: tokens, backbone", "not described"),
        ("query_crop: false}", "query_crop: true, status: unverified}", "0 figures of dolg"),
        ("columns: [", "columns: [[", "no valid YAML"),
        ("roxford5k_medium,", "roxford5k-medium,", "DATASET[+1m]_PROTOCOL"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = SHIPPED.read_text()
    assert old in text
    path = tmp_path / "reported.yaml"
    path.write_text(text.replace(old, new))
    with pytest.raises(UserError) as caught:
        load_reported(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the reported figures"):
        load_reported(tmp_path / "none.yaml")


def test_an_entry_may_have_its_own_tolerance(tmp_path: Path) -> None:
    path = tmp_path / "reported.yaml"
    source = 'source: "Token release"'
    path.write_text(SHIPPED.read_text().replace(source, f"{source}, tolerance: 2"))
    changed = [each for each in load_reported(path).figures() if each.method == "token"]
    assert {each.tolerance for each in changed} == {2}
    assert dataclasses.replace(changed[0], tolerance=0.3) in load_reported().figures()
