"""The step `check-fast`: what the fast mode of extraction costs in mAP on a labelled data set."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.data.reading import Reading
from superglobal_core.errors import UserError
from superglobal_core.features.self_check import cosine_distance
from superglobal_core.features.store import FeatureStore, open_queries_and_database
from superglobal_core.files import check_writable, sha256_of, write_json
from superglobal_core.networks.settings import DescriptorSettings
from superglobal_core.results import Stopwatch, file_input
from superglobal_core.steps.extract import extract_step, weights_of
from superglobal_core.steps.inputs import descriptor_inputs, given_files
from superglobal_core.steps.search import facts_of, rank
from superglobal_core.steps.sweep import evaluated

# Points of mAP (percent).
BOUND = 0.5


def check_fast_step(
    queries: str | Path,
    database: str | Path,
    query_images: str | Path,
    database_images: str | Path,
    groundtruth: str | Path,
    out: str | Path,
    *,
    checkpoint: str | Path | None = None,
    bound: float = BOUND,
    device: str = "auto",
) -> dict[str, Any]:
    """Describe a labelled data set's images by `exact` as well, and compare: cosine distances, and mAP in percent.

    queries, database: what `extract --mode fast` made of these images; their switches are taken from it.
    bound: the largest change of mAP, in points, that is let pass, under any protocol. Exact descriptors go
    into a folder beside `out`, where a run that was interrupted goes on.

    Raises:
        UserError: when the descriptors are not of the mode `fast`, the checkpoint or images are others, or
            the change is beyond the bound; nothing is written then.
    """
    check_writable(out, [queries, database, groundtruth])
    if not (math.isfinite(bound) and bound >= 0):
        raise UserError(f"--bound is {bound:g}: give points of mAP, zero or more")
    watch = Stopwatch()
    fast = open_queries_and_database(queries, [database])
    descriptor = fast[1].descriptor or {}
    if descriptor.get("mode") != "fast":
        raise UserError(
            f"{database} was not made by `superglobal extract --mode fast`: there is nothing to check"
        )
    backbone = str(descriptor["backbone"])
    checkpoint = weights_of(backbone, checkpoint)
    if sha256_of(checkpoint) != descriptor["checkpoint_sha256"]:
        raise UserError(
            f"{database} was made with other weights than {checkpoint}: name them with --checkpoint"
        )
    folder = Path(out).with_suffix("") / "exact"
    for store, images, name in zip(
        fast, (query_images, database_images), ("queries", "database"), strict=True
    ):
        extract_step(
            images,
            folder / name,
            backbone=backbone,
            settings=_settings(descriptor),
            checkpoint=checkpoint,
            boxes=groundtruth if store.cropped else None,
            reading=Reading(**{key: descriptor[key] for key in Reading().as_dict()}),
            device=device,
            on_error="skip" if store.skipped else "stop",
            replace=True,
        )
    exact = open_queries_and_database(folder / "queries", [folder / "database"])
    distances = {
        name: _distances(*stores)
        for name, stores in zip(("queries", "database"), zip(exact, fast, strict=True), strict=True)
    }
    truth = load_groundtruth(groundtruth)
    rankings = {
        mode: rank(*stores, 1, groundtruth, device) for mode, stores in (("exact", exact), ("fast", fast))
    }
    maps = {mode: evaluated(ranking, truth).map for mode, ranking in rankings.items()}
    changes = {
        name: {"exact": 100 * before, "fast": 100 * after, "change": 100 * (after - before)}
        for name, before in maps["exact"].items()
        if before is not None and (after := maps["fast"][name]) is not None
    }
    largest = max((abs(values["change"]) for values in changes.values()), default=0.0)
    if largest > bound:
        raise UserError(
            f"--mode fast changes mAP by {largest:.2f} points on {groundtruth} (at most {bound:g} are allowed): "
            "extract with --mode exact, or give the fast mode another --precision"
        )
    content = {
        "map_percent": changes,
        "largest_change": largest,
        "bound": bound,
        "cosine_distance": distances,
        "record": watch.record(
            "check-fast",
            **facts_of(rankings["fast"]),
            inputs=[
                *given_files(ground_truth=groundtruth),
                *descriptor_inputs("queries", [queries], fast[0]),
                *descriptor_inputs("database", [database], fast[1]),
                file_input("checkpoint", checkpoint, str(descriptor["checkpoint_sha256"])),
            ],
        ).model_dump(),
    }
    write_json(out, content)
    return content


def _settings(descriptor: dict[str, Any]) -> DescriptorSettings:
    given = {key: descriptor[key] for key in DescriptorSettings().as_dict()}
    return DescriptorSettings(**given | {"scales": tuple(given["scales"])})


def _distances(exact: FeatureStore, fast: FeatureStore) -> dict[str, Any]:
    if exact.ids != fast.ids:
        raise UserError(f"{fast.name} describes other images than those that were named: extract them again")
    rows = np.arange(len(exact))
    found = [
        cosine_distance(one, other)
        for part in np.array_split(rows, -(-len(rows) // 1024))
        for one, other in zip(exact[part], fast[part], strict=True)
    ]
    return {"images": len(found), "largest": max(max(found), 0.0), "mean": max(float(np.mean(found)), 0.0)}
