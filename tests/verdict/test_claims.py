"""The abstract's claims, the speedup and the memory."""

from __future__ import annotations

import dataclasses

import pytest
from made_up import REPORTED, figure, result

from superglobal_core.verdict.claims import judge_claims
from superglobal_core.verdict.judging import Verdict
from superglobal_core.verdict.measured import Measured, Weights
from superglobal_core.verdict.others import MeasuredMemory, MeasuredSpeedup, judge_memory, judge_speed
from superglobal_core.verdict.summary import judge_run

CELL = {"column": "roxford5k+1m_hard"}
SINGLE = figure(status="derived", **CELL)
RERANKED = figure(stage="reranked", status="derived", **CELL)
RIVAL = figure("cvnet_rerank", stage="reranked", status="derived", **CELL)
SPEED = MeasuredSpeedup("scoring", "SuperGlobal", "CVNet-Rerank", 311.0, (270.0, 331.0), "", "timing.json")


def test_the_arithmetic_is_the_abstracts() -> None:
    claims = judge_claims([], REPORTED)
    assert [judged.claim.name for judged in claims] == ["+7.1", "+3.7", "+16.3"]
    assert [judged.printed.difference for judged in claims] == [7.09, 3.7, 16.29]
    assert all(judged.printed.agrees for judged in claims)
    assert [judged.corrected and judged.corrected.difference for judged in claims] == [10.33, None, 19.53]
    for judged in (claims[0], claims[2]):
        assert "51.57" in judged.why_corrected
        assert "whole query images" in judged.why_corrected
        assert not judged.corrected.agrees
    assert {judged.verdict for judged in claims} == {Verdict.NOT_RUN}
    assert all("this run has no ROxford5k" in judged.reasons for judged in claims)


def test_another_figure_in_the_data_file_changes_the_arithmetic() -> None:
    entries = tuple(
        entry.model_copy(update={"map": (*entry.map[:5], 50.0, *entry.map[6:])})
        if entry.method == "dolg" and entry.query_crop is False
        else entry
        for entry in REPORTED.entries
    )
    claims = judge_claims([], REPORTED.model_copy(update={"entries": entries}))
    assert claims[0].printed.sentence == "61.9 \N{MINUS SIGN} 50.0 = 11.90"
    assert not claims[0].printed.agrees


def claims_of(*measured: Measured) -> dict[str, tuple[Verdict, float | None]]:
    return {
        judged.claim.name: (judged.verdict, judged.measured and judged.measured.difference)
        for judged in judge_claims(measured, REPORTED)
    }


def test_measured_figures_are_put_in_place_of_the_published() -> None:
    found = claims_of(result(SINGLE, 61.0), result(RERANKED, 70.0), result(RIVAL, 66.5))
    assert found == {
        # DOLG's figure is one without the crop, ours are with it.
        "+7.1": (Verdict.NOT_COMPARABLE, 6.19),
        "+3.7": (Verdict.REPRODUCED, 3.5),
        "+16.3": (Verdict.NOT_COMPARABLE, 15.19),
    }
    single = judge_claims([result(SINGLE, 61.0)], REPORTED)[0]
    assert single.measured_corrected.difference == 9.43
    assert single.mixed
    assert "mixes two protocols" in single.reasons[0]


@pytest.mark.parametrize(
    ("rival", "expected"),
    [(66.3, Verdict.REPRODUCED), (66.29, Verdict.NOT_REPRODUCED), (68.3, Verdict.REPRODUCED)],
)
def test_a_difference_of_two_measured_figures_has_the_tolerance_too(rival: float, expected: Verdict) -> None:
    assert claims_of(result(RERANKED, 71.0), result(RIVAL, rival))["+3.7"][0] is expected


def test_one_side_alone_decides_nothing() -> None:
    verdict, difference = claims_of(result(RERANKED, 71.0))["+3.7"]
    assert (verdict, difference) == (Verdict.NOT_RUN, 3.6)
    weak = dataclasses.replace(result(RIVAL, 60.0), weights=Weights("untrained"))
    assert claims_of(result(RERANKED, 71.0), weak)["+3.7"][0] is Verdict.NOT_COMPARABLE
    fewer = dataclasses.replace(result(RERANKED, 71.0), distractors=1000)
    assert claims_of(fewer, result(RIVAL))["+3.7"][0] is Verdict.NOT_COMPARABLE


def test_the_speedup_is_never_decided() -> None:
    (judged,) = judge_speed([SPEED], REPORTED, timed=True)
    assert judged.verdict is Verdict.NOT_COMPARABLE
    assert "scope" in judged.reasons[0]
    assert "hardware" in judged.reasons[0]
    assert judged.measured == (SPEED,)
    for timed, says in ((False, "nothing was timed"), (True, "no local baseline")):
        (judged,) = judge_speed([], REPORTED, timed=timed)
        assert judged.verdict is Verdict.NOT_RUN
        assert says in judged.reasons[0]


def memory(size: float, dimension: int | None = 2048, backbone: str = "resnet50") -> MeasuredMemory:
    return MeasuredMemory("descriptors", backbone, dimension, size, "timing.json")


@pytest.mark.parametrize(
    ("measured", "expected", "difference"),
    [
        ([memory(8192)], Verdict.REPRODUCED, -0.02),
        ([memory(4096)], Verdict.NOT_REPRODUCED, -3.58),
        ([memory(1024, 256)], Verdict.NOT_RUN, None),
        ([memory(8192, None)], Verdict.NOT_RUN, None),
        ([], Verdict.NOT_RUN, None),
    ],
)
def test_memory_is_bytes_an_image_times_images(
    measured: list[MeasuredMemory], expected: Verdict, difference: float | None
) -> None:
    descriptors, *local = judge_memory(measured, REPORTED)
    assert (descriptors.verdict, descriptors.difference) == (expected, difference)
    assert descriptors.images == 4993 + 1_001_001
    assert {judged.verdict for judged in local} == {Verdict.NOT_RUN}
    if descriptors.measured:
        assert descriptors.gb == pytest.approx(measured[0].bytes_per_image * 1_005_994 / 1e9)
        assert descriptors.gib == pytest.approx(descriptors.gb * 1e9 / 2**30)


def test_the_answer_counts_and_says_what_is_lacking() -> None:
    total = len(REPORTED.figures())
    assert judge_run([], REPORTED).headline == (
        f"0 of {total} published figures were reproduced, 0 not reproduced, 0 not comparable, {total} not run: "
        "this run has neither ROxford5k nor RParis6k."
    )
    one = figure(status="verified")
    answer = judge_run([result(one)], REPORTED).answer
    # The same result is held against the unverified figures of other columns only where it has them.
    assert answer.startswith(f"1 of {total} published figures was reproduced, 0 not reproduced")
    assert "this run has no RParis6k, no ResNet-50, no distractors" in answer
    codes = dataclasses.replace(result(one), method=None, backbone="no network")
    assert judge_run([codes], REPORTED).headline.startswith("Nothing here compares with any published figure")
