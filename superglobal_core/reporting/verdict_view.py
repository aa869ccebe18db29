"""What the page `Reproduced?` shows: verdicts in words, and figures in lines."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

from superglobal_core.reporting import texts
from superglobal_core.verdict.claims import JudgedClaim
from superglobal_core.verdict.comparing import Difference, shown
from superglobal_core.verdict.judging import Judgement, Verdict, count
from superglobal_core.verdict.measured import Measured
from superglobal_core.verdict.reported import Column, Reported, ReportedFigure

SIGNS = {
    Verdict.REPRODUCED: "\N{CHECK MARK}",
    Verdict.NOT_REPRODUCED: "\N{MULTIPLICATION SIGN}",
    Verdict.NOT_COMPARABLE: "\N{NOT EQUAL TO}",
    Verdict.NOT_DECIDED: "?",
    Verdict.NOT_RUN: texts.ABSENT,
}
GROUPS = {
    "paper": "The paper: SuperGlobal",
    "baseline": "What it is compared with",
    "newer": "Newer than the paper",
}
NOT_KNOWN = "not known"


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a table: figures with one verdict; more than one only where nothing was measured.

    figures: what each is of, and its published value. why: sentences.
    """

    figures: tuple[tuple[str, str], ...]
    measured: str
    interval: str
    difference: str
    verdict: Verdict
    why: tuple[str, ...]
    source: str

    @property
    def sign(self) -> str:
        return SIGNS[self.verdict]


@dataclasses.dataclass(frozen=True)
class EntryView:
    """A published line of a table: whose figures, how they are known, and a line for each verdict."""

    method: str
    backbone: str
    stage: str
    status: str
    source: str
    crop: str
    lines: tuple[Line, ...]


def groups(judgements: Sequence[Judgement], reported: Reported) -> dict[str, list[EntryView]]:
    """Return the published figures by group: the paper's, its rivals', newer ones."""
    found: dict[str, list[EntryView]] = {name: [] for name in GROUPS}
    for _, mine in itertools.groupby(judgements, key=_entry):
        members = list(mine)
        group = reported.methods[members[0].figure.method].group
        found.setdefault(group, []).append(_entry_view(members, reported))
    return found


def evaluator_entry(judgements: Sequence[Judgement], reported: Reported) -> EntryView | None:
    """Return the figures that check the evaluator, in one view; None where there are none."""
    return _entry_view(list(judgements), reported) if judgements else None


def counts_by_method(
    judgements: Sequence[Judgement], reported: Reported
) -> list[tuple[str, dict[Verdict, int]]]:
    """Count the verdicts of each method, in the order of the groups; the last line is of all."""
    methods = {judgement.figure.method for judgement in judgements}
    ordered = sorted(
        (name for name in reported.methods if name in methods),
        key=lambda name: list(GROUPS).index(reported.methods[name].group),
    )
    found = [
        (reported.methods[name].label, count(each for each in judgements if each.figure.method == name))
        for name in ordered
    ]
    return [*found, ("all", count(judgements))]


def why(judgement: Judgement) -> tuple[str, ...]:
    """Say in sentences why a verdict is what it is."""
    found = [f"{reason}." for reason in judgement.reasons]
    figure = judgement.figure
    if judgement.value is not None and judgement.inside is not None:
        lies = "lies" if judgement.inside else "does not lie"
        found.append(f"The published figure {lies} in the measured 95 % interval.")
    if figure.status == "unverified" and judgement.value is not None:
        found.append("Unverified: nobody has checked the published figure against its source.")
    elif figure.status == "derived" and judgement.value is not None:
        found.append("Derived: the published figure is arithmetic on verified ones.")
    found += [explain(difference) for difference in judgement.differences]
    if judgement.others:
        listed = ", ".join(each.source for each in judgement.others)
        found.append(f"Further results for it, farther from how it was obtained: {listed}.")
    return tuple(_capital(sentence) for sentence in found)


def explain(difference: Difference) -> str:
    """Say how a switch may explain a difference."""
    published = NOT_KNOWN if difference.published is None else shown(difference.published)
    sentence = (
        f"May explain it: {difference.label} ({shown(difference.ours)} here, {published} there; "
        f"{difference.note})"
    )
    if difference.effect is None:
        return f"{sentence}."
    fits = {True: "sign and size fit", False: "sign or size do not fit", None: "not compared"}[
        difference.fits
    ]
    turned = f"turned to {shown(difference.turned)} in this run it changed"
    return f"{sentence}; {turned} {texts.points(difference.effect)} points: {fits}."


def what(figure: ReportedFigure, reported: Reported) -> str:
    """Name a figure within its entry: data, distractors, protocol, measure."""
    return f"{_data(figure.column, reported)} {figure.column.protocol.capitalize()}" + (
        "" if figure.measure == "map" else f" {figure.measure.replace('mp', 'mP')}"
    )


def number(value: float) -> str:
    """Return a published figure as printed: two decimals, or one where the second is 0.

    >>> number(54.81), number(61.9), number(100.0)
    ('54.81', '61.9', '100.0')
    """
    return f"{value:.2f}".removesuffix("0")


def bounds(interval: tuple[float, float] | None) -> str:
    """Return an interval of percents."""
    return "" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"


def claim_cells(judged: JudgedClaim, reported: Reported) -> dict[str, list[str]]:
    """Return what a claim's line says: `printed`, `corrected`, `measured` and `why`, sentences each."""
    claim, printed = judged.claim, judged.printed
    agrees = "as the abstract says" if printed.agrees else f"which is not the abstract's {claim.name}"
    cells: dict[str, list[str]] = {
        "printed": [
            f"{printed.sentence}, rounded {printed.difference:.1f}, {agrees}.",
            *(
                f"{number(figure.value)}: {_who(figure, reported)}, {figure.status} ({figure.source})."
                for figure in (judged.ours, judged.theirs)
            ),
            f"{_capital(claim.remark)}.",
        ],
        "corrected": [],
        "measured": [],
        "why": [f"{_capital(reason)}." for reason in judged.reasons],
    }
    if judged.corrected is not None and judged.corrected_figure is not None:
        cells["corrected"] = [f"{judged.corrected.sentence}.", judged.why_corrected]
    if judged.measured is not None:
        note = f" ({_who(judged.theirs, reported)} as published)" if judged.mixed else ""
        cells["measured"].append(f"{judged.measured.sentence}{note}.")
    if judged.measured_corrected is not None:
        cells["measured"].append(f"{judged.measured_corrected.sentence} (corrected).")
    return cells


def no_network(measured: Iterable[Measured]) -> list[str]:
    """List the results whose descriptors are those of no network: they compare with nothing."""
    return [each.label for each in measured if not each.is_network]


def _entry(judgement: Judgement) -> tuple[object, ...]:
    figure = judgement.figure
    return (figure.method, figure.backbone, figure.stage, figure.status, figure.source, figure.query_crop)


def _entry_view(members: Sequence[Judgement], reported: Reported) -> EntryView:
    figure = members[0].figure
    crop = {True: "queries cropped", False: "queries not cropped", None: ""}[figure.query_crop]
    lines: list[Line] = []
    # What has no result has it for the same reason in a whole data set: those share a line.
    for judgement in sorted(
        members, key=lambda each: (each.figure.column.dataset, each.figure.column.distractors)
    ):
        line = _line(judgement, reported)
        last = lines[-1] if lines else None
        if last and not line.measured and dataclasses.replace(last, figures=line.figures) == line:
            lines[-1] = dataclasses.replace(last, figures=(*last.figures, *line.figures))
        else:
            lines.append(line)
    return EntryView(
        reported.methods[figure.method].label,
        reported.networks[figure.backbone].label,
        {"single": "single stage", "reranked": "reranked"}[figure.stage],
        figure.status,
        figure.source,
        crop,
        tuple(lines),
    )


def _line(judgement: Judgement, reported: Reported) -> Line:
    figure, value = judgement.figure, judgement.value
    return Line(
        ((what(figure, reported), number(figure.value)),),
        "" if value is None else f"{value.value:.2f}",
        "" if value is None else bounds(value.interval),
        "" if judgement.difference is None else texts.points(judgement.difference),
        judgement.verdict,
        why(judgement),
        judgement.measured.source if judgement.measured and value else "",
    )


def _data(column: Column, reported: Reported) -> str:
    label = reported.datasets[column.dataset].label
    return f"{label} + {reported.distractors.label}" if column.distractors else label


def _who(figure: ReportedFigure, reported: Reported) -> str:
    return reported.methods[figure.method].label


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
