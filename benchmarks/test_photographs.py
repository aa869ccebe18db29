"""Spatial verification on real photographs: leave-one-out retrieval among 55 crops of 11 landmarks.

Not ROxford: five crops a landmark, each with the four others as positives, no other images.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from superglobal_core.data.images import read_image
from superglobal_core.evaluation.average_precision import average_precision
from superglobal_core.reranking.local_methods import Means, make_extractor, make_scorer

SHARED = Path(os.environ.get("SUPERGLOBAL_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="the photographs are not here: name their folder in SUPERGLOBAL_SHARED"
)
@pytest.mark.parametrize("model", ["affine", "homography"])
@pytest.mark.parametrize(
    ("method", "kind", "wanted"), [("xfeat-magsac", "xfeat", 90), ("rootsift-magsac", "rootsift", 70)]
)
def test_leave_one_out(
    method: str, kind: str, wanted: float, model: str, benchmark: Any, figure: Callable[..., None]
) -> None:
    paths = sorted((SHARED / "data/photos/query_crops").glob("*.jpg"))
    landmark = np.array([path.stem.rsplit("_", 1)[0] for path in paths])
    weights = SHARED / "data/weights/xfeat.onnx" if kind == "xfeat" else None
    extractor, scorer = (
        make_extractor(kind, Means(weights=weights)),
        make_scorer(method, Means(), model=model),
    )
    images = [scorer.resident(extractor(read_image(path))) for path in paths]

    def score_all() -> np.ndarray:
        return np.stack([scorer.score(query, images) for query in images])

    scores = benchmark.pedantic(score_all, rounds=1, iterations=1)
    found = []
    for query in range(len(paths)):
        others = np.flatnonzero(np.arange(len(paths)) != query)
        order = others[np.argsort(-scores[query, others], kind="stable")]
        found.append(average_precision(np.flatnonzero(landmark[order] == landmark[query])))
    figure(
        f"mAP of leave-one-out, {method}, {model}", 100 * float(np.mean(found)), wanted, "%", at_most=False
    )
