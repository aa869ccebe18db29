"""Verdicts on what is no mAP: the claimed speedup and the memory that features take."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from superglobal_core.verdict.judging import Verdict
from superglobal_core.verdict.reported import MemoryFigure, Reported, SpeedClaim

GB, GIB = 10**9, 2**30
# The systems of `memory` whose features are plain descriptors of a published ResNet, and their dimension.
DESCRIPTORS, DIMENSION = "2048-d", 2048


@dataclasses.dataclass(frozen=True)
class MeasuredSpeedup:
    """How many times faster one method was than another in one scope; interval: 95 %, none: why there is none."""

    scope: str
    faster: str
    slower: str
    ratio: float | None
    interval: tuple[float, float] | None
    none: str
    source: str


@dataclasses.dataclass(frozen=True)
class MeasuredMemory:
    """What an image's features take on disk; dimension: of a descriptor, None for local features."""

    label: str
    backbone: str | None
    dimension: int | None
    bytes_per_image: float
    source: str


@dataclasses.dataclass(frozen=True)
class JudgedSpeed:
    """A claimed speedup with those of this run beside it."""

    claim: SpeedClaim
    verdict: Verdict
    reasons: tuple[str, ...]
    measured: tuple[MeasuredSpeedup, ...]


@dataclasses.dataclass(frozen=True)
class JudgedMemory:
    """Published GB of features of ROxford5k with R1M, and what this run's take for as many images.

    gb, gib: in units of 10^9 and 2^30 bytes; the printed figure says GB and means one of them.
    """

    figure: MemoryFigure
    verdict: Verdict
    reasons: tuple[str, ...]
    images: int
    measured: MeasuredMemory | None = None
    gb: float | None = None
    gib: float | None = None
    difference: float | None = None


def judge_speed(measured: Sequence[MeasuredSpeedup], reported: Reported, timed: bool) -> list[JudgedSpeed]:
    """Judge claimed speedups; timed: whether this run timed anything."""
    found = []
    for claim in reported.speed:
        if measured:
            why = ["neither the scope nor the hardware of the published figure is known"]
            found.append(JudgedSpeed(claim, Verdict.NOT_COMPARABLE, tuple(why), tuple(measured)))
        else:
            what = (
                "SuperGlobal's reranking was timed beside no local baseline" if timed else "nothing was timed"
            )
            found.append(JudgedSpeed(claim, Verdict.NOT_RUN, (what,), ()))
    return found


def judge_memory(measured: Sequence[MeasuredMemory], reported: Reported) -> list[JudgedMemory]:
    """Judge published sizes of features; a size is reproduced when it is the same as printed, to the last digit."""
    images = reported.datasets["roxford5k"].images + reported.distractors.images
    return [_judge_memory(figure, measured, images) for figure in reported.memory_figures()]


def _judge_memory(figure: MemoryFigure, measured: Sequence[MeasuredMemory], images: int) -> JudgedMemory:
    if DESCRIPTORS not in figure.system:
        return JudgedMemory(figure, Verdict.NOT_RUN, (f"{figure.system} is not implemented here",), images)
    if not measured:
        return JudgedMemory(figure, Verdict.NOT_RUN, ("the bytes of an image were not measured",), images)
    fitting = [each for each in measured if each.dimension == DIMENSION and each.backbone]
    if not fitting:
        descriptors = [each for each in measured if each.dimension is not None]
        here = "; ".join(
            f"{each.label}: {each.dimension} dimensions, {each.bytes_per_image:,.0f} bytes an image"
            for each in descriptors
        )
        why = "no descriptor of 2,048 dimensions was measured" + (f" ({here})" if here else "")
        return JudgedMemory(figure, Verdict.NOT_RUN, (why,), images)
    best = fitting[0]
    size = best.bytes_per_image * images
    # The unit is not told: the nearer one is taken, and both are shown.
    nearest = min((size / GB, size / GIB), key=lambda value: abs(value - figure.value))
    same = round(nearest, 1) == figure.value
    return JudgedMemory(
        figure,
        Verdict.REPRODUCED if same else Verdict.NOT_REPRODUCED,
        (),
        images,
        best,
        size / GB,
        size / GIB,
        round(nearest - figure.value, 2),
    )
