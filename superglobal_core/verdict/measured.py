"""What was measured, in the terms of what was reported."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from superglobal_core.verdict.reported import Reported, Stage

# published: known by digest; downloaded: by the name under which the suite downloads them.
WeightsKind = Literal["published", "downloaded", "mini", "untrained", "unknown"]
# binary codes and the like: descriptors that no published network gave
NO_NETWORK = "no network"


@dataclasses.dataclass(frozen=True)
class Value:
    """A measured figure in percent with its 95 % interval, where there is one."""

    value: float
    interval: tuple[float, float] | None = None


@dataclasses.dataclass(frozen=True)
class Weights:
    """Which weights a network had; sha256: of the checkpoint, None where it is not recorded.

    others: further digests that results of the same run have for what they downloaded under the same name.
    """

    kind: WeightsKind
    sha256: str | None = None
    others: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Measured:
    """One result: every protocol's figures, and all that decides whether another can be held against it.

    values: by protocol and measure (`map`, `mp@1`, ...). dataset: by the digest of its ground truth, None
    for any other; called: what the run calls it; groundtruth_sha256: the digest. method, stage: as
    reported figures name them, None where no published method does this. distractors: how many, None
    where it is not recorded; with_distractors: whether there were any. switches: of descriptor, reading
    and protocol, by their names in records. reranker: the reranking method with its parameters.
    """

    values: Mapping[str, Mapping[str, Value]]
    dataset: str | None
    called: str
    groundtruth_sha256: str | None
    method: str | None
    stage: Stage
    backbone: str | None
    weights: Weights
    distractors: int | None
    with_distractors: bool
    images_left_out: int | None
    candidates: str
    switches: Mapping[str, Any]
    reranker: Mapping[str, Any]
    label: str
    source: str
    synthetic: bool = False

    def value(self, protocol: str, measure: str = "map") -> Value | None:
        """Return a figure; None where it is not defined."""
        return self.values.get(protocol, {}).get(measure)

    @property
    def is_network(self) -> bool:
        """Whether the descriptors are those of a network at all."""
        return self.backbone != NO_NETWORK


def with_other_digests(measured: Sequence[Measured]) -> list[Measured]:
    """Tell every downloaded network which other checkpoints its run has under the same name.

    A name is no proof of what a file holds: with two digests at most one can be the published weights', and
    nothing says which.
    """
    digests: dict[str | None, dict[str, None]] = {}
    for each in measured:
        if each.weights.kind == "downloaded" and each.weights.sha256:
            digests.setdefault(each.backbone, {})[each.weights.sha256] = None
    found = []
    for each in measured:
        own = each.weights
        if own.kind == "downloaded":
            others = tuple(other for other in digests.get(each.backbone, ()) if other != own.sha256)
            # One that does not record its digest may be any of several, but agrees with a single one.
            known = others if own.sha256 or len(others) > 1 else ()
            each = dataclasses.replace(each, weights=dataclasses.replace(own, others=known))
        found.append(each)
    return found


def recognise(
    reported: Reported, descriptor: Mapping[str, Any], reranker: str | None
) -> tuple[str | None, Stage]:
    """Tell which published method a descriptor and a reranking method are, and the stage.

    A descriptor counts as the method whose settings it shares most of, so that one with a switch turned
    is still held against it (and found not comparable). None: no published method does this.

    >>> from superglobal_core.verdict.reported import load_reported
    >>> recognise(load_reported(), {"bits": 500}, "superglobal")
    (None, 'reranked')
    """
    stage: Stage = "single" if reranker in (None, "none") else "reranked"
    if descriptor.get("download") == "revisitop-features":
        return ("evaluator" if stage == "single" else None), stage
    if not descriptor.get("backbone") or reranker is None:
        return None, stage
    first_stages = [name for name, how in reported.protocols.items() if how.first_stage == name]
    nearest = min(first_stages, key=lambda name: len(unlike(descriptor, reported.protocols[name].descriptor)))
    if stage == "single":
        return nearest, stage
    for name, how in reported.protocols.items():
        if how.reranker.get("method") == reranker and how.first_stage == nearest:
            return name, stage
    return None, stage


def unlike(have: Mapping[str, Any], want: Mapping[str, Any]) -> list[str]:
    """List the keys whose values differ; numbers that differ by rounding or by quotation marks alone do not.

    >>> unlike({"p": 2.5000000001, "q": 1}, {"p": 2.5, "q": 2, "r": 3})
    ['q', 'r']
    >>> unlike({"p": "0.150", "q": "raw"}, {"p": 0.15, "q": 0.15})
    ['q']
    """
    return [key for key, value in want.items() if key not in have or not _same(have[key], value)]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    one, other = _number(one), _number(other)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= 1e-6 * max(1.0, abs(other))
    if isinstance(one, Sequence) and isinstance(other, Sequence) and not isinstance(one, str):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def _number(value: Any) -> Any:
    # A record written by hand may have a number in quotation marks.
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return float(value)
    return value
