"""The verdict on each published figure: reproduced, not reproduced, not comparable, not decided, not run."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Sequence

from superglobal_core.verdict.comparing import (
    Difference,
    crop_differs,
    differences,
    other_ground_truth,
    reasons,
)
from superglobal_core.verdict.effects import Effects, turns
from superglobal_core.verdict.measured import NO_NETWORK, Measured, Value
from superglobal_core.verdict.reported import Reported, ReportedFigure


class Verdict(enum.StrEnum):
    """What can be said of a published figure."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NOT_COMPARABLE = "not comparable"
    NOT_DECIDED = "not decided (unverified)"
    NOT_RUN = "not run"


@dataclasses.dataclass(frozen=True)
class Judgement:
    """A published figure, what was measured for it, and the verdict.

    value: the measured figure in percent; difference: measured minus published, points of the figures
    as printed to two decimals; inside: whether the published figure lies in the measured 95 %
    interval. reasons: of `not comparable` and `not run`. differences: switches that may explain why a
    figure was not reproduced. others: further results for the same cell, judged neither way.
    """

    figure: ReportedFigure
    verdict: Verdict
    measured: Measured | None = None
    value: Value | None = None
    difference: float | None = None
    inside: bool | None = None
    reasons: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    others: tuple[Measured, ...] = ()


def judge_all(
    figures: Iterable[ReportedFigure],
    measured: Sequence[Measured],
    reported: Reported,
    effects: Effects = (),
) -> list[Judgement]:
    """Judge every figure against a run's results; effects: of switches, where this run measured them."""
    return [judge(figure, measured, reported, effects) for figure in figures]


def judge(
    figure: ReportedFigure,
    measured: Sequence[Measured],
    reported: Reported,
    effects: Effects = (),
) -> Judgement:
    """Judge one figure.

    Of several results for its cell the one nearest to how the figure was obtained decides: fewest
    reasons against comparing, then fewest switches that differ or are not known, then the first by its
    file's name. How near the figures are plays no part.
    """
    column = figure.column
    cell = [each for each in measured if each.dataset == column.dataset and _same_cell(figure, each)]
    if not cell:
        return _without(figure, measured, reported)
    ranked = sorted(
        cell,
        key=lambda each: (
            each.value(column.protocol, figure.measure) is None,
            len(reasons(figure, each, reported)),
            len(differences(figure, each, reported)),
            each.source,
        ),
    )
    chosen, others = ranked[0], tuple(ranked[1:])
    against, value = reasons(figure, chosen, reported), chosen.value(column.protocol, figure.measure)
    if value is None:
        why = (*against, "the measured figure is not defined")
        return Judgement(figure, Verdict.NOT_COMPARABLE, chosen, reasons=why, others=others)
    points = round((hundredths(value.value) - hundredths(figure.value)) / 100, 2)
    within = abs(hundredths(value.value) - hundredths(figure.value)) <= hundredths(figure.tolerance)
    inside = None
    if value.interval is not None:
        low, high = map(hundredths, value.interval)
        inside = low <= hundredths(figure.value) <= high
    explained: tuple[Difference, ...] = ()
    if against:
        verdict = Verdict.NOT_COMPARABLE
    else:
        if figure.status == "unverified":
            verdict = Verdict.NOT_DECIDED
        else:
            verdict = Verdict.REPRODUCED if within else Verdict.NOT_REPRODUCED
        if not within:
            known = turns(chosen, figure.stage, column.protocol, effects) if figure.measure == "map" else ()
            explained = tuple(differences(figure, chosen, reported, points, known))
    return Judgement(figure, verdict, chosen, value, points, inside, tuple(against), explained, others)


def hundredths(value: float) -> int:
    """Return a figure in hundredths, as it is printed to two decimals: differences of these are exact.

    >>> hundredths(67.7) - hundredths(67.4) == hundredths(0.3)
    True
    """
    return round(100 * float(f"{value:.2f}"))


def count(judgements: Iterable[Judgement]) -> dict[Verdict, int]:
    """Count the verdicts; every verdict has its number."""
    numbers = dict.fromkeys(Verdict, 0)
    for judgement in judgements:
        numbers[judgement.verdict] += 1
    return numbers


def _same_cell(figure: ReportedFigure, measured: Measured) -> bool:
    if measured.method != figure.method or measured.stage != figure.stage:
        return False
    if measured.with_distractors != figure.column.distractors or not measured.is_network:
        return False
    # Another published network is another cell; a network of no paper is held against each of them.
    return measured.backbone == figure.backbone or measured.weights.kind == "mini"


def _without(figure: ReportedFigure, measured: Sequence[Measured], reported: Reported) -> Judgement:
    """Judge a figure for which there is no result: not run, or by no means comparable."""
    column, method = figure.column, reported.methods[figure.method]
    data = reported.datasets[column.dataset]
    here = [each for each in measured if each.dataset == column.dataset]
    sized = [each for each in here if each.with_distractors == column.distractors]
    crops = [crop_differs(figure, each) for each in sized if each.is_network]
    if crops and all(crops) and figure.query_crop is not None:
        why = [crop for crop in dict.fromkeys(crops) if crop]
        return Judgement(
            figure, Verdict.NOT_COMPARABLE, reasons=(*why, *([method.absent] if method.absent else []))
        )
    named = [
        each
        for each in measured
        if each.dataset is None and each.called == column.dataset and not each.synthetic
        if _same_cell(figure, each)
    ]
    if not here and named:
        # Its figures are of other labels: they are never shown beside the published one.
        why = [other_ground_truth(named[0], data.label, data.groundtruth_sha256)]
        return Judgement(figure, Verdict.NOT_COMPARABLE, reasons=tuple(why))
    found = [method.absent] if method.absent else []
    if not here:
        found.append(_no_dataset(column.dataset, measured, reported))
    elif column.distractors and not sized:
        found.append(f"this run has no distractors for {data.label}")
    if method.absent is None:
        found += _no_network(figure, here or measured, reported)
    if not found:
        size = f" with {reported.distractors.label}" if column.distractors else ""
        found.append(f"this run has no such result on {data.label}{size}: {_what(figure, reported)}")
    return Judgement(figure, Verdict.NOT_RUN, reasons=tuple(found))


def _no_dataset(dataset: str, measured: Sequence[Measured], reported: Reported) -> str:
    data = reported.datasets[dataset]
    called = [each for each in measured if each.called == dataset]
    if not called:
        return f"this run has no {data.label}"
    drawn = "a synthetic data set" if called[0].synthetic else "a data set"
    return f"this run has no {data.label}: what it calls {dataset} is {drawn} with " + other_ground_truth(
        called[0], data.label, data.groundtruth_sha256
    )


def _no_network(figure: ReportedFigure, here: Sequence[Measured], reported: Reported) -> list[str]:
    if figure.method == "evaluator":
        return ["this run has no descriptors of the revisitop release"]
    if any(each.backbone == figure.backbone for each in here):
        return []
    sentence = f"this run has no {reported.networks[figure.backbone].label}"
    if here and all(each.backbone == NO_NETWORK for each in here):
        sentence += ": the descriptors here are those of no network"
    elif here and all(each.backbone is None for each in here):
        sentence += ": what made the descriptors here is not recorded"
    return [sentence]


def _what(figure: ReportedFigure, reported: Reported) -> str:
    stage = "reranked" if figure.stage == "reranked" else "single stage"
    return (
        f"{reported.methods[figure.method].label}, {reported.networks[figure.backbone].label}, {stage}"
        if figure.backbone in reported.networks
        else reported.methods[figure.method].label
    )
