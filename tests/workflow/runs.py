"""A tiny suite and how Snakemake runs it, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]

MINI = {"backbone": "mini", "checkpoint": str(ROOT / "superglobal_core/networks/weights/mini.safetensors")}
TINY = {
    "suite": "tiny",
    "title": "A tiny suite",
    "datasets": {"landmarks": {"synthetic": {"seed": 3, "size": 128, "landmarks": 3, "distractors": 24}}},
    "descriptors": {"mini": {"extract": {**MINI, "scales": [1.0], "regional_gem": False}}},
    "methods": {
        "single-stage": {"reranker": "none", "shortlist": 50},
        "superglobal": {"reranker": "superglobal", "shortlist": 50},
    },
    "places": 50,
    "bootstrap": 100,
}
# The same, with a method by local features, one whose weights are missing, timing, an ablation and indexes.
COMPARED = {
    **TINY,
    "methods": {
        **TINY["methods"],  # type: ignore[dict-item]
        "rootsift": {"reranker": "rootsift-magsac", "shortlist": 5},
        "cvnet": {"label": "CVNet", "reranker": "cvnet-rerank", "shortlist": 5},
    },
    "timing": {"shortlist": 10, "sizes": [5, 20], "queries": 2, "repeats": 3, "budget": 0.2},
    "ablation": {
        "descriptor": "mini",
        "switches": ["query_crop", "inner_normalisation", "junk", "query_neighbour"],
        "exponents": [3.0],
        "thresholds": [],
        "backbones": [{"backbone": "torchvision-resnet50"}],
        "shortlist": 50,
        "grids": {"shortlists": [10, 20], "neighbours": [1, 3], "betas": [0.15]},
        "tuning": [{"tuned_on": "landmarks", "shortlists": [20], "neighbours": [1, 3], "betas": [0.15]}],
    },
    "approximate": {
        "kinds": ["flat-sq8", "ivfpq:nlist=4:nprobe=1/4"],
        "k": 50,
        "shortlist": 50,
        "repeats": 1,
    },
}

Snakemake = Callable[..., subprocess.CompletedProcess[str]]


def command(folder: Path, suite: Path, *arguments: str, root: Path = ROOT) -> list[str]:
    """Return the command that runs a suite in a folder with the workflow and library of `root`."""
    program = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile"), "--cores", "2"]
    return [*program, "--directory", str(folder), "--configfile", str(suite), *arguments]


def environment(root: Path = ROOT) -> dict[str, str]:
    """Return the environment in which the jobs' `superglobal_core` comes from `root`."""
    return {**os.environ, "PYTHONPATH": str(root)}
