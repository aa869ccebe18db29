"""A study's results in the terms of what was reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from superglobal_core.availability import WITH_DISTRACTORS
from superglobal_core.config import Suite
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting.collect import Figures, Result, StoredRecord, Study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.speed import Rival, SpeedGroup
from superglobal_core.reporting.speed_claim import claims
from superglobal_core.verdict.measured import (
    NO_NETWORK,
    Measured,
    Value,
    Weights,
    recognise,
    with_other_digests,
)
from superglobal_core.verdict.others import MeasuredMemory, MeasuredSpeedup
from superglobal_core.verdict.reported import EVALUATOR, Reported


def measured_results(study: Study, labels: Labels, reported: Reported) -> list[Measured]:
    """Return every result of a study, in the order of its files; nothing here goes by labels."""
    found = [_measured(result, study.suite, labels, reported) for result in study.results]
    return with_other_digests(found)


def measured_speedups(groups: Sequence[SpeedGroup]) -> list[MeasuredSpeedup]:
    """Return the speedups that stand beside a claimed one: by scope, the slowest baseline and CVNet-Rerank."""
    found = []
    for group in groups:
        for claim in claims(group):
            rivals = [claim.slowest, claim.cvnet]
            labels = dict.fromkeys(rival.baseline.label for rival in rivals if rival)
            for label in labels:
                rival = next(each for each in rivals if each and each.baseline.label == label)
                found.append(_speedup(claim.scope, claim.label, rival, group.timed.source))
    return found


def measured_memory(groups: Sequence[SpeedGroup]) -> list[MeasuredMemory]:
    """Return what the descriptors, and each method's local features, take on disk an image."""
    found: dict[tuple[str, str], MeasuredMemory] = {}
    for group in groups:
        record = group.timed.record
        about = record.parameters if record else {}
        for row in group.all_rows:
            local = row.timing.label in group.baselines
            size = row.disk.local if local else row.disk.descriptor
            label = row.timing.label if local else "descriptors"
            if size and (group.timed.source, label) not in found:
                dimension = None if local else _whole(about.get("dimension"))
                backbone = str(about["backbone"]) if about.get("backbone") else None
                found[group.timed.source, label] = MeasuredMemory(
                    label, backbone, dimension, size, group.timed.source
                )
    return list(found.values())


def _measured(result: Result, suite: Suite | None, labels: Labels, reported: Reported) -> Measured:
    record = result.record
    descriptor, protocol = record.descriptor or {}, record.protocol
    digest = _text(protocol.get("groundtruth_sha256"))
    method, stage = recognise(reported, descriptor, record.method)
    known = record.distractors
    return Measured(
        values={name: _values(result.evaluation.figures(name)) for name in PROTOCOL_NAMES},
        dataset=reported.dataset_of(digest),
        called=result.dataset,
        groundtruth_sha256=digest,
        method=method,
        stage=stage,
        backbone=_backbone(descriptor, method),
        weights=_weights(result, suite, reported),
        distractors=known,
        with_distractors=result.variant == WITH_DISTRACTORS if known is None else known > 0,
        images_left_out=_whole(protocol.get("images_left_out")),
        candidates=str(protocol.get("shortlist", "raw")),
        switches={**descriptor, **{key: value for key, value in protocol.items() if value is not None}},
        reranker=_reranker(record) if stage == "reranked" else {},
        label=f"{labels.descriptor(result.descriptor)}, {labels.method(result)}",
        source=result.source,
        synthetic=bool(labels.is_synthetic(result.dataset)),
    )


def _values(figures: Figures) -> dict[str, Value]:
    found = {}
    if figures.map is not None:
        bounds = figures.map_interval_95
        found["map"] = Value(100 * figures.map, (100 * bounds[0], 100 * bounds[1]) if bounds else None)
    for cutoff, precision in figures.mean_precision.items():
        if precision is not None:
            found[f"mp@{cutoff}"] = Value(100 * precision)
    return found


def _reranker(record: StoredRecord) -> dict[str, Any]:
    return {**record.parameters, "method": record.method}


def _backbone(descriptor: Mapping[str, Any], method: str | None) -> str | None:
    if method == EVALUATOR:
        return "resnet101"
    if descriptor.get("backbone"):
        return str(descriptor["backbone"])
    return NO_NETWORK if "codes_sha256" in descriptor else None


def _weights(result: Result, suite: Suite | None, reported: Reported) -> Weights:
    """Say which weights a result's network had: by digest, or by what its suite downloads them as."""
    descriptor = result.record.descriptor or {}
    backbone, digest = descriptor.get("backbone"), _text(descriptor.get("checkpoint_sha256"))
    if result.record.parameters.get("missing"):
        return Weights("untrained", digest)
    if backbone == "mini":
        return Weights("mini", digest)
    network = reported.networks.get(str(backbone))
    if network is None:
        return Weights("unknown", digest)
    if digest in network.sha256:
        return Weights("published", digest)
    chosen = suite.descriptors.get(result.descriptor) if suite else None
    extract = chosen.extract if chosen else None
    # A catalogue of the suite's own may mean another file by the same name.
    if extract is not None and suite is not None and not suite.catalogues and not network.sha256:
        named = extract.download is not None and extract.download == network.catalogue
        if named and extract.backbone == backbone:
            return Weights("downloaded", digest)
    return Weights("unknown", digest)


def _speedup(scope: str, label: str, rival: Rival, source: str) -> MeasuredSpeedup:
    speedup = rival.speedup
    interval = speedup.interval if speedup else None
    return MeasuredSpeedup(
        scope,
        label,
        rival.baseline.label,
        speedup.ratio if speedup else None,
        (interval.low, interval.high) if interval else None,
        rival.none,
        source,
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
