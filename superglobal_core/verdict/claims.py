"""The abstract's differences in mAP: their arithmetic, and what this run's figures make of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from superglobal_core.verdict.judging import Judgement, Verdict, hundredths, judge
from superglobal_core.verdict.measured import Measured
from superglobal_core.verdict.reported import Claim, Reported, ReportedFigure


@dataclasses.dataclass(frozen=True)
class Arithmetic:
    """One subtraction of two figures, in points: ours minus theirs.

    agrees: whether it gives the claim's number when rounded as that is.
    """

    ours: float
    theirs: float
    difference: float
    agrees: bool

    @classmethod
    def of(cls, ours: float, theirs: float, claimed: float) -> Arithmetic:
        """Subtract two figures as they are printed.

        >>> Arithmetic.of(61.9, 54.81, 7.1)
        Arithmetic(ours=61.9, theirs=54.81, difference=7.09, agrees=True)
        """
        difference = round((hundredths(ours) - hundredths(theirs)) / 100, 2)
        return cls(ours, theirs, difference, abs(hundredths(difference) - hundredths(claimed)) <= 5)

    @property
    def sentence(self) -> str:
        """The subtraction as it would be written down."""
        return f"{_figure(self.ours)} \N{MINUS SIGN} {_figure(self.theirs)} = {self.difference:.2f}"


@dataclasses.dataclass(frozen=True)
class JudgedClaim:
    """A claim of the abstract with its arithmetic and the verdict.

    printed: of the published figures. corrected: the same against the later, corrected figure. measured:
    of this run's figures, where there are any; measured_corrected: the same against the corrected figure,
    where only the paper's side was measured; mixed: the rival's side is its published figure.
    """

    claim: Claim
    ours: ReportedFigure
    theirs: ReportedFigure
    printed: Arithmetic
    corrected_figure: ReportedFigure | None
    corrected: Arithmetic | None
    why_corrected: str
    verdict: Verdict
    reasons: tuple[str, ...]
    measured: Arithmetic | None
    measured_corrected: Arithmetic | None
    mixed: bool


def judge_claims(measured: Sequence[Measured], reported: Reported) -> list[JudgedClaim]:
    """Judge the abstract's differences, in its order."""
    return [_judge(claim, measured, reported) for claim in reported.claims]


def _judge(claim: Claim, measured: Sequence[Measured], reported: Reported) -> JudgedClaim:
    ours, theirs = (reported.find(selector, claim.column) for selector in (claim.ours, claim.theirs))
    fixed = reported.find(claim.corrected, claim.column) if claim.corrected else None
    mine, rival = (judge(figure, measured, reported) for figure in (ours, theirs))
    found: Arithmetic | None = None
    found_fixed: Arithmetic | None = None
    mixed = rival.value is None
    if mine.value is not None:
        against = theirs.value if rival.value is None else rival.value.value
        found = Arithmetic.of(mine.value.value, against, claim.points)
        if fixed is not None and mixed:
            found_fixed = Arithmetic.of(mine.value.value, fixed.value, claim.points)
    verdict, reasons = _verdict(claim, mine, rival, found, reported)
    return JudgedClaim(
        claim,
        ours,
        theirs,
        Arithmetic.of(ours.value, theirs.value, claim.points),
        fixed,
        Arithmetic.of(ours.value, fixed.value, claim.points) if fixed else None,
        _why_corrected(theirs, fixed, reported),
        verdict,
        tuple(reasons),
        found,
        found_fixed,
        mixed,
    )


def _verdict(
    claim: Claim, mine: Judgement, rival: Judgement, found: Arithmetic | None, reported: Reported
) -> tuple[Verdict, list[str]]:
    theirs = rival.figure
    label = reported.methods[theirs.method].label
    if mine.value is None or found is None:
        return mine.verdict, list(mine.reasons)
    if mine.verdict is Verdict.NOT_COMPARABLE:
        return Verdict.NOT_COMPARABLE, list(mine.reasons)
    if theirs.query_crop is False:
        return Verdict.NOT_COMPARABLE, [
            f"{label}'s {_figure(theirs.value)} was obtained without the query crop and the figures here are "
            "with it: the difference mixes two protocols"
        ]
    if rival.value is None:
        return Verdict.NOT_RUN, [f"{label}: {reason}" for reason in rival.reasons]
    if rival.verdict is Verdict.NOT_COMPARABLE:
        return Verdict.NOT_COMPARABLE, [f"{label}: {reason}" for reason in rival.reasons]
    tolerance = mine.figure.tolerance
    within = abs(hundredths(found.difference) - hundredths(claim.points)) <= hundredths(tolerance)
    return (Verdict.REPRODUCED if within else Verdict.NOT_REPRODUCED), []


def _why_corrected(theirs: ReportedFigure, fixed: ReportedFigure | None, reported: Reported) -> str:
    if fixed is None:
        return ""
    label = reported.methods[theirs.method].label
    return (
        f"{label}'s printed {_figure(theirs.value)} was obtained with whole query images; with the query crop "
        f"that the protocol asks for and SuperGlobal's release makes, its authors' corrected value is "
        f"{_figure(fixed.value)}."
    )


def _figure(value: float) -> str:
    return f"{value:.2f}".removesuffix("0")
