"""Measured effects of switches: each thing in which a result and the ablation differ leaves nothing to claim."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from made_up import REPORTED, figure, reranked, result, switched

from superglobal_core.verdict.effects import Base, Effect, Turn, turns
from superglobal_core.verdict.judging import judge
from superglobal_core.verdict.measured import Measured

CHECKPOINT = {"checkpoint_sha256": "c" * 64, "backbone": "resnet101"}
SINGLE, RERANKED = figure(), figure(stage="reranked")
HERE = switched(SINGLE, **CHECKPOINT)
RERANKED_HERE = dataclasses.replace(switched(RERANKED, **CHECKPOINT), source="evaluation/reranked.json")


def base_of(measured: Measured, **changes: Any) -> Base:
    assert measured.groundtruth_sha256 is not None
    assert measured.distractors is not None
    found = Base(
        measured.groundtruth_sha256,
        measured.distractors,
        {**measured.switches, "preset": "official", "shortlist": "raw"},
        measured.candidates,
        {**measured.reranker, "k": 500, "queries": 70},
    )
    return dataclasses.replace(found, **changes)


def effect(base: Base, switch: str = "antialias", preset: Any = True, changed: Any = False) -> Effect:
    return Effect(base, switch, preset, changed, {("single", "hard"): 1.0, ("reranked", "hard"): 3.0})


def test_an_effect_is_that_of_the_stage_and_protocol() -> None:
    made = [effect(base_of(RERANKED_HERE))]
    assert turns(HERE, "single", "hard", made) == [Turn("antialias", False, 1.0)]
    assert turns(RERANKED_HERE, "reranked", "hard", made) == [Turn("antialias", False, 3.0)]
    assert turns(HERE, "single", "medium", made) == []
    only = [dataclasses.replace(made[0], points={("reranked", "hard"): 3.0})]
    assert turns(HERE, "single", "hard", only) == []


def test_from_the_changed_value_the_sign_turns_and_from_a_third_nothing_is_known() -> None:
    made = [effect(base_of(HERE), "relup", "on", "off")]
    at = {value: turns(switched(SINGLE, **CHECKPOINT, relup=value), "single", "hard", made)
          for value in ("on", "off", "official-off", None)}  # fmt: skip
    assert at == {
        "on": [Turn("relup", "off", 1.0)],
        "off": [Turn("relup", "on", -1.0)],
        "official-off": [],
        None: [],
    }


@pytest.mark.parametrize(
    "measured",
    [
        dataclasses.replace(HERE, groundtruth_sha256="0" * 64),
        dataclasses.replace(HERE, groundtruth_sha256=None),
        dataclasses.replace(HERE, distractors=5000, with_distractors=True),
        dataclasses.replace(HERE, distractors=None),
        dataclasses.replace(HERE, images_left_out=3),
        switched(SINGLE, backbone="resnet101", checkpoint_sha256="d" * 64),
        switched(SINGLE, backbone="resnet50", checkpoint_sha256="c" * 64),
        switched(SINGLE, backbone="resnet101"),
        switched(SINGLE, **CHECKPOINT, colour="rgb"),
        switched(SINGLE, **CHECKPOINT, crop_rounding="round"),
        switched(SINGLE, **CHECKPOINT, gem_plus_p=3.0),
        switched(SINGLE, **CHECKPOINT, another=True),
    ],
)
def test_other_data_or_descriptor(measured: Measured) -> None:
    made = [effect(base_of(HERE))]
    assert turns(HERE, "single", "hard", made)
    assert turns(measured, "single", "hard", made) == []


@pytest.mark.parametrize(
    "changes", [{"beta": 0.3}, {"shortlist": 100}, {"neighbours": 5}, {"method": "other"}]
)
def test_other_reranking_counts_after_reranking_alone(changes: dict[str, Any]) -> None:
    made = [effect(base_of(RERANKED_HERE))]
    other = dataclasses.replace(
        RERANKED_HERE, reranker={**RERANKED_HERE.reranker, **changes, "bootstrap": 50}
    )
    assert turns(other, "reranked", "hard", made) == []
    assert turns(other, "single", "hard", made)


def test_the_shortlist_without_junk_is_a_switch_of_its_own() -> None:
    base = base_of(RERANKED_HERE)
    removed = dataclasses.replace(RERANKED_HERE, candidates="junk removed")
    junk = effect(base, "junk", "raw", "junk removed")
    assert turns(removed, "reranked", "hard", [effect(base)]) == []
    assert turns(removed, "reranked", "hard", [junk]) == [Turn("junk", "raw", -3.0)]
    assert turns(RERANKED_HERE, "reranked", "hard", [junk]) == [Turn("junk", "junk removed", 3.0)]


def test_a_base_without_checkpoint_holds_for_nothing() -> None:
    bare = result(SINGLE)
    assert turns(bare, "single", "hard", [effect(base_of(bare))]) == []


def test_the_first_of_two_ablations_that_hold_counts() -> None:
    first = effect(base_of(HERE))
    second = dataclasses.replace(first, points={("single", "hard"): 9.0})
    assert [turn.points for turn in turns(HERE, "single", "hard", [first, second])] == [1.0]


def test_only_turning_to_the_published_value_explains() -> None:
    # Rounded corners here, truncated there: the ablation truncates, so that its sign is turned.
    rounded = switched(SINGLE, SINGLE.value - 1.5, **CHECKPOINT, crop_rounding="round")
    made = [effect(base_of(HERE), "crop_rounding", "truncate", "round")]
    found = {each.switch: each for each in judge(SINGLE, [rounded], REPORTED, made).differences}
    rounding = found["crop_rounding"]
    assert (rounding.effect, rounding.fits, rounding.turned) == (-1.0, False, "truncate")
    gained = [dataclasses.replace(made[0], points={("single", "hard"): -1.5})]
    found = {each.switch: each for each in judge(SINGLE, [rounded], REPORTED, gained).differences}
    assert (found["crop_rounding"].effect, found["crop_rounding"].fits) == (1.5, True)


def test_an_effect_that_does_not_hold_is_not_told() -> None:
    low = switched(SINGLE, SINGLE.value - 1.0, **CHECKPOINT)
    base = base_of(HERE)
    told = judge(SINGLE, [low], REPORTED, [effect(base)]).differences
    assert {each.switch: each.fits for each in told}["antialias"] is True
    elsewhere = [effect(dataclasses.replace(base, groundtruth_sha256="0" * 64))]
    assert judge(SINGLE, [low], REPORTED, elsewhere) == judge(SINGLE, [low], REPORTED)
    # What is not comparable has no explanation either.
    unlike = reranked(RERANKED, RERANKED.value - 1, beta=0.3)
    assert judge(RERANKED, [unlike], REPORTED, [effect(base_of(RERANKED_HERE))]).differences == ()
