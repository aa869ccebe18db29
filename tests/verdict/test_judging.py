"""Verdicts on single figures: every kind, every reason, the edges of the tolerance."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import REPORTED, figure, reranked, result, switched

from superglobal_core.verdict.effects import Base, Effect
from superglobal_core.verdict.judging import Verdict, count, hundredths, judge, judge_all
from superglobal_core.verdict.measured import (
    NO_NETWORK,
    Measured,
    Weights,
    recognise,
    with_other_digests,
)
from superglobal_core.verdict.reported import ReportedFigure
from superglobal_core.verdict.summary import judge_run

VERIFIED = figure(status="verified")  # 72.1
RERANKED = figure(stage="reranked", status="verified")  # 80.2
MILLION = figure(backbone="resnet50", column="roxford5k+1m_hard", status="verified")  # a user's 50.75
UNVERIFIED = figure(column="roxford5k_medium")
DERIVED = figure(column="roxford5k+1m_hard", status="derived")
CVNET = figure("cvnet_rerank", stage="reranked", column="roxford5k+1m_hard", status="derived")


def verdict(of: ReportedFigure, *measured: Measured, **given: Any) -> Verdict:
    return judge(of, measured, REPORTED, **given).verdict


@pytest.mark.parametrize(
    ("of", "points", "expected"),
    [
        (VERIFIED, 0.3, Verdict.REPRODUCED),
        (VERIFIED, -0.3, Verdict.REPRODUCED),
        (VERIFIED, 0.31, Verdict.NOT_REPRODUCED),
        (VERIFIED, -0.31, Verdict.NOT_REPRODUCED),
        (MILLION, 1.0, Verdict.REPRODUCED),
        (MILLION, -1.0, Verdict.REPRODUCED),
        (MILLION, 1.01, Verdict.NOT_REPRODUCED),
        (DERIVED, -1.0, Verdict.REPRODUCED),
        (CVNET, 1.01, Verdict.NOT_REPRODUCED),
    ],
)
def test_the_tolerance_holds_to_its_edge(of: ReportedFigure, points: float, expected: Verdict) -> None:
    judged = judge(of, [result(of, of.value + points)], REPORTED)
    assert (judged.verdict, judged.difference) == (expected, points)


@given(st.integers(0, 10000), st.integers(-200, 200), st.floats(-0.0049, 0.0049))
def test_differences_are_those_of_the_printed_figures(published: int, points: int, rest: float) -> None:
    of = dataclasses.replace(VERIFIED, value=published / 100)
    measured = (published + points) / 100 + rest
    judged = judge(of, [result(of, measured)], REPORTED)
    assert judged.difference == points / 100
    assert (judged.verdict is Verdict.REPRODUCED) == (abs(points) <= 30)
    assert hundredths(measured) == published + points


def test_whether_the_published_figure_lies_in_the_interval_is_said() -> None:
    assert judge(VERIFIED, [result(VERIFIED, VERIFIED.value + 1)], REPORTED).inside is True
    assert judge(VERIFIED, [result(VERIFIED, VERIFIED.value + 1.01)], REPORTED).inside is False
    bare = result(VERIFIED)
    (value,) = bare.values["hard"].values()
    without = dataclasses.replace(bare, values={"hard": {"map": dataclasses.replace(value, interval=None)}})
    assert judge(VERIFIED, [without], REPORTED).inside is None


@pytest.mark.parametrize("points", [0.0, 5.0])
def test_unverified_figures_decide_nothing_and_show_the_difference(points: float) -> None:
    judged = judge(UNVERIFIED, [result(UNVERIFIED, UNVERIFIED.value + points)], REPORTED)
    assert judged.verdict is Verdict.NOT_DECIDED
    assert judged.difference == points
    assert verdict(UNVERIFIED, switched(UNVERIFIED, query_crop=False)) is Verdict.NOT_COMPARABLE
    assert verdict(UNVERIFIED) is Verdict.NOT_RUN


def test_derived_figures_decide() -> None:
    assert verdict(DERIVED, result(DERIVED)) is Verdict.REPRODUCED
    assert verdict(DERIVED, result(DERIVED, DERIVED.value - 3)) is Verdict.NOT_REPRODUCED


REASONS: list[tuple[ReportedFigure, Measured, str]] = [
    (VERIFIED, switched(VERIFIED, query_crop=False), "the query crop differs"),
    (VERIFIED, switched(VERIFIED, query_crop=None), "not recorded"),
    (MILLION, result(MILLION, distractors=1_000_000), "1,000,000, where R1M has 1,001,001"),
    (MILLION, result(MILLION, distractors=None), "other number of distractors: not recorded"),
    (VERIFIED, result(VERIFIED, distractors=None), "number of distractors is not recorded"),
    (RERANKED, result(RERANKED, candidates="junk removed"), "junk removed, where the published one is raw"),
    (CVNET, result(CVNET, candidates="raw"), "raw, where the published one is junk removed"),
    (VERIFIED, result(VERIFIED, backbone="mini", weights=Weights("mini")), "other network: mini"),
    (VERIFIED, result(VERIFIED, weights=Weights("unknown", "d" * 64)), "sha256 dddddddddddd..."),
    (CVNET, result(CVNET, weights=Weights("untrained")), "random ones"),
    (VERIFIED, result(VERIFIED, images_left_out=3), "3 of the data set's images were left out"),
    (VERIFIED, result(VERIFIED, images_left_out=None), "whether images were left out is not recorded"),
    (VERIFIED, switched(VERIFIED, relup="off"), "ReLUP: off here, on in the release"),
    (VERIFIED, switched(VERIFIED, relup="official-off"), "ReLUP: official-off"),
    (VERIFIED, switched(VERIFIED, gem_plus=False), "GeM+: no here, yes in the release"),
    (VERIFIED, switched(VERIFIED, regional_gem=False), "Regional-GeM: no"),
    (VERIFIED, switched(VERIFIED, scale_pooling="mean"), "pooling over scales: mean"),
    (VERIFIED, switched(VERIFIED, scales=[1.0]), "scales: 1 here, 0.7071, 1, 1.4142"),
    (VERIFIED, switched(VERIFIED, gem_plus_p=4.5), "GeM+'s exponent: 4.5"),
    (VERIFIED, switched(VERIFIED, colour="rgb"), "order of the colours: rgb"),
    (RERANKED, reranked(RERANKED, shortlist=100), "shortlist (M): 100 here, 400 in the release"),
    (RERANKED, reranked(RERANKED, neighbours=10), "neighbours (K): 10"),
    (RERANKED, reranked(RERANKED, beta=0.2), "beta: 0.2 here, 0.15"),
    (RERANKED, reranked(RERANKED, normalise_refined=True), "normalised again: yes here, no in the release"),
    (RERANKED, reranked(RERANKED, expand_against="original"), "original here, refined in the release"),
    (RERANKED, reranked(RERANKED, sideways=True), "sideways yes, which the release does not have"),
    (CVNET, reranked(CVNET, weight=0.4), "weight: 0.4"),
]  # fmt: skip


@pytest.mark.parametrize(("of", "measured", "says"), REASONS)
def test_each_thing_that_decides_a_figure_makes_it_not_comparable(
    of: ReportedFigure, measured: Measured, says: str
) -> None:
    judged = judge(of, [measured], REPORTED)
    assert judged.verdict is Verdict.NOT_COMPARABLE
    assert any(says in reason for reason in judged.reasons), judged.reasons
    # Nothing else was changed.
    assert len(judged.reasons) == 1, judged.reasons
    assert verdict(of, result(of)) is Verdict.REPRODUCED


def test_what_decides_nothing_is_no_reason() -> None:
    for changed in (
        reranked(
            RERANKED,
            normalise_refined=False,
            expand_against="refined",
            sideways=False,
            precision="bfloat16",
            bootstrap=1000,
        ),
        reranked(RERANKED, query_neighbour=True),
        switched(RERANKED, antialias=False, crop_rounding="round"),
    ):
        assert verdict(RERANKED, changed) is Verdict.REPRODUCED


def test_a_figure_without_the_crop_is_compared_with_none_that_has_it() -> None:
    printed = figure("dolg", column="roxford5k+1m_hard", query_crop=False)
    corrected = figure("dolg", column="roxford5k+1m_hard", query_crop=True)
    assert printed.value == 54.81
    # A result of another method with the crop is enough to know that nothing here can be compared.
    judged = judge(printed, [result(DERIVED)], REPORTED)
    assert judged.verdict is Verdict.NOT_COMPARABLE
    assert "the query crop differs" in judged.reasons[0]
    assert judged.measured is None
    assert verdict(corrected, result(DERIVED)) is Verdict.NOT_RUN
    # Its own result, brought along, with and without.
    assert verdict(printed, result(printed)) is Verdict.REPRODUCED
    assert verdict(printed, result(corrected)) is Verdict.NOT_COMPARABLE
    assert verdict(corrected, result(corrected)) is Verdict.REPRODUCED


@pytest.mark.parametrize(
    ("of", "measured", "says"),
    [
        (VERIFIED, [], "this run has no ROxford5k"),
        (VERIFIED, [result(VERIFIED, backbone="resnet50")], "this run has no ResNet-101"),
        (MILLION, [result(MILLION, distractors=0, with_distractors=False)], "no distractors for ROxford5k"),
        (RERANKED, [result(VERIFIED)], "no such result on ROxford5k: SuperGlobal, ResNet-101, reranked"),
        (figure("solar"), [result(VERIFIED)], "SOLAR is not implemented here"),
        (VERIFIED, [result(VERIFIED, backbone=NO_NETWORK, method=None)], "those of no network"),
        (VERIFIED, [result(VERIFIED, backbone=None, method=None)], "is not recorded"),
    ],
)
def test_what_was_not_run_says_why(of: ReportedFigure, measured: list[Measured], says: str) -> None:
    judged = judge(of, measured, REPORTED)
    assert judged.verdict is Verdict.NOT_RUN
    assert any(says in reason for reason in judged.reasons), judged.reasons
    assert (judged.value, judged.difference) == (None, None)


def test_a_name_makes_no_data_set() -> None:
    other = {"dataset": None, "called": "roxford5k", "groundtruth_sha256": "e" * 64}
    drawn = judge(VERIFIED, [result(VERIFIED, **other, synthetic=True)], REPORTED)
    assert drawn.verdict is Verdict.NOT_RUN
    assert "a synthetic data set with other ground truth" in drawn.reasons[0]
    altered = judge(VERIFIED, [result(VERIFIED, **other)], REPORTED)
    assert altered.verdict is Verdict.NOT_COMPARABLE
    assert "other ground truth: its sha256 is eeeeeeeeeeee..." in altered.reasons[0]
    # A figure of other labels is never shown beside the published one.
    assert drawn.value is None
    assert altered.value is None


def test_the_nearest_protocol_decides_and_not_the_nearest_figure() -> None:
    near = dataclasses.replace(reranked(RERANKED, shortlist=100), source="a.json")
    far = dataclasses.replace(result(RERANKED, RERANKED.value - 5), source="b.json")
    judged = judge(RERANKED, [near, far], REPORTED)
    assert (judged.verdict, judged.measured, judged.others) == (Verdict.NOT_REPRODUCED, far, (near,))
    rounded = dataclasses.replace(switched(RERANKED, crop_rounding="round"), source="a.json")
    judged = judge(RERANKED, [rounded, far], REPORTED)
    assert judged.measured == far


def test_the_paper_and_a_user_are_judged_apart() -> None:
    single = {
        each.source: each
        for each in REPORTED.figures()
        if (each.method, each.backbone, each.stage) == ("superglobal", "resnet101", "single")
        and each.column.name == "roxford5k+1m_hard"
    }
    assert len(single) == 2
    measured = result(DERIVED, 60.5)
    verdicts = {each.value: verdict(each, measured) for each in single.values()}
    assert verdicts == {61.9: Verdict.NOT_REPRODUCED, 60.44: Verdict.REPRODUCED}


def test_switches_that_may_explain_a_difference_are_named() -> None:
    judged = judge(MILLION, [switched(MILLION, MILLION.value - 2, crop_rounding="round")], REPORTED)
    found = {each.switch: (each.ours, each.published) for each in judged.differences}
    assert found == {
        "antialias": (True, None),
        "crop_rounding": ("round", "truncate"),
        "query_crop": (True, None),
        "images": (None, None),
        "distractor_list": (None, None),
    }
    again = judge(RERANKED, [result(RERANKED, RERANKED.value - 2)], REPORTED)
    assert {each.switch for each in again.differences} == {
        "antialias", "query_crop", "query_neighbour", "images",
    }  # fmt: skip
    assert judge(RERANKED, [result(RERANKED)], REPORTED).differences == ()


def test_the_query_among_the_neighbours_is_a_difference_that_nobody_can_decide() -> None:
    measured = reranked(RERANKED, RERANKED.value - 2, query_neighbour=True)
    found = {each.switch: each for each in judge(RERANKED, [measured], REPORTED).differences}
    assert (found["query_neighbour"].ours, found["query_neighbour"].published) == (True, None)


def test_measured_effects_say_which_switch_fits() -> None:
    known = {"checkpoint_sha256": "c" * 64}
    measured = switched(VERIFIED, VERIFIED.value - 2, **known)
    assert measured.groundtruth_sha256 is not None
    base = Base(measured.groundtruth_sha256, 0, measured.switches, "raw", {})
    turned = (
        ("antialias", False, 1.9),
        ("relup", "off", 2.3),
        ("exif", "ignored", 0.5),
        ("colour", "rgb", 2.31),
    )
    effects = [
        Effect(base, switch, measured.switches[switch], changed, {("single", "hard"): points})
        for switch, changed, points in turned
    ]
    judged = judge(VERIFIED, [measured], REPORTED, effects)
    found = {each.switch: each.fits for each in judged.differences}
    # Of switches whose value is as published only those that fit are worth a word.
    assert found == {"antialias": True, "query_crop": None, "images": None, "relup": True}
    assert judge_all([VERIFIED], [measured], REPORTED, effects) == [judged]


@pytest.mark.parametrize(
    ("changes", "reranker", "expected"),
    [
        ({}, "none", ("superglobal", "single")),
        ({}, "superglobal", ("superglobal", "reranked")),
        ({"gem_plus": False}, "none", ("superglobal", "single")),
        ({}, "cvnet-rerank", (None, "reranked")),
        ({}, "alpha-qe", (None, "reranked")),
        ({}, None, (None, "single")),
        ({"backbone": None}, "none", (None, "single")),
        (REPORTED.protocols["cvnet_global"].descriptor, "none", ("cvnet_global", "single")),
        (REPORTED.protocols["cvnet_global"].descriptor, "cvnet-rerank", ("cvnet_rerank", "reranked")),
        (REPORTED.protocols["cvnet_global"].descriptor, "superglobal", (None, "reranked")),
    ],
)
def test_methods_are_recognised_by_what_they_are(
    changes: dict[str, Any], reranker: str | None, expected: tuple[str | None, str]
) -> None:
    descriptor = {"backbone": "resnet50", **REPORTED.protocols["superglobal"].descriptor, **changes}
    assert recognise(REPORTED, descriptor, reranker) == expected


def test_the_evaluator_is_checked_by_known_descriptors() -> None:
    assert recognise(REPORTED, {"download": "revisitop-features"}, "none") == ("evaluator", "single")
    for of in REPORTED.evaluator_figures():
        measured = result(of, images_left_out=None)
        assert verdict(of, measured) is Verdict.REPRODUCED
        assert verdict(of, result(of, of.value - 0.02)) is Verdict.NOT_REPRODUCED
        assert verdict(of) is Verdict.NOT_RUN
        assert verdict(of, result(VERIFIED)) is Verdict.NOT_RUN


def test_everything_measured_as_published_is_reproduced() -> None:
    figures = REPORTED.figures()
    judged = [judge(each, [result(each)], REPORTED) for each in figures]
    unverified = sum(each.status == "unverified" for each in figures)
    assert count(judged) == {
        Verdict.REPRODUCED: len(figures) - unverified,
        Verdict.NOT_REPRODUCED: 0,
        Verdict.NOT_COMPARABLE: 0,
        Verdict.NOT_DECIDED: unverified,
        Verdict.NOT_RUN: 0,
    }
    assert {each.difference for each in judged} == {0.0}


def test_a_figure_that_is_not_defined_is_said() -> None:
    judged = judge(VERIFIED, [result(VERIFIED, values={"hard": {}})], REPORTED)
    assert judged.verdict is Verdict.NOT_COMPARABLE
    assert judged.reasons == ("the measured figure is not defined",)
    assert verdict(VERIFIED, result(VERIFIED, values={}), result(VERIFIED)) is Verdict.REPRODUCED


def test_a_number_in_quotation_marks_is_the_number() -> None:
    assert verdict(RERANKED, reranked(RERANKED, beta="0.15", neighbours="9")) is Verdict.REPRODUCED
    assert verdict(RERANKED, reranked(RERANKED, beta="0.3")) is Verdict.NOT_COMPARABLE
    assert verdict(RERANKED, reranked(RERANKED, beta="much")) is Verdict.NOT_COMPARABLE


@pytest.mark.parametrize("value", [{}, {"query_crop": False}])
def test_the_answer_counts_foreign_methods_among_what_was_not_run(value: dict[str, Any]) -> None:
    measured = [switched(MILLION, **value)]
    verdicts = judge_run(measured, REPORTED)
    foreign = [each for each in verdicts.figures if REPORTED.methods[each.figure.method].absent is not None]
    counted = count(foreign)
    assert counted[Verdict.NOT_COMPARABLE] > 0
    assert f"; {counted[Verdict.NOT_RUN]} are of methods that are not implemented here." in verdicts.answer


def test_two_checkpoints_under_one_name_reproduce_nothing() -> None:
    first = result(VERIFIED)
    other = dataclasses.replace(result(RERANKED), weights=Weights("downloaded", "d" * 64))
    silent = dataclasses.replace(first, weights=Weights("downloaded", None))
    elsewhere = dataclasses.replace(other, backbone="resnet50")
    assert verdict(VERIFIED, *with_other_digests([first, elsewhere, silent])) is Verdict.REPRODUCED
    marked = with_other_digests([first, other, silent])
    for of, measured, own, further in (
        (VERIFIED, marked[0], "sha256 cccccccccccc...", "(dddddddddddd...)"),
        (RERANKED, marked[1], "sha256 dddddddddddd...", "(cccccccccccc...)"),
        (VERIFIED, marked[2], "sha256 not recorded", "(cccccccccccc..., dddddddddddd...)"),
    ):
        judged = judge(of, [measured], REPORTED)
        assert judged.verdict is Verdict.NOT_COMPARABLE
        assert own in judged.reasons[0]
        assert f"under the same name {further}" in judged.reasons[0]
