"""What of the catalogue is on the disk: data sets, distractors, checkpoints, weights."""

from __future__ import annotations

from pathlib import Path

from superglobal_core.data.catalogue import Catalogue, load_catalogue
from superglobal_core.doctor.findings import Finding
from superglobal_core.networks.shipped import MINI_CHECKPOINT
from superglobal_core.steps.items import items_of

KINDS = {"dataset": "data sets", "checkpoint": "checkpoints", "weights": "weights"}


def data_findings(root: Path, catalogue: Catalogue | None = None) -> list[Finding]:
    """Look for the shipped network and, below `root`, for what the catalogue has."""
    shipped = Finding(
        "mini network",
        MINI_CHECKPOINT.is_file(),
        MINI_CHECKPOINT.name,
        "make it with: superglobal train-mini --out FILE",
    )
    known = load_catalogue() if catalogue is None else catalogue
    return [shipped, *(_of_kind(kind, title, root, known) for kind, title in KINDS.items())]


def _of_kind(kind: str, title: str, root: Path, catalogue: Catalogue) -> Finding:
    names = [entry.name for entry in catalogue.values() if entry.kind == kind]
    there = [name for name in names if all(item.there() for item in items_of(catalogue[name], root, []))]
    lacking = [name for name in names if name not in there]
    found = f"in {root}: {', '.join(there) or 'none'}" + (f"; not {', '.join(lacking)}" if lacking else "")
    advice = f"superglobal download {' '.join(lacking)} --root {root}"
    return Finding(title, not lacking, found, advice, needed=False)
