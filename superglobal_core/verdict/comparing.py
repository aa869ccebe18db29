"""Whether a measured and a published figure may be compared at all, and what may still differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from superglobal_core.verdict.effects import Turn, value_here
from superglobal_core.verdict.measured import NO_NETWORK, Measured, unlike
from superglobal_core.verdict.reported import EVALUATOR, PublishedProtocol, Reported, ReportedFigure, Switch

# What records call the settings that a sentence names.
NAMES = {
    "gem_plus": "GeM+",
    "gem_plus_p": "GeM+'s exponent",
    "regional_gem": "Regional-GeM",
    "regional_p": "Regional-GeM's exponent",
    "scale_pooling": "pooling over scales",
    "relup": "ReLUP",
    "relup_alpha": "ReLUP's alpha",
    "inner_normalisation": "normalisation before the last layer",
    "resize": "what is resized",
    "colour": "order of the colours",
    "shortlist": "shortlist (M)",
    "neighbours": "neighbours (K)",
    "beta": "beta",
    "normalise_refined": "refined descriptors normalised again",
    "expand_against": "what the expanded query is compared with",
}
# Of a reranking record, but no choice that changes what the method is.
NO_CHOICES = ("method", "precision", "missing", "bootstrap", "k", "query_neighbour")


@dataclasses.dataclass(frozen=True)
class Difference:
    """A switch that may explain a difference: its value here and as published, None where not known.

    effect: what turning the switch would add to the figure here, in points, where this run measured it;
    turned: the value that it was turned to; fits: whether that would explain the difference.
    """

    switch: str
    label: str
    ours: Any
    published: Any
    note: str
    effect: float | None = None
    fits: bool | None = None
    turned: Any = None


def reasons(figure: ReportedFigure, measured: Measured, reported: Reported) -> list[str]:
    """List why a figure and a result for the same cell cannot be compared; empty when they can."""
    data = reported.datasets[figure.column.dataset]
    found: list[str] = []
    if measured.groundtruth_sha256 != data.groundtruth_sha256:
        found.append(other_ground_truth(measured, data.label, data.groundtruth_sha256))
    if figure.column.distractors and measured.distractors != reported.distractors.images:
        counted = "not recorded" if measured.distractors is None else f"{measured.distractors:,}"
        found.append(
            f"other number of distractors: {counted}, where {reported.distractors.label} has "
            f"{reported.distractors.images:,}"
        )
    if not figure.column.distractors and measured.distractors is None:
        found.append("the number of distractors is not recorded")
    if measured.images_left_out:
        found.append(f"{measured.images_left_out:,} of the data set's images were left out")
    elif measured.images_left_out is None and figure.method != EVALUATOR:
        found.append("whether images were left out is not recorded")
    if figure.method == EVALUATOR:
        return found
    return found + _weights(figure, measured, reported) + _protocol(figure, measured, reported)


def other_ground_truth(measured: Measured, label: str, wanted: str) -> str:
    """Say that a data set goes by a name whose ground truth it does not have."""
    digest = measured.groundtruth_sha256
    has = f"its sha256 is {digest[:12]}..." if digest else "its sha256 is not recorded"
    return f"other ground truth: {has}, {label}'s is {wanted[:12]}..."


def differences(
    figure: ReportedFigure,
    measured: Measured,
    reported: Reported,
    points: float | None = None,
    effects: Sequence[Turn] = (),
) -> list[Difference]:
    """List the switches in which a comparable result differs from the published figure, or may differ.

    points: the measured figure minus the published one. effects: of turning a switch away from its value
    here, where they hold for this result; one explains the difference when it brings both within the
    tolerance. Switches that only `effects` names are listed when they do.
    """
    found = []
    for name, switch in reported.switches.items():
        if not _applies(switch, figure, measured):
            continue
        ours = _value_here(name, switch, measured)
        unknown = switch.published is None or switch.only == "unstated"
        if unknown or ours is None or unlike({name: ours}, {name: switch.published}):
            published = None if switch.only == "unstated" else switch.published
            # Only turning it to what was published can explain anything, where that is known.
            mine = [turn for turn in effects if turn.switch == name and published in (None, turn.to)]
            turn = _best(mine, points, figure.tolerance)
            effect, to = (turn.points, turn.to) if turn else (None, None)
            fits = _fits(effect, points, figure.tolerance)
            found.append(Difference(name, switch.label, ours, published, switch.note, effect, fits, to))
    named = {difference.switch for difference in found}
    for turn in effects:
        name = turn.switch
        if name not in named and _fits(turn.points, points, figure.tolerance):
            named.add(name)
            known = reported.switches.get(name)
            label = known.label if known else NAMES.get(name, name)
            ours = value_here(name, measured)
            found.append(Difference(name, label, ours, None, "as in the release", turn.points, True, turn.to))
    return found


def shown(value: object) -> str:
    """Return a switch's value as readers see it.

    >>> shown(True), shown(None), shown([0.7071, 1.0])
    ('yes', 'not recorded', '0.7071, 1')
    """
    if value is None:
        return "not recorded"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _weights(figure: ReportedFigure, measured: Measured, reported: Reported) -> list[str]:
    network = reported.networks[figure.backbone]
    kind, digest = measured.weights.kind, measured.weights.sha256
    if measured.backbone == NO_NETWORK:
        return ["the descriptors are those of no network"]
    if measured.backbone != figure.backbone:
        return [f"other network: {measured.backbone or 'not recorded'}, not {network.label}"]
    if kind == "untrained":
        return ["other network weights: random ones, the network was not trained"]
    if measured.weights.others:
        listed = ", ".join(f"{other[:12]}..." for other in measured.weights.others)
        own = f"sha256 {digest[:12]}..." if digest else "sha256 not recorded"
        return [
            f"other network weights, or unknown ones ({own}): this run has further ones under the same name "
            f"({listed}), and nothing says which are the published"
        ]
    if kind == "unknown":
        what = f"sha256 {digest[:12]}..." if digest else "sha256 not recorded"
        return [f"other network weights, or unknown ones ({what}): nothing says that they are the published"]
    return []


def _protocol(figure: ReportedFigure, measured: Measured, reported: Reported) -> list[str]:
    how = reported.protocols.get(figure.method)
    found = [crop] if (crop := crop_differs(figure, measured, how)) else []
    if how is None:
        return found
    for key in unlike(measured.switches, how.descriptor):
        found.append(_setting(key, measured.switches.get(key), how.descriptor[key]))
    if figure.stage == "single":
        return found
    if measured.candidates != how.candidates:
        found.append(f"other shortlist: {measured.candidates}, where the published one is {how.candidates}")
    wanted = {**how.reranker, **how.options}
    for key in unlike({**how.options, **measured.reranker}, wanted):
        found.append(_setting(key, measured.reranker.get(key), wanted[key]))
    for key, value in measured.reranker.items():
        # A choice that the published method does not have; off, it is the published method.
        if key not in wanted and key not in NO_CHOICES and value not in (None, False, "off"):
            found.append(f"the reranking has {key} {shown(value)}, which the release does not have")
    return found


def crop_differs(
    figure: ReportedFigure, measured: Measured, how: PublishedProtocol | None = None
) -> str | None:
    """Say that the queries of one were cropped and those of the other not; None where they agree."""
    theirs = figure.query_crop if figure.query_crop is not None else how.query_crop if how else None
    ours = measured.switches.get("query_crop")
    if theirs is None or ours is theirs:
        return None
    words = {True: "cropped", False: "not cropped", None: "cropped or not, which is not recorded"}
    return f"the query crop differs: queries here are {words[ours]}, those of the figure were {words[theirs]}"


def _setting(key: str, ours: object, published: object) -> str:
    return f"{NAMES.get(key, key)}: {shown(ours)} here, {shown(published)} in the release"


def _applies(switch: Switch, figure: ReportedFigure, measured: Measured) -> bool:
    if figure.method == EVALUATOR:
        return False
    return {
        None: True,
        "float-tensor": measured.switches.get("resize") == "float-tensor",
        "unstated": figure.query_crop is None,
        "reranked": figure.method == "superglobal" and figure.stage == "reranked",
        "distractors": figure.column.distractors,
    }[switch.only]


def _value_here(name: str, switch: Switch, measured: Measured) -> Any:
    own = value_here(name, measured)
    return switch.ours if own is None else own


def _best(turns: Sequence[Turn], points: float | None, tolerance: float) -> Turn | None:
    # A switch of three values is turned to two others: one that fits goes before one that does not.
    return min(turns, key=lambda turn: not _fits(turn.points, points, tolerance), default=None)


def _fits(effect: float | None, points: float | None, tolerance: float) -> bool | None:
    if effect is None or points is None:
        return None
    return round(abs(points + effect), 2) <= tolerance
