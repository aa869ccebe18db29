"""The paper's claim of speed beside what was measured, scope by scope."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from superglobal_core.config import Suite
from superglobal_core.reporting import texts
from superglobal_core.reporting.speed import Rival, SpeedGroup, SpeedRow
from superglobal_core.timing.record import Scope
from superglobal_core.verdict.reported import load_reported

# The abstract's figure, where all reported ones are kept; the release has no timing code.
PAPER = f"{load_reported().speed[0].factor:,.0f}x (paper; scope and hardware unknown)"
CLAIMANT, PAPERS_RIVAL = "superglobal", "cvnet-rerank"


@dataclasses.dataclass(frozen=True)
class Claim:
    """A SuperGlobal method in one scope against the slowest local baseline, and against CVNet-Rerank."""

    scope: Scope
    label: str
    slowest: Rival | None
    cvnet: Rival | None


def claims(group: SpeedGroup) -> list[Claim]:
    """Return the figures to hold against the paper's, one a scope and SuperGlobal method."""
    found = []
    for scope, rows in group.rows.items():
        for row in rows:
            if row.timing.method == CLAIMANT and row.rivals:
                by_cvnet = [rival for rival in row.rivals if rival.baseline.method == PAPERS_RIVAL]
                found.append(Claim(scope, row.timing.label, _slowest(row, rows), next(iter(by_cvnet), None)))
    return found


def explanations(group: SpeedGroup, suite: Suite | None) -> list[str]:
    """Say what explains the difference between the paper's figure and these, one sentence each."""
    found = [
        "What the clock encloses: each figure here compares two methods doing the same part of the work; "
        "whether the paper's includes reading or extracting the baseline's local features is not known."
    ]
    mixed = _mixed(group)
    if mixed is not None:
        found.append(mixed)
    hardware = group.timed.record.hardware if group.timed.record else {}
    where = hardware.get("gpu") or hardware.get("cpu") or "hardware that was not recorded"
    on = sorted({row.timing.device for row in group.all_rows if row.timing.device})
    device = f" ({', '.join(on)})" if on else ""
    found.append(f"Hardware: these times are of {where}{device}; the paper's machine is not known.")
    scaled: dict[str, int] = {}
    for row in group.all_rows:
        if row.timing.scaled_from_pairs is not None:
            pairs = min(
                row.timing.scaled_from_pairs, scaled.get(row.timing.label, row.timing.scaled_from_pairs)
            )
            scaled[row.timing.label] = pairs
    if scaled:
        listed = ", ".join(f"{label} from {pairs}" for label, pairs in scaled.items())
        found.append(
            f"Scaled pairs: not all candidates were timed but some, and the time multiplied ({listed}); what is "
            "done once for a whole shortlist counts too often then."
        )
    if has_mini_network(group, suite):
        found.append(
            "Small networks: the descriptors here are those of a small network and CVNet-Rerank, where it was "
            "timed, runs on its small maps, so that these figures are not the paper's."
        )
    return found


def has_mini_network(group: SpeedGroup, suite: Suite | None) -> bool:
    """Whether what was timed are the small networks that come with the package."""
    chosen = suite.descriptors.get(group.timed.descriptor) if suite else None
    if chosen is not None and chosen.extract is not None:
        return chosen.extract.backbone == "mini"
    return group.timed.record is not None and group.timed.record.parameters.get("backbone") == "mini"


def _slowest(row: SpeedRow, rows: Iterable[SpeedRow]) -> Rival | None:
    medians = {each.timing.label: each.summary.median for each in rows if each.summary}
    timed = [rival for rival in row.rivals if rival.baseline.label in medians]
    return max(timed, key=lambda rival: medians[rival.baseline.label], default=None)


def _mixed(group: SpeedGroup) -> str | None:
    """The ratio that comes of comparing different work: a baseline's whole way with scoring alone."""
    ours = [row for row in group.rows.get("scoring", ()) if row.timing.method == CLAIMANT and row.summary]
    theirs = [row for row in group.rows.get("end to end", ()) if row.timing.label in group.baselines]
    slow = max(
        (row for row in theirs if row.summary),
        key=lambda row: row.summary.median if row.summary else 0.0,
        default=None,
    )
    if not ours or slow is None or slow.summary is None or ours[0].summary is None:
        return None
    ratio = texts.times(slow.summary.median / ours[0].summary.median)
    return (
        f"Extracted anew or not: {slow.timing.label} end to end takes {ratio} the time of {ours[0].timing.label} "
        "scoring alone; a figure that mixes scopes like this comes out far larger, and compares different work."
    )
