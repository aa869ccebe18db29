"""Made-up results for the verdicts: each a figure's perfect counterpart, then changed."""

from __future__ import annotations

import dataclasses
from typing import Any

from superglobal_core.verdict.measured import Measured, Value, Weights
from superglobal_core.verdict.reported import ReportedFigure, load_reported

REPORTED = load_reported()


def figure(
    method: str = "superglobal",
    backbone: str = "resnet101",
    stage: str = "single",
    column: str = "roxford5k_hard",
    **wanted: Any,
) -> ReportedFigure:
    """The one published figure of a cell, further told apart by status, query_crop, ..."""
    found = [
        each
        for each in REPORTED.figures()
        if (each.method, each.backbone, each.stage, each.column.name) == (method, backbone, stage, column)
        and all(getattr(each, name) == value for name, value in wanted.items())
    ]
    assert len(found) == 1, found
    return found[0]


def result(of: ReportedFigure, value: float | None = None, **changes: Any) -> Measured:
    """A result obtained just as the figure was; the interval is one point to each side."""
    how = REPORTED.protocols.get(of.method)
    value = of.value if value is None else value
    data = REPORTED.datasets[of.column.dataset]
    made = Measured(
        values={of.column.protocol: {of.measure: Value(value, (value - 1, value + 1))}},
        dataset=of.column.dataset,
        called="whatever",
        groundtruth_sha256=data.groundtruth_sha256,
        method=of.method,
        stage=of.stage,
        backbone=of.backbone,
        weights=Weights("downloaded", "c" * 64),
        distractors=REPORTED.distractors.images if of.column.distractors else 0,
        with_distractors=of.column.distractors,
        images_left_out=0,
        candidates=how.candidates if how else "raw",
        switches={
            **(how.descriptor if how else {}),
            "query_crop": True if of.query_crop is None else of.query_crop,
            "crop_rounding": "truncate",
            "antialias": True,
            "precision": "float32",
            "exif": "applied",
        },
        reranker=dict(how.reranker) if how and of.stage == "reranked" else {},
        label="made up",
        source="evaluation/made/up.json",
    )
    return dataclasses.replace(made, **changes)


def switched(of: ReportedFigure, value: float | None = None, **switches: Any) -> Measured:
    """The same with some switches turned."""
    made = result(of, value)
    return dataclasses.replace(made, switches={**made.switches, **switches})


def reranked(of: ReportedFigure, value: float | None = None, **parameters: Any) -> Measured:
    """The same with some of the reranker's parameters changed."""
    made = result(of, value)
    return dataclasses.replace(made, reranker={**made.reranker, **parameters})
