"""What an ablation changes: one thing at a time, and nothing that has no effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from superglobal_core.ablation_plan import Change, ablation_files, bases, not_measured, values_of
from superglobal_core.config import Suite, parse_suite
from superglobal_core.descriptor_switches import settings_of
from superglobal_core.errors import UserError
from superglobal_core.files import write_text
from superglobal_core.protocol_switches import PRESETS, SWITCHES, preset_values
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.study import missing_results
from superglobal_core.steps.verify_missing import missing_files


def suite(extract: dict[str, Any] | None = None, **ablation: Any) -> Suite:
    content = {
        "suite": "toy",
        "title": "Toy",
        "datasets": {"one": {"synthetic": {}}},
        "descriptors": {"mini": {"extract": {"backbone": "mini", **(extract or {})}}},
        "methods": {"none": {}},
        "ablation": {"descriptor": "mini", **ablation},
    }
    return parse_suite(content, "the test")


def changes(**given: Any) -> dict[tuple[str, str, str], Change]:
    (base,) = bases(suite(**given))
    return {(change.table, change.name, change.changed_value): change for change in base.changes}


@pytest.mark.parametrize("preset", PRESETS)
def test_each_switch_takes_each_other_value_once(preset: str) -> None:
    extract = {"preset": "cvnet-global" if preset == "cvnet" else "superglobal"}
    found = {key for key in changes(extract=extract, preset=preset) if key[0] == "switches"}
    count = sum(len(switch.others(preset)) for switch in SWITCHES)  # type: ignore[arg-type]
    # CVNet's 8-bit resize knows no antialiasing.
    assert len(found) == count - (preset == "cvnet")
    assert ("switches", "antialias", "off") not in found if preset == "cvnet" else found


def test_each_change_changes_just_what_it_says() -> None:
    (base,) = bases(suite())
    own = values_of(base.extract)
    for change in base.changes:
        if not change.extracted:
            continue
        other = values_of(base.extract.model_copy(update=change.settings))
        assert {name for name in own if own[name] != other[name]} == set(change.settings)
        reads_alone = change.touches == "queries"
        assert change.touches_split("queries")
        assert change.touches_split("database") is not reads_alone
        if not reads_alone and change.name != "exif":
            changed = settings_of(base.extract.model_copy(update=change.settings))
            assert changed != settings_of(base.extract)
    folders = [change.folder for change in base.changes if change.extracted and change.table == "switches"]
    assert len(set(folders)) == len(folders)


def test_switches_and_modules_can_be_chosen() -> None:
    assert {key[1] for key in changes(switches=["junk"], modules=False)} == {"junk"}
    modules = changes(switches=False, exponents=[4.6, 3.0], regional_exponents=[], thresholds=[])
    assert set(modules) == {
        ("modules", "GeM+", "off"),
        ("modules", "Regional-GeM", "off"),
        ("modules", "Scale-GeM", "off"),
        ("modules", "ReLUP", "off"),
        ("modules", "all four", "off"),
        ("modules", "p of GeM+", "3"),  # its own value is no change
    }
    switched_on = changes(extract={"preset": "cvnet-global"}, preset="cvnet", switches=False, exponents=[3.0])
    assert set(switched_on) == {
        ("modules", name, "on") for name in ("GeM+", "Regional-GeM", "Scale-GeM", "ReLUP")
    }


def test_other_backbones_get_the_modules_where_weights_are(tmp_path: Path) -> None:
    weights = tmp_path / "resnet50.pth"
    weights.touch()
    there = {"backbone": "torchvision-resnet50", "checkpoint": str(weights)}
    lost = {"backbone": "resnet50", "checkpoint": str(tmp_path / "lost.pth")}
    both = suite(backbones=[there, lost])
    first, second = bases(both)
    assert (first.backbone, second.backbone) == (None, "torchvision-resnet50")
    assert second.name == "mini-on-torchvision-resnet50"
    assert {change.table for change in second.changes} == {"modules"}
    assert second.extract.checkpoint == weights
    assert both.ablation is not None
    assert "there is no file" in str(both.ablation.backbones[1].missing)


def test_what_has_no_row_says_why() -> None:
    short = suite(switches=["junk"], thresholds=[])
    assert short.ablation is not None
    (base,) = bases(short)
    reasons = {name: reason for _, name, reason in not_measured(short.ablation, base.extract)}
    assert set(reasons) == {switch.name for switch in SWITCHES} - {"junk"} | {"alpha of ReLUP"}
    assert reasons["colour"] == "the suite's `ablation.switches` leaves it out"
    assert reasons["alpha of ReLUP"] == "the suite's `ablation.thresholds` names no other value"
    cvnet = suite(extract={"preset": "cvnet-global"}, preset="cvnet")
    assert cvnet.ablation is not None
    (base,) = bases(cvnet)
    reasons = {name: reason for _, name, reason in not_measured(cvnet.ablation, base.extract)}
    assert set(reasons) == {"antialias", "p of GeM+", "p of Regional-GeM", "alpha of ReLUP"}


def test_files_that_are_not_there_are_missing(tmp_path: Path) -> None:
    asked = suite(grids={}, tuning=[{"tuned_on": "one"}])
    files = ["ablation/mini/one.json", "sweeps/mini/one/plain.json", "tuning/one-to-other-half.json"]
    assert ablation_files(asked) == files
    names = [name.removesuffix(".json") for name in files]
    study = Study(tmp_path, asked, (), ())
    assert [name for name in missing_results(study) if name in names] == names
    assert {one.source for one in missing_files(study, ())} >= set(files)
    write_text(tmp_path / files[1], "{}")
    assert names[1] not in missing_results(study)


WRONG = [
    (
        {"descriptor": "maxi"},
        "ablation.descriptor is maxi, which is no extracted descriptor: choose from mini",
    ),
    ({"datasets": ["two"]}, "ablation.datasets names 'two', which is not in datasets"),
    ({"switches": ["crop"]}, "choose from query_crop"),
    ({"preset": "mine"}, "preset is 'mine'"),
    ({"tuning": [{"tuned_on": "one", "reported_on": "one"}]}, "tunes and reports on 'one'"),
    ({"tuning": [{"tuned_on": "three"}]}, "ablation.tuning.0 names 'three'"),
]


@pytest.mark.parametrize(("ablation", "message"), WRONG)
def test_mistakes_are_sentences(ablation: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        suite(**ablation)


def test_a_descriptor_that_is_not_the_presets_is_refused() -> None:
    with pytest.raises(UserError, match="has antialias off, which in the preset 'official' is on"):
        bases(suite(extract={"antialias": False}))


def test_presets_name_every_switch() -> None:
    for preset in PRESETS:
        values = preset_values(preset)
        for switch in SWITCHES:
            assert values[switch.name] in switch.values
            assert switch.of(preset) not in switch.others(preset)
    with pytest.raises(UserError, match="official"):
        preset_values("mine")
