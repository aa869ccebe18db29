"""All verdicts of a run, and the answer in one line."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from superglobal_core.verdict.claims import JudgedClaim, judge_claims
from superglobal_core.verdict.effects import Effects
from superglobal_core.verdict.judging import Judgement, Verdict, count, judge_all
from superglobal_core.verdict.measured import Measured
from superglobal_core.verdict.others import (
    JudgedMemory,
    JudgedSpeed,
    MeasuredMemory,
    MeasuredSpeedup,
    judge_memory,
    judge_speed,
)
from superglobal_core.verdict.reported import Reported


@dataclasses.dataclass(frozen=True)
class Verdicts:
    """Everything that a run says of what was reported.

    nothing: why nothing here compares with anything, a sentence; empty where something may. answer: the
    counts of the published mAP figures, a sentence.
    """

    figures: tuple[Judgement, ...]
    evaluator: tuple[Judgement, ...]
    claims: tuple[JudgedClaim, ...]
    speed: tuple[JudgedSpeed, ...]
    memory: tuple[JudgedMemory, ...]
    measured_memory: tuple[MeasuredMemory, ...]
    nothing: str
    answer: str

    @property
    def headline(self) -> str:
        """What stands first: why nothing compares, where nothing does, and the answer."""
        return f"{self.nothing} {self.answer}".strip()


def judge_run(
    measured: Sequence[Measured],
    reported: Reported,
    *,
    speedups: Sequence[MeasuredSpeedup] = (),
    memory: Sequence[MeasuredMemory] = (),
    timed: bool = False,
    effects: Effects = (),
) -> Verdicts:
    """Judge everything that was reported against a run's figures.

    timed: whether the run timed anything. effects: what turning switches changes, where it was measured.
    """
    figures = judge_all(reported.figures(), measured, reported, effects)
    return Verdicts(
        tuple(figures),
        tuple(judge_all(reported.evaluator_figures(), measured, reported)),
        tuple(judge_claims(measured, reported)),
        tuple(judge_speed(speedups, reported, timed)),
        tuple(judge_memory(memory, reported)),
        tuple(memory),
        _nothing(measured),
        answer(figures, measured, reported),
    )


def answer(figures: Sequence[Judgement], measured: Sequence[Measured], reported: Reported) -> str:
    """Say in one sentence how many published figures were reproduced, and what kept the rest from it."""
    numbers, total = count(figures), len(figures)
    done = numbers[Verdict.REPRODUCED]
    parts = [f"{done} of {total} published figures {'was' if done == 1 else 'were'} reproduced"]
    parts += [
        f"{numbers[verdict]} {verdict}"
        for verdict in Verdict
        if verdict is not Verdict.REPRODUCED and (numbers[verdict] or verdict is not Verdict.NOT_DECIDED)
    ]
    lacking = _lacking(figures, measured, reported) if numbers[Verdict.NOT_RUN] else ""
    return ", ".join(parts) + (f": {lacking}." if lacking else ".")


def _nothing(measured: Sequence[Measured]) -> str:
    if not measured or any(each.is_network for each in measured):
        return ""
    return (
        "Nothing here compares with any published figure: the descriptors of this run are binary codes, which "
        "no published network gave."
    )


def _lacking(figures: Sequence[Judgement], measured: Sequence[Measured], reported: Reported) -> str:
    missing = [
        data.label
        for name, data in reported.datasets.items()
        if not any(each.dataset == name for each in measured)
    ]
    networks = {each.backbone for each in measured if each.dataset}
    methods = {
        figure.method for figure in reported.figures() if reported.methods[figure.method].absent is None
    }
    used = {figure.backbone for figure in reported.figures() if figure.method in methods}
    if len(missing) == len(reported.datasets):
        return f"this run has neither {' nor '.join(missing)}"
    absent = [*missing, *(reported.networks[name].label for name in sorted(used - networks))]
    if not any(each.dataset and each.with_distractors for each in measured):
        absent.append("distractors")
    # Of those that were not run alone: some of the other methods' figures are not comparable, and counted there.
    foreign = sum(
        each.verdict is Verdict.NOT_RUN and reported.methods[each.figure.method].absent is not None
        for each in figures
    )
    parts = [f"this run has no {', no '.join(absent)}"] if absent else []
    if foreign:
        parts.append(f"{foreign} {'is' if foreign == 1 else 'are'} of methods that are not implemented here")
    return "; ".join(parts)
