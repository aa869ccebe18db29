"""The weights that come with the package."""

from __future__ import annotations

from pathlib import Path

MINI_CHECKPOINT = Path(__file__).parent / "weights" / "mini.safetensors"
