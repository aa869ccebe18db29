"""The weights that come with the package."""

from __future__ import annotations

from pathlib import Path

MINI_CHECKPOINT = Path(__file__).parent / "weights" / "mini.safetensors"


def shown(checkpoint: str | Path) -> str | Path:
    """Return how a record names weights: those of the package without the folder it is installed in."""
    return MINI_CHECKPOINT.name if Path(checkpoint) == MINI_CHECKPOINT else checkpoint
