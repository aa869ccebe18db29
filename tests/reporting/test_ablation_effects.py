"""Effects for the verdict: read from an ablation's rows with all that they were measured from, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_ablation_page import content, measured, other_backbone, put, row
from test_statistics_page import aps
from test_verdict import ROOT
from test_verdict import add as add_evaluation

from superglobal_core.config import load_suite, save_suite
from superglobal_core.protocol_switches import preset_values
from superglobal_core.reporting.ablation_effects import measured_effects
from superglobal_core.reporting.collect import read_study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.study import group_results
from superglobal_core.reporting.verdict_page import verdict_part
from superglobal_core.verdict.effects import Base, Effect

KEPT = {"step": "ablate", "date": "2026-03-01T00:00:00+00:00", "wall_time_s": 1.0}
DESCRIPTOR = {
    "backbone": "resnet50",
    "checkpoint_sha256": "c" * 64,
    "colour": "bgr",
    "exif": "applied",
    "relup": "on",
}
PARAMETERS = {"shortlist": 400, "beta": 0.15, "query_neighbour": False, "bootstrap": 0}
STAGES = [("single", "medium"), ("single", "hard"), ("reranked", "medium"), ("reranked", "hard")]


def record(**changes: Any) -> dict[str, Any]:
    known = {
        **KEPT,
        "method": "superglobal",
        "descriptor": DESCRIPTOR,
        "parameters": PARAMETERS,
        "protocol": {"colour": "bgr", "shortlist": "raw", "groundtruth_sha256": "e" * 64},
    }
    return known | changes


def turned(name: str, start: str, to: str, value: Any, single: bool = True) -> dict[str, Any]:
    stages: dict[str, Any] = {"reranked": measured(aps(1, 0.1))}
    if single:
        stages["single_stage"] = measured(aps(1, 0.02))
    return row(name, to, "images", settings={name: value}, **stages) | {"preset_value": start}


def effects(root: Path, **changes: Any) -> list[Effect]:
    rows = [
        turned("colour", "bgr", "rgb", "rgb"),
        turned("exif", "on", "off", False),
        turned("relup", "on", "off", "off"),
        turned("junk", "keep", "remove", "remove", single=False),
        turned("query_neighbour", "off", "on", True, single=False),
    ]
    put(root, "one/toy.json", content(**{"rows": rows, "record": record(), **changes}))
    return measured_effects(read_study(root, evaluated=False))


def test_effects_carry_what_they_were_measured_from(tmp_path: Path) -> None:
    put(tmp_path, "one-on-other/toy.json", other_backbone())
    found = effects(tmp_path, distractors=5000)
    assert {effect.switch: (effect.preset, effect.changed) for effect in found} == {
        "colour": ("bgr", "rgb"),
        "exif": ("applied", "ignored"),
        "relup": ("on", "off"),
        "junk": ("raw", "junk removed"),
        "query_neighbour": (False, True),
    }
    assert {effect.switch: list(effect.points) for effect in found} == {
        "colour": STAGES, "exif": STAGES, "relup": STAGES, "junk": STAGES[2:], "query_neighbour": STAGES[2:],
    }  # fmt: skip
    # Each stage from its own base: 0.02 above the first, and 0.05 above the second (0.1 less 0.05).
    assert found[0].points["single", "medium"] == pytest.approx(2, abs=0.6)
    assert found[0].points["reranked", "medium"] == pytest.approx(5, abs=0.6)
    assert found[0].base == Base(
        "e" * 64,
        5000,
        {**DESCRIPTOR, "shortlist": "raw", "groundtruth_sha256": "e" * 64},
        "raw",
        {**PARAMETERS, "method": "superglobal"},
    )


@pytest.mark.parametrize(
    "known",
    [
        None,
        {**KEPT, "suite": "tiny", "parameters": {"bootstrap": 50}},
        record(protocol={"colour": "bgr"}),
        record(descriptor=None),
    ],
)
def test_an_ablation_that_does_not_say_what_it_is_of_has_none(tmp_path: Path, known: Any) -> None:
    assert effects(tmp_path, record=known) == []


def test_a_row_counts_only_from_its_preset_to_its_settings(tmp_path: Path) -> None:
    rows = [
        turned("colour", "rgb", "bgr", "bgr"),
        turned("exif", "on", "off", True),
        turned("resize", "float-tensor", "8-bit-image", "8-bit-image"),
        turned("unheard-of", "on", "off", False),
        turned("relup", "on", "off", "off") | {"settings": {}},
        turned("relup", "on", "official-off", "official-off"),
    ]
    # The record does not say what the base's resize was.
    assert [(each.switch, each.changed) for each in effects(tmp_path, rows=rows)] == [
        ("relup", "official-off")
    ]
    # In another preset the same row starts from another value.
    assert preset_values("cvnet")["relup"] == "off"
    assert effects(tmp_path, rows=rows, preset="cvnet") == []


def test_another_preset_has_another_shortlist(tmp_path: Path) -> None:
    found = effects(tmp_path, preset="cvnet", rows=[turned("colour", "bgr", "rgb", "rgb")])
    assert [effect.base.candidates for effect in found] == ["junk removed"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, True),
        ({"distractors": 7}, False),
        ({"groundtruth_sha256": "0" * 64}, False),
        ({"checkpoint_sha256": "d" * 64}, False),
    ],
)
def test_the_page_tells_an_effect_of_the_very_result_alone(
    tmp_path: Path, changes: dict[str, Any], told: bool
) -> None:
    root, source = tmp_path / "results", "evaluation/superglobal-r101/roxford5k/plain/single-stage.json"
    save_suite(load_suite(ROOT / "config/paper.yaml"), root / "suite.json")
    add_evaluation(root, source.removeprefix("evaluation/").removesuffix(".json"), {"hard": 69.1})
    known = json.loads((root / source).read_text())["record"] | {"step": "ablate"}
    known["protocol"]["groundtruth_sha256"] = changes.get(
        "groundtruth_sha256", known["protocol"]["groundtruth_sha256"]
    )
    known["descriptor"]["checkpoint_sha256"] = changes.get("checkpoint_sha256", "a" * 64)
    rows = [turned("antialias", "on", "off", False)]
    # By its name it is the same data set and descriptor every time.
    names = {"dataset": "roxford5k", "descriptor": "superglobal-r101"}
    distractors = changes.get("distractors", 0)
    put(
        root,
        "superglobal-r101/roxford5k.json",
        content(rows=rows, record=known, distractors=distractors, **names),
    )
    study = read_study(root)
    part = verdict_part(study, group_results(study), Labels(study.suite))
    found = [line for line in part.files["verdict.csv"][0].splitlines() if ",69.1," in line]
    assert found
    assert any("antialias" in line and "turned to no in this run" in line for line in found) == told
